"""Takes YooKassa's notifications to the portal: unsigned, at least once, again after a failure for a day."""

import http.client
import logging
import sqlite3
import threading
import time
from urllib.parse import urlsplit

from sandbox.config import SandboxConfig
from sandbox.store import Store
from sandbox.yookassa.payments import expire_overdue, settle_refunds

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_SECONDS = 10
LEASE_SECONDS = 60
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 300
GIVE_UP_AFTER_SECONDS = 24 * 60 * 60
POLL_SECONDS = 1.0


class Notifier:
    """Works the queue that the store keeps, in a thread of its own once it is started."""

    def __init__(self, store: Store, config: SandboxConfig) -> None:
        self._store = store
        self._config = config
        self._stopping = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._config.delivery_threads:
            self._thread = threading.Thread(target=self._work, name="notifier", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self.nudge()
        if self._thread is not None:
            self._thread.join()

    def nudge(self) -> None:
        """There may be something to deliver now."""
        with self._changed:
            self._changed.notify_all()

    def let_time_pass(self, now: float) -> int:
        """Cancel and settle what is due; how many things changed."""
        with self._store.reading() as db:
            row = db.execute(
                "SELECT EXISTS (SELECT 1 FROM yookassa_payment WHERE status = 'pending' AND expires_at <= :now)"
                " OR EXISTS (SELECT 1 FROM yookassa_refund WHERE settles_at <= :now) AS due",
                {"now": now},
            ).fetchone()
        if not row["due"]:
            return 0
        with self._store.writing() as db:
            return expire_overdue(db, now=now) + settle_refunds(db, now=now)

    def deliver_due(self, now: float) -> int:
        """Attempt each notification due at `now` once, in this thread; how many were delivered."""
        delivered = 0
        while (notice := self._take(now)) is not None:
            delivered += self._deliver(notice, now)
        return delivered

    def _work(self) -> None:
        while not self._stopping:
            try:
                self.let_time_pass(time.time())
                if self.deliver_due(time.time()):
                    continue
            except sqlite3.Error:
                log.exception("The sandbox cannot read or write its state")
            with self._changed:
                if not self._stopping:
                    self._changed.wait(POLL_SECONDS)

    def _take(self, now: float) -> sqlite3.Row | None:
        if not self._config.yookassa_url:
            return None
        due = "SELECT number FROM yookassa_notice WHERE next_attempt_at <= ? ORDER BY next_attempt_at, number LIMIT 1"
        with self._store.reading() as db:
            if db.execute(due, (now,)).fetchone() is None:
                return None
        with self._store.writing() as db:
            row: sqlite3.Row | None = db.execute(
                f"UPDATE yookassa_notice SET attempts = attempts + 1, next_attempt_at = ? WHERE number = ({due})"
                " RETURNING *",
                (now + LEASE_SECONDS, now),
            ).fetchone()
        return row

    def _deliver(self, notice: sqlite3.Row, now: float) -> bool:
        answer = self._post(notice["body"].encode())
        delivered = answer == "200"
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (notice["attempts"] - 1), LONGEST_PAUSE_SECONDS)
        over = delivered or now - notice["created"] > GIVE_UP_AFTER_SECONDS
        with self._store.writing() as db:
            db.execute(
                "UPDATE yookassa_notice SET last_answer = ?, delivered_at = ?, next_attempt_at = ? WHERE number = ?",
                (answer, now if delivered else None, None if over else now + pause, notice["number"]),
            )
        return delivered

    def _post(self, body: bytes) -> str:
        assert self._config.yookassa_url is not None
        address = urlsplit(self._config.yookassa_url)
        connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = connect(address.hostname or "", address.port, timeout=ANSWER_TIMEOUT_SECONDS)
        try:
            connection.request("POST", address.path or "/", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as failure:
            return f"no answer ({type(failure).__name__})"
        finally:
            connection.close()
        return str(response.status)
