"""Read a file of entry rules: every row checked, none taken if one is wrong."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from portal.kernel.countries import country_codes
from portal.kernel.text import LANGUAGES, LocalizedText
from portal.visas.documents import CATALOGUE, FACTS, SOURCES
from portal.visas.errors import BadRules
from portal.visas.rules import Rule
from portal.visas.terms import Confidence, Regime, SeaAccess

COLUMNS = (
    "dest",
    "nationality",
    "stands_for",
    "regime",
    "max_stay_days",
    "entries",
    "usable_by_sea",
    "conditions",
    "valid_from",
    "valid_to",
    "as_of",
    "confidence",
    "sources",
)
GROUPS = ("EU", "ANY")
RULES = FACTS / "visa_rules.csv"

T = TypeVar("T", bound=StrEnum)


def read_rules(path: Path = RULES) -> tuple[Rule, ...]:
    """Every row of the file as a rule. Raises BadRules with the first row that is wrong, and why.

    What travellers read of a condition stands in conditions.json beside the file.
    """
    conditions = _conditions(path.with_name("conditions.json"))
    rules: list[Rule] = []
    seen: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            if tuple(next(lines, [])) != COLUMNS:
                raise BadRules(1, f"the columns must be {', '.join(COLUMNS)}")
            for number, line in enumerate(lines, 2):
                if len(line) != len(COLUMNS):
                    raise BadRules(number, f"{len(line)} columns instead of {len(COLUMNS)}")
                try:
                    rule = _rule(dict(zip(COLUMNS, line, strict=True)), conditions)
                except ValueError as wrong:
                    raise BadRules(number, str(wrong)) from None
                digest = digest_of(rule)
                if digest in seen:
                    raise BadRules(number, f"the same as row {seen[digest]}")
                seen[digest] = number
                rules.append(rule)
    except OSError as error:
        raise BadRules(1, f"{path.name}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRules(1, f"{path.name} is not a CSV file in UTF-8: {error}") from None
    return tuple(rules)


def digest_of(rule: Rule) -> str:
    """The same for the same content: by it a rule that is loaded again is known."""
    content = [
        rule.destination,
        rule.nationality,
        rule.stands_for,
        rule.regime,
        rule.max_stay_days,
        rule.entries,
        rule.usable_by_sea,
        rule.conditions.by_locale if rule.conditions else None,
        *(str(day) for day in (rule.valid_from, rule.valid_to, rule.as_of)),
        rule.confidence,
        rule.sources,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _conditions(path: Path) -> dict[str, LocalizedText]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))["conditions"]
    except FileNotFoundError:
        return {}
    return {key: LocalizedText(texts) for key, texts in content.items()}


def _rule(row: Mapping[str, str], conditions: Mapping[str, LocalizedText]) -> Rule:
    """One row. Raises ValueError with the reason."""
    for column in ("dest", "nationality"):
        if row[column] not in country_codes():
            raise ValueError(f"{column} {row[column]!r} is no country code")
    regime = _one_of(Regime, row["regime"], "regime")
    valid_from, valid_to = _day(row, "valid_from"), _day(row, "valid_to")
    if valid_from and valid_to and valid_to < valid_from:
        raise ValueError(f"valid_to {valid_to} is before valid_from {valid_from}")
    as_of = _day(row, "as_of")
    if as_of is None:
        raise ValueError("as_of is missing: a rule without the date of its evidence cannot be trusted")
    if row["stands_for"] and row["stands_for"] not in GROUPS:
        raise ValueError(f"stands_for {row['stands_for']!r} is none of {', '.join(GROUPS)}")
    if regime in (Regime.EVISA, Regime.VISA, Regime.VISA_LOI, Regime.VISA_FREE_GROUP) and not CATALOGUE.asked_by(
        row["dest"], regime
    ):
        raise ValueError(f"documents.json names no document of {row['dest']} for {regime.value}")
    return Rule(
        id=None,
        destination=row["dest"],
        nationality=row["nationality"],
        stands_for=row["stands_for"] or None,
        regime=regime,
        max_stay_days=_days(row["max_stay_days"]),
        entries=row["entries"] or None,
        usable_by_sea=_one_of(SeaAccess, row["usable_by_sea"], "usable_by_sea"),
        conditions=_condition(row["conditions"], conditions),
        valid_from=valid_from,
        valid_to=valid_to,
        as_of=as_of,
        confidence=_one_of(Confidence, row["confidence"], "confidence"),
        sources=_sources(row["sources"]),
    )


def _one_of(kind: type[T], value: str, column: str) -> T:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{column} {value!r} is none of {', '.join(member.value for member in kind)}") from None


def _day(row: Mapping[str, str], column: str) -> date | None:
    try:
        return date.fromisoformat(row[column]) if row[column] else None
    except ValueError:
        raise ValueError(f"{column} {row[column]!r} is no date like 2024-05-01") from None


def _days(value: str) -> int | None:
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"max_stay_days {value!r} is no number of days")
    return int(value)


def _condition(value: str, conditions: Mapping[str, LocalizedText]) -> LocalizedText | None:
    if not value:
        return None
    if value not in conditions or not all(conditions[value].by_locale.get(language) for language in LANGUAGES):
        raise ValueError(f"conditions.json lacks {value!r} in {', '.join(LANGUAGES)}")
    return conditions[value]


def _sources(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(";") if key.strip())
    for key in keys:
        if key not in SOURCES:
            raise ValueError(f"source {key!r} is not in sources.json")
    return keys
