"""Ships and what is in them; ports; itineraries and their dated sailings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Base
from portal.kernel.states import Moves
from portal.kernel.text import LocalizedText


class Ship(Base):
    """`names` is a list of {"name": {language: text}, "from": date | null, "to": date | null}: ships are renamed."""

    __tablename__ = "ship"
    __table_args__ = (CheckConstraint("persons_limit > 0", name="persons_limit_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    names: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    persons_limit: Mapped[int]  # infants counted: life-saving capacity is by person
    length_m: Mapped[float]
    beam_m: Mapped[float]

    @property
    def sold_as(self) -> LocalizedText:
        """The name under which its cruises are announced, whatever stands in the register by then."""
        return LocalizedText(self.names[0]["name"])

    def name_on(self, day: date) -> LocalizedText:
        """The name in the register on `day`: for authorities."""
        for entry in self.names:
            if (entry["from"] or "") <= day.isoformat() <= (entry["to"] or "9999"):
                return LocalizedText(entry["name"])
        return self.sold_as


class Deck(Base):
    __tablename__ = "deck"
    __table_args__ = (UniqueConstraint("ship_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ship.id"))
    code: Mapped[str] = mapped_column(String(12))
    level: Mapped[int]
    name: Mapped[LocalizedText]
    drawing: Mapped[dict[str, Any]]  # outline and rooms, in decimetres


class Category(Base):
    """The grade by which a cabin is priced."""

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("ship_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ship.id"))
    code: Mapped[str] = mapped_column(String(4))
    position: Mapped[int]
    name: Mapped[LocalizedText]
    description: Mapped[LocalizedText]
    area_min: Mapped[int]  # square metres
    area_max: Mapped[int]
    berths: Mapped[int]
    extra_berths: Mapped[int]
    balcony: Mapped[str] = mapped_column(String(12))


class Cabin(Base):
    __tablename__ = "cabin"
    __table_args__ = (
        UniqueConstraint("ship_id", "number"),
        CheckConstraint("berths > 0 AND extra_berths >= 0", name="berths_sane"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ship.id"))
    deck_id: Mapped[int] = mapped_column(ForeignKey("deck.id"), index=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"), index=True)
    number: Mapped[str] = mapped_column(String(8))
    x: Mapped[int]  # its place on the deck plan, in decimetres from the stern and the port side
    y: Mapped[int]
    w: Mapped[int]
    h: Mapped[int]
    side: Mapped[str] = mapped_column(String(12))
    area: Mapped[int]
    berths: Mapped[int]
    extra_berths: Mapped[int]
    balcony: Mapped[str] = mapped_column(String(12))
    accessible: Mapped[bool]
    connects_to: Mapped[str | None] = mapped_column(String(8))

    category: Mapped[Category] = relationship()
    deck: Mapped[Deck] = relationship()

    @property
    def sleeps(self) -> int:
        return self.berths + self.extra_berths


class Port(Base):
    """`code` is the UN/LOCODE where there is one, else a name of our own."""

    __tablename__ = "port"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    locode: Mapped[str | None] = mapped_column(String(5), unique=True)
    name: Mapped[LocalizedText]
    country: Mapped[str] = mapped_column(String(2))
    latitude: Mapped[float]
    longitude: Mapped[float]
    zone: Mapped[str] = mapped_column(String(40))  # IANA
    sights: Mapped[LocalizedText | None]


class Itinerary(Base):
    """The route that is sold: its ports stand in the calls of its sailings."""

    __tablename__ = "itinerary"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(8), unique=True)
    title: Mapped[LocalizedText]
    description: Mapped[LocalizedText]
    included: Mapped[list[dict[str, str]]] = mapped_column(JSON)  # LocalizedText by_locale, each
    not_included: Mapped[list[dict[str, str]]] = mapped_column(JSON)


class SailingState(StrEnum):
    DRAFT = "draft"
    ON_SALE = "on_sale"
    CLOSED = "closed"
    POSTPONED = "postponed"  # has new dates, and is not sold before staff put it on sale again
    CANCELLED = "cancelled"


SAILING_MOVES: Moves[SailingState] = {
    SailingState.DRAFT: {SailingState.ON_SALE, SailingState.CANCELLED},
    SailingState.ON_SALE: {SailingState.CLOSED, SailingState.POSTPONED, SailingState.CANCELLED},
    SailingState.CLOSED: {SailingState.ON_SALE, SailingState.POSTPONED, SailingState.CANCELLED},
    SailingState.POSTPONED: {SailingState.ON_SALE, SailingState.POSTPONED, SailingState.CANCELLED},
}


class Sailing(Base):
    """One dated departure. `starts_at` and `ends_at` repeat its first and last call, to be found by."""

    __tablename__ = "sailing"
    __table_args__ = (
        Index("ix_sailing_ship_starts", "ship_id", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
        CheckConstraint("sales_close_at <= starts_at", name="sales_close_before_start"),
        Index("ix_sailing_starts_at", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ship.id"))
    itinerary_id: Mapped[int] = mapped_column(ForeignKey("itinerary.id"))
    state: Mapped[SailingState] = mapped_column(default=SailingState.DRAFT)
    status_text: Mapped[LocalizedText]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    sales_close_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)  # grows with each change that guests must hear of

    ship: Mapped[Ship] = relationship()
    itinerary: Mapped[Itinerary] = relationship()
    calls: Mapped[list[PortCall]] = relationship(
        order_by="PortCall.position", cascade="all, delete-orphan", back_populates="sailing"
    )
    parts: Mapped[list[VoyagePart]] = relationship(
        order_by="VoyagePart.embark_position, VoyagePart.disembark_position", back_populates="sailing"
    )

    def on_sale_at(self, now: datetime) -> bool:
        return self.state is SailingState.ON_SALE and now < self.sales_close_at

    def departed_at(self, now: datetime) -> bool:
        return self.starts_at <= now

    @property
    def start_day(self) -> date:
        """The first day, where the cruise begins: ages and deadlines count from it."""
        return self.starts_at.astimezone(ZoneInfo(self.calls[0].port.zone)).date()

    @property
    def end_day(self) -> date:
        return self.ends_at.astimezone(ZoneInfo(self.calls[-1].port.zone)).date()

    @property
    def nights(self) -> list[date]:
        """Each night aboard, by the date of its evening; all dates are of the first port's calendar."""
        return [self.start_day + timedelta(days=n) for n in range((self.end_day - self.start_day).days)]


class CallState(StrEnum):
    PLANNED = "planned"
    CONFIRMED = "confirmed"
    CONDITIONAL = "conditional"  # waits for a permission that nobody has yet
    CANCELLED = "cancelled"


class PortCall(Base):
    """One stop: the first has no arrival, the last need not have a departure."""

    __tablename__ = "port_call"
    __table_args__ = (
        UniqueConstraint("sailing_id", "position"),
        CheckConstraint("arrives_at IS NOT NULL OR departs_at IS NOT NULL", name="some_time"),
        CheckConstraint("arrives_at < departs_at", name="arrives_before_it_departs"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    position: Mapped[int]
    port_id: Mapped[int] = mapped_column(ForeignKey("port.id"), index=True)
    arrives_at: Mapped[datetime | None]
    departs_at: Mapped[datetime | None]
    leg_nm: Mapped[int] = mapped_column(default=0)
    leg_river_km: Mapped[int] = mapped_column(default=0)
    state: Mapped[CallState] = mapped_column(default=CallState.PLANNED)
    notes: Mapped[LocalizedText | None]

    sailing: Mapped[Sailing] = relationship(back_populates="calls")
    port: Mapped[Port] = relationship()


@dataclass(frozen=True)
class PartCall:
    """A call as a guest of a part lives it: he does not arrive where he embarks, nor depart where he leaves."""

    position: int
    port: Port
    arrives_at: datetime | None
    departs_at: datetime | None
    leg_nm: int
    leg_river_km: int
    state: CallState
    notes: LocalizedText | None


class VoyagePart(Base):
    """A part of a sailing that guests may book by itself: they embark at one call and leave at a later one.

    It answers like a Sailing wherever only dates, nights and calls are asked for.
    """

    __tablename__ = "voyage_part"
    __table_args__ = (
        UniqueConstraint("sailing_id", "embark_position", "disembark_position"),
        CheckConstraint("embark_position < disembark_position", name="embarks_before_it_leaves"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent_of_a_hundred"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    embark_position: Mapped[int]
    disembark_position: Mapped[int]
    on_sale: Mapped[bool] = mapped_column(default=False)
    percent: Mapped[int]  # of the fare of the whole voyage
    mark: Mapped[str] = mapped_column(String(12))  # "proposed" or "confirmed"

    sailing: Mapped[Sailing] = relationship(back_populates="parts")

    @property
    def key(self) -> str:
        """As it stands in addresses: "2-4"."""
        return f"{self.embark_position}-{self.disembark_position}"

    @property
    def code(self) -> str:
        return self.sailing.code

    @property
    def version(self) -> int:
        return self.sailing.version

    @property
    def embark(self) -> PortCall:
        return self._call(self.embark_position)

    @property
    def disembark(self) -> PortCall:
        return self._call(self.disembark_position)

    def _call(self, position: int) -> PortCall:
        return next(call for call in self.sailing.calls if call.position == position)

    @property
    def calls(self) -> list[PartCall]:
        """From the call of embarking to that of leaving, both included."""
        early = None if self.disembark is self.sailing.calls[-1] else self.disembark
        return [
            PartCall(
                position=call.position,
                port=call.port,
                arrives_at=None if call is self.embark else call.arrives_at,
                departs_at=None if call is early else call.departs_at,
                leg_nm=call.leg_nm,
                leg_river_km=call.leg_river_km,
                state=call.state,
                notes=call.notes,
            )
            for call in self.sailing.calls
            if self.embark_position <= call.position <= self.disembark_position
        ]

    @property
    def starts_at(self) -> datetime:
        departs = self.embark.departs_at
        assert departs is not None  # the service that allows a part sees to it
        return departs

    @property
    def ends_at(self) -> datetime:
        """Guests of the last port stay aboard as long as everybody else."""
        if self.disembark is self.sailing.calls[-1]:
            return self.sailing.ends_at
        arrives = self.disembark.arrives_at
        assert arrives is not None
        return arrives

    @property
    def start_day(self) -> date:
        """The first day, where the guest embarks: ages and deadlines count from it."""
        return self.starts_at.astimezone(ZoneInfo(self.embark.port.zone)).date()

    @property
    def end_day(self) -> date:
        return self.ends_at.astimezone(ZoneInfo(self.disembark.port.zone)).date()

    @property
    def nights(self) -> list[date]:
        """From the evening of embarking to the day of leaving, that day's night excluded.

        By the first port's calendar, as the whole sailing's: so parts that touch at a port never share a night.
        """
        zone = ZoneInfo(self.sailing.calls[0].port.zone)
        first = self.starts_at.astimezone(zone).date()
        to_the_end = self.disembark is self.sailing.calls[-1]
        end = self.sailing.end_day if to_the_end else self.ends_at.astimezone(zone).date()
        return [first + timedelta(days=n) for n in range((end - first).days)]

    @property
    def certain(self) -> bool:
        """Nobody may be sold a voyage from or to a call that is not made, or waits for a permission."""
        return all(call.state in (CallState.PLANNED, CallState.CONFIRMED) for call in (self.embark, self.disembark))

    def like_on(self, sailing: Sailing) -> VoyagePart | None:
        """The part between the same ports that another sailing offers; none where it does not."""
        ends = self.embark.port_id, self.disembark.port_id
        return next(
            (
                part
                for part in sailing.parts
                if part.on_sale and part.certain and (part.embark.port_id, part.disembark.port_id) == ends
            ),
            None,
        )

    def on_sale_at(self, now: datetime) -> bool:
        return self.on_sale and self.certain and self.sailing.on_sale_at(now)

    def departed_at(self, now: datetime) -> bool:
        return self.starts_at <= now


class DataVersion(Base):
    """A number that grows with each change of what pages show; pages kept ready are keyed by it."""

    __tablename__ = "data_version"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)  # "catalogue", "sailing:17"
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime] = mapped_column(index=True)  # by the real clock: what changed lately is found by it
