"""Draws the way of a cruise on the real coastline of the Caspian, as shapes that a template puts into an SVG."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import atan2, ceil, cos, degrees, hypot, log, radians, tan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from portal.catalogue.queries import CallView, PortView

FACTS = Path(__file__).parent / "facts" / "caspian.json"
WIDTH = 400.0  # of every map, in its own units
# Around the route, in degrees; most at the sides, where the names of ports and countries stand.
MARGIN_WEST, MARGIN_EAST, MARGIN_NORTH, MARGIN_SOUTH = 2.2, 3.4, 0.9, 1.0
NARROWEST, WIDEST = 0.74, 1.35  # width to height
MARKER = 8.5  # radius of a stop
LABEL_SIZE = 14.0  # the largest size the style sheet gives to a port's name
COUNTRY_SIZE = 11.0
LETTER = 0.61  # mean width of a letter to the size of the type, with the widest language in mind


class Place(NamedTuple):
    """A point of the chart, in degrees."""

    longitude: float
    latitude: float


class Landing(NamedTuple):
    """All that the map shows of a port call."""

    position: int
    port: PortView


class Point(NamedTuple):
    """A point of the drawing, in its units; y grows downwards."""

    x: float
    y: float


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> Point:
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, point: Point) -> bool:
        return self.left < point.x < self.right and self.top < point.y < self.bottom

    def within(self, other: Box) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True)
class MapStop:
    """A port on the map; `positions` are its numbers in the list of calls, two when the ship comes back to it."""

    x: float
    y: float
    positions: tuple[int, ...]
    port: PortView
    label_x: float
    label_y: float
    anchor: str  # SVG text-anchor: "start", "middle" or "end"
    label: Box


@dataclass(frozen=True)
class MapName:
    """The middle of a name on the map; `code` is an ISO country code, or "sea" or "volga"."""

    code: str
    x: float
    y: float


@dataclass(frozen=True)
class Heading:
    """An arrow on the route: where it is and where it points, in degrees clockwise from the right."""

    x: float
    y: float
    angle: float


@dataclass(frozen=True)
class RouteMap:
    """Everything the SVG of a route needs; paths are SVG path data."""

    width: float
    height: float
    sea: str
    islands: str
    borders: str
    rivers: str
    route: str
    headings: tuple[Heading, ...]
    stops: tuple[MapStop, ...]
    names: tuple[MapName, ...]


# Where a ship goes between the ports: placed by hand on the coastline, off the capes and outside the shoals.
# A waypoint is joined to others by LANES; together with the river they are the whole chart.
WAYPOINTS = {
    "makhachkala": Place(47.75, 42.96),
    "chechen": Place(48.1, 44.15),
    "sulak": Place(47.85, 43.3),
    "derbent": Place(48.6, 42.15),
    "samur": Place(48.95, 41.75),
    "absheron north": Place(50.2, 40.85),
    "absheron strait": Place(50.48, 40.42),
    "shah-dili": Place(50.46, 40.12),
    "baku bay": Place(49.92, 40.28),
    "kura": Place(50.0, 39.2),
    "anzali": Place(49.5, 37.56),
    "sefidrud": Place(50.4, 37.5),
    "nowshahr": Place(51.5, 36.8),
    "amirabad": Place(53.3, 36.97),
    "ogurja": Place(52.6, 38.7),
    "gyzylsuw": Place(52.85, 39.66),
    "gyzylsuw point": Place(53.09, 39.69),
    "turkmenbashi": Place(53.03, 39.92),
    "kuuli": Place(52.55, 40.15),
    "garabogaz": Place(52.3, 41.5),
    "peschany": Place(50.9, 43.05),
    "aktau": Place(51.02, 43.62),
    "tyub-karagan south": Place(50.1, 44.3),
    "tyub-karagan": Place(49.95, 44.62),
}
LANES = (
    ("canal", "chechen"),
    ("canal", "tyub-karagan"),
    ("chechen", "sulak"),
    ("sulak", "makhachkala"),
    ("makhachkala", "derbent"),
    ("makhachkala", "absheron north"),
    ("derbent", "samur"),
    ("derbent", "aktau"),
    ("samur", "absheron north"),
    ("chechen", "absheron north"),
    ("makhachkala", "aktau"),
    ("absheron north", "absheron strait"),
    ("absheron strait", "shah-dili"),
    ("shah-dili", "baku bay"),
    ("baku bay", "kura"),
    ("kura", "anzali"),
    ("kura", "nowshahr"),
    ("anzali", "sefidrud"),
    ("sefidrud", "nowshahr"),
    ("sefidrud", "amirabad"),
    ("nowshahr", "amirabad"),
    ("anzali", "ogurja"),
    ("nowshahr", "ogurja"),
    ("amirabad", "ogurja"),
    ("ogurja", "gyzylsuw"),
    ("gyzylsuw", "gyzylsuw point"),
    ("gyzylsuw point", "turkmenbashi"),
    ("shah-dili", "gyzylsuw"),
    ("gyzylsuw", "kuuli"),
    ("kuuli", "garabogaz"),
    ("garabogaz", "peschany"),
    ("garabogaz", "tyub-karagan south"),
    ("garabogaz", "makhachkala"),
    ("peschany", "aktau"),
    ("peschany", "absheron strait"),
    ("aktau", "tyub-karagan south"),
    ("tyub-karagan south", "tyub-karagan"),
)
# Where a country's name may stand, best first, and how many letters it has in the longest of the three languages.
COUNTRIES: dict[str, tuple[int, tuple[Place, ...]]] = {
    "RU": (7, (Place(45.9, 44.6), Place(46.45, 45.7), Place(46.25, 43.4), Place(46.2, 46.9), Place(45.3, 47.4))),
    "KZ": (10, (Place(53.4, 44.0), Place(54.3, 45.9), Place(52.6, 47.9), Place(50.0, 47.9), Place(48.2, 48.4))),
    "AZ": (11, (Place(47.9, 40.6), Place(47.7, 40.0), Place(47.6, 41.0), Place(48.3, 40.3))),
    "TM": (12, (Place(54.8, 39.2), Place(54.9, 38.6), Place(54.7, 38.2), Place(54.25, 40.42), Place(54.6, 40.4))),
    "IR": (5, (Place(50.3, 36.3), Place(48.2, 37.2), Place(48.6, 36.6), Place(52.6, 36.1), Place(51.6, 35.9))),
}
# Where the name of the sea may stand in two lines, all round on water; beside the river when no sea is in sight.
SEA_NAME = Point(100.0, 38.0)
ROOMY = 42.0  # farther than this from everything, one place is as good as another
SEA = (
    Place(50.4, 42.5),
    Place(50.4, 43.2),
    Place(50.3, 41.8),
    Place(50.9, 41.2),
    Place(51.3, 40.6),
    Place(51.3, 38.3),
    Place(51.2, 37.6),
    Place(51.4, 39.2),
    Place(51.0, 46.0),
    Place(50.2, 45.7),
    Place(49.3, 43.4),
    Place(49.6, 42.6),
)
VOLGA = (Place(45.1, 48.12), Place(45.2, 48.66), Place(46.7, 47.75), Place(47.5, 47.3), Place(46.0, 47.8))


@lru_cache(maxsize=1)
def chart() -> dict[str, Any]:
    """The coastline, islands, borders and rivers as they stand in the data file."""
    facts: dict[str, Any] = json.loads(FACTS.read_text(encoding="utf-8"))
    return facts


@lru_cache(maxsize=1)
def fairways() -> tuple[dict[str, Place], dict[str, set[str]]]:
    """All waypoints of river and sea by name, and for each the names of those that a ship goes to from it."""
    places = dict(WAYPOINTS)
    lanes = list(LANES)
    for river in chart()["rivers"]:
        names = [f"river {number}" for number in range(len(river["line"]))]
        names[-1] = "canal"
        places |= {name: Place(*point) for name, point in zip(names, river["line"], strict=True)}
        lanes += pairwise(names)
    neighbours: dict[str, set[str]] = {name: set() for name in places}
    for one, other in lanes:
        neighbours[one].add(other)
        neighbours[other].add(one)
    return places, neighbours


def distance(one: Place, other: Place) -> float:
    """Between two places, in degrees of latitude; good enough to compare ways."""
    shrink = cos(radians((one.latitude + other.latitude) / 2))
    return hypot((one.longitude - other.longitude) * shrink, one.latitude - other.latitude)


def way(start: Place, end: Place) -> list[Place]:
    """The shortest way over the fairways, with `start` and `end` themselves."""
    places, neighbours = fairways()
    first, last = (min(places, key=lambda name: distance(places[name], port)) for port in (start, end))
    queue: list[tuple[float, str, tuple[str, ...]]] = [(0.0, first, (first,))]
    done: set[str] = set()
    while queue:
        sailed, name, names = heapq.heappop(queue)
        if name == last:
            return [start, *_without_ends_at(start, end, [places[passed] for passed in names]), end]
        if name not in done:
            done.add(name)
            for following in neighbours[name] - done:
                further = sailed + distance(places[name], places[following])
                heapq.heappush(queue, (further, following, (*names, following)))
    return [start, end]


def _without_ends_at(start: Place, end: Place, places: list[Place]) -> list[Place]:
    """Waypoints that a port itself stands on would make a curl at the quay."""
    return [place for place in places if distance(place, start) > 0.05 and distance(place, end) > 0.05]


def smooth(points: Sequence[Place], steps: int = 8) -> list[Place]:
    """A centripetal-like curve through all points, sampled; it leaves straight legs straight and rounds the turns."""
    curve = [points[0]]
    for i, (one, other) in enumerate(pairwise(points)):
        before = points[i - 1] if i else one
        after = points[i + 2] if i + 2 < len(points) else other
        span = distance(one, other)
        # The tangents are no longer than half of the shorter neighbouring leg, so that the curve never swings wide.
        leaving = _tangent(before, one, other, min(span, distance(before, one)))
        arriving = _tangent(one, other, after, min(span, distance(other, after)))
        for step in range(1, steps + 1):
            t = step / steps
            a, b, c, d = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2, t * t * (3 - 2 * t), t * t * (t - 1)
            curve.append(
                Place(
                    a * one.longitude + b * leaving.longitude + c * other.longitude + d * arriving.longitude,
                    a * one.latitude + b * leaving.latitude + c * other.latitude + d * arriving.latitude,
                )
            )
    return curve


def _tangent(before: Place, at: Place, after: Place, length: float) -> Place:
    around = distance(before, after)
    share = length / around if around else 0.0
    return Place((after.longitude - before.longitude) * share, (after.latitude - before.latitude) * share)


def legs(calls: Sequence[CallView | Landing]) -> list[list[Place]]:
    """The drawn way of each leg, in degrees."""
    ports = [Place(call.port.longitude, call.port.latitude) for call in calls]
    return [smooth(way(one, other)) for one, other in pairwise(ports)]


@dataclass(frozen=True)
class View:
    """The window of the chart that a map shows, in Mercator's projection."""

    west: float
    north: float  # in Mercator degrees
    scale: float  # units to a degree
    height: float

    def point(self, place: Place) -> Point:
        return Point((place.longitude - self.west) * self.scale, (self.north - mercator(place.latitude)) * self.scale)

    def path(self, line: Iterable[Sequence[float]], end: str = "") -> str:
        """SVG path data, to a tenth of a unit, in short relative steps."""
        points = [self.point(Place(*place)) for place in line]
        tenths = [(round(point.x * 10), round(point.y * 10)) for point in points]
        steps = [(x - u, y - v) for (u, v), (x, y) in pairwise(tenths) if (x, y) != (u, v)]
        moves = "".join(f"{_joined(x)}{_joined(y)}" for x, y in steps)
        return f"M{tenths[0][0] / 10:g} {tenths[0][1] / 10:g}l{moves.lstrip()}{end}" if steps else ""

    @property
    def frame(self) -> Box:
        return Box(4, 4, WIDTH - 4, self.height - 4)


def _joined(tenth: int) -> str:
    """A number with the separator it needs: a minus sign is one by itself."""
    text = f"{tenth / 10:g}"
    return text if text.startswith("-") else f" {text}"


def mercator(latitude: float) -> float:
    return degrees(log(tan(radians(45 + latitude / 2))))


def view_of(places: Sequence[Place]) -> View:
    """The window with all `places`, a margin around them and a shape that suits a page."""
    west, east = min(p.longitude for p in places), max(p.longitude for p in places)
    south, north = (mercator(edge(p.latitude for p in places)) for edge in (min, max))
    share = min(1.0, max(1.0, east - west, north - south) / 6)  # a short way on the river needs less around it
    west, east = west - share * MARGIN_WEST, east + share * MARGIN_EAST
    south, north = south - share * MARGIN_SOUTH, north + share * MARGIN_NORTH
    wider = max(0.0, NARROWEST * (north - south) - (east - west))
    higher = max(0.0, (east - west) / WIDEST - (north - south))
    west, east, south, north = west - wider / 2, east + wider / 2, south - higher / 2, north + higher / 2
    scale = WIDTH / (east - west)
    return View(west, north, scale, float(ceil((north - south) * scale)))


def draw_route(calls: Sequence[CallView]) -> RouteMap:
    """The map of `calls` in their order, those that are cancelled left out. Raises ValueError for no call at all."""
    return _drawn(tuple(Landing(call.position, call.port) for call in calls if call.state != "cancelled"))


@lru_cache(maxsize=64)  # drawing takes longer than all else of a cruise's page, and a season has a handful of routes
def _drawn(kept: tuple[Landing, ...]) -> RouteMap:
    if not kept:
        raise ValueError("a route needs a port")
    sailed = legs(kept)
    ports = [Place(call.port.longitude, call.port.latitude) for call in kept]
    view = view_of([*ports, *(place for leg in sailed for place in leg)])
    drawn = [[view.point(place) for place in leg] for leg in sailed]
    track = [point for leg in drawn for point in _close_together(leg)]
    stops = _stops(kept, view, track)
    facts = chart()
    return RouteMap(
        width=WIDTH,
        height=view.height,
        sea=view.path(facts["sea"], "z"),
        islands="".join(view.path(island, "z") for island in facts["islands"]),
        borders="".join(view.path(border) for border in facts["borders"]),
        rivers="".join(view.path(river["line"]) for river in facts["rivers"]),
        route="".join(view.path(leg) for leg in sailed),
        headings=tuple(_heading(leg) for leg in drawn if _length(leg) > 40),
        stops=stops,
        names=_names(view, track, stops),
    )


def _close_together(points: Sequence[Point]) -> Iterable[Point]:
    """The same line with a point at least every five units, so that no name slips between two of them."""
    for one, other in pairwise(points):
        steps = ceil(hypot(other.x - one.x, other.y - one.y) / 5) or 1
        for step in range(steps + 1):
            share = step / steps
            yield Point(one.x + (other.x - one.x) * share, one.y + (other.y - one.y) * share)


def _length(points: Sequence[Point]) -> float:
    return sum(hypot(other.x - one.x, other.y - one.y) for one, other in pairwise(points))


def _heading(points: Sequence[Point]) -> Heading:
    """An arrow a little after the middle of a leg: two legs on one way and back then do not point at each other."""
    left = _length(points) * 0.56
    for one, other in pairwise(points):
        step = hypot(other.x - one.x, other.y - one.y)
        if step >= left and step:
            share = left / step
            angle = degrees(atan2(other.y - one.y, other.x - one.x))
            x, y = one.x + (other.x - one.x) * share, one.y + (other.y - one.y) * share
            return Heading(round(x, 1), round(y, 1), round(angle))
        left -= step
    return Heading(points[-1].x, points[-1].y, 0)


def _stops(calls: Sequence[Landing], view: View, track: Sequence[Point]) -> tuple[MapStop, ...]:
    visits: dict[str, list[Landing]] = {}
    for call in calls:
        visits.setdefault(call.port.code, []).append(call)
    points = {code: view.point(_place(at[0].port)) for code, at in visits.items()}
    markers = {
        code: Box(p.x - half, p.y - MARKER, p.x + half, p.y + MARKER)
        for code, p in points.items()
        for half in (MARKER + 7 * (len(visits[code]) - 1),)
    }
    placed: dict[str, tuple[float, float, str, Box]] = {}
    # Those in the thick of the route choose first, they have the fewest free sides.
    for code in sorted(visits, key=lambda code: -sum(_near(points[code], point) for point in track)):
        width = LABEL_SIZE * LETTER * max(len(text) for text in visits[code][0].port.name.by_locale.values())
        taken = [label for *_, label in placed.values()] + [box for other, box in markers.items() if other != code]
        placed[code] = min(
            _label_places(markers[code], width),
            key=lambda choice: (
                1000 * sum(choice[3].meets(box) for box in taken)
                + 1000 * (not choice[3].within(view.frame))
                + 3 * sum(choice[3].holds(point) for point in track)
            ),
        )
    return tuple(
        MapStop(
            x=round(points[code].x, 1),
            y=round(points[code].y, 1),
            positions=tuple(call.position for call in at),
            port=at[0].port,
            label_x=round(placed[code][0], 1),
            label_y=round(placed[code][1], 1),
            anchor=placed[code][2],
            label=placed[code][3],
        )
        for code, at in visits.items()
    )


def _place(port: PortView) -> Place:
    return Place(port.longitude, port.latitude)


def _near(one: Point, other: Point) -> bool:
    return hypot(one.x - other.x, one.y - other.y) < 60


def _label_places(marker: Box, width: float) -> list[tuple[float, float, str, Box]]:
    """Where a label may stand beside a marker, the best first: x, y of its base line, its anchor, its box."""
    gap, height = 5.0, LABEL_SIZE * 1.15
    x, y = (marker.left + marker.right) / 2, (marker.top + marker.bottom) / 2
    places = []
    for middle in (y, y - height * 0.8, y + height * 0.8):
        for anchor, left in (("start", marker.right + gap), ("end", marker.left - gap - width)):
            at = left if anchor == "start" else left + width
            places.append((at, middle, anchor, left))
    for middle in (marker.bottom + gap + height / 2, marker.top - gap - height / 2):
        for anchor, left in (("middle", x - width / 2), ("start", x), ("end", x - width)):
            places.append((x, middle, anchor, left))
    return [
        (at, middle + LABEL_SIZE * 0.35, anchor, Box(left, middle - height / 2, left + width, middle + height / 2))
        for at, middle, anchor, left in places
    ]


def _names(view: View, track: Sequence[Point], stops: Sequence[MapStop]) -> tuple[MapName, ...]:
    """The names of the sea and the countries, each where it covers neither the route nor another name, or nowhere."""
    taken = [stop.label for stop in stops] + [
        Box(stop.x - MARKER, stop.y - MARKER, stop.x + MARKER, stop.y + MARKER) for stop in stops
    ]
    names: list[MapName] = []

    def put(code: str, width: float, height: float, places: Iterable[Place]) -> None:
        for x, y in map(view.point, places):
            box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            free = not any(box.meets(other) for other in taken) and not any(box.holds(point) for point in track)
            if free and box.within(view.frame):
                taken.append(box)
                names.append(MapName(code, round(x, 1), round(y, 1)))
                return

    def clearance(place: Place) -> float:
        x, y = view.point(place)
        nearest = min(hypot(point.x - x, point.y - y) for point in [*track, *(box.middle for box in taken)])
        return min(nearest, ROOMY)

    put("sea", SEA_NAME.x, SEA_NAME.y, sorted(SEA, key=clearance, reverse=True))
    if not names:
        put("volga", SEA_NAME.x / 2, SEA_NAME.y / 2, VOLGA)
    for code, (letters, places) in COUNTRIES.items():
        put(code, letters * COUNTRY_SIZE * 0.76, COUNTRY_SIZE * 1.4, places)
    return tuple(names)
