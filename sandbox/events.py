"""Events: snapshots of objects at the moment something happened to them, queued for the webhook."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.mischief import Mischief, happens
from sandbox.store import new_id

API_VERSION = "2026-10-28.endive"
LAST_SECONDS, LATE_SECONDS = 30, 5 * 60 * 60


@dataclass(frozen=True)
class Cause:
    """The API request that led to an event; both are null when the customer or time did."""

    id: str | None = None
    idempotency_key: str | None = None


NO_REQUEST = Cause()


def record(
    db: sqlite3.Connection, type_: str, about: Mapping[str, Any], *, now: float, cause: Cause = NO_REQUEST
) -> str:
    """Keep the event in the caller's transaction, due for delivery at once; returns its id. Mischief may befall it."""
    due: float | None = now
    if happens(db, Mischief.LOST):
        due = None
    elif happens(db, Mischief.LAST):
        due = now + LAST_SECONDS
    elif happens(db, Mischief.LATE):
        due = now + LATE_SECONDS
    event_id = _keep(db, type_, about, due, now=now, cause=cause)
    if happens(db, Mischief.TWICE):
        db.execute("INSERT INTO odd_event (event, kind) VALUES (?, ?)", (event_id, Mischief.TWICE))
    if happens(db, Mischief.FORGED):
        _forge(db, about, now=now)
    return event_id


def _forge(db: sqlite3.Connection, about: Mapping[str, Any], *, now: float) -> None:
    """An event of somebody else: the session that this one is about is said to be paid."""
    payment = about["id"] if about["object"] == "payment_intent" else about.get("payment_intent")
    row = db.execute("SELECT session FROM payment_intent WHERE id = ?", (payment,)).fetchone()
    session = about["id"] if row is None else row["session"]
    claim = {"id": session, "object": "checkout.session", "payment_status": "paid", "status": "complete"}
    forged = _keep(db, "checkout.session.completed", claim, now, now=now, cause=NO_REQUEST)
    db.execute("INSERT INTO odd_event (event, kind) VALUES (?, ?)", (forged, Mischief.FORGED))


def _keep(
    db: sqlite3.Connection, type_: str, about: Mapping[str, Any], due: float | None, *, now: float, cause: Cause
) -> str:
    event_id = new_id("evt_1")
    db.execute(
        "INSERT INTO event (id, created, type, object, request, next_attempt_at) VALUES (?, ?, ?, ?, ?, ?)",
        (event_id, int(now), type_, json.dumps(about), json.dumps(vars(cause)), due),
    )
    return event_id


def event_object(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "event",
        "api_version": API_VERSION,
        "created": row["created"],
        "data": {"object": json.loads(row["object"])},
        "livemode": False,
        "pending_webhooks": 0 if row["next_attempt_at"] is None else 1,
        "request": json.loads(row["request"]),
        "type": row["type"],
    }
