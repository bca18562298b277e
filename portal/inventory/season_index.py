"""Every sailing that guests may see, kept in memory by each process so that finding among them takes no time.

The list of cruises shows a few sailings and counts how many there are of every other kind. The database would have to
read all of them for each visitor; here they are read when the catalogue changes, and of a sailing whose cabins were
taken or given back only what is free is read again. Each request asks, in one statement, which these are, so that
what a process shows is never older than the data.

Which sailings are of a kind is one whole number for each kind, its bit n standing for the n-th sailing by departure:
numbers of ten thousand bits are combined and counted in a microsecond.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import select

from portal.catalogue.models import Cabin, Category, Itinerary, Port, PortCall, Sailing, SailingState
from portal.catalogue.queries import PortView, port_view
from portal.catalogue.versions import CATALOGUE, sailing_version, versions_since
from portal.database import db
from portal.inventory.models import FOR_A_TIME, Occupancy, OccupancyState
from portal.inventory.queries import Free, Kind, SailingCard, card, nights_of, taken_cabins
from portal.kernel.clock import real_now
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.parts import parts
from portal.kernel.text import LocalizedText
from portal.pricing.models import Fare
from portal.pricing.queries import CURRENCY

# A transaction may commit a while after it wrote the time of its change; one that takes longer is found by the whole
# reading that comes each minute.
LATE = timedelta(seconds=20)
WHOLE_READING = timedelta(minutes=1)
LATELY = timedelta(minutes=1)
AT_ONCE = 5000  # sailings asked for in one statement
FREE_STEPS = (1, 2, 5, 10)
NIGHTS = ("1-5", "6-8", "9-")
NOTHING = Free({}, 0, None)
MOST_KEPT = 300

Found = TypeVar("Found")


@dataclass(frozen=True)
class Entry:
    """What of a sailing changes with the catalogue only."""

    id: int
    code: str
    itinerary: str
    title: LocalizedText
    status_text: LocalizedText
    state: SailingState
    starts_at: datetime
    ends_at: datetime
    sales_close_at: datetime
    days: int
    nights: int
    ports: tuple[PortView, ...]
    countries: tuple[str, ...]
    ship_id: int
    adult: Mapping[int, Money]
    overlapping: tuple[int, ...]  # other sailings of the ship on some of its nights

    @property
    def embark(self) -> PortView:
        return self.ports[0]

    @property
    def disembark(self) -> PortView:
        return self.ports[-1]

    @property
    def start_day(self) -> date:
        return day_of(self.starts_at, self.embark.zone)

    def on_sale_at(self, now: datetime) -> bool:
        return self.state is SailingState.ON_SALE and now < self.sales_close_at

    def next_turn(self, now: datetime, free: Free) -> datetime | None:
        """When something of its card changes by itself."""
        coming = [self.sales_close_at, self.starts_at, *([free.next_expiry] if free.next_expiry else [])]
        return min((moment for moment in coming if moment > now), default=None)


@dataclass(frozen=True)
class Snapshot:
    """All sailings at one moment, by departure; never changed, so that a request reads it without a lock."""

    catalogue: int  # version
    entries: tuple[Entry, ...]
    places: Mapping[str, int]  # by code
    cabins: Mapping[int, Mapping[int, Kind]]  # kinds of the cabins of each ship, by id
    cards: tuple[SailingCard, ...]
    free: tuple[Free, ...]
    kinds: Mapping[tuple[str, object], int]  # sailings as bits, by kind: ("month", "2024-05"), ("embark", "RUASF")
    values: Mapping[str, tuple[object, ...]]  # of each facet, all there are
    ports: Mapping[str, PortView]
    titles: Mapping[str, LocalizedText]
    categories: Mapping[int, tuple[str, LocalizedText]]  # code and name
    prices: tuple[int, ...] = field(repr=False, default=())  # of each card in minor units, 0 without one
    # What was worked out from it, for the next who asks the same; gone with the snapshot, and never large.
    kept: dict[object, Any] = field(repr=False, compare=False, default_factory=dict)

    def of(self, facet: str, value: object) -> int:
        return self.kinds.get((facet, value), 0)

    @property
    def all(self) -> int:
        return (1 << len(self.entries)) - 1

    @property
    def over(self) -> int:
        """Those that have departed."""
        return self.of("state", "departed")

    def up_to(self, price: int) -> int:
        """Those on sale that a person can have for `price` minor units or less."""
        return self.once(
            ("up to", price), lambda: bits(place for place, asked in enumerate(self.prices) if 0 < asked <= price)
        )

    def once(self, question: object, answer: Callable[[], Found]) -> Found:
        """The answer to a question about this snapshot, worked out the first time it is asked."""
        if question not in self.kept:
            if len(self.kept) >= MOST_KEPT:
                self.kept.clear()
            self.kept[question] = answer()
        found: Found = self.kept[question]
        return found

    def at(self, sailings: int) -> list[int]:
        """The places of these sailings, by departure."""
        return list(places_of(sailings))


def bits(places: Iterable[int]) -> int:
    """The number whose bits these are."""
    wanted = sorted(places)
    if not wanted:
        return 0
    raised = bytearray(wanted[-1] // 8 + 1)
    for place in wanted:
        raised[place // 8] |= 1 << place % 8
    return int.from_bytes(raised, "little")


def places_of(number: int) -> Iterator[int]:
    """The places of its bits, the lowest first."""
    written = bin(number)[:1:-1]
    place = written.find("1")
    while place >= 0:
        yield place
        place = written.find("1", place + 1)


class SeasonIndex:
    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        self._snapshot: Snapshot | None = None
        self._versions: dict[str, int] = {}
        self._places_by_version: dict[str, tuple[int, ...]] = {}
        self._since: datetime | None = None  # of the real clock
        self._read_whole_at = real_now()
        self._turns: list[tuple[datetime, int]] = []  # when which card changes by itself
        self._last_asked: datetime | None = None

    def snapshot(self, now: datetime) -> Snapshot:
        """As the database has it. One statement where nothing has changed, three where cabins were taken."""
        whole = self._snapshot is None or not timedelta(0) <= real_now() - self._read_whole_at < WHOLE_READING
        versions = versions_since(None if whole or self._since is None else self._since - LATE)
        with self._lock:
            return self._brought_up_to_date(versions, whole, now)

    def lately(self, now: datetime) -> Snapshot:
        """As the database had it at most LATELY ago: for what is said in passing, mostly without a statement."""
        known, asked = self._snapshot, self._last_asked
        if known is None or asked is None or not timedelta(0) <= now - asked < LATELY:
            return self.snapshot(now)
        return known

    def _brought_up_to_date(
        self, versions: Sequence[tuple[str, int, datetime]], whole: bool, now: datetime
    ) -> Snapshot:
        new = {name: version for name, version, _ in versions if self._versions.get(name, 0) < version}
        latest = max((changed_at for _, _, changed_at in versions), default=None)
        went_back = self._last_asked is not None and now < self._last_asked - LATE  # in tests and demonstrations
        if self._snapshot is None or CATALOGUE in new or went_back:
            self._snapshot = read_season(new.get(CATALOGUE, self._versions.get(CATALOGUE, 0)), now)
            self._places_by_version = _concerned(self._snapshot.entries)
            self._turns = []
            changed: set[int] = set()
            self._plan_turns(range(len(self._snapshot.entries)), now)
        else:
            changed = {place for name in new for place in self._places_by_version.get(name, ())}
            while self._turns and self._turns[0][0] <= now:
                changed.add(heapq.heappop(self._turns)[1])
        if changed:
            self._snapshot = with_cards_anew(self._snapshot, sorted(changed), now)
            self._plan_turns(changed, now)
        self._versions.update(new)
        if latest is not None:
            self._since = max(latest, self._since or latest)
        if whole:
            self._read_whole_at = real_now()
        self._last_asked = now
        return self._snapshot

    def _plan_turns(self, places: Iterable[int], now: datetime) -> None:
        assert self._snapshot is not None
        for place in places:
            turn = self._snapshot.entries[place].next_turn(now, self._snapshot.free[place])
            if turn is not None:
                heapq.heappush(self._turns, (turn, place))


index = SeasonIndex()


def read_season(catalogue: int, now: datetime) -> Snapshot:
    """Every sailing from the database. Ten statements and, for sailings that overlap, one each.

    Most of a large catalogue is over: of what has departed nobody asks the price, nor which visas it would take.
    """
    entries = tuple(_entries(now))
    cabins: dict[int, dict[int, Kind]] = {}
    for cabin_id, ship_id, category_id, berths, extra in db.session.execute(
        select(Cabin.id, Cabin.ship_id, Cabin.category_id, Cabin.berths, Cabin.extra_berths)
    ):
        cabins.setdefault(ship_id, {})[cabin_id] = (category_id, berths, extra)
    free = _free(entries, cabins, now)
    cards = tuple(_card(entry, one, cabins, now) for entry, one in zip(entries, free, strict=True))
    kinds: dict[tuple[str, object], list[int]] = {}
    visa_free: Mapping[int, Iterable[str]] = parts("season", now).get("visa_free", {})
    for place, entry in enumerate(entries):
        for kind in (*_kinds(entry), *(("visa_free", country) for country in visa_free.get(entry.id, ()))):
            kinds.setdefault(kind, []).append(place)
    values: dict[str, dict[object, None]] = {}
    for facet, value in kinds:
        values.setdefault(facet, {})[value] = None
    return _dynamic(
        Snapshot(
            catalogue,
            entries,
            {entry.code: place for place, entry in enumerate(entries)},
            cabins,
            cards,
            free,
            {kind: bits(places) for kind, places in kinds.items()},
            {facet: tuple(found) for facet, found in values.items()},
            {port.code: port for entry in entries for port in entry.ports},
            {entry.itinerary: entry.title for entry in entries},
            {
                number: (code, name)
                for number, code, name in db.session.execute(select(Category.id, Category.code, Category.name))
            },
        ),
        range(len(entries)),
    )


def with_cards_anew(snapshot: Snapshot, places: Sequence[int], now: datetime) -> Snapshot:
    """The same catalogue, with what is free of the sailings at these places read again."""
    free, cards = list(snapshot.free), list(snapshot.cards)
    entries = [snapshot.entries[place] for place in places]
    for place, entry, found in zip(places, entries, _free(entries, snapshot.cabins, now), strict=True):
        free[place] = found
        cards[place] = _card(entry, found, snapshot.cabins, now)
    changed = replace(snapshot, cards=tuple(cards), free=tuple(free))
    return _dynamic(changed, places)


STATES = ("on_sale", "sold_out", "postponed", "closed", "departed", "cancelled")


def _dynamic(snapshot: Snapshot, places: Iterable[int]) -> Snapshot:
    """With the bits of these places as their cards have them now: state, free cabins, price."""
    kinds = dict(snapshot.kinds)
    prices = list(snapshot.prices or [0] * len(snapshot.entries))
    wanted: dict[tuple[str, object], list[int]] = {("state", state): [] for state in STATES}
    wanted |= {("free", step): [] for step in FREE_STEPS}
    touched = list(places)
    for place in touched:
        shown = snapshot.cards[place]
        wanted["state", shown.state].append(place)
        for step in FREE_STEPS:
            if shown.free_cabins >= step:
                wanted["free", step].append(place)
        prices[place] = shown.from_price.minor if shown.from_price else 0
    others = ~bits(touched)
    for kind, found in wanted.items():
        kinds[kind] = kinds.get(kind, 0) & others | bits(found)
    return replace(
        snapshot, kinds=kinds, values={**snapshot.values, "free": FREE_STEPS}, prices=tuple(prices), kept={}
    )


def _kinds(entry: Entry) -> Iterator[tuple[str, object]]:
    start = entry.start_day.isoformat()
    yield "month", start[:7]
    yield "year", start[:4]
    yield "nights", next(name for name in NIGHTS if within(entry.nights, name))
    yield "route", entry.itinerary
    yield "embark", entry.embark.code
    for country in entry.countries:
        yield "country", country


def within(nights: int, name: str) -> bool:
    """Whether so many nights are of the length called "6-8" or "9-"."""
    low, _, high = name.partition("-")
    return int(low) <= max(nights, 1) <= int(high or 9999)


def _entries(now: datetime) -> Iterator[Entry]:
    """Plain rows: objects of ten thousand sailings with all their calls would take seconds to make."""
    ports = {port.id: port_view(port) for port in db.session.scalars(select(Port))}
    routes = {
        number: (code, title)
        for number, code, title in db.session.execute(select(Itinerary.id, Itinerary.code, Itinerary.title))
    }
    calls: dict[int, list[PortView]] = {}
    for sailing_id, port_id in db.session.execute(
        select(PortCall.sailing_id, PortCall.port_id).order_by(PortCall.sailing_id, PortCall.position)
    ):
        calls.setdefault(sailing_id, []).append(ports[port_id])
    adult: dict[int, dict[int, Money]] = {}
    for sailing_id, category_id, minor in db.session.execute(
        select(Fare.sailing_id, Fare.category_id, Fare.adult_minor)
        .join(Sailing, Sailing.id == Fare.sailing_id)
        .where(Fare.currency == CURRENCY, Sailing.starts_at > now)
    ):
        adult.setdefault(sailing_id, {})[category_id] = Money(minor, CURRENCY)
    rows = db.session.execute(
        select(
            Sailing.id,
            Sailing.code,
            Sailing.itinerary_id,
            Sailing.status_text,
            Sailing.state,
            Sailing.starts_at,
            Sailing.ends_at,
            Sailing.sales_close_at,
            Sailing.ship_id,
        )
        .where(Sailing.state != SailingState.DRAFT)
        .order_by(Sailing.starts_at, Sailing.id)
    ).all()
    overlaps = _overlaps([(row.ship_id, row.starts_at, row.ends_at, row.id) for row in rows])
    for row in rows:
        called = tuple(calls.get(row.id, ()))
        if not called:
            continue
        first, last = day_of(row.starts_at, called[0].zone), day_of(row.ends_at, called[-1].zone)
        code, title = routes[row.itinerary_id]
        yield Entry(
            row.id,
            row.code,
            code,
            title,
            row.status_text,
            row.state,
            row.starts_at,
            row.ends_at,
            row.sales_close_at,
            (last - first).days + 1,
            (last - first).days,
            called,
            tuple(dict.fromkeys(port.country for port in called)),
            row.ship_id,
            adult.get(row.id, {}),
            overlaps.get(row.id, ()),
        )


def _overlaps(voyages: Sequence[tuple[int, datetime, datetime, int]]) -> dict[int, tuple[int, ...]]:
    """Of (ship, start, end, id): by id, the others of the ship that are under way at the same time."""
    found: dict[int, list[int]] = {}
    open_now: list[tuple[int, datetime, datetime, int]] = []
    for voyage in sorted(voyages):
        open_now = [other for other in open_now if other[0] == voyage[0] and other[2] > voyage[1]]
        for other in open_now:
            found.setdefault(other[3], []).append(voyage[3])
            found.setdefault(voyage[3], []).append(other[3])
        open_now.append(voyage)
    return {number: tuple(others) for number, others in found.items()}


def _concerned(entries: Sequence[Entry]) -> dict[str, tuple[int, ...]]:
    """By the name of a version, the places whose cards it changes."""
    places = {entry.id: place for place, entry in enumerate(entries)}
    return {
        sailing_version(entry.id): (place, *(places[other] for other in entry.overlapping if other in places))
        for place, entry in enumerate(entries)
    }


def _free(entries: Sequence[Entry], cabins: Mapping[int, Mapping[int, Kind]], now: datetime) -> tuple[Free, ...]:
    """What is free of each; only those on sale are asked for, since others have nothing to sell."""
    asked = [entry for entry in entries if entry.on_sale_at(now)]
    taken: dict[int, dict[int, OccupancyState]] = {entry.id: {} for entry in asked}
    expiries: dict[int, datetime] = {}
    alone = [entry.id for entry in asked if not entry.overlapping]
    for first, last in pairwise([*range(0, len(alone), AT_ONCE), len(alone)]):
        for sailing_id, cabin_id, state, expires_at in db.session.execute(
            select(Occupancy.sailing_id, Occupancy.cabin_id, Occupancy.state, Occupancy.expires_at).where(
                Occupancy.sailing_id.in_(alone[first:last]),
                Occupancy.over_at.is_(None),
                (Occupancy.expires_at.is_(None)) | (Occupancy.expires_at > now),
            )
        ):
            taken[sailing_id][cabin_id] = state
            if expires_at is not None:
                expiries[sailing_id] = min(expires_at, expiries.get(sailing_id, expires_at))
    for entry in asked:
        if entry.overlapping:  # another sailing of the ship may have taken some of the nights
            nights = taken_cabins(entry, nights_of(entry), now)
            taken[entry.id] = nights.by_cabin
            if nights.next_expiry:
                expiries[entry.id] = nights.next_expiry
    found = []
    for entry in entries:
        if entry.id not in taken:
            found.append(NOTHING)
            continue
        by_kind: dict[Kind, int] = {}
        for cabin_id, kind in cabins.get(entry.ship_id, {}).items():
            if kind[0] in entry.adult:
                by_kind[kind] = by_kind.get(kind, 0) + (cabin_id not in taken[entry.id])
        held = sum(state in FOR_A_TIME for state in taken[entry.id].values())
        found.append(Free(by_kind, held, expiries.get(entry.id)))
    return tuple(found)


def _card(entry: Entry, free: Free, cabins: Mapping[int, Mapping[int, Kind]], now: datetime) -> SailingCard:
    return card(entry, entry.adult, free, len(cabins.get(entry.ship_id, ())), now)
