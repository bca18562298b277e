"""The shape of what is handed in, and of what a visitor tells of his passports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_wtf.file import FileField, FileRequired
from werkzeug.datastructures import MultiDict

from portal.kernel.countries import country_codes
from portal.kernel.forms import FlaskForm
from portal.visas.feasibility import Holder


class PaperForm(FlaskForm):
    """One file; what is in it is judged by portal.files."""

    document = FileField(_l("File"), [FileRequired(_l("Please choose a file."))])


MOST_PASSPORTS = 8
OLDEST = 120
LATEST = date(2100, 1, 1)
DAY = re.compile(r"(?:(\d{1,2})[./ ])?(\d{1,2})[./ ](\d{4})|(\d{4})-(\d{1,2})(?:-(\d{1,2}))?")


@dataclass(frozen=True)
class PassportRow:
    """One passport as it was typed, and what is to be mended, by the name of the input."""

    citizenship: str = ""
    expires: str = ""
    age: str = ""
    wrong: Mapping[str, LazyString] = field(default_factory=dict)


@dataclass(frozen=True)
class TypedPassports:
    rows: tuple[PassportRow, ...]  # of which something was typed
    party: tuple[Holder, ...]  # none while something is to be mended

    @property
    def wrong(self) -> int:
        return sum(len(row.wrong) for row in self.rows)


def typed_passports(typed: MultiDict[str, str]) -> TypedPassports:
    """What the form of passports sends: `citizenship`, `expires` and `age`, each as often as there are rows.

    Written by hand, for the scripts of the lists ask it with each page, and a form of eight rows of all countries
    takes longer to make than the answer.
    """
    rows, party = [], []
    names = ("citizenship", "expires", "age")
    columns = [typed.getlist(name)[:MOST_PASSPORTS] for name in names]
    for place in range(max(map(len, columns))):
        given = [column[place].strip()[:12] if place < len(column) else "" for column in columns]
        if any(given):
            row, holder = _read(*given)
            rows.append(row)
            party.append(holder)
    sound = not any(row.wrong for row in rows)
    return TypedPassports(tuple(rows), tuple(party) if sound else ())


def _read(citizenship: str, expires: str, age: str) -> tuple[PassportRow, Holder]:
    wrong: dict[str, LazyString] = {}
    if citizenship not in country_codes():
        wrong["citizenship"] = _l("Please choose the country that issued the passport.")
    day = last_day(expires)
    if expires and day is None:
        wrong["expires"] = _l("Please write the day or the month like 17.05.2031 or 05.2031.")
    years = int(age) if age.isdecimal() and int(age) <= OLDEST else None
    if age and years is None:
        wrong["age"] = _l("Please give the age in whole years, up to 120.")
    return PassportRow(citizenship, expires, age, wrong), Holder(citizenship, day, years)


def last_day(text: str) -> date | None:
    """Of a passport: "17.05.2031", "2031-05-17", or a month, whose first day is on the safe side."""
    found = DAY.fullmatch(text)
    if found is None:
        return None
    day, month, year = (found[1], found[2], found[3]) if found[3] else (found[6], found[5], found[4])
    try:
        read = date(int(year), int(month), int(day or 1))
    except ValueError:
        return None
    return read if read < LATEST else None
