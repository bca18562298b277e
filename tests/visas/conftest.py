"""The entry rules of the season, and a store of files for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.visas.services import load_rules
from tests.factories import NOON


@pytest.fixture
def rules(database):
    load_rules(now=NOON)


@pytest.fixture
def store(app, tmp_path):
    """Where uploaded files go; `list(store.rglob("*"))` is what is kept."""
    before = app.config["FILES_URL"]
    folder = Path(tmp_path) / "files"
    folder.mkdir()
    app.config["FILES_URL"] = f"file://{folder}"
    yield folder
    app.config["FILES_URL"] = before
