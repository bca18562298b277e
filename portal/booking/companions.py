"""People with whom a customer travels: remembered with consent, used to fill in forms, forgotten when unused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from portal.booking.details import LaterDetails, ending
from portal.booking.errors import CompanionKnown, ListFull
from portal.booking.models import Companion, Passenger
from portal.booking.services import PassengerDetails, plain_number
from portal.database import column_key, db, the_one, transaction
from portal.kernel.clock import real_now
from portal.kernel.sealing import fingerprint

MOST = 40  # a family and its friends; an agency keeps its lists elsewhere
UNUSED = timedelta(days=2 * 365)  # proposed: whoever does not travel in two years types it again


@dataclass(frozen=True)
class CompanionView:
    """One line of the list; of the document only the end."""

    reference: str
    full_name: str
    local_name: str | None
    citizenship: str
    document_ending: str | None


def companions_of(account_id: int) -> tuple[CompanionView, ...]:
    """By name. One statement."""
    rows = db.session.scalars(
        select(Companion)
        .where(Companion.account_id == account_id)
        .order_by(Companion.surname, Companion.given_names, Companion.id)
    )
    return tuple(
        CompanionView(
            one.reference,
            one.full_name,
            " ".join(part for part in (one.local_surname, one.local_given_names) if part) or None,
            one.citizenship,
            ending(one.document_number),
        )
        for one in rows
    )


def companion_of(account_id: int, reference: str) -> Companion:
    """Raises NotFound, for another's as for one that is not there."""
    return the_one(
        select(Companion).where(Companion.account_id == account_id, Companion.reference == reference), reference
    )


def use_companion(*, account_id: int, reference: str, now: datetime) -> dict[str, Any]:
    """What is known of somebody in the list, for the fields of a booking's form. Raises NotFound."""
    with transaction():
        companion = companion_of(account_id, reference)
        companion.used_at = now
        return as_typed(companion)


def as_typed(companion: Companion) -> dict[str, Any]:
    """For the fields of a form, as if the customer had typed it."""
    return {name: getattr(companion, name) for name in PassengerDetails.__dataclass_fields__}


def add_companion(*, account_id: int, person: PassengerDetails, now: datetime) -> Companion:
    """Raises CompanionKnown or ListFull; then nothing is written."""
    with transaction() as session:
        _check_room(account_id, 1)
        companion = Companion(account_id=account_id, consented_at=real_now(), used_at=now)
        _describe(companion, person)
        session.add(companion)
        _flush()
    return companion


def change_companion(*, companion: Companion, person: PassengerDetails, now: datetime) -> None:
    """Raises CompanionKnown; then nothing is written. Without a number the one that is known stays."""
    with transaction():
        known = companion.document_number
        _describe(companion, person)
        companion.document_number = companion.document_number or known
        companion.used_at = now
        _flush()


def forget_companion(*, companion: Companion) -> None:
    with transaction() as session:
        session.delete(companion)


def remember_passengers(*, account_id: int, passengers: Iterable[Passenger], now: datetime) -> int:
    """Take these into the list, or complete those who stand in it already; how many are new.

    Only as many as the list has room for. Whoever calls has asked for the consent.
    """
    with transaction() as session:
        known = {
            one.person: one
            for one in session.scalars(select(Companion).where(Companion.account_id == account_id).with_for_update())
        }
        new = 0
        for passenger in passengers:
            told = {name: getattr(passenger, name) for name in PassengerDetails.__dataclass_fields__}
            person = PassengerDetails(**told)
            companion = known.get(_person(person))
            if companion is None:
                if len(known) >= MOST:
                    break
                companion = Companion(account_id=account_id, consented_at=real_now())
                session.add(companion)
                known[_person(person)] = companion
                new += 1
                _describe(companion, person)
            else:
                _complete(companion, person)
            companion.used_at = now
    return new


def learn(*, account_id: int, passenger: Passenger, told: LaterDetails, now: datetime) -> None:
    """What the customer told of a passenger whom the list knows goes there, too; strangers are not taken in."""
    with transaction() as session:
        person = _person(passenger)
        companion = session.scalars(
            select(Companion).where(Companion.account_id == account_id, Companion.person == person)
        ).one_or_none()
        if companion is not None:
            _complete(companion, told)
            companion.used_at = now


def forget_unused(now: datetime) -> int:
    """Everybody whom nobody took into a booking for UNUSED; how many."""
    with transaction() as session:
        old = session.scalars(select(Companion.id).where(Companion.used_at < now - UNUSED)).all()
        session.execute(delete(Companion).where(Companion.id.in_(old)))
    return len(old)


def _person(one: PassengerDetails | Passenger) -> str:
    return fingerprint(f"{one.surname} {one.given_names} {one.birth_date}".upper(), column_key())


def _describe(companion: Companion, person: PassengerDetails) -> None:
    for name, value in asdict(person).items():
        setattr(companion, name, value or None)
    companion.surname = person.surname.upper()
    companion.given_names = person.given_names.upper()
    companion.document_number = plain_number(person.document_number)
    companion.person = _person(person)


def _complete(companion: Companion, told: LaterDetails) -> None:
    """Take over what is there; what is empty takes nothing away."""
    for name, value in asdict(told).items():
        if value and name not in ("surname", "given_names", "birth_date"):
            setattr(companion, name, plain_number(value) if name == "document_number" else value)


def _check_room(account_id: int, more: int) -> None:
    count = db.session.scalar(select(func.count()).select_from(Companion).where(Companion.account_id == account_id))
    if (count or 0) + more > MOST:
        raise ListFull


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as known_already:
        raise CompanionKnown from known_already
