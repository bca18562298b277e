"""On which sailings of the season surely nobody of a citizenship needs a visa: for finding one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from portal.catalogue.models import CallState, Port, PortCall, Sailing
from portal.database import db
from portal.kernel.parts import part_of
from portal.visas.models import EntryRule
from portal.visas.rules import Border, Finding, Outcome, Rule, Stop, Traveller, Voyage, findings
from portal.visas.terms import Regime

USUAL_PASSPORTS = ("RU", "KZ", "AZ", "TM")


def anyone(citizenship: str) -> Traveller:
    """With a passport for travel abroad that lasts."""
    return Traveller(citizenship, date(1980, 1, 1), travel_passport=True, document_expires=None)


@part_of("season", "visa_free")
def visa_free(now: datetime) -> dict[int, frozenset[str]]:
    """By the id of each sailing to come, citizens of which usual countries surely need no visa. Two statements.

    Sure is what confirmed rules say of every country called at, with its border open to ships. What is not known, or
    waits for a permission, is not "no visa".
    """
    rules = tuple(
        row.as_rule() for row in db.session.scalars(select(EntryRule).where(EntryRule.withdrawn_at.is_(None)))
    )
    edges = sorted(set(_edges(rules)))
    known: dict[object, frozenset[str]] = {}
    found = {}
    for sailing_id, stops in stops_of(Sailing.starts_at > now):
        # Voyages of one shape on days on which the same rules hold are judged once.
        start = stops[0].first_day
        shape = tuple(
            (
                stop.country,
                stop.port,
                (stop.first_day - start).days,
                (stop.last_day - start).days,
                stop.certain,
                bisect_right(edges, stop.first_day),
            )
            for stop in stops
        )
        if shape not in known:
            known[shape] = free_of_visas(Voyage("", 0, stops), rules)
        found[sailing_id] = known[shape]
    return found


def free_of_visas(voyage: Voyage, rules: Sequence[Rule]) -> frozenset[str]:
    return frozenset(
        passport
        for passport in USUAL_PASSPORTS
        if all(_surely_free(finding) for finding in findings(anyone(passport), voyage, rules))
    )


def _surely_free(finding: Finding) -> bool:
    sure = finding.regime is Regime.OWN_NATIONAL or (
        finding.regime is Regime.VISA_FREE
        and finding.certain
    )
    return sure and finding.outcome is Outcome.MET and finding.border is Border.OPEN and finding.entry.certain


def _edges(rules: Iterable[Rule]) -> Iterator[date]:
    """Days on which some rule begins to hold, or holds no more."""
    for rule in rules:
        if rule.valid_from is not None:
            yield rule.valid_from
        if rule.valid_to is not None:
            yield rule.valid_to + timedelta(days=1)


def stops_of(*which: ColumnElement[bool]) -> Iterator[tuple[int, tuple[Stop, ...]]]:
    """The calls that are made, by sailing, as plain rows: there may be very many.

    which: conditions on Sailing and PortCall.
    """
    rows = db.session.execute(
        select(
            PortCall.sailing_id,
            PortCall.arrives_at,
            PortCall.departs_at,
            PortCall.state,
            Port.country,
            Port.code,
            Port.zone,
        )
        .join(Port, Port.id == PortCall.port_id)
        .join(Sailing, Sailing.id == PortCall.sailing_id)
        .where(PortCall.state != CallState.CANCELLED, *which)
        .order_by(PortCall.sailing_id, PortCall.position)
    )
    for sailing_id, calls in groupby(rows, key=itemgetter(0)):
        yield sailing_id, tuple(
            _stop(row.arrives_at, row.departs_at, row.state, row.country, row.code, row.zone) for row in calls
        )


def _stop(
    arrives: datetime | None, departs: datetime | None, state: CallState, country: str, code: str, zone: str
) -> Stop:
    moments = [moment.astimezone(ZoneInfo(zone)).date() for moment in (arrives, departs) if moment]
    return Stop(country, code, moments[0], moments[-1], certain=state is not CallState.CONDITIONAL)
