"""What a list says of a passenger, its digest and signature, and how two versions differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from portal.booking.models import Passenger
from portal.database import column_key
from portal.kernel.sealing import fingerprint
from portal.visas.cases.models import VisaList


@dataclass(frozen=True)
class Row:
    """One passenger as a list has him, in both scripts; days in ISO 8601. photo: reference of the stored file."""

    passenger: str
    surname: str
    given_names: str
    local_surname: str | None
    local_given_names: str | None
    patronymic: str | None
    birth_date: str
    birth_place: str | None
    sex: str | None
    citizenship: str
    document_number: str | None
    document_expires: str | None
    photo: str | None = None


def row_of(passenger: Passenger, photo: str | None = None) -> Row:
    return Row(
        passenger=passenger.reference,
        surname=passenger.surname,
        given_names=passenger.given_names,
        local_surname=passenger.local_surname,
        local_given_names=passenger.local_given_names,
        patronymic=passenger.patronymic,
        birth_date=passenger.birth_date.isoformat(),
        birth_place=passenger.birth_place,
        sex=passenger.sex.value if passenger.sex else None,
        citizenship=passenger.citizenship,
        document_number=passenger.document_number,
        document_expires=passenger.document_expires.isoformat() if passenger.document_expires else None,
        photo=photo,
    )


def written(rows: Sequence[Row]) -> str:
    """The same text for the same rows."""
    return json.dumps([asdict(row) for row in rows], ensure_ascii=False, sort_keys=True)


def read(text: str) -> tuple[Row, ...]:
    rows: list[Mapping[str, Any]] = json.loads(text)
    return tuple(Row(**row) for row in rows)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def signature_of(of: VisaList) -> str:
    """By a key that only the portal has: a list that was altered anywhere no longer fits it."""
    said = [of.sailing_id, of.kind.value, of.number, of.version, of.digest]
    return fingerprint(f"list {json.dumps(said)}", column_key())


def genuine(of: VisaList) -> bool:
    """Nobody has altered it since it was frozen; what was forgotten after the cruise is judged by its digest."""
    untouched = of.rows is None or digest_of(of.rows) == of.digest
    return untouched and signature_of(of) == of.signature


@dataclass(frozen=True)
class Difference:
    """What a newer version says otherwise; passengers by their names in Latin letters."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[tuple[str, tuple[str, ...]], ...]  # who, and which fields of Row

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.changed)


def difference(before: Sequence[Row], after: Sequence[Row]) -> Difference:
    old, new = ({row.passenger: row for row in rows} for rows in (before, after))
    return Difference(
        new=tuple(_name(row) for row in after if row.passenger not in old),
        gone=tuple(_name(row) for row in before if row.passenger not in new),
        changed=tuple(
            (_name(row), other)
            for row in after
            if row.passenger in old and (other := _otherwise(old[row.passenger], row))
        ),
    )


def _otherwise(before: Row, after: Row) -> tuple[str, ...]:
    return tuple(one.name for one in fields(Row) if getattr(before, one.name) != getattr(after, one.name))


def _name(row: Row) -> str:
    return f"{row.surname} {row.given_names}"
