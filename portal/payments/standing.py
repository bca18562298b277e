"""How the money of a booking stands: derived from what was paid and returned, and stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from portal.booking.models import Booking, BookingState
from portal.payments.models import Payment, PaymentState, Refund, RefundState


class PaymentStanding(StrEnum):
    NONE = "none"
    PART = "part"
    PAID = "paid"
    OVER = "over"  # more than the price, or money that found no cabin: staff see to it
    REFUND_DUE = "refund_due"  # money is on its way back
    SETTLED = "settled"  # the booking is over, and nobody owes anything


@dataclass(frozen=True)
class Sums:
    """Minor units of one booking, by what became of them."""

    received: int  # counted to the price
    unallocated: int  # found no cabin
    returned: int  # gone back, or going
    returning: int  # of these, not arrived yet


@dataclass(frozen=True)
class MoneyStanding:
    state: PaymentStanding
    overdue: bool  # what is owed should have been here


def standing(state: BookingState, price: int, sums: Sums, pay_by: datetime | None, now: datetime) -> MoneyStanding:
    """The payment axis of a booking: a pure function of its sums. price, sums: minor units of one currency."""
    net = sums.received + sums.unallocated - sums.returned
    live = state in (BookingState.DRAFT, BookingState.PENDING, BookingState.CONFIRMED)
    owed = price - net if live else 0
    overdue = state is BookingState.PENDING and owed > 0 and pay_by is not None and pay_by <= now
    if sums.returning:
        return MoneyStanding(PaymentStanding.REFUND_DUE, overdue)
    if not live:
        over = state is BookingState.EXPIRED and net > 0
        touched = sums.received + sums.unallocated > 0
        over_or_settled = PaymentStanding.OVER if over else PaymentStanding.SETTLED
        return MoneyStanding(over_or_settled if touched else PaymentStanding.NONE, False)
    if net <= 0:
        return MoneyStanding(PaymentStanding.NONE, overdue)
    if net < price:
        return MoneyStanding(PaymentStanding.PART, overdue)
    return MoneyStanding(PaymentStanding.PAID if net == price else PaymentStanding.OVER, False)


def sums_columns(booking_id: ColumnElement[int] | InstrumentedAttribute[int]) -> tuple[ColumnElement[int], ...]:
    """The four figures of Sums for one booking, as parts of a statement that names it."""

    def paid(state: PaymentState) -> ColumnElement[int]:
        rows = select(func.coalesce(func.sum(Payment.amount_minor), 0)).where(
            Payment.booking_id == booking_id, Payment.state == state
        )
        return rows.correlate(Booking).scalar_subquery()

    def back(*states: RefundState) -> ColumnElement[int]:
        amount = case((Refund.state.in_(states), Refund.amount_minor), else_=0)
        rows = (
            select(func.coalesce(func.sum(amount), 0))
            .join(Payment, Payment.id == Refund.payment_id)
            .where(Payment.booking_id == booking_id)
        )
        return rows.correlate(Booking).scalar_subquery()

    going = (RefundState.REQUESTED, RefundState.SENT)
    return (
        paid(PaymentState.SUCCEEDED),
        paid(PaymentState.UNALLOCATED),
        back(*going, RefundState.SUCCEEDED),
        back(*going),
    )
