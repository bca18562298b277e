"""Which party in line is offered which free cabin, and why others are not: pure rules over what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.booking.waiting.models import SkipReason


@dataclass(frozen=True)
class FreeCabin:
    """A cabin that could be sold now. `rank` orders the categories from the simplest."""

    id: int
    number: str
    sleeps: int
    grade: str  # the code of its category
    rank: int = 0


@dataclass(frozen=True)
class InLine:
    """One party in line for a sailing."""

    entry_id: int
    party: int  # persons, infants counted
    sleepers: int  # of them with a berth
    category: str | None
    has_offer: bool = False
    refused: frozenset[int] = frozenset()  # cabins that were offered before


@dataclass(frozen=True)
class Passed:
    entry_id: int
    reason: SkipReason


@dataclass(frozen=True)
class Proposal:
    """A cabin for a party, and everyone before it in line whom the cabin does not suit."""

    cabin: FreeCabin
    entry_id: int
    passed: tuple[Passed, ...]


def why_not(one: InLine, cabin: FreeCabin, room: int) -> SkipReason | None:
    """The first reason why this party is not offered this cabin; none where it is.

    room: for how many persons the ship has still room. All or nothing: a cabin that does not sleep the whole party is
    no offer.
    """
    if one.has_offer:
        return SkipReason.HAS_OFFER
    if one.category is not None and one.category != cabin.grade:
        return SkipReason.OTHER_CATEGORY
    if one.sleepers > cabin.sleeps:
        return SkipReason.TOO_SMALL
    if cabin.id in one.refused:
        return SkipReason.REFUSED_BEFORE
    if one.party > room:
        return SkipReason.NO_ROOM
    return None


def propose(line: Sequence[InLine], cabins: Sequence[FreeCabin], room: int) -> tuple[Proposal, ...]:
    """Who in line, first come first served, is offered what; each gets the smallest cabin that sleeps the party.

    So a larger one is left for a larger party further back. room: as for why_not().
    """
    free = sorted(cabins, key=lambda cabin: (cabin.sleeps, cabin.rank, cabin.number))
    served: set[int] = set()
    proposals = []
    for place, one in enumerate(line):
        cabin = next((each for each in free if why_not(one, each, room) is None), None)
        if cabin is None:
            continue
        passed = []
        for earlier in line[:place]:
            reason = why_not(earlier, cabin, room) if earlier.entry_id not in served else None
            if reason is not None:
                passed.append(Passed(earlier.entry_id, reason))
        proposals.append(Proposal(cabin, one.entry_id, tuple(passed)))
        free.remove(cabin)
        served.add(one.entry_id)
        room -= one.party
    return tuple(proposals)
