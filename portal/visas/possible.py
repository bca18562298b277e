"""What can still be done for the passports of a party: for the pages that list and show sailings. Nothing is written.

What the countries of a voyage say to a citizenship changes with the catalogue alone, so each process keeps it; what
a visitor told of his passports is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from threading import Lock

from portal.catalogue.models import PortCall
from portal.inventory.finding import all_cards
from portal.inventory.queries import SailingCard
from portal.inventory.season_index import Entry, Snapshot, index
from portal.visas.feasibility import WORSE, Chance, Holder, Said, SailingChance, by_destination, said_to, sailing_chance
from portal.visas.rules import Rule, Voyage
from portal.visas.season import stops_of
from portal.visas.services import live_rules

MOST_KEPT = 4000  # answers of one voyage to one citizenship
MOST_JUDGED = 200  # sailings on sale, the next ones
MOST_SHOWN = 48


@dataclass
class _Season:
    """What was worked out from one reading of the catalogue."""

    entries: Sequence[Entry] = ()
    rules: dict[str, Sequence[Rule]] = field(default_factory=dict)
    voyages: dict[str, Voyage] = field(default_factory=dict)
    said: dict[tuple[str, str], Said] = field(default_factory=dict)


_lock = Lock()
_season = _Season()


def chances(codes: Collection[str], party: Sequence[Holder], now: datetime, today: date) -> dict[str, SailingChance]:
    """By code, for those of these sailings that guests may see. One statement, three for what is not known yet."""
    snapshot = index.snapshot(now)
    season = _of(snapshot)
    places = {code: snapshot.places[code] for code in codes if code in snapshot.places}
    _learn(season, {snapshot.entries[place].id: code for code, place in places.items()})
    citizenships = {one.citizenship for one in party}
    return {
        code: sailing_chance(party, voyage, {one: _said(season, one, voyage) for one in citizenships}, today)
        for code in codes
        if (voyage := season.voyages.get(code))
    }


def _of(snapshot: Snapshot) -> _Season:
    """The index reads its entries anew with each version of the catalogue, so by them it is known what is stale."""
    global _season
    with _lock:
        if _season.entries is not snapshot.entries or len(_season.said) > MOST_KEPT:
            _season = _Season(snapshot.entries)
        return _season


def _learn(season: _Season, codes: Mapping[int, str]) -> None:
    """codes: by the id of the sailing. Two statements, none for what is known."""
    unknown = [number for number, code in codes.items() if code not in season.voyages]
    if not unknown:
        return
    learnt = {
        codes[number]: Voyage(codes[number], 0, stops)
        for number, stops in stops_of(PortCall.sailing_id.in_(unknown))
    }
    countries = {country for voyage in learnt.values() for country in voyage.countries}
    if new := countries - season.rules.keys():
        found = by_destination(live_rules(new))
        season.rules |= {country: found.get(country, ()) for country in new}
    season.voyages |= learnt


def _said(season: _Season, citizenship: str, voyage: Voyage) -> Said:
    key = voyage.code, citizenship
    if key not in season.said:
        season.said[key] = said_to(citizenship, voyage, season.rules)
    return season.said[key]


class Order(StrEnum):
    DEPARTURE = "departure"
    CHANCE = "chance"  # the surest first
    BOOK_BY = "book_by"  # the most pressing first


@dataclass(frozen=True)
class PossibleRow:
    card: SailingCard
    chance: SailingChance


@dataclass(frozen=True)
class PossiblePage:
    rows: tuple[PossibleRow, ...]
    judged: int
    counts: Mapping[Chance, int]  # of those judged, from the best
    left_out: int  # beyond what one page shows


def possible_page(
    party: Sequence[Holder], *, order: Order = Order.DEPARTURE, only: bool = False, now: datetime, today: date
) -> PossiblePage:
    """The next sailings on sale. only: without those that cannot be done. Five statements at most."""
    cards = [card for card in all_cards(now) if card.state == "on_sale"][:MOST_JUDGED]
    found = chances([card.code for card in cards], party, now, today)
    rows = [PossibleRow(card, found[card.code]) for card in cards if card.code in found]
    counts = {chance: sum(row.chance.chance is chance for row in rows) for chance in Chance}
    shown = [row for row in rows if row.chance.chance is not Chance.CANNOT] if only else rows
    if order is Order.CHANCE:
        shown = sorted(shown, key=lambda row: WORSE[row.chance.chance])
    elif order is Order.BOOK_BY:
        shown = sorted(shown, key=lambda row: row.chance.book_by or date.max)
    return PossiblePage(tuple(shown[:MOST_SHOWN]), len(rows), counts, max(0, len(shown) - MOST_SHOWN))
