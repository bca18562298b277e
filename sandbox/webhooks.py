"""Takes events to the webhook: signed, at least once, in any order, again after a failure, also after a restart."""

import hashlib
import hmac
import http.client
import json
import logging
import sqlite3
import threading
import time
from urllib.parse import urlsplit

from sandbox.checkout import expire_overdue, settle_due
from sandbox.config import SandboxConfig
from sandbox.events import event_object
from sandbox.mischief import Mischief
from sandbox.refunds import settle_refunds
from sandbox.store import Store

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_SECONDS = 10
# A thread that takes an event has this long; when its process dies meanwhile, another takes the event after it.
LEASE_SECONDS = 60
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 300
GIVE_UP_AFTER_SECONDS = 3 * 24 * 60 * 60
POLL_SECONDS = 1.0
# Who answers the webhook may ask the sandbox meanwhile, so customers who wait for it must not take every thread.
MOST_WAITING = 2


def signature(body: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 of "timestamp.body"."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


class Courier:
    """Works the queue of events that the store keeps. Any number of threads, or of processes, may do so at once."""

    def __init__(self, store: Store, config: SandboxConfig) -> None:
        self._store = store
        self._config = config
        self._stopping = False
        self._changed = threading.Condition()
        self._places_to_wait = threading.Semaphore(MOST_WAITING)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(self._config.delivery_threads):
            thread = threading.Thread(target=self._work, name=f"courier-{number}", args=(number == 0,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stopping = True
        self.nudge()
        for thread in self._threads:
            thread.join()

    def nudge(self) -> None:
        """There may be something to deliver now."""
        with self._changed:
            self._changed.notify_all()

    def let_time_pass(self, now: float) -> int:
        """Expire and settle what is due; returns how many things changed."""
        with self._store.reading() as db:
            row = db.execute(
                "SELECT EXISTS (SELECT 1 FROM checkout_session WHERE status = 'open' AND expires_at <= :now)"
                " OR EXISTS (SELECT 1 FROM payment_intent WHERE settles_at <= :now)"
                " OR EXISTS (SELECT 1 FROM refund WHERE settles_at <= :now) AS due",
                {"now": now},
            ).fetchone()
        if not row["due"]:
            return 0  # as nearly always, and then nobody has to wait for the one who may write
        with self._store.writing() as db:
            return expire_overdue(db, now=now) + settle_due(db, now=now) + settle_refunds(db, now=now)

    def deliver_due(self, now: float) -> int:
        """Attempt each event due at `now` once, in this thread; returns how many were delivered."""
        delivered = 0
        while (event := self._take(now)) is not None:
            delivered += self._deliver(event, now)
        return delivered

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

    def _untold(self, session_id: str) -> bool:
        with self._store.reading() as db:
            row = db.execute(
                "SELECT 1 FROM event WHERE type = 'checkout.session.completed' AND next_attempt_at IS NOT NULL"
                " AND last_answer IS NULL AND json_extract(object, '$.id') = ?",
                (session_id,),
            ).fetchone()
        return row is not None

    def _work(self, keeps_time: bool) -> None:
        while not self._stopping:
            try:
                if keeps_time:
                    self.let_time_pass(time.time())
                event = self._take(time.time())
                if event is not None:
                    self._deliver(event, time.time())
                    continue
            except sqlite3.Error:
                log.exception("The sandbox cannot read or write its state")
            with self._changed:
                if not self._stopping:
                    self._changed.wait(POLL_SECONDS)

    def _take(self, now: float) -> sqlite3.Row | None:
        """Claim the next due event, so that no other thread attempts it meanwhile."""
        if not self._config.webhook_url:
            return None
        due = "SELECT number FROM event WHERE next_attempt_at <= ? ORDER BY next_attempt_at, number LIMIT 1"
        with self._store.reading() as db:
            if db.execute(due, (now,)).fetchone() is None:
                return None
        with self._store.writing() as db:
            row: sqlite3.Row | None = db.execute(
                f"UPDATE event SET attempts = attempts + 1, next_attempt_at = ? WHERE number = ({due}) RETURNING *",
                (now + LEASE_SECONDS, now),
            ).fetchone()
        return row

    def _deliver(self, event: sqlite3.Row, now: float) -> bool:
        with self._store.reading() as db:
            odd = db.execute("SELECT kind FROM odd_event WHERE event = ?", (event["id"],)).fetchone()
        forged = odd is not None and odd["kind"] == Mischief.FORGED
        body = json.dumps(event_object(event), indent=2, ensure_ascii=False).encode()
        answer, delivered = self._post(body, forged=forged)
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (event["attempts"] - 1), LONGEST_PAUSE_SECONDS)
        again = delivered and odd is not None and odd["kind"] == Mischief.TWICE
        over = (delivered and not again) or forged or now - event["created"] > GIVE_UP_AFTER_SECONDS
        with self._store.writing() as db:
            db.execute(
                "UPDATE event SET last_answer = ?, delivered_at = ?, next_attempt_at = ? WHERE number = ?",
                (answer, now if delivered else None, None if over else now + pause, event["number"]),
            )
            if again:
                db.execute("DELETE FROM odd_event WHERE event = ?", (event["id"],))
        if not delivered:
            log.warning("Event %s (%s): %s; attempt %d", event["id"], event["type"], answer, event["attempts"])
        self.nudge()
        return delivered

    def _post(self, body: bytes, *, forged: bool) -> tuple[str, bool]:
        """Only 2xx is success: a redirect is not followed, and is a failure."""
        assert self._config.webhook_url is not None
        assert self._config.webhook_secret is not None
        address = urlsplit(self._config.webhook_url)
        connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = connect(address.hostname or "", address.port, timeout=ANSWER_TIMEOUT_SECONDS)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            # Signed anew for each attempt: the receiver refuses a signature older than five minutes.
            "Stripe-Signature": signature(
                body, "whsec_guessed" if forged else self._config.webhook_secret, int(time.time())
            ),
            "User-Agent": "Stripe/1.0 (payment sandbox)",
        }
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        try:
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as failure:
            return f"no answer ({type(failure).__name__})", False
        finally:
            connection.close()
        return str(response.status), 200 <= response.status < 300
