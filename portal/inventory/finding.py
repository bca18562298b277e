"""Finding a sailing: the list with its facets, the next ones, the season as a calendar, several side by side."""

from __future__ import annotations

import re
from calendar import Calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import islice
from operator import and_

from portal.catalogue.models import CallState
from portal.catalogue.queries import PortView, SailingView, sailings_by_code
from portal.inventory.queries import PartyOffer, SailingCard, offer_of
from portal.inventory.season_index import FREE_STEPS, NIGHTS, Snapshot, index
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.pricing.party import Party
from portal.pricing.queries import CURRENCY, prices_of

PAGE = 16  # sailings on a page of the list
MONTHS = 12  # offered one by one; later ones by the year
BUDGET_STEPS = 5
BUDGET_ROUNDED_TO = 10_000_00  # minor units
FACETS = ("month", "nights", "route", "embark", "country", "visa_free", "free", "budget")

What = date | str | int | LocalizedText | PortView | Money


@dataclass(frozen=True)
class CruiseFilters:
    """As they stand in the address; a value that means nothing filters nothing."""

    month: str | None = None  # "2024-05", or "2026" for the whole year
    nights: str | None = None  # "1-5", "6-8", "9-"
    route: str | None = None
    embark: str | None = None
    country: str | None = None
    visa_free: str | None = None  # citizens of this country surely need no visa
    free: int | None = None  # at least so many free cabins
    budget: int | None = None  # whole units of currency a person, at most
    over: bool = False  # those that have departed, in place of those to come

    @property
    def any(self) -> bool:
        return any(self.chosen.values())

    @property
    def chosen(self) -> dict[str, str | int]:
        """By facet, what is chosen: what the address of this choice is made of."""
        return {name: value for name in FACETS if (value := getattr(self, name)) is not None}

    @property
    def address(self) -> dict[str, str | int]:
        return self.chosen | ({"over": 1} if self.over else {})

    def without(self, facet: str) -> dict[str, str | int]:
        """The address of the same choice but for one filter."""
        return {name: value for name, value in self.address.items() if name != facet}


@dataclass(frozen=True)
class Option:
    value: str | int
    what: What  # shown to people
    count: int  # sailings with it, under all that is chosen in other facets
    chosen: bool


@dataclass(frozen=True)
class Facet:
    name: str
    options: tuple[Option, ...]

    @property
    def chosen(self) -> Option | None:
        return next((option for option in self.options if option.chosen), None)


@dataclass(frozen=True)
class WayOut:
    """A filter that alone keeps everything away: without it there are `count` sailings."""

    facet: Facet
    count: int


@dataclass(frozen=True)
class CruisesPage:
    cards: tuple[SailingCard, ...]
    found: int
    total: int  # to come, or departed
    departed: int  # of the whole catalogue
    page: int
    pages: int
    filters: CruiseFilters
    facets: tuple[Facet, ...]
    ways_out: tuple[WayOut, ...]  # where nothing is found
    catalogue: int
    offers: Mapping[str, PartyOffer]  # by code, where a party was named

    @property
    def key(self) -> tuple[object, ...]:
        """Changes with anything that the page shows."""
        shown = tuple((one.code, one.state, one.free_cabins, one.from_price, one.may_free_at) for one in self.cards)
        counts = tuple(option.count for facet in self.facets for option in facet.options)
        return self.catalogue, shown, counts, self.found, self.total, self.departed


def cruises_page(
    filters: CruiseFilters, now: datetime, page: int = 1, party: Party | None = None, day: date | None = None
) -> CruisesPage:
    """One statement, however many sailings; one more where cabins were taken since the last time, two for a party.

    day: of booking, for prices that depend on it.
    """
    season = index.snapshot(now)
    found = season.once(("list", filters, page), lambda: _found(season, filters, page))
    return found if party is None else replace(found, offers=_offers(season, found.cards, party, day or now.date()))


def _offers(season: Snapshot, cards: Sequence[SailingCard], party: Party, day: date) -> dict[str, PartyOffer]:
    places = [season.places[card.code] for card in cards if card.state == "on_sale"]
    prices = prices_of({season.entries[place].id: season.entries[place].code for place in places})
    return {
        season.entries[place].code: offer_of(
            party, season.free[place].by_kind, prices[season.entries[place].id], season.categories, day
        )
        for place in places
    }


def _found(season: Snapshot, filters: CruiseFilters, page: int = 1) -> CruisesPage:
    base = season.over if filters.over else season.all & ~season.over
    chosen = {name: _bits(season, name, value) for name, value in filters.chosen.items()}
    found = reduce(and_, chosen.values(), base)
    facets = tuple(_facet(season, name, filters, base, chosen) for name in FACETS)
    count = found.bit_count()
    pages = max(1, -(-count // PAGE))
    page = min(max(page, 1), pages)
    places = season.at(found)[(page - 1) * PAGE : page * PAGE] if not filters.over else _latest(season, found, page)
    return CruisesPage(
        cards=tuple(season.cards[place] for place in places),
        found=count,
        total=base.bit_count(),
        departed=season.over.bit_count(),
        page=page,
        pages=pages,
        filters=filters,
        facets=facets,
        ways_out=() if count else _ways_out(facets, base, chosen),
        catalogue=season.catalogue,
        offers={},
    )


def _latest(season: Snapshot, found: int, page: int) -> list[int]:
    """Of those that have departed the last ones come first."""
    places = season.at(found)[::-1]
    return sorted(places[(page - 1) * PAGE : page * PAGE])


def _bits(season: Snapshot, facet: str, value: str | int) -> int:
    if facet == "budget":
        return season.up_to(int(value) * 100)
    if facet == "month" and len(str(value)) == 4:
        return season.of("year", value)
    return season.of(facet, value)


def _facet(season: Snapshot, name: str, filters: CruiseFilters, base: int, chosen: dict[str, int]) -> Facet:
    """Its options, each counted under what is chosen elsewhere; what no sailing at all has is not offered."""
    others = reduce(and_, (bits for facet, bits in chosen.items() if facet != name), base)
    current = filters.chosen.get(name)
    options = []
    for value, what in _values(season, name, base):
        bits = _bits(season, name, value)
        options.append(Option(value, what, (others & bits).bit_count(), value == current))
    if current is not None and not any(option.chosen for option in options):
        options.append(Option(current, _named(season, name, current), (others & chosen[name]).bit_count(), True))
    return Facet(name, tuple(options))


def _values(season: Snapshot, name: str, base: int) -> list[tuple[str | int, What]]:
    if name == "month":
        return _months(season, base)
    if name == "nights":
        return [(name, name) for name in NIGHTS if base & season.of("nights", name)]
    if name == "free":
        return [(step, step) for step in FREE_STEPS]
    if name == "budget":
        return [(step // 100, Money(step, CURRENCY)) for step in budgets(season, base)]
    found = [value for value in season.values.get(name, ()) if base & season.of(name, value)]
    return [(str(value), _named(season, name, str(value))) for value in found]


def _months(season: Snapshot, base: int) -> list[tuple[str | int, What]]:
    months = sorted(str(month) for month in season.values.get("month", ()) if base & season.of("month", month))
    if base == season.over:  # the last ones first
        months.reverse()
    years = dict.fromkeys(month[:4] for month in months[MONTHS:])
    return [(key, _named(season, "month", key)) for key in (*months[:MONTHS], *years)]


def _named(season: Snapshot, name: str, value: str | int) -> What:
    if name == "month" and len(str(value)) == 7:
        return date.fromisoformat(f"{value}-01")
    if name == "route":
        return season.titles.get(str(value), str(value))
    if name == "embark":
        return season.ports.get(str(value), str(value))
    if name == "budget":
        return Money(int(value) * 100, CURRENCY)
    return value


def budgets(season: Snapshot, base: int) -> list[int]:
    """Round sums in minor units, each of which leaves some sailings out; by fares, so that they stay when cabins go."""
    least = sorted(
        min(money.minor for money in entry.adult.values())
        for place in season.at(base)[: PAGE * MONTHS]
        if (entry := season.entries[place]).adult
    )
    if not least:
        return []
    steps = [least[len(least) * step // BUDGET_STEPS] for step in range(1, BUDGET_STEPS)]
    return list(dict.fromkeys(-(-step // BUDGET_ROUNDED_TO) * BUDGET_ROUNDED_TO for step in steps))


def _ways_out(facets: Sequence[Facet], base: int, chosen: dict[str, int]) -> tuple[WayOut, ...]:
    """Which single filter to drop, the best first."""
    ways = []
    for facet in facets:
        if facet.name in chosen:
            rest = reduce(and_, (bits for name, bits in chosen.items() if name != facet.name), base)
            if rest:
                ways.append(WayOut(facet, rest.bit_count()))
    return tuple(sorted(ways, key=lambda way: -way.count))


MONTH = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class HomePage:
    cards: tuple[SailingCard, ...]  # the next ones on sale
    facets: tuple[Facet, ...]
    countries: tuple[str, ...]
    key: tuple[object, ...]
    offers: Mapping[str, PartyOffer]


NEXT_SAILINGS = 3


def home_page(now: datetime, party: Party | None = None, day: date | None = None) -> HomePage:
    season = index.snapshot(now)
    whole = season.once(("list", CruiseFilters(), 1), lambda: _found(season, CruiseFilters()))
    on_sale = season.at(season.of("state", "on_sale"))[:NEXT_SAILINGS]
    cards = tuple(season.cards[place] for place in on_sale)
    countries = tuple(
        str(option.value) for facet in whole.facets if facet.name == "country" for option in facet.options
    )
    key = (*replace(whole, cards=cards).key, countries)
    offers = {} if party is None else _offers(season, cards, party, day or now.date())
    return HomePage(cards, whole.facets, countries, key, offers)


def all_cards(now: datetime) -> tuple[SailingCard, ...]:
    """Every sailing that guests may see, in order of departure."""
    return index.snapshot(now).cards


def card_of(code: str, now: datetime) -> SailingCard:
    """Raises NotFound."""
    season = index.snapshot(now)
    if code not in season.places:
        raise NotFound(code)
    return season.cards[season.places[code]]


def sold_out_besides(code: str, now: datetime) -> tuple[SailingCard, ...]:
    """Other sailings without a free cabin, by departure: the next PAGE of them."""
    season = index.snapshot(now)
    places = season.at(season.of("state", "sold_out"))
    return tuple(season.cards[place] for place in places if season.entries[place].code != code)[:PAGE]


def other_dates(code: str, now: datetime, most: int = 4) -> tuple[SailingCard, ...]:
    """Other sailings of the same route that were on sale lately: the nearest to this one in time."""
    season = index.lately(now)
    place = season.places.get(code)
    if place is None:
        return ()
    this = season.entries[place]
    found = season.at(season.of("route", this.itinerary) & season.of("state", "on_sale") & ~(1 << place))
    found.sort(key=lambda other: abs(season.entries[other].starts_at - this.starts_at))
    return tuple(season.cards[other] for other in sorted(found[:most]))


@dataclass(frozen=True)
class CalendarDay:
    day: date
    within: bool  # of the month, and not of the one before or after
    cards: tuple[SailingCard, ...]  # under way on it, and those on sale first
    first: bool  # somebody's cruise begins
    last: bool


@dataclass(frozen=True)
class CalendarMonth:
    month: date
    weeks: tuple[tuple[CalendarDay, ...], ...]  # of seven days, from Monday
    cards: tuple[SailingCard, ...]  # that begin in it, at most PAGE
    found: int


@dataclass(frozen=True)
class CalendarPage:
    months: tuple[CalendarMonth, ...]
    year: int
    years: tuple[int, ...]
    offers: Mapping[str, PartyOffer]
    key: tuple[object, ...]


def calendar_page(
    year: int | None, now: datetime, party: Party | None = None, day: date | None = None
) -> CalendarPage:
    """The sailings of one year by month: of `year`, else of the next one in which something is to come."""
    season = index.snapshot(now)
    years = tuple(sorted(int(str(found)) for found in season.values.get("year", ())))
    coming = [one for one in years if season.of("year", str(one)) & ~season.over]
    if year not in years:
        year = coming[0] if coming else years[-1] if years else now.year
    this_year = year
    months = season.once(("calendar", year), lambda: tuple(_calendar_months(_cards_of_year(season, this_year))))
    shown = tuple(card for month in months for card in month.cards)
    key = (season.catalogue, year, tuple((card.code, card.state, card.free_cabins, card.from_price) for card in shown))
    offers = {} if party is None else _offers(season, shown, party, day or now.date())
    return CalendarPage(months, year, years, offers, key)


def _cards_of_year(season: Snapshot, year: int) -> list[SailingCard]:
    return [season.cards[place] for place in season.at(season.of("year", str(year)))]


def _calendar_months(cards: Sequence[SailingCard]) -> Iterator[CalendarMonth]:
    under_way: dict[date, list[SailingCard]] = {}
    for card in cards:
        first = day_of(card.starts_at, card.embark.zone)
        for n in range(card.days):
            under_way.setdefault(first + timedelta(days=n), []).append(card)
    for found in under_way.values():
        found.sort(key=lambda card: ORDER.index(card.state))
    for month in sorted({card.month for card in cards}):
        begun = [card for card in cards if card.month == month]
        weeks = tuple(
            tuple(_calendar_day(day, month, under_way.get(day, ())) for day in week)
            for week in Calendar().monthdatescalendar(month.year, month.month)
        )
        yield CalendarMonth(month, weeks, tuple(begun[:PAGE]), len(begun))


ORDER = ("on_sale", "sold_out", "postponed", "closed", "departed", "cancelled")


def _calendar_day(day: date, month: date, cards: Sequence[SailingCard]) -> CalendarDay:
    within = day.month == month.month
    starts = {day_of(card.starts_at, card.embark.zone) for card in cards}
    ends = {day_of(card.ends_at, card.disembark.zone) for card in cards}
    return CalendarDay(day, within, tuple(cards) if within else (), day in starts, day in ends)


MOST_COMPARED = 4


@dataclass(frozen=True)
class Compared:
    card: SailingCard
    sailing: SailingView
    hours_ashore: Mapping[str, int]  # by country, whole hours; where the cruise begins and ends not counted
    offer: PartyOffer | None


@dataclass(frozen=True)
class ComparePage:
    sailings: tuple[Compared, ...]
    countries: tuple[str, ...]  # of all of them, as they are met
    others: tuple[SailingCard, ...]  # the next ones that could be added


def compare_page(
    codes: Sequence[str], now: datetime, party: Party | None = None, day: date | None = None
) -> ComparePage:
    """Up to MOST_COMPARED of these that there are. Three statements, two more for a party."""
    season = index.snapshot(now)
    asked = [code for code in dict.fromkeys(codes) if code in season.places][:MOST_COMPARED]
    cards = [season.cards[season.places[code]] for code in asked]
    offers = {} if party is None else _offers(season, cards, party, day or now.date())
    views = sailings_by_code(asked) if asked else ()
    compared = tuple(
        Compared(season.cards[season.places[view.code]], view, _hours_ashore(view), offers.get(view.code))
        for view in views
    )
    on_sale = (season.cards[place] for place in season.at(season.of("state", "on_sale")))
    others = tuple(card for card in islice(on_sale, 3 * PAGE) if card.code not in asked)
    return ComparePage(
        compared,
        tuple(dict.fromkeys(country for one in compared for country in one.card.countries)),
        others if len(compared) < MOST_COMPARED else (),
    )


def _hours_ashore(sailing: SailingView) -> dict[str, int]:
    found: dict[str, float] = {}
    for call in sailing.calls[1:-1]:
        if call.arrives_at and call.departs_at and call.state != CallState.CANCELLED:
            seconds = (call.departs_at - call.arrives_at).total_seconds()
            found[call.port.country] = found.get(call.port.country, 0) + seconds / 3600
    return {country: round(hours) for country, hours in found.items()}
