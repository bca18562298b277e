"""What follows a booking: mails to the one who booked, and the end of holds that ran out."""

from __future__ import annotations

from portal.booking.access import link_token
from portal.booking.changes import drop_changes
from portal.booking.documents import calendar, voucher
from portal.booking.models import Booking
from portal.booking.queries import booking_page
from portal.booking.services import expire_bookings
from portal.database import db
from portal.inventory.services import expire_holds
from portal.kernel.clock import now
from portal.outbox.jobs import each_minute
from portal.outbox.letters import write_letter
from portal.outbox.services import Attachment, on


@each_minute
def end_what_ran_out() -> None:
    moment = now()
    expire_bookings(moment)
    drop_changes(moment)
    expire_holds(moment)


@on("booking.confirmed")
def send_confirmation(booking_id: int) -> None:
    booking = db.session.get_one(Booking, booking_id)
    page = booking_page(booking_id)
    if not page.contact_email:
        return
    write_letter(
        "booking/confirmed",
        key=f"booking.confirmed:{booking.reference}",
        recipient=page.contact_email,
        language=booking.language,
        attachments=[
            Attachment(f"voucher-{page.reference}.pdf", "application/pdf", voucher(page, booking.language)),
            Attachment(f"cruise-{page.sailing.code}.ics", "text/calendar", calendar(page, booking.language)),
        ],
        page=page,
        token=link_token(booking),
    )


@on("booking.cabin_assigned")
def send_cabin_number(booking_id: int) -> None:
    """Who bought a category learns the number, and the voucher has it from now on."""
    booking = db.session.get_one(Booking, booking_id)
    page = booking_page(booking_id)
    if page.contact_email:
        write_letter(
            "booking/cabin_assigned",
            key=f"booking.cabin_assigned:{booking.reference}:{','.join(cabin.number for cabin in page.cabins)}",
            recipient=page.contact_email,
            language=booking.language,
            attachments=[
                Attachment(f"voucher-{page.reference}.pdf", "application/pdf", voucher(page, booking.language)),
            ],
            page=page,
            token=link_token(booking),
        )


@on("booking.placed")
def send_summary(booking_id: int) -> None:
    """The private link, at once: whoever closes the window while paying finds the way back."""
    booking = db.session.get_one(Booking, booking_id)
    page = booking_page(booking_id)
    if page.contact_email:
        write_letter(
            "booking/placed",
            key=f"booking.placed:{booking.reference}",
            recipient=page.contact_email,
            language=booking.language,
            page=page,
            token=link_token(booking),
        )


@on("booking.link_requested")
def send_link(booking_id: int, moment: str) -> None:
    booking = db.session.get_one(Booking, booking_id)
    page = booking_page(booking_id)
    if page.contact_email:
        write_letter(
            "booking/link",
            key=f"booking.link:{booking.reference}:{moment}",
            recipient=page.contact_email,
            language=booking.language,
            page=page,
            token=link_token(booking),
        )
