"""The letter that tells what a cancelled booking has really cost."""

from __future__ import annotations

from portal.booking.letters import write_to_booker
from portal.booking.models import Booking
from portal.database import db
from portal.kernel.money import Money
from portal.outbox.services import on
from portal.payments.cancellations.models import Cancellation


@on("payments.costs_settled")
def tell_of_costs(cancellation_id: int) -> None:
    cancellation = db.session.get_one(Cancellation, cancellation_id)
    booking = db.session.get_one(Booking, cancellation.booking_id)
    costs = Money(cancellation.costs_minor or 0, booking.currency)
    write_to_booker(
        "payments/costs_settled",
        booking,
        key=f"payments/costs_settled:{booking.reference}",
        costs=costs,
        returned=cancellation.limit - costs,
        note=cancellation.note,
    )
