"""When money sent by bank transfer is here: counted in days on which Russian banks work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.kernel.working_days import is_working_day

BANK_ZONE = ZoneInfo("Europe/Moscow")  # the clocks by which Russian banks end their day
DAYS_TO_SEND = 1  # for the payer, after the day on which he gets the invoice
DAYS_ON_THE_WAY = 3  # for the banks
END_OF_DAY = time(18)
MARGIN = timedelta(days=7)  # proposed: before the cruise, so that what comes late can still be put right


def is_bank_day(day: date) -> bool:
    """Neither a week-end nor a holiday in Russia."""
    return is_working_day(day, ("RU",))


def bank_day_after(day: date, count: int) -> date:
    """The `count`-th bank day after `day`."""
    while count:
        day += timedelta(days=1)
        count -= is_bank_day(day)
    return day


@dataclass(frozen=True)
class TransferTerms:
    send_by: date  # sent on this day, the money is here in time
    due: datetime  # aware; until then it is waited for


def transfer_terms(now: datetime) -> TransferTerms:
    """For a transfer that is chosen now."""
    send_by = bank_day_after(now.astimezone(BANK_ZONE).date(), DAYS_TO_SEND)
    here = bank_day_after(send_by, DAYS_ON_THE_WAY)
    return TransferTerms(send_by, datetime.combine(here, END_OF_DAY, BANK_ZONE).astimezone(UTC))


def transfer_due(chosen_at: datetime) -> datetime:
    """Until when a transfer chosen then is waited for."""
    return transfer_terms(chosen_at).due


def in_time(starts_at: datetime, now: datetime) -> bool:
    """Whether money sent by a transfer chosen now is surely here before a cruise that starts then."""
    return transfer_due(now) + MARGIN <= starts_at


def last_safe_day(starts_at: datetime) -> date:
    """The last day on which choosing a transfer for a cruise that starts then is safe."""
    day = (starts_at - MARGIN).astimezone(BANK_ZONE).date()
    while not in_time(starts_at, datetime.combine(day, time(12), BANK_ZONE)):
        day -= timedelta(days=1)
    return day
