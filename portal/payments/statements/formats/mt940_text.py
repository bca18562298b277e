"""Statements in SWIFT's MT940. The library reads what is right; what is not right is found before, line by line."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import mt940
from flask_babel import lazy_gettext as _l

from portal.payments.statements.errors import BadStatement
from portal.payments.statements.lines import (
    Line,
    Statement,
    StatementFormat,
    check_account,
    check_length,
    check_sum,
    currency_of,
    numbered,
    read_day,
    tidy,
)

# Value date, entry date, mark, letter of the currency, amount with a comma, kind, references (standards release 2023).
MOVEMENT = re.compile(r"(?P<day>\d{6})(\d{4})?(R?[CD])([A-Z])?(\d{1,12},\d{0,2})([NFS][A-Z0-9]{3})(.{1,40})")
BALANCE = re.compile(r"([CD])(?P<day>\d{6})([A-Z]{3})(\d{1,12},\d{0,2})")
TAG = re.compile(r":(\d\d[A-Z]?):(.*)")
FIELDS_OF_86 = re.compile(r"\?(\d\d)")


def looks_like(text: str) -> bool:
    return re.search(r"^:20:", text, re.MULTILINE) is not None and ":60" in text


def read(text: str, account: str) -> Statement:
    """A file may hold several statements, one for each day; each is checked. Raises BadStatement."""
    lines: list[Line] = []
    outgoing = outgoing_minor = 0
    opening: int | None = None
    closing: int | None = None
    days: list[date] = []
    for start, part in _statements(text):
        tags = _check_tags(part, start)
        number, found = tags["25"][0]
        check_account(_account(found), account, number)
        data, movements = _parsed(part, start)
        first, last = data["final_opening_balance"], data["final_closing_balance"]
        if first.amount.currency != currency_of(account):
            raise BadStatement(
                tags["60F"][0][0],
                _l(
                    "The money is in %(found)s, the account in %(ours)s.",
                    found=first.amount.currency,
                    ours=currency_of(account),
                ),
            )
        opening = opening if opening is not None else _minor(first.amount.amount)
        if closing is not None:
            check_sum(_minor(first.amount.amount), closing, tags["60F"][0][0])
        closing = _minor(last.amount.amount)
        if len(movements) != len(tags.get("61", ())):
            raise BadStatement(start, _l("Some movements of this statement cannot be read."))
        moved = 0
        for movement, (number, _text) in zip(movements, tags.get("61", ()), strict=True):
            minor = _minor(movement["amount"].amount)
            moved += minor
            days.append(movement["date"])
            if minor > 0:
                lines.append(_line(movement, number, minor))
            else:
                outgoing += 1
                outgoing_minor -= minor
        check_sum(closing, _minor(first.amount.amount) + moved, tags["62F"][0][0])
        days += [first.date, last.date]
    check_length(lines)
    if not days:
        raise BadStatement(1, _l("There is no statement in this file."))
    return Statement(
        format=StatementFormat.MT940,
        account=account,
        currency=currency_of(account),
        first_day=_day(min(days)),
        last_day=_day(max(days)),
        lines=tuple(lines),
        outgoing=outgoing,
        outgoing_minor=outgoing_minor,
        opening_minor=opening,
        closing_minor=closing,
    )


def _statements(text: str) -> list[tuple[int, str]]:
    """Each statement with the number of its first line."""
    found: list[tuple[int, list[str]]] = []
    for number, row in numbered(text):
        if row.startswith(":20:"):
            found.append((number, []))
        if found:
            found[-1][1].append(row)
    return [(number, "\n".join(rows)) for number, rows in found]


def _check_tags(part: str, start: int) -> dict[str, list[tuple[int, str]]]:
    """The tags of one statement, each with its line and text. What the library would misread is refused here."""
    tags: dict[str, list[tuple[int, str]]] = {}
    for number, row in numbered(part):
        tag = TAG.fullmatch(row)
        if tag is None:
            continue
        tags.setdefault(tag[1], []).append((start + number - 1, tag[2]))
        shape = MOVEMENT if tag[1] == "61" else BALANCE if tag[1] in ("60F", "62F") else None
        if shape is not None:
            found = shape.fullmatch(tag[2].strip())
            if found is None:
                raise BadStatement(start + number - 1, _l("Tag :%(tag)s: is not as the standard has it.", tag=tag[1]))
            day = found["day"]
            read_day(f"20{day[:2]}-{day[2:4]}-{day[4:]}", start + number - 1)
    for needed in ("25", "60F", "62F"):
        if len(tags.get(needed, ())) != 1:
            raise BadStatement(start, _l("A statement needs tag :%(tag)s: once.", tag=needed))
    return tags


def _parsed(part: str, start: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        transactions = mt940.parse(part)
    except (RuntimeError, ValueError, ArithmeticError):
        raise BadStatement(start, _l("This statement cannot be read: a day or a sum in it cannot be.")) from None
    return dict(transactions.data), [dict(movement.data) for movement in transactions]


def _account(text: str) -> str:
    """Banks write the account alone or behind their own code."""
    return re.sub(r"[^0-9A-Z].*$", "", text.strip().rsplit("/", 1)[-1])


def _line(movement: dict[str, Any], number: int, minor: int) -> Line:
    details = (movement.get("transaction_details") or "").replace("\n", "")
    payer, payer_account, purpose = "", "", details
    parts = FIELDS_OF_86.split(details)
    if len(parts) > 1:  # the fields of structured details: 20 to 29 and 60 to 63 purpose, 31 account, 32 and 33 name
        fields = list(zip(parts[1::2], parts[2::2], strict=True))
        purpose = "".join(text for key, text in fields if "20" <= key <= "29" or "60" <= key <= "63")
        payer = "".join(text for key, text in fields if key in ("32", "33"))
        payer_account = "".join(text for key, text in fields if key == "31")
    return Line(
        number=number,
        booked_on=_day(movement["date"]),
        minor=minor,
        document=tidy(movement.get("bank_reference") or movement.get("customer_reference") or "")[:40],
        payer=tidy(payer)[:300],
        payer_account=tidy(payer_account)[:34],
        payer_inn="",
        purpose=tidy(purpose)[:500],
    )


def _minor(amount: Decimal) -> int:
    return int(amount * 100)


def _day(day: date) -> date:
    return date(day.year, day.month, day.day)
