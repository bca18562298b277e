"""The provider's own books: each movement of a guest's money, as `balance_transactions` lists them."""

import sqlite3
from enum import StrEnum

from sandbox.store import new_id


class Line(StrEnum):
    """Stripe's type of the balance transaction."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_FAILURE = "refund_failure"
    ADJUSTMENT = "adjustment"  # of a dispute


def book(db: sqlite3.Connection, line: Line, source: str, amount: int, currency: str, *, now: float) -> None:
    """`amount` is negative where money leaves the merchant; `source` is the charge, refund or dispute."""
    db.execute(
        "INSERT INTO balance (id, created, type, source, amount, currency) VALUES (?, ?, ?, ?, ?, ?)",
        (new_id("txn_3"), int(now), line, source, amount, currency),
    )
