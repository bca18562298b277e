"""By when to begin so that a paper is in hand before boarding: counted backwards, in days on which offices work.

A safe plan takes the time that authorities need in nine cases of ten, and lets one paper be handed in again. The last
hope takes their usual time, and everything right at once. Nothing can be fetched on board, so both count back from
the day of boarding, whichever call of the voyage a visa is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from portal.kernel.working_days import holidays_between, known, working_days_before
from portal.visas.documents import CATALOGUE, Catalogue, OurWork, Processing
from portal.visas.terms import Regime

BUFFER_DAYS = 7  # a visa must be in hand a week before departure
HOME = "RU"  # where our reviewers sit, and from where applications are sent
KEPT = 2048
SOON_DAYS = 14
# A consulate lies in the country of its applicants, and rests on the holidays of both.
AT_A_CONSULATE = frozenset({Regime.VISA, Regime.VISA_LOI})


class StepKind(StrEnum):
    IN_HAND = "in_hand"  # a week in which the paper is here and can still be looked at
    AUTHORITY = "authority"  # the visa, or the list of a group, is with the authority
    INVITATION = "invitation"
    CHECK = "check"  # our reviewers look at what was handed in
    AGAIN = "again"  # one paper comes back, is handed in again and looked at again
    GATHER = "gather"  # from the booking until everything is handed in


class Deadline(StrEnum):
    """How a day by which stands to today."""

    OK = "ok"
    AMBER = "amber"  # little is left: two weeks, or a quarter of the way that comes after it
    LATE = "late"  # the safe day has passed; usual times and no mistake can still save it
    IMPOSSIBLE = "impossible"  # not even they can


def deadline(due: date, latest: date, boards: date, today: date) -> Deadline:
    """due: the last safe day; latest: the last day of all; boards: what both count back from."""
    if today > due:
        return Deadline.IMPOSSIBLE if today > latest else Deadline.LATE
    little = max(SOON_DAYS, (boards - due).days // 4)
    return Deadline.AMBER if (due - today).days <= little else Deadline.OK


@dataclass(frozen=True)
class Step:
    """One stretch of the way: it begins on `starts` at the latest."""

    kind: StepKind
    starts: date
    days: int  # working days; calendar days for IN_HAND
    countries: tuple[str, ...]  # in all of which they are working days
    holidays: tuple[date, ...]  # left out besides week-ends
    unknown: tuple[str, ...]  # countries of which only week-ends are left out, since no holidays are known


@dataclass(frozen=True)
class Plan:
    """The way to one paper of an authority, backwards from the day of boarding."""

    steps: tuple[Step, ...]  # the last one of the way first
    in_hand: date  # when it must be in our hands
    apply_by: date  # when the visa is asked for
    papers_by: date  # when what the visa is asked for with must be handed in to us
    upload_by: date  # when the first of all papers must be: the same, but for an invitation that comes before
    book_by: date


def plan(
    country: str,
    regime: Regime,
    nationality: str,
    boards: date,
    *,
    safe: bool = True,
    takes: Processing | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> Plan:
    """How a citizen of `nationality` who goes aboard on `boards` gets what `country` asks for by `regime`.

    takes: how long the authorities take, where the rule itself says it; else as usual for the country.
    Raises LookupError for a regime by which nothing is asked of an authority.
    """
    takes = takes or catalogue.processing_of(country, regime, nationality)
    office = nationality if regime in AT_A_CONSULATE else HOME
    return _plan(takes, catalogue.our_work, country, office, boards, safe)


@lru_cache(KEPT)
def _plan(takes: Processing, ours: OurWork, country: str, office: str, boards: date, safe: bool) -> Plan:
    in_hand = boards - timedelta(BUFFER_DAYS)
    steps = [Step(StepKind.IN_HAND, in_hand, BUFFER_DAYS, (), (), ())]
    steps.append(_step(StepKind.AUTHORITY, in_hand, takes.authority.days(safe), (country, office)))
    apply_by = steps[-1].starts
    if takes.invitation.days(safe):
        steps.append(_step(StepKind.INVITATION, apply_by, takes.invitation.days(safe), (country, HOME)))
    first = steps[-1].starts
    steps += _our_steps(first, ours, safe)
    upload_by = steps[-1].starts
    if safe:
        steps.append(_step(StepKind.GATHER, upload_by, ours.gather_working_days, (HOME,)))
    return Plan(
        steps=tuple(steps),
        in_hand=in_hand,
        apply_by=apply_by,
        papers_by=upload_by if apply_by == first else _our_steps(apply_by, ours, safe)[-1].starts,
        upload_by=upload_by,
        book_by=steps[-1].starts,
    )


def _our_steps(until: date, ours: OurWork, safe: bool) -> list[Step]:
    check = _step(StepKind.CHECK, until, ours.review_working_days, (HOME,))
    if not safe:
        return [check]
    again = ours.again_working_days + ours.review_working_days
    return [check, _step(StepKind.AGAIN, check.starts, again, (HOME,))]


def _step(kind: StepKind, until: date, days: int, countries: Sequence[str]) -> Step:
    both = tuple(dict.fromkeys(countries))
    starts = working_days_before(until, days, both)
    unknown = tuple(country for country in both if not known(country, starts.year))
    return Step(kind, starts, days, both, holidays_between(starts, until, both), unknown)
