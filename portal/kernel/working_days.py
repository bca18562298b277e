"""Days on which the offices of countries work: neither a week-end nor a public holiday in any of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import holidays

USUAL_WEEKEND = frozenset({5, 6})  # Saturday and Sunday, where nothing is known of a country
KEPT = 4096


def known(country: str, year: int) -> bool:
    """Whether the public holidays of a country are known for a year; where not, only week-ends are left out."""
    return _calendar(country, year) is not None


def is_working_day(day: date, countries: Iterable[str]) -> bool:
    """In every one of them. A week-end made a working day counts as rest, to be on the safe side."""
    return not any(_rests(day, country) for country in countries)


@lru_cache(KEPT)
def working_days_before(day: date, count: int, countries: tuple[str, ...]) -> date:
    """The day from which `count` days pass before `day` on which all these countries work."""
    while count:
        day -= timedelta(1)
        count -= is_working_day(day, countries)
    return day


def holidays_between(first: date, last: date, countries: tuple[str, ...]) -> tuple[date, ...]:
    """Days from `first` until before `last` that would be working days but for a holiday of one of them."""
    days = (first + timedelta(n) for n in range((last - first).days))
    return tuple(day for day in days if _only_holiday(day, countries))


def _only_holiday(day: date, countries: tuple[str, ...]) -> bool:
    weekend = any(day.weekday() in _weekend(country, day.year) for country in countries)
    return not weekend and not is_working_day(day, countries)


def _rests(day: date, country: str) -> bool:
    calendar = _calendar(country, day.year)
    if calendar is None:
        return day.weekday() in USUAL_WEEKEND
    weekend, free = calendar
    return day.weekday() in weekend or day in free


def _weekend(country: str, year: int) -> frozenset[int]:
    calendar = _calendar(country, year)
    return USUAL_WEEKEND if calendar is None else calendar[0]


@lru_cache(KEPT)
def _calendar(country: str, year: int) -> tuple[frozenset[int], frozenset[date]] | None:
    """Days of the week that are free, and the public holidays of the year. None where they are not known."""
    try:
        found = holidays.country_holidays(country, years=year)
    except NotImplementedError:  # of such a country the package knows nothing
        return None
    return (frozenset(found.weekend), frozenset(found)) if found else None
