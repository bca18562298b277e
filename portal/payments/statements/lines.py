"""What every format of a statement comes to: its incoming money, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.payments.statements.errors import BadStatement

MOST_LINES = 50_000
_AMOUNT = re.compile(r"([0-9]{1,13})(?:[.,]([0-9]{0,2}))?")
# Digits 6 to 8 of a Russian account are its currency.
ACCOUNT_CURRENCIES = {"810": "RUB", "643": "RUB", "840": "USD", "978": "EUR", "934": "TMT", "398": "KZT"}


class StatementFormat(StrEnum):
    ONE_C = "1c"
    CSV = "csv"
    MT940 = "mt940"


@dataclass(frozen=True)
class Line:
    """Money that came to our account. Texts as the bank wrote them, without surplus white space."""

    number: int  # of the line of the file where it begins
    booked_on: date
    minor: int  # of the statement's currency, above zero
    document: str
    payer: str
    payer_account: str
    payer_inn: str
    purpose: str


@dataclass(frozen=True)
class Statement:
    """A file that was read to its end and whose sums fit. Minor units of `currency`."""

    format: StatementFormat
    account: str
    currency: str
    first_day: date
    last_day: date
    lines: tuple[Line, ...]  # incoming money only
    outgoing: int  # how many lines say that money went away
    outgoing_minor: int
    opening_minor: int | None
    closing_minor: int | None

    @property
    def incoming_minor(self) -> int:
        return sum(line.minor for line in self.lines)


def currency_of(account: str) -> str:
    return ACCOUNT_CURRENCIES.get(account[5:8], "RUB")


def read_minor(text: str, line: int) -> int:
    """Minor units of "2000", "2000.5" or "2000,50". Raises BadStatement."""
    found = _AMOUNT.fullmatch(text.strip().replace("\u00a0", "").replace(" ", ""))
    if found is None:
        raise BadStatement(line, _l("“%(text)s” is not an amount like 2000.00.", text=text.strip()[:40]))
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def read_day(text: str, line: int) -> date:
    """The day of "19.02.2024" or "2024-02-19". Raises BadStatement."""
    for shape in ("%d.%m.%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text.strip(), shape).date()
        except ValueError:
            continue
    raise BadStatement(line, _l("“%(text)s” is not a day like 19.02.2024.", text=text.strip()[:40]))


def check_day(day: date, first: date, last: date, line: int) -> None:
    """Raises BadStatement for a day outside the statement's own period."""
    if not first <= day <= last:
        text = _l(
            "%(day)s lies outside the period of the statement, %(first)s to %(last)s.", day=day, first=first, last=last
        )
        raise BadStatement(line, text)


def check_account(found: str, ours: str, line: int) -> None:
    """Raises BadStatement for the statement of another account than ours."""
    if found != ours:
        text = _l("This is a statement of account %(found)s; ours is %(ours)s.", found=found or "—", ours=ours)
        raise BadStatement(line, text)


def check_sum(said: int, counted: int, line: int) -> None:
    """Raises BadStatement where the bank's own figure, in minor units, is not what its lines come to."""
    if said != counted:
        text = _l(
            "The file says %(said)s, but its lines come to %(counted)s.", said=_plain(said), counted=_plain(counted)
        )
        raise BadStatement(line, text)


def check_length(lines: Sequence[Line]) -> None:
    if len(lines) > MOST_LINES:
        raise BadStatement(0, _l("The file has more than %(most)d lines; please split it by days.", most=MOST_LINES))


def decode(content: bytes) -> str:
    """UTF-8 where it is that, else the encoding of Russian Windows. Raises BadStatement for what is no text."""
    if b"\0" in content:
        raise BadStatement(0, _l("This is not a text file."))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return content.decode("cp1251")
        except UnicodeDecodeError:
            raise BadStatement(0, _l("The letters of the file are neither UTF-8 nor Windows-1251.")) from None


def tidy(text: str) -> str:
    return " ".join(text.split())


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1, whatever ends them."""
    return enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1)


def _plain(minor: int) -> str:
    whole, rest = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole}.{rest:02}"
