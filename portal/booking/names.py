"""How a name may be mended, and what of it, as of every change, stands in the history of the booking."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from portal.audit.services import record
from portal.booking.models import Booking, BookingChange, BookingChangeState, ChangeKind, Passenger
from portal.database import db
from portal.outbox.services import announce

CORRECTABLE_LETTERS = 3  # proposed: more letters than these are another name, and so another person


def write_name(passenger: Passenger, new: tuple[str, str], now: datetime) -> BookingChange:
    """Surname and given names as they are from now on, under the lock of the booking. Announces booking.changed and
    booking.passenger_changed.
    """
    booking, old = passenger.booking, (passenger.surname, passenger.given_names)
    passenger.surname, passenger.given_names = new
    change = BookingChange(
        booking=booking,
        kind=ChangeKind.NAME,
        state=BookingChangeState.APPLIED,
        before={"passenger": passenger.reference, "name": list(old)},
        after={"passenger": passenger.reference, "name": list(new)},
        to_pay_minor=0,
        returned_minor=0,
        kept_minor=0,
        agreed_at=now,
        applied_at=now,
        closed_at=now,
    )
    db.session.add(change)
    db.session.flush()
    record_change(change, booking, None, now)
    announce_change(booking, change)
    return change


def first_name(passenger: Passenger) -> tuple[str, str]:
    """As it was agreed, before any correction: so that many small ones are not another person in the end."""
    for change in db.session.scalars(
        select(BookingChange)
        .where(BookingChange.booking_id == passenger.booking_id, BookingChange.kind == ChangeKind.NAME)
        .order_by(BookingChange.id)
    ):
        if change.before["passenger"] == passenger.reference:
            surname, given_names = change.before["name"]
            return surname, given_names
    return passenger.surname, passenger.given_names


def is_correction(old: tuple[str, str], new: tuple[str, str]) -> bool:
    return new == old[::-1] or letters_between(" ".join(old), " ".join(new)) <= CORRECTABLE_LETTERS


def letters_between(one: str, other: str) -> int:
    """Letters to add, leave out or replace to make the one the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        above, row = row, [number]
        for place, its in enumerate(other, 1):
            row.append(min(above[place] + 1, row[-1] + 1, above[place - 1] + (letter != its)))
    return row[-1]


def record_change(change: BookingChange, booking: Booking, before: BookingChangeState | None, now: datetime) -> None:
    """In the trail of the booking, with what was changed."""
    record(
        f"booking.change_{change.state}",
        subject="change",
        reference=change.reference,
        now=now,
        from_state=before,
        to_state=change.state,
        reason=f"{booking.reference} · {change.kind}",
    )


def announce_change(booking: Booking, change: BookingChange) -> None:
    announce("booking.passenger_changed", booking_id=booking.id)
    announce("booking.changed", change_id=change.id)
