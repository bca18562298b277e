"""Lists of passengers that were filed with authorities, and what becomes of changes from then on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Account
from portal.audit.services import record
from portal.booking.details import ASKED_FIELDS, Field, Missing, NameField, missing_fields
from portal.booking.errors import AlreadyDecided, NobodyToFile, ReasonMissing, SamePassengerTwice
from portal.booking.models import (
    CHANGE_MOVES,
    BookedCabin,
    Booking,
    BookingState,
    ChangeRequest,
    ChangeState,
    DocumentKind,
    FiledKind,
    FiledList,
    Passenger,
    Sex,
)
from portal.booking.names import write_name
from portal.catalogue.models import Sailing, VoyagePart
from portal.database import column_key, db, transaction
from portal.inventory.models import Occupancy
from portal.kernel.sealing import fingerprint
from portal.kernel.states import move
from portal.outbox.services import announce

# What a filed list says of a passenger and may still be told or changed; all of it, as FAL form 6 has it.
FILED_FIELDS = frozenset(Field)
# Whom each list names: everybody, those whom Turkmenistan invites, Russian citizens who enter Iran as a group.
CITIZENS: dict[FiledKind, tuple[str, bool]] = {
    FiledKind.INVITATION_TM: ("TM", False),
    FiledKind.GROUP_IR: ("RU", True),
}
COUNTRIES: dict[FiledKind, str] = {FiledKind.INVITATION_TM: "TM", FiledKind.GROUP_IR: "IR"}


def kinds_of(sailing: Sailing) -> tuple[FiledKind, ...]:
    """The lists that a sailing needs: that of the ports always, the others where it calls at their country."""
    countries = {call.port.country for call in sailing.calls}
    return tuple(kind for kind in FiledKind if kind not in COUNTRIES or COUNTRIES[kind] in countries)


WITH_PART = (
    joinedload(Passenger.booking)
    .selectinload(Booking.cabins)
    .joinedload(BookedCabin.occupancy)
    .joinedload(Occupancy.part)
)


def to_be_listed(sailing_id: int, *, lock: bool = False) -> Sequence[Passenger]:
    """Everyone in a confirmed booking, by name; with `lock`, no booking of them changes meanwhile."""
    if lock:
        db.session.scalars(
            select(Booking.id)
            .where(Booking.sailing_id == sailing_id, Booking.state == BookingState.CONFIRMED)
            .order_by(Booking.id)
            .with_for_update()
        ).all()
    return db.session.scalars(
        select(Passenger)
        .join(Booking, Booking.id == Passenger.booking_id)
        .where(
            Booking.sailing_id == sailing_id, Booking.state == BookingState.CONFIRMED, Passenger.left_at.is_(None)
        )
        .order_by(Passenger.surname, Passenger.given_names, Passenger.id)
        .options(WITH_PART)
        .execution_options(populate_existing=lock)
    ).all()


def members_of(kind: FiledKind, passengers: Iterable[Passenger]) -> dict[str, str]:
    """Passenger's reference → digest of what a list of this kind says of him, readable by nobody."""
    return {one.reference: _digest(one) for one in passengers if _named_in(kind, one)}


def _named_in(kind: FiledKind, passenger: Passenger) -> bool:
    if kind not in CITIZENS:
        return True
    country, its_own = CITIZENS[kind]
    if all(call.port.country != country for call in passenger.booking.voyage.calls):  # of a part that calls elsewhere
        return False
    return (passenger.citizenship == country) is its_own


def _digest(passenger: Passenger) -> str:
    said = (passenger.surname, passenger.given_names, passenger.birth_date, passenger.citizenship)
    told = (getattr(passenger, field) for field in Field)
    return fingerprint(json.dumps([str(part) if part else None for part in (*said, *told)]), column_key())


def file_list(*, sailing: Sailing, kind: FiledKind, by: Account, now: datetime) -> FiledList:
    """Note that the list of `kind` was handed in as it stands now; an earlier one of the same kind ends.

    From now on a change of FILED_FIELDS of those whom it names is a request. Raises NobodyToFile.
    """
    with transaction() as session:
        members = members_of(kind, to_be_listed(sailing.id, lock=True))
        if not members:
            raise NobodyToFile
        _end(sailing.id, kind, now)
        filed = FiledList(
            sailing_id=sailing.id,
            kind=kind,
            filed_at=now,
            filed_by_id=by.id,
            digest=digest_of(members),
            members=members,
        )
        session.add(filed)
        record("list.filed", subject="sailing", reference=sailing.code, now=now, reason=f"{kind}: {len(members)}")
    return filed


def take_back(*, sailing: Sailing, kind: FiledKind, now: datetime) -> None:
    """The list was called back, so what it said is free to change again; what was asked stays with staff."""
    with transaction():
        if _end(sailing.id, kind, now):
            record("list.taken_back", subject="sailing", reference=sailing.code, now=now, reason=kind.value)


def _end(sailing_id: int, kind: FiledKind, now: datetime) -> bool:
    standing = db.session.scalars(
        select(FiledList).where(
            FiledList.sailing_id == sailing_id, FiledList.kind == kind, FiledList.ended_at.is_(None)
        )
    ).one_or_none()
    if standing is None:
        return False
    standing.ended_at = now
    db.session.flush()
    return True


def digest_of(members: Mapping[str, str]) -> str:
    return fingerprint(json.dumps(sorted(members.items())), column_key())


def standing_lists(sailing_id: int) -> Sequence[FiledList]:
    """The lists of a sailing that are filed now. One statement."""
    return db.session.scalars(
        select(FiledList)
        .where(FiledList.sailing_id == sailing_id, FiledList.ended_at.is_(None))
        .order_by(FiledList.filed_at)
        .options(joinedload(FiledList.filed_by))
    ).all()


def filed_since(passenger: Passenger) -> datetime | None:
    """When a list that names this passenger was first filed; None while everything may still change freely."""
    naming = (one for one in standing_lists(passenger.booking.sailing_id) if passenger.reference in one.members)
    return min((one.filed_at for one in naming), default=None)


@dataclass(frozen=True)
class Wanted:
    """One field of a request, as staff and guest see it."""

    field: NameField | Field
    value: Any


def ask_for_change(passenger: Passenger, wanted: Mapping[str, Any], now: datetime) -> ChangeRequest:
    """Put these values before staff, in the caller's transaction and under the lock of the booking.

    A request that waits already takes them in. Announces booking.change_asked.
    """
    request = open_request(passenger)
    values = {name: _as_json(value) for name, value in wanted.items()}
    if request is None:
        request = ChangeRequest(passenger_id=passenger.id, asked_at=now)
        passenger.changes.append(request)
    else:
        values = json.loads(request.wanted or "{}") | values
    request.wanted = json.dumps(values)
    request.fields = [field.value for field in ASKED_FIELDS if field in values]
    request.asked_at = now
    db.session.flush()
    record(
        "change.asked",
        subject="passenger",
        reference=request.passenger.reference,
        now=now,
        to_state=ChangeState.ASKED,
        reason=", ".join(request.fields),
    )
    announce("booking.change_asked", request_id=request.id)
    return request


def open_request(passenger: Passenger) -> ChangeRequest | None:
    return next((one for one in passenger.changes if one.state is ChangeState.ASKED), None)


def still_missing(passenger: Passenger, voyage: Sailing | VoyagePart) -> tuple[Missing, ...]:
    """What the passenger has neither told nor asked to have put into a filed list."""
    waiting = open_request(passenger)
    asked = set(waiting.fields) if waiting else set()
    return tuple(one for one in missing_fields(passenger, voyage) if one.field not in asked)


def wanted_of(request: ChangeRequest) -> tuple[Wanted, ...]:
    """What is asked for, in the order of the form; nothing once it is decided."""
    values = json.loads(request.wanted or "{}")
    return tuple(Wanted(field, _from_json(field, values[field])) for field in ASKED_FIELDS if field in values)


def accept_change(*, request_id: int, by: Account, now: datetime) -> None:
    """Write what was asked for; the list must be filed again, and its page says so.

    Raises AlreadyDecided or SamePassengerTwice; then nothing is written. Announces booking.passenger_changed and
    booking.change_decided; booking.changed, too, where a name was mended.
    """
    with transaction():
        request = _locked(request_id)
        passenger = request.passenger
        wanted = {one.field: one.value for one in wanted_of(request)}
        surname, given_names = (wanted.pop(field, getattr(passenger, field)) for field in NameField)
        for field, value in wanted.items():
            set_field(passenger, field, value)
        if (surname, given_names) != (passenger.surname, passenger.given_names):
            write_name(passenger, (surname, given_names), now)
        _decide(request, ChangeState.ACCEPTED, by, None, now)
        announce("booking.passenger_changed", booking_id=passenger.booking_id)


def refuse_change(*, request_id: int, by: Account, reason: str, now: datetime) -> None:
    """It stays as it was filed. Raises AlreadyDecided or ReasonMissing. Announces booking.change_decided."""
    if not reason.strip():
        raise ReasonMissing
    with transaction():
        _decide(_locked(request_id), ChangeState.REFUSED, by, reason.strip(), now)


def withdraw_change(*, request_id: int, now: datetime) -> None:
    """Whoever asked thinks better of it. Raises AlreadyDecided."""
    with transaction():
        _decide(_locked(request_id), ChangeState.WITHDRAWN, None, None, now)


def end_stale_changes(now: datetime) -> int:
    """Requests of cruises that have begun, or of bookings given up, wait for nobody any more; how many."""
    with transaction() as session:
        stale = session.scalars(
            select(ChangeRequest.id)
            .join(Passenger)
            .join(Booking, Booking.id == Passenger.booking_id)
            .join(Sailing, Sailing.id == Booking.sailing_id)
            .where(
                ChangeRequest.state == ChangeState.ASKED,
                (Sailing.starts_at <= now)
                | Booking.state.in_([BookingState.CANCELLED, BookingState.EXPIRED])
                | Passenger.left_at.is_not(None),
            )
            .order_by(Booking.id)
        ).all()
        for request_id in stale:
            _decide(_locked(request_id), ChangeState.WITHDRAWN, None, None, now)
    return len(stale)


def set_field(passenger: Passenger, field: str, value: Any) -> None:
    """Write one field, and with a number its fingerprint. Raises SamePassengerTwice."""
    setattr(passenger, field, value)
    if field == Field.DOCUMENT_NUMBER:
        digest = fingerprint(value, column_key())
        if any(other.document_fingerprint == digest for other in passenger.booking.passengers if other != passenger):
            raise SamePassengerTwice
        passenger.document_fingerprint = digest


def _locked(request_id: int) -> ChangeRequest:
    """The request, under the lock of its booking. Raises AlreadyDecided."""
    session = db.session
    session.scalars(
        select(Booking)
        .join(Passenger, Passenger.booking_id == Booking.id)
        .join(ChangeRequest, ChangeRequest.passenger_id == Passenger.id)
        .where(ChangeRequest.id == request_id)
        .with_for_update(of=Booking)
    ).one()
    request = session.get_one(ChangeRequest, request_id, populate_existing=True)
    if request.state is not ChangeState.ASKED:
        raise AlreadyDecided
    return request


def _decide(
    request: ChangeRequest, state: ChangeState, by: Account | None, reason: str | None, now: datetime
) -> None:
    before, decided_by = request.state, by.id if by else None  # read first: reading writes what is half done
    request.state = move(before, state, CHANGE_MOVES)
    request.decided_at = now
    request.decided_by_id = decided_by
    request.reason = reason
    request.wanted = None
    record(
        f"change.{state}",
        subject="passenger",
        reference=request.passenger.reference,
        now=now,
        from_state=before,
        to_state=state,
    )
    if by is not None:
        announce("booking.change_decided", request_id=request.id)


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _from_json(field: NameField | Field, value: str) -> Any:
    readers: dict[NameField | Field, Any] = {
        Field.SEX: Sex,
        Field.DOCUMENT_KIND: DocumentKind,
        Field.DOCUMENT_EXPIRES: date.fromisoformat,
    }
    return readers.get(field, str)(value)
