"""The machine-readable lines of passports and cards (ICAO 9303 parts 4 to 6): read, checked, repaired where sure.

Pure: text in, fields out, each with how far it can be relied on. A letter is turned into a digit, or a digit into a
letter, only where the position allows nothing else and the check digit then holds. A check digit sees any one wrong
character unless both have the same value modulo 10 (G and 6): such a character is never called certain by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any

from babel.core import get_global

FILLER = "<"
UNREAD = "?"
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = frozenset("0123456789")
WEIGHTS = (7, 3, 1)

AS_DIGIT = dict(zip("OQDILZASGTB", "00011245678", strict=True))
AS_LETTER = dict(zip("01245678", "OIZASGTB", strict=True))
# Look alike and have the same value modulo 10: no check digit tells them apart.
BLIND = frozenset("6G1L8SFPHRMW")
# How readers of text write the filler.
FILLERS = str.maketrans({"‹": "<", "〈": "<", "＜": "<", "く": "<", "«": "<<", "《": "<<", "≪": "<<"})

# Numbers of the passports met most often: 9 a digit, A a letter, others themselves. A number of another shape is not
# refused; it only is not repaired. From passports seen, not from a published rule.
SHAPES: dict[str, tuple[str, ...]] = {
    "RUS": ("999999999",),
    "TKM": ("A9999999", "AA9999999"),
    "KAZ": ("N99999999",),
    "AZE": ("C99999999", "P9999999"),
    "BLR": ("AA9999999",),
    "UZB": ("AA9999999",),
    "ARM": ("AA9999999", "AA999999"),
    "UKR": ("AA999999",),
    "KGZ": ("AA9999999", "PE9999999"),
    "TUR": ("U99999999",),
    "GBR": ("999999999",),
    "IND": ("A9999999",),
}
# Codes that ICAO adds to ISO 3166-1, and the country that the passenger's citizenship is kept as; None: none.
ICAO_CODES: dict[str, str | None] = {
    "D": "DE",
    "GBD": "GB",
    "GBN": "GB",
    "GBO": "GB",
    "GBP": "GB",
    "GBS": "GB",
    "RKS": "XK",
    "UTO": None,  # the country of specimens
    "XXA": None,  # stateless
    "XXB": None,  # refugees
    "XXC": None,
    "XXX": None,
    "UNO": None,
    "UNA": None,
    "EUE": None,
}


class Format(StrEnum):
    """Sizes of documents: passport, small and large card."""

    TD3 = "td3"
    TD1 = "td1"
    TD2 = "td2"


class Certainty(StrEnum):
    CHECKED = "checked"  # as read, and its check digit holds
    REPAIRED = "repaired"  # one letter for a digit or the reverse, and its check digit then holds
    AMBIGUOUS = "ambiguous"  # its check digit holds, but would with a look-alike, too
    UNCHECKED = "unchecked"  # well-formed, but no check digit stands over it
    UNSURE = "unsure"

    @property
    def certain(self) -> bool:
        return self in (Certainty.CHECKED, Certainty.REPAIRED)


@dataclass(frozen=True)
class Field:
    """What was read; None where nothing could be made of it. Dates as ISO 8601."""

    text: str | None
    certainty: Certainty


@dataclass(frozen=True)
class Mrz:
    """The fields of one document. issuer and nationality are ICAO codes of three letters, Germany's being "D"."""

    format: Format
    kind: Field
    issuer: Field
    surname: Field
    given_names: Field
    number: Field
    nationality: Field
    birth_date: Field
    sex: Field  # "M", "F" or "" where the document does not say
    expires: Field
    optional: Field
    names_truncated: bool
    composite_holds: bool

    @property
    def plausible(self) -> bool:
        """At least two of the three check digits of number and dates hold: this was a document, not other text."""
        return sum(field.certainty.certain for field in (self.number, self.birth_date, self.expires)) >= 2


def merge(readings: Sequence[Mrz]) -> Mrz:
    """One document read several times: what the readings agree on. Raises ValueError without any reading.

    What is certain in one reading and contradicted by nothing certain stands; two different certain texts, or texts
    without a check digit that differ, leave the field unsure.
    """
    if not readings:
        raise ValueError("nothing to merge")
    first = readings[0]
    merged: dict[str, Any] = {name: _agreed([getattr(one, name) for one in readings]) for name in FIELDS}
    return replace(
        first,
        **merged,
        names_truncated=any(one.names_truncated for one in readings),
        composite_holds=any(one.composite_holds for one in readings),
    )


FIELDS = (
    "kind",
    "issuer",
    "surname",
    "given_names",
    "number",
    "nationality",
    "birth_date",
    "sex",
    "expires",
    "optional",
)


def _agreed(fields: Sequence[Field]) -> Field:
    certain = [field for field in fields if field.certainty.certain]
    if certain:
        [text, *others] = dict.fromkeys(field.text for field in certain)
        best = next((field for field in certain if field.certainty is Certainty.CHECKED), certain[0])
        return Field(text, Certainty.UNSURE) if others else best
    told = [field for field in fields if field.text is not None]
    if not told:
        return fields[0]
    usual, count = Counter(field.text for field in told).most_common(1)[0]
    one = next(field for field in told if field.text == usual)
    agreed = count == len(fields) and all(field.certainty is one.certainty for field in fields)
    return one if agreed else Field(usual, Certainty.UNSURE)


SIZES = {Format.TD3: (2, 44), Format.TD1: (3, 30), Format.TD2: (2, 36)}


def check_digit(text: str) -> str:
    """Of digits, letters and fillers: weights 7, 3, 1; letters count from 10, fillers 0."""
    total = sum(_value(letter) * WEIGHTS[place % 3] for place, letter in enumerate(text))
    return str(total % 10)


def _value(letter: str) -> int:
    return 0 if letter == FILLER else int(letter, 36)


def country_of(code: str) -> str | None:
    """ISO 3166-1 alpha-2 of a code of three letters; None for those of no country."""
    return _codes().get(code)


@cache
def _codes() -> dict[str, str | None]:
    aliases: dict[str, list[str]] = get_global("territory_aliases")  # type: ignore[assignment]
    iso = {code: names[0] for code, names in aliases.items() if len(code) == 3 and code.isalpha() and len(names) == 1}
    return iso | ICAO_CODES


def parse(lines: Sequence[str], today: date) -> Mrz | None:
    """The fields of two or three lines, as some reader of text gave them; None where they are of no known format.

    Fillers that were read too often or too seldom are put right. `today` decides the century of the year of birth.
    """
    plain = [normal(line) for line in lines]
    for form, (count, width) in SIZES.items():
        if len(plain) == count and all(abs(len(line) - width) <= MISCOUNT for line in plain):
            return _READERS[form](plain, today)
    return None


MISCOUNT = 3  # characters more or fewer than the format has; with more it is other text


def normal(line: str) -> str:
    """In the alphabet of the machine-readable zone; what does not belong to it stands as "?"."""
    text = re.sub(r"\s", "", line).translate(FILLERS).upper()
    return "".join(letter if letter in LETTERS | DIGITS or letter == FILLER else UNREAD for letter in text)


def _td3(lines: list[str], today: date) -> Mrz:
    return _two_lines(lines, today, Format.TD3, optional=slice(28, 42))


def _td2(lines: list[str], today: date) -> Mrz:
    return _two_lines(lines, today, Format.TD2, optional=slice(28, 35))


def _two_lines(lines: list[str], today: date, form: Format, optional: slice) -> Mrz:
    width = SIZES[form][1]
    first, second = _names_line(lines[0], width), _data_line(lines[1], width)
    issuer = _code(first[2:5])
    number, written, rest = _number(second[:9], second[9], second[optional], issuer, long=form is Format.TD2)
    dates = _digits(second[13:20]), _digits(second[21:28])
    end = second[28:42] + _optional_digit(second[28:42], second[42]) if form is Format.TD3 else second[28:35]
    composite = check_holds(written + _digits(second[9]) + dates[0] + dates[1] + end, _digits(second[width - 1]))
    surname, given, truncated = _names(first[5:])
    return Mrz(
        format=form,
        kind=_kind(first[:2]),
        issuer=issuer,
        surname=surname,
        given_names=given,
        number=_relying(number, composite),
        nationality=_code(second[10:13]),
        birth_date=_relying(_date(second[13:20], _birth_year, today), composite),
        sex=_sex(second[20]),
        expires=_relying(_date(second[21:28], _expiry_year, today), composite),
        optional=_optional(rest, end[14:15]),
        names_truncated=truncated,
        composite_holds=composite,
    )


def _td1(lines: list[str], today: date) -> Mrz:
    first, second, third = _data_line(lines[0], 30), _data_line(lines[1], 30), _names_line(lines[2], 30)
    issuer = _code(first[2:5])
    number, written, rest = _number(first[5:14], first[14], first[15:30], issuer, long=True)
    dates = _digits(second[0:7]), _digits(second[8:15])
    composite = check_holds(
        written + _digits(first[14]) + first[15:30] + dates[0] + dates[1] + second[18:29], _digits(second[29])
    )
    surname, given, truncated = _names(third)
    return Mrz(
        format=Format.TD1,
        kind=_kind(first[:2]),
        issuer=issuer,
        surname=surname,
        given_names=given,
        number=_relying(number, composite),
        nationality=_code(second[15:18]),
        birth_date=_relying(_date(second[0:7], _birth_year, today), composite),
        sex=_sex(second[7]),
        expires=_relying(_date(second[8:15], _expiry_year, today), composite),
        optional=_optional(rest + second[18:29], ""),
        names_truncated=truncated,
        composite_holds=composite,
    )


_READERS = {Format.TD3: _td3, Format.TD1: _td1, Format.TD2: _td2}


def _names_line(line: str, width: int) -> str:
    """Only the fillers at its end can have been miscounted without harm."""
    return line[:width].ljust(width, FILLER)


def _data_line(line: str, width: int) -> str:
    """Fillers are miscounted where they stand in a row: the longest row is stretched or shortened."""
    rows = [(found.end() - found.start(), found.start()) for found in re.finditer("<+", line)]
    if len(line) == width or not rows:
        return line[:width].ljust(width, FILLER)
    length, at = max(rows)
    stretched = max(length + width - len(line), 0)
    return (line[:at] + FILLER * stretched + line[at + length :])[:width].ljust(width, FILLER)


def check_holds(text: str, digit: str) -> bool:
    return UNREAD not in text and check_digit(text) == digit


def _digits(text: str) -> str:
    return "".join(AS_DIGIT.get(letter, letter) for letter in text)


def _letters(text: str) -> str:
    return "".join(AS_LETTER.get(letter, letter) for letter in text)


def _relying(field: Field, composite: bool) -> Field:
    """A repair is believed only where the check digit over all of the data agrees."""
    if field.certainty is Certainty.REPAIRED and not composite:
        return Field(field.text, Certainty.UNSURE)
    return field


def _kind(text: str) -> Field:
    kind = _letters(text[0]) + text[1]
    return Field(kind.strip(FILLER), Certainty.UNCHECKED if kind[0] in "PIACV" else Certainty.UNSURE)


def _code(text: str) -> Field:
    """A country's code: repaired only into one that exists."""
    code = _letters(text).rstrip(FILLER)
    known = code in _codes()
    return Field(code if known else text.strip(FILLER) or None, Certainty.UNCHECKED if known else Certainty.UNSURE)


def _number(text: str, digit: str, optional: str, issuer: Field, *, long: bool) -> tuple[Field, str, str]:
    """The number, the nine places as they must have stood, and what is left of the optional data.

    On cards a number of more than nine places goes on in the optional data, and its check digit follows it there.
    """
    written = text
    if long and digit == FILLER and optional[:1] not in ("", FILLER):
        more = optional.split(FILLER)[0]
        text, digit, optional = text + more[:-1], more[-1], optional[len(more) :]
    number, digit = text.rstrip(FILLER), _digits(digit)
    if not number or UNREAD in number or FILLER in number:
        return Field(number.replace(UNREAD, "") or None, Certainty.UNSURE), written, optional
    shapes = SHAPES.get(issuer.text or "", ()) if issuer.certainty is Certainty.UNCHECKED else ()
    fitting = {(one, shape) for shape in shapes if (one := _shaped(number, shape))}
    holding = {one: shape for one, shape in fitting if check_holds(one.ljust(9, FILLER), digit)}
    if len(holding) == 1:
        [(one, shape)] = holding.items()
        free = {letter for letter, place in zip(one, shape, strict=True) if place == "A"}
        certainty = Certainty.CHECKED if one == number else Certainty.REPAIRED
        return Field(one, Certainty.AMBIGUOUS if free & BLIND else certainty), one.ljust(9, FILLER), optional
    return Field(number, Certainty.UNSURE if holding else _standing(text, digit)), written, optional


def _standing(text: str, digit: str) -> Certainty:
    """Of text whose every place may hold a digit or a letter."""
    if not check_holds(text, digit):
        return Certainty.UNSURE
    return Certainty.AMBIGUOUS if set(text) & BLIND else Certainty.CHECKED


def _shaped(number: str, shape: str) -> str | None:
    """The number with look-alikes changed to what the shape wants at their place; None where that does not help."""
    if len(number) != len(shape):
        return None
    shaped = ""
    for letter, place in zip(number, shape, strict=True):
        if place == "9":
            letter = AS_DIGIT.get(letter, letter)
        elif letter in DIGITS:
            letter = AS_LETTER.get(letter, letter)
        if letter not in (DIGITS if place == "9" else LETTERS if place == "A" else place):
            return None
        shaped += letter
    return shaped


def _date(text: str, year_of: Callable[[int, date], int], today: date) -> Field:
    """Six digits and their check digit; the century follows from what the date is of."""
    digits = _digits(text)
    day = _day(digits[:6], year_of, today)
    if day is None or not check_holds(digits[:6], digits[6]):
        return Field(day, Certainty.UNSURE)
    return Field(day, Certainty.CHECKED if digits == text else Certainty.REPAIRED)


def _day(digits: str, year_of: Callable[[int, date], int], today: date) -> str | None:
    if not digits.isdecimal():
        return None
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    try:
        found = date(year_of(year, today), month, day)
    except ValueError:
        return None
    if year_of is _birth_year and found > today:
        found = found.replace(year=found.year - 100)
    return found.isoformat()


def _birth_year(year: int, today: date) -> int:
    """In the past: of this century up to this year, else of the last."""
    return 2000 + year if 2000 + year <= today.year else 1900 + year


def _expiry_year(year: int, _today: date) -> int:
    """No document with these lines has ended before 2000 and still lies on a scanner."""
    return 2000 + year


def _sex(letter: str) -> Field:
    if letter in "MF<":
        return Field(letter.strip(FILLER), Certainty.UNCHECKED)
    return Field(None, Certainty.UNSURE)


def _optional_digit(text: str, digit: str) -> str:
    """An empty field may have a filler in place of its check digit, which then counts 0."""
    return digit if digit == FILLER and not text.strip(FILLER) else _digits(digit)


def _optional(text: str, digit: str) -> Field:
    plain = text.strip(FILLER)
    if UNREAD in plain:
        return Field(None, Certainty.UNSURE)
    if not digit:
        return Field(plain, Certainty.UNCHECKED)
    return Field(plain, _standing(text, "0" if digit == FILLER else digit))


def _names(text: str) -> tuple[Field, Field, bool]:
    """Surname, given names, and whether the line was too short for them. No check digit stands over names."""
    written = _letters(text)
    surname, *rest = re.split("<{2,}", written.strip(FILLER))
    given = rest[0] if rest else ""
    # A letter amid the fillers, or one that was read as a digit, may be anything.
    doubtful = len(rest) > 1 or written != text or UNREAD in text or bool(set(written) & DIGITS)
    certainty = Certainty.UNSURE if doubtful else Certainty.UNCHECKED
    truncated = not text.endswith(FILLER)
    return (
        Field(_words(surname) or None, certainty if surname else Certainty.UNSURE),
        Field(_words(given), certainty),
        truncated,
    )


def _words(text: str) -> str:
    return text.replace(UNREAD, "").replace(FILLER, " ").strip()
