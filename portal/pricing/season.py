"""Load a season file: ship, ports, itineraries, sailings and the price list, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.exc import StatementError

from portal.audit.services import record
from portal.catalogue.models import (
    Cabin,
    CallState,
    Category,
    Deck,
    Itinerary,
    Port,
    PortCall,
    Sailing,
    SailingState,
    Ship,
)
from portal.catalogue.versions import CATALOGUE, bump, sailing_version
from portal.database import transaction
from portal.kernel.countries import country_codes
from portal.kernel.text import LANGUAGES, LocalizedText
from portal.pricing.models import Fare, PriceList, PriceTerms
from portal.pricing.services import new_list, publish
from portal.pricing.terms import read_terms

WHOLE = "season"  # what is wrong in no row of its own
FACTS = Path(__file__).parent.parent / "catalogue" / "facts"


class BadSeasonFile(Exception):
    """The file cannot be loaded; says the row and the reason. Nothing was changed."""


@dataclass(frozen=True)
class SeasonLoaded:
    sailings_new: int
    sailings_kept: int  # already there: they are the operator's, and a file does not overwrite his work
    fares_new: int


@contextmanager
def row(name: str) -> Iterator[None]:
    """Say in which row of the file something is wrong."""
    try:
        yield
    except BadSeasonFile as inner:
        raise BadSeasonFile(f"{name}, {inner}" if name != WHOLE else str(inner)) from None
    except KeyError as missing:
        raise BadSeasonFile(f"{name}: {missing.args[0]!r} is missing") from None
    except StatementError as refused:  # what only the database knows: a code given twice, a fare of nothing
        reason = str(refused.orig).partition("\n")[0]
        raise BadSeasonFile(f"{name}: the database refuses it: {reason}") from None
    except (ValueError, TypeError, AttributeError) as wrong:
        raise BadSeasonFile(f"{name}: {wrong}") from None


def _listed(part: str, index: int, entry: Any, key: str = "code") -> str:
    """The name of a row in a list of the file: "ports[3] RUMCX"."""
    code = entry.get(key, "") if isinstance(entry, dict) else ""
    return f"{part}[{index}] {code}".strip()


def load_season(path: Path, *, now: datetime) -> SeasonLoaded:
    """Write what `path` says; a second time nothing changes. Raises BadSeasonFile, and then nothing was written."""
    season = _read(path)
    with row("ship"):
        facts = _read(path.parent / "ship.json")
        if facts["code"] != season["ship"]:
            raise ValueError(f"the season is for {season['ship']!r}, the ship file for {facts['code']!r}")
    with transaction() as session, row(WHOLE):
        return _Loader(session, season, facts, now).load()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSeasonFile(f"{path.name}: {error.strerror}") from None
    except ValueError as error:
        raise BadSeasonFile(f"{path.name}: not JSON: {error}") from None


def _text(value: Any) -> LocalizedText:
    missing = [code for code in LANGUAGES if not value.get(code)]
    if missing:
        raise ValueError(f"no text in {', '.join(missing)}")
    return LocalizedText({code: str(value[code]) for code in LANGUAGES})


def _moment(value: str | None, zone: ZoneInfo) -> datetime | None:
    """An ISO time with its offset, which must be the port's own on that day."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no offset from UTC")
    if moment.utcoffset() != moment.astimezone(zone).utcoffset():
        raise ValueError(f"{value!r} is not the time of {zone.key}")
    return moment


class _Loader:
    def __init__(self, session: Any, season: Any, facts: Any, now: datetime) -> None:
        self.session = session
        self.season = season
        self.facts = facts
        self.now = now

    def load(self) -> SeasonLoaded:
        ship = self.ship()
        categories = self.categories(ship)
        self.cabins(ship, categories, self.decks(ship))
        ports = {}
        for index, entry in enumerate(self.season["ports"]):
            with row(_listed("ports", index, entry)):
                port = self.port(entry)
                self.session.flush()
                ports[port.code] = port
        with row("price terms"):
            self.price_terms()
        itineraries = {}
        for index, entry in enumerate(self.season["itineraries"]):
            with row(_listed("itineraries", index, entry)):
                itinerary = self.itinerary(entry)
                self.session.flush()
                itineraries[itinerary.code] = itinerary
        new = kept = fares = 0
        for index, entry in enumerate(self.season["sailings"]):
            with row(_listed("sailings", index, entry)):
                if self.session.scalar(select(Sailing.id).where(Sailing.code == entry["code"])):
                    kept += 1
                    sailing = self.session.scalars(select(Sailing).filter_by(code=entry["code"])).one()
                else:
                    sailing = self.sailing(entry, ship, itineraries, ports)
                    new += 1
                    with row("price list"):
                        fares += self.fares(sailing, categories)
                for other in self.season["price_list"].get("currencies", ()):
                    with row(f"price list, {other.get('currency')}"):
                        fares += self.fares_in(other, sailing)
        bump(CATALOGUE)
        return SeasonLoaded(new, kept, fares)

    def _one(self, model: Any, **key: Any) -> Any:
        """The row with this natural key, new if there is none."""
        found = self.session.scalars(select(model).filter_by(**key)).one_or_none()
        if found is None:
            found = model(**key)
            self.session.add(found)
        return found

    def ship(self) -> Ship:
        with row("ship"):
            ship: Ship = self._one(Ship, code=self.facts["code"])
            for name in self.facts["names"]:
                _text(name["name"])
            ship.names = self.facts["names"]
            ship.persons_limit = int(self.facts["persons_limit"])
            ship.length_m = float(self.facts["length_m"])
            ship.beam_m = float(self.facts["beam_m"])
            self.session.flush()
            return ship

    def categories(self, ship: Ship) -> dict[str, Category]:
        result = {}
        for entry in self.facts["categories"]:
            with row(f"category {entry.get('code')}"):
                category: Category = self._one(Category, ship_id=ship.id, code=entry["code"])
                category.position = entry["order"]
                category.name = _text(entry["name"])
                category.description = _text(entry["description"])
                category.area_min = entry["area_min"]
                category.area_max = entry["area_max"]
                category.berths = entry["berths"]
                category.extra_berths = entry["extra_berths"]
                category.balcony = entry["balcony"]
                result[category.code] = category
        self.session.flush()
        return result

    def decks(self, ship: Ship) -> dict[str, Deck]:
        result = {}
        for entry in self.facts["decks"]:
            with row(f"deck {entry.get('code')}"):
                deck: Deck = self._one(Deck, ship_id=ship.id, code=entry["code"])
                deck.level = entry["level"]
                deck.name = _text(entry["name"])
                deck.drawing = entry["drawing"]
                result[deck.code] = deck
        self.session.flush()
        return result

    def cabins(self, ship: Ship, categories: dict[str, Category], decks: dict[str, Deck]) -> None:
        known = {cabin.number: cabin for cabin in self.session.scalars(select(Cabin).filter_by(ship_id=ship.id))}
        for entry in self.facts["cabins"]:
            with row(f"cabin {entry.get('number')}"):
                cabin = known.get(entry["number"])
                if cabin is None:
                    cabin = Cabin(ship_id=ship.id, number=entry["number"])
                    self.session.add(cabin)
                cabin.deck_id = decks[entry["deck"]].id
                cabin.category_id = categories[entry["category"]].id
                for column in ("x", "y", "w", "h", "side", "area", "berths", "extra_berths", "balcony", "accessible"):
                    setattr(cabin, column, entry[column])
                cabin.connects_to = entry["connects_to"]
        self.session.flush()

    def port(self, entry: Any) -> Port:
        try:
            ZoneInfo(entry["zone"])
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{entry['zone']!r} is not a time zone") from None
        if entry["country"] not in country_codes():
            raise ValueError(f"{entry['country']!r} is not a country")
        if not (-90 <= entry["latitude"] <= 90 and -180 <= entry["longitude"] <= 180):
            raise ValueError("its coordinates are not on Earth")
        port: Port = self._one(Port, code=entry["code"])
        port.locode = entry["locode"]
        port.name = _text(entry["name"])
        port.country = entry["country"]
        port.latitude = entry["latitude"]
        port.longitude = entry["longitude"]
        port.zone = entry["zone"]
        port.sights = _text(entry["sights"])
        return port

    def itinerary(self, entry: Any) -> Itinerary:
        itinerary: Itinerary = self._one(Itinerary, code=entry["code"])
        itinerary.title = _text(entry["title"])
        itinerary.description = _text(entry["description"])
        itinerary.included = [_text(text).by_locale for text in entry["included"]]
        itinerary.not_included = [_text(text).by_locale for text in entry["not_included"]]
        return itinerary

    def sailing(self, entry: Any, ship: Ship, itineraries: dict[str, Itinerary], ports: dict[str, Port]) -> Sailing:
        if entry["itinerary"] not in itineraries:
            raise ValueError(f"there is no itinerary {entry['itinerary']!r}")
        if len(entry["calls"]) < 2:
            raise ValueError("a sailing needs at least two calls")
        calls: list[PortCall] = []
        last: datetime | None = None
        for position, call_entry in enumerate(entry["calls"], 1):
            with row(_listed("calls", position - 1, call_entry, "port")):
                call = self.call(position, call_entry, ports)
                for moment in (call.arrives_at, call.departs_at):
                    if moment is not None and last is not None and moment <= last:
                        raise ValueError(f"{moment.isoformat()} is not after what comes before it")
                    last = moment or last
                calls.append(call)
        # Where the last call has a departure, guests sleep aboard once more and leave in the morning.
        starts, ends = calls[0].departs_at, calls[-1].departs_at or calls[-1].arrives_at
        if starts is None or ends is None:
            raise ValueError("the first call needs a departure, the last an arrival")
        sailing = Sailing(
            code=entry["code"],
            ship_id=ship.id,
            itinerary_id=itineraries[entry["itinerary"]].id,
            state=SailingState.ON_SALE,
            status_text=_text(entry.get("status_text", self.season["status_text"])),
            starts_at=starts,
            ends_at=ends,
            sales_close_at=starts - timedelta(hours=self.season["sales_close_hours_before"]),
            calls=calls,
        )
        self.session.add(sailing)
        self.session.flush()
        bump(sailing_version(sailing.id))
        record(
            "sailing.loaded",
            subject="sailing",
            reference=sailing.code,
            now=self.now,
            to_state=sailing.state,
        )
        return sailing

    def call(self, position: int, entry: Any, ports: dict[str, Port]) -> PortCall:
        if entry["port"] not in ports:
            raise ValueError(f"there is no port {entry['port']!r}")
        port = ports[entry["port"]]
        state = CallState(entry.get("state", CallState.PLANNED))
        note = self.season["call_notes"].get(port.country) if state is CallState.CONDITIONAL else None
        zone = ZoneInfo(port.zone)
        return PortCall(
            position=position,
            port=port,
            arrives_at=_moment(entry["arrives"], zone),
            departs_at=_moment(entry["departs"], zone),
            leg_nm=int(entry["leg_nm"]),
            leg_river_km=int(entry["leg_river_km"]),
            state=state,
            notes=None if note is None else _text(note),
        )

    def fares(self, sailing: Sailing, categories: dict[str, Category]) -> int:
        """The proposed grid: price for a night × nights × season, rounded to whole hundreds."""
        prices = self.season["price_list"]
        nights = len(sailing.nights)
        percent = prices["season_percent"][str(sailing.start_day.month)]
        dues = int(prices.get("port_dues_per_call", 0)) * 100 * (len(sailing.calls) - 1)
        listed = new_list(
            sailing.id, prices["currency"], mark=prices["mark"], dues=dues, now=self.now, source=prices["source"]
        )
        made: dict[str, Fare] = {}
        for code, category in categories.items():
            with row(code):
                adult = self.rounded(prices["per_night"][code] * nights, percent)
                fare = Fare(
                    price_list=listed,
                    sailing_id=sailing.id,
                    category_id=category.id,
                    currency=prices["currency"],
                    # Shares of the rounded fare: alone at double the fare is what two would pay, to the rouble.
                    adult_minor=adult * 100,
                    single_minor=self.rounded(adult, prices["single_percent"][code]) * 100,
                    child_minor=self.rounded(adult, prices["child_percent"][code]) * 100,
                    extra_minor=self.rounded(adult, prices["extra_percent"]) * 100 if category.extra_berths else None,
                    mark=prices["mark"],
                )
                self.session.add(fare)
                self.session.flush()
                made[code] = fare
        publish(listed, made, self.now)
        return len(made)

    def fares_in(self, other: Any, sailing: Sailing) -> int:
        """The list of a sailing in one more currency, worked out from one it has; a list that is there stays."""
        currency, base = other["currency"], other["from"]
        rows = self.session.execute(
            select(Category.code, Fare)
            .join(Fare, Fare.category_id == Category.id)
            .where(Fare.sailing_id == sailing.id, Fare.currency.in_([currency, base]))
            .order_by(Category.position)
        ).all()
        if any(fare.currency == currency for _, fare in rows):
            return 0

        dues = self.exchanged(rows[0][1].price_list.port_dues_minor, {**other, "round_to": 1})
        listed = new_list(sailing.id, currency, mark=other["mark"], dues=dues, now=self.now, source=other["source"])
        made = {code: self.fare_in(other, fare, listed) for code, fare in rows}
        self.session.add_all(made.values())
        publish(listed, made, self.now)
        self.session.flush()
        return len(made)

    def fare_in(self, other: Any, base: Fare, listed: PriceList) -> Fare:
        """Each fare the same share of the adult's as in the list it comes from."""
        adult = self.exchanged(base.adult_minor, other)

        def share(minor: int) -> int:
            return self.exchanged(minor, {**other, "multiply": adult, "divide": base.adult_minor})

        return Fare(
            price_list=listed,
            sailing_id=base.sailing_id,
            category_id=base.category_id,
            currency=other["currency"],
            adult_minor=adult,
            single_minor=share(base.single_minor),
            child_minor=share(base.child_minor),
            extra_minor=None if base.extra_minor is None else share(base.extra_minor),
            mark=other["mark"],
        )

    def exchanged(self, minor: int, other: Any) -> int:
        """multiply / divide of minor units, half up to a multiple of round_to whole ones."""
        multiply, divide, step = int(other["multiply"]), int(other["divide"]), int(other["round_to"]) * 100
        return (2 * minor * multiply + divide * step) // (2 * divide * step) * step

    def price_terms(self) -> None:
        """Tariffs and discounts, a new version where the file has others than the last one."""
        given = self.season.get("price_terms")
        if given is None:
            return
        read_terms(given, "")
        last = self.session.scalars(select(PriceTerms).order_by(PriceTerms.version.desc()).limit(1)).one_or_none()
        if last is None or last.terms != given:
            version = 1 if last is None else last.version + 1
            self.session.add(PriceTerms(version=version, mark=given["mark"], terms=given, made_at=self.now))

    def rounded(self, roubles: int, percent: int) -> int:
        """`percent` of whole `roubles`, half up to a multiple of round_to roubles."""
        step = int(self.season["price_list"]["round_to"])
        return (2 * roubles * percent + 100 * step) // (2 * 100 * step) * step
