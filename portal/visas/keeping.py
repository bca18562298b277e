"""How long what was handed in is kept: a clock of its own, beside that of the document itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.kernel.clock import OFFICE_ZONE

RETENTION = timedelta(days=60)  # after the cruise; proposed: by then no port authority asks any more
KEPT_AFTER_CANCELLING = timedelta(days=30)  # proposed: by then what was paid is settled


def kept_until(ends_at: datetime, sooner: datetime | None = None) -> date:
    """The last day on which documents for a cruise that ends then are kept; sooner: where something ends it before."""
    last = ends_at + RETENTION
    return (min(last, sooner) if sooner else last).astimezone(ZoneInfo(OFFICE_ZONE)).date()
