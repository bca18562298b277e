"""Who in line is offered which cabin: the rules alone, against examples and against chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.booking.waiting.matching import FreeCabin, InLine, Passed, propose, why_not
from portal.booking.waiting.models import SkipReason

pytestmark = pytest.mark.once

TWO, OTHER_TWO = FreeCabin(1, "301", 2, "STB"), FreeCabin(2, "302", 2, "STB")
THREE = FreeCabin(3, "303", 3, "JSB", rank=1)


def party(entry_id, sleepers=2, infants=0, **given_):
    return InLine(entry_id, sleepers + infants, sleepers, **{"category": None} | given_)


def offers(proposals):
    return [(each.cabin.number, each.entry_id) for each in proposals]


def test_the_first_in_line_is_offered_the_smallest_cabin_that_sleeps_the_party():
    assert offers(propose([party(1), party(2, 3)], [THREE, TWO], 99)) == [("301", 1), ("303", 2)]


def test_a_party_that_no_free_cabin_sleeps_is_passed_over_with_the_reason():
    proposals = propose([party(1, 3), party(2)], [TWO], 99)

    assert offers(proposals) == [("301", 2)]
    assert proposals[0].passed == (Passed(1, SkipReason.TOO_SMALL),)


def test_an_infant_needs_no_berth_but_room_aboard():
    assert why_not(party(1, 2, infants=1), TWO, 3) is None
    assert why_not(party(1, 2, infants=1), TWO, 2) is SkipReason.NO_ROOM


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (party(1, category="JSB"), SkipReason.OTHER_CATEGORY),
        (party(1, refused=frozenset({TWO.id})), SkipReason.REFUSED_BEFORE),
        (party(1, has_offer=True), SkipReason.HAS_OFFER),
    ],
)
def test_why_a_cabin_goes_to_the_next(one, reason):
    proposals = propose([one, party(2)], [TWO], 99)

    assert offers(proposals) == [("301", 2)]
    assert proposals[0].passed == (Passed(1, reason),)


def test_who_was_served_before_is_not_called_passed_over():
    proposals = propose([party(1), party(2)], [TWO, OTHER_TWO], 99)

    assert [each.passed for each in proposals] == [(), ()]


cabins = st.lists(
    st.builds(FreeCabin, st.integers(1, 8), st.just("3"), st.integers(1, 4), st.sampled_from(["STB", "JSB"])),
    unique_by=lambda cabin: cabin.id,
    max_size=6,
)
parties = st.lists(
    st.builds(
        party,
        st.integers(1, 30),
        st.integers(1, 4),
        st.integers(0, 1),
        category=st.sampled_from([None, "STB", "JSB"]),
        has_offer=st.booleans(),
        refused=st.frozensets(st.integers(1, 8), max_size=3),
    ),
    unique_by=lambda one: one.entry_id,
    max_size=8,
)


@given(parties, cabins, st.integers(0, 20))
def test_whatever_the_line_nothing_is_doubled_and_nobody_is_overtaken_without_a_reason(line, free, room):
    proposals = propose(line, free, room)

    by_id = {one.entry_id: one for one in line}
    served = [each.entry_id for each in proposals]
    assert len(set(served)) == len(served)
    assert len({each.cabin.id for each in proposals}) == len(proposals)
    assert sum(by_id[entry].party for entry in served) <= room
    for each in proposals:
        assert why_not(by_id[each.entry_id], each.cabin, room) is None
        before = [one.entry_id for one in line[: line.index(by_id[each.entry_id])]]
        passed = {passed.entry_id for passed in each.passed}
        assert passed == set(before) - set(served)
