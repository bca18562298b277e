"""Whether a transfer can still arrive in time, counted in days on which Russian banks work."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.payments.bank_days import MARGIN, bank_day_after, in_time, is_bank_day, last_safe_day, transfer_terms

pytestmark = pytest.mark.once


def noon(*day: int) -> datetime:
    return datetime(*day, 9, tzinfo=UTC)  # in Moscow


@pytest.mark.parametrize(
    ("chosen", "send_by", "due"),
    [
        (noon(2024, 2, 15), date(2024, 2, 16), datetime(2024, 2, 21, 15, tzinfo=UTC)),  # over a week-end
        (noon(2024, 2, 20), date(2024, 2, 21), datetime(2024, 2, 27, 15, tzinfo=UTC)),  # the 23rd is a holiday
        (noon(2024, 4, 26), date(2024, 5, 2), datetime(2024, 5, 7, 15, tzinfo=UTC)),  # bridge days in May
        (noon(2023, 12, 29), date(2024, 1, 9), datetime(2024, 1, 12, 15, tzinfo=UTC)),  # New Year
        (datetime(2024, 2, 15, 22, tzinfo=UTC), date(2024, 2, 19), datetime(2024, 2, 22, 15, tzinfo=UTC)),
    ],
)
def test_weekends_and_holidays_do_not_count(chosen, send_by, due):
    terms = transfer_terms(chosen)

    assert (terms.send_by, terms.due) == (send_by, due)


def test_banks_rest_on_weekends_and_holidays():
    rest = [day for day in (date(2024, 2, 1) + timedelta(days=n) for n in range(29)) if not is_bank_day(day)]

    assert [day.day for day in rest] == [3, 4, 10, 11, 17, 18, 23, 24, 25]
    assert bank_day_after(date(2024, 2, 22), 1) == date(2024, 2, 26)


def test_the_last_safe_day_is_the_last_one_on_which_money_comes_in_time():
    for days in range(30, 60):
        starts_at = noon(2024, 4, 1) + timedelta(days=days)
        last = last_safe_day(starts_at)

        assert in_time(starts_at, noon(last.year, last.month, last.day))
        assert not any(in_time(starts_at, noon(last.year, last.month, last.day) + timedelta(n)) for n in range(1, 9))
        assert transfer_terms(noon(last.year, last.month, last.day)).due + MARGIN <= starts_at
