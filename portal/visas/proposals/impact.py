"""Whom a change of entry rules would touch: worked out before it is let in force, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import or_, select

from portal.booking.models import Booking, Passenger
from portal.catalogue.models import Port, PortCall, Sailing
from portal.database import db
from portal.kernel.text import LocalizedText
from portal.visas.documents import CATALOGUE
from portal.visas.models import ChecklistItem, ItemState
from portal.visas.proposals.services import Line
from portal.visas.rules import (
    EU_MEMBERS,
    Finding,
    RequiredItem,
    Rule,
    Traveller,
    Voyage,
    findings,
    requirements,
    travellers_of,
    voyage_of,
)
from portal.visas.services import OPEN, WITH_VOYAGE, live_rules
from portal.visas.terms import Regime

SHOWN = 200
AT_ONCE = 200  # bookings that are in memory together


@dataclass(frozen=True)
class Touched:
    """One passenger to whom the countries would say something else."""

    booking: str
    sailing: str
    starts_at: datetime
    passenger: str
    citizenship: str
    regimes: tuple[tuple[str, Regime | None, Regime | None], ...]  # country, before, after
    added: tuple[LocalizedText, ...]  # papers
    dropped: tuple[LocalizedText, ...]
    moved: tuple[LocalizedText, ...]  # asked for by another day, or differently
    undone: tuple[LocalizedText, ...]  # accepted, and to be handed in anew


@dataclass(frozen=True)
class Impact:
    bookings: int
    passengers: int
    rows: tuple[Touched, ...]  # the first SHOWN, those that sail first


def impact_of(lines: Sequence[Line], now: datetime) -> Impact:
    """Of bookings that are agreed and have not sailed. Three statements for each AT_ONCE of them, and two."""
    live = {rule.id: rule for rule in live_rules(_countries(lines))}
    rules = tuple(live.values())
    after = rules_after(rules, lines)
    rows: list[Touched] = []
    bookings, passengers = 0, 0
    ids = _booking_ids(lines, rules, now)
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        accepted = _accepted(part)
        for booking in db.session.scalars(
            select(Booking).where(Booking.id.in_(part)).options(*WITH_VOYAGE).order_by(Booking.id)
        ).unique():
            touched = list(_touched(booking, rules, after, accepted))
            bookings += bool(touched)
            passengers += len(touched)
            rows += touched
    rows.sort(key=lambda row: (row.starts_at, row.booking, row.passenger))
    return Impact(bookings, passengers, tuple(rows[:SHOWN]))


def rules_after(rules: Iterable[Rule], lines: Sequence[Line]) -> tuple[Rule, ...]:
    """Pure: the rules once the lines are in force."""
    going = {line.old_id for line in lines if line.old_id is not None}
    return (*(rule for rule in rules if rule.id not in going), *(line.new for line in lines if line.new is not None))


def _countries(lines: Sequence[Line]) -> set[str]:
    """A change of one country says nothing of the others, but a passport and its dates are judged by all of them."""
    return set(db.session.scalars(select(Port.country).distinct())) | {
        line.new.destination for line in lines if line.new is not None
    }


def _booking_ids(lines: Sequence[Line], rules: Sequence[Rule], now: datetime) -> Sequence[int]:
    """Bookings with a passenger of a passport in question, on a sailing that calls there."""
    changed = [rule for rule in rules if rule.id in {line.old_id for line in lines}]
    changed += [line.new for line in lines if line.new is not None]
    reach = []
    for country in {rule.destination for rule in changed}:
        there = [rule for rule in changed if rule.destination == country]
        calls = select(PortCall.sailing_id).join(Port).where(Port.country == country)
        passports = {rule.nationality for rule in there}
        if any(rule.stands_for == "EU" for rule in there):
            passports |= EU_MEMBERS
        anyone = any(rule.stands_for == "ANY" for rule in there)
        who = select(Passenger.booking_id)
        who = who if anyone else who.where(Passenger.citizenship.in_(sorted(passports)))
        reach.append(Booking.sailing_id.in_(calls) & Booking.id.in_(who))
    if not reach:
        return []
    return db.session.scalars(
        select(Booking.id)
        .join(Sailing)
        .where(or_(*reach), Booking.state.in_(OPEN), Sailing.starts_at > now)
        .order_by(Sailing.starts_at, Booking.id)
    ).all()


def _accepted(booking_ids: Sequence[int]) -> Mapping[tuple[int, str], str]:
    """What each accepted paper was accepted for, by passenger and key."""
    found = db.session.execute(
        select(ChecklistItem.passenger_id, ChecklistItem.key, ChecklistItem.basis)
        .join(Passenger)
        .where(Passenger.booking_id.in_(booking_ids), ChecklistItem.state == ItemState.ACCEPTED)
    )
    return {(passenger, key): basis for passenger, key, basis in found}


def _touched(
    booking: Booking, rules: Sequence[Rule], after: Sequence[Rule], accepted: Mapping[tuple[int, str], str]
) -> Iterable[Touched]:
    voyage = voyage_of(booking.voyage)
    travellers = travellers_of(booking, voyage)
    for passenger in booking.passengers:
        traveller = travellers.get(passenger.id)
        if traveller is None:
            continue
        row = _compared(booking, passenger, traveller, voyage, (rules, after), accepted)
        if row is not None:
            yield row


def _compared(
    booking: Booking,
    passenger: Passenger,
    traveller: Traveller,
    voyage: Voyage,
    rules: tuple[Sequence[Rule], Sequence[Rule]],
    accepted: Mapping[tuple[int, str], str],
) -> Touched | None:
    before, then = ([_said(finding) for finding in findings(traveller, voyage, one)] for one in rules)
    had, has = ({item.key: _asked(item) for item in requirements(traveller, voyage, one)} for one in rules)
    moved = [key for key in had if key in has and had[key] != has[key]]
    gone, new = [key for key in had if key not in has], [key for key in has if key not in had]
    if before == then and not (moved or gone or new):
        return None
    undone = [
        key
        for key, item in has.items()
        if (passenger.id, key) in accepted and accepted[(passenger.id, key)] != item.basis
    ]
    return Touched(
        booking=booking.reference,
        sailing=booking.sailing.code,
        starts_at=booking.sailing.starts_at,
        passenger=passenger.full_name,
        citizenship=passenger.citizenship,
        regimes=tuple(
            dict.fromkeys(
                (old.country, old.regime, new.regime)
                for old, new in zip(
                    findings(traveller, voyage, rules[0]), findings(traveller, voyage, rules[1]), strict=True
                )
                if old.regime is not new.regime
            )
        ),
        added=_names(has[key] for key in new),
        dropped=_names(had[key] for key in gone),
        moved=_names(has[key] for key in moved),
        undone=_names(has[key] for key in undone),
    )


def _said(finding: Finding) -> tuple[object, ...]:
    """Newer evidence for the same says nothing new."""
    return (finding.regime, finding.outcome, finding.border, tuple(reason.key for reason in finding.why))


def _asked(item: RequiredItem) -> RequiredItem:
    """The same, whichever row asks for it and however old the evidence is."""
    return replace(item, rule_id=None, as_of=CATALOGUE["passport"].as_of, certain=True, sources=())


def _names(items: Iterable[RequiredItem]) -> tuple[LocalizedText, ...]:
    """Each document once; LocalizedText is not hashed."""
    return tuple(CATALOGUE[code].name for code in dict.fromkeys(item.document for item in items))
