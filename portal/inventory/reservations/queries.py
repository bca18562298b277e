"""A reservation as its agency and the staff see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from portal.catalogue.models import Cabin, PortCall, Sailing
from portal.catalogue.queries import SailingView, sailing_view
from portal.database import db, the_one
from portal.inventory.models import Occupancy, OccupancyState, Reservation, ReservationKind
from portal.kernel.errors import NotFound
from portal.kernel.text import LocalizedText


@dataclass(frozen=True)
class ReservedCabin:
    number: str
    category: LocalizedText
    deck: LocalizedText
    sleeps: int
    state: str  # reserved, held, booked, released, expired


@dataclass(frozen=True)
class ReservationPage:
    id: int
    reference: str
    kind: ReservationKind
    name: str
    email: str
    language: str
    until: datetime
    note: str | None
    sailing: SailingView  # or the part of it that they are kept for
    cabins: tuple[ReservedCabin, ...]

    @property
    def reserved(self) -> tuple[ReservedCabin, ...]:
        """What can still be taken up."""
        return tuple(cabin for cabin in self.cabins if cabin.state == "reserved")


def reservation_by_reference(reference: str) -> Reservation:
    """Raises NotFound."""
    return the_one(select(Reservation).filter_by(reference=reference), reference)


def reservation_page(reservation_id: int, now: datetime) -> ReservationPage:
    """Raises NotFound. Two statements."""
    for page in _pages(Reservation.id == reservation_id, now):
        return page
    raise NotFound(reservation_id)


def reservations_of(sailing_id: int, now: datetime) -> list[ReservationPage]:
    """All of a sailing, those that end first on top. Two statements."""
    return _pages(Reservation.sailing_id == sailing_id, now)


def _pages(condition: ColumnElement[bool], now: datetime) -> list[ReservationPage]:
    rows = db.session.scalars(
        select(Reservation)
        .where(condition)
        .order_by(Reservation.until, Reservation.id)
        .options(
            joinedload(Reservation.sailing).joinedload(Sailing.itinerary),
            joinedload(Reservation.sailing).joinedload(Sailing.calls).joinedload(PortCall.port),
            selectinload(Reservation.occupancies).joinedload(Occupancy.cabin).joinedload(Cabin.category),
            selectinload(Reservation.occupancies).joinedload(Occupancy.cabin).joinedload(Cabin.deck),
            selectinload(Reservation.occupancies).joinedload(Occupancy.part),
        )
    ).unique()
    return [
        ReservationPage(
            id=row.id,
            reference=row.reference,
            kind=row.kind,
            name=row.name,
            email=row.email,
            language=row.language,
            until=row.until,
            note=row.note,
            sailing=sailing_view(row.occupancies[0].voyage if row.occupancies else row.sailing),
            cabins=tuple(_cabin(occupancy, now) for occupancy in row.occupancies),
        )
        for row in rows
    ]


def _cabin(occupancy: Occupancy, now: datetime) -> ReservedCabin:
    cabin = occupancy.cabin
    over = occupancy.overdue_at(now)
    state = OccupancyState.EXPIRED if over else occupancy.state
    return ReservedCabin(cabin.number, cabin.category.name, cabin.deck.name, cabin.sleeps, state.value)


def reserved_occupancy(reservation_id: int, number: str) -> int:
    """The id of a cabin that is still reserved. Raises NotFound."""
    query = select(Occupancy.id).join(Cabin, Cabin.id == Occupancy.cabin_id)
    reserved = (Occupancy.reservation_id == reservation_id, Occupancy.state == OccupancyState.RESERVED)
    return the_one(query.where(*reserved, Cabin.number == number), number)
