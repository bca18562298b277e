"""Sums divided in whole minor units: nothing is lost, nobody pays more than is there."""

from hypothesis import given
from hypothesis import strategies as st

from portal.payments.shares.division import cut, for_some, returned_by

AMOUNTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=8)


@given(whole=st.integers(0, 10**9), prices=AMOUNTS)
def test_the_parts_of_all_passengers_are_the_whole(whole, prices):
    by_passenger = dict(enumerate(prices))

    parts = [for_some(whole, by_passenger, {one}) for one in by_passenger]

    assert sum(parts) == whole
    assert for_some(whole, by_passenger, set(by_passenger)) == whole


@given(amounts=AMOUNTS, most=st.integers(0, 10**10))
def test_what_is_cut_is_within_the_sum_and_nothing_grows(amounts, most):
    after = cut(amounts, most)

    assert sum(after) == min(sum(amounts), most)
    assert all(new <= old for new, old in zip(after, amounts, strict=True))


@given(held=AMOUNTS, part=st.fractions(0, 1))
def test_what_goes_back_is_in_proportion_and_never_more_than_came(held, part):
    amount = int(sum(held) * part)

    back = returned_by(amount, held)

    assert sum(back) == amount
    assert all(0 <= one <= came for one, came in zip(back, held, strict=True))


def test_the_kopeck_that_is_left_goes_to_the_largest_remainder():
    assert [for_some(100, {1: 1, 2: 1, 3: 1}, {one}) for one in (1, 2, 3)] == [34, 33, 33]
    assert cut([500, 300], 7) == [4, 3]
