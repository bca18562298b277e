"""How the papers of a booking stand, in one word: derived from the checklists, and stored nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel.speaklater import LazyString

from portal.kernel.parts import part_of
from portal.visas.labels import STANDING_TONES, STANDINGS
from portal.visas.queries import PassengerPapers
from portal.visas.terms import PapersStanding, Severity

AT_RISK_DAYS = 7  # proposed: what is not handed in a week before its last day may come too late


@dataclass(frozen=True)
class PapersCount:
    """Papers asked of a party, by how far they are; next_due: of those that wait for a passenger."""

    total: int
    done: int
    in_review: int
    returned: int
    next_due: date | None
    blocked: bool


def standing(count: PapersCount, today: date) -> PapersStanding:
    """The papers axis of a booking: a pure function, the most pressing first."""
    if count.blocked:
        return PapersStanding.BLOCKED
    if count.next_due is not None and count.next_due <= today + timedelta(AT_RISK_DAYS):
        return PapersStanding.AT_RISK
    if count.returned:
        return PapersStanding.ACTION_NEEDED
    if count.done == count.total:
        return PapersStanding.READY
    if count.done + count.in_review == count.total:
        return PapersStanding.IN_REVIEW
    return PapersStanding.IN_PROGRESS if count.done + count.in_review else PapersStanding.NOT_STARTED


def counted(papers: Sequence[PassengerPapers]) -> PapersCount:
    """Of all passengers of a booking together."""
    return PapersCount(
        total=sum(one.total for one in papers),
        done=sum(one.done for one in papers),
        in_review=sum(one.in_review for one in papers),
        returned=sum(one.returned for one in papers),
        next_due=min((one.next_due for one in papers if one.next_due is not None), default=None),
        blocked=any(one.worst == Severity.BLOCKING for one in papers),
    )


@dataclass(frozen=True)
class PapersWords:
    label: LazyString
    tone: str


@part_of("booking", "papers_standing")
def papers_standing(_booking_id: int) -> Callable[[Sequence[PassengerPapers], date], PapersWords]:
    """For the page, which has the papers already: no statement."""
    return _worded


def _worded(papers: Sequence[PassengerPapers], today: date) -> PapersWords:
    state = standing(counted(papers), today)
    return PapersWords(STANDINGS[state], STANDING_TONES[state])
