"""The SQLite file that is the truth: sessions, payments, refunds, events with their deliveries, answers given."""

import secrets
import sqlite3
import string
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS checkout_session (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'complete', 'expired')),
    payment_status TEXT NOT NULL CHECK (payment_status IN ('paid', 'unpaid')),
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    url TEXT NOT NULL,
    parameters TEXT NOT NULL,
    email TEXT,
    name TEXT,
    CHECK (status = 'complete' OR payment_status = 'unpaid')
);
CREATE INDEX IF NOT EXISTS ix_session_open ON checkout_session (expires_at) WHERE status = 'open';
CREATE TABLE IF NOT EXISTS payment_intent (
    id TEXT PRIMARY KEY,
    session TEXT NOT NULL UNIQUE REFERENCES checkout_session (id),
    created INTEGER NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (
        status IN ('requires_payment_method', 'requires_action', 'processing', 'succeeded', 'canceled')
    ),
    charge TEXT UNIQUE,
    charged_at INTEGER,
    card TEXT NOT NULL,
    error TEXT,
    settles_at INTEGER,
    CHECK ((status = 'processing') = (settles_at IS NOT NULL)),
    CHECK (status NOT IN ('processing', 'succeeded') OR charge IS NOT NULL)
);
CREATE INDEX IF NOT EXISTS ix_payment_intent_settles ON payment_intent (settles_at) WHERE settles_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS refund (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    payment_intent TEXT NOT NULL REFERENCES payment_intent (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    reason TEXT,
    metadata TEXT NOT NULL,
    settles_at INTEGER
);
CREATE INDEX IF NOT EXISTS ix_refund_payment_intent ON refund (payment_intent);
CREATE INDEX IF NOT EXISTS ix_refund_settles ON refund (settles_at) WHERE settles_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    type TEXT NOT NULL,
    object TEXT NOT NULL,
    request TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL,
    delivered_at REAL,
    last_answer TEXT
);
CREATE INDEX IF NOT EXISTS ix_event_due ON event (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS dispute (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    payment_intent TEXT NOT NULL REFERENCES payment_intent (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('needs_response', 'under_review', 'won', 'lost')),
    due_by INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS balance (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_balance_created ON balance (created);
CREATE TABLE IF NOT EXISTS mischief (kind TEXT PRIMARY KEY, times INTEGER NOT NULL);
-- Events that are delivered a second time, and those that are signed by somebody else.
CREATE TABLE IF NOT EXISTS odd_event (event TEXT PRIMARY KEY, kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS yookassa_payment (
    id TEXT PRIMARY KEY,
    created REAL NOT NULL,
    expires_at REAL NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'waiting_for_capture', 'succeeded', 'canceled')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    parameters TEXT NOT NULL,
    method TEXT,
    asked INTEGER NOT NULL DEFAULT 0,
    captured_at REAL,
    party TEXT,
    reason TEXT,
    CHECK ((status = 'succeeded') = (captured_at IS NOT NULL)),
    CHECK ((status = 'canceled') = (reason IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS ix_yookassa_payment_open ON yookassa_payment (expires_at) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS yookassa_refund (
    id TEXT PRIMARY KEY,
    created REAL NOT NULL,
    payment TEXT NOT NULL REFERENCES yookassa_payment (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'canceled')),
    parameters TEXT NOT NULL,
    settles_at REAL
);
CREATE INDEX IF NOT EXISTS ix_yookassa_refund_payment ON yookassa_refund (payment);
CREATE TABLE IF NOT EXISTS yookassa_notice (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    created REAL NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL,
    delivered_at REAL,
    last_answer TEXT
);
CREATE INDEX IF NOT EXISTS ix_yookassa_notice_due ON yookassa_notice (next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS yookassa_answer (
    key TEXT PRIMARY KEY,
    created REAL NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS bank_order (
    id TEXT PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    expires_at REAL NOT NULL,
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 6),
    amount INTEGER NOT NULL CHECK (amount > 0),
    approved INTEGER NOT NULL DEFAULT 0,
    refunded INTEGER NOT NULL DEFAULT 0,
    language TEXT NOT NULL,
    return_url TEXT NOT NULL,
    fail_url TEXT,
    description TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    card TEXT,
    action_code INTEGER NOT NULL DEFAULT -100,
    settles_at REAL,
    CHECK (refunded <= approved)
);
CREATE INDEX IF NOT EXISTS ix_bank_order_due ON bank_order (expires_at) WHERE status IN (0, 5);
CREATE TABLE IF NOT EXISTS fault (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fault', 'lost', 'slow', 'none'))
);
"""
_LETTERS = string.ascii_letters + string.digits


class Store:
    """One connection a transaction, so that any number of threads may share the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. The lock is taken at once, so that what is read inside stays true until the commit."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file, seen by all that is read inside."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def new_id(prefix: str, length: int = 24) -> str:
    """An id as Stripe's look: `evt_` and letters nobody can guess."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))
