"""Paying by bank transfer: awaited, seen by staff, ended."""

from datetime import timedelta

import pytest

from portal.accounts.models import Role
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.money import Money
from portal.payments.bank_days import MARGIN, transfer_due
from portal.payments.errors import AmountNotExpected, MethodNotOffered, NotExpected
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.queries import open_transfer
from portal.payments.services import (
    Way,
    close_transfers,
    offered_ways,
    receive_transfer,
    start_transfer,
)
from tests.factories import NOON, announced, make_account, make_booking, make_hold, make_season


def test_the_cabin_is_kept_until_a_transfer_can_have_come():
    booking = make_booking(make_season())

    first = start_transfer(booking_id=booking.id, now=NOON)

    assert start_transfer(booking_id=booking.id, now=NOON) == first
    assert booking.pay_by == transfer_due(NOON)
    assert open_transfer(booking.id).due == transfer_due(NOON)
    assert announced().count("payments.transfer_awaited") == 1


def test_money_seen_by_staff_confirms_once():
    booking = make_booking(make_season())
    start_transfer(booking_id=booking.id, now=NOON)
    payment_id = open_transfer(booking.id).id
    finance = make_account(Role.FINANCE)

    state = receive_transfer(payment_id=payment_id, account=finance, now=NOON + timedelta(days=2))

    assert state is PaymentState.SUCCEEDED
    assert booking.state is BookingState.CONFIRMED
    assert db.session.get_one(Payment, payment_id).received_by_id == finance.id
    with pytest.raises(NotExpected):
        receive_transfer(payment_id=payment_id, account=finance, now=NOON)


def test_another_amount_on_the_statement_of_the_bank_marks_nothing():
    booking = make_booking(make_season())
    start_transfer(booking_id=booking.id, now=NOON)
    payment = open_transfer(booking.id)

    with pytest.raises(AmountNotExpected):
        receive_transfer(
            payment_id=payment.id, account=make_account(Role.FINANCE), shown=payment.amount - Money(1, "RUB"), now=NOON
        )

    assert db.session.get_one(Payment, payment.id).state is PaymentState.OPEN


def test_a_transfer_is_not_offered_when_money_could_come_too_late():
    season = make_season(days_ahead=10)
    booking = make_booking(season)

    assert Way(Method.TRANSFER) not in offered_ways(booking.price, season.sailing.starts_at, NOON)
    with pytest.raises(MethodNotOffered):
        start_transfer(booking_id=booking.id, now=NOON)
    assert Way(Method.TRANSFER) in offered_ways(booking.price, transfer_due(NOON) + MARGIN, NOON)


def test_an_awaited_transfer_ends_with_its_booking_but_late_money_is_still_taken_note_of():
    season = make_season()
    booking = make_booking(season)
    start_transfer(booking_id=booking.id, now=NOON)
    payment_id = open_transfer(booking.id).id
    later = transfer_due(NOON)
    expire_bookings(later)
    assert close_transfers(later) == 1
    make_hold(season, now=later)

    state = receive_transfer(payment_id=payment_id, account=make_account(Role.FINANCE), now=later)

    assert state is PaymentState.UNALLOCATED
    assert db.session.get_one(Booking, booking.id).state is BookingState.EXPIRED
    assert "payments.unallocated" in announced()
