"""Sailings and their cabins as staff see them, each page fetched in a few statements however many rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal.audit.models import AuditEntry
from portal.booking.models import BookedCabin, Booking, BookingState, Passenger
from portal.catalogue.models import Cabin, Category, Deck, PortCall, Sailing, SailingState, VoyagePart
from portal.catalogue.queries import sailing_with_calls
from portal.database import db
from portal.inventory.models import FOR_A_TIME, Occupancy, OccupancyState, Reservation
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.text import LocalizedText
from portal.staff.audit_pages import TrailEntry, trail_of
from portal.staff.paging import PAGE, Paging, Rows, paging


@dataclass(frozen=True)
class Load:
    """Cabins of a sailing by what they are; together they are all cabins of the ship."""

    free: int
    held: int
    booked: int
    closed: int

    @property
    def cabins(self) -> int:
        return self.free + self.held + self.booked + self.closed

    @property
    def booked_percent(self) -> int:
        return round(100 * self.booked / self.cabins) if self.cabins else 0


@dataclass(frozen=True)
class SailingRow:
    code: str
    title: LocalizedText
    embark: LocalizedText
    embark_zone: str
    disembark: LocalizedText
    starts_at: datetime
    ends_at: datetime
    state: SailingState
    departed: bool
    on_sale: bool
    sales_close_at: datetime
    load: Load


@dataclass(frozen=True)
class SailingFilters:
    """As they stand in the address: state one of "on_sale", "closed", "departed", "draft", "postponed", "cancelled"."""

    state: str | None = None
    month: str | None = None  # "2024-05"


@dataclass(frozen=True)
class SailingsPage:
    rows: tuple[SailingRow, ...]
    paging: Paging
    filters: SailingFilters
    months: tuple[date, ...]


def sailings_page(filters: SailingFilters, page: int, now: datetime) -> SailingsPage:
    """Six statements. Months are those of the calendar where the operator sits."""
    starts = db.session.scalars(select(Sailing.starts_at).order_by(Sailing.starts_at)).all()
    months = tuple(dict.fromkeys(_month(moment) for moment in starts))
    chosen = _sailings_where(select(Sailing), filters, now)
    total = db.session.scalar(_sailings_where(select(func.count(Sailing.id)), filters, now)) or 0
    at = paging(page, total)
    rows = sailing_rows(chosen.order_by(Sailing.starts_at, Sailing.id).limit(PAGE).offset(at.offset), now)
    return SailingsPage(rows, at, filters, months)


def _sailings_where(query: Rows, filters: SailingFilters, now: datetime) -> Rows:
    if filters.month:
        first = datetime.fromisoformat(f"{filters.month}-01").replace(tzinfo=ZoneInfo(OFFICE_ZONE))
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        query = query.where(Sailing.starts_at >= first, Sailing.starts_at < after)
    match filters.state:
        case "departed":
            return query.where(Sailing.starts_at <= now, Sailing.state != SailingState.CANCELLED)
        case "on_sale":
            return query.where(Sailing.state == SailingState.ON_SALE, Sailing.sales_close_at > now)
        case "closed":
            over = and_(Sailing.state == SailingState.ON_SALE, Sailing.sales_close_at <= now)
            return query.where(or_(Sailing.state == SailingState.CLOSED, over), Sailing.starts_at > now)
        case "draft" | "postponed" | "cancelled":
            return query.where(Sailing.state == SailingState(filters.state))
    return query


def _month(moment: datetime) -> date:
    return day_of(moment, OFFICE_ZONE).replace(day=1)


def sailing_rows(query: Select[Sailing], now: datetime) -> tuple[SailingRow, ...]:
    """Four statements: sailings, calls, cabins of ships, cabins taken."""
    sailings = db.session.scalars(
        query.options(joinedload(Sailing.itinerary), selectinload(Sailing.calls).joinedload(PortCall.port))
    ).all()
    loads = _loads(sailings, now)
    return tuple(_sailing_row(sailing, loads[sailing.id], now) for sailing in sailings)


def _sailing_row(sailing: Sailing, load: Load, now: datetime) -> SailingRow:
    first, last = sailing.calls[0].port, sailing.calls[-1].port
    return SailingRow(
        code=sailing.code,
        title=sailing.itinerary.title,
        embark=first.name,
        embark_zone=first.zone,
        disembark=last.name,
        starts_at=sailing.starts_at,
        ends_at=sailing.ends_at,
        state=sailing.state,
        departed=sailing.departed_at(now),
        on_sale=sailing.on_sale_at(now),
        sales_close_at=sailing.sales_close_at,
        load=load,
    )


WEIGHTS = (OccupancyState.BOOKED, OccupancyState.CLOSED, OccupancyState.RESERVED, OccupancyState.HELD)


def _loads(sailings: Sequence[Sailing], now: datetime) -> dict[int, Load]:
    """Two statements. A hold whose time is over counts as free, whether or not it has been swept up yet."""
    cabins = dict(db.session.execute(select(Cabin.ship_id, func.count()).group_by(Cabin.ship_id)).all())
    taken: dict[tuple[int, OccupancyState], int] = {}
    # A cabin may be taken by several parts of the voyage: it counts once, as what weighs most.
    weighs_most = func.min(case({state: weight for weight, state in enumerate(WEIGHTS)}, value=Occupancy.state))
    by_cabin = (
        select(Occupancy.sailing_id, weighs_most.label("weight"))
        .where(Occupancy.sailing_id.in_([sailing.id for sailing in sailings]), _taken_at(now))
        .group_by(Occupancy.sailing_id, Occupancy.cabin_id)
        .subquery()
    )
    rows = db.session.execute(
        select(by_cabin.c.sailing_id, by_cabin.c.weight, func.count()).group_by(
            by_cabin.c.sailing_id, by_cabin.c.weight
        )
    )
    for sailing_id, weight, count in rows:
        taken[sailing_id, WEIGHTS[weight]] = count
    loads = {}
    for sailing in sailings:
        held, booked, closed = (
            sum(taken.get((sailing.id, state), 0) for state in states)
            for states in (FOR_A_TIME, {OccupancyState.BOOKED}, {OccupancyState.CLOSED})
        )
        loads[sailing.id] = Load(cabins.get(sailing.ship_id, 0) - held - booked - closed, held, booked, closed)
    return loads


def _taken_at(now: datetime) -> Any:
    return and_(Occupancy.over_at.is_(None), or_(Occupancy.expires_at.is_(None), Occupancy.expires_at > now))


@dataclass(frozen=True)
class SailingPage:
    sailing: Sailing  # with calls, ports, itinerary and ship
    row: SailingRow
    bookings: int  # confirmed
    passengers: int  # of these
    trail: tuple[TrailEntry, ...]


def sailing_page(code: str, now: datetime) -> SailingPage:
    """Raises NotFound. Seven statements."""
    sailing = sailing_with_calls(code)
    bookings, passengers = db.session.execute(
        select(func.count(Booking.id.distinct()), func.count(Passenger.id))
        .outerjoin(Passenger, and_(Passenger.booking_id == Booking.id, Passenger.left_at.is_(None)))
        .where(Booking.sailing_id == sailing.id, Booking.state == BookingState.CONFIRMED)
    ).one()
    trail = trail_of(select(AuditEntry).where(AuditEntry.subject == "sailing", AuditEntry.subject_reference == code))
    row = _sailing_row(sailing, _loads([sailing], now)[sailing.id], now)
    return SailingPage(sailing, row, bookings, passengers, trail)


def sold_parts(sailing_id: int) -> dict[int, int]:
    """In how many cabins each part of a voyage is held or booked, by its id. One statement."""
    rows = db.session.execute(
        select(VoyagePart.id, func.count())
        .join(Occupancy, Occupancy.part_id == VoyagePart.id)
        .where(VoyagePart.sailing_id == sailing_id, Occupancy.over_at.is_(None))
        .group_by(VoyagePart.id)
    )
    return dict(rows.all())


@dataclass(frozen=True)
class CabinRow:
    id: int
    number: str
    category: str
    category_name: LocalizedText
    berths: int
    extra_berths: int
    state: str  # free, held, reserved, booked, closed
    occupancy_id: int | None
    expires_at: datetime | None
    reason: str | None
    kept_for: str | None
    booking: str | None  # its reference
    part: VoyagePart | None  # a cabin has a row for each part of the voyage that is taken


@dataclass(frozen=True)
class CabinsPage:
    sailing: Sailing
    decks: tuple[Deck, ...]
    deck: Deck
    rows: tuple[CabinRow, ...]
    state: str | None
    load: Load


def cabins_page(code: str, deck: str | None, state: str | None, now: datetime) -> CabinsPage:
    """One deck of a sailing: its cabins are a page. Raises NotFound. Six statements."""
    sailing = sailing_with_calls(code)
    decks = tuple(db.session.scalars(select(Deck).filter_by(ship_id=sailing.ship_id).order_by(Deck.level.desc())))
    with_cabins = set(db.session.scalars(select(Cabin.deck_id).filter_by(ship_id=sailing.ship_id).distinct()))
    decks = tuple(entry for entry in decks if entry.id in with_cabins)
    if not decks:
        raise NotFound(code)
    chosen = next((entry for entry in decks if entry.code == deck), decks[0])
    found = db.session.execute(
        select(Cabin, Category, Occupancy, Booking.reference, Reservation.name)
        .join(Category, Category.id == Cabin.category_id)
        .outerjoin(Occupancy, and_(Occupancy.cabin_id == Cabin.id, Occupancy.sailing_id == sailing.id, _taken_at(now)))
        .outerjoin(BookedCabin, BookedCabin.occupancy_id == Occupancy.id)
        .outerjoin(Booking, Booking.id == BookedCabin.booking_id)
        .outerjoin(Reservation, Reservation.id == Occupancy.reservation_id)
        .outerjoin(VoyagePart, VoyagePart.id == Occupancy.part_id)
        .options(contains_eager(Occupancy.part))
        .where(Cabin.deck_id == chosen.id)
        .order_by(Cabin.number, VoyagePart.embark_position, Occupancy.id)
    )
    rows = tuple(_cabin_row(*row) for row in found)
    return CabinsPage(
        sailing=sailing,
        decks=decks,
        deck=chosen,
        rows=tuple(row for row in rows if not state or row.state == state),
        state=state,
        load=_loads([sailing], now)[sailing.id],
    )


def _cabin_row(
    cabin: Cabin, category: Category, taken: Occupancy | None, booking: str | None, kept_for: str | None
) -> CabinRow:
    return CabinRow(
        id=cabin.id,
        number=cabin.number,
        category=category.code,
        category_name=category.name,
        berths=cabin.berths,
        extra_berths=cabin.extra_berths,
        state=taken.state.value if taken else "free",
        occupancy_id=taken.id if taken else None,
        expires_at=taken.expires_at if taken else None,
        reason=taken.reason if taken else None,
        kept_for=kept_for,
        booking=booking,
        part=taken.part if taken else None,
    )
