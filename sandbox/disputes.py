"""A guest asks his bank to take a payment back; whoever tries the sandbox out plays the bank and decides."""

import sqlite3
from typing import Any

from sandbox.balance import Line, book
from sandbox.errors import missing
from sandbox.events import record
from sandbox.store import new_id

ANSWER_SECONDS = 7 * 24 * 60 * 60
OPEN = ("needs_response", "under_review")


def open_dispute(db: sqlite3.Connection, payment: sqlite3.Row, *, now: float) -> str:
    """About the whole of a payment that succeeded; its money is taken from the merchant. Returns the id."""
    dispute_id = new_id("du_1")
    db.execute(
        "INSERT INTO dispute (id, created, payment_intent, amount, currency, status, due_by)"
        " VALUES (?, ?, ?, ?, ?, 'needs_response', ?)",
        (dispute_id, int(now), payment["id"], payment["amount"], payment["currency"], int(now) + ANSWER_SECONDS),
    )
    book(db, Line.ADJUSTMENT, dispute_id, -payment["amount"], payment["currency"], now=now)
    record(db, "charge.dispute.created", dispute_object(db, dispute_row(db, dispute_id)), now=now)
    return dispute_id


def review(db: sqlite3.Connection, dispute_id: str, *, now: float) -> None:
    """The merchant has answered, the bank looks into it."""
    db.execute("UPDATE dispute SET status = 'under_review' WHERE id = ? AND status = 'needs_response'", (dispute_id,))
    record(db, "charge.dispute.updated", dispute_object(db, dispute_row(db, dispute_id)), now=now)


def decide(db: sqlite3.Connection, dispute_id: str, *, won: bool, now: float) -> None:
    """The bank's last word; an open dispute that the merchant wins brings the money back to him."""
    row = dispute_row(db, dispute_id)
    if row["status"] not in OPEN:
        return
    db.execute("UPDATE dispute SET status = ? WHERE id = ?", ("won" if won else "lost", dispute_id))
    if won:
        book(db, Line.ADJUSTMENT, dispute_id, row["amount"], row["currency"], now=now)
    record(db, "charge.dispute.closed", dispute_object(db, dispute_row(db, dispute_id)), now=now)


def dispute_row(db: sqlite3.Connection, dispute_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM dispute WHERE id = ?", (dispute_id,)).fetchone()
    if row is None:
        raise missing("dispute", dispute_id)
    return row


def dispute_object(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    payment = db.execute("SELECT * FROM payment_intent WHERE id = ?", (row["payment_intent"],)).fetchone()
    return {
        "id": row["id"],
        "object": "dispute",
        "amount": row["amount"],
        "balance_transactions": [],
        "charge": payment["charge"],
        "created": row["created"],
        "currency": row["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": row["due_by"],
            "enhanced_eligibility": {},
            "has_evidence": row["status"] != "needs_response",
            "past_due": False,
            "submission_count": int(row["status"] != "needs_response"),
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": row["payment_intent"],
        "reason": "fraudulent",
        "status": row["status"],
    }
