"""Events: snapshots of objects at the moment something happened to them, queued for the webhook."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.store import new_id

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Cause:
    """The API request that led to an event; both are null when the customer or time did."""

    id: str | None = None
    idempotency_key: str | None = None


NO_REQUEST = Cause()


def record(
    db: sqlite3.Connection, type_: str, about: Mapping[str, Any], *, now: float, cause: Cause = NO_REQUEST
) -> str:
    """Keep the event in the caller's transaction, due for delivery at once; returns its id."""
    event_id = new_id("evt_1")
    db.execute(
        "INSERT INTO event (id, created, type, object, request, next_attempt_at) VALUES (?, ?, ?, ?, ?, ?)",
        (event_id, int(now), type_, json.dumps(about), json.dumps(vars(cause)), now),
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
