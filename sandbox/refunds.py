"""Money going back: in full or in part, never more than was charged, at once or later."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from sandbox.balance import Line, book
from sandbox.cards import CARDS_BY_SLUG, RefundBehaviour
from sandbox.checkout import charge_object, disputed, payment_intent_object, payment_intent_row, refunded_minor
from sandbox.currencies import major
from sandbox.errors import ApiError, InvalidParameter, missing
from sandbox.events import NO_REQUEST, Cause, record
from sandbox.parameters import Nested, choice, expandable, integer, metadata, read, text
from sandbox.store import new_id

REFUND = {
    "amount": integer(1),
    "charge": text(),
    "expand": expandable("charge", "payment_intent"),
    "metadata": metadata,
    "payment_intent": text(),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
}


def read_refund_parameters(given: Nested) -> Nested:
    values = read(given, REFUND)
    if ("charge" in values) == ("payment_intent" in values):
        raise InvalidParameter(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    return values


def make_refund(
    db: sqlite3.Connection, values: Nested, *, settle_after: int, now: float, cause: Cause = NO_REQUEST
) -> str:
    """Give back `amount`, or all that is left; returns the id. Raises ApiError when that much is not there."""
    payment = _refunded_payment(db, values)
    if payment["status"] != "succeeded":
        raise ApiError(
            f"This PaymentIntent ({payment['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    if disputed(db, payment["id"]):
        raise ApiError(f"Charge {payment['charge']} has been charged back.", code="charge_disputed")
    left = payment["amount"] - refunded_minor(db, payment["id"])
    amount = values.get("amount", left)
    if left == 0:
        raise ApiError(f"Charge {payment['charge']} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        wanted, there = (f"{major(minor, payment['currency'])} {payment['currency']}" for minor in (amount, left))
        raise ApiError(
            f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({there})",
            code="amount_too_large",
            param="amount",
        )
    behaviour = CARDS_BY_SLUG[payment["card"]].refunds
    refund_id = new_id("re_3")
    db.execute(
        "INSERT INTO refund (id, created, payment_intent, amount, status, reason, metadata, settles_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            refund_id,
            int(now),
            payment["id"],
            amount,
            "pending" if behaviour is RefundBehaviour.LATER else "succeeded",
            values.get("reason"),
            json.dumps(values.get("metadata", {})),
            None if behaviour is RefundBehaviour.AT_ONCE else int(now) + settle_after,
        ),
    )
    book(db, Line.REFUND, refund_id, -amount, payment["currency"], now=now)
    record(db, "refund.created", refund_object(db, refund_row(db, refund_id)), now=now, cause=cause)
    record(db, "charge.refunded", charge_object(db, payment), now=now, cause=cause)
    return refund_id


def settle_refunds(db: sqlite3.Connection, *, now: float) -> int:
    """Decide the delayed refunds whose time has come; returns how many."""
    due = db.execute("SELECT id, status FROM refund WHERE settles_at <= ?", (now,)).fetchall()
    for refund in due:
        failed = refund["status"] == "succeeded"
        db.execute(
            "UPDATE refund SET settles_at = NULL, status = ? WHERE id = ?",
            ("failed" if failed else "succeeded", refund["id"]),
        )
        row = refund_row(db, refund["id"])
        shown = refund_object(db, row)
        if failed:
            book(db, Line.REFUND_FAILURE, row["id"], row["amount"], shown["currency"], now=now)
        record(db, "refund.updated", shown, now=now)
        if failed:
            record(db, "refund.failed", shown, now=now)
    return len(due)


def refund_row(db: sqlite3.Connection, refund_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM refund WHERE id = ?", (refund_id,)).fetchone()
    if row is None:
        raise missing("refund", refund_id)
    return row


def refund_object(db: sqlite3.Connection, row: sqlite3.Row, expand: Sequence[str] = ()) -> dict[str, Any]:
    payment = payment_intent_row(db, row["payment_intent"])
    shown: dict[str, Any] = {
        "id": row["id"],
        "object": "refund",
        "amount": row["amount"],
        "charge": charge_object(db, payment) if "charge" in expand else payment["charge"],
        "created": row["created"],
        "currency": payment["currency"],
        "metadata": json.loads(row["metadata"]),
        "payment_intent": payment_intent_object(db, payment) if "payment_intent" in expand else payment["id"],
        "reason": row["reason"],
        "status": row["status"],
    }
    if row["status"] == "failed":
        shown["failure_reason"] = "expired_or_canceled_card"
    return shown


def _refunded_payment(db: sqlite3.Connection, values: Nested) -> sqlite3.Row:
    if "payment_intent" in values:
        return payment_intent_row(db, values["payment_intent"], param="payment_intent")
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM payment_intent WHERE charge = ?", (values["charge"],)
    ).fetchone()
    if row is None:
        raise missing("charge", values["charge"], param="charge")
    return row
