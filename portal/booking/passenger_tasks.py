"""Letters to passengers: their private links, and what is still missing before a deadline."""

from __future__ import annotations

from datetime import date, datetime

from portal.booking.access import link_token, passenger_token
from portal.booking.companions import forget_unused
from portal.booking.filing import end_stale_changes
from portal.booking.labels import FIELDS
from portal.booking.models import ChangeRequest, Passenger
from portal.booking.passenger_pages import Reminder, change_view, due_reminders, passenger_page
from portal.database import db
from portal.kernel.clock import now, real_now, today
from portal.outbox.jobs import each_minute
from portal.outbox.letters import write_letter
from portal.outbox.services import known_mails, on

REMIND_MINUTE = 41


@on("booking.passenger_link_asked")
def send_passenger_link(passenger_id: int, minute: str) -> None:
    """At most one a minute to the same address, and none to a passenger who was taken out meanwhile."""
    passenger = db.session.get(Passenger, passenger_id)
    if passenger is None or not passenger.email:
        return
    page = passenger_page(passenger, now())
    write_letter(
        "booking/passenger_link",
        key=f"passenger.link:{passenger.reference}:{passenger.link_version}:{minute}",
        recipient=passenger.email,
        language=page.language,
        page=page,
        booker=passenger.booking.contact_name,
        token=passenger_token(passenger),
        fields=FIELDS,
    )


@on("booking.change_decided")
def send_decision(request_id: int) -> None:
    """To the passenger who has an address of his own, else to the one who booked."""
    request = db.session.get_one(ChangeRequest, request_id)
    passenger, booking = request.passenger, request.passenger.booking
    recipient = passenger.email or booking.contact_email
    if recipient is None:
        return
    if passenger.email:
        address, token = ("passengers.open_link", passenger.reference), passenger_token(passenger)
    else:
        address, token = ("booking.open_booking", booking.reference), link_token(booking)
    write_letter(
        "booking/change_decided",
        key=f"change.decided:{request.reference}",
        recipient=recipient,
        language=(passenger.language if passenger.email else None) or booking.language,
        page=passenger_page(passenger, now()),
        change=change_view(request),
        address=address,
        token=token,
        fields=FIELDS,
    )


@each_minute
def remind() -> None:
    """Once an hour is enough for what is counted in days."""
    if real_now().minute == REMIND_MINUTE:
        send_reminders(now(), today())
        forget_unused(now())
        end_stale_changes(now())


def send_reminders(moment: datetime, day: date) -> int:
    """Owe the reminders that are due at `moment`, on the office's `day`, and were not written yet; how many."""
    due = due_reminders(moment, day)
    known = known_mails(reminder.key for reminder in due)
    new = [reminder for reminder in due if reminder.key not in known]
    for reminder in new:
        _remind(reminder)
    return len(new)


def _remind(reminder: Reminder) -> None:
    booking, passenger = reminder.booking, reminder.passenger
    if passenger is not None and passenger.email:
        write_letter(
            "booking/passenger_reminder",
            key=reminder.key,
            recipient=passenger.email,
            language=passenger.language or booking.language,
            page=reminder.lacking[0],
            until=reminder.until,
            token=passenger_token(passenger),
            fields=FIELDS,
        )
    elif booking.contact_email:
        write_letter(
            "booking/passengers_reminder",
            key=reminder.key,
            recipient=booking.contact_email,
            language=booking.language,
            name=booking.contact_name,
            reference=booking.reference,
            lacking=reminder.lacking,
            until=reminder.until,
            token=link_token(booking),
            fields=FIELDS,
        )
