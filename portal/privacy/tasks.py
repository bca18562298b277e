"""Consents are noted where they were given; those whose day has come are forgotten."""

from __future__ import annotations

from portal.booking.models import Booking
from portal.database import db
from portal.kernel.clock import now, real_now
from portal.outbox.jobs import each_minute
from portal.outbox.services import on
from portal.privacy.models import Purpose
from portal.privacy.services import erase_due, note_consent

ERASE_MINUTE = 41


@on("booking.placed")
def note_booking(booking_id: int) -> None:
    booking = db.session.get_one(Booking, booking_id)
    if booking.consent_version is not None and booking.consent_given_at is not None:
        note_consent(
            purpose=Purpose.BOOKING,
            version=booking.consent_version,
            given_at=booking.consent_given_at,
            booking_id=booking.id,
            account_id=booking.customer_id,
        )


@each_minute
def forget() -> None:
    """Once an hour."""
    if real_now().minute == ERASE_MINUTE:
        erase_due(now())
