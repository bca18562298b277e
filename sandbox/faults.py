"""What the next request to a provider's API meets, on demand: a fault, an answer that is lost, or one that is slow."""

import sqlite3
from enum import StrEnum


class Fault(StrEnum):
    FAULT = "fault"  # nothing is done, and the answer is an error of the server
    LOST = "lost"  # what was asked is done, and the answer never arrives
    SLOW = "slow"  # the answer takes longer than anybody waits
    NONE = "none"  # all is well with this one; the next is the one that is meant


SLOW_SECONDS = 30.0


def order_fault(db: sqlite3.Connection, channel: str, fault: Fault) -> None:
    """For the next request to the API of `channel`; several are met one after the other."""
    db.execute("INSERT INTO fault (channel, kind) VALUES (?, ?)", (channel, fault))


def next_fault(db: sqlite3.Connection, channel: str) -> Fault | None:
    row = db.execute("SELECT * FROM fault WHERE channel = ? ORDER BY number LIMIT 1", (channel,)).fetchone()
    if row is None:
        return None
    db.execute("DELETE FROM fault WHERE number = ?", (row["number"],))
    return Fault(row["kind"])
