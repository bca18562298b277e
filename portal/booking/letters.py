"""Letters to whoever booked, with the link to the booking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.booking.access import link_token
from portal.booking.models import Booking
from portal.booking.queries import BookingPage, booking_page
from portal.outbox.letters import write_letter
from portal.outbox.services import Attachment


def write_to_booker(
    template: str,
    booking: Booking,
    *,
    key: str,
    page: BookingPage | None = None,
    attachments: Sequence[Attachment] = (),
    **context: Any,
) -> None:
    """Owe the mail of `template` once for each `key`, in the booking's language, where an address was given.

    The template gets `page`, asked for unless it is given, and the `token` of the booking's private link.
    """
    page = page or booking_page(booking.id)
    if page.contact_email:
        write_letter(
            template,
            key=key,
            recipient=page.contact_email,
            language=booking.language,
            attachments=attachments,
            page=page,
            token=link_token(booking),
            **context,
        )
