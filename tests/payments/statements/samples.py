"""Statements as banks write them, with the money that a test wants on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.config import DEMONSTRATION_PAYEE

OURS = DEMONSTRATION_PAYEE["account"]
THEIRS = "40817810099910004312"


@dataclass(frozen=True)
class Sent:
    minor: int
    purpose: str
    payer: str = "ИВАНОВА АННА ПЕТРОВНА"
    day: date = date(2024, 2, 19)
    document: str = "17"
    account: str = THEIRS

    @property
    def amount(self) -> str:
        return f"{self.minor // 100}.{self.minor % 100:02}"


def one_c(came: Sequence[Sent], *, went_minor: int = 50_00, encoding: str = "cp1251") -> bytes:
    """A 1C exchange file of 19 and 20 February with balances, one outgoing fee, and the money that came."""
    total = sum(one.minor for one in came)
    rows = [
        "1CClientBankExchange",
        "ВерсияФормата=1.03",
        f"Кодировка={'Windows' if encoding == 'cp1251' else 'UTF-8'}",
        "ДатаНачала=19.02.2024",
        "ДатаКонца=20.02.2024",
        f"РасчСчет={OURS}",
        "СекцияРасчСчет",
        "ДатаНачала=19.02.2024",
        f"РасчСчет={OURS}",
        "НачальныйОстаток=1000.00",
        f"ВсегоПоступило={_amount(total)}",
        f"ВсегоСписано={_amount(went_minor)}",
        f"КонечныйОстаток={_amount(1000_00 + total - went_minor)}",
        "КонецРасчСчет",
    ]
    for one in came:
        rows += [
            "СекцияДокумент=Платежное поручение",
            f"Номер={one.document}",
            f"Дата={one.day:%d.%m.%Y}",
            f"Сумма={one.amount}",
            f"ПлательщикСчет={one.account}",
            f"ДатаПоступило={one.day:%d.%m.%Y}",
            f"Плательщик=ИНН 770000000000 {one.payer}",
            "ПлательщикИНН=770000000000",
            f"Плательщик1={one.payer}",
            f"ПолучательСчет={OURS}",
            f"НазначениеПлатежа={one.purpose}",
            "КонецДокумента",
        ]
    rows += [
        "СекцияДокумент=Банковский ордер",
        "Номер=1",
        "Дата=20.02.2024",
        f"Сумма={_amount(went_minor)}",
        f"ПлательщикСчет={OURS}",
        "ДатаСписано=20.02.2024",
        "ПолучательСчет=70601810000000000001",
        "НазначениеПлатежа=Комиссия",
        "КонецДокумента",
        "КонецФайла",
    ]
    return ("\r\n".join(rows) + "\r\n").encode(encoding)


def table(came: Sequence[Sent], sign: str = ";") -> bytes:
    rows = [sign.join(["date", "amount", "payer", "payer_account", "document", "purpose"])]
    rows += [
        sign.join([f"{one.day:%d.%m.%Y}", one.amount, f'"{one.payer}"', one.account, one.document, f'"{one.purpose}"'])
        for one in came
    ]
    return "\n".join(rows).encode()


def mt940(came: Sequence[Sent]) -> bytes:
    """One statement with an opening balance of 1000.00 and a fee of 50.00."""
    closing = 1000_00 + sum(one.minor for one in came) - 50_00
    rows = [":20:STARTUMSE", f":25:044525225/{OURS}", ":28C:00001/001", ":60F:C240219RUB1000,00"]
    for one in came:
        rows += [f":61:{one.day:%y%m%d%m%d}C{one.amount.replace('.', ',')}NTRFNONREF//{one.document}"]
        rows += [f":86:?20{one.purpose[:27]}?21{one.purpose[27:]}?31{one.account}?32{one.payer}"]
    rows += [":61:2402200220D50,00NCHGNONREF//F1", ":86:fee"]
    rows += [f":62F:C240220RUB{_amount(closing).replace('.', ',')}", "-"]
    return "\r\n".join(rows).encode()


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"
