"""Statements as 1C programs exchange them with banks: 1CClientBankExchange, in Windows-1251 or UTF-8.

Source: the published standard of exchange with client banks, version 1.03, as banks write it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flask_babel import lazy_gettext as _l

from portal.payments.statements.errors import BadStatement
from portal.payments.statements.lines import (
    Line,
    Statement,
    StatementFormat,
    check_account,
    check_day,
    check_length,
    check_sum,
    currency_of,
    numbered,
    read_day,
    read_minor,
    tidy,
)

HEAD, TAIL = "1CClientBankExchange", "КонецФайла"
PURPOSES = ("НазначениеПлатежа", *(f"НазначениеПлатежа{number}" for number in range(1, 7)))


@dataclass
class Section:
    """A part of the file: each key with its line and value."""

    line: int
    values: dict[str, tuple[int, str]] = field(default_factory=dict)

    def text(self, *keys: str) -> str:
        """The first of the keys that has a value."""
        return next((self.values[key][1] for key in keys if self.values.get(key, (0, ""))[1]), "")

    def needed(self, *keys: str) -> tuple[int, str]:
        for key in keys:
            if self.values.get(key, (0, ""))[1]:
                return self.values[key]
        raise BadStatement(self.line, _l("“%(key)s” is missing here.", key=keys[0]))

    def minor(self, *keys: str) -> int:
        line, text = self.needed(*keys)
        return read_minor(text, line)

    def day(self, *keys: str) -> date:
        line, text = self.needed(*keys)
        return read_day(text, line)


def looks_like(text: str) -> bool:
    return text.lstrip().startswith(HEAD)


def decode_by_its_word(content: bytes) -> str | None:
    """Text of a file that says of itself that it is in the encoding of DOS; None for every other."""
    if content.startswith(HEAD.encode()) and "Кодировка=DOS".encode("cp866") in content[:500]:
        return content.decode("cp866")
    return None


def read(text: str, account: str) -> Statement:
    """Raises BadStatement."""
    head, balances, documents = _sections(text)
    line, found = head.needed("РасчСчет")
    check_account(found, account, line)
    first, last = head.day("ДатаНачала"), head.day("ДатаКонца")
    lines: list[Line] = []
    outgoing = outgoing_minor = 0
    for document in documents:
        minor = document.minor("Сумма")
        if minor <= 0:
            raise BadStatement(document.values["Сумма"][0], _l("An amount must be above zero."))
        if account in (document.text("ПолучательСчет"), document.text("ПолучательРасчСчет")):
            day_line, _text = document.needed("ДатаПоступило", "Дата")
            booked_on = document.day("ДатаПоступило", "Дата")
            if document.text("ДатаПоступило"):  # else it is the day on which the order was written
                check_day(booked_on, first, last, day_line)
            lines.append(_line(document, booked_on, minor))
        elif account in (document.text("ПлательщикСчет"), document.text("ПлательщикРасчСчет")):
            outgoing += 1
            outgoing_minor += minor
        else:
            raise BadStatement(document.line, _l("Neither payer nor payee of this document has our account."))
    check_length(lines)
    opening, closing = _check_balances(balances, account, sum(line.minor for line in lines), outgoing_minor)
    return Statement(
        format=StatementFormat.ONE_C,
        account=account,
        currency=currency_of(account),
        first_day=first,
        last_day=last,
        lines=tuple(lines),
        outgoing=outgoing,
        outgoing_minor=outgoing_minor,
        opening_minor=opening,
        closing_minor=closing,
    )


def _sections(text: str) -> tuple[Section, list[Section], list[Section]]:
    head, balances, documents = Section(1), list[Section](), list[Section]()
    current, ended, number = head, False, 0
    for number, raw in numbered(text):
        row = raw.strip()
        key, _sign, value = row.partition("=")
        if not row or row == HEAD:
            continue
        if ended:
            raise BadStatement(number, _l("There is something behind the end of the file."))
        if key in ("СекцияРасчСчет", "СекцияДокумент"):
            if current is not head:
                raise BadStatement(number, _l("A section begins before the one above has ended."))
            current = Section(number)
            (balances if key == "СекцияРасчСчет" else documents).append(current)
        elif key in ("КонецРасчСчет", "КонецДокумента"):
            if current is head:
                raise BadStatement(number, _l("A section ends that never began."))
            current = head
        elif key == TAIL:
            if current is not head:
                raise BadStatement(number, _l("The file ends inside a section."))
            ended = True
        else:
            current.values.setdefault(key, (number, value.strip()))
    if not ended:
        raise BadStatement(number, _l("The file breaks off: its last line “%(row)s” is missing.", row=TAIL))
    return head, balances, documents


def _line(document: Section, booked_on: date, minor: int) -> Line:
    return Line(
        number=document.line,
        booked_on=booked_on,
        minor=minor,
        document=tidy(document.text("Номер"))[:40],
        payer=tidy(document.text("Плательщик1", "Плательщик"))[:300],
        payer_account=tidy(document.text("ПлательщикРасчСчет", "ПлательщикСчет"))[:34],
        payer_inn=tidy(document.text("ПлательщикИНН"))[:12],
        purpose=tidy(document.text("НазначениеПлатежа") or " ".join(map(document.text, PURPOSES)))[:500],
    )


def _check_balances(
    balances: list[Section], account: str, came: int, went: int
) -> tuple[int | None, int | None]:
    """First and last balance, where the file has sections of our account: one for all days, or one for each."""
    ours = [section for section in balances if section.text("РасчСчет") in (account, "")]
    if not ours:
        return None, None
    previous: int | None = None
    for section in ours:
        opening = section.minor("НачальныйОстаток")
        if previous is not None:
            check_sum(opening, previous, section.values["НачальныйОстаток"][0])
        previous = opening + _optional(section, "ВсегоПоступило") - _optional(section, "ВсегоСписано")
        if section.text("КонечныйОстаток"):
            check_sum(section.minor("КонечныйОстаток"), previous, section.values["КонечныйОстаток"][0])
    for key, counted in (("ВсегоПоступило", came), ("ВсегоСписано", went)):
        said = [section for section in ours if section.text(key)]
        if said:
            check_sum(sum(section.minor(key) for section in said), counted, said[-1].values[key][0])
    return ours[0].minor("НачальныйОстаток"), previous


def _optional(section: Section, key: str) -> int:
    return section.minor(key) if section.text(key) else 0
