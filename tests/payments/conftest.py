"""Payments meet the payment sandbox, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.server import SECRET, RunningSandbox, running_sandbox


@pytest.fixture
def provider(app: Any, tmp_path: Path) -> Iterator[RunningSandbox]:
    """The sandbox, with the application's gateway pointed at it."""
    before = {name: app.config[name] for name in ("STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET")}
    with running_sandbox(tmp_path) as running:
        app.config.update(STRIPE_API_BASE=running.url, STRIPE_WEBHOOK_SECRET=SECRET)
        app.extensions.pop("payment_providers", None)
        yield running
        for taker in app.extensions.pop("payment_providers", {}).values():
            taker.close()
        app.config.update(before)
