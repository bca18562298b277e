"""A guest asks his bank to take his payment back: seen, kept, and never paid a second time."""

import time

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.models import Booking, BookingState
from portal.database import db
from portal.kernel.money import Money
from portal.payments.errors import NotExpected
from portal.payments.inbox import handle_events
from portal.payments.models import Dispute
from portal.payments.providers.base import DisputeStatus
from portal.payments.refunds import cancel_preview, return_part
from portal.payments.services import reconcile
from sandbox import disputes as bank
from tests.factories import NOON, announced, make_account, make_booking, make_season
from tests.payments.test_card import send_events, start

DISPUTED = "4000 0000 0000 0259"


def disputed(browser, provider) -> Booking:
    """A booking that is paid and confirmed, and whose guest has asked his bank for the money."""
    booking = make_booking(make_season(days_ahead=90))
    provider.pay(start(booking), DISPUTED)
    reconcile(NOON)
    send_events(browser, provider)
    handle_events(NOON)
    return db.session.get_one(Booking, booking.id)


def dispute() -> Dispute:
    db.session.expire_all()
    return db.session.scalars(select(Dispute)).one()


def decide(browser, provider, *, won: bool) -> None:
    with provider.services.store.writing() as state:
        bank.decide(state, dispute().provider_id, won=won, now=time.time())
    send_events(browser, provider)
    handle_events(NOON)


def test_a_dispute_is_kept_with_the_day_by_which_to_answer(provider, browser):
    booking = disputed(browser, provider)

    assert booking.state is BookingState.CONFIRMED
    assert (dispute().state, dispute().amount) == (DisputeStatus.ANSWER_NEEDED, booking.price)
    assert dispute().answer_by is not None
    assert dispute().withdrawn
    assert announced().count("payments.disputed") == 1
    assert db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "dispute")).all() == [
        "dispute.answer_needed"
    ]


def test_events_of_a_dispute_that_come_again_change_nothing(provider, browser):
    disputed(browser, provider)

    send_events(browser, provider)
    handle_events(NOON)

    assert announced().count("payments.disputed") == 1


@pytest.mark.parametrize(("won", "state"), [(True, DisputeStatus.WON), (False, DisputeStatus.LOST)])
def test_the_bank_decides(provider, browser, won, state):
    disputed(browser, provider)
    with provider.services.store.writing() as books:
        bank.review(books, dispute().provider_id, now=time.time())
    send_events(browser, provider)
    handle_events(NOON)
    assert dispute().state is DisputeStatus.REVIEW

    decide(browser, provider, won=won)

    assert dispute().state is state
    assert dispute().settled_at == NOON


@pytest.mark.parametrize(("won", "returned"), [(True, Money(2000_00, "RUB")), (False, Money(0, "RUB"))])
def test_money_that_the_bank_has_given_back_is_not_returned_again(provider, browser, won, returned):
    booking = disputed(browser, provider)
    assert cancel_preview(booking.id, NOON).today.returned == Money(0, "RUB")

    decide(browser, provider, won=won)

    assert cancel_preview(booking.id, NOON).today.returned == returned
    if not won:
        with pytest.raises(NotExpected):
            return_part(booking, Money(1, "RUB"), NOON)


def test_staff_and_guest_see_it(provider, browser):
    booking = disputed(browser, provider)
    browser.sign_in(make_account(Role.FINANCE))

    staff = browser.open("/en/staff/payments")

    assert dispute().reference in staff.text
    assert "Answer the bank" in staff.text
    assert dispute().reference in browser.open(f"/en/staff/bookings/{booking.reference}").text
