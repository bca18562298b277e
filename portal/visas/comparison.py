"""What was typed beside what was read in the passport: pure, and only ever advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.visas.latin import Agreement, names_agree
from portal.visas.mrz import Certainty, Field, Mrz, country_of


class Verdict(StrEnum):
    SAME = "same"
    VARIANT = "variant"  # another spelling of one name
    DIFFERENT = "different"
    UNSURE = "unsure"  # it was not read well enough to say
    UNTYPED = "untyped"


@dataclass(frozen=True)
class Typed:
    """What a passenger told us; number and expiry may be missing."""

    surname: str
    given_names: str
    local_surname: str | None
    local_given_names: str | None
    birth_date: date
    sex: str | None
    citizenship: str
    number: str | None
    expires: date | None


@dataclass(frozen=True)
class Compared:
    """One field; read: text, country code or date in ISO 8601, None where nothing was read."""

    name: str
    read: str | None
    certain: bool  # a check digit stands for it
    verdict: Verdict


VERDICTS: Mapping[Agreement, Verdict] = {
    Agreement.SAME: Verdict.SAME,
    Agreement.VARIANT: Verdict.VARIANT,
    Agreement.DIFFERENT: Verdict.DIFFERENT,
}


def compare(mrz: Mrz, typed: Typed) -> tuple[Compared, ...]:
    """Every field that both sides have, in the order of the bench. A field read without certainty never differs: it is
    to be looked at."""
    cut = mrz.names_truncated
    return (
        _name("surname", mrz.surname, typed.surname, typed.local_surname, cut and not mrz.given_names.text),
        _name("given_names", mrz.given_names, typed.given_names, typed.local_given_names, cut),
        _plain("birth_date", mrz.birth_date, typed.birth_date.isoformat()),
        _plain("sex", mrz.sex, None if typed.sex == "X" else typed.sex),
        _plain("citizenship", _country(mrz.nationality), typed.citizenship),
        _plain("number", mrz.number, _number(typed.number)),
        _plain("expires", mrz.expires, typed.expires.isoformat() if typed.expires else None),
    )


def _name(name: str, field: Field, typed: str, local: str | None, truncated: bool) -> Compared:
    agreement = names_agree(typed, field.text or "", local, truncated=truncated)
    verdict = VERDICTS[agreement]
    if field.certainty is Certainty.UNSURE and agreement is Agreement.DIFFERENT:
        verdict = Verdict.UNSURE
    return Compared(name, field.text, False, verdict)


def _plain(name: str, field: Field, typed: str | None) -> Compared:
    certain = field.certainty.certain
    if not field.text:
        verdict = Verdict.UNSURE
    elif not typed:
        verdict = Verdict.UNTYPED
    elif typed == field.text:
        verdict = Verdict.SAME
    else:
        verdict = Verdict.UNSURE if field.certainty is Certainty.UNSURE else Verdict.DIFFERENT
    return Compared(name, field.text or None, certain, verdict)


def _country(field: Field) -> Field:
    code = country_of(field.text) if field.text else None
    return Field(code, field.certainty if code else Certainty.UNSURE)


def _number(typed: str | None) -> str | None:
    return "".join(letter for letter in typed.upper() if letter.isalnum()) if typed else None
