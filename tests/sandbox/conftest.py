import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.server import KEY, RunningSandbox, running_sandbox

Api = Callable[..., httpx.Response]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def api(sandbox: RunningSandbox) -> Iterator[Api]:
    """api("POST /v1/refunds", {...}) as Stripe's documentation shows it with curl."""
    with httpx.Client(base_url=sandbox.url, headers={"Authorization": f"Bearer {KEY}"}) as client:

        def call(request: str, form: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
            method, _, path = request.partition(" ")
            return client.request(
                method, path, data=form, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )

        yield call


@pytest.fixture
def form() -> dict[str, Any]:
    """A session of one cabin for two, as the portal asks for it."""
    return {
        "mode": "payment",
        "client_reference_id": "PG-7K2M9",
        "line_items[0][price_data][currency]": "rub",
        "line_items[0][price_data][unit_amount]": "17900000",
        "line_items[0][price_data][product_data][name]": "Каюта 312, категория DLX",
        "line_items[0][quantity]": "2",
        "locale": "ru",
        "metadata[booking]": "PG-7K2M9",
        "success_url": "https://portal.example/ru/bookings/PG-7K2M9?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://portal.example/ru/bookings/PG-7K2M9/pay",
        "expires_at": str(int(time.time()) + 35 * 60),
    }


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
