"""Payments meet the payment sandbox, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.payments.providers.stripe import StripeProvider
from tests.sandbox.server import KEY, SECRET, RunningSandbox, running_sandbox, sandboxed


@pytest.fixture
def provider(app: Any, tmp_path: Path) -> Iterator[RunningSandbox]:
    """The sandbox, with the application's providers pointed at it."""
    with running_sandbox(tmp_path) as running:
        settings = sandboxed(running)
        before = {name: app.config[name] for name in settings}
        app.config.update(settings)
        app.extensions.pop("payment_providers", None)
        yield running
        for taker in app.extensions.pop("payment_providers", {}).values():
            taker.close()
        app.config.update(before)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """The sandbox by itself."""
    with running_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def taker(sandbox: RunningSandbox) -> Iterator[StripeProvider]:
    """What knows Stripe, by itself, asking the sandbox."""
    built = StripeProvider(api_key=KEY, webhook_secret=SECRET, api_base=sandbox.url)
    yield built
    built.close()
