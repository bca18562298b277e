"""YooKassa's payments and refunds: created, paid on its page, captured, canceled, given back, told of.

Every function works in the caller's transaction and is told the time, in seconds since the epoch. Amounts are kopecks.
"""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sandbox.yookassa.cards import CARDS_BY_SLUG, MirCard, Trick
from sandbox.yookassa.errors import invalid, missing

# How long a customer has for his card or his bank's application.
PAY_SECONDS = 60 * 60
SBP = "sbp"


class Outcome(StrEnum):
    PAID = "paid"
    ASKS = "asks"  # the bank asks, or its application does
    CANCELED = "canceled"
    OVER = "over"  # decided before this attempt, which changed nothing
    NO_ANSWER = "no_answer"  # paid, and nobody is told here


def create(db: sqlite3.Connection, values: dict[str, Any], *, pages: str, now: float) -> str:
    """A new payment that waits for its customer; returns its id."""
    payment_id = str(uuid.uuid4())
    kept = values | {"page": f"{pages.rstrip('/')}/checkout/payments/v2/contract?orderId={payment_id}"}
    db.execute(
        "INSERT INTO yookassa_payment (id, created, expires_at, status, amount, parameters)"
        " VALUES (?, ?, ?, 'pending', ?, ?)",
        (payment_id, now, now + PAY_SECONDS, values["amount"]["value"], json.dumps(kept, default=str)),
    )
    return payment_id


def row_of(db: sqlite3.Connection, payment_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM yookassa_payment WHERE id = ?", (payment_id,)).fetchone()
    if row is None:
        raise missing("Payment")
    return row


def pay(db: sqlite3.Connection, payment_id: str, card: MirCard | None, *, notice_after: int, now: float) -> Outcome:
    """One attempt to pay with `card`, or by SBP without one. YooKassa decides a payment at its first attempt.

    notice_after: seconds by which a late notification comes late.
    """
    expire_overdue(db, now=now)
    if row_of(db, payment_id)["status"] != "pending":
        return Outcome.OVER
    db.execute("UPDATE yookassa_payment SET method = ? WHERE id = ?", (card.slug if card else SBP, payment_id))
    if card is None or card.asks:
        db.execute("UPDATE yookassa_payment SET asked = 1 WHERE id = ?", (payment_id,))
        return Outcome.ASKS
    if card.reason is not None:
        return _cancel(db, payment_id, "payment_network", card.reason, now=now)
    if card.trick is Trick.NOTICE_FORGED:
        claimed = payment_object(db, payment_id) | {"status": "succeeded", "paid": True}
        notify(db, "payment.succeeded", claimed, now=now)
        return Outcome.PAID
    return _succeed(db, payment_id, card, notice_after=notice_after, now=now)


def answer(db: sqlite3.Connection, payment_id: str, *, approved: bool, now: float) -> Outcome:
    """What the customer said to his bank."""
    expire_overdue(db, now=now)
    row = row_of(db, payment_id)
    if row["status"] != "pending" or not row["asked"]:
        return Outcome.OVER
    if approved:
        return _succeed(db, payment_id, CARDS_BY_SLUG.get(row["method"]), notice_after=0, now=now)
    reason = "general_decline" if row["method"] == SBP else "3d_secure_failed"
    return _cancel(db, payment_id, "payment_network", reason, now=now)


def capture(db: sqlite3.Connection, payment_id: str, amount: int | None, *, now: float) -> None:
    """Take the money that waits. Raises YooKassaError."""
    row = row_of(db, payment_id)
    if row["status"] != "waiting_for_capture":
        raise invalid("payment_id", "Incorrect payment status: only waiting_for_capture can be captured")
    if amount is not None and amount > row["amount"]:
        raise invalid("amount.value", "More than the payment holds")
    db.execute(
        "UPDATE yookassa_payment SET status = 'succeeded', captured_at = ?, amount = ? WHERE id = ?",
        (now, amount or row["amount"], payment_id),
    )
    notify(db, "payment.succeeded", payment_object(db, payment_id), now=now)


def cancel(db: sqlite3.Connection, payment_id: str, *, now: float) -> None:
    """Let go of the money that waits. A payment that nobody has paid yet cannot be canceled. Raises YooKassaError."""
    if row_of(db, payment_id)["status"] != "waiting_for_capture":
        raise invalid("payment_id", "Incorrect payment status: only waiting_for_capture can be canceled")
    _cancel(db, payment_id, "merchant", "canceled_by_merchant", now=now)


def expire_overdue(db: sqlite3.Connection, *, now: float) -> int:
    """Cancel what nobody paid in time; how many."""
    due = db.execute("SELECT id FROM yookassa_payment WHERE status = 'pending' AND expires_at <= ?", (now,)).fetchall()
    for row in due:
        _cancel(db, row["id"], "yoo_money", "expired_on_confirmation", now=now)
    return len(due)


def refund(db: sqlite3.Connection, values: dict[str, Any], *, settle_after: int, now: float) -> str:
    """Give back as much as is asked; returns the refund's id. Raises YooKassaError."""
    payment = row_of(db, values["payment_id"])
    if payment["status"] != "succeeded":
        raise invalid("payment_id", "Incorrect payment status: only succeeded can be refunded")
    if values["amount"]["value"] > _paid(payment) - refunded(db, payment["id"]):
        raise invalid("amount.value", "More than is left of the payment")
    trick = _trick(payment)
    later = trick in (Trick.REFUND_LATER, Trick.REFUND_REFUSED)
    refund_id = str(uuid.uuid4())
    db.execute(
        "INSERT INTO yookassa_refund (id, created, payment, amount, status, parameters, settles_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            refund_id,
            now,
            payment["id"],
            values["amount"]["value"],
            "pending" if later else "succeeded",
            json.dumps(values, default=str),
            now + settle_after if later else None,
        ),
    )
    if not later:
        notify(db, "refund.succeeded", refund_object(db, refund_id), now=now)
    return refund_id


def settle_refunds(db: sqlite3.Connection, *, now: float) -> int:
    """Decide the refunds whose time has come; how many."""
    due = db.execute("SELECT id, payment FROM yookassa_refund WHERE settles_at <= ?", (now,)).fetchall()
    for row in due:
        refused = _trick(row_of(db, row["payment"])) is Trick.REFUND_REFUSED
        db.execute(
            "UPDATE yookassa_refund SET status = ?, settles_at = NULL WHERE id = ?",
            ("canceled" if refused else "succeeded", row["id"]),
        )
        if not refused:
            notify(db, "refund.succeeded", refund_object(db, row["id"]), now=now)
    return len(due)


@dataclass(frozen=True)
class Listing:
    """A table whose objects can be listed, and the column of each parameter."""

    table: str
    columns: Mapping[str, str]


PAYMENTS = Listing("yookassa_payment", {"status": "status", "created_at": "created", "captured_at": "captured_at"})
REFUNDS = Listing("yookassa_refund", {"status": "status", "created_at": "created", "payment_id": "payment"})
COMPARISONS = {"": "=", "gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


def find(db: sqlite3.Connection, listing: Listing, wanted: Mapping[str, str]) -> list[str]:
    """The ids of what fits, the newest first, after the one that `cursor` names. Raises YooKassaError."""
    conditions: list[str] = ["1"]
    bound: list[str | float] = []
    for name, value in wanted.items():
        field, _, comparison = name.partition(".")
        if name == "cursor":
            conditions.append(f"rowid < (SELECT rowid FROM {listing.table} WHERE id = ?)")
        elif field in listing.columns and comparison in COMPARISONS:
            conditions.append(f"{listing.columns[field]} {COMPARISONS[comparison]} ?")
        else:
            raise invalid(name, "Unknown parameter")
        bound.append(_seconds(value, name) if field.endswith("_at") else value)
    rows = db.execute(
        f"SELECT id FROM {listing.table} WHERE {' AND '.join(conditions)} ORDER BY rowid DESC", bound
    ).fetchall()
    return [row["id"] for row in rows]


def _seconds(value: str, at: str) -> float:
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        raise invalid(at, "Expected a moment in ISO 8601") from None


def refunded(db: sqlite3.Connection, payment_id: str) -> int:
    row = db.execute(
        "SELECT coalesce(sum(amount), 0) AS kopecks FROM yookassa_refund WHERE payment = ? AND status <> 'canceled'",
        (payment_id,),
    ).fetchone()
    return int(row["kopecks"])


def payment_object(db: sqlite3.Connection, payment_id: str) -> dict[str, Any]:
    row = row_of(db, payment_id)
    given = json.loads(row["parameters"])
    paid = row["status"] in ("succeeded", "waiting_for_capture")
    shown: dict[str, Any] = {
        "id": row["id"],
        "status": row["status"],
        "amount": _amount(_paid(row) if paid else row["amount"], _currency(row, paid)),
        "recipient": {"account_id": "100500", "gateway_id": "100700"},
        "created_at": _moment(row["created"]),
        "metadata": given.get("metadata", {}),
        "paid": paid,
        "refundable": row["status"] == "succeeded" and refunded(db, payment_id) < _paid(row),
        "test": True,
    }
    if "description" in given:
        shown["description"] = given["description"]
    if row["method"] is not None:
        shown["payment_method"] = _method(row)
    if row["status"] == "pending":
        shown["confirmation"] = {"type": "redirect", "confirmation_url": given["page"]}
    if row["captured_at"] is not None:
        shown |= {
            "captured_at": _moment(row["captured_at"]),
            "refunded_amount": _amount(refunded(db, payment_id)),
        }
    if "receipt" in given and row["status"] == "succeeded":
        shown["receipt_registration"] = "succeeded"
    if row["reason"] is not None:
        shown["cancellation_details"] = {"party": row["party"], "reason": row["reason"]}
    return shown


def refund_object(db: sqlite3.Connection, refund_id: str) -> dict[str, Any]:
    row: sqlite3.Row | None = db.execute("SELECT * FROM yookassa_refund WHERE id = ?", (refund_id,)).fetchone()
    if row is None:
        raise missing("Refund")
    given = json.loads(row["parameters"])
    shown: dict[str, Any] = {
        "id": row["id"],
        "payment_id": row["payment"],
        "status": row["status"],
        "created_at": _moment(row["created"]),
        "amount": _amount(row["amount"]),
        "metadata": given.get("metadata", {}),
    }
    if "description" in given:
        shown["description"] = given["description"]
    if row["status"] == "canceled":
        shown["cancellation_details"] = {"party": "yoo_money", "reason": "insufficient_funds"}
    return shown


def notify(db: sqlite3.Connection, event: str, about: dict[str, Any], *, now: float, after: int = 0) -> None:
    """Queue a notification: it carries no signature and no name of its own."""
    body = json.dumps({"type": "notification", "event": event, "object": about}, ensure_ascii=False)
    db.execute(
        "INSERT INTO yookassa_notice (created, event, body, next_attempt_at) VALUES (?, ?, ?, ?)",
        (now, event, body, now + after),
    )


def _succeed(
    db: sqlite3.Connection, payment_id: str, card: MirCard | None, *, notice_after: int, now: float
) -> Outcome:
    at_once = json.loads(row_of(db, payment_id)["parameters"]).get("capture", False)
    db.execute(
        "UPDATE yookassa_payment SET status = ?, captured_at = ? WHERE id = ?",
        ("succeeded" if at_once else "waiting_for_capture", now if at_once else None, payment_id),
    )
    trick = card.trick if card else None
    about, event = payment_object(db, payment_id), "payment.succeeded" if at_once else "payment.waiting_for_capture"
    if trick is not Trick.NOTICE_LOST:
        for _ in range(2 if trick is Trick.NOTICE_TWICE else 1):
            notify(db, event, about, now=now, after=notice_after if trick is Trick.NOTICE_LATE else 0)
    return Outcome.NO_ANSWER if trick is Trick.NO_ANSWER else Outcome.PAID


def _cancel(db: sqlite3.Connection, payment_id: str, party: str, reason: str, *, now: float) -> Outcome:
    db.execute(
        "UPDATE yookassa_payment SET status = 'canceled', party = ?, reason = ? WHERE id = ?",
        (party, reason, payment_id),
    )
    notify(db, "payment.canceled", payment_object(db, payment_id), now=now)
    return Outcome.CANCELED


def _trick(row: sqlite3.Row) -> Trick | None:
    card = CARDS_BY_SLUG.get(row["method"] or "")
    return card.trick if card else None


def _paid(row: sqlite3.Row) -> int:
    """What came: as much as was asked, but for the card that pays less."""
    return int(row["amount"]) - (100 if _trick(row) is Trick.LESS else 0)


def _currency(row: sqlite3.Row, paid: bool) -> str:
    return "USD" if paid and _trick(row) is Trick.OTHER_CURRENCY else "RUB"


def _method(row: sqlite3.Row) -> dict[str, Any]:
    about = {"id": row["id"], "saved": False}
    card = CARDS_BY_SLUG.get(row["method"])
    if card is None:
        return about | {"type": "sbp"}
    return about | {
        "type": "bank_card",
        "title": f"Bank card *{card.last4}",
        "card": {
            "first6": card.number[:6],
            "last4": card.last4,
            "expiry_month": "12",
            "expiry_year": "2034",
            "card_type": "Mir",
            "issuer_country": "RU",
        },
    }


def _amount(kopecks: int, currency: str = "RUB") -> dict[str, str]:
    return {"value": f"{Decimal(kopecks) / 100:.2f}", "currency": currency}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
