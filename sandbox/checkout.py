"""Checkout sessions and the payments made in them: open, pay, authenticate, settle, expire.

Every function works in the caller's transaction and is told the time, in seconds since the epoch.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sandbox import parameters
from sandbox.balance import Line, book
from sandbox.cards import CARDS_BY_SLUG, Behaviour, StripeCard
from sandbox.currencies import MOST_MINOR, PRESENTMENT, least_minor, major
from sandbox.disputes import OPEN, open_dispute
from sandbox.errors import ApiError, InvalidParameter, missing
from sandbox.events import NO_REQUEST, Cause, record
from sandbox.mischief import Mischief, happens
from sandbox.parameters import Nested, choice, integer, metadata, read, sequence, structure, text
from sandbox.store import new_id

LOCALES = """
auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR
ro ru sk sl sv th tr vi zh zh-HK zh-TW
"""
SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 60 * 60
MOST_LINES = 100
EXPANDABLE = ("line_items", "payment_intent", "payment_intent.latest_charge")


def currency(value: Any, param: str) -> str:
    code: str = text(3)(value, param).lower()
    if code not in PRESENTMENT:
        raise InvalidParameter(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {', '.join(sorted(PRESENTMENT))}",
            param=param,
        )
    return code


# What the portal sends, and what it may soon need; all else is unknown here, though Stripe knows more.
LINE = structure(
    {
        "price_data": structure(
            {
                "currency": currency,
                "unit_amount": integer(0, MOST_MINOR),
                "product_data": structure(
                    {
                        "name": text(),
                        "description": text(),
                        "images": sequence(parameters.url, 8),
                        "metadata": metadata,
                    },
                    required=["name"],
                ),
                "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
            },
            required=["currency", "product_data", "unit_amount"],
        ),
        "quantity": integer(1, 999_999),
        "metadata": metadata,
    },
    required=["price_data", "quantity"],
)
SESSION = {
    "allowed_payment_method_types": sequence(choice("card", "link"), 10),
    "billing_address_collection": choice("auto", "required"),
    "cancel_url": parameters.url,
    "client_reference_id": text(200),
    "customer_creation": choice("always", "if_required"),
    "customer_email": parameters.email,
    "expand": parameters.expandable(*EXPANDABLE),
    "expires_at": integer(0),
    "line_items": sequence(LINE, MOST_LINES),
    "locale": choice(*LOCALES.split()),
    "metadata": metadata,
    "mode": choice("payment"),
    "payment_intent_data": structure(
        {
            "description": text(),
            "metadata": metadata,
            "receipt_email": parameters.email,
            "statement_descriptor_suffix": text(22),
        }
    ),
    "submit_type": choice("auto", "book", "donate", "pay", "subscribe"),
    "success_url": parameters.url,
    "ui_mode": choice("hosted_page"),
}


class Outcome(StrEnum):
    """What became of an attempt to pay."""

    PAID = "paid"
    PROCESSING = "processing"  # accepted, the money is not here yet
    AUTHENTICATE = "authenticate"
    DECLINED = "declined"
    EXPIRED = "expired"
    ALREADY = "already"  # complete before this attempt, which changed nothing


def read_session_parameters(given: Nested, now: float) -> Nested:
    """The parameters of a new session. Raises InvalidParameter as Stripe would."""
    read_values = read(given, SESSION, required=["mode", "line_items", "success_url"])
    lines = read_values["line_items"]
    if not lines:
        raise InvalidParameter("Missing required param: line_items.", code="parameter_missing", param="line_items")
    if len({line["price_data"]["currency"] for line in lines}) > 1:
        raise InvalidParameter("All line items must be in the same currency.", param="line_items")
    code = lines[0]["price_data"]["currency"]
    amount = _amount(lines)
    if amount > MOST_MINOR:
        raise InvalidParameter(
            f"The Checkout Session's total amount must be no more than {major(MOST_MINOR, code)} {code}.",
            code="amount_too_large",
        )
    if amount < least_minor(code):
        raise InvalidParameter(
            f"The Checkout Session's total amount due must add up to at least {major(least_minor(code), code)} {code}.",
            code="amount_too_small",
        )
    if "expires_at" in read_values:
        ahead = read_values["expires_at"] - int(now)
        if ahead < SHORTEST_SECONDS:
            raise InvalidParameter(
                "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
                param="expires_at",
            )
        if ahead > LONGEST_SECONDS:
            raise InvalidParameter(
                "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
                param="expires_at",
            )
    return read_values


def open_session(db: sqlite3.Connection, values: Nested, *, pages: str, now: float) -> str:
    """A new open session with its page under the address `pages`; returns its id."""
    session_id = new_id("cs_test_a1", 58)
    lines = [line | {"id": new_id("li_1"), "price": new_id("price_1")} for line in values["line_items"]]
    db.execute(
        "INSERT INTO checkout_session (id, created, expires_at, status, payment_status, currency, amount, url,"
        " parameters, email) VALUES (?, ?, ?, 'open', 'unpaid', ?, ?, ?, ?, ?)",
        (
            session_id,
            int(now),
            values.get("expires_at", int(now) + LONGEST_SECONDS),
            lines[0]["price_data"]["currency"],
            _amount(lines),
            f"{pages.rstrip('/')}/c/pay/{session_id}",
            json.dumps(values | {"line_items": lines}),
            values.get("customer_email"),
        ),
    )
    return session_id


def session_row(db: sqlite3.Connection, session_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM checkout_session WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise missing("checkout.session", session_id)
    return row


def payment_row(db: sqlite3.Connection, session_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute("SELECT * FROM payment_intent WHERE session = ?", (session_id,)).fetchone()
    return row


def payment_intent_row(db: sqlite3.Connection, payment_intent: str, param: str | None = None) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM payment_intent WHERE id = ?", (payment_intent,)).fetchone()
    if row is None:
        raise missing("payment_intent", payment_intent, param)
    return row


def expire(db: sqlite3.Connection, session_id: str, *, now: float, cause: Cause = NO_REQUEST) -> None:
    """End an open session, so that nobody can pay in it any more. Raises ApiError when it is not open."""
    row = session_row(db, session_id)
    if row["status"] != "open":
        raise ApiError(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{row['status']}`."
        )
    db.execute("UPDATE checkout_session SET status = 'expired' WHERE id = ?", (session_id,))
    db.execute("UPDATE payment_intent SET status = 'canceled' WHERE session = ?", (session_id,))
    record(db, "checkout.session.expired", session_object(db, session_id), now=now, cause=cause)


def expire_overdue(db: sqlite3.Connection, *, now: float) -> int:
    """End the sessions whose time is over; returns how many."""
    overdue = db.execute("SELECT id FROM checkout_session WHERE status = 'open' AND expires_at <= ?", (now,)).fetchall()
    for row in overdue:
        expire(db, row["id"], now=now)
    return len(overdue)


def pay(
    db: sqlite3.Connection, session_id: str, card: StripeCard, *, email: str, name: str, settle_after: int, now: float
) -> Outcome:
    """One attempt to pay with `card`. The payment intent comes into being with the first attempt."""
    expire_overdue(db, now=now)
    row = session_row(db, session_id)
    if row["status"] != "open":
        return Outcome.ALREADY if row["status"] == "complete" else Outcome.EXPIRED
    db.execute("UPDATE checkout_session SET email = ?, name = ? WHERE id = ?", (email, name, session_id))
    db.execute(
        "INSERT INTO payment_intent (id, session, created, currency, amount, status, card)"
        " VALUES (?, ?, ?, ?, ?, 'requires_payment_method', ?)"
        " ON CONFLICT (session) DO UPDATE SET card = excluded.card, status = excluded.status, error = NULL",
        (new_id("pi_3"), session_id, int(now), row["currency"], row["amount"], card.slug),
    )
    match card.behaviour:
        case Behaviour.PAY:
            return _succeed(db, session_id, now=now)
        case Behaviour.DECLINE:
            return _decline(db, session_id, card.code, card.decline_code, now=now)
        case Behaviour.AUTHENTICATE:
            db.execute("UPDATE payment_intent SET status = 'requires_action' WHERE session = ?", (session_id,))
            return Outcome.AUTHENTICATE
        case Behaviour.SETTLE_LATER | Behaviour.FAIL_LATER:
            return _accept(db, session_id, settles_at=int(now) + settle_after, now=now)


def authenticate(db: sqlite3.Connection, session_id: str, *, approved: bool, now: float) -> Outcome:
    """The customer's word at his bank, for the attempt that waits for it."""
    expire_overdue(db, now=now)
    row, payment = session_row(db, session_id), payment_row(db, session_id)
    if row["status"] != "open":
        return Outcome.ALREADY if row["status"] == "complete" else Outcome.EXPIRED
    if payment is None or payment["status"] != "requires_action":
        return Outcome.DECLINED
    if approved:
        return _succeed(db, session_id, now=now)
    return _decline(db, session_id, "payment_intent_authentication_failure", None, now=now)


def settle_due(db: sqlite3.Connection, *, now: float) -> int:
    """Decide the delayed payments whose time has come; returns how many."""
    due = db.execute("SELECT session, card FROM payment_intent WHERE settles_at <= ?", (now,)).fetchall()
    for payment in due:
        card = CARDS_BY_SLUG[payment["card"]]
        if card.behaviour is Behaviour.SETTLE_LATER:
            db.execute("UPDATE checkout_session SET payment_status = 'paid' WHERE id = ?", (payment["session"],))
            db.execute(
                "UPDATE payment_intent SET status = 'succeeded', settles_at = NULL WHERE session = ?",
                (payment["session"],),
            )
            type_ = "checkout.session.async_payment_succeeded"
            _charged(db, payment["session"], now=now)
        else:
            _decline(db, payment["session"], card.code, card.decline_code, now=now)
            type_ = "checkout.session.async_payment_failed"
        record(db, type_, session_object(db, payment["session"]), now=now)
    return len(due)


def _succeed(db: sqlite3.Connection, session_id: str, *, now: float) -> Outcome:
    db.execute(
        "UPDATE payment_intent SET status = 'succeeded', charge = ?, charged_at = ? WHERE session = ?",
        (new_id("ch_3"), int(now), session_id),
    )
    db.execute("UPDATE checkout_session SET status = 'complete', payment_status = 'paid' WHERE id = ?", (session_id,))
    _err(db, session_id)
    record(db, "checkout.session.completed", session_object(db, session_id), now=now)
    _charged(db, session_id, now=now)
    return Outcome.PAID


def _charged(db: sqlite3.Connection, session_id: str, *, now: float) -> None:
    payment = payment_row(db, session_id)
    assert payment is not None
    book(db, Line.CHARGE, payment["charge"], payment["amount"], payment["currency"], now=now)
    if CARDS_BY_SLUG[payment["card"]].disputed:
        open_dispute(db, payment, now=now)


def _err(db: sqlite3.Connection, session_id: str) -> None:
    """Take another amount, or another currency, than was asked for."""
    changes = []
    if happens(db, Mischief.AMOUNT):
        changes.append("amount = amount - 100")
    if happens(db, Mischief.CURRENCY):
        changes.append("currency = CASE currency WHEN 'usd' THEN 'eur' ELSE 'usd' END")
    for change in changes:
        db.execute(f"UPDATE checkout_session SET {change} WHERE id = ?", (session_id,))
        db.execute(f"UPDATE payment_intent SET {change} WHERE session = ?", (session_id,))


def _accept(db: sqlite3.Connection, session_id: str, *, settles_at: int, now: float) -> Outcome:
    db.execute(
        "UPDATE payment_intent SET status = 'processing', charge = ?, charged_at = ?, settles_at = ? WHERE session = ?",
        (new_id("ch_3"), int(now), settles_at, session_id),
    )
    db.execute("UPDATE checkout_session SET status = 'complete' WHERE id = ?", (session_id,))
    record(db, "checkout.session.completed", session_object(db, session_id), now=now)
    return Outcome.PROCESSING


def _decline(
    db: sqlite3.Connection, session_id: str, code: str | None, decline_code: str | None, *, now: float
) -> Outcome:
    error = {"type": "card_error", "code": code, "message": "Your card was declined."}
    if decline_code:
        error["decline_code"] = decline_code
    db.execute(
        "UPDATE payment_intent SET status = 'requires_payment_method', settles_at = NULL, error = ? WHERE session = ?",
        (json.dumps(error), session_id),
    )
    payment = payment_row(db, session_id)
    assert payment is not None
    record(db, "payment_intent.payment_failed", payment_intent_object(db, payment), now=now)
    return Outcome.DECLINED


def session_object(db: sqlite3.Connection, session_id: str, expand: Sequence[str] = ()) -> dict[str, Any]:
    """The session as the API shows it; the address of its page is gone once it is closed."""
    row, payment = session_row(db, session_id), payment_row(db, session_id)
    given = json.loads(row["parameters"])
    shown: dict[str, Any] = {
        "id": row["id"],
        "object": "checkout.session",
        "allowed_payment_method_types": given.get("allowed_payment_method_types"),
        "amount_subtotal": row["amount"],
        "amount_total": row["amount"],
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": given.get("billing_address_collection"),
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "client_secret": None,
        "created": row["created"],
        "currency": row["currency"],
        "custom_fields": [],
        "custom_text": {},
        "customer": None,
        "customer_creation": given.get("customer_creation", "if_required"),
        "customer_details": {"email": row["email"], "name": row["name"], "phone": None} if row["email"] else None,
        "customer_email": given.get("customer_email"),
        "expires_at": row["expires_at"],
        "livemode": False,
        "locale": given.get("locale"),
        "metadata": given.get("metadata", {}),
        "mode": "payment",
        "payment_intent": payment["id"] if payment else None,
        "payment_method_types": given.get("allowed_payment_method_types", ["card"]),
        "payment_status": row["payment_status"],
        "shipping_options": [],
        "status": row["status"],
        "submit_type": given.get("submit_type"),
        "success_url": given["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": row["url"] if row["status"] == "open" else None,
    }
    if "line_items" in expand:
        shown["line_items"] = _listed(
            [_line_object(line) for line in given["line_items"]], f"/v1/checkout/sessions/{row['id']}/line_items"
        )
    if payment and any(field.startswith("payment_intent") for field in expand):
        shown["payment_intent"] = payment_intent_object(
            db, payment, with_charge="payment_intent.latest_charge" in expand
        )
    return shown


def payment_intent_object(db: sqlite3.Connection, payment: sqlite3.Row, *, with_charge: bool = False) -> dict[str, Any]:
    given = json.loads(session_row(db, payment["session"])["parameters"]).get("payment_intent_data", {})
    succeeded = payment["status"] == "succeeded"
    return {
        "id": payment["id"],
        "object": "payment_intent",
        "amount": payment["amount"],
        "amount_received": payment["amount"] if succeeded else 0,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": payment["created"],
        "currency": payment["currency"],
        "customer": None,
        "description": given.get("description"),
        "last_payment_error": json.loads(payment["error"]) if payment["error"] else None,
        "latest_charge": charge_object(db, payment) if with_charge and payment["charge"] else payment["charge"],
        "livemode": False,
        # Of the payment intent alone: what the session was given is not copied here.
        "metadata": given.get("metadata", {}),
        "payment_method_types": ["card"],
        "receipt_email": given.get("receipt_email"),
        "status": payment["status"],
    }


def charge_object(db: sqlite3.Connection, payment: sqlite3.Row) -> dict[str, Any]:
    card = CARDS_BY_SLUG[payment["card"]]
    refunded = refunded_minor(db, payment["id"])
    paid = payment["status"] == "succeeded"
    intent = payment_intent_object(db, payment)
    return {
        "id": payment["charge"],
        "object": "charge",
        "amount": payment["amount"],
        "amount_captured": payment["amount"] if paid else 0,
        "amount_refunded": refunded,
        "captured": paid,
        "created": payment["charged_at"],
        "currency": payment["currency"],
        "description": intent["description"],
        "disputed": disputed(db, payment["id"]),
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": paid,
        "payment_intent": payment["id"],
        "payment_method_details": {"type": "card", "card": {"brand": card.brand, "last4": card.last4}},
        "refunded": refunded == payment["amount"],
        "status": "succeeded" if paid else "pending" if payment["status"] == "processing" else "failed",
    }


def disputed(db: sqlite3.Connection, payment_intent: str) -> bool:
    """Whether the bank holds the money of a payment back, or has given it to the guest."""
    row = db.execute(
        "SELECT 1 FROM dispute WHERE payment_intent = ? AND status IN (?, ?, 'lost')", (payment_intent, *OPEN)
    ).fetchone()
    return row is not None


def refunded_minor(db: sqlite3.Connection, payment_intent: str) -> int:
    """What has gone back or is on its way; a failed refund came back to the merchant."""
    row = db.execute(
        "SELECT coalesce(sum(amount), 0) AS minor FROM refund WHERE payment_intent = ? AND status <> 'failed'",
        (payment_intent,),
    ).fetchone()
    return int(row["minor"])


def _line_object(line: Mapping[str, Any]) -> dict[str, Any]:
    price = line["price_data"]
    amount = price["unit_amount"] * line["quantity"]
    return {
        "id": line["id"],
        "object": "item",
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "metadata": line.get("metadata", {}),
        "price": {
            "id": line["price"],
            "object": "price",
            "currency": price["currency"],
            "type": "one_time",
            "unit_amount": price["unit_amount"],
        },
        "quantity": line["quantity"],
    }


def _listed(items: Sequence[Mapping[str, Any]], url: str) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": False, "url": url}


def _amount(lines: Sequence[Mapping[str, Any]]) -> int:
    return sum(line["price_data"]["unit_amount"] * line["quantity"] for line in lines)
