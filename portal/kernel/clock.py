"""The one place that reads the clock: business time, which may be shifted, and real time, which never is."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

OFFICE_ZONE = "Europe/Astrakhan"  # where the operator sits: the zone of what belongs to no port

_shift = timedelta(0)


def real_now() -> datetime:
    """The world's time: for sessions, tokens and signatures."""
    return datetime.now(UTC)


def now() -> datetime:
    """The time by which the portal sells and sails: real time in production, shifted in the demonstration."""
    return datetime.now(UTC) + _shift


def today() -> date:
    """The business day where the operator sits: by it papers are late and passports have run out."""
    return now().astimezone(ZoneInfo(OFFICE_ZONE)).date()


def shift_business_time(by: timedelta) -> None:
    """Set once at the start of a process, from the demonstration's data folder."""
    global _shift
    _shift = by


def business_shift() -> timedelta:
    """How far business time is from real time; zero in production."""
    return _shift
