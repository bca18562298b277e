"""Takes Stripe's events to the webhook, signed anew for each attempt."""

import hashlib
import hmac
import json
import sqlite3
import threading
import time

from sandbox.checkout import expire_overdue, settle_due
from sandbox.config import SandboxConfig
from sandbox.courier import POLL_SECONDS, Courier
from sandbox.events import event_object
from sandbox.mischief import Mischief
from sandbox.refunds import settle_refunds
from sandbox.store import Store

# Who answers the webhook may ask the sandbox meanwhile, so customers who wait for it must not take every thread.
MOST_WAITING = 2


def signature(body: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 of "timestamp.body"."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


class EventCourier(Courier):
    """Takes the events; some of them twice, or signed by somebody else, as the mischief in them says."""

    queue = "event"
    overdue = (
        "EXISTS (SELECT 1 FROM checkout_session WHERE status = 'open' AND expires_at <= :now)"
        " OR EXISTS (SELECT 1 FROM payment_intent WHERE settles_at <= :now)"
        " OR EXISTS (SELECT 1 FROM refund WHERE settles_at <= :now)"
    )
    success = range(200, 300)
    give_up_after_seconds = 3 * 24 * 60 * 60

    def __init__(self, store: Store, config: SandboxConfig) -> None:
        super().__init__(store, config.webhook_url, config.delivery_threads)
        self._secret = config.webhook_secret or ""
        self._places_to_wait = threading.Semaphore(MOST_WAITING)

    def settle(self, db: sqlite3.Connection, now: float) -> int:
        return expire_overdue(db, now=now) + settle_due(db, now=now) + settle_refunds(db, now=now)

    def wait_for_first_attempt(self, session_id: str, timeout: float) -> None:
        """Let the webhook hear of a completed session before the customer comes back, if it answers in time."""
        if not self._threads or not self._places_to_wait.acquire(blocking=False):
            return
        deadline = time.monotonic() + timeout
        try:
            with self._changed:
                while not self._stopping and self._untold(session_id):
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return
                    self._changed.wait(min(left, POLL_SECONDS))
        finally:
            self._places_to_wait.release()

    def letter(self, message: sqlite3.Row) -> tuple[bytes, dict[str, str]]:
        with self._store.reading() as db:
            forged = _mischief(db, message) is Mischief.FORGED
        body = json.dumps(event_object(message), indent=2, ensure_ascii=False).encode()
        return body, {
            "Content-Type": "application/json; charset=utf-8",
            # The receiver refuses a signature older than five minutes.
            "Stripe-Signature": signature(body, "whsec_guessed" if forged else self._secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (payment sandbox)",
        }

    def done(self, db: sqlite3.Connection, message: sqlite3.Row, delivered: bool) -> bool:
        mischief = _mischief(db, message)
        if delivered and mischief is Mischief.TWICE:
            db.execute("DELETE FROM odd_event WHERE event = ?", (message["id"],))
            return False
        return delivered or mischief is Mischief.FORGED

    def _untold(self, session_id: str) -> bool:
        with self._store.reading() as db:
            row = db.execute(
                "SELECT 1 FROM event WHERE type = 'checkout.session.completed' AND next_attempt_at IS NOT NULL"
                " AND last_answer IS NULL AND json_extract(object, '$.id') = ?",
                (session_id,),
            ).fetchone()
        return row is not None


def _mischief(db: sqlite3.Connection, event: sqlite3.Row) -> Mischief | None:
    odd = db.execute("SELECT kind FROM odd_event WHERE event = ?", (event["id"],)).fetchone()
    return Mischief(odd["kind"]) if odd else None
