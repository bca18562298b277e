"""Entry rules as rows of a file: read, checked row by row, and written again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from flask_babel import gettext

from portal.booking.models import DocumentKind
from portal.kernel.countries import country_codes
from portal.kernel.money import Money
from portal.kernel.text import LANGUAGES, LocalizedText
from portal.visas.documents import CATALOGUE, FACTS, SOURCES, LeadTime
from portal.visas.errors import BadRules
from portal.visas.rules import Rule
from portal.visas.terms import Confidence, Regime, SeaAccess

TERMS = (
    "documents",
    "group_min",
    "group_max",
    "passport_months",
    "blank_pages",
    "photo_mm",
    "invitation_p50_days",
    "invitation_p90_days",
    "lead_p50_days",
    "lead_p90_days",
    "fee",
    "fee_currency",
    "inferred",
)
_FIRST = ("dest", "nationality", "stands_for", "regime", "max_stay_days", "entries", "usable_by_sea")
_LAST = ("valid_from", "valid_to", "as_of", "confidence", "sources", *TERMS)
# Of the file that comes with the portal: what travellers read of a condition stands in conditions.json beside it.
COLUMNS = (*_FIRST, "conditions", *_LAST)
# Of files that staff take out and hand in: each row is whole in itself.
CONDITIONS = tuple(f"conditions_{language}" for language in LANGUAGES)
WHOLE_COLUMNS = (*_FIRST, *CONDITIONS, *_LAST)
GROUPS = ("EU", "ANY")
RULES = FACTS / "visa_rules.csv"
ROWS_MOST = 2000
TEXT_MOST = 300
SHORT_MOST = 30  # as the database keeps it
MINOR_UNITS = 100  # of every currency in which consulates charge
ASKING = (Regime.EVISA, Regime.VISA, Regime.VISA_LOI, Regime.VISA_FREE_GROUP)

T = TypeVar("T", bound=StrEnum)


def N_(text: str) -> str:
    """A text that is translated where it is shown; by this name it is gathered."""
    return text


class RowFault(ValueError):
    """What is wrong with a row: a sentence, and what stands in it; `column` is the one to mend, if it is one."""

    def __init__(self, text: str, *, column: str = "", **params: object) -> None:
        self.text = text
        self.column = column
        self.params = {"column": column, **params}
        super().__init__(text % self.params)

    @property
    def message(self) -> str:
        """In the reader's language."""
        return str(gettext(self.text, **self.params))


@dataclass(frozen=True)
class RowError:
    row: int  # of the file, its heading being row 1
    fault: RowFault

    @property
    def reason(self) -> str:
        """In English, for the command line."""
        return str(self.fault)


def read_rules(path: Path = RULES) -> tuple[Rule, ...]:
    """Every row of the file as a rule. Raises BadRules with the first row that is wrong, and why."""
    try:
        text = path.read_text(encoding="utf-8")
        conditions = _conditions(path.with_name("conditions.json"))
    except OSError as error:
        raise BadRules(1, f"{path.name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadRules(1, f"{path.name} is not a CSV file in UTF-8: {error}") from None
    rules, errors = check_rules(text, conditions)
    if errors:
        raise BadRules(errors[0].row, errors[0].reason)
    return rules


def check_rules(
    text: str, conditions: Mapping[str, LocalizedText] | None = None
) -> tuple[tuple[Rule, ...], tuple[RowError, ...]]:
    """The rules of a file, and every row that is wrong: whoever gets errors takes none of the rules.

    conditions: by key, for the file that comes with the portal; without them each row holds its own texts.
    """
    columns = WHOLE_COLUMNS if conditions is None else COLUMNS
    rules: list[Rule] = []
    errors: list[RowError] = []
    seen: dict[str, int] = {}
    try:
        lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        if tuple(next(lines, [])) != columns:
            return (), (RowError(1, RowFault(N_("the columns must be %(columns)s"), columns=", ".join(columns))),)
        for number, line in enumerate(lines, 2):
            if number > ROWS_MOST:
                return (), (RowError(number, RowFault(N_("more than %(most)s rows"), most=ROWS_MOST)),)
            try:
                if len(line) != len(columns):
                    raise RowFault(N_("%(found)s columns instead of %(wanted)s"), found=len(line), wanted=len(columns))
                rule = rule_of(dict(zip(columns, (cell.strip() for cell in line), strict=True)), conditions)
                digest = digest_of(rule)
                if digest in seen:
                    raise RowFault(N_("the same as row %(row)s"), row=seen[digest])
            except RowFault as fault:
                errors.append(RowError(number, fault))
            else:
                seen[digest] = number
                rules.append(rule)
    except csv.Error as error:
        broken = RowFault(N_("this is not a CSV file: %(error)s"), error=error)
        return (), (RowError(len(rules) + len(errors) + 2, broken),)
    return (() if errors else tuple(rules)), tuple(errors)


def digest_of(rule: Rule) -> str:
    """The same for the same content: by it a rule that is loaded again is known."""
    content = {name: value for name, value in row_of(rule).items() if value}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def rule_of(row: Mapping[str, str], conditions: Mapping[str, LocalizedText] | None = None) -> Rule:
    """One row. Raises RowFault with the reason."""
    for column in ("dest", "nationality"):
        if row[column] not in country_codes():
            raise RowFault(N_("%(column)s '%(value)s' is no country code"), column=column, value=row[column])
    regime = _one_of(Regime, row["regime"], "regime")
    valid_from, valid_to = _day(row, "valid_from"), _day(row, "valid_to")
    if valid_from and valid_to and valid_to < valid_from:
        raise RowFault(
            N_("valid_to %(last)s is before valid_from %(first)s"), column="valid_to", last=valid_to, first=valid_from
        )
    as_of = _day(row, "as_of")
    if as_of is None:
        raise RowFault(
            N_("as_of is missing: a rule without the date of its evidence cannot be trusted"), column="as_of"
        )
    if row["stands_for"] and row["stands_for"] not in GROUPS:
        raise _none_of(GROUPS, row["stands_for"], "stands_for")
    if regime in ASKING and not CATALOGUE.asked_by(row["dest"], regime):
        raise RowFault(
            N_("documents.json names no document of %(dest)s for %(regime)s"),
            column="regime",
            dest=row["dest"],
            regime=regime.value,
        )
    group_min, group_max = _number(row, "group_min", 1), _number(row, "group_max", 1)
    if {group_min is not None, group_max is not None} != {regime is Regime.VISA_FREE_GROUP}:
        raise RowFault(
            N_("group_min and group_max belong to %(regime)s, and to nothing else"),
            column="group_min",
            regime=Regime.VISA_FREE_GROUP.value,
        )
    if group_min and group_max and group_max < group_min:
        raise RowFault(
            N_("group_max %(most)s is less than group_min %(least)s"),
            column="group_max",
            most=group_max,
            least=group_min,
        )
    return Rule(
        id=None,
        destination=row["dest"],
        nationality=row["nationality"],
        stands_for=row["stands_for"] or None,
        regime=regime,
        max_stay_days=_number(row, "max_stay_days", 1),
        entries=_short(row, "entries"),
        usable_by_sea=_one_of(SeaAccess, row["usable_by_sea"], "usable_by_sea"),
        conditions=_condition(row, conditions),
        valid_from=valid_from,
        valid_to=valid_to,
        as_of=as_of,
        confidence=_one_of(Confidence, row["confidence"], "confidence"),
        sources=_sources(row["sources"]),
        documents=_documents(row["documents"]),
        group_min=group_min,
        group_max=group_max,
        passport_months=_number(row, "passport_months", 0),
        blank_pages=_number(row, "blank_pages", 0),
        photos_mm=_photos(row["photo_mm"]),
        invitation=_lead(row, "invitation"),
        authority=_lead(row, "lead"),
        fee=_fee(row["fee"], row["fee_currency"]),
        inferred=_inferred(row["inferred"]),
    )


def row_of(rule: Rule) -> dict[str, str]:
    """The same as a row with WHOLE_COLUMNS: reading it again gives the same rule."""
    texts = rule.conditions.by_locale if rule.conditions else {}
    return {
        "dest": rule.destination,
        "nationality": rule.nationality,
        "stands_for": rule.stands_for or "",
        "regime": rule.regime.value,
        "max_stay_days": _text(rule.max_stay_days),
        "entries": rule.entries or "",
        "usable_by_sea": rule.usable_by_sea.value,
        **{f"conditions_{language}": texts.get(language, "") for language in LANGUAGES},
        "valid_from": _text(rule.valid_from),
        "valid_to": _text(rule.valid_to),
        "as_of": rule.as_of.isoformat(),
        "confidence": rule.confidence.value,
        "sources": "; ".join(rule.sources),
        "documents": "; ".join(rule.documents),
        "group_min": _text(rule.group_min),
        "group_max": _text(rule.group_max),
        "passport_months": _text(rule.passport_months),
        "blank_pages": _text(rule.blank_pages),
        "photo_mm": "; ".join(rule.photos_mm),
        "invitation_p50_days": _text(rule.invitation.p50 if rule.invitation else None),
        "invitation_p90_days": _text(rule.invitation.p90 if rule.invitation else None),
        "lead_p50_days": _text(rule.authority.p50 if rule.authority else None),
        "lead_p90_days": _text(rule.authority.p90 if rule.authority else None),
        "fee": f"{rule.fee.minor // MINOR_UNITS}.{rule.fee.minor % MINOR_UNITS:02}" if rule.fee else "",
        "fee_currency": rule.fee.currency if rule.fee else "",
        "inferred": "; ".join(rule.inferred),
    }


def write_rules(rules: Iterable[Rule]) -> str:
    """A file that `check_rules` reads to the same rules; it opens in a spreadsheet, with nothing that runs in it."""
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, WHOLE_COLUMNS)
    table.writeheader()
    for rule in rules:
        table.writerow(row_of(rule))
    return out.getvalue()


def _conditions(path: Path) -> dict[str, LocalizedText]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))["conditions"]
    except FileNotFoundError:
        return {}
    return {key: LocalizedText(texts) for key, texts in content.items()}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _one_of(kind: type[T], value: str, column: str) -> T:
    try:
        return kind(value)
    except ValueError:
        raise _none_of([member.value for member in kind], value, column) from None


def _none_of(known: Iterable[str], value: str, column: str) -> RowFault:
    return RowFault(
        N_("%(column)s '%(value)s' is none of %(known)s"), column=column, value=value, known=", ".join(known)
    )


def _day(row: Mapping[str, str], column: str) -> date | None:
    try:
        return date.fromisoformat(row[column]) if row[column] else None
    except ValueError:
        raise RowFault(
            N_("%(column)s '%(value)s' is no date like 2024-05-01"), column=column, value=row[column]
        ) from None


def _number(row: Mapping[str, str], column: str, least: int) -> int | None:
    value = row[column]
    if not value:
        return None
    if not (value.isascii() and value.isdecimal()) or not least <= int(value) <= 999:
        raise RowFault(
            N_("%(column)s '%(value)s' is no number from %(least)s to 999"), column=column, value=value, least=least
        )
    return int(value)


def _short(row: Mapping[str, str], column: str) -> str | None:
    if len(row[column]) > SHORT_MOST:
        raise RowFault(N_("%(column)s is longer than %(most)s characters"), column=column, most=SHORT_MOST)
    return row[column] or None


def _condition(row: Mapping[str, str], conditions: Mapping[str, LocalizedText] | None) -> LocalizedText | None:
    if conditions is None:
        texts = {language: row[f"conditions_{language}"] for language in LANGUAGES}
        if not any(texts.values()):
            return None
        if not all(texts.values()):
            missing = next(language for language, text in texts.items() if not text)
            raise RowFault(
                N_("the conditions are needed in all of %(languages)s, or in none"),
                column=f"conditions_{missing}",
                languages=", ".join(LANGUAGES),
            )
        for language, text in texts.items():
            if len(text) > TEXT_MOST:
                raise RowFault(
                    N_("%(column)s is longer than %(most)s characters"),
                    column=f"conditions_{language}",
                    most=TEXT_MOST,
                )
        return LocalizedText(texts)
    value = row["conditions"]
    if not value:
        return None
    if value not in conditions or not all(conditions[value].by_locale.get(language) for language in LANGUAGES):
        raise RowFault(
            N_("conditions.json lacks '%(value)s' in %(languages)s"),
            column="conditions",
            value=value,
            languages=", ".join(LANGUAGES),
        )
    return LocalizedText({language: conditions[value].by_locale[language] for language in LANGUAGES})


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(";") if part.strip())


def _sources(value: str) -> tuple[str, ...]:
    """Keys of sources.json, or addresses."""
    keys = _parts(value)
    for key in keys:
        if key not in SOURCES and not (key.startswith("https://") and len(key) <= TEXT_MOST and " " not in key):
            raise RowFault(
                N_("source '%(value)s' is not in sources.json, and no address that begins with https://"),
                column="sources",
                value=key,
            )
    return keys


def _documents(value: str) -> tuple[str, ...]:
    return tuple(_one_of(DocumentKind, part, "documents").value for part in _parts(value)) or (DocumentKind.PASSPORT,)


def _photos(value: str) -> tuple[str, ...]:
    sizes = _parts(value)
    for size in sizes:
        width, _x, height = size.partition("x")
        if not all(side.isdecimal() and side.isascii() and 10 <= int(side) <= 99 for side in (width, height)):
            raise RowFault(
                N_("%(column)s '%(value)s' is no size in millimetres like 30x40"), column="photo_mm", value=size
            )
    return sizes


def _lead(row: Mapping[str, str], name: str) -> LeadTime | None:
    usual, safe = _number(row, f"{name}_p50_days", 0), _number(row, f"{name}_p90_days", 0)
    if usual is None and safe is None:
        return None
    if usual is None or safe is None or safe < usual:
        raise RowFault(
            N_("%(column)s must be given with %(other)s, and not be less"),
            column=f"{name}_p90_days",
            other=f"{name}_p50_days",
        )
    return LeadTime(usual, safe)


def _fee(amount: str, currency: str) -> Money | None:
    if not amount and not currency:
        return None
    try:
        minor = Decimal(amount) * MINOR_UNITS
    except InvalidOperation:
        minor = Decimal("NaN")
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor <= 10**8:
        raise RowFault(N_("%(column)s '%(value)s' is no amount like 35.00"), column="fee", value=amount)
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise RowFault(N_("%(column)s '%(value)s' is no code like USD"), column="fee_currency", value=currency)
    return Money(int(minor), currency)


def _inferred(value: str) -> tuple[str, ...]:
    columns = _parts(value)
    for column in columns:
        if column not in WHOLE_COLUMNS:
            raise RowFault(N_("inferred names '%(value)s', which is no column"), column="inferred", value=column)
    return columns
