"""Whether a party can still get what a voyage asks of its passports: pure functions, judged as if it booked today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.kernel.ages import OF_AGE
from portal.visas.planning import Plan
from portal.visas.rules import (
    Finding,
    Outcome,
    Reason,
    Rule,
    Traveller,
    ValidityCheck,
    Voyage,
    Way,
    entries,
    judge,
    validity_checks,
    ways_of,
)
from portal.visas.terms import Regime


class Chance(StrEnum):
    """From the best to the worst."""

    CAN = "can"
    ONLY_WITH = "only_with"  # in the case that the reasons name
    ASK = "ask"  # a person must decide
    CANNOT = "cannot"


WORSE = {chance: place for place, chance in enumerate(Chance)}


def worst(chances: Iterable[Chance]) -> Chance:
    return max(chances, key=WORSE.__getitem__, default=Chance.CAN)


@dataclass(frozen=True)
class Holder:
    """One passport of a party, as far as its holder has told us."""

    citizenship: str
    expires: date | None = None
    age: int | None = None  # on the first day of the cruise; None for an adult


@dataclass(frozen=True)
class Verdict:
    """What one country says to the holders of passports for which it says the same."""

    holders: tuple[int, ...]  # their places in the party, from 1
    citizenship: str
    chance: Chance
    reasons: tuple[Reason, ...]  # why it is no better, the worst first; then what is asked for
    findings: tuple[Finding, ...]  # one for each entry
    plan: Plan | None  # the safe one, where an authority must be asked
    last_hope: date | None  # after this it is too late

    @property
    def finding(self) -> Finding:
        """The entry that is hardest: where there are several, the last one is always by sea."""
        return self.findings[-1]


@dataclass(frozen=True)
class CountryChance:
    country: str
    chance: Chance
    verdicts: tuple[Verdict, ...]

    @property
    def book_by(self) -> date | None:
        """The last safe day to book; None where no day is set by papers."""
        return min((one.plan.book_by for one in self.verdicts if one.plan), default=None)

    @property
    def upload_by(self) -> date | None:
        """The last safe day to hand in what is sent to an authority."""
        return min((one.plan.upload_by for one in self.verdicts if one.plan), default=None)

    @property
    def last_hope(self) -> date | None:
        return min((one.last_hope for one in self.verdicts if one.last_hope), default=None)


@dataclass(frozen=True)
class SailingChance:
    """What the countries of one voyage say to a party, in the order in which they are first touched."""

    code: str
    countries: tuple[CountryChance, ...]
    notes: tuple[Reason, ...]  # for the whole cruise

    @property
    def chance(self) -> Chance:
        return worst(one.chance for one in self.countries)

    @property
    def book_by(self) -> date | None:
        return min((one.book_by for one in self.countries if one.book_by), default=None)

    @property
    def upload_by(self) -> date | None:
        return min((one.upload_by for one in self.countries if one.upload_by), default=None)


@dataclass(frozen=True)
class Said:
    """What the countries of a voyage say to the passports of one citizenship: the same on every day, for every age."""

    findings: tuple[Finding, ...]  # one for each entry
    ways: Mapping[str, Way]


def by_destination(rules: Sequence[Rule]) -> dict[str, tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.destination, []).append(rule)
    return {country: tuple(there) for country, there in found.items()}


def said_to(citizenship: str, voyage: Voyage, rules: Mapping[str, Sequence[Rule]]) -> Said:
    """rules: by destination, those that are in force now."""
    who = _someone(citizenship)
    found = tuple(judge(stay, who, rules.get(stay.country, ())) for stay in entries(voyage))
    return Said(found, ways_of(who, voyage, found))


def sailing_chance(
    party: Sequence[Holder], voyage: Voyage, said: Mapping[str, Said], today: date
) -> SailingChance:
    """party: at least one. said: by citizenship, to all of the party."""
    checks = [_checks(one, voyage, said[one.citizenship].findings) for one in party]
    return SailingChance(
        code=voyage.code,
        countries=tuple(
            _country(
                country,
                [
                    (one.citizenship, _told(one, said[one.citizenship], country, check.get(country), today))
                    for one, check in zip(party, checks, strict=True)
                ],
                said,
            )
            for country in voyage.countries
        ),
        notes=_notes(party, voyage),
    )


Told = tuple[tuple[Chance, Reason], ...]


def _country(country: str, told: Sequence[tuple[str, Told]], said: Mapping[str, Said]) -> CountryChance:
    """Holders of one citizenship to whom it says the same are told together."""
    verdicts: list[tuple[str, Told, list[int]]] = []
    for place, (citizenship, reasons) in enumerate(told, 1):
        same = next((places for other, why, places in verdicts if (other, why) == (citizenship, reasons)), None)
        if same is None:
            verdicts.append((citizenship, reasons, [place]))
        else:
            same.append(place)
    return CountryChance(
        country,
        worst(chance for _citizenship, reasons in told for chance, _reason in reasons),
        tuple(
            _verdict(country, citizenship, reasons, places, said[citizenship])
            for citizenship, reasons, places in verdicts
        ),
    )


def _verdict(country: str, citizenship: str, told: Told, places: Sequence[int], said: Said) -> Verdict:
    way = said.ways.get(country)
    return Verdict(
        holders=tuple(places),
        citizenship=citizenship,
        chance=worst(chance for chance, _reason in told),
        reasons=tuple(reason for _chance, reason in told),
        findings=tuple(finding for finding in said.findings if finding.country == country),
        plan=way.safe if way else None,
        last_hope=way.hope.upload_by if way else None,
    )


def _someone(citizenship: str, expires: date | None = None) -> Traveller:
    return Traveller(citizenship, date(1980, 1, 1), travel_passport=True, document_expires=expires)


def _checks(holder: Holder, voyage: Voyage, found: Sequence[Finding]) -> dict[str, ValidityCheck]:
    if not voyage.international and all(finding.regime is Regime.OWN_NATIONAL for finding in found):
        return {}
    who = _someone(holder.citizenship, holder.expires)
    return {check.country: check for check in validity_checks(who, voyage, found)}


def _told(holder: Holder, said: Said, country: str, check: ValidityCheck | None, today: date) -> Told:
    """Why it is no better for this holder, and what is asked for: the worst first, each once."""
    found = [finding for finding in said.findings if finding.country == country]
    told = [told for finding in found for told in _of(finding)]
    if check is not None and check.met is False and holder.expires is not None:
        params = {"until": check.until.isoformat(), "expires": holder.expires.isoformat(), "months": str(check.months)}
        told.append((Chance.ONLY_WITH, Reason("passport_renewed", params)))
    way = said.ways.get(country)
    if way is not None and today > way.hope.upload_by:
        told.append((Chance.CANNOT, Reason("too_late", {"day": way.hope.upload_by.isoformat()})))
    elif way is not None and today > way.safe.book_by:
        told.append((Chance.ONLY_WITH, Reason("with_luck", {"day": way.hope.upload_by.isoformat()})))
    needed = [finding for finding in found if finding.outcome is Outcome.NEEDED]
    if len(needed) > 1:
        key = "one_visa_each" if needed[0].regime is Regime.EVISA else "visa_of_entries"
        told.append((Chance.CAN, Reason(key, {"of": str(len(needed))})))
    told.sort(key=lambda one: -WORSE[one[0]])
    return tuple(one for place, one in enumerate(told) if one not in told[:place])


# What the reasons of a finding mean for the chance; those not named here only say what is asked for.
GRADES = {
    "regime_refused": Chance.CANNOT,
    "no_rule": Chance.ASK,
    "stays_too_long": Chance.ASK,
    "entered_too_often": Chance.ASK,
    "list_too_small": Chance.ASK,
    "by_analogy": Chance.ASK,
    # A border that lets nobody through is for the operator to settle: another port, or a permission.
    "border_blocked_border": Chance.ASK,
    "border_check_border": Chance.ASK,
    "border_check_port": Chance.ASK,
    "leaving_by_sea": Chance.ASK,
    "border_by_air": Chance.ONLY_WITH,
    "list_to_come": Chance.ONLY_WITH,
}


def _of(finding: Finding) -> Iterable[tuple[Chance, Reason]]:
    for reason in finding.why:
        yield GRADES.get(reason.key, Chance.CAN), reason
    if not finding.entry.certain:
        yield Chance.ASK, Reason("call_unsure")


def _notes(party: Sequence[Holder], voyage: Voyage) -> tuple[Reason, ...]:
    """What holds for every country alike."""
    if not voyage.international:
        return ()
    notes = []
    if any(one.expires is None for one in party):
        notes.append(Reason("expiry_unknown"))
    minors = [one for one in party if one.age is not None and one.age < OF_AGE]
    if minors:
        notes.append(Reason("consent" if len(party) - len(minors) < 2 else "consent_unless_both_parents"))
    return tuple(notes)
