"""The map of a route: the way stays on water, and what is written on it can be read."""

import json
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from portal.catalogue.route_map import LABEL_SIZE, LETTER, MARKER, Box, Place, chart, distance, draw_route, legs
from portal.kernel.text import LocalizedText

pytestmark = pytest.mark.once

HARBOUR_DEGREES = 0.14  # towns stand on land; so far from one the drawn way may cross the shore


@dataclass(frozen=True)
class Port:
    code: str
    name: LocalizedText
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Call:
    position: int
    port: Port
    state: str = "planned"


def port(code: str, ru: str, tk: str, en: str, country: str, latitude: float, longitude: float) -> Port:
    return Port(code, LocalizedText({"ru": ru, "tk": tk, "en": en}), country, latitude, longitude)


PORTS = {
    "ASF": port("ASF", "Астрахань", "Astrahan", "Astrakhan", "RU", 46.3498, 48.0326),
    "VOG": port("VOG", "Волгоград", "Wolgograd", "Volgograd", "RU", 48.7082, 44.5153),
    "NIK": port("NIK", "Никольское", "Nikolskoýe", "Nikolskoye", "RU", 47.75, 46.37),
    "MCX": port("MCX", "Махачкала", "Mahaçkala", "Makhachkala", "RU", 42.983, 47.5049),
    "DER": port("DER", "Дербент", "Derbent", "Derbent", "RU", 42.062, 48.305),
    "BAK": port("BAK", "Баку", "Baku", "Baku", "AZ", 40.3756, 49.8328),
    "BAZ": port("BAZ", "Бендер-Энзели", "Bender-Enzeli", "Bandar Anzali", "IR", 37.4716, 49.4686),
    "NSH": port("NSH", "Ноушехр", "Nowşahr", "Nowshahr", "IR", 36.662, 51.505),
    "AMD": port("AMD", "Амирабад", "Emirabat", "Amirabad", "IR", 36.855, 53.385),
    "KRW": port("KRW", "Туркменбаши", "Türkmenbaşy", "Turkmenbashi", "TM", 40.0055, 52.9933),
    "AAU": port("AAU", "Актау", "Aktau", "Aktau", "KZ", 43.6353, 51.1682),
}
ITINERARIES = {
    "LVG": ("ASF", "NIK", "VOG", "ASF"),
    "TRI": ("ASF", "MCX", "BAK", "KRW", "ASF"),
    "CAS5": ("ASF", "MCX", "BAK", "BAZ", "KRW", "AAU", "ASF"),
    "AWZ": ("ASF", "AAU", "KRW", "BAK", "MCX", "ASF"),
    "OWS": ("ASF", "MCX", "BAK"),
    "TRE": ("BAK", "BAZ", "NSH", "KRW", "AAU", "ASF", "MCX", "BAK"),
    "NTH": ("BAK", "KRW", "AAU", "ASF"),
}
SEA_LEGS = [pair for pair in combinations(PORTS, 2) if not {"VOG", "NIK"} & set(pair)]


def calls(codes: tuple[str, ...]) -> list[Call]:
    return [Call(position, PORTS[code]) for position, code in enumerate(codes, start=1)]


def encloses(ring: list[list[float]], place: Place) -> bool:
    """Whether `place` is inside: a ray to the east crosses the ring an odd number of times."""
    crossings = 0
    for (x1, y1), (x2, y2) in pairwise([*ring, ring[0]]):
        if (y1 > place.latitude) != (y2 > place.latitude):
            crossings += place.longitude < x1 + (place.latitude - y1) * (x2 - x1) / (y2 - y1)
    return crossings % 2 == 1


def on_water(place: Place) -> bool:
    return encloses(chart()["sea"], place) and not any(encloses(island, place) for island in chart()["islands"])


def between(one: Place, other: Place, steps: int = 6) -> list[Place]:
    return [
        Place(
            one.longitude + (other.longitude - one.longitude) * step / steps,
            one.latitude + (other.latitude - one.latitude) * step / steps,
        )
        for step in range(steps)
    ]


def on_the_river(place: Place) -> bool:
    river = [Place(*point) for line in chart()["rivers"] for point in line["line"]]
    return any(distance(place, near) < 0.12 for a, b in pairwise(river) for near in between(a, b))


def ashore(codes: tuple[str, ...]) -> list[Place]:
    """The places of the drawn way that are neither on the sea, nor on the river, nor in a harbour."""
    harbours = [Place(PORTS[code].longitude, PORTS[code].latitude) for code in codes]
    return [
        place
        for leg in legs(calls(codes))
        for one, other in pairwise(leg)
        for place in between(one, other)
        if not on_water(place)
        and not on_the_river(place)
        and all(distance(place, harbour) > HARBOUR_DEGREES for harbour in harbours)
    ]


@pytest.mark.parametrize("itinerary", ITINERARIES)
def test_a_ship_stays_on_water_on_each_itinerary(itinerary):
    assert ashore(ITINERARIES[itinerary]) == []


@pytest.mark.parametrize("leg", SEA_LEGS, ids="-".join)
def test_a_ship_stays_on_water_between_any_two_ports(leg):
    assert ashore(leg) == []


@pytest.mark.parametrize("itinerary", ITINERARIES)
def test_names_of_ports_cover_neither_each_other_nor_a_stop_nor_the_edge(itinerary):
    drawn = draw_route(calls(ITINERARIES[itinerary]))

    frame = Box(0, 0, drawn.width, drawn.height)
    for stop in drawn.stops:
        longest = max(len(name) for name in stop.port.name.by_locale.values())
        assert stop.label.right - stop.label.left == pytest.approx(longest * LABEL_SIZE * LETTER)
        assert stop.label.within(frame), stop.port.code
    for one, other in combinations(drawn.stops, 2):
        assert not one.label.meets(other.label), (one.port.code, other.port.code)
    for one in drawn.stops:
        for other in drawn.stops:
            marker = Box(other.x - MARKER, other.y - MARKER, other.x + MARKER, other.y + MARKER)
            assert not one.label.meets(marker), (one.port.code, other.port.code)


@pytest.mark.parametrize("itinerary", ITINERARIES)
def test_the_countries_called_at_and_the_water_are_named(itinerary):
    drawn = draw_route(calls(ITINERARIES[itinerary]))

    named = {name.code for name in drawn.names}
    assert {PORTS[code].country for code in ITINERARIES[itinerary]} <= named
    assert named & {"sea", "volga"}


def test_a_port_called_at_twice_is_one_stop_with_both_numbers():
    drawn = draw_route(calls(ITINERARIES["TRI"]))

    assert [(stop.port.code, stop.positions) for stop in drawn.stops] == [
        ("ASF", (1, 5)),
        ("MCX", (2,)),
        ("BAK", (3,)),
        ("KRW", (4,)),
    ]


def test_a_cancelled_call_is_left_out_and_the_others_keep_their_numbers():
    planned = calls(ITINERARIES["CAS5"])
    planned[3] = Call(4, PORTS["BAZ"], state="cancelled")

    drawn = draw_route(planned)

    assert [stop.positions for stop in drawn.stops] == [(1, 7), (2,), (3,), (5,), (6,)]


def test_a_single_port_is_drawn_without_a_way():
    drawn = draw_route(calls(("BAK",)))

    assert drawn.route == ""
    assert [stop.port.code for stop in drawn.stops] == ["BAK"]


def test_a_route_without_ports_is_refused():
    with pytest.raises(ValueError, match="needs a port"):
        draw_route([])


def test_the_chart_says_where_it_comes_from_and_is_small():
    facts = Path("portal/catalogue/facts/caspian.json")

    assert facts.stat().st_size < 30_000
    assert "Natural Earth" in json.loads(facts.read_text(encoding="utf-8"))["provenance"]
