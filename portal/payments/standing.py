"""How the money of a booking stands: derived from what was paid and returned, and stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.booking.models import BookingState
from portal.ledger.queries import Balance


class PaymentStanding(StrEnum):
    NONE = "none"
    PART = "part"
    PAID = "paid"
    OVER = "over"  # more than the price, or money that found no cabin: staff see to it
    REFUND_DUE = "refund_due"  # money is on its way back
    SETTLED = "settled"  # the booking is over, and nobody owes anything


@dataclass(frozen=True)
class MoneyStanding:
    state: PaymentStanding
    overdue: bool  # what is owed should have been here


def standing(
    state: BookingState, price: int, sums: Balance, pay_by: datetime | None, now: datetime, due: int = 0
) -> MoneyStanding:
    """The payment axis of a booking: a pure function of its sums. price, sums: minor units of one currency.

    due: what should have been here before today of a booking that is paid in parts.
    """
    net = sums.paid + sums.unallocated
    live = state in (BookingState.DRAFT, BookingState.PENDING, BookingState.CONFIRMED)
    owed = price - net if live else 0
    overdue = state is BookingState.PENDING and owed > 0 and pay_by is not None and pay_by <= now
    overdue = overdue or (state is BookingState.CONFIRMED and net < min(due, price))
    if sums.returning:
        return MoneyStanding(PaymentStanding.REFUND_DUE, overdue)
    if not live:
        over = state is BookingState.EXPIRED and net > 0
        touched = sums.came > 0
        over_or_settled = PaymentStanding.OVER if over else PaymentStanding.SETTLED
        return MoneyStanding(over_or_settled if touched else PaymentStanding.NONE, False)
    if net <= 0:
        return MoneyStanding(PaymentStanding.NONE, overdue)
    if net < price:
        return MoneyStanding(PaymentStanding.PART, overdue)
    return MoneyStanding(PaymentStanding.PAID if net == price else PaymentStanding.OVER, False)
