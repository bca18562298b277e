"""The mark of a page that is open to everyone."""

from collections.abc import Callable
from typing import Any

View = Callable[..., Any]


def public(view: View) -> View:
    """Open to everyone, on purpose; every other view declares a permission."""
    view.access = "public"  # type: ignore[attr-defined]
    return view
