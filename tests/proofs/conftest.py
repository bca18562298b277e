"""The portal as processes of its own, over the very database of the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.proofs.customer import Customer
from tests.proofs.processes import Portal, portal

C = TypeVar("C", bound=Customer)


@pytest.fixture
def running(app: Any, database: None, tmp_path: Path) -> Iterator[Portal]:
    """Not started yet: each test starts what it needs. The limits of one address are off, for all come from one."""
    for kept in ("secrets.json", "clock.json"):
        shutil.copy(app.config["PORTAL_DATA"] / kept, tmp_path / kept)
    with portal(tmp_path, RATELIMIT_ENABLED="0") as made:
        yield made


@pytest.fixture
def leaving() -> Iterator[Callable[[C], C]]:
    """leaving(customer) is the customer, whose connections are closed at the end of the test."""
    came: list[Customer] = []

    def note(customer: C) -> C:
        came.append(customer)
        return customer

    yield note
    for customer in came:
        customer.close()
