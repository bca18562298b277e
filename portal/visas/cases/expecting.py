"""By when an authority will have answered: from our own cases, else from what it usually needs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil

from portal.kernel.working_days import is_working_day
from portal.visas.cases.models import ExpectedBy

ENOUGH = 5  # fewer of our own cases say nothing


def expected(
    *, filed_on: date, took_days: Sequence[int], usual_working_days: int, countries: Sequence[str]
) -> tuple[date, ExpectedBy]:
    """took_days: of cases like this, from filing to the answer. Nine in ten had been answered by the day given."""
    if len(took_days) >= ENOUGH:
        ordered = sorted(took_days)
        return filed_on + timedelta(ordered[ceil(0.9 * len(ordered)) - 1]), ExpectedBy.HISTORY
    day, left = filed_on, usual_working_days
    while left:
        day += timedelta(1)
        left -= is_working_day(day, countries)
    return day, ExpectedBy.LEAD_TIME
