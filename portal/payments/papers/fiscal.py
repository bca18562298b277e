"""Receipts for a fiscal cash register by Russian law 54-FZ: what is to be registered, and where it is handed over.

A provider of cash registers is plugged in as another FiscalRegister; here is one that drops a file for each receipt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from portal.kernel.money import Money
from portal.payments.papers.models import MoneyPaper, PaperKind

FISCAL_CURRENCY = "RUB"
REGISTERED_BY_PROVIDER = {"yookassa"}  # who makes the receipts of its payments itself
LONGEST_NAME = 128  # letters of an item, by the format of fiscal documents
TYPES = {PaperKind.RECEIPT: "income", PaperKind.REFUND_RECEIPT: "income_return"}
AHEAD, FULL = "prepayment", "full_payment"  # the cruise is still to come, or over


class FiscalRegister(Protocol):
    def take(self, receipt: Mapping[str, Any]) -> None:
        """Hand a receipt over. Taken twice with the same id it is registered once; raises where it was not taken."""


class FileDrop:
    """One JSON file for each receipt, whole from the moment it has its name; another program takes it from there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, receipt: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{receipt['id']}.json"
        unfinished = target.with_suffix(".part")
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(receipt, file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)


def register_of(config: Mapping[str, Any]) -> FiscalRegister | None:
    """By the settings; None where no cash register is plugged in."""
    folder = config["FISCAL_FOLDER"]
    return None if folder is None else FileDrop(Path(folder))


def settlement_receipt(facts: Mapping[str, Any], summary: str, amount: Money, now: datetime) -> dict[str, Any]:
    """The service was given: `amount`, which was paid ahead, is set off against it. No money moves."""
    return _receipt(
        facts,
        id=f"SET-{facts['booking']}",
        type=TYPES[PaperKind.RECEIPT],
        at=now.isoformat(),
        payment=None,
        item=_item(summary, facts["booking"], amount.minor, FULL),
        electronic=0,
        prepaid=amount.minor,
    )


def fiscal_receipt(paper: MoneyPaper) -> dict[str, Any] | None:
    """What a cash register needs of a receipt; None for what it does not register. Amounts are kopecks."""
    if paper.kind not in TYPES or paper.currency != FISCAL_CURRENCY:
        return None
    facts = paper.content["facts"]
    [line] = facts["lines"]
    if line["provider"] in REGISTERED_BY_PROVIDER:
        return None
    over = facts["issued_on"] > facts["ends_on"]
    return _receipt(
        facts,
        id=paper.name,
        type=TYPES[paper.kind],
        at=paper.issued_at.isoformat(),
        payment=line["reference"],
        item=_item(paper.content["words"]["ru"]["summary"], facts["booking"], line["minor"], FULL if over else AHEAD),
        electronic=line["minor"],
        prepaid=0,
    )


def _receipt(facts: Mapping[str, Any], *, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": 2,
        **more,
        "seller_inn": facts["seller"]["inn"],
        "customer_email": next((one for one in facts["buyer"] if "@" in one), None),
        "booking": facts["booking"],
        "items": [item],
        "total": item["sum"],
    }


def _item(summary: str, booking: str, minor: int, method: str) -> dict[str, Any]:
    return {
        "name": f"{summary}, {booking}"[:LONGEST_NAME],
        "quantity": 1,
        "price": minor,
        "sum": minor,
        "subject": "service",
        "method": method,
        "vat": "none",
    }
