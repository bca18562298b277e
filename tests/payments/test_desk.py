"""Paying at the desk: promised by the guest, taken by staff, given back by hand."""

from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.access import link_token
from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, LedgerEntry
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.errors import MethodNotOffered, WrongAmount
from portal.payments.models import Method, PaymentState, Refund, RefundState, Tender
from portal.payments.refunds import cancel, cancel_preview, confirm_paid_back, send_refunds
from portal.payments.services import DESK_TIME, Way, close_transfers, debt_of, offered_ways, start_desk, take_at_desk
from tests.factories import NOON, announced, make_account
from tests.payments.channels import make_booking_in, payment_of


@pytest.fixture
def without_desk(app):
    place, app.config["DESK_PLACE"] = app.config["DESK_PLACE"], None
    yield
    app.config["DESK_PLACE"] = place


def take(booking: Booking, minor: int, **changes) -> PaymentState:
    given = {
        "amount": Money(minor, booking.currency),
        "tender": Tender.CASH,
        "receipt": "0000417",
        "account": make_account(Role.FINANCE),
        "now": NOON,
    }
    return take_at_desk(booking_id=booking.id, **given | changes)


def test_the_cabin_is_kept_for_a_guest_who_comes_to_the_desk():
    booking = make_booking_in("TMT")

    first = start_desk(booking_id=booking.id, now=NOON)

    assert start_desk(booking_id=booking.id, now=NOON) == first
    assert booking.pay_by == NOON + DESK_TIME
    assert announced().count("payments.desk_awaited") == 1


def test_money_taken_confirms_the_booking_and_lies_at_the_desk():
    booking = make_booking_in("TMT")
    start_desk(booking_id=booking.id, now=NOON)

    state = take(booking, booking.price.minor, tender=Tender.TERMINAL)

    payment = payment_of(booking)
    assert (state, booking.state) == (PaymentState.SUCCEEDED, BookingState.CONFIRMED)
    assert (payment.tender, payment.receipt) == (Tender.TERMINAL, "0000417")
    lies = db.session.scalars(select(LedgerEntry.minor).filter_by(account=LedgerAccount.DESK)).one()
    assert abs(lies) == booking.price.minor
    told = db.session.scalars(select(AuditEntry).filter_by(action="payment.taken")).one()
    assert (told.subject_reference, told.reason) == (payment.reference, "terminal, 0000417")


def test_a_guest_who_promised_nothing_may_pay_all_the_same():
    booking = make_booking_in("RUB")

    take(booking, booking.price.minor)

    assert booking.state is BookingState.CONFIRMED
    assert debt_of(booking, NOON) is None


@pytest.mark.parametrize(
    "amount", [Money(0, "TMT"), Money(6999_99, "TMT"), Money(7000_01, "TMT"), Money(7000_00, "RUB")]
)
def test_no_other_sum_or_currency_is_taken_than_is_owed(amount):
    booking = make_booking_in("TMT")

    with pytest.raises(WrongAmount):
        take(booking, 0, amount=amount)

    assert db.session.get_one(Booking, booking.id).state is BookingState.PENDING


def test_nothing_is_taken_for_a_booking_that_owes_nothing():
    booking = make_booking_in("RUB")
    take(booking, booking.price.minor)

    with pytest.raises(NotPayable):
        take(booking, 1)


def test_the_desk_is_offered_where_there_is_one_for_its_currencies_and_in_time():
    booking = make_booking_in("RUB")
    starts = booking.voyage.starts_at

    assert Way(Method.DESK) in offered_ways(booking.price, starts, NOON)
    assert Way(Method.DESK) not in offered_ways(Money(1, "USD"), starts, NOON)
    assert Way(Method.DESK) not in offered_ways(booking.price, starts, starts - timedelta(days=1))


def test_without_a_desk_nobody_hears_of_one(without_desk):
    booking = make_booking_in("RUB")

    assert Way(Method.DESK) not in offered_ways(booking.price, booking.voyage.starts_at, NOON)
    with pytest.raises(MethodNotOffered):
        start_desk(booking_id=booking.id, now=NOON)


def test_the_guest_reads_where_the_desk_is(browser):
    booking = make_booking_in("TMT", now())
    browser.open(f"/en/bookings/{booking.reference}/open/{link_token(booking)}")

    choice = browser.open(f"/en/bookings/{booking.reference}/pay")
    page = choice.submit(method="desk").follow()
    back = browser.open(f"/en/bookings/{booking.reference}")

    assert "Astrakhan, Marine Terminal, desk 1" in choice.words
    assert "Astrakhan, Marine Terminal, desk 1" in page.words
    assert booking.reference in page.words
    assert "We are waiting for you at our desk" in back.words


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_a_letter_tells_where_to_come_in_the_guests_language(app, language):
    booking = make_booking_in("TMT")
    booking.language = language
    db.session.commit()
    start_desk(booking_id=booking.id, now=NOON)

    follow_up()

    letter = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("payments/desk:"))).one()
    assert letter.language == language
    for part in (letter.text, letter.html):
        assert app.config["DESK_PLACE"][language] in unescape(part)


def test_a_guest_who_does_not_come_is_not_waited_for(app):
    booking = make_booking_in("RUB")
    start_desk(booking_id=booking.id, now=NOON)

    expire_bookings(NOON + DESK_TIME + timedelta(minutes=1))
    close_transfers(NOON + DESK_TIME + timedelta(minutes=1))

    assert payment_of(booking).state is PaymentState.EXPIRED


def test_what_was_taken_by_hand_is_given_back_by_hand():
    booking = make_booking_in("RUB")
    take(booking, booking.price.minor)
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)

    send_refunds(NOON)
    refund = db.session.scalars(select(Refund)).one()
    asked = refund.state
    confirm_paid_back(refund_id=refund.id, account=make_account(Role.FINANCE), now=NOON)

    assert (asked, refund.state) == (RefundState.REQUESTED, RefundState.SUCCEEDED)
    back = db.session.scalars(select(LedgerEntry.minor).filter_by(account=LedgerAccount.DESK)).all()
    assert sum(back) == booking.price.minor - refund.amount_minor
