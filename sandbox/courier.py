"""Takes what providers tell to the portal: at least once, in any order, again after a failure or a restart."""

import http.client
import logging
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Container
from typing import ClassVar
from urllib.parse import urlsplit

from sandbox.store import Store

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_SECONDS = 10
# A thread that takes a message has this long; when its process dies meanwhile, another takes the message after it.
LEASE_SECONDS = 60
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 300
POLL_SECONDS = 1.0


class Courier(ABC):
    """Works one queue that the store keeps. Any number of threads, or of processes, may do so at once.

    queue: a table of messages with number, created, attempts, next_attempt_at, delivered_at and last_answer.
    overdue: SQL that is true at `:now` when time changes something. success: the answers that end the attempts; a
    redirect is not followed. url: where to, None delivers nothing. threads: 0 delivers nothing by itself; then call
    deliver_due.
    """

    queue: ClassVar[str]
    overdue: ClassVar[str]
    success: ClassVar[Container[int]]
    give_up_after_seconds: ClassVar[int]

    def __init__(self, store: Store, url: str | None, threads: int) -> None:
        self._store = store
        self._url = url
        self._stopping = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"{self.queue}-{number}", args=(number == 0,), daemon=True)
            for number in range(threads)
        ]

    @abstractmethod
    def settle(self, db: sqlite3.Connection, now: float) -> int:
        """Expire and settle what is due; returns how many things changed."""

    @abstractmethod
    def letter(self, message: sqlite3.Row) -> tuple[bytes, dict[str, str]]:
        """The body of a message and its headers."""

    def done(self, db: sqlite3.Connection, message: sqlite3.Row, delivered: bool) -> bool:
        """Whether no attempt follows this one."""
        return delivered

    def start(self) -> None:
        for thread in self._threads:
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
            if not db.execute(f"SELECT {self.overdue}", {"now": now}).fetchone()[0]:
                return 0  # as nearly always, and then nobody has to wait for the one who may write
        with self._store.writing() as db:
            return self.settle(db, now)

    def deliver_due(self, now: float) -> int:
        """Attempt each message due at `now` once, in this thread; returns how many were delivered."""
        delivered = 0
        while (message := self._take(now)) is not None:
            delivered += self._deliver(message, now)
        return delivered

    def _work(self, keeps_time: bool) -> None:
        while not self._stopping:
            try:
                if keeps_time:
                    self.let_time_pass(time.time())
                message = self._take(time.time())
                if message is not None:
                    self._deliver(message, time.time())
                    continue
            except sqlite3.Error:
                log.exception("The sandbox cannot read or write its state")
            with self._changed:
                if not self._stopping:
                    self._changed.wait(POLL_SECONDS)

    def _take(self, now: float) -> sqlite3.Row | None:
        """Claim the next due message, so that no other thread attempts it meanwhile."""
        if not self._url:
            return None
        due = f"SELECT number FROM {self.queue} WHERE next_attempt_at <= ? ORDER BY next_attempt_at, number LIMIT 1"
        with self._store.reading() as db:
            if db.execute(due, (now,)).fetchone() is None:
                return None
        with self._store.writing() as db:
            row: sqlite3.Row | None = db.execute(
                f"UPDATE {self.queue} SET attempts = attempts + 1, next_attempt_at = ? WHERE number = ({due})"
                " RETURNING *",
                (now + LEASE_SECONDS, now),
            ).fetchone()
        return row

    def _deliver(self, message: sqlite3.Row, now: float) -> bool:
        answer, delivered = self._post(*self.letter(message))
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (message["attempts"] - 1), LONGEST_PAUSE_SECONDS)
        with self._store.writing() as db:
            over = self.done(db, message, delivered) or now - message["created"] > self.give_up_after_seconds
            db.execute(
                f"UPDATE {self.queue} SET last_answer = ?, delivered_at = ?, next_attempt_at = ? WHERE number = ?",
                (answer, now if delivered else None, None if over else now + pause, message["number"]),
            )
        if not delivered:
            log.warning("%s %d: %s; attempt %d", self.queue, message["number"], answer, message["attempts"])
        self.nudge()
        return delivered

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[str, bool]:
        """What was answered, in a word, and whether it was success."""
        address = urlsplit(self._url or "")
        connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = connect(address.hostname or "", address.port, timeout=ANSWER_TIMEOUT_SECONDS)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        try:
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as failure:
            return f"no answer ({type(failure).__name__})", False
        finally:
            connection.close()
        return str(response.status), response.status in self.success
