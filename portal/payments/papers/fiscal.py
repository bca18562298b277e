"""Receipts for a fiscal cash register by Russian law 54-FZ: what is to be registered, and where it is handed over.

A provider of cash registers is plugged in as another FiscalRegister; here is one that drops a file for each receipt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from portal.payments.papers.models import MoneyPaper, PaperKind

FISCAL_CURRENCY = "RUB"
REGISTERED_BY_PROVIDER = {"yookassa"}  # who makes the receipts of its payments itself
LONGEST_NAME = 128  # letters of an item, by the format of fiscal documents
TYPES = {PaperKind.RECEIPT: "income", PaperKind.REFUND_RECEIPT: "income_return"}


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


def fiscal_receipt(paper: MoneyPaper) -> dict[str, Any] | None:
    """What a cash register needs of a receipt; None for what it does not register. Amounts are kopecks."""
    if paper.kind not in TYPES or paper.currency != FISCAL_CURRENCY:
        return None
    facts = paper.content["facts"]
    [line] = facts["lines"]
    if line["provider"] in REGISTERED_BY_PROVIDER:
        return None
    words = paper.content["words"]["ru"]
    name = f"{words['summary']}, {facts['booking']}"[:LONGEST_NAME]
    email = next((one for one in facts["buyer"] if "@" in one), None)
    return {
        "version": 1,
        "id": paper.name,
        "type": TYPES[paper.kind],
        "at": paper.issued_at.isoformat(),
        "seller_inn": facts["seller"]["inn"],
        "customer_email": email,
        "booking": facts["booking"],
        "payment": line["reference"],
        "items": [
            {
                "name": name,
                "quantity": 1,
                "price": line["minor"],
                "sum": line["minor"],
                "subject": "service",
                "method": "prepayment",  # the cruise is still ahead
                "vat": "none",
            }
        ],
        "electronic": line["minor"],
        "total": line["minor"],
    }
