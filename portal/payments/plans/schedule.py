"""Dated parts of a price: pure functions over whole minor units; what is paid is never moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MOST_STEPS = 24


@dataclass(frozen=True)
class Step:
    """One later part: so many days before the first day of the cruise, or on a fixed day; `weight` of what is left."""

    days: int | None = None
    on: date | None = None
    weight: int = 1

    def due(self, start: date) -> date:
        if self.on is not None:
            return self.on
        assert self.days is not None
        return start - timedelta(days=self.days)


@dataclass(frozen=True)
class Terms:
    """What is paid at booking, in per cent of the price or a sum for each person, and when the rest."""

    steps: tuple[Step, ...]
    percent: int | None = None
    per_person_minor: int | None = None
    lock_percent: int = 0  # the price is locked once so much of it is paid


@dataclass(frozen=True)
class Part:
    """So much is due on a day. days: how many before the cruise, where it moves with the cruise."""

    due: date
    minor: int
    days: int | None = None


Parts = tuple[Part, ...]


def schedule(terms: Terms, price: int, persons: int, start: date, today: date) -> Parts:
    """The parts of `price`, the first due today; who books late pays with it what would have been due before.

    price: minor units, above zero. The parts make up the price; days are the calendar's of the port of embarkation.
    """
    fixed = (terms.per_person_minor or 0) * persons
    deposit = fixed if terms.percent is None else -(-price * terms.percent // 100)
    deposit = min(price, max(1, deposit))
    shares = spread(price - deposit, [step.weight for step in terms.steps])
    later = [
        Part(step.due(start), share, step.days)
        for step, share in zip(terms.steps, shares, strict=True)
        if step.due(start) > today
    ]
    now = price - sum(part.minor for part in later)
    return _ordered([Part(today, now), *later])


def spread(minor: int, weights: Sequence[int]) -> list[int]:
    """`minor` by weight in whole units; what rounding leaves goes to the largest remainders, the earlier ones first."""
    whole = sum(weights)
    shares = [minor * weight // whole for weight in weights]
    rests = sorted(range(len(weights)), key=lambda at: -(minor * weights[at] % whole))
    for at in rests[: minor - sum(shares)]:
        shares[at] += 1
    return shares


def open_parts(parts: Iterable[Part], paid: int) -> Parts:
    """What is not paid yet of each part: money counts to the earliest ones first."""
    left = []
    for part in parts:
        covered = min(max(0, paid), part.minor)
        paid -= covered
        if part.minor > covered:
            left.append(Part(part.due, part.minor - covered, part.days))
    return tuple(left)


def due_by(parts: Iterable[Part], day: date) -> int:
    """How much should have been paid by the end of `day`."""
    return sum(part.minor for part in parts if part.due <= day)


def asked(parts: Iterable[Part], paid: int, today: date) -> Part | None:
    """What is asked for next: all that is due by today in one, with its first day; else the next part."""
    left = open_parts(parts, paid)
    if not left:
        return None
    due = [part for part in left if part.due <= today]
    return Part(due[0].due, sum(part.minor for part in due)) if due else left[0]


def refit(parts: Parts, *, paid: int, price: int, start: date, today: date) -> Parts:
    """The parts of a price that has changed, or of a cruise that starts on another day.

    What is paid stays as it is. What was due already stays due; the rest is spread over the days to come as it was
    before. Where none is left to come, it is due today.
    """
    kept = [Part(min(part.due, today), part.minor) for part in paid_parts(parts, min(paid, price))]
    left = price - sum(part.minor for part in kept)
    waiting = open_parts(parts, paid)
    late, coming = [], []
    for part in waiting:
        due = start - timedelta(days=part.days) if part.days is not None else part.due
        if part.due <= today or due <= today:
            share = min(left, part.minor)
            late.append(Part(min(part.due, today), share))
            left -= share
        else:
            coming.append(Part(due, part.minor, part.days))
    if coming:
        shares = spread(left, [part.minor for part in coming])
        late += [Part(part.due, share, part.days) for part, share in zip(coming, shares, strict=True)]
    else:
        late.append(Part(today, left))
    return _ordered([*kept, *late])


def fits(parts: Parts, price: int, start: date) -> bool:
    """Whether these are the parts of such a price, and of a cruise that starts on such a day."""
    moved = any(part.days is not None and part.due != start - timedelta(days=part.days) for part in parts)
    return sum(part.minor for part in parts) == price and not moved


def postpone(parts: Parts, *, paid: int, until: date) -> Parts:
    """Nothing that is open falls due before `until`; what is paid stays as it is."""
    kept = [Part(min(part.due, until), part.minor) for part in paid_parts(parts, paid)]
    later = [part if part.due >= until else Part(until, part.minor) for part in open_parts(parts, paid)]
    return _ordered([*kept, *later])


def paid_parts(parts: Iterable[Part], paid: int) -> Parts:
    """What `paid` covers of each part."""
    covered = []
    for part in parts:
        share = min(max(0, paid), part.minor)
        paid -= share
        if share:
            covered.append(Part(part.due, share, part.days))
    return tuple(covered)


def share_to_lock(price: int, lock_percent: int) -> int:
    """So many minor units paid lock the price."""
    return -(-price * lock_percent // 100)


def locked_on(parts: Parts, price: int, lock_percent: int) -> date:
    """The day whose part brings what is paid to `lock_percent` of the price: from then on the price stands."""
    so_far = 0
    for part in parts:
        so_far += part.minor
        if so_far * 100 >= price * lock_percent:
            return part.due
    return parts[-1].due


def _ordered(parts: Iterable[Part]) -> Parts:
    """By day, those of one day as one, without empty ones."""
    by_day: dict[date, Part] = {}
    for part in parts:
        if part.minor:
            same = by_day.get(part.due)
            # A day that holds several kinds of parts moves with none of them.
            days = part.days if same is None or same.days == part.days else None
            by_day[part.due] = Part(part.due, part.minor + (same.minor if same else 0), days)
    return tuple(by_day[day] for day in sorted(by_day))
