"""Cancelling and postponing a sailing on the pages of staff and guests, without JavaScript."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.models import BookingState
from portal.booking.waiting.models import WaitingEntry
from portal.catalogue.models import SailingState
from portal.database import db
from portal.kernel import clock
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.operations.models import CaseState, Operation, OperationCase
from portal.payments.operations.services import ask_to_move, carry_out
from portal.payments.queries import open_transfer
from portal.payments.services import receive_transfer, start_transfer
from tests.factories import make_account, make_booking, make_fare, make_sailing, make_season, saved

TYPED = {
    "reason_ru": "Ремонт винта",
    "reason_tk": "Winti abatlamak",
    "reason_en": "Repair of the propeller",
    "decide_days": 14,
    "days": 14,
}


@pytest.fixture
def season():
    return make_season()


def book(season, **given):
    moment = clock.now()
    booking = make_booking(season, now=moment, **given)
    start_transfer(booking_id=booking.id, now=moment)
    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=moment)
    return booking


def operator(browser):
    browser.sign_in(make_account(Role.OPERATOR))
    return browser


def preview(browser, season, kind="cancel", **fields):
    page = browser.open(f"/en/staff/sailings/{season.sailing.code}/stop")
    return page.submit(kind=kind, **TYPED | fields)


def stop(browser, season, kind="cancel"):
    return preview(browser, season, kind).submit(code=season.sailing.code, step="confirm").follow()


def letter():
    follow_up()
    return db.session.scalars(
        select(OutgoingMail).where(OutgoingMail.key.startswith("operation:")).order_by(OutgoingMail.id.desc())
    ).first()


def guest(browser, mail):
    """Whoever opens the private link of the letter, in a browser of his own."""
    browser.sign_out()
    page = browser.open(re.search(r"https?://[^/\s]+(/\S+/open/\S+)", mail.text)[1]).follow()
    return page


def test_the_first_step_asks_for_all_that_guests_will_read(browser, season):
    page = preview(operator(browser), season, reason_tk="", kind=None)

    assert page.status == 422
    assert "Please correct 2 things" in page.words


def test_postponing_needs_days(browser, season):
    page = preview(operator(browser), season, "postpone", days="")

    assert page.status == 422
    assert "Please give a number of days." in page.words


def test_the_preview_shows_everything_and_writes_nothing(browser, season):
    booking = book(season, language="ru")
    page = preview(operator(browser), season)

    assert page.status == 200
    for words in ("Confirmed bookings 1", "Persons in them 2", booking.reference, "Русский: 1 letter", "Ремонт винта"):
        assert words in page.words, words
    assert db.session.scalars(select(Operation)).all() == []
    assert db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("operation:"))).all() == []
    assert f"/{booking.reference}/open/00000000" in page.text


def test_a_wrong_code_stops_nothing(browser, season):
    page = preview(operator(browser), season).submit(code="WRONG", step="confirm")

    assert page.status == 422
    assert "This is not the code of the sailing" in page.words
    assert season.sailing.state is SailingState.ON_SALE


def test_what_changed_since_the_preview_is_shown_before_it_is_confirmed(browser, season):
    page = preview(operator(browser), season)
    book(season)

    again = page.submit(code=season.sailing.code, step="confirm")
    done = again.submit(code=season.sailing.code, step="confirm")

    assert again.status == 422
    assert "Confirmed bookings 1" in again.words
    assert done.status == 302


def test_a_sailing_that_meets_another_of_the_ship_is_not_postponed(browser, season):
    make_sailing(season.ship, days_ahead=90 + 14)

    page = preview(operator(browser), season, "postpone").submit(code=season.sailing.code, step="confirm")

    assert page.status == 422
    assert "The ship is on sailing" in page.words


def test_the_board_follows_each_booking_to_the_return_of_its_money(browser, season):
    book(season)
    page = stop(operator(browser), season)
    assert "0 of 1 bookings are settled" in page.words

    carry_out(clock.now())
    follow_up()

    page = browser.open(page.url)
    for words in ("1 of 1 bookings are settled", "letter sent", "return asked for", "Cancelled, money goes back (1)"):
        assert words in page.words, words
    assert "No booking is like this" in browser.open(f"{page.url}?state=failed").words


def test_a_cancelled_cruise_can_be_read_with_its_reason_and_not_be_booked(browser, season):
    twin = make_sailing(season.ship, days_ahead=120)
    twin.itinerary_id = season.sailing.itinerary_id
    saved(twin)
    stop(operator(browser), season)
    browser.sign_out()

    page = browser.open(f"/en/cruises/{season.sailing.code}")

    assert "Repair of the propeller" in page.words
    assert any(link.endswith(f"/cruises/{twin.code}") for link in page.links)
    assert not any(link.endswith("/deck-plan") for link in page.links)
    cabin = browser.open(f"/en/cruises/{season.sailing.code}/cabins/301")
    assert [form for form in cabin.forms if form.in_main and form.method == "post"] == []


def test_a_guest_of_a_cancelled_cruise_reads_what_becomes_of_his_money(browser, season):
    booking = book(season)
    stop(operator(browser), season)
    carry_out(clock.now())

    page = guest(browser, letter())
    assert "This cruise has been cancelled by the operator" in page.words
    change = browser.open(f"/en/bookings/{booking.reference}/sailing-change")

    assert "All your money goes back: 2,000 ₽" in change.words
    assert [form for form in change.forms if form.in_main and form.method == "post"] == []


@pytest.fixture
def postponed(browser, season):
    """The guest's page of choices, after the letter."""
    twin = make_sailing(season.ship, days_ahead=130)
    twin.itinerary_id = season.sailing.itinerary_id
    for cabin in {one.category_id: one for one in season.cabins}.values():
        make_fare(twin, cabin.category)
    saved(twin)
    booking = book(season)
    stop(operator(browser), season, "postpone")
    carry_out(clock.now())
    guest(browser, letter())
    return browser.open(f"/en/bookings/{booking.reference}/sailing-change"), booking, twin


def state():
    db.session.expire_all()
    return db.session.scalars(select(OperationCase.state)).one()


def test_a_guest_of_a_postponed_cruise_must_choose_something(postponed):
    page, _booking, _twin = postponed

    assert page.submit().status == 422
    assert state() is CaseState.TOLD


def test_a_guest_accepts_the_new_dates(postponed):
    page, booking, _twin = postponed

    done = page.submit(choice="accept").follow()

    assert "You travel on the new dates" in done.words
    assert (state(), booking.state) == (CaseState.ACCEPTED, BookingState.CONFIRMED)


def test_a_guest_takes_his_money(postponed):
    page, booking, _twin = postponed
    assert "return all my money, 2,000 ₽" in page.words

    done = page.submit(choice="refund").follow()

    assert "All your money goes back: 2,000 ₽" in done.words
    assert (state(), booking.state) == (CaseState.CANCELLED, BookingState.CANCELLED)


def test_staff_see_who_asks_for_another_cruise(browser, postponed):
    page, _booking, twin = postponed
    case = db.session.scalars(select(OperationCase)).one()

    ask_to_move(case_id=case.id, code=twin.code, now=clock.now())

    assert "You have asked for another cruise" in browser.open(page.url).words
    reference = db.session.scalars(select(Operation.reference)).one()
    board = operator(browser).open(f"/en/staff/operations/{reference}")
    assert twin.code in board.words
    moved = board.submit("/moved").follow()

    assert "Moved to another sailing" in moved.words


def test_the_choice_closes_with_its_day(browser, postponed):
    page, booking, _twin = postponed
    operation = db.session.scalars(select(Operation)).one()
    operation.decide_by = clock.now() - timedelta(minutes=1)
    db.session.commit()

    late = page.submit(choice="accept")

    assert late.status == 422
    assert "This choice is no longer open" in late.words
    assert booking.state is BookingState.CONFIRMED


def test_a_stranger_sees_no_choices_of_others(browser, postponed, app):
    from tests.browser import Browser

    _page, booking, _twin = postponed

    assert Browser(app.test_client()).open(f"/en/bookings/{booking.reference}/sailing-change").status == 404


def test_a_booking_whose_sailing_goes_as_planned_has_nothing_to_choose(browser, season):
    booking = book(season)
    operator(browser)

    assert browser.open(f"/en/bookings/{booking.reference}/sailing-change").status == 404
    assert db.session.scalars(select(WaitingEntry)).all() == []


def test_reviewers_stop_nothing(browser, season):
    browser.sign_in(make_account(Role.REVIEWER))

    assert browser.open(f"/en/staff/sailings/{season.sailing.code}/stop").status == 403
