"""Parts of a price: whatever happens, they make up what is owed, and what is paid stays."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.payments.plans.schedule import (
    Part,
    Step,
    Terms,
    asked,
    due_by,
    locked_on,
    open_parts,
    paid_parts,
    postpone,
    refit,
    schedule,
    spread,
)

pytestmark = pytest.mark.once
some = settings(max_examples=60)

TODAY = date(2024, 2, 15)
START = date(2024, 5, 7)
DEPOSIT = Terms((Step(days=45),), percent=30, lock_percent=30)

days_around = st.integers(-200, 400).map(lambda days: TODAY + timedelta(days=days))
steps = st.one_of(
    st.builds(Step, days=st.integers(0, 300), weight=st.integers(1, 9)),
    st.builds(Step, on=days_around, weight=st.integers(1, 9)),
)
several = st.lists(steps, min_size=1, max_size=4).map(tuple)
terms = st.one_of(
    st.builds(Terms, steps=several, percent=st.integers(1, 100)),
    st.builds(Terms, steps=several, per_person_minor=st.integers(1, 10**8)),
)
prices = st.integers(1, 10**10)
starts = st.integers(0, 500).map(lambda days: TODAY + timedelta(days=days))


def check(parts: tuple[Part, ...], price: int) -> None:
    assert sum(part.minor for part in parts) == price
    assert all(part.minor > 0 for part in parts)
    assert [part.due for part in parts] == sorted({part.due for part in parts})


@some
@given(terms, prices, st.integers(1, 12), starts)
def test_parts_make_up_the_price_and_the_first_is_due_at_once(terms, price, persons, start):
    parts = schedule(terms, price, persons, start, TODAY)

    check(parts, price)
    assert parts[0].due == TODAY


@some
@given(terms, prices, starts, st.lists(st.tuples(prices, starts, st.integers(0, 60), prices), max_size=6))
def test_a_plan_fitted_again_and_again_makes_up_what_is_owed_and_keeps_what_was_paid(terms, price, start, changes):
    parts = schedule(terms, price, 2, start, TODAY)
    paid, today = 0, TODAY

    for new_price, new_start, later, payment in changes:
        paid += min(payment, price - min(price, paid))
        today += timedelta(days=later)
        before = sum(part.minor for part in paid_parts(parts, min(paid, new_price)))
        late = sum(part.minor for part in open_parts(parts, paid) if part.due <= today)
        parts = refit(parts, paid=paid, price=new_price, start=new_start, today=today)
        price = new_price

        check(parts, price)
        assert sum(part.minor for part in paid_parts(parts, paid)) == min(paid, price) >= before
        assert due_by(parts, today) >= min(price, paid + late)


@some
@given(terms, prices, starts, prices, days_around)
def test_a_plan_put_off_asks_for_nothing_earlier_and_loses_nothing(terms, price, start, payment, until):
    parts = schedule(terms, price, 1, start, TODAY)
    paid = min(payment, price)

    later = postpone(parts, paid=paid, until=until)

    check(later, price)
    assert all(part.due >= until for part in open_parts(later, paid))


@some
@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_a_spread_loses_no_unit_and_is_off_by_less_than_one(minor, weights):
    shares = spread(minor, weights)

    assert sum(shares) == minor
    whole = sum(weights)
    assert all(abs(one * whole - minor * weight) < whole for one, weight in zip(shares, weights, strict=True))


@some
@given(terms, prices, starts, st.integers(0, 10**10))
def test_what_is_open_and_what_is_paid_make_up_the_parts(terms, price, start, paid):
    parts = schedule(terms, price, 1, start, TODAY)

    assert sum(part.minor for part in open_parts(parts, paid)) == price - min(paid, price)
    assert (asked(parts, paid, TODAY) is None) == (paid >= price)


def test_thirty_per_cent_now_and_the_rest_before_the_cruise():
    assert schedule(DEPOSIT, 200_000, 2, START, TODAY) == (
        Part(TODAY, 60_000),
        Part(date(2024, 3, 23), 140_000, days=45),
    )


def test_whoever_books_late_pays_all_at_once():
    assert schedule(DEPOSIT, 200_000, 2, START, date(2024, 3, 23)) == (Part(date(2024, 3, 23), 200_000),)


def test_a_fixed_sum_is_paid_for_each_person_and_never_more_than_the_price():
    fixed = Terms((Step(days=45),), per_person_minor=40_000)

    assert schedule(fixed, 200_000, 3, START, TODAY)[0].minor == 120_000
    assert schedule(fixed, 100_000, 3, START, TODAY) == (Part(TODAY, 100_000),)


def test_a_dearer_cruise_adds_to_the_parts_to_come_and_asks_for_nothing_now():
    parts = schedule(DEPOSIT, 200_000, 2, START, TODAY)

    dearer = refit(parts, paid=60_000, price=250_000, start=START, today=TODAY)

    assert dearer == (Part(TODAY, 60_000), Part(date(2024, 3, 23), 190_000, days=45))


def test_a_later_cruise_moves_the_days_that_hang_on_it():
    parts = schedule(DEPOSIT, 200_000, 2, START, TODAY)

    moved = refit(parts, paid=60_000, price=200_000, start=START + timedelta(days=10), today=TODAY)

    assert moved[1].due == date(2024, 4, 2)


def test_an_earlier_cruise_asks_at_once_for_what_would_have_been_due():
    parts = schedule(DEPOSIT, 200_000, 2, START, TODAY)

    moved = refit(parts, paid=60_000, price=200_000, start=TODAY + timedelta(days=20), today=TODAY)

    assert asked(moved, 60_000, TODAY) == Part(TODAY, 140_000)


def test_the_price_is_locked_with_the_part_that_reaches_the_limit():
    slow = Terms((Step(days=60), Step(days=45)), percent=10, lock_percent=30)
    parts = schedule(slow, 200_000, 2, START, TODAY)

    assert locked_on(parts, 200_000, 10) == TODAY
    assert locked_on(parts, 200_000, 30) == START - timedelta(days=60)
