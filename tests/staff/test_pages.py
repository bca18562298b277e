from datetime import timedelta

import pytest
from sqlalchemy import event, select

from portal.accounts.models import Account, Role
from portal.booking.models import Booking, BookingState
from portal.booking.services import confirm_booking
from portal.database import db
from portal.inventory.services import close_cabin
from portal.kernel.clock import now
from portal.outbox.models import OutboxMessage
from portal.payments.models import Payment, PaymentState
from portal.payments.services import start_transfer
from portal.staff.booking_pages import masked
from portal.staff.paging import PAGE, paging
from tests.factories import NOON, details, make_account, make_booking, make_hold, make_season


@pytest.fixture
def statements(app):
    """Every statement that reaches the database while it is listened to."""
    seen = []

    def note(connection, cursor, statement, *rest):
        if not statement.startswith(("BEGIN", "SAVEPOINT", "PRAGMA")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def a_full_house(bookings=2):
    season = make_season()
    made = [make_booking(season, cabin=cabin, now=now()) for cabin in range(bookings)]
    start_transfer(booking_id=made[0].id, now=now())
    close_cabin(sailing_id=season.sailing.id, cabin_id=season.cabins[3].id, reason="shower", now=now())
    return season, made


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_every_page_opens_in_every_language(browser, language):
    season, made = a_full_house()
    browser.sign_in(make_account(Role.ADMINISTRATOR))
    code = season.sailing.code
    payment = db.session.scalars(select(Payment.reference)).first()

    for path in (
        "",
        "sailings",
        "sailings?state=departed&month=2024-05&page=9",
        f"sailings/{code}",
        f"sailings/{code}/calls",
        f"sailings/{code}/fares",
        f"sailings/{code}/cabins",
        f"sailings/{code}/lists",
        "changes",
        "bookings",
        f"bookings?sailing={code}&state=pending&q=ivan",
        f"bookings/{made[0].reference}",
        "payments",
        f"payments/{payment}",
        "audit",
        "audit?subject=booking&before=3",
        "accounts",
    ):
        assert browser.open(f"/{language}/staff/{path}").status == 200, path


def test_no_page_asks_the_database_more_for_more_rows(browser, statements):
    browser.sign_in(make_account(Role.ADMINISTRATOR))
    counts = []
    for bookings in (1, 3):
        season, made = a_full_house(bookings)
        code = season.sailing.code
        counts.append({})
        for path in (
            "",
            "sailings",
            f"sailings/{code}",
            f"sailings/{code}/calls",
            f"sailings/{code}/fares",
            f"sailings/{code}/cabins",
            "bookings",
            f"bookings/{made[0].reference}",
            "payments",
            "audit",
            "accounts",
        ):
            statements.clear()
            browser.open(f"/en/staff/{path}")
            counts[-1][path.replace(code, "").replace(made[0].reference, "")] = len(statements)

    assert counts[0] == counts[1]
    assert {path: count for path, count in counts[0].items() if count > 8} == {}


def test_what_waits_is_counted_for_those_who_may_see_it(browser):
    a_full_house()

    browser.sign_in(make_account(Role.FINANCE))
    finance = browser.open("/en/staff/").words
    browser.sign_in(make_account(Role.REVIEWER))
    reviewer = browser.open("/en/staff/").words

    assert "Transfers expected 1 2,000" in finance
    assert "Papers to review" not in finance
    assert "Papers to review" in reviewer
    assert "Transfers expected" not in reviewer


def test_a_hold_whose_time_is_over_counts_as_free(browser):
    season = make_season()
    make_hold(season, now=now() - timedelta(hours=1))
    make_hold(season, cabin=1, now=now())
    browser.sign_in(make_account(Role.OPERATOR))

    page = browser.open("/en/staff/sailings")

    assert "0 booked · 1 held · 0 closed · 3 free" in page.words


def test_a_booking_is_shown_also_where_the_ship_came_to_the_first_port_before(browser):
    season = make_season()
    booking = make_booking(season, now=now())
    season.sailing.calls[0].arrives_at = season.sailing.starts_at - timedelta(hours=6)
    db.session.commit()
    browser.sign_in(make_account(Role.OPERATOR))

    page = browser.open(f"/en/staff/bookings/{booking.reference}")

    assert page.status == 200


def test_bookings_are_found_by_reference_surname_and_contact(browser):
    season = make_season()
    mine = make_booking(season, passengers=(details(surname="OREKHOVA"),), now=now())
    other = make_booking(season, cabin=1, now=now())
    browser.sign_in(make_account(Role.OPERATOR))

    def found(q):
        page = browser.open("/en/staff/bookings", query_string={"q": q})
        return {booking.reference for booking in (mine, other) if booking.reference in page.words}

    assert browser.open(f"/en/staff/bookings?q={mine.reference.lower()}").location.endswith(mine.reference)
    assert found("orekh") == {mine.reference}
    assert found("anna@example") == {mine.reference, other.reference}
    assert found("%") == set()


def test_lists_are_paged_and_keep_their_filters(browser):
    season = make_season()
    db.session.add_all(
        Booking(sailing_id=season.sailing.id, language="en", currency="RUB", made_at=NOON) for _ in range(PAGE + 1)
    )
    db.session.commit()
    browser.sign_in(make_account(Role.OPERATOR))

    first = browser.open("/en/staff/bookings?state=draft")
    second = browser.open("/en/staff/bookings?state=draft&page=2")

    assert len(first.find("tr")) == PAGE + 1
    assert len(second.find("tr")) == 2
    assert any(link.endswith("page=2&state=draft") for link in first.links)


def test_document_numbers_are_masked_for_staff(browser):
    season = make_season()
    booking = make_booking(season, passengers=(details(document_number="751234567"),), now=now())
    browser.sign_in(make_account(Role.FINANCE))

    page = browser.open(f"/en/staff/bookings/{booking.reference}")

    assert "•••••4567" in page.words
    assert "751234567" not in page.text
    assert (masked("12345"), masked("123")) == ("•••45", "•••")


def test_money_taken_at_the_desk_is_noted_once(browser):
    booking = make_booking(make_season(), now=now())
    browser.sign_in(make_account(Role.FINANCE))

    desk = f"/en/staff/bookings/{booking.reference}/desk"

    too_much = browser.open(desk).submit(amount="2000.01", tender="cash", receipt="0000417")
    taken = browser.open(desk).submit(amount="2000", tender="terminal", receipt="0000418").follow()
    again = browser.open(desk)

    assert (too_much.status, "all that is open at most" in too_much.words) == (422, True)
    assert "the booking is confirmed" in taken.words
    assert "receipt 0000418" in taken.words
    assert "owes nothing now" in again.words
    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_another_amount_than_the_one_expected_is_not_marked(browser):
    a_full_house()
    browser.sign_in(make_account(Role.FINANCE))
    payment = db.session.scalars(select(Payment)).one()

    refused = browser.open(f"/en/staff/payments/{payment.reference}").submit(amount="1999")

    assert refused.status == 422
    assert refused.find("input", name="amount")[0].get("value") == "1999"
    assert payment.state is PaymentState.OPEN


def test_money_seen_on_the_account_confirms_the_booking_once(browser):
    _season, made = a_full_house()
    browser.sign_in(make_account(Role.FINANCE))
    payment = db.session.scalars(select(Payment)).one()
    page = browser.open(f"/en/staff/payments/{payment.reference}")

    answer = page.submit(amount="2 000").follow()
    again = page.submit(amount="2 000")

    db.session.rollback()
    assert "the booking is confirmed" in answer.words
    assert again.status == 422
    assert made[0].state is BookingState.CONFIRMED
    topics = db.session.scalars(select(OutboxMessage.topic)).all()
    assert topics.count("booking.confirmed") == 1


def test_a_transfer_that_comes_late_is_found_by_its_reference(browser):
    _season, made = a_full_house()
    payment = db.session.scalars(select(Payment)).one()
    payment.state = PaymentState.EXPIRED
    db.session.commit()
    browser.sign_in(make_account(Role.FINANCE))

    assert payment.reference not in browser.open("/en/staff/payments").words
    assert payment.reference in browser.open(f"/en/staff/payments?q={made[0].reference.lower()}").words


def test_the_trail_is_paged_by_id_and_filtered_by_reference(browser):
    season = make_season()
    made = make_booking(season, now=now())
    confirm_booking(booking_id=made.id, now=now())
    browser.sign_in(make_account(Role.ADMINISTRATOR))

    page = browser.open(f"/en/staff/audit?subject=booking&reference={made.reference}")

    assert len(page.find("tr")) == 1 + 3
    assert "Booking confirmed" in page.words
    assert "Awaiting payment → Confirmed" in page.words


def test_an_administrator_opens_shuts_and_opens_a_colleagues_account(browser):
    administrator = make_account(Role.ADMINISTRATOR)
    browser.sign_in(administrator)
    page = browser.open("/en/staff/accounts")

    token = page.forms[-1].values["csrf_token"]
    data = {"csrf_token": token, "name": "Rita", "email": "rita@example.org", "role": "reviewer", "language": "tk"}
    made = browser.request(page.url, method="POST", data=data)
    twice = browser.request(page.url, method="POST", data=data)
    rita = db.session.scalars(select(Account).where(Account.email == "rita@example.org")).one()
    shut = made.follow().submit(f"/accounts/{rita.id}/active").follow()

    db.session.rollback()
    assert made.status == 302
    assert twice.status == 422
    assert 'value="rita@example.org"' in twice.text
    assert "Rita is shut out" in shut.words
    assert not rita.active


def test_nobody_shuts_out_himself(browser):
    administrator = make_account(Role.ADMINISTRATOR)
    browser.sign_in(administrator)
    token = browser.open("/en/staff/accounts").forms[-1].values["csrf_token"]

    browser.request(
        f"/en/staff/accounts/{administrator.id}/active", method="POST", data={"csrf_token": token, "active": "no"}
    )

    db.session.rollback()
    assert administrator.active


def test_customers_are_not_managed_here(browser):
    customer = make_account()
    browser.sign_in(make_account(Role.ADMINISTRATOR))
    token = browser.open("/en/staff/accounts").forms[-1].values["csrf_token"]

    answer = browser.request(
        f"/en/staff/accounts/{customer.id}/active", method="POST", data={"csrf_token": token, "active": "no"}
    )

    db.session.rollback()
    assert answer.status == 404
    assert customer.active


def test_a_page_beyond_the_last_is_the_last():
    assert paging(99, 101).current == 3
    assert paging(-1, 0).current == paging(1, 0).last == 1
