"""Readiness worked out from papers: pure functions; nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from math import ceil

from portal.visas.models import ItemState
from portal.visas.rules import Outcome, Rule, Stop, Traveller, Voyage, findings, requirements
from portal.visas.terms import Severity, Supplier

WINDOW_DAYS = 14  # the pace of acceptances is that of so many days before today
ASKED = (Severity.REQUIRED, Severity.BLOCKING)
DONE = (ItemState.ACCEPTED, ItemState.WAIVED, ItemState.NOT_APPLICABLE)


class Ready(StrEnum):
    """How one passenger stands for one country; the first that fits, of the worst last."""

    READY = "ready"
    IN_REVIEW = "in_review"  # everything is handed in
    WITH_US = "with_us"  # only what we get ourselves is missing
    WITH_GUEST = "with_guest"
    BLOCKED = "blocked"  # the passport will not do, entry is refused, or nobody knows yet


@dataclass(frozen=True)
class Paper:
    """One paper asked of one passenger; country None: asked whatever the country."""

    passenger_id: int
    document: str
    country: str | None
    supplier: Supplier
    severity: Severity
    state: ItemState
    due: date

    @property
    def left(self) -> bool:
        return self.severity in ASKED and self.supplier is not Supplier.BORDER and self.state not in DONE

    @property
    def waits_for_guest(self) -> bool:
        return (
            self.left
            and self.supplier is Supplier.GUEST
            and self.state in (ItemState.TODO, ItemState.CHANGES_REQUESTED)
        )


def readiness(papers: Iterable[Paper], unclear: bool) -> Ready:
    """Of one passenger for one country, by the papers that it asks for; unclear: entry is refused, or not known."""
    left = [paper for paper in papers if paper.left]
    if unclear or any(paper.severity is Severity.BLOCKING for paper in left):
        return Ready.BLOCKED
    if any(paper.waits_for_guest for paper in left):
        return Ready.WITH_GUEST
    if any(paper.supplier is Supplier.OPERATOR for paper in left):
        return Ready.WITH_US
    return Ready.IN_REVIEW if left else Ready.READY


@dataclass(frozen=True)
class Prediction:
    """What the pace of acceptances promises for the cutoff."""

    left: int  # papers not accepted yet
    accepted: int  # in the last `window` days
    window: int
    days: int  # until the cutoff; none left: 0
    unready: int  # papers that will be missing then at this pace
    done_on: date | None  # when the last one would be accepted; None where nothing moves

    @property
    def in_time(self) -> bool:
        return self.unready == 0


def predict(*, left: int, accepted: int, today: date, cutoff: date, window: int = WINDOW_DAYS) -> Prediction:
    """As many papers a day as in the last `window` days, no more and no fewer."""
    days = max(0, (cutoff - today).days)
    done_on = today + timedelta(ceil(left * window / accepted)) if accepted else (None if left else today)
    return Prediction(
        left=left,
        accepted=accepted,
        window=window,
        days=days,
        unready=max(0, left - accepted * days // window),
        done_on=done_on,
    )


# What if a call is left out


def without(voyage: Voyage, port: str) -> Voyage | None:
    """The voyage without its calls at `port`; None where it begins or ends there, or does not call there."""
    stops = voyage.stops
    left: tuple[Stop, ...] = tuple(stop for stop in stops if stop.port != port)
    if len(left) == len(stops) or stops[0].port == port or stops[-1].port == port:
        return None
    return replace(voyage, stops=left)


@dataclass(frozen=True)
class Change:
    """What one passenger would need no more, and need besides, and whether every country would let him in."""

    dropped: frozenset[tuple[str, str | None]]  # document and country
    added: frozenset[tuple[str, str | None]]
    unclear_before: bool
    unclear_after: bool


def change_of(traveller: Traveller, before: Voyage, after: Voyage, rules: Sequence[Rule]) -> Change:
    """By the very rules of the checklist: nothing is stored, nothing is touched."""
    asked = [
        {
            (item.document, item.country)
            for item in requirements(traveller, voyage, rules)
            if item.severity in ASKED and item.supplier is not Supplier.BORDER
        }
        for voyage in (before, after)
    ]
    return Change(
        dropped=frozenset(asked[0] - asked[1]),
        added=frozenset(asked[1] - asked[0]),
        unclear_before=bool(unclear_countries(traveller, before, rules)),
        unclear_after=bool(unclear_countries(traveller, after, rules)),
    )


def unclear_countries(traveller: Traveller, voyage: Voyage, rules: Sequence[Rule]) -> frozenset[str]:
    """Those that refuse the passport, or of which nobody knows."""
    return frozenset(
        finding.country
        for finding in findings(traveller, voyage, rules)
        if finding.outcome in (Outcome.IMPOSSIBLE, Outcome.UNKNOWN)
    )


@dataclass(frozen=True)
class Trial:
    """What a sailing would be without its call at a port."""

    port: str
    passengers: int
    dropped: Mapping[tuple[str, str | None], tuple[int, int]]  # asked of so many, of whom so many have it already
    added: Mapping[tuple[str, str | None], int]
    cleared: int  # passengers to whom every country would be open, and is not now
    ready_before: int
    ready_after: int


def trial(
    port: str,
    travellers: Mapping[int, tuple[Traveller, Voyage]],
    papers: Mapping[int, Sequence[Paper]],
    rules: Sequence[Rule],
) -> Trial:
    """`travellers` and `papers` by passenger. Whoever's voyage does not call at `port` stays as he is."""
    dropped: dict[tuple[str, str | None], tuple[int, int]] = {}
    added: dict[tuple[str, str | None], int] = {}
    cleared = before = after = 0
    for passenger_id, (traveller, voyage) in travellers.items():
        own = papers.get(passenger_id, ())
        shorter = without(voyage, port)
        unclear = bool(unclear_countries(traveller, voyage, rules))
        ready = readiness(own, unclear) is Ready.READY
        before += ready
        if shorter is None:
            after += ready
            continue
        change = change_of(traveller, voyage, shorter, rules)
        cleared += change.unclear_before and not change.unclear_after
        had = {(paper.document, paper.country) for paper in own if paper.state in DONE}
        for what in change.dropped:
            of, have = dropped.get(what, (0, 0))
            dropped[what] = (of + 1, have + (what in had))
        for what in change.added:
            added[what] = added.get(what, 0) + 1
        kept = [paper for paper in own if (paper.document, paper.country) not in change.dropped]
        after += readiness(kept, change.unclear_after) is Ready.READY and not change.added
    return Trial(port, len(travellers), dropped, added, cleared, before, after)
