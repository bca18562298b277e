"""The letter that tells what a cancelled booking has really cost."""

from __future__ import annotations

from portal.booking.access import link_token
from portal.booking.models import Booking
from portal.booking.queries import booking_page
from portal.database import db
from portal.kernel.money import Money
from portal.outbox.letters import write_letter
from portal.outbox.services import on
from portal.payments.cancellations.models import Cancellation


@on("payments.costs_settled")
def tell_of_costs(cancellation_id: int) -> None:
    cancellation = db.session.get_one(Cancellation, cancellation_id)
    booking = db.session.get_one(Booking, cancellation.booking_id)
    page = booking_page(booking.id)
    if page.contact_email:
        costs = Money(cancellation.costs_minor or 0, booking.currency)
        write_letter(
            "payments/costs_settled",
            key=f"payments/costs_settled:{page.reference}",
            recipient=page.contact_email,
            language=booking.language,
            page=page,
            costs=costs,
            returned=cancellation.limit - costs,
            note=cancellation.note,
            token=link_token(booking),
        )
