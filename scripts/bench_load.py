"""The bench's load generator, a process of its own: one JSON job a line on stdin, one JSON answer a line on stdout."""

from __future__ import annotations

import hashlib
import hmac
import json
import selectors
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.proofs.crowd import at_once
from tests.proofs.customer import Answer, Customer, Unexpected

TIMEOUT_SECONDS = 60


def pages(url: str, seconds: float, connections: int, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Ask for one page as often as it is answered, over connections that stay open and without any cookie.

    The bytes of the request are made once and the answer is read whole but not looked into, so that this process
    does as little as it can.
    """
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Accept: text/html"]
    request = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]).encode()
    host, port = parts.hostname or "", parts.port or 80
    asked = [0] * connections
    sizes: set[int] = set()
    until = time.perf_counter() + seconds

    def visit(number: int) -> None:
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() < until:
                connection.sendall(request)
                sizes.add(_read_answer(connection))
                asked[number] += 1

    began = time.perf_counter()
    at_once(range(connections), visit)
    spent = time.perf_counter() - began
    [size] = sizes  # more than one would mean that somebody was shown another page
    return {"rate": sum(asked) / spent, "bytes": size}


def _read_answer(connection: socket.socket) -> int:
    """The length of the content of one answer, which must be a page."""
    received = bytearray()
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _some(connection)
    head = received[:end].decode("latin-1").lower()
    if not head.startswith("http/1.1 200"):
        raise RuntimeError(head.partition("\r\n")[0])
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    missing = length - (len(received) - end - 4)
    while missing > 0:
        missing -= len(_some(connection))
    return length


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(262144)
    if not received:
        raise RuntimeError("the server closed the connection")
    return received


def bookings(portal: str, clients: int, seconds: float, places: list[list[str]]) -> dict[str, Any]:
    """Book a cabin after the other for `seconds`; what has begun by then is finished and counted."""
    places = list(places)
    lock = threading.Lock()
    done: list[str] = []
    failures: list[str] = []
    codes: Counter[int] = Counter()
    until = time.perf_counter() + seconds

    def shop(number: int) -> None:
        while time.perf_counter() < until and places:
            with lock:
                sailing, cabin = places.pop()
            customer = Customer(portal)
            try:
                done.append(customer.book(sailing, cabin))
            except (Unexpected, OSError) as failure:
                failures.append(str(failure))
            finally:
                codes.update(answer.status for answer in customer.trail)
                customer.close()

    began = time.perf_counter()
    at_once(range(clients), shop)
    spent = time.perf_counter() - began
    return {
        "rate": len(done) / spent,
        "booked": len(done),
        "left": places,
        "failures": failures,
        "faults": sum(count for code, count in codes.items() if code >= 500),
    }


def race(portal: str, clients: int, sailing: str, cabin: str, refusal: str) -> dict[str, Any]:
    """All want the same cabin: each has its page open, then all press the button at once."""
    outcomes: Counter[str] = Counter()
    start = threading.Barrier(clients)

    class Racer(Customer):
        def post(self, url: str, fields: dict[str, str]) -> Answer:
            start.wait(TIMEOUT_SECONDS)
            return super().post(url, fields)

    def want(number: int) -> None:
        racer = Racer(portal)
        try:
            racer.hold(sailing, cabin)
            outcomes["won"] += 1
        except Unexpected as refused:
            polite = refused.answer.status == 422 and refusal in refused.answer.words
            outcomes["refused" if polite else f"{refused.answer.status}"] += 1
        except (OSError, threading.BrokenBarrierError) as failure:
            outcomes[type(failure).__name__] += 1
        finally:
            racer.close()

    began = time.perf_counter()
    at_once(range(clients), want)
    return {"outcomes": dict(outcomes), "seconds": time.perf_counter() - began}


def plans(
    portal: str, sailing: str, count: int, cabins: list[str], every: float, rest: float = 0
) -> dict[str, Any]:
    """Open one deck plan `count` times and keep it open, while a guest takes one of `cabins` after the other.

    rest: seconds in which nothing happens before that. Answers when all are open, and once more when all is done: how
    long until the last saw that a cabin was taken.
    """
    parts = urlsplit(portal)
    request = f"GET /ru/cruises/{sailing}/deck-plan/live HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    told: dict[str, list[float]] = {cabin: [] for cabin in cabins}
    opened = [socket.create_connection((parts.hostname or "", parts.port or 80)) for _ in range(count)]
    for connection in opened:
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ)

    def listen(seconds: float, done: Callable[[], bool]) -> None:
        until = time.perf_counter() + seconds
        while not done() and (left := until - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                received = _some(connection)
                for line in received.split(b"\n"):
                    if line.startswith(b"data:"):
                        news = json.loads(line[5:])
                        whole.add(connection) if "taken" in news else None
                        for cabin in news.get("changed", ()):
                            told.setdefault(cabin, []).append(time.perf_counter())

    whole: set[socket.socket] = set()
    listen(TIMEOUT_SECONDS, lambda: len(whole) == count)
    print(json.dumps({"open": len(whole)}), flush=True)
    listen(rest, lambda: False)
    lags = []
    guest = Customer(portal)
    for cabin in cabins:
        began = time.perf_counter()
        guest.hold(sailing, cabin)
        taken = time.perf_counter()
        listen(every, lambda cabin=cabin: len(told[cabin]) == count)  # type: ignore[misc]
        lags.append(max(told[cabin]) - taken if len(told[cabin]) == count else TIMEOUT_SECONDS)
        listen(every - (time.perf_counter() - began), lambda: False)
    guest.close()
    for connection in opened:
        connection.close()
    return {"open": len(whole), "slowest": max(lags, default=0.0), "lags": lags}


def events(portal: str, secret: str, seconds: float, connections: int, round: int) -> dict[str, Any]:
    """Tell the webhook of one new event after the other, signed as Stripe does, over connections that stay open."""
    parts = urlsplit(portal)
    told = [0] * connections
    until = time.perf_counter() + seconds

    def tell(number: int) -> None:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=TIMEOUT_SECONDS) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() < until:
                connection.sendall(_event(parts.netloc, secret, f"evt_{round}_{number}_{told[number]}"))
                _read_answer(connection)
                told[number] += 1

    began = time.perf_counter()
    at_once(range(connections), tell)
    return {"rate": sum(told) / (time.perf_counter() - began), "told": sum(told)}


def _event(host: str, secret: str, name: str) -> bytes:
    about = {"id": f"cs_test_{name}", "object": "checkout.session", "payment_intent": None, "payment_status": "paid"}
    kind = "checkout.session.completed"
    event = {"id": name, "object": "event", "created": int(time.time()), "type": kind, "data": {"object": about}}
    body, moment = json.dumps(event), int(time.time())
    signed = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    lines = ["POST /webhooks/stripe HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    lines += [f"Stripe-Signature: t={moment},v1={signed}", f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


JOBS = {job.__name__: job for job in (pages, bookings, race, plans, events)}


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = JOBS[job.pop("job")](**job)
        except Exception as failure:
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
