"""How long a provider that is slow may keep a request waiting, and how many at once: other pages must stay quick."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import requests
from flask import current_app, has_request_context, request

from portal.payments.providers.base import GatewayBusy, GatewayUnavailable

REQUEST_SECONDS = 8.0  # all calls of one request together
CONNECT_SECONDS = 2.0  # in a request
PLACE_SECONDS = 0.5  # so long a request waits for a place
LEAST_SECONDS = 0.2  # with less left a call is not begun
UNTIL = "portal.providers_until"  # of a request's environment


class Places:
    """At most `each` requests of this process ask the same provider at a time, and `in_all` any.

    Whoever waits longest is next. A provider that is slow leaves places to the others.
    """

    def __init__(self, each: int, in_all: int) -> None:
        self._each, self._in_all = each, in_all
        self._asking: Counter[str] = Counter()
        self._line: list[tuple[object, str]] = []
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """Raises GatewayBusy where no place becomes free in time."""
        me = (object(), name)
        with self._changed:
            self._line.append(me)
            try:
                if not self._changed.wait_for(lambda: self._is_next(me), PLACE_SECONDS):
                    raise GatewayBusy
                self._asking[name] += 1
            finally:
                self._line.remove(me)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._asking[name] -= 1
                self._changed.notify_all()

    def _is_next(self, me: tuple[object, str]) -> bool:
        """Whether there is a place, and nobody before waits who could have it."""
        first = next((one for one in self._line if self._asking[one[1]] < self._each), None)
        return self._asking.total() < self._in_all and first is me


@contextmanager
def place(name: str) -> Iterator[None]:
    """Around a call to a provider; outside of a request, as in the worker, nobody waits for it. Raises GatewayBusy."""
    if not has_request_context():
        yield
        return
    with _places().taken(name):
        yield


def _places() -> Places:
    threads = current_app.config["WEB_THREADS"]
    made = Places(each=max(1, threads // 2), in_all=max(1, threads - 1))
    return cast("Places", current_app.extensions.setdefault("provider_places", made))


def timeouts(connect: float, read: float) -> tuple[float, float]:
    """Seconds for the next call: `connect` and `read`, in a request less. Raises GatewayUnavailable: none are left."""
    if not has_request_context():
        return connect, read
    until: float = request.environ.setdefault(UNTIL, time.monotonic() + REQUEST_SECONDS)
    left = until - time.monotonic()
    if left < LEAST_SECONDS:
        raise GatewayUnavailable
    return min(connect, CONNECT_SECONDS, left), min(read, left)


class PatientSession(requests.Session):
    """Connections whose calls wait no longer than they may; for libraries that know one limit for all."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(*args, **kwargs | {"timeout": timeouts(*kwargs["timeout"])})
