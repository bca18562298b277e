"""The one place that reads the clock: business time, which may be shifted, and real time, which never is."""

from datetime import UTC, datetime, timedelta

_shift = timedelta(0)


def real_now() -> datetime:
    """The world's time: for sessions, tokens and signatures."""
    return datetime.now(UTC)


def now() -> datetime:
    """The time by which the portal sells and sails: real time in production, shifted in the demonstration."""
    return datetime.now(UTC) + _shift


def shift_business_time(by: timedelta) -> None:
    """Set once at the start of a process, from the demonstration's data folder."""
    global _shift
    _shift = by


def business_shift() -> timedelta:
    """How far business time is from real time; zero in production."""
    return _shift
