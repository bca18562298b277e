"""Parties into groups of a legal size, with as few lists touched as can be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

LEAST, MOST = 5, 50  # of a group that Iran lets in without a visa


@dataclass(frozen=True)
class Groups:
    """By number of the list, from 1, which parties stand on it; `alone`: those of whom no legal group can be made."""

    by_number: Mapping[int, tuple[str, ...]]
    alone: tuple[str, ...]

    def sizes(self, parties: Mapping[str, int]) -> dict[int, int]:
        return {number: sum(parties[party] for party in group) for number, group in self.by_number.items()}


def group(
    parties: Mapping[str, int], before: Mapping[int, tuple[str, ...]], *, least: int = LEAST, most: int = MOST
) -> Groups:
    """Everybody on one list of `least` to `most` persons, no party torn apart unless it is larger than a list.

    parties: how many persons of each. before: the lists as they stand; one whose parties are all still there and whose
    size is legal keeps them, unless another cannot be made legal without taking from it or adding to it. Where all
    together are fewer than `least` nobody is on a list. The same for the same parties and lists.
    """
    if sum(parties.values()) < least or any(size > most for size in parties.values()):
        return Groups({}, tuple(sorted(parties)))
    lists = {number: [party for party in group if party in parties] for number, group in sorted(before.items())}
    lists = {number: members for number, members in lists.items() if members}
    listed = {party for members in lists.values() for party in members}
    mended = _mend(lists, sorted(set(parties) - listed, key=lambda one: (-parties[one], one)), parties, least, most)
    return Groups({number: tuple(sorted(members)) for number, members in sorted(mended.items())}, ())


def _mend(
    lists: dict[int, list[str]], new: list[str], parties: Mapping[str, int], least: int, most: int
) -> dict[int, list[str]]:
    def size(number: int) -> int:
        return sum(parties[party] for party in lists[number])

    def short() -> list[int]:
        return [number for number in lists if size(number) < least]

    for party in new:  # first where a list must change anyway, then where there is most room, at last a new one
        fitting = [number for number in lists if size(number) + parties[party] <= most]
        if fitting:
            chosen = min(fitting, key=lambda number: (size(number) >= least, size(number), number))
            lists[chosen].append(party)
        else:
            lists[max(lists, default=0) + 1] = [party]
    for number in short():
        if number not in lists or size(number) >= least:
            continue
        others = [other for other in lists if other != number]
        # Two lists change whatever is done: the short one joins another, or takes a party from one that can spare it.
        spare = [
            (parties[party], other, party)
            for other in others
            for party in lists[other]
            if size(other) - parties[party] >= least and least - size(number) <= parties[party] <= most - size(number)
        ]
        room = [other for other in others if size(other) + size(number) <= most]
        if room:
            lists[min(room, key=lambda other: (size(other), other))] += lists.pop(number)
        elif spare:
            _size, other, party = min(spare)
            lists[other].remove(party)
            lists[number].append(party)
    if any(not least <= size(number) <= most for number in lists):
        return _afresh(parties, least, most)
    return lists


def _afresh(parties: Mapping[str, int], least: int, most: int) -> dict[int, list[str]]:
    """The largest parties first, each on the smallest list so far: lists of about equal size, as few as will do."""
    ordered = sorted(parties, key=lambda party: (-parties[party], party))
    total = sum(parties.values())
    for count in range(ceil(total / most), max(1, total // least) + 1):
        lists: dict[int, list[str]] = {number: [] for number in range(1, count + 1)}
        sizes = dict.fromkeys(lists, 0)
        for party in ordered:
            number = min(lists, key=lambda one: (sizes[one], one))
            lists[number].append(party)
            sizes[number] += parties[party]
        if all(least <= size <= most for size in sizes.values()):
            return lists
    raise ValueError("no legal groups")  # only with parties near the size of a list, which no booking is
