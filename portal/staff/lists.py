"""What the screens of filed passenger lists and of changes asked for need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.booking.details import Field, NameField, ending, missing_fields
from portal.booking.filing import Wanted, kinds_of, members_of, standing_lists, to_be_listed, wanted_of
from portal.booking.models import Booking, ChangeRequest, ChangeState, FiledKind, Passenger
from portal.catalogue.models import PortCall, Sailing
from portal.database import db, the_one
from portal.kernel.text import LocalizedText

MOST_SHOWN = 100


@dataclass(frozen=True)
class ListRow:
    """One list that a sailing needs, and how what was filed differs from what we know now, in passengers."""

    kind: FiledKind
    passengers: int
    gaps: int
    filed_at: datetime | None
    filed_by: str | None
    changed: int
    new: int
    gone: int

    @property
    def differs(self) -> bool:
        return bool(self.changed or self.new or self.gone)


@dataclass(frozen=True)
class ListsPage:
    code: str
    title: LocalizedText
    zone: str
    rows: tuple[ListRow, ...]


def sailing_of(code: str) -> Sailing:
    """Raises NotFound."""
    whole = (joinedload(Sailing.itinerary), joinedload(Sailing.calls).joinedload(PortCall.port))
    return the_one(select(Sailing).where(Sailing.code == code).options(*whole), code)


def lists_page(code: str) -> ListsPage:
    """Raises NotFound. Three statements."""
    sailing = sailing_of(code)
    passengers = to_be_listed(sailing.id)
    filed = {one.kind: one for one in standing_lists(sailing.id)}
    lacking = {one.reference for one in passengers if missing_fields(one, one.booking.voyage)}
    rows = []
    for kind in kinds_of(sailing):
        members = members_of(kind, passengers)
        standing = filed.get(kind)
        before = standing.members if standing else members
        rows.append(
            ListRow(
                kind=kind,
                passengers=len(members),
                gaps=len(lacking & set(members)),
                filed_at=standing.filed_at if standing else None,
                filed_by=standing.filed_by.name if standing else None,
                changed=sum(before[one] != members[one] for one in set(before) & set(members)),
                new=len(set(members) - set(before)),
                gone=len(set(before) - set(members)),
            )
        )
    return ListsPage(sailing.code, sailing.itinerary.title, sailing.calls[0].port.zone, tuple(rows))


@dataclass(frozen=True)
class ChangeRow:
    id: int
    reference: str
    passenger: str
    booking: str
    sailing: str
    starts_at: datetime
    zone: str
    asked_at: datetime
    wanted: tuple[tuple[Wanted, Any], ...]  # each with what stands now; of a number the end


@dataclass(frozen=True)
class ChangesPage:
    rows: tuple[ChangeRow, ...]
    more: bool


def changes_page() -> ChangesPage:
    """What waits, the next sailing first. Two statements."""
    requests = db.session.scalars(
        select(ChangeRequest)
        .join(ChangeRequest.passenger)
        .join(Passenger.booking)
        .join(Booking.sailing)
        .where(ChangeRequest.state == ChangeState.ASKED)
        .order_by(Sailing.starts_at, ChangeRequest.asked_at, ChangeRequest.id)
        .limit(MOST_SHOWN + 1)
        .options(
            joinedload(ChangeRequest.passenger)
            .joinedload(Passenger.booking)
            .joinedload(Booking.sailing)
            .selectinload(Sailing.calls)
            .joinedload(PortCall.port)
        )
    ).all()
    return ChangesPage(tuple(_row(request) for request in requests[:MOST_SHOWN]), len(requests) > MOST_SHOWN)


def change_id(reference: str) -> int:
    """Raises NotFound."""
    return the_one(select(ChangeRequest.id).where(ChangeRequest.reference == reference), reference)


def _row(request: ChangeRequest) -> ChangeRow:
    passenger, sailing = request.passenger, request.passenger.booking.sailing
    return ChangeRow(
        id=request.id,
        reference=request.reference,
        passenger=passenger.full_name,
        booking=passenger.booking.reference,
        sailing=sailing.code,
        starts_at=sailing.starts_at,
        zone=sailing.calls[0].port.zone,
        asked_at=request.asked_at,
        wanted=tuple((one, _now(passenger, one.field)) for one in wanted_of(request)),
    )


def _now(passenger: Passenger, field: NameField | Field) -> Any:
    value = getattr(passenger, field)
    return ending(value) if field is Field.DOCUMENT_NUMBER else value
