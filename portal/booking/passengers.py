"""What passengers tell after the booking, and the private links by which they do: the only writers of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select

from portal.audit.services import record
from portal.booking.details import Field, LaterDetails, NameField
from portal.booking.errors import AnotherPerson, PassengersClosed
from portal.booking.filing import FILED_FIELDS, ask_for_change, filed_since, open_request, set_field, wanted_of
from portal.booking.models import (
    Booking,
    BookingChange,
    BookingState,
    ChangeRequest,
    Passenger,
)
from portal.booking.names import first_name, is_correction, write_name
from portal.booking.services import plain_number
from portal.database import transaction
from portal.outbox.services import announce

OPEN = (BookingState.PENDING, BookingState.CONFIRMED)


@dataclass(frozen=True)
class Told:
    """What came of it, by names of fields."""

    changed: tuple[str, ...]  # at once
    asked: tuple[str, ...]  # put before staff, for it stands in a list that was filed

    def __bool__(self) -> bool:
        return bool(self.changed or self.asked)


def tell_details(*, passenger_id: int, told: LaterDetails, now: datetime) -> Told:
    """Write what was told, at once; but ask staff for what stands in a list that was filed.

    What is needed can be replaced but not emptied, so that of two who type at once neither wipes the other's answer.
    Raises PassengersClosed or SamePassengerTwice; then nothing is written. Announces booking.passenger_changed and
    booking.change_asked.
    """
    with transaction():
        passenger = _locked(passenger_id, now)
        new = _differences(passenger, told)
        filed = FILED_FIELDS if filed_since(passenger) else frozenset()
        waiting = open_request(passenger)
        asked_before = {one.field.value: one.value for one in wanted_of(waiting)} if waiting else {}
        wanted = {
            name: value for name, value in new.items() if name in filed and asked_before.get(name) != value
        }
        if wanted:
            ask_for_change(passenger, wanted, now)
        changed = tuple(name for name in new if name not in filed)
        for name in changed:
            set_field(passenger, name, new[name])
        if changed:
            record(
                "passenger.changed",
                subject="passenger",
                reference=passenger.reference,
                now=now,
                reason=", ".join(changed),
            )
            announce("booking.passenger_changed", booking_id=passenger.booking_id)
    return Told(changed, tuple(wanted))


def correct_name(
    *, passenger_id: int, surname: str, given_names: str, now: datetime
) -> BookingChange | ChangeRequest | None:
    """Mend how a name is written; free, and at once. None where it stands so already.

    Up to CORRECTABLE_LETTERS letters from what was agreed first, or surname and given names put in each other's place.
    In a list that was filed it is a request to staff, whose answer comes by letter.
    Raises PassengersClosed or AnotherPerson. Announces booking.changed and booking.passenger_changed, or
    booking.change_asked.
    """
    with transaction():
        passenger = _locked(passenger_id, now)
        new = surname.upper(), given_names.upper()
        if new == (passenger.surname, passenger.given_names):
            return None
        if not is_correction(first_name(passenger), new):
            raise AnotherPerson
        if filed_since(passenger) is not None:
            mended = zip(NameField, new, strict=True)
            wanted = {one.value: value for one, value in mended if getattr(passenger, one) != value}
            return ask_for_change(passenger, wanted, now)
        return write_name(passenger, new, now)


def _differences(passenger: Passenger, told: LaterDetails) -> dict[str, Any]:
    """What would change, by name of the field."""
    new = {}
    for one in fields(told):
        value = getattr(told, one.name)
        if one.name == Field.DOCUMENT_NUMBER:
            value = plain_number(value)
        if value in (None, "") and one.name in set(Field):
            continue
        if (value or None) != getattr(passenger, one.name):
            new[one.name] = value or None
    return new


def send_passenger_link(*, passenger_id: int, email: str, language: str, now: datetime) -> None:
    """Owe the passenger a letter with his private link, in his language. Raises PassengersClosed.

    Announces booking.passenger_link_asked; the link is made as the letter is written.
    """
    with transaction():
        passenger = _locked(passenger_id, now)
        passenger.email = email.strip().lower()
        passenger.language = language
        passenger.link_sent_at = now
        record("passenger.link_sent", subject="passenger", reference=passenger.reference, now=now)
        announce("booking.passenger_link_asked", passenger_id=passenger.id, minute=f"{now:%Y%m%d%H%M}")


def renew_passenger_link(*, passenger_id: int, now: datetime) -> None:
    """Make every link of this passenger that was given out void, and whatever it had opened."""
    with transaction():
        passenger = _locked(passenger_id, None)
        passenger.link_version += 1
        passenger.link_sent_at = None
        record("passenger.link_renewed", subject="passenger", reference=passenger.reference, now=now)


def renew_booking_link(*, booking_id: int, now: datetime) -> Booking:
    """Make the private link of a booking void, and owe its contact a new one. Announces booking.link_requested."""
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        booking.link_version += 1
        record("booking.link_renewed", subject="booking", reference=booking.reference, now=now)
        announce("booking.link_requested", booking_id=booking.id, moment=f"version {booking.link_version}")
    return booking


def _locked(passenger_id: int, now: datetime | None) -> Passenger:
    """The passenger, under the lock of the booking; with `now` only while anything can be told for the cruise."""
    with transaction() as session:
        booking = session.scalars(
            select(Booking)
            .join(Passenger, Passenger.booking_id == Booking.id)
            .where(Passenger.id == passenger_id)
            .with_for_update(of=Booking)
        ).one()
        if now is not None and not open_at(booking, now):
            raise PassengersClosed
        passenger = session.get_one(Passenger, passenger_id)
        if now is not None and passenger.left_at is not None:
            raise PassengersClosed
        return passenger


def open_at(booking: Booking, now: datetime) -> bool:
    """Whether passengers can still tell anything: it was agreed, not given up, and his voyage has not begun."""
    return booking.state in OPEN and now < booking.voyage.starts_at
