"""The pages of paying in parts, without JavaScript, in the guest's words and in those of staff."""

from __future__ import annotations

from datetime import timedelta

import pytest
from icalendar import Calendar

from portal.accounts.models import Role
from portal.booking.documents import calendar, voucher
from portal.booking.models import Booking, BookingState
from portal.booking.queries import booking_page
from portal.database import db, transaction
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.plans.live import live_plan
from portal.payments.plans.models import PlanPart
from portal.payments.plans.services import choose_plan
from portal.payments.plans.tasks import remind
from tests.booking.test_documents import read
from tests.factories import make_account, make_booking, make_season
from tests.payments.plans.conftest import make_plan, pay


@pytest.fixture
def booking(browser):
    customer = make_account()
    browser.sign_in(customer)
    make_plan(now=now())
    return make_booking(make_season(), customer=customer, now=now())


def page_of(booking, path=""):
    return f"/en/bookings/{booking.reference}{path}"


def confirm(booking):
    choose_plan(booking_id=booking.id, plan_id=live_offer(booking), now=now())
    pay(booking, now=now())


def live_offer(booking):
    from portal.payments.plans.live import offers

    return offers(booking, now())[0].plan_id


def make_late(booking):
    """The second part was due three days ago."""
    with transaction() as session:
        for part, due in zip(live_rows(booking), (40, 3), strict=True):
            session.get_one(PlanPart, part.id).due = (now() - timedelta(days=due)).date()


def live_rows(booking):
    return db.session.query(PlanPart).filter_by(booking_plan_id=live_plan(booking.id).id).order_by(PlanPart.position)


def test_each_choice_says_its_days_its_sums_and_when_the_price_is_locked(browser, booking):
    page = browser.open(page_of(booking, "/pay"))

    assert "This price is kept for you until" in page.words
    assert "Pay all at once The price is locked as soon as you have paid." in page.words
    assert "600 ₽ now, the rest by" in page.words
    assert "The price is locked with the first payment. These days are proposed by the operator." in page.words


def test_the_first_part_is_invoiced_and_confirms(browser, booking):
    key = f"plan-{live_offer(booking)}"

    done = browser.open(page_of(booking, "/pay")).submit(much=key, method="transfer")

    assert done.status == 303
    assert "600 ₽" in done.follow().words
    pay(booking, now=now())
    page = browser.open(page_of(booking))
    assert "Paid in part" in page.words
    assert "1,400 ₽ open" in page.words
    assert "The booking is paid" not in page.words


def test_who_chooses_nothing_is_asked_to_choose(browser, booking):
    refused = browser.open(page_of(booking, "/pay")).submit(much="", method="transfer")

    assert refused.status == 422
    assert "choose how much you would like to pay now" in refused.words


def test_the_next_part_or_all_is_paid_from_the_page_of_the_booking(browser, booking):
    make_plan(steps=[{"days": 60, "weight": 1}, {"days": 45, "weight": 1}], now=now())
    confirm(booking)
    assert any(link.endswith("/pay") for link in browser.open(page_of(booking)).links)

    page = browser.open(page_of(booking, "/pay"))
    part = page.submit(much="part", method="transfer").follow()
    everything = browser.open(page_of(booking, "/pay")).submit(much="all", method="transfer").follow()

    assert "The next part of the price" in page.words
    assert "700 ₽" in part.words
    assert "1,400 ₽" in everything.words


def test_an_overdue_part_is_told_plainly_and_can_still_be_paid(browser, booking):
    confirm(booking)
    make_late(booking)

    page = browser.open(page_of(booking))

    assert "A part of the price is overdue" in page.words
    assert "nothing is cancelled without a word with you" in page.words
    assert browser.open(page_of(booking, "/pay")).status == 200


def test_papers_of_a_booking_in_parts_do_not_call_it_paid(booking):
    confirm(booking)
    page = booking_page(booking.id)

    paper = read(voucher(page, "en"))

    assert "Paying in parts" in paper
    assert "Still open 1,400" in paper
    events = Calendar.from_ical(calendar(page, "en")).walk("VEVENT")
    assert any("".join(event["summary"].split()).startswith("Pay1,400₽") for event in events)


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_letters_of_parts_are_written_in_the_language_of_the_booking(booking, language):
    with transaction() as session:
        session.get_one(Booking, booking.id).language = language
    confirm(booking)

    remind(now() + timedelta(days=46))
    pay(booking, now=now())
    follow_up()

    sent = {mail.key.split(":")[0]: mail for mail in db.session.query(OutgoingMail)}
    for word in ("payments/part_due", "payments/part_received"):
        assert sent[word].language == language
        assert booking.reference in sent[word].text
        assert "/open/" in sent[word].text


def test_staff_see_overdue_parts_and_give_more_time(browser, booking):
    confirm(booking)
    make_late(booking)
    browser.sign_in(make_account(Role.FINANCE))
    assert "Overdue parts 1" in browser.open("/en/staff/").words
    assert booking.reference in browser.open("/en/staff/payments").words
    assert "overdue" in browser.open("/en/staff/bookings").words

    page = browser.open(f"/en/staff/bookings/{booking.reference}/parts")
    until = (now() + timedelta(days=9)).date()
    done = page.submit(form="parts", until=until.isoformat(), note="Asked for a week").follow()

    assert "The guest has more time" in done.words
    assert "Asked for a week" in done.words
    assert live_plan(booking.id).parts[-1].due == until


def test_staff_cancel_upon_the_sums_they_saw(browser, booking):
    confirm(booking)
    make_late(booking)
    browser.sign_in(make_account(Role.FINANCE))
    page = browser.open(f"/en/staff/bookings/{booking.reference}/parts")

    refused = page.submit(form="arrears")
    done = page.submit(form="arrears", sure=True)

    assert refused.status == 422
    assert done.status == 302
    assert db.session.get_one(Booking, booking.id).state is BookingState.CANCELLED


def test_the_operator_makes_a_plan_its_next_version_and_ends_it(browser):
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open("/en/staff/plans")
    typed = {"code": "slow", "percent": "10", "steps": "90 x2\n2024-03-01\n45", "lock_percent": "30"}

    done = page.submit(form="new", **typed).follow()
    browser.open("/en/staff/plans").submit(form="new", **typed | {"percent": "20"})

    assert "slow version 1 10 % 90 days before the cruise ×2" in done.words
    page = browser.open("/en/staff/plans")
    assert "slow version 2 20 %" in page.words
    assert "No plan is offered" in page.submit(form="/end").follow().words


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"steps": "soon"}, "neither a number of days"),
        ({"steps": "2024-02-31"}, "neither a number of days"),
        ({"percent": ""}, "Give either a percentage or a sum"),
        ({"code": "Große"}, "small Latin letters"),
        ({"sailing": "PV99-99"}, "There is no sailing with this code"),
        ({"steps": "45\n" * 25}, "1 to 24 later parts"),
    ],
)
def test_a_plan_that_cannot_be_says_what_to_mend(browser, typed, said):
    browser.sign_in(make_account(Role.OPERATOR))

    refused = browser.open("/en/staff/plans").submit(
        form="new", **{"code": "slow", "percent": "10", "steps": "45", "lock_percent": "30"} | typed
    )

    assert refused.status == 422
    assert said in refused.words
