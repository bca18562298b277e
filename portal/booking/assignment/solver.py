"""Who gets which cabin: a pure function that says why, and always finds a place for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

APART = 10_000  # farther than any two cabins of a deck: another deck is farther than the far end of one's own


@dataclass(frozen=True)
class Place:
    """A cabin that may be given: free, or kept for one of the parties under a number that nobody knows yet."""

    cabin_id: int
    number: str
    category_id: int
    berths: int  # with extra berths
    accessible: bool
    connects_to: str | None
    deck_level: int
    x: int  # decimetres from the stern
    y: int  # decimetres from the port side

    def distance(self, other: Place) -> int:
        """Decimetres along the corridor; each deck between counts as farther than the whole ship."""
        return abs(self.x - other.x) + abs(self.y - other.y) + APART * abs(self.deck_level - other.deck_level)


@dataclass(frozen=True)
class Party:
    """Those of one booking who sleep in one cabin that is still to be chosen."""

    occupancy_id: int
    booking_id: int
    category_id: int
    sleepers: int  # those who need a berth
    kept: int  # the cabin kept for them until now
    known: tuple[Place, ...]  # cabins of the same booking that have their numbers


class Why(StrEnum):
    TOGETHER = "together"  # beside a cabin of the same booking
    SAVING = "saving"  # leaves accessible and connecting cabins to those who need them
    KEPT = "kept"  # as kept until now: no other suits better
    LAST = "last"  # the only one left that is large enough


@dataclass(frozen=True)
class Choice:
    party: Party
    place: Place
    why: Why
    beside: str | None  # the number of the cabin it is near


def assign(parties: Sequence[Party], places: Sequence[Place]) -> tuple[Choice, ...]:
    """A cabin for each party, of its category and large enough; the same answer for the same question.

    Larger parties choose first, then those of bookings with several cabins, then by age of the booking; whoever
    comes later may send an earlier one to its next best cabin, but never away empty-handed. Every party has a cabin
    kept, so there is an answer; places must hold these cabins. Raises ValueError where they do not.
    """
    of_booking: dict[int, int] = {}
    for party in parties:
        of_booking[party.booking_id] = of_booking.get(party.booking_id, 0) + 1
    order = sorted(
        parties, key=lambda p: (-p.sleepers, -(of_booking[p.booking_id] + len(p.known)), p.booking_id, p.occupancy_id)
    )
    given: dict[int, Party] = {}  # by cabin
    near: dict[int, list[Place]] = {party.booking_id: list(party.known) for party in parties}
    by_id = {place.cabin_id: place for place in places}
    for party in order:
        if not _seat(party, places, given, near, by_id, set()):
            raise ValueError(f"no cabin for occupancy {party.occupancy_id}")
        near = _near(parties, given, by_id)
    chosen = {party.occupancy_id: by_id[cabin_id] for cabin_id, party in given.items()}
    return tuple(_choice(party, chosen, parties, places) for party in parties)


def _seat(
    party: Party,
    places: Sequence[Place],
    given: dict[int, Party],
    near: Mapping[int, Sequence[Place]],
    by_id: Mapping[int, Place],
    asked: set[int],
) -> bool:
    """Give the party the best cabin that can be had, sending others on where that must be (an augmenting path)."""
    for taken in (False, True):  # first what is not given yet
        for place in _wishes(party, places, near[party.booking_id]):
            if (place.cabin_id in given) is not taken or place.cabin_id in asked:
                continue
            asked.add(place.cabin_id)
            before = given.get(place.cabin_id)
            if before is None or _seat(before, places, given, near, by_id, asked):
                given[place.cabin_id] = party
                return True
    return False


def _wishes(party: Party, places: Iterable[Place], near: Sequence[Place]) -> list[Place]:
    fitting = [p for p in places if p.category_id == party.category_id and p.berths >= party.sleepers]
    return sorted(fitting, key=lambda place: _cost(party, place, near))


def _cost(party: Party, place: Place, near: Sequence[Place]) -> tuple[int, bool, bool, int, bool, str]:
    """Near the others of the booking; then what fewest others need; then no larger than needed; then as kept."""
    others = [other for other in near if other.cabin_id != place.cabin_id]
    apart = min((place.distance(other) for other in others), default=0)
    return (
        apart,
        place.accessible,
        place.connects_to is not None,
        place.berths,
        place.cabin_id != party.kept,
        place.number,
    )


def _near(
    parties: Sequence[Party], given: Mapping[int, Party], by_id: Mapping[int, Place]
) -> dict[int, list[Place]]:
    near = {party.booking_id: list(party.known) for party in parties}
    for cabin_id, party in given.items():
        near[party.booking_id].append(by_id[cabin_id])
    return near


def _choice(
    party: Party, chosen: Mapping[int, Place], parties: Sequence[Party], places: Sequence[Place]
) -> Choice:
    place = chosen[party.occupancy_id]
    own = [chosen[p.occupancy_id] for p in parties if p.booking_id == party.booking_id and p is not party]
    others = sorted([*party.known, *own], key=lambda other: (place.distance(other), other.number))
    if others:
        return Choice(party, place, Why.TOGETHER, others[0].number)
    fitting = [p for p in places if p.category_id == party.category_id and p.berths >= party.sleepers]
    if len(fitting) == 1:
        return Choice(party, place, Why.LAST, None)
    special = any(p.accessible or p.connects_to for p in fitting)
    if place.cabin_id == party.kept and not (special and not (place.accessible or place.connects_to)):
        return Choice(party, place, Why.KEPT, None)
    return Choice(party, place, Why.SAVING, None)
