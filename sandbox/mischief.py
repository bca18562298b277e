"""What goes wrong with a real provider one day, on demand: planned so many times, it happens to the next occasions."""

import sqlite3
from enum import StrEnum


class Mischief(StrEnum):
    TWICE = "twice"  # an event is delivered a second time
    LAST = "last"  # an event comes after the ones that followed it
    LATE = "late"  # an event comes hours later
    LOST = "lost"  # an event is never delivered
    FORGED = "forged"  # beside an event comes one, signed by somebody else, that says its session is paid
    AMOUNT = "amount"  # another amount is taken than was asked for
    CURRENCY = "currency"  # it is taken in another currency
    NO_ANSWER = "no_answer"  # a call is carried out, and its answer does not arrive


MOST_TIMES = 1000


def plan(db: sqlite3.Connection, what: Mischief, times: int) -> None:
    """It happens the next `times` times that it can."""
    db.execute(
        "INSERT INTO mischief (kind, times) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET times = excluded.times",
        (what, min(times, MOST_TIMES)),
    )


def happens(db: sqlite3.Connection, what: Mischief) -> bool:
    """Whether it was planned; it is one time less then."""
    return db.execute("UPDATE mischief SET times = times - 1 WHERE kind = ? AND times > 0", (what,)).rowcount > 0


def planned(db: sqlite3.Connection) -> dict[str, int]:
    return {row["kind"]: row["times"] for row in db.execute("SELECT * FROM mischief WHERE times > 0")}
