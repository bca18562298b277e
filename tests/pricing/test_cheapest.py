"""The cheapest way a party fits into what is free."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.pricing.cheapest import FreeCabins, PartyPrice, cheapest_for_party, price_in_cabin, prices_by_category
from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.party import Party, Traveller
from portal.pricing.rules import CabinFares, Offer, Terms, price_party

pytestmark = pytest.mark.once

DAY = date(2024, 2, 15)
PLAIN = CabinFares("STB", 1000_00, 1600_00, 850_00, None, berths=2, extra_berths=0)
SUITE = CabinFares("JSB", 2000_00, 4000_00, 2000_00, 1400_00, berths=2, extra_berths=1)


def cheapest(party: Party, *free: tuple[CabinFares, int]) -> PartyPrice | None:
    kinds = [FreeCabins(fares, count) for fares, count in free]
    return cheapest_for_party(party, kinds, currency="RUB", terms=Terms(), day=DAY)


def test_the_cheapest_category_with_room_is_taken():
    price = cheapest(Party.of([40, 38]), (SUITE, 5), (PLAIN, 5))

    assert price is not None
    assert (price.categories, price.priced.total.minor, price.divided) == (("STB",), 2000_00, False)


def test_a_full_category_is_passed_over():
    price = cheapest(Party.of([40, 38]), (SUITE, 5), (PLAIN, 0))

    assert price is not None
    assert price.categories == ("JSB",)


def test_those_who_do_not_fit_one_cabin_are_divided_with_an_adult_for_each_minor():
    price = cheapest(Party.of([40, 38, 7, 9]), (PLAIN, 5))

    assert price is not None
    assert price.divided
    assert str(price.priced.party) == "40,7;38,9"
    assert price.priced.total.minor == 3700_00


def test_cabins_that_were_asked_for_are_kept():
    price = cheapest(Party.of([40], [38]), (PLAIN, 5))

    assert price is not None
    assert (str(price.priced.party), price.priced.total.minor) == ("40;38", 3200_00)


def test_where_no_category_has_room_for_all_several_do_together():
    price = cheapest(Party.of([40, 38], [30, 29]), (PLAIN, 1), (SUITE, 1))

    assert price is not None
    assert sorted(price.categories) == ["JSB", "STB"]
    assert price.priced.total.minor == 6000_00


@pytest.mark.parametrize("party", [Party.of([40, 38, 30]), Party.of([40, 7, 8])])
def test_a_party_that_cannot_be_accommodated_has_no_price(party):
    assert cheapest(party, (PLAIN, 1)) is None


def test_children_without_adults_for_two_cabins_are_not_divided():
    assert cheapest(Party.of([40, 7, 8]), (PLAIN, 5)) is None


def test_each_category_has_its_own_price():
    kinds = [FreeCabins(PLAIN, 2), FreeCabins(SUITE, 2)]

    prices = prices_by_category(Party.of([40, 38, 7]), kinds, currency="RUB", terms=Terms(), day=DAY)

    assert {code: (len(price.cabins), price.priced.total.minor) for code, price in prices.items()} == {
        "STB": (2, 3450_00),
        "JSB": (1, 5400_00),
    }


@pytest.mark.parametrize(
    ("party", "total"),
    [
        (Party.of([40, 38]), 2000_00),
        (Party.of([40, 1]), 1600_00),
        (Party.of([40, 38, 1]), 2000_00),
        (Party.of([40, 38, 1, 1]), None),
        (Party.of([40, 38, 7]), None),
        (Party.of([40], [38]), None),
    ],
)
def test_the_price_in_one_cabin_is_there_where_the_party_fits_it(party, total):
    price = price_in_cabin(party, PLAIN, currency="RUB", terms=Terms(), day=DAY)

    assert (price and price.total.minor) == total


@settings(deadline=None)  # trying every way takes its time
@given(
    st.lists(st.sampled_from([40, 16, 7, 1]), min_size=1, max_size=5).filter(lambda ages: max(ages) > 1),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(1, 3000_00),
)
def test_no_other_way_to_divide_a_party_is_cheaper(ages, plain, suites, extra):
    suite = CabinFares("JSB", 2000_00, 4000_00, 2000_00, extra, berths=2, extra_berths=1)

    found = cheapest(Party.of(ages), (PLAIN, plain), (suite, suites))

    every = [*totals(ages, [PLAIN] * plain), *totals(ages, [suite] * suites)]
    if not every:
        every = list(totals(ages, [PLAIN] * plain + [suite] * suites))
    asked = [
        price.total.minor
        for kind, count in ((PLAIN, plain), (suite, suites))
        if count and (price := price_in_cabin(Party.of(ages), kind, currency="RUB", terms=Terms(), day=DAY))
    ]
    if asked:  # as the party asked to sleep, whatever another way would cost
        assert found is not None
        assert found.priced.total.minor <= min(asked)
    else:
        assert (found and found.priced.total.minor) == min(every, default=None)


def totals(ages: list[int], cabins: list[CabinFares]) -> Iterator[int]:
    """The price of every way to put these people into these cabins, by trying all."""
    for where in product(range(len(cabins)), repeat=len(ages)):
        used = sorted(set(where))
        rooms = [tuple(Traveller(age) for age, place in zip(ages, where, strict=True) if place == n) for n in used]
        kinds = tuple(cabins[n] for n in used)
        if any(not any(one.age >= 18 for one in room) for room in rooms):
            continue
        if any(len(room) > kind.sleeps + 1 for room, kind in zip(rooms, kinds, strict=True)):
            continue
        try:
            yield price_party(Offer("RUB", kinds), Party(tuple(rooms)), day=DAY).total.minor
        except PartyDoesNotFit:
            continue
