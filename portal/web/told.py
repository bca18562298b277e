"""What the next page says of an act: that it is done, or why it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import flash

from portal.kernel.errors import Refused


@contextmanager
def told(done: str, tone: str = "good", refusal: type[Refused] = Refused) -> Iterator[None]:
    """Say `done` after what is inside, or what it was refused for; other refusals than `refusal` pass."""
    try:
        yield
    except refusal as reason:
        flash(str(reason.message), "warning")
    else:
        flash(done, tone)
