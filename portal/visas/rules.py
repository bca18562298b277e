"""What a voyage asks of a passport: pure functions of traveller, voyage and rules; nothing here reads or writes."""

from __future__ import annotations

import calendar
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from portal.booking.models import Booking, DocumentKind, Passenger
from portal.catalogue.models import CallState, Sailing, VoyagePart
from portal.catalogue.queries import SailingView
from portal.kernel.ages import OF_AGE, age_on
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.visas.documents import CATALOGUE, Catalogue, Document, LeadTime, Per, Processing, Stage, Validity
from portal.visas.planning import BUFFER_DAYS, Plan, plan
from portal.visas.terms import Confidence, Regime, SeaAccess, Severity, Supplier

EARLIEST_NEED_DAYS = 14  # a passport that no authority waits for must still be seen before the passenger list closes
STALE_DAYS = 180  # proposed: after half a year the evidence for a rule is looked at again
SPARE_DAYS = 1  # a visa covers one day more than planned: the weather may hold the ship
EU_MEMBERS = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
# The first that fits decides. A group waiver counts as long as a list of the right size can be; see `_rank`.
PRECEDENCE = (
    Regime.REFUSED,
    Regime.OWN_NATIONAL,
    Regime.VISA_FREE,
    Regime.VISA_FREE_GROUP,
    Regime.EVISA,
    Regime.VISA,
    Regime.VISA_LOI,
)


@dataclass(frozen=True)
class Rule:
    """One row of the entry rules; `id` is that of the stored row, None while it is only a line of a file."""

    id: int | None
    destination: str
    nationality: str
    stands_for: str | None
    regime: Regime
    max_stay_days: int | None
    entries: str | None
    usable_by_sea: SeaAccess
    conditions: LocalizedText | None
    valid_from: date | None
    valid_to: date | None
    as_of: date
    confidence: Confidence
    sources: tuple[str, ...]
    documents: tuple[str, ...] = (DocumentKind.PASSPORT,)  # kinds that are taken at the border
    group_min: int | None = None  # of a waiver for groups on a list; else it is for each alone
    group_max: int | None = None
    passport_months: int | None = None  # valid after the last day of the voyage; None: as usual for the country
    blank_pages: int | None = None
    photos_mm: tuple[str, ...] = ()  # "30x40", width first
    invitation: LeadTime | None = None  # None: as usual for the country
    authority: LeadTime | None = None
    fee: Money | None = None
    inferred: tuple[str, ...] = ()  # columns that were worked out, though the rest has its source

    @property
    def group_sizes(self) -> range:
        return range(self.group_min or 1, (self.group_max or 0) + 1)

    def needs_check_on(self, today: date) -> bool:
        """Its evidence is old, or there is none: staff should look again, and travellers are told."""
        return self.confidence is Confidence.INFERRED or self.as_of < today - timedelta(STALE_DAYS)

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Traveller:
    """What the rules need to know of a passenger."""

    citizenship: str
    birth_date: date
    travel_passport: bool | None  # the document named is one to cross borders with; None while none is named
    document_expires: date | None
    document_fingerprint: str | None = ""  # None while no number is known
    surname: str = ""
    given_names: str = ""
    adults_in_booking: int = 1
    internal_passport: bool = False  # the document named is one of the own country
    group_lists: Mapping[str, int] = field(default_factory=dict)  # by country, how many stand on the passenger's list

    def age_on(self, day: date) -> int:
        return age_on(day, self.birth_date)


@dataclass(frozen=True)
class Stop:
    """One call that is made, in the calendar of its port."""

    country: str
    port: str
    first_day: date
    last_day: date
    certain: bool = True  # False while the call waits for a permission


@dataclass(frozen=True)
class Voyage:
    """A version of a sailing, as far as borders see it."""

    code: str
    version: int
    stops: tuple[Stop, ...]

    @property
    def starts(self) -> date:
        return self.stops[0].last_day

    @property
    def ends(self) -> date:
        return self.stops[-1].last_day

    @property
    def countries(self) -> tuple[str, ...]:
        """In the order in which they are first touched."""
        return tuple(dict.fromkeys(stop.country for stop in self.stops))

    @property
    def international(self) -> bool:
        return len(self.countries) > 1


@dataclass(frozen=True)
class Entry:
    """One stay in one country, from crossing its border until leaving it."""

    country: str
    number: int  # of this country's entries on the voyage, from 1
    of: int
    first_day: date
    last_day: date
    country_left_on: date  # the last day of its last stay there
    ports: tuple[str, ...]
    before_boarding: bool  # where the voyage begins: the traveller comes there by himself
    leaves_by_sea: bool
    certain: bool = True

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1


class Answer(StrEnum):
    """Three values: what nobody knows is never taken for a yes."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"  # a person decides


def all_of(answers: Iterable[Answer]) -> Answer:
    """Met if all are; one that is not met decides, known or not what the others say."""
    given = set(answers)
    if Answer.NOT_MET in given:
        return Answer.NOT_MET
    return Answer.UNKNOWN if Answer.UNKNOWN in given else Answer.MET


class Outcome(StrEnum):
    """What is to be done for a visa."""

    MET = "met"
    NEEDED = "needed"
    IMPOSSIBLE = "impossible"
    UNKNOWN = "unknown"  # nobody has told us: a person must decide, and it never counts as visa-free


class Border(StrEnum):
    """Whether the border lets a ship's passenger through, apart from any visa."""

    OPEN = "open"
    PRIOR_ONLY = "prior_only"  # the visa must be in the passport before boarding
    CHECK_PORT = "check_port"  # nobody has confirmed that this port takes the e-visa
    CHECK_BORDER = "check_border"
    BLOCKED = "blocked_border"
    BY_AIR = "by_air"  # the sea border is closed, but the traveller comes before boarding, by air


@dataclass(frozen=True)
class Reason:
    """Why a paper is asked for or an answer given: key of a sentence, and what stands in it (countries, ISO dates)."""

    key: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What one entry asks of one traveller: the visa and the border are two answers, never one."""

    entry: Entry
    outcome: Outcome
    border: Border
    regime: Regime | None
    rule: Rule | None
    by_analogy: bool = False  # the rule was written for another passport of the same group
    why: tuple[Reason, ...] = ()  # of the visa first, then of the border

    @property
    def country(self) -> str:
        return self.entry.country

    @property
    def visa(self) -> Answer:
        """Whether the traveller needs nothing more to be let in by his passport."""
        if self.outcome is Outcome.UNKNOWN:
            return Answer.UNKNOWN
        return Answer.MET if self.outcome is Outcome.MET else Answer.NOT_MET

    @property
    def passage(self) -> Answer:
        """Whether the border lets the ship's passengers through, apart from any visa."""
        if self.border is Border.BLOCKED:
            return Answer.NOT_MET
        if self.border in (Border.CHECK_PORT, Border.CHECK_BORDER):
            return Answer.UNKNOWN
        # Who came by air may leave by air or land; of leaving by sea nobody has told us.
        return Answer.UNKNOWN if self.border is Border.BY_AIR and self.entry.leaves_by_sea else Answer.MET

    @property
    def answer(self) -> Answer:
        """Of visa and border together."""
        return all_of((self.visa, self.passage))

    @property
    def certain(self) -> bool:
        """Two sources say so. What is not certain is shown as needing a check."""
        return self.rule is not None and self.rule.confidence is Confidence.CONFIRMED and not self.by_analogy

    def stale_on(self, today: date) -> bool:
        """The evidence is too old or too thin: staff should look again."""
        return self.rule is None or self.rule.needs_check_on(today)


@dataclass(frozen=True)
class RequiredItem:
    """One paper that a traveller needs on a voyage."""

    key: str
    document: str
    country: str | None
    entry_number: int | None
    reasons: tuple[Reason, ...]
    due: date  # when it must be in our hands, by the safe plan
    latest: date  # after this it comes too late even if every authority takes its usual time and nothing comes back
    apply_by: date | None  # when to ask the authority for it at the latest
    severity: Severity
    supplier: Supplier
    rule_id: int | None
    as_of: date
    certain: bool
    sources: tuple[str, ...]
    basis: str  # digest of what an acceptance relies on: when it changes, the acceptance no longer holds


@dataclass(frozen=True)
class ValidityCheck:
    """How long a country wants the passport to be valid, counted from the last day of the voyage."""

    country: str
    months: int
    until: date
    met: bool | None  # None while no expiry date is known
    confidence: Confidence


def entries(voyage: Voyage) -> tuple[Entry, ...]:
    """The stays of a voyage in order. Calls in one country that follow each other are one stay."""
    stays = [(country, list(stops)) for country, stops in groupby(voyage.stops, key=lambda stop: stop.country)]
    times = {country: sum(1 for other, _ in stays if other == country) for country, _ in stays}
    left_on = {country: stops[-1].last_day for country, stops in stays}
    seen: dict[str, int] = {}
    found = []
    for index, (country, stops) in enumerate(stays):
        seen[country] = seen.get(country, 0) + 1
        found.append(
            Entry(
                country=country,
                number=seen[country],
                of=times[country],
                first_day=stops[0].first_day,
                last_day=stops[-1].last_day,
                country_left_on=left_on[country],
                ports=tuple(stop.port for stop in stops),
                before_boarding=index == 0,
                leaves_by_sea=index < len(stays) - 1,
                certain=any(stop.certain for stop in stops),
            )
        )
    return tuple(found)


def judge(entry: Entry, traveller: Traveller, rules: Iterable[Rule]) -> Finding:
    """What `entry` asks of `traveller` by the rules that hold on the day of the entry."""
    there = [rule for rule in rules if rule.destination == entry.country and rule.holds_on(entry.first_day)]
    fitting = _fitting(there, traveller.citizenship)
    if not fitting:
        border = _border_for_strangers(there, entry)
        why = (Reason("no_rule", {"country": entry.country}), *_why_border(border, entry))
        return Finding(entry, Outcome.UNKNOWN, border, None, None, why=why)
    rule = min(fitting, key=lambda rule: _rank(rule, traveller))
    border = _border(rule.usable_by_sea, entry)
    by_analogy = rule.nationality != traveller.citizenship
    return Finding(
        entry=entry,
        outcome=_outcome(rule, entry, traveller),
        border=border,
        regime=rule.regime,
        rule=rule,
        by_analogy=by_analogy,
        why=(
            *_why_visa(rule, entry, traveller),
            *(Reason("list_too_small", _list_of(one, traveller)) for one in fitting if _falls_short([one], traveller)),
            *([Reason("by_analogy", {"nationality": rule.nationality})] if by_analogy else []),
            *_why_border(border, entry),
        ),
    )


def findings(traveller: Traveller, voyage: Voyage, rules: Sequence[Rule]) -> tuple[Finding, ...]:
    """One for each entry of the voyage, in order."""
    return tuple(judge(entry, traveller, rules) for entry in entries(voyage))


def validity_checks(
    traveller: Traveller, voyage: Voyage, found: Sequence[Finding], catalogue: Catalogue = CATALOGUE
) -> tuple[ValidityCheck, ...]:
    """How long the passport must be valid, for each country but the traveller's own. The longest decides."""
    catalogue = catalogue.in_force(voyage.starts)
    checks: dict[str, ValidityCheck] = {}
    for finding in found:
        if finding.regime is Regime.OWN_NATIONAL:
            continue
        wanted = _validity(finding, catalogue)
        until = add_months(voyage.ends, wanted.months)
        expires = traveller.document_expires
        before = checks.get(finding.country)
        if before is None or before.until < until:
            met = None if expires is None else expires >= until
            checks[finding.country] = ValidityCheck(finding.country, wanted.months, until, met, wanted.confidence)
    return tuple(checks.values())


def requirements(
    traveller: Traveller, voyage: Voyage, rules: Sequence[Rule], catalogue: Catalogue = CATALOGUE
) -> tuple[RequiredItem, ...]:
    """Every paper that `traveller` needs on `voyage`, the passport first, then country by country.

    The same for the same traveller, voyage and rules. Countries that refuse or of which nothing is known ask for no
    papers here: `findings` names them, and a person decides. Source of the documents: facts/documents.json.
    """
    catalogue = catalogue.in_force(voyage.starts)
    found = findings(traveller, voyage, rules)
    ways = ways_of(traveller, voyage, found, catalogue)
    items = _once(item for finding in found for item in _papers_of(finding, traveller, voyage, ways, catalogue))
    if voyage.international or ways:
        items.insert(0, _passport(traveller, voyage, found, ways, catalogue))
    items += _insurance(traveller, voyage, found, catalogue)
    if voyage.international:
        items += _papers_of_minors(traveller, voyage, ways, catalogue)
    items += [item for finding in found for item in _at_the_border(finding, voyage, catalogue)]
    return tuple(items)


@dataclass(frozen=True)
class Way:
    """How one country's visa, or place on a list, is got for a voyage."""

    safe: Plan
    hope: Plan  # the usual time of every authority, and everything right at once


def ways_of(
    traveller: Traveller, voyage: Voyage, found: Sequence[Finding], catalogue: Catalogue = CATALOGUE
) -> dict[str, Way]:
    """By country, for those that must be asked for something; every entry of a country goes the same way."""
    catalogue = catalogue.in_force(voyage.starts)
    ways = {}
    for finding in found:
        if finding.outcome is Outcome.NEEDED and finding.regime is not None:
            asked = (finding.country, finding.regime, traveller.citizenship, voyage.starts)
            takes = takes_of(finding, traveller.citizenship, catalogue)
            ways[finding.country] = Way(
                plan(*asked, takes=takes, catalogue=catalogue),
                plan(*asked, takes=takes, safe=False, catalogue=catalogue),
            )
    return ways


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last of that month where it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def voyage_of(sailing: Sailing | VoyagePart | SailingView) -> Voyage:
    """The calls that are made, each by the calendar of its port; of a part only those of its guests."""
    stops = []
    for call in sailing.calls:
        if call.state is CallState.CANCELLED:
            continue
        zone = ZoneInfo(call.port.zone)
        moments = [moment for moment in (call.arrives_at, call.departs_at) if moment]
        stops.append(
            Stop(
                country=call.port.country,
                port=call.port.code,
                first_day=moments[0].astimezone(zone).date(),
                last_day=moments[-1].astimezone(zone).date(),
                certain=call.state is not CallState.CONDITIONAL,
            )
        )
    return Voyage(sailing.code, sailing.version, tuple(stops))


def travellers_of(booking: Booking, voyage: Voyage) -> dict[int, Traveller]:
    """The passengers of a booking by their id."""
    alone = {passenger.id: _traveller(passenger, 0) for passenger in booking.passengers}
    adults = sum(1 for traveller in alone.values() if traveller.age_on(voyage.starts) >= OF_AGE)
    return {passenger.id: _traveller(passenger, adults) for passenger in booking.passengers}


def _traveller(passenger: Passenger, adults: int) -> Traveller:
    return Traveller(
        citizenship=passenger.citizenship,
        birth_date=passenger.birth_date,
        travel_passport=None if passenger.document_kind is None else passenger.document_kind is DocumentKind.PASSPORT,
        internal_passport=passenger.document_kind is DocumentKind.INTERNAL_PASSPORT,
        document_expires=passenger.document_expires,
        document_fingerprint=passenger.document_fingerprint,
        surname=passenger.surname,
        given_names=passenger.given_names,
        adults_in_booking=adults,
    )


# What a country says


def _fitting(there: Sequence[Rule], citizenship: str) -> list[Rule]:
    """Rules of this very passport; only where there are none at all, those that stand for its group, then for any."""
    own = [rule for rule in there if rule.nationality == citizenship]
    if not own and citizenship in EU_MEMBERS:
        own = [rule for rule in there if rule.stands_for == "EU"]
    return own or [rule for rule in there if rule.stands_for == "ANY"]


def _border_for_strangers(there: Sequence[Rule], entry: Entry) -> Border:
    """A closed border is closed to every passport; else nothing is known of the border either."""
    if any(rule.usable_by_sea is SeaAccess.BLOCKED_BORDER for rule in there):
        return _border(SeaAccess.BLOCKED_BORDER, entry)
    return _border(SeaAccess.CHECK_BORDER, entry)


def _rank(rule: Rule, traveller: Traveller) -> int:
    """Who stands on no list yet will be put on one; of a list that has become too small nobody can make use."""
    return len(PRECEDENCE) if _falls_short([rule], traveller) else PRECEDENCE.index(rule.regime)


def _falls_short(rules: Iterable[Rule], traveller: Traveller) -> bool:
    return any(
        rule.regime is Regime.VISA_FREE_GROUP
        and traveller.group_lists.get(rule.destination, rule.group_sizes.start) < rule.group_sizes.start
        for rule in rules
    )


def _on_list(rule: Rule, traveller: Traveller) -> bool:
    return traveller.group_lists.get(rule.destination, 0) in rule.group_sizes


def _list_of(rule: Rule, traveller: Traveller) -> dict[str, str]:
    size = traveller.group_lists.get(rule.destination, 0)
    return {"size": str(size), "least": str(rule.group_min), "most": str(rule.group_max)}


def _too_long(rule: Rule, entry: Entry) -> bool:
    return rule.max_stay_days is not None and entry.days > rule.max_stay_days


def _too_often(rule: Rule, entry: Entry) -> bool:
    """Waivers may be good for one entry only, or for some a year."""
    words = (rule.entries or "").split()
    numbers = [int(word) for word in words if word.isdecimal()]
    return entry.number > (1 if words == ["single"] else numbers[0] if numbers else entry.number)


def _outcome(rule: Rule, entry: Entry, traveller: Traveller) -> Outcome:
    if rule.regime is Regime.REFUSED:
        return Outcome.IMPOSSIBLE
    if rule.regime is Regime.OWN_NATIONAL:
        return Outcome.MET
    if _too_long(rule, entry) or _falls_short([rule], traveller):
        return Outcome.UNKNOWN
    if rule.regime not in (Regime.VISA_FREE, Regime.VISA_FREE_GROUP):
        return Outcome.NEEDED
    if _too_often(rule, entry):
        return Outcome.UNKNOWN
    free = rule.regime is Regime.VISA_FREE or _on_list(rule, traveller)
    return Outcome.MET if free else Outcome.NEEDED


def _why_visa(rule: Rule, entry: Entry, traveller: Traveller) -> Iterable[Reason]:
    if rule.regime is Regime.VISA_FREE_GROUP:
        size = traveller.group_lists.get(rule.destination)
        key = "list_to_come" if size is None else "on_list" if size in rule.group_sizes else "list_too_large"
        if not _falls_short([rule], traveller):
            yield Reason(key, _list_of(rule, traveller))
    else:
        days = {"days": str(rule.max_stay_days)} if rule.max_stay_days else {}
        yield Reason(f"regime_{rule.regime}", {"country": entry.country, **days})
    if _too_long(rule, entry) and rule.regime not in (Regime.REFUSED, Regime.OWN_NATIONAL):
        yield Reason("stays_too_long", {"days": str(entry.days), "allowed": str(rule.max_stay_days)})
    if rule.regime in (Regime.VISA_FREE, Regime.VISA_FREE_GROUP) and _too_often(rule, entry):
        yield Reason("entered_too_often", {"number": str(entry.number), "country": entry.country})


def _why_border(border: Border, entry: Entry) -> Iterable[Reason]:
    if border is not Border.OPEN:
        yield Reason(f"border_{border}", {"country": entry.country})
    if border is Border.BY_AIR and entry.leaves_by_sea:
        yield Reason("leaving_by_sea", {"country": entry.country})


def _border(access: SeaAccess, entry: Entry) -> Border:
    by_sea = not entry.before_boarding
    if access is SeaAccess.BLOCKED_BORDER:
        return Border.BLOCKED if by_sea else Border.BY_AIR
    if access is SeaAccess.CHECK_BORDER:
        return Border.CHECK_BORDER if by_sea or entry.leaves_by_sea else Border.OPEN
    if access is SeaAccess.CHECK_PORT:  # an e-visa names the ports of arrival and of departure
        return Border.CHECK_PORT if by_sea or entry.leaves_by_sea else Border.OPEN
    if access is SeaAccess.PRIOR_ONLY:
        return Border.PRIOR_ONLY
    return Border.BLOCKED if access is SeaAccess.NO else Border.OPEN


def _validity(finding: Finding, catalogue: Catalogue) -> Validity:
    """What the rule itself says, else what is usual for the country."""
    usual = catalogue.validity_of(finding.country, finding.regime)
    rule = finding.rule
    if rule is None:
        return usual
    own = Confidence.INFERRED if "passport_months" in rule.inferred else rule.confidence
    return replace(
        usual,
        months=rule.passport_months if rule.passport_months is not None else usual.months,
        blank_pages=rule.blank_pages if rule.blank_pages is not None else usual.blank_pages,
        confidence=usual.confidence if rule.passport_months is None else own,
    )


def takes_of(finding: Finding, nationality: str, catalogue: Catalogue = CATALOGUE) -> Processing:
    """How long the authorities take: what the rule itself says, else what is usual. Raises LookupError.

    What a consulate told of one passport is not taken for another.
    """
    usual = catalogue.processing_of(finding.country, finding.regime, nationality)
    rule = finding.rule
    if rule is None or finding.by_analogy:
        return usual
    return replace(
        usual, invitation=rule.invitation or usual.invitation, authority=rule.authority or usual.authority
    )


# Which papers follow from it


def _papers_of(
    finding: Finding, traveller: Traveller, voyage: Voyage, ways: Mapping[str, Way], catalogue: Catalogue
) -> Iterable[RequiredItem]:
    """The papers of one entry; one that is asked for once a country comes again with each entry and is merged."""
    if finding.outcome is not Outcome.NEEDED or finding.rule is None or finding.regime is None:
        return
    rule, way = finding.rule, ways[finding.country]
    for document in catalogue.asked_by(finding.country, finding.regime):
        single = document.per is Per.ENTRY and finding.entry.of > 1
        number = finding.entry.number if single else None
        parts = [document.code, finding.country, *([str(number)] if number else [])]
        yield RequiredItem(
            key=".".join(parts),
            document=document.code,
            country=finding.country,
            entry_number=number,
            reasons=_why(document, finding, single),
            due=_day_of(document, way.safe),
            latest=voyage.starts if document.stage is Stage.IN_HAND else _day_of(document, way.hope),
            apply_by=way.safe.apply_by if document.stage is Stage.IN_HAND else None,
            severity=document.severity,
            supplier=document.supplier,
            rule_id=rule.id,
            as_of=rule.as_of,
            certain=finding.certain and document.confidence is Confidence.CONFIRMED,
            sources=rule.sources or document.sources,
            basis=_digest(*_relies_on(document, finding, traveller)),
        )


def _at_the_border(finding: Finding, voyage: Voyage, catalogue: Catalogue) -> Iterable[RequiredItem]:
    """Filled in at each entry; nothing to hand in before."""
    if finding.rule is None or finding.regime is None or finding.outcome is Outcome.IMPOSSIBLE:
        return
    entry = finding.entry
    for document in catalogue.filled_in_at(finding.country, finding.regime):
        number = entry.number if entry.of > 1 else None
        yield RequiredItem(
            key=".".join([document.code, finding.country, *([str(number)] if number else [])]),
            document=document.code,
            country=finding.country,
            entry_number=number,
            reasons=(Reason("filled_in_at_border", {"country": finding.country}),),
            due=voyage.starts,
            latest=voyage.starts,
            apply_by=None,
            severity=document.severity,
            supplier=document.supplier,
            rule_id=finding.rule.id,
            as_of=document.as_of,
            certain=document.confidence is Confidence.CONFIRMED,
            sources=document.sources,
            basis=_digest(document.code, finding.country, str(entry.number)),
        )


def _relies_on(document: Document, finding: Finding, traveller: Traveller) -> tuple[str, ...]:
    """A visa stands for one passport and its days; a photo or a form for the person alone."""
    person = (document.code, traveller.citizenship, traveller.birth_date.isoformat())
    if document.stage is not Stage.IN_HAND:
        return person
    entry = finding.entry
    last_day = entry.last_day if document.per is Per.ENTRY else entry.country_left_on
    return (*person, traveller.document_fingerprint or "", entry.first_day.isoformat(), last_day.isoformat())


def _why(document: Document, finding: Finding, single: bool) -> tuple[Reason, ...]:
    entry, country = finding.entry, finding.country
    if document.code == "fee_receipt":
        fee = finding.rule.fee if finding.rule else None
        params = {"minor": str(fee.minor), "currency": fee.currency} if fee else {}
        return (Reason("consular_fee", {"country": country} | params),)
    if document.code == "name_change":
        return (Reason("name_changed", {"country": country}),)
    if document.stage is not Stage.IN_HAND:
        return (Reason(f"asked_for_{document.stage.value}", {"country": country}),)
    if document.supplier is Supplier.OPERATOR:
        return (Reason(document.code, {"country": country}),)
    last_day = (entry.last_day if single else entry.country_left_on) + timedelta(SPARE_DAYS)
    reasons = [Reason("visa_covers", {"from": entry.first_day.isoformat(), "to": last_day.isoformat()})]
    if single:
        reasons.append(Reason("one_entry_each", {"number": str(entry.number), "of": str(entry.of), "country": country}))
    elif entry.of > 1:
        reasons.append(Reason("visa_entries", {"of": str(entry.of), "country": country}))
    if finding.border is Border.PRIOR_ONLY:
        reasons.append(Reason("visa_before_boarding", {}))
    return tuple(reasons)


def _day_of(document: Document, way: Plan) -> date:
    """When a plan needs a paper; what we get ourselves needs no look of our reviewers before it is sent on."""
    if document.stage is Stage.IN_HAND:
        return way.in_hand
    if document.supplier is Supplier.OPERATOR:
        return way.apply_by
    return way.upload_by if document.stage is Stage.INVITATION else way.papers_by


def _once(items: Iterable[RequiredItem]) -> list[RequiredItem]:
    """A paper that two entries ask for is handed in once; the first entry has the earlier date."""
    first: dict[str, RequiredItem] = {}
    for item in items:
        first.setdefault(item.key, item)
    return list(first.values())


def _passport(
    traveller: Traveller,
    voyage: Voyage,
    found: Sequence[Finding],
    ways: Mapping[str, Way],
    catalogue: Catalogue,
) -> RequiredItem:
    """It must be right at once, whether or not a scan is here: the first thing that any authority is sent."""
    document = catalogue["passport"]
    checks = validity_checks(traveller, voyage, found, catalogue)
    longest = max(checks, key=lambda check: check.until, default=None)
    reasons: list[Reason] = []
    good = True
    if traveller.travel_passport is False and not _at_home_is_enough(traveller, found):
        reasons.append(Reason("passport_of_wrong_kind"))
        good = False
    elif longest:
        params = {"until": longest.until.isoformat(), "country": longest.country, "months": str(longest.months)}
        if traveller.document_expires is None:
            reasons.append(Reason("passport_expiry_unknown", params))
        elif longest.met is False:
            reasons.append(
                Reason("passport_expires_too_early", params | {"expires": traveller.document_expires.isoformat()})
            )
            good = False
        else:
            reasons.append(Reason("passport_valid_until", params))
    if good and traveller.document_fingerprint is None:
        reasons.append(Reason("passport_number_unknown"))
    blank = max((_validity(finding, catalogue).blank_pages for finding in found), default=1)
    reasons.append(Reason("passport_blank_pages", {"pages": str(blank)}))
    unhurried = voyage.starts - timedelta(EARLIEST_NEED_DAYS)
    expires = traveller.document_expires.isoformat() if traveller.document_expires else ""
    return RequiredItem(
        key="passport",
        document="passport",
        country=None,
        entry_number=None,
        reasons=tuple(reasons),
        due=min([unhurried, *(way.safe.upload_by for way in ways.values())]),
        latest=min([voyage.starts, *(way.hope.upload_by for way in ways.values())]),
        apply_by=None,
        severity=Severity.REQUIRED if good else Severity.BLOCKING,
        supplier=Supplier.GUEST,
        rule_id=None,
        as_of=document.as_of,
        certain=longest is None or longest.confidence is not Confidence.INFERRED,
        sources=document.sources,
        basis=_digest(
            traveller.document_fingerprint or "",
            expires,
            traveller.surname,
            traveller.given_names,
            traveller.birth_date.isoformat(),
            str(good),
        ),
    )


def _at_home_is_enough(traveller: Traveller, found: Sequence[Finding]) -> bool:
    """Some neighbours take a passport that is for use at home."""
    return traveller.internal_passport and all(
        finding.rule is not None and DocumentKind.INTERNAL_PASSPORT in finding.rule.documents for finding in found
    )


def _insurance(
    traveller: Traveller, voyage: Voyage, found: Sequence[Finding], catalogue: Catalogue
) -> Iterable[RequiredItem]:
    document = catalogue["insurance"]
    asking = tuple(
        dict.fromkeys(
            finding.country
            for finding in found
            if finding.regime is not Regime.OWN_NATIONAL
            and any(
                asked.country == finding.country and (not asked.regimes or finding.regime in asked.regimes)
                for asked in document.asked
            )
        )
    )
    if not (asking or voyage.international):
        return
    reason = Reason("insurance_required", {"countries": " ".join(asking)}) if asking else Reason("insurance_advised")
    yield _general(
        document,
        (reason,),
        due=voyage.starts - timedelta(BUFFER_DAYS),
        latest=voyage.starts,
        severity=Severity.REQUIRED if asking else Severity.RECOMMENDED,
        basis=(voyage.starts.isoformat(), voyage.ends.isoformat(), *voyage.countries),
    )


def _papers_of_minors(
    traveller: Traveller, voyage: Voyage, ways: Mapping[str, Way], catalogue: Catalogue
) -> Iterable[RequiredItem]:
    """Children and young people under 18 on the first day. We do not know who is whose parent, so we ask."""
    if traveller.age_on(voyage.starts) >= OF_AGE:
        return
    in_hand = voyage.starts - timedelta(BUFFER_DAYS)
    child = (traveller.birth_date.isoformat(), traveller.surname)
    visa = ways.get("TM")
    yield _general(
        catalogue["birth_cert"],
        (Reason("birth_certificate_for_visa" if visa else "birth_certificate"),),
        due=visa.safe.papers_by if visa else in_hand,
        latest=visa.hope.papers_by if visa else voyage.starts,
        severity=Severity.REQUIRED,
        basis=child,
    )
    if visa:
        yield _general(
            catalogue["marriage_cert"],
            (Reason("parents_of_different_surnames"),),
            due=visa.safe.papers_by,
            latest=visa.hope.papers_by,
            severity=Severity.CONDITIONAL,
            basis=child,
        )
    both_may_travel = traveller.adults_in_booking >= 2
    reasons = [Reason("consent_unless_both_parents" if both_may_travel else "consent_of_absent_parent")]
    if "AZ" in voyage.countries:
        reasons.append(Reason("consent_in_english", {"country": "AZ"}))
    yield _general(
        catalogue["consent"],
        tuple(reasons),
        due=in_hand,
        latest=voyage.starts,
        severity=Severity.CONDITIONAL if both_may_travel else Severity.REQUIRED,
        basis=(*child, voyage.starts.isoformat(), voyage.ends.isoformat(), *voyage.countries),
    )


def _general(
    document: Document,
    reasons: tuple[Reason, ...],
    *,
    due: date,
    latest: date,
    severity: Severity,
    basis: tuple[str, ...],
) -> RequiredItem:
    """A paper of the person, whatever the country."""
    return RequiredItem(
        key=document.code,
        document=document.code,
        country=None,
        entry_number=None,
        reasons=reasons,
        due=due,
        latest=latest,
        apply_by=None,
        severity=severity,
        supplier=document.supplier,
        rule_id=None,
        as_of=document.as_of,
        certain=document.confidence is Confidence.CONFIRMED,
        sources=document.sources,
        basis=_digest(document.code, *basis),
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
