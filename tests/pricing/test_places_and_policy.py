"""Who sleeps where, how old, and what a cancellation keeps."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kernel.ages import age_on
from portal.kernel.money import Money
from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.party import Traveller
from portal.pricing.policy import DEFAULT_POLICY, cancel_steps, kept_percent
from portal.pricing.rules import CabinFares, LineKind, take_berths

pytestmark = pytest.mark.once

def kinds(ages: list[int], *, extra: int = 1) -> list[LineKind]:
    cabin = CabinFares("STB", 1000_00, 1600_00, 850_00, 700_00 if extra else None, berths=2, extra_berths=extra)
    return [place.kind for place in take_berths(0, cabin, [Traveller(age) for age in ages])]


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([40, 38], [LineKind.ADULT, LineKind.ADULT]),
        ([40], [LineKind.SINGLE]),
        ([40, 14], [LineKind.ADULT, LineKind.CHILD]),
        ([40, 15], [LineKind.ADULT, LineKind.ADULT]),
        ([40, 2], [LineKind.ADULT, LineKind.CHILD]),
        ([40, 38, 1], [LineKind.ADULT, LineKind.ADULT, LineKind.INFANT]),
        ([40, 1], [LineKind.SINGLE, LineKind.INFANT]),
        ([8, 40, 38], [LineKind.EXTRA_BERTH, LineKind.ADULT, LineKind.ADULT]),
        ([8, 9, 40], [LineKind.CHILD, LineKind.EXTRA_BERTH, LineKind.ADULT]),
    ],
)
def test_each_traveller_has_a_place(ages, expected):
    assert kinds(ages) == expected


@pytest.mark.parametrize("ages", [[], [1], [40, 38, 20], [1, 1]])
def test_a_party_without_berths_for_all_is_refused(ages):
    with pytest.raises(PartyDoesNotFit):
        kinds(ages, extra=0)


@pytest.mark.parametrize(
    ("birth", "age"),
    [(date(2010, 5, 16), 14), (date(2010, 5, 17), 13), (date(2012, 2, 29), 12), (date(2024, 5, 16), 0)],
)
def test_age_counts_on_the_first_day_of_the_cruise(birth, age):
    assert age_on(date(2024, 5, 16), birth) == age


def test_one_born_on_29_february_grows_older_on_1_march():
    assert age_on(date(2023, 2, 28), date(2012, 2, 29)) == 10
    assert age_on(date(2023, 3, 1), date(2012, 2, 29)) == 11


@pytest.mark.parametrize(
    ("days", "percent"),
    [(61, 0), (60, 0), (59, 10), (31, 10), (30, 25), (20, 25), (19, 50), (9, 80), (5, 100), (0, 100)],
)
def test_the_policy_steps_at_the_days_it_names(days, percent):
    assert kept_percent(DEFAULT_POLICY, days) == percent


@given(st.integers(0, 10**9))
def test_what_is_kept_and_what_is_returned_make_up_the_price(minor):
    steps = cancel_steps(DEFAULT_POLICY, Money(minor, "RUB"), date(2024, 5, 16))

    assert all(step.keeps + step.returns == Money(minor, "RUB") for step in steps)
    assert [step.keeps.minor for step in steps] == sorted(step.keeps.minor for step in steps)
    assert steps[0].until == date(2024, 3, 17)
