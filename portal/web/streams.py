"""Answers that stay open: what changes is sent down them, and none of them keeps a thread or asks the database.

A connection that carries such an answer is taken from the web server once its headers are sent. One thread of each
process then holds them all: a few times a second it asks one `Source` what is new for every topic that anybody
follows, and writes that to whoever follows it. A thousand readers so cost hardly more than one.
"""

from __future__ import annotations

import json
import logging
import selectors
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from flask import Response, current_app, request

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5  # what changes is told within about this time
HEARTBEAT_SECONDS = 20  # a proxy takes a connection on which nothing comes for dead
MOST_STREAMS = 2000  # of one process; each is an open file
TAKEABLE = "portal.takeable"  # in the environment of a request whose connection may be taken
RETRY_MILLISECONDS = 2000

Source = Callable[[Collection[str]], dict[str, Any]]


class Hub:
    """The open answers of one process, by topic, and the thread that writes to them."""

    def __init__(self, whole: Source, news: Source) -> None:
        """whole: everything about these topics, for those who have just come. news: what of them is new since."""
        self._whole, self._news = whole, news
        self._arrived: SimpleQueue[tuple[str, socket.socket]] = SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._followers: dict[str, set[socket.socket]] = defaultdict(set)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._last_heartbeat = 0.0

    @property
    def count(self) -> int:
        return sum(len(followers) for followers in self._followers.values())

    def take(self, topic: str, connection: socket.socket, app: Any) -> None:
        """Keep a connection whose headers are sent, until its reader goes."""
        connection.setblocking(False)
        self._arrived.put((topic, connection))
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(app,), name="streams", daemon=True)
                self._thread.start()

    def _run(self, app: Any) -> None:
        while True:
            began = time.monotonic()
            try:
                with app.app_context():
                    self._tick()
            except Exception:  # the database may be away for a while: those who follow wait
                log.warning("what is followed could not be asked for", exc_info=True)
            self._notice_who_left(until=began + TICK_SECONDS)

    def _tick(self) -> None:
        for topic, told in self._news(list(self._followers)).items():
            self._send(topic, list(self._followers[topic]), told)
        newcomers: dict[str, list[socket.socket]] = defaultdict(list)
        with suppress(Empty):
            while True:
                topic, connection = self._arrived.get(block=not self._followers and not newcomers)
                newcomers[topic].append(connection)
                self._followers[topic].add(connection)
                self._selector.register(connection, selectors.EVENT_READ, topic)
        if newcomers:
            for topic, told in self._whole(list(newcomers)).items():
                self._send(topic, newcomers[topic], told)
        if time.monotonic() - self._last_heartbeat > HEARTBEAT_SECONDS:
            self._last_heartbeat = time.monotonic()
            for topic in list(self._followers):
                self._write(topic, list(self._followers[topic]), b":\n\n")

    def _send(self, topic: str, to: Collection[socket.socket], told: Any) -> None:
        self._write(topic, to, b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n")

    def _write(self, topic: str, to: Collection[socket.socket], event: bytes) -> None:
        """In the server's framing. Who cannot take a few hundred bytes at once is gone, or comes again."""
        chunk = b"%x\r\n%b\r\n" % (len(event), event)
        for connection in to:
            try:
                if connection.send(chunk) == len(chunk):
                    continue
            except OSError:
                pass
            self._let_go(topic, connection)

    def _notice_who_left(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                with suppress(OSError):
                    if connection.recv(4096):
                        continue
                self._let_go(key.data, connection)

    def _let_go(self, topic: str, connection: socket.socket) -> None:
        self._followers[topic].discard(connection)
        if not self._followers[topic]:
            del self._followers[topic]
        with suppress(KeyError, ValueError):
            self._selector.unregister(connection)
        connection.close()


def stream(hub: Hub, topic: str) -> Response | None:
    """An answer on which `hub` tells what is new about `topic`; None where this server cannot keep one open."""
    if TAKEABLE not in request.environ or hub.count >= MOST_STREAMS:
        return None
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    request.environ[TAKEABLE].append(lambda connection: hub.take(topic, connection, app))
    response = Response(iter([f"retry: {RETRY_MILLISECONDS}\n\n"]), mimetype="text/event-stream")  # of no known length
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy passes each event on at once
    return response
