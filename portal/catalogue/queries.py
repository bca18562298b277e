"""What pages about ports, sailings and the ship need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.catalogue.models import (
    Cabin,
    Category,
    Deck,
    PartCall,
    Port,
    PortCall,
    Sailing,
    SailingState,
    VoyagePart,
)
from portal.database import db, the_one
from portal.kernel.errors import NotFound
from portal.kernel.text import LocalizedText


@dataclass(frozen=True)
class PortView:
    code: str
    name: LocalizedText
    country: str
    latitude: float
    longitude: float
    zone: str
    sights: LocalizedText | None


@dataclass(frozen=True)
class CallView:
    """One port call; days count from 1 on the first port's calendar day, each in the call's own zone."""

    position: int
    port: PortView
    arrives_at: datetime | None
    departs_at: datetime | None
    day_arrives: int | None
    day_departs: int | None
    leg_nm: int
    leg_hours: float | None
    notes: LocalizedText | None
    state: str


@dataclass(frozen=True)
class PartView:
    """Which part of a sailing it is."""

    id: int
    key: str  # as it stands in addresses: "2-4"
    embark: LocalizedText
    disembark: LocalizedText
    percent: int  # of the fare of the whole voyage
    mark: str
    offered: bool  # as far as it depends on the part: the sailing may not be on sale for all that


@dataclass(frozen=True)
class SailingView:
    """A sailing, or a part of one as its guests live it, without money and cabins."""

    id: int
    code: str
    itinerary: str
    title: LocalizedText
    description: LocalizedText
    included: tuple[LocalizedText, ...]
    not_included: tuple[LocalizedText, ...]
    status_text: LocalizedText
    state: SailingState
    starts_at: datetime
    ends_at: datetime
    sales_close_at: datetime
    days: int
    nights: int
    night_dates: tuple[date, ...]
    calls: tuple[CallView, ...]
    countries: tuple[str, ...]  # in the order of the first call
    ship_id: int
    version: int
    part: PartView | None = None  # None: the whole voyage

    @property
    def part_key(self) -> str | None:
        """As links to pages of this part carry it; None for the whole voyage."""
        return self.part.key if self.part else None

    @property
    def embark(self) -> PortView:
        return self.calls[0].port

    @property
    def disembark(self) -> PortView:
        return self.calls[-1].port

    @property
    def ports(self) -> tuple[PortView, ...]:
        return tuple(call.port for call in self.calls)

    def on_sale_at(self, now: datetime) -> bool:
        offered = self.part is None or self.part.offered
        return offered and self.state is SailingState.ON_SALE and now < self.sales_close_at


def port_view(port: Port) -> PortView:
    return PortView(port.code, port.name, port.country, port.latitude, port.longitude, port.zone, port.sights)


def sailing_view(voyage: Sailing | VoyagePart) -> SailingView:
    """From a sailing loaded with its calls, ports and itinerary, or a part of such a one."""
    sailing = voyage.sailing if isinstance(voyage, VoyagePart) else voyage
    start = voyage.start_day
    calls = tuple(_call_views(voyage.calls, start))
    itinerary = sailing.itinerary
    nights = voyage.nights
    return SailingView(
        id=sailing.id,
        code=sailing.code,
        itinerary=itinerary.code,
        title=itinerary.title,
        description=itinerary.description,
        included=tuple(LocalizedText(text) for text in itinerary.included),
        not_included=tuple(LocalizedText(text) for text in itinerary.not_included),
        status_text=sailing.status_text,
        state=sailing.state,
        starts_at=voyage.starts_at,
        ends_at=voyage.ends_at,
        sales_close_at=sailing.sales_close_at,
        days=(voyage.end_day - start).days + 1,
        nights=len(nights),
        night_dates=tuple(nights),
        calls=calls,
        countries=tuple(dict.fromkeys(call.port.country for call in calls)),
        ship_id=sailing.ship_id,
        version=sailing.version,
        part=_part_view(voyage) if isinstance(voyage, VoyagePart) else None,
    )


def _part_view(part: VoyagePart) -> PartView:
    return PartView(
        id=part.id,
        key=part.key,
        embark=part.embark.port.name,
        disembark=part.disembark.port.name,
        percent=part.percent,
        mark=part.mark,
        offered=part.on_sale and part.certain,
    )


def _call_views(calls: Sequence[PortCall | PartCall], start: date) -> list[CallView]:
    views = []
    left: datetime | None = None
    for call in calls:
        zone = ZoneInfo(call.port.zone)
        hours = None if left is None or call.arrives_at is None else (call.arrives_at - left).total_seconds() / 3600
        views.append(
            CallView(
                position=call.position,
                port=port_view(call.port),
                arrives_at=call.arrives_at,
                departs_at=call.departs_at,
                day_arrives=_day(call.arrives_at, zone, start),
                day_departs=_day(call.departs_at, zone, start),
                leg_nm=call.leg_nm,
                leg_hours=hours,
                notes=call.notes,
                state=call.state,
            )
        )
        left = call.departs_at
    return views


def _day(moment: datetime | None, zone: ZoneInfo, start: date) -> int | None:
    return None if moment is None else (moment.astimezone(zone).date() - start).days + 1


WHOLE = (
    joinedload(Sailing.itinerary),
    selectinload(Sailing.calls).joinedload(PortCall.port),
)


# One sailing has a handful of calls: one statement with them is quicker than two.
ONE_WHOLE = (joinedload(Sailing.itinerary), joinedload(Sailing.calls).joinedload(PortCall.port))


def sailing_by_code(code: str, part: str | None = None) -> SailingView:
    """part: its key, for that part of the voyage alone. Raises NotFound. One statement, two for a part."""
    found_sailing = select(Sailing).where(Sailing.code == code, Sailing.state != SailingState.DRAFT)
    sailing = the_one(found_sailing.options(*ONE_WHOLE), code)
    if part is None:
        return sailing_view(sailing)
    found = next((one for one in sailing.parts if one.key == part), None)
    if found is None:
        raise NotFound(code, part)
    return sailing_view(found)


def sailing_with_calls(code: str) -> Sailing:
    """The row of any sailing, of drafts too, with its itinerary, ship and calls. Raises NotFound. Two statements."""
    calls = selectinload(Sailing.calls).joinedload(PortCall.port)
    whole = (joinedload(Sailing.itinerary), joinedload(Sailing.ship), calls)
    return the_one(select(Sailing).where(Sailing.code == code).options(*whole), code)


def sailing_id_of(code: str) -> int:
    """Of any sailing, of drafts too. Raises NotFound."""
    return the_one(select(Sailing.id).where(Sailing.code == code), code)


def parts_of(sailing_id: int) -> tuple[SailingView, ...]:
    """The parts of a sailing that are offered, by where they begin. One statement, two where there are any."""
    parts = db.session.scalars(
        select(VoyagePart)
        .where(VoyagePart.sailing_id == sailing_id, VoyagePart.on_sale)
        .order_by(VoyagePart.embark_position, VoyagePart.disembark_position)
        .options(joinedload(VoyagePart.sailing).options(*WHOLE))
    )
    return tuple(sailing_view(part) for part in parts if part.certain)


def parts_like(part: VoyagePart, now: datetime, most: int) -> tuple[SailingView, ...]:
    """The part between the same ports of other sailings that sell it: of those before this one the last `most`, and
    of those after it the first.

    Two statements, and two more where there are any.
    """
    embark, disembark = aliased(PortCall), aliased(PortCall)
    offered = (
        select(VoyagePart)
        .join(VoyagePart.sailing)
        .join(
            embark, and_(embark.sailing_id == Sailing.id, embark.position == VoyagePart.embark_position)
        )
        .join(
            disembark, and_(disembark.sailing_id == Sailing.id, disembark.position == VoyagePart.disembark_position)
        )
        .where(
            VoyagePart.on_sale,
            Sailing.id != part.sailing_id,
            Sailing.state == SailingState.ON_SALE,
            Sailing.sales_close_at > now,
            embark.port_id == part.embark.port_id,
            disembark.port_id == part.disembark.port_id,
        )
        .options(joinedload(VoyagePart.sailing).options(*WHOLE))
        .limit(most)
    )
    start = part.sailing.starts_at
    before = db.session.scalars(offered.where(Sailing.starts_at < start).order_by(Sailing.starts_at.desc())).all()
    after = db.session.scalars(offered.where(Sailing.starts_at >= start).order_by(Sailing.starts_at)).all()
    return tuple(sailing_view(one) for one in (*before, *after) if one.certain)


def sailings_by_code(codes: Sequence[str]) -> tuple[SailingView, ...]:
    """Those of these that guests may see, in the order asked for. Two statements."""
    found = db.session.scalars(
        select(Sailing).where(Sailing.code.in_(codes), Sailing.state != SailingState.DRAFT).options(*WHOLE)
    )
    views = {sailing.code: sailing_view(sailing) for sailing in found}
    return tuple(views[code] for code in codes if code in views)


@dataclass(frozen=True)
class ShipLayout:
    decks: tuple[Deck, ...]
    categories: tuple[Category, ...]
    cabins: tuple[Cabin, ...]  # by number


def ship_layout(ship_id: int) -> ShipLayout:
    """Decks from the top, categories with cabins from the simplest, cabins by number. Two statements."""
    decks = db.session.scalars(select(Deck).filter_by(ship_id=ship_id).order_by(Deck.level.desc())).all()
    cabins = db.session.scalars(
        select(Cabin).filter_by(ship_id=ship_id).order_by(Cabin.number).options(joinedload(Cabin.category))
    ).all()
    categories = {cabin.category_id: cabin.category for cabin in cabins}
    return ShipLayout(
        tuple(decks), tuple(sorted(categories.values(), key=lambda category: category.position)), tuple(cabins)
    )
