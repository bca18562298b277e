"""Who stands in line for a cabin: whoever keeps the list says so, and visitors without a place in it come after."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime

from portal.catalogue.models import Cabin, Sailing

InLine = Callable[[Sailing, Cabin, Collection[date], datetime], bool]
_lists: list[InLine] = []


def keeps_a_line(someone_waits: InLine) -> InLine:
    """Register what knows whether somebody is to be offered a free cabin of a sailing before it is sold to others, on
    any of the nights that they want."""
    _lists.append(someone_waits)
    return someone_waits


def someone_waits(sailing: Sailing, cabin: Cabin, nights: Collection[date], now: datetime) -> bool:
    return any(ask(sailing, cabin, nights, now) for ask in _lists)
