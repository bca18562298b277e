"""Statements as a table: one line for each movement, columns by name, parted by ; or by comma."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.payments.statements.errors import BadStatement
from portal.payments.statements.lines import (
    Line,
    Statement,
    StatementFormat,
    check_length,
    currency_of,
    read_day,
    read_minor,
    tidy,
)

# What a column may be called; the first name is the one of the template.
COLUMNS: dict[str, tuple[str, ...]] = {
    "date": ("date", "дата", "sene"),
    "amount": ("amount", "сумма", "möçber"),
    "currency": ("currency", "валюта", "walýuta"),
    "document": ("document", "номер", "номер документа"),
    "payer": ("payer", "плательщик", "töleýji"),
    "payer_account": ("payer_account", "счёт плательщика", "счет плательщика"),
    "payer_inn": ("payer_inn", "инн", "инн плательщика"),
    "purpose": ("purpose", "назначение", "назначение платежа", "maksat"),
}
NEEDED = ("date", "amount", "purpose")
EXAMPLE = (
    "19.02.2024;2000,00;RUB;123;ИВАНОВА АННА;40817810000000000001;770000000000;"
    "Платёж XXXXXXXX-X по брони XXXXXXXX-X"
)
TEMPLATE = f"{';'.join(COLUMNS)}\r\n{EXAMPLE}\r\n"


def looks_like(text: str) -> bool:
    first = text.lstrip().split("\n", 1)[0]
    return any(name in first.lower() for name in COLUMNS["date"]) and any(
        name in first.lower() for name in COLUMNS["amount"]
    )


def read(text: str, account: str) -> Statement:
    """Money that came has an amount above zero, money that went one below. Raises BadStatement."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") >= first.count(",") else ",", strict=True)
    try:
        places = _places(next(rows))
        return _statement(rows, places, account)
    except csv.Error:
        raise BadStatement(rows.line_num, _l("The quotation marks of this line do not fit together.")) from None


def _places(header: list[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    places = {
        column: names.index(known) for column, all_names in COLUMNS.items() for known in all_names if known in names
    }
    for column in NEEDED:
        if column not in places:
            raise BadStatement(1, _l("The column “%(column)s” is missing.", column=column))
    return places


def _statement(rows: Any, places: dict[str, int], account: str) -> Statement:
    lines: list[Line] = []
    days = []
    currency = currency_of(account)
    outgoing = outgoing_minor = 0
    for row in rows:
        number = rows.line_num
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(places.values()):
            raise BadStatement(number, _l("This line has fewer columns than the first one."))

        def cell(column: str, row: list[str] = row) -> str:
            return tidy(row[places[column]]) if column in places else ""

        found = cell("currency").upper().replace("RUR", "RUB") or currency
        if found != currency:
            raise BadStatement(
                number, _l("The money is in %(found)s, the account in %(ours)s.", found=found[:3], ours=currency)
            )
        day = read_day(cell("date"), number)
        days.append(day)
        amount = cell("amount").replace("−", "-")
        minor = read_minor(amount.removeprefix("-").removeprefix("+"), number)
        if minor == 0:
            raise BadStatement(number, _l("An amount must not be zero."))
        if amount.startswith("-"):
            outgoing += 1
            outgoing_minor += minor
            continue
        lines.append(
            Line(
                number=number,
                booked_on=day,
                minor=minor,
                document=cell("document")[:40],
                payer=cell("payer")[:300],
                payer_account=cell("payer_account")[:34],
                payer_inn=cell("payer_inn")[:12],
                purpose=cell("purpose")[:500],
            )
        )
    check_length(lines)
    if not days:
        raise BadStatement(0, _l("The file has no lines below the names of its columns."))
    return Statement(
        format=StatementFormat.CSV,
        account=account,
        currency=currency,
        first_day=min(days),
        last_day=max(days),
        lines=tuple(lines),
        outgoing=outgoing,
        outgoing_minor=outgoing_minor,
        opening_minor=None,
        closing_minor=None,
    )
