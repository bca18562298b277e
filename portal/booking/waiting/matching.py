"""Which party in line is offered which free cabin, and why others are not: pure rules over what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from portal.booking.waiting.models import SkipReason

Nights = frozenset[date]
Room = Mapping[date, int]  # for how many persons, infants counted, the ship has still room on each night


@dataclass(frozen=True)
class FreeCabin:
    """A cabin and the nights on which it could be sold now. `rank` orders the categories from the simplest."""

    id: int
    number: str
    sleeps: int
    grade: str  # the code of its category
    nights: Nights
    rank: int = 0

    def left_beside(self, nights: Nights) -> int:
        """How many nights would stay free just before and after these; few others have a use for them."""
        before, after = min(nights), max(nights)
        while before - timedelta(days=1) in self.nights:
            before -= timedelta(days=1)
        while after + timedelta(days=1) in self.nights:
            after += timedelta(days=1)
        return (after - before).days + 1 - len(nights)


@dataclass(frozen=True)
class InLine:
    """One party in line for a sailing, for the whole voyage or for the nights of a part of it."""

    entry_id: int
    party: int  # persons, infants counted
    sleepers: int  # of them with a berth
    category: str | None
    nights: Nights
    has_offer: bool = False
    sold: bool = True  # the part that it waits for can be bought by itself just now
    refused: frozenset[int] = frozenset()  # cabins that were offered before

    def wants_some_of(self, nights: Iterable[date]) -> bool:
        return not self.nights.isdisjoint(nights)


@dataclass(frozen=True)
class Passed:
    entry_id: int
    reason: SkipReason


@dataclass(frozen=True)
class Proposal:
    """A cabin for a party, and everyone before it in line for the same nights whom the cabin does not suit."""

    cabin: FreeCabin
    entry_id: int
    passed: tuple[Passed, ...]


def why_not(one: InLine, cabin: FreeCabin, room: Room) -> SkipReason | None:
    """The first reason why this party is not offered this cabin; none where it is.

    All or nothing: a cabin that does not sleep the whole party on all of its nights is no offer.
    """
    if one.has_offer:
        return SkipReason.HAS_OFFER
    if not one.sold:
        return SkipReason.NOT_SOLD
    if one.category is not None and one.category != cabin.grade:
        return SkipReason.OTHER_CATEGORY
    if one.sleepers > cabin.sleeps:
        return SkipReason.TOO_SMALL
    if not one.nights <= cabin.nights:
        return SkipReason.OTHER_NIGHTS
    if cabin.id in one.refused:
        return SkipReason.REFUSED_BEFORE
    if any(one.party > room[night] for night in one.nights):
        return SkipReason.NO_ROOM
    return None


def propose(line: Sequence[InLine], cabins: Sequence[FreeCabin], room: Room) -> tuple[Proposal, ...]:
    """Who in line, first come first served, is offered what; whole voyages and parts stand in one line.

    Each gets the smallest cabin that sleeps the party, so that a larger one is left for a larger party further back;
    of these the one that is free for the fewest nights besides, so that one free for longer is left for longer voyages.
    """
    free, left = list(cabins), dict(room)
    served: set[int] = set()
    proposals = []
    for place, one in enumerate(line):
        suitable = [cabin for cabin in free if why_not(one, cabin, left) is None]
        if not suitable:
            continue
        cabin = min(suitable, key=lambda each: (each.sleeps, each.left_beside(one.nights), each.rank, each.number))
        passed = []
        for earlier in line[:place]:
            if earlier.entry_id not in served and earlier.wants_some_of(one.nights):
                reason = why_not(earlier, cabin, left)
                if reason is not None:
                    passed.append(Passed(earlier.entry_id, reason))
        proposals.append(Proposal(cabin, one.entry_id, tuple(passed)))
        free[free.index(cabin)] = replace(cabin, nights=cabin.nights - one.nights)
        for night in one.nights:
            left[night] -= one.party
        served.add(one.entry_id)
    return tuple(proposals)
