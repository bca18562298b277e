"""What follows a booking: mails to the one who booked, and the end of holds that ran out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from portal.booking.changes import drop_changes
from portal.booking.documents import calendar_of, voucher_of
from portal.booking.letters import write_to_booker
from portal.booking.models import Booking
from portal.booking.queries import BookingPage, booking_page
from portal.booking.services import expire_bookings
from portal.database import db
from portal.inventory.services import expire_holds
from portal.kernel.clock import now
from portal.outbox.jobs import each_minute
from portal.outbox.services import Attachment, on


@each_minute
def end_what_ran_out() -> None:
    moment = now()
    expire_bookings(moment)
    drop_changes(moment)
    expire_holds(moment)


@on("booking.confirmed")
def send_confirmation(booking_id: int) -> None:
    _write("booking/confirmed", booking_id, attach=(voucher_of, calendar_of))


@on("booking.cabin_assigned")
def send_cabin_number(booking_id: int) -> None:
    """Who bought a category learns the number, and the voucher has it from now on."""
    numbers = ",".join(cabin.number for cabin in booking_page(booking_id).cabins)
    _write("booking/cabin_assigned", booking_id, numbers, attach=(voucher_of,))


@on("booking.placed")
def send_summary(booking_id: int) -> None:
    """The private link, at once: whoever closes the window while paying finds the way back."""
    _write("booking/placed", booking_id)


@on("booking.link_requested")
def send_link(booking_id: int, moment: str) -> None:
    _write("booking/link", booking_id, moment)


Document = Callable[[BookingPage, str], Attachment]


def _write(template: str, booking_id: int, *told: str, attach: Sequence[Document] = ()) -> None:
    """To the one who booked, if he gave an address; once for what is `told`."""
    booking, page = db.session.get_one(Booking, booking_id), booking_page(booking_id)
    key = ":".join([template.replace("/", "."), booking.reference, *told])
    attachments = [document(page, booking.language) for document in attach]
    write_to_booker(template, booking, key=key, page=page, attachments=attachments)
