"""The sandbox at a free port, a webhook that receives its events, and a customer without a browser."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from flask import request
from werkzeug.serving import make_server

from sandbox import SandboxConfig, create_sandbox, services
from sandbox.mischief import Mischief, plan
from sandbox.services import Services

SECRET = "whsec_for_tests"
KEY = "sk_test_for_tests"
CARD = "4242 4242 4242 4242"


@dataclass
class Webhook:
    """Keeps each request it receives; answers with the next of `answers`, then with 200."""

    url: str
    received: list[tuple[bytes, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    _free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.release()

    def hold(self) -> None:
        """Take requests and leave them without an answer until `release`."""
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    def wait_while_held(self) -> None:
        self._free.wait()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.received]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]


@dataclass(frozen=True)
class Asked:
    """One request to the sandbox; parameters of the address and of the body, as they were written."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]


@dataclass
class RunningSandbox:
    url: str
    services: Services
    webhook: Webhook
    asked: list[Asked]

    def deliver(self, after_seconds: float = 0) -> int:
        """What the couriers would do `after_seconds` from now: settle what is due, attempt what is due."""
        now = time.time() + after_seconds
        self.services.courier.let_time_pass(now)
        self.services.notifier.let_time_pass(now)
        return self.services.courier.deliver_due(now) + self.services.notifier.deliver_due(now)

    def fail_next(self, channel: str, *kinds: str) -> None:
        """The next requests to `channel` go wrong in turn: "fault", "lost", "slow", or "none" for one that does not."""
        for kind in kinds:
            assert httpx.post(f"{self.url}/faults", data={"channel": channel, "kind": kind}).status_code == 303

    def plan(self, what: Mischief, times: int = 1) -> None:
        """It happens the next `times` times that it can."""
        with self.services.store.writing() as db:
            plan(db, what, times)

    def pay(self, page: str, number: str = CARD, **typed: str) -> httpx.Response:
        """Type a card into the page at `page` and press the button."""
        form = {"email": "anna@example.org", "number": number, "expiry": "12/34", "cvc": "123", "name": "ANNA"} | typed
        return httpx.post(page, data=form)


@contextmanager
def running_sandbox(
    folder: Path,
    *,
    webhook_url: str | None = None,
    yookassa_url: str | None = None,
    delivery_threads: int = 0,
    settle_after_seconds: int = 60,
) -> Iterator[RunningSandbox]:
    """A sandbox over real HTTP, its state in `folder`. Without threads, `deliver` moves it on.

    webhook_url: where events go; by default to `webhook`, which only keeps them.
    """
    with receiving_webhook() as webhook:
        app = create_sandbox(
            SandboxConfig(
                database=folder / "sandbox.db",
                mail=folder / "mail",
                webhook_url=webhook_url or webhook.url,
                webhook_secret=SECRET,
                yookassa_url=yookassa_url or webhook.url,
                delivery_threads=delivery_threads,
                settle_after_seconds=settle_after_seconds,
            )
        )
        asked: list[Asked] = []

        @app.before_request
        def note() -> None:
            given = (*request.args.items(multi=True), *request.form.items(multi=True))
            asked.append(Asked(request.method, request.path, given, dict(request.headers)))

        with _serving(make_server("127.0.0.1", 0, app, threaded=True)) as port:
            yield RunningSandbox(f"http://127.0.0.1:{port}", services(app), webhook, asked)
        services(app).courier.stop()
        services(app).notifier.stop()


def sandboxed(sandbox: RunningSandbox) -> dict[str, str]:
    """The settings of a portal whose providers are all played by `sandbox`."""
    return {
        "STRIPE_API_BASE": sandbox.url,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "YOOKASSA_API_BASE": f"{sandbox.url}/v3",
        "TURKMENBANK_URL": f"{sandbox.url}/payment/rest",
    }


@contextmanager
def receiving_webhook() -> Iterator[Webhook]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.received.append((body, self.headers.get("Stripe-Signature", "")))
            webhook.wait_while_held()
            status = webhook.answers.pop(0) if webhook.answers else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", webhook.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    webhook = Webhook(f"http://127.0.0.1:{server.server_port}/webhooks/stripe")
    with _serving(server):
        yield webhook


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Until `true()`; for what other threads do. Fails after `seconds`."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.01)


def words(html: str) -> str:
    """What a reader sees of a page, on one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html.partition("<body>")[2])))


@contextmanager
def _serving(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
