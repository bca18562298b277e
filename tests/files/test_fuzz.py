"""Whatever is uploaded is taken or refused: nothing crashes, nothing is left behind, nobody waits for ever.

`FUZZ=10000 make test ARGS=tests/files/test_fuzz.py` tries ten thousand files; the suite a hundred and fifty.
"""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.database import db, transaction
from portal.files.intake import PDF, READERS, page_picture
from portal.files.services import content_of, keeping, purge, take
from portal.files.watermark import marked
from portal.kernel.errors import Refused
from tests.factories import NOON
from tests.files.malformed import CHANGES, KINDS, changed, whole

if TYPE_CHECKING:
    from flask import Flask

FUZZ = int(os.environ.get("FUZZ") or 0)
# Of what is tried, in the suite and of each ten thousand: what is opened in a process of its own takes longer.
SHARES = {"jpeg": (50, 2600), "png": (50, 2600), "webp": (40, 2000), "heic": (4, 1000), "pdf": (6, 1800)}
MOST_MEMORY = 512 * 1024 * 1024


class Fails(Exception):
    """As a database does that has gone."""


pytestmark = [pytest.mark.only("sqlite"), pytest.mark.filterwarnings("ignore")]  # Pillow warns of what is damaged


@pytest.fixture
def store(app: Flask, tmp_path: Path) -> Path:
    app.config["FILES_URL"] = f"file://{tmp_path}"
    return tmp_path


@pytest.mark.parametrize("kind", list(KINDS))
def test_whatever_is_uploaded_is_taken_or_refused_and_leaves_nothing(kind: str, store: Path) -> None:
    before, tried, taken, slowest = _memory(), 0, 0, 0.0

    @settings(
        max_examples=SHARES[kind][1] * FUZZ // 10_000 or SHARES[kind][0],
        deadline=None,
        database=None,
        derandomize=not FUZZ,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.integers(0, len(whole(kind)) - 1),
        st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 2**32)), max_size=5),
    )
    @example(0, [])
    def hand_in(number: int, changes: list[tuple[str, int]]) -> None:
        nonlocal tried, taken, slowest
        content = whole(kind)[number]
        for change, seed in changes:
            content = changed(content, change, seed)
        began = time.monotonic()
        tried += 1
        taken += _kept_and_seen(content, whole_life=tried % 8 == 1)
        slowest = max(slowest, time.monotonic() - began)
        assert [path for path in store.rglob("*") if path.is_file()] == []

    hand_in()

    own, others = _memory()
    print(f"{kind}: {tried} tried, {taken} taken, slowest {slowest:.1f} s, memory {own >> 20} and {others >> 20} MB")
    assert taken > 0
    assert slowest < READERS.seconds * 3
    assert own - before[0] < MOST_MEMORY
    if FUZZ:  # alone in its process, for which the system counts since its start
        assert max(own, others) < MOST_MEMORY


def _kept_and_seen(content: bytes, *, whole_life: bool) -> bool:
    """Whether it was taken. whole_life: up to its purge; else its transaction fails, which leaves nothing, either."""
    try:
        examined = take(content)
    except Refused:
        return False
    picture = page_picture(examined.content, examined.pages) if examined.media_type == PDF else examined.content
    marked(picture, "Rena Reviewer")
    with suppress(Fails), keeping(examined, kind="passport", now=NOON) as file:
        if not whole_life:
            raise Fails
        with transaction() as session:
            session.add(file)
        assert content_of(file) == examined.content
        purge(file_id=file.id, now=NOON)
        db.session.expunge_all()
    return True


def _memory() -> tuple[int, int]:
    """The most that this process, and any that it started, has had, in bytes."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_maxrss * 1024, others.ru_maxrss * 1024
