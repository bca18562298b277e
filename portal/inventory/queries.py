"""Sailings with what is free in them and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import Row, func, select

from portal.catalogue.models import Cabin, Category, Sailing, SailingState, Ship
from portal.catalogue.queries import (
    CallView,
    PartView,
    PortView,
    SailingView,
    ShipLayout,
    parts_of,
    sailing_by_code,
    ship_layout,
)
from portal.catalogue.route_map import RouteMap, draw_route
from portal.catalogue.versions import KeptByVersion, Versions
from portal.database import db
from portal.inventory.models import FOR_A_TIME, CabinNight, Occupancy, OccupancyState
from portal.inventory.services import most_aboard
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.pricing.cheapest import FreeCabins as KindsFree
from portal.pricing.cheapest import PartyPrice as PartyPriceFound
from portal.pricing.cheapest import cheapest_for_party, price_in_cabin, prices_by_category
from portal.pricing.models import Fare
from portal.pricing.party import Party
from portal.pricing.queries import (
    CURRENCIES,
    CURRENCY,
    SailingPrices,
    currencies_of,
    fares_for_part,
    fares_of,
    terms_for,
)
from portal.pricing.rules import Offer, PricedParty, price_party

ADULT = 30  # an age that pays the full fare


@dataclass(frozen=True)
class Taken:
    """Cabins of one sailing that are not free, by id, and when the next hold among them runs out."""

    by_cabin: dict[int, OccupancyState]
    next_expiry: datetime | None

    @property
    def held(self) -> int:
        return sum(state is OccupancyState.HELD for state in self.by_cabin.values())


def taken_cabins(sailing: Voyage, nights: Sequence[date], now: datetime) -> Taken:
    """By the nights themselves, so that another sailing over the same nights counts too. One statement."""
    rows = db.session.execute(
        select(CabinNight.cabin_id, Occupancy.state, Occupancy.expires_at)
        .join(Occupancy, Occupancy.id == CabinNight.occupancy_id)
        .join(Cabin, Cabin.id == CabinNight.cabin_id)
        .where(Cabin.ship_id == sailing.ship_id, CabinNight.night >= nights[0], CabinNight.night <= nights[-1])
        .distinct()
    )
    by_cabin: dict[int, OccupancyState] = {}
    next_expiry = None
    for cabin_id, state, expires_at in rows:
        if expires_at is not None:
            if expires_at <= now:
                continue
            next_expiry = min(expires_at, next_expiry or expires_at)
        # For whom it is kept is nobody else's business: to guests a reserved cabin is one that is held.
        by_cabin[cabin_id] = OccupancyState.HELD if state is OccupancyState.RESERVED else state
    return Taken(by_cabin, next_expiry)


def cabins_taken(ship_id: int, nights: Sequence[date], now: datetime, *, besides: Collection[int] = ()) -> set[int]:
    """Cabins of a ship that somebody has on one of these nights; occupancies `besides` count not. One statement."""
    return set(
        db.session.scalars(
            select(CabinNight.cabin_id)
            .join(Occupancy, Occupancy.id == CabinNight.occupancy_id)
            .join(Cabin, Cabin.id == CabinNight.cabin_id)
            .where(
                Cabin.ship_id == ship_id,
                CabinNight.night >= nights[0],
                CabinNight.night <= nights[-1],
                Occupancy.id.not_in(besides),
                (Occupancy.expires_at.is_(None)) | (Occupancy.expires_at > now),
            )
        )
    )


class Voyage(Protocol):
    """What a card says of a sailing, wherever it was read from."""

    @property
    def code(self) -> str: ...

    @property
    def itinerary(self) -> str: ...

    @property
    def title(self) -> LocalizedText: ...

    @property
    def starts_at(self) -> datetime: ...

    @property
    def ends_at(self) -> datetime: ...

    @property
    def days(self) -> int: ...

    @property
    def nights(self) -> int: ...

    @property
    def ship_id(self) -> int: ...

    @property
    def countries(self) -> tuple[str, ...]: ...

    @property
    def state(self) -> SailingState: ...

    @property
    def status_text(self) -> LocalizedText: ...

    @property
    def embark(self) -> PortView: ...

    @property
    def disembark(self) -> PortView: ...

    @property
    def ports(self) -> tuple[PortView, ...]: ...

    def on_sale_at(self, now: datetime) -> bool: ...


def nights_of(sailing: Voyage) -> list[date]:
    """Of a whole voyage; those of a part are counted by the calendar of the first port: see VoyagePart.nights."""
    first = day_of(sailing.starts_at, sailing.embark.zone)
    return [date.fromordinal(first.toordinal() + n) for n in range(sailing.nights)]


Kind = tuple[int, int, int]  # cabins that are alike for who sleeps in them: category, berths, extra berths


@dataclass(frozen=True)
class Free:
    """What is free of a sailing, and what may become so by itself."""

    by_kind: dict[Kind, int]
    held: int  # cabins that other guests keep for a while
    next_expiry: datetime | None  # when the first of these may be free again

    @property
    def cabins(self) -> int:
        return sum(self.by_kind.values())


@dataclass(frozen=True)
class SailingCard:
    code: str
    itinerary: str
    title: LocalizedText
    embark: PortView
    disembark: PortView
    starts_at: datetime
    ends_at: datetime
    days: int
    nights: int
    ports: tuple[PortView, ...]
    countries: tuple[str, ...]
    from_price: Money | None  # a person, in the cheapest category with a free cabin, in double use
    free_cabins: int
    cabins: int
    state: str  # on_sale, sold_out, closed, departed, cancelled, postponed
    status_text: LocalizedText
    held: int = 0  # where it is sold out: cabins that other guests keep for a while
    may_free_at: datetime | None = None  # and when the first of them may be free again
    may_free_today: bool = False  # on the day of the page, by the clocks of the first port
    part: PartView | None = None  # the card is of a part of the voyage

    @property
    def part_key(self) -> str | None:
        """As links to pages of this part carry it; None for the whole voyage."""
        return self.part.key if self.part else None

    @property
    def month(self) -> date:
        return day_of(self.starts_at, self.embark.zone).replace(day=1)


def card(sailing: Voyage, adult: Mapping[int, Money], free: Free, cabins: int, now: datetime) -> SailingCard:
    """adult: the fare of one person in double use, by category. cabins: how many the ship has."""
    if sailing.state is SailingState.CANCELLED:
        state = "cancelled"
    elif sailing.state is SailingState.POSTPONED and sailing.starts_at > now:
        state = "postponed"
    elif sailing.starts_at <= now:
        state = "departed"
    elif not sailing.on_sale_at(now):
        state = "closed"
    else:
        state = "on_sale" if free.cabins else "sold_out"
    prices = [adult[kind[0]] for kind, count in free.by_kind.items() if count and kind[0] in adult]
    sold_out = state == "sold_out"
    return SailingCard(
        code=sailing.code,
        itinerary=sailing.itinerary,
        title=sailing.title,
        embark=sailing.embark,
        disembark=sailing.disembark,
        starts_at=sailing.starts_at,
        ends_at=sailing.ends_at,
        days=sailing.days,
        nights=sailing.nights,
        ports=sailing.ports,
        countries=sailing.countries,
        from_price=min(prices, key=lambda price: price.minor) if prices and state == "on_sale" else None,
        free_cabins=free.cabins if state == "on_sale" else 0,
        cabins=cabins,
        state=state,
        status_text=sailing.status_text,
        held=free.held if sold_out else 0,
        may_free_at=free.next_expiry if sold_out else None,
        may_free_today=free.next_expiry is not None and _same_day(free.next_expiry, now, sailing.embark.zone),
        part=sailing.part if isinstance(sailing, SailingView) else None,
    )


def _same_day(one: datetime, other: datetime, zone: str) -> bool:
    return day_of(one, zone) == day_of(other, zone)


@dataclass(frozen=True)
class PartyOffer:
    """The cheapest way a party fits into what is free of a sailing; without a total it does not."""

    total: Money | None
    cabins: int
    party: Party | None  # as it would sleep, where that is not as it asked to


def offer_of(
    party: Party,
    free: Mapping[Kind, int],
    prices: SailingPrices,
    categories: Mapping[int, tuple[str, LocalizedText]],
    day: date,
) -> PartyOffer:
    """free: of a sailing, by kind. categories: code and name by id. day: of booking."""
    found = cheapest_for_party(
        party, _kinds_for_party(free, prices, categories), currency=prices.currency, terms=prices.terms, day=day
    )
    if found is None:
        return PartyOffer(None, 0, None)
    return PartyOffer(found.priced.total, len(found.cabins), found.priced.party if found.divided else None)


def _kinds_for_party(
    free: Mapping[Kind, int], prices: SailingPrices, categories: Mapping[int, tuple[str, LocalizedText]]
) -> list[KindsFree]:
    return [
        KindsFree(prices.cabin(kind[0], categories[kind[0]][0], berths=kind[1], extra_berths=kind[2]), count)
        for kind, count in free.items()
        if kind[0] in prices.fares
    ]


@dataclass(frozen=True)
class CategoryPrice:
    code: str
    name: LocalizedText
    description: LocalizedText
    deck_names: tuple[LocalizedText, ...]
    area_min: int
    area_max: int
    berths: int
    extra_berths: int
    per_person: Money
    single: Money
    free: int
    held: int  # kept by other guests for a while
    total: int
    mark: str
    party_total: Money | None = None  # for a party that was named, if it fits into what is free of this category
    party_cabins: int = 0


@dataclass(frozen=True)
class CabinView:
    number: str
    category: str
    category_name: LocalizedText
    deck: str
    x: int
    y: int
    w: int
    h: int
    side: str
    area: int
    berths: int
    extra_berths: int
    balcony: str
    accessible: bool
    connects_to: str | None
    state: str  # free, held, booked, closed
    per_person: Money
    single: Money
    for_party: Money | None = None  # for those who would sleep in it, if they were named and fit


@dataclass(frozen=True)
class DeckView:
    code: str
    name: LocalizedText
    level: int
    drawing: dict[str, Any]
    cabins: tuple[CabinView, ...]


@dataclass(frozen=True)
class _Sold:
    """A sailing with everything that can be sold in it."""

    sailing: SailingView
    card: SailingCard
    layout: ShipLayout
    fares: dict[int, Fare]  # of the whole voyage
    listed: dict[int, Fare]  # of what is sold of it
    taken: Taken
    prices: tuple[CategoryPrice, ...]
    fresh_until: datetime | None
    offer: PartyOffer | None
    for_party: Mapping[Kind, Money]  # what those pay together who would sleep in a cabin of this kind, if they fit


def _sold(
    code: str, now: datetime, party: Party | None = None, sleepers: Party | None = None, part: str | None = None
) -> _Sold:
    """Six statements, however many cabins, sailings and bookings; one more for a party, another for a
    part of the voyage.

    sleepers: those of the party for whom a cabin is looked for.
    """
    sailing = sailing_by_code(code, part)
    layout = ship_layout(sailing.ship_id)
    fares = fares_of([sailing.id])[sailing.id]
    listed = fares if sailing.part is None else fares_for_part(fares, sailing.part.percent)
    taken = taken_cabins(sailing, sailing.night_dates, now)
    free_by_kind: dict[Kind, int] = {}
    free_by_category: dict[int, int] = {}
    held_by_category: dict[int, int] = {}
    whole_by_category: dict[int, int] = {}
    decks_by_category: dict[int, list[int]] = {}
    for cabin in layout.cabins:
        if cabin.category_id in fares:
            kind = (cabin.category_id, cabin.berths, cabin.extra_berths)
            free = cabin.id not in taken.by_cabin
            free_by_kind[kind] = free_by_kind.get(kind, 0) + free
            free_by_category[cabin.category_id] = free_by_category.get(cabin.category_id, 0) + free
            held = taken.by_cabin.get(cabin.id) is OccupancyState.HELD
            held_by_category[cabin.category_id] = held_by_category.get(cabin.category_id, 0) + held
            whole_by_category[cabin.category_id] = whole_by_category.get(cabin.category_id, 0) + 1
            decks = decks_by_category.setdefault(cabin.category_id, [])
            if cabin.deck_id not in decks:
                decks.append(cabin.deck_id)
    shown = card(
        sailing,
        {category_id: fare.adult for category_id, fare in listed.items()},
        Free(free_by_kind, taken.held, taken.next_expiry),
        len(layout.cabins),
        now,
    )
    offer, by_category, for_party = _for_party(sailing, fares, free_by_kind, layout, party, sleepers, now)
    deck_names = {deck.id: deck.name for deck in layout.decks}
    on_sale = shown.state in ("on_sale", "sold_out")
    prices = tuple(
        CategoryPrice(
            code=category.code,
            name=category.name,
            description=category.description,
            deck_names=tuple(deck_names[deck] for deck in decks_by_category.get(category.id, [])),
            area_min=category.area_min,
            area_max=category.area_max,
            berths=category.berths,
            extra_berths=category.extra_berths,
            per_person=listed[category.id].adult,
            single=listed[category.id].single,
            free=free_by_category.get(category.id, 0) if on_sale else 0,
            held=held_by_category.get(category.id, 0) if on_sale else 0,
            total=whole_by_category.get(category.id, 0),
            mark=fares[category.id].mark,
            party_total=by_category[category.code].priced.total if category.code in by_category else None,
            party_cabins=len(by_category[category.code].cabins) if category.code in by_category else 0,
        )
        for category in layout.categories
        if category.id in fares
    )
    coming = [m for m in (taken.next_expiry, sailing.sales_close_at, sailing.starts_at) if m is not None and m > now]
    return _Sold(sailing, shown, layout, fares, listed, taken, prices, min(coming, default=None), offer, for_party)


def _for_party(
    sailing: SailingView,
    fares: Mapping[int, Fare],
    free: Mapping[Kind, int],
    layout: ShipLayout,
    party: Party | None,
    sleepers: Party | None,
    now: datetime,
) -> tuple[PartyOffer | None, dict[str, PartyPriceFound], dict[Kind, Money]]:
    """The cheapest offer, the prices by category, and those of the sleepers by the kind of the cabin."""
    if party is None:
        return None, {}, {}
    prices = _of_part(terms_for({sailing.id: sailing.code}, {sailing.id: fares})[sailing.id], sailing)
    categories = {category.id: (category.code, category.name) for category in layout.categories}
    day = day_of(now, sailing.embark.zone)
    of_sale = free if sailing.on_sale_at(now) else {}
    found = prices_by_category(
        party, _kinds_for_party(of_sale, prices, categories), currency=prices.currency, terms=prices.terms, day=day
    )
    alone = {}
    for kind in free:
        cabin = prices.cabin(kind[0], categories[kind[0]][0], berths=kind[1], extra_berths=kind[2])
        priced = price_in_cabin(sleepers or party, cabin, currency=prices.currency, terms=prices.terms, day=day)
        if priced is not None:
            alone[kind] = priced.total
    return offer_of(party, of_sale, prices, categories, day), found, alone


def _of_part(prices: SailingPrices, sailing: SailingView) -> SailingPrices:
    part = sailing.part
    return prices if part is None else prices.for_part(part.percent, part.embark, part.disembark)


@dataclass(frozen=True)
class CruisePage:
    card: SailingCard
    sailing: SailingView
    calls: tuple[CallView, ...]
    description: LocalizedText
    included: tuple[LocalizedText, ...]
    not_included: tuple[LocalizedText, ...]
    prices: tuple[CategoryPrice, ...]
    map: RouteMap
    fresh_until: datetime | None
    offer: PartyOffer | None
    parts: tuple[PartCard, ...]  # parts of the voyage that can be booked by themselves


@dataclass(frozen=True)
class PartCard:
    part: PartView
    embark: PortView
    disembark: PortView
    starts_at: datetime
    ends_at: datetime
    days: int
    nights: int
    from_price: Money | None  # a person, in the cheapest category with a free cabin, in double use
    free_cabins: int


def cruise_page(code: str, now: datetime, party: Party | None = None) -> CruisePage:
    """Raises NotFound. One statement more for the parts that are offered, and one for each of them."""
    sold = _sold(code, now, party)
    sailing = sold.sailing
    parts = parts_of(sailing.id) if sailing.on_sale_at(now) else ()
    return CruisePage(
        sold.card,
        sailing,
        sailing.calls,
        sailing.description,
        sailing.included,
        sailing.not_included,
        sold.prices,
        draw_route(sailing.calls),
        sold.fresh_until,
        sold.offer,
        tuple(card for card in (_part_card(part, sold, now) for part in parts) if card is not None),
    )


def card_of_part(code: str, part: str, now: datetime) -> SailingCard:
    """Of a part of a voyage. Raises NotFound. Seven statements."""
    return _sold(code, now, part=part).card


def _part_card(sailing: SailingView, sold: _Sold, now: datetime) -> PartCard | None:
    if sailing.part is None:
        return None
    taken = taken_cabins(sailing, sailing.night_dates, now)
    fares = fares_for_part(sold.fares, sailing.part.percent)
    free = [cabin for cabin in sold.layout.cabins if cabin.category_id in fares and cabin.id not in taken.by_cabin]
    return PartCard(
        part=sailing.part,
        embark=sailing.embark,
        disembark=sailing.disembark,
        starts_at=sailing.starts_at,
        ends_at=sailing.ends_at,
        days=sailing.days,
        nights=sailing.nights,
        from_price=min(
            (fares[cabin.category_id].adult for cabin in free), key=lambda price: price.minor, default=None
        ),
        free_cabins=len(free),
    )


BALCONIES = ("french", "private", "terrace")
SORTS = ("deck", "price", "area", "number")


@dataclass(frozen=True)
class CabinFilters:
    """What the list below the plan shows, and in which order; as it stands in the address."""

    category: str | None = None
    deck: str | None = None
    balcony: str | None = None
    free: bool = False
    accessible: bool = False
    connecting: bool = False
    fits: bool = False  # the party that was named
    sort: str = "deck"

    @property
    def any(self) -> bool:
        return any((self.category, self.deck, self.balcony, self.free, self.accessible, self.connecting, self.fits))

    def admit(self, cabin: CabinView) -> bool:
        return (
            (not self.category or cabin.category == self.category)
            and (not self.deck or cabin.deck == self.deck)
            and (not self.balcony or cabin.balcony == self.balcony)
            and (not self.free or cabin.state == "free")
            and (not self.accessible or cabin.accessible)
            and (not self.connecting or cabin.connects_to is not None)
            and (not self.fits or cabin.for_party is not None)
        )


@dataclass(frozen=True)
class CabinGroup:
    """Cabins that the list shows together: those of a deck, of a category, or of a size."""

    deck: LocalizedText | None
    category: LocalizedText | None
    area: int | None
    cabins: tuple[CabinView, ...]

    @property
    def free(self) -> int:
        return sum(cabin.state == "free" for cabin in self.cabins)

    @property
    def from_price(self) -> Money:
        return min((cabin.per_person for cabin in self.cabins), key=lambda price: price.minor)

    @property
    def for_party(self) -> Money | None:
        fitting = [cabin.for_party for cabin in self.cabins if cabin.for_party]
        return min(fitting, key=lambda price: price.minor, default=None)


@dataclass(frozen=True)
class DeckPlanPage:
    card: SailingCard
    decks: tuple[DeckView, ...]
    categories: tuple[CategoryPrice, ...]
    listed: tuple[CabinGroup, ...]  # what the list shows after its filters
    filters: CabinFilters
    fresh_until: datetime | None
    offer: PartyOffer | None

    @property
    def found(self) -> int:
        return sum(len(group.cabins) for group in self.listed)


def deck_plan_page(
    code: str,
    now: datetime,
    filters: CabinFilters = CabinFilters(),
    party: Party | None = None,
    sleepers: Party | None = None,
    *,
    part: str | None = None,
) -> DeckPlanPage:
    """sleepers: those of the party for whom a cabin is looked for. Raises NotFound."""
    sold = _sold(code, now, party, sleepers, part)
    decks = _deck_views(sold)
    listed = tuple(_grouped(decks, filters))
    return DeckPlanPage(sold.card, decks, sold.prices, listed, filters, sold.fresh_until, sold.offer)


def _grouped(decks: Sequence[DeckView], filters: CabinFilters) -> Iterator[CabinGroup]:
    """By what they are sorted by, so that a group can be folded away and its heading says what it holds."""
    names = {deck.code: deck.name for deck in decks}
    found = [cabin for deck in decks for cabin in deck.cabins if filters.admit(cabin)]
    if filters.sort == "price":
        found.sort(key=lambda cabin: ((cabin.for_party or cabin.per_person).minor, cabin.category, cabin.number))
        for category, cabins in groupby(found, key=lambda cabin: cabin.category_name):
            yield CabinGroup(None, category, None, tuple(cabins))
    elif filters.sort == "area":
        found.sort(key=lambda cabin: (-cabin.area, cabin.number))
        for area, cabins in groupby(found, key=lambda cabin: cabin.area):
            yield CabinGroup(None, None, area, tuple(cabins))
    elif filters.sort == "number":
        found.sort(key=lambda cabin: cabin.number)
        for deck, cabins in groupby(found, key=lambda cabin: cabin.deck):
            yield CabinGroup(names[deck], None, None, tuple(cabins))
    else:
        for deck in decks:
            if cabins_here := tuple(cabin for cabin in found if cabin.deck == deck.code):
                yield CabinGroup(deck.name, None, None, cabins_here)


def _deck_views(sold: _Sold) -> tuple[DeckView, ...]:
    categories = {category.id: category for category in sold.layout.categories}
    codes = {deck.id: deck.code for deck in sold.layout.decks}
    cabins: dict[int, list[CabinView]] = {deck.id: [] for deck in sold.layout.decks}
    for cabin in sold.layout.cabins:
        fare = sold.listed.get(cabin.category_id)
        if fare is None:
            continue
        category = categories[cabin.category_id]
        state = sold.taken.by_cabin.get(cabin.id)
        cabins[cabin.deck_id].append(
            CabinView(
                number=cabin.number,
                category=category.code,
                category_name=category.name,
                deck=codes[cabin.deck_id],
                x=cabin.x,
                y=cabin.y,
                w=cabin.w,
                h=cabin.h,
                side=cabin.side,
                area=cabin.area,
                berths=cabin.berths,
                extra_berths=cabin.extra_berths,
                balcony=cabin.balcony,
                accessible=cabin.accessible,
                connects_to=cabin.connects_to,
                state="free" if state is None else str(state),
                per_person=fare.adult,
                single=fare.single,
                for_party=sold.for_party.get((cabin.category_id, cabin.berths, cabin.extra_berths)),
            )
        )
    return tuple(
        DeckView(deck.code, deck.name, deck.level, deck.drawing, tuple(cabins[deck.id])) for deck in sold.layout.decks
    )


@dataclass(frozen=True)
class PartyPrice:
    """What so many adults pay for one cabin today, everything included."""

    party: int
    priced: PricedParty

    @property
    def total(self) -> Money:
        return self.priced.total

    @property
    def per_person(self) -> Money:
        return self.priced.total.share(1, self.party)


@dataclass(frozen=True)
class CabinPage:
    sailing_id: int
    cabin_id: int
    card: SailingCard
    cabin: CabinView
    deck: DeckView
    prices: tuple[PartyPrice, ...]
    on_sale: bool
    category_text: LocalizedText
    currency: str
    currencies: tuple[str, ...]
    asked: PricedParty | None  # what the sleepers of the address pay, where they fit
    offer: Offer  # what is priced
    versions: Versions  # of all that it shows
    fresh_until: datetime | None


def cabin_page(
    code: str,
    number: str,
    now: datetime,
    sleepers: Party | None = None,
    *,
    currency: str = CURRENCY,
    part: str | None = None,
) -> CabinPage:
    """Prices in `currency`, or in that of every sailing where this one has no such list. Raises NotFound.

    sleepers: those who are to sleep in this cabin. One statement where nothing has changed since the last visitor.
    """
    currency = currency if currency in CURRENCIES else CURRENCY
    sold = cabins_kept.of(
        code, part, currency, now=now, make=lambda versions: _cabins_sold(code, now, currency, part, versions)
    )
    cabin = sold.by_number.get(number)
    if cabin is None:
        raise NotFound(code, number)
    day = day_of(now, sold.card.embark.zone)
    [fares], terms = cabin.offer.cabins, cabin.offer.terms
    return CabinPage(
        sailing_id=sold.sailing_id,
        cabin_id=cabin.id,
        card=sold.card,
        cabin=cabin.view,
        deck=cabin.deck,
        prices=_party_prices(cabin.offer, cabin.view.berths + cabin.view.extra_berths, day),
        on_sale=sold.card.state == "on_sale",
        category_text=cabin.category_text,
        currency=sold.currency,
        currencies=sold.currencies,
        asked=price_in_cabin(sleepers, fares, currency=sold.currency, terms=terms, day=day) if sleepers else None,
        offer=cabin.offer,
        versions=sold.versions,
        fresh_until=sold.fresh_until,
    )


@dataclass(frozen=True)
class _CabinSold:
    """What of a cabin's page depends neither on the party nor on the day."""

    id: int
    view: CabinView
    deck: DeckView
    category_text: LocalizedText
    offer: Offer


@dataclass(frozen=True)
class _CabinsSold:
    sailing_id: int
    card: SailingCard
    currency: str
    currencies: tuple[str, ...]
    by_number: Mapping[str, _CabinSold]
    versions: Versions
    fresh_until: datetime | None


# When a sale opens, most who want a cabin come too late: they are told so without all of it being read once more.
cabins_kept: KeptByVersion[_CabinsSold] = KeptByVersion(60)  # of some 150 KB: about 9 MB a process


def _cabins_sold(
    code: str, now: datetime, currency: str, part: str | None, versions: Versions
) -> tuple[_CabinsSold, datetime | None]:
    sold = _sold(code, now, part=part)
    sailing_id = sold.sailing.id
    currencies = currencies_of(sailing_id)
    currency = currency if currency in currencies else CURRENCY
    fares = sold.fares if currency == CURRENCY else fares_of([sailing_id], currency)[sailing_id]
    prices = _of_part(terms_for({sailing_id: code}, {sailing_id: fares}, currency)[sailing_id], sold.sailing)
    rows = {cabin.number: cabin for cabin in sold.layout.cabins if cabin.category_id in fares}
    texts = {category.code: category.description for category in sold.layout.categories}
    by_number = {}
    for deck in _deck_views(sold):
        for view in deck.cabins:
            if view.number in rows:
                row = rows[view.number]
                cabin_fares = prices.cabin(
                    row.category_id, view.category, berths=row.berths, extra_berths=row.extra_berths
                )
                offer = Offer(currency, (cabin_fares,), prices.terms)
                by_number[view.number] = _CabinSold(row.id, view, deck, texts[view.category], offer)
    fresh_until = sold.fresh_until
    return _CabinsSold(sailing_id, sold.card, currency, currencies, by_number, versions, fresh_until), fresh_until


def _party_prices(offer: Offer, sleeps: int, day: date) -> tuple[PartyPrice, ...]:
    return tuple(
        PartyPrice(n, price_party(offer, Party.of([ADULT] * n), day=day)) for n in range(1, sleeps + 1)
    )


@dataclass(frozen=True)
class FreeCategory:
    """What is free of one category of a sailing, or of a part of it, and what any of these cabins costs."""

    sailing: SailingView
    category: Category
    cabins: tuple[Cabin, ...]
    prices: tuple[PartyPrice, ...]


def free_category(
    code: str, category: str, now: datetime, *, part: str | None = None, first: Callable[[Cabin], Any]
) -> FreeCategory:
    """first: by what its free cabins are sorted; the price is that of the first one.

    Raises NotFound where none is free or on sale. Seven statements, eight for a part.
    """
    sold = _sold(code, now, part=part)
    free = [
        cabin
        for cabin in sold.layout.cabins
        if cabin.category.code == category and cabin.category_id in sold.fares and cabin.id not in sold.taken.by_cabin
    ]
    if not free or not sold.sailing.on_sale_at(now):
        raise NotFound(code, category)
    free.sort(key=first)
    cabin = free[0]
    prices = _of_part(terms_for({sold.sailing.id: code}, {sold.sailing.id: sold.fares})[sold.sailing.id], sold.sailing)
    fares = prices.cabin(cabin.category_id, category, berths=cabin.berths, extra_berths=cabin.extra_berths)
    offer, day = Offer(prices.currency, (fares,), prices.terms), day_of(now, sold.sailing.embark.zone)
    return FreeCategory(sold.sailing, cabin.category, tuple(free), _party_prices(offer, cabin.sleeps, day))


def cabin_ids(code: str, numbers: Sequence[str]) -> list[int]:
    """The cabins of these numbers on a sailing's ship, in their order. Raises NotFound."""
    ship = select(Sailing.ship_id).where(Sailing.code == code).scalar_subquery()
    rows = db.session.execute(select(Cabin.number, Cabin.id).where(Cabin.ship_id == ship, Cabin.number.in_(numbers)))
    ids: dict[str, int] = dict(rows.all())
    if missing := [number for number in numbers if number not in ids]:
        raise NotFound(code, missing[0])
    return [ids[number] for number in numbers]


@dataclass(frozen=True)
class DeckPlanStates:
    free: int
    taken: dict[str, str]
    next_expiry: datetime | None  # of the hold that runs out first

    def over_at(self, now: datetime) -> bool:
        return self.next_expiry is not None and self.next_expiry <= now


def deck_plan_states(code: str, now: datetime, part: str | None = None) -> DeckPlanStates:
    """Only what changes while a plan is looked at. Raises NotFound. Four statements, five for a part."""
    sailing = sailing_by_code(code, part)
    rows = db.session.execute(select(Cabin.id, Cabin.number).filter_by(ship_id=sailing.ship_id))
    numbers: dict[int, str] = dict(rows.all())
    taken = taken_cabins(sailing, sailing.night_dates, now)
    return DeckPlanStates(
        len(numbers) - len(taken.by_cabin),
        {numbers[cabin]: str(state) for cabin, state in taken.by_cabin.items()},
        taken.next_expiry,
    )


@dataclass(frozen=True)
class NightsFree:
    """A cabin and the nights of a voyage on which nobody has it."""

    cabin: Cabin  # with its category
    free: frozenset[date]
    held: frozenset[date]  # somebody keeps it who has not booked yet

    @property
    def may_come(self) -> frozenset[date]:
        """The nights on which it is free or may become so by itself."""
        return self.free | self.held


@dataclass(frozen=True)
class FreeCabins:
    """What could be sold of a sailing now, night by night, and how many persons there is still room for."""

    sailing: SailingView
    on_sale: bool
    cabins: tuple[NightsFree, ...]  # all of categories that have a fare
    fares: dict[int, Fare]  # by category
    room: Mapping[date, int]  # persons, infants counted; by the night of the whole voyage

    def free_on(self, nights: Collection[date]) -> list[Cabin]:
        """The cabins that are free on all these nights."""
        return [one.cabin for one in self.cabins if one.free.issuperset(nights)]

    def room_on(self, nights: Iterable[date]) -> int:
        return min(self.room[night] for night in nights)


def free_cabins_of(code: str, now: datetime) -> FreeCabins:
    """Raises NotFound. Six statements, however many cabins, nights and bookings."""
    sailing = sailing_by_code(code)
    fares = fares_of([sailing.id])[sailing.id]
    whole = frozenset(sailing.night_dates)
    taken: dict[int, set[date]] = {}
    held: dict[int, set[date]] = {}
    limit = db.session.scalar(select(Ship.persons_limit).where(Ship.id == sailing.ship_id)) or 0
    room = dict.fromkeys(sailing.night_dates, limit)
    for cabin_id, state, party, first, last in _whoever_has_nights(sailing, now):
        nights = {night for night in whole if first <= night <= last}
        for night in nights:
            room[night] -= party
        (held if state in FOR_A_TIME else taken).setdefault(cabin_id, set()).update(nights)
    return FreeCabins(
        sailing=sailing,
        on_sale=sailing.on_sale_at(now),
        cabins=tuple(
            NightsFree(
                cabin,
                whole - taken.get(cabin.id, set()) - held.get(cabin.id, set()),
                frozenset(held.get(cabin.id, ())),
            )
            for cabin in ship_layout(sailing.ship_id).cabins
            if cabin.category_id in fares
        ),
        fares=fares,
        room=room,
    )


def _whoever_has_nights(
    sailing: SailingView, now: datetime
) -> Sequence[Row[int, OccupancyState, int, date, date]]:
    """Who has which cabin of the ship from which night to which, of those of a voyage: cabin, state, persons, nights.

    Nights of one owner follow each other without a gap. One statement.
    """
    nights = sailing.night_dates
    return db.session.execute(
        select(
            CabinNight.cabin_id,
            Occupancy.state,
            Occupancy.party,
            func.min(CabinNight.night),
            func.max(CabinNight.night),
        )
        .join(Occupancy, Occupancy.id == CabinNight.occupancy_id)
        .join(Cabin, Cabin.id == CabinNight.cabin_id)
        .where(
            Cabin.ship_id == sailing.ship_id,
            CabinNight.night >= nights[0],
            CabinNight.night <= nights[-1],
            (Occupancy.expires_at.is_(None)) | (Occupancy.expires_at > now),
        )
        .group_by(Occupancy.id, CabinNight.cabin_id)
    ).all()


def room_aboard(sailing_id: int, now: datetime) -> int:
    """For how many more persons, infants counted, the ship has room on every night of a sailing.

    Four statements where the sailing is not known yet.
    """
    sailing = db.session.get_one(Sailing, sailing_id)
    return sailing.ship.persons_limit - most_aboard(sailing.ship_id, sailing.nights, now)
