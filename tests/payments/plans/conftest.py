"""Plans that are offered, and bookings that are paid in parts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from portal.booking.models import Booking
from portal.payments.models import PaymentState
from portal.payments.plans.models import PaymentPlan
from portal.payments.plans.services import choose_plan, offer_plan
from portal.payments.queries import open_transfer
from portal.payments.services import receive_transfer, start_transfer
from tests.factories import NOON, SmallSeason, make_account, make_booking


def make_plan(**given: Any) -> PaymentPlan:
    """Thirty per cent at booking, the rest 45 days before the cruise."""
    return offer_plan(
        **{
            "code": "deposit",
            "percent": 30,
            "per_person": None,
            "steps": [{"days": 45, "weight": 1}],
            "lock_percent": 30,
            "mark": "proposed",
            "account": None,
            "now": NOON,
        }
        | given
    )


def in_parts(season: SmallSeason, plan: PaymentPlan | None = None, **given: Any) -> Booking:
    """A booking of 2,000.00 for a cruise in 90 days, to be paid by a plan; it waits for its first 600.00."""
    chosen = plan or make_plan()
    booking = make_booking(season, **given)
    choose_plan(booking_id=booking.id, plan_id=chosen.id, now=NOON)
    return booking


def pay(booking: Booking, *, now: datetime = NOON, whole: bool = False) -> PaymentState:
    """What is asked for comes by transfer."""
    start_transfer(booking_id=booking.id, whole=whole, now=now)
    return receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(), now=now)
