"""Who in line is offered which cabin: the rules alone, against examples and against chance."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.booking.waiting.matching import FreeCabin, InLine, Passed, propose, why_not
from portal.booking.waiting.models import SkipReason

pytestmark = pytest.mark.once

FIRST = date(2024, 5, 7)
NIGHTS = 4


def nights(start=0, end=NIGHTS):
    """The evenings from `start` to before `end`, counted from the first of the voyage."""
    return frozenset(FIRST + timedelta(days=night) for night in range(start, end))


def cabin(identity, number, sleeps, grade="STB", free=None, rank=0):
    return FreeCabin(identity, number, sleeps, grade, nights() if free is None else free, rank)


def room(persons):
    return dict.fromkeys(nights(), persons)


TWO, OTHER_TWO = cabin(1, "301", 2), cabin(2, "302", 2)
THREE = cabin(3, "303", 3, "JSB", rank=1)


def party(entry_id, sleepers=2, infants=0, **given_):
    return InLine(entry_id, sleepers + infants, sleepers, **{"category": None, "nights": nights()} | given_)


def offers(proposals):
    return [(each.cabin.number, each.entry_id) for each in proposals]


def test_the_first_in_line_is_offered_the_smallest_cabin_that_sleeps_the_party():
    assert offers(propose([party(1), party(2, 3)], [THREE, TWO], room(99))) == [("301", 1), ("303", 2)]


def test_a_party_that_no_free_cabin_sleeps_is_passed_over_with_the_reason():
    proposals = propose([party(1, 3), party(2)], [TWO], room(99))

    assert offers(proposals) == [("301", 2)]
    assert proposals[0].passed == (Passed(1, SkipReason.TOO_SMALL),)


def test_an_infant_needs_no_berth_but_room_aboard():
    assert why_not(party(1, 2, infants=1), TWO, room(3)) is None
    assert why_not(party(1, 2, infants=1), TWO, room(2)) is SkipReason.NO_ROOM


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (party(1, category="JSB"), SkipReason.OTHER_CATEGORY),
        (party(1, refused=frozenset({TWO.id})), SkipReason.REFUSED_BEFORE),
        (party(1, has_offer=True), SkipReason.HAS_OFFER),
        (party(1, sold=False), SkipReason.NOT_SOLD),
    ],
)
def test_why_a_cabin_goes_to_the_next(one, reason):
    proposals = propose([one, party(2)], [TWO], room(99))

    assert offers(proposals) == [("301", 2)]
    assert proposals[0].passed == (Passed(1, reason),)


def test_who_was_served_before_is_not_called_passed_over():
    proposals = propose([party(1), party(2)], [TWO, OTHER_TWO], room(99))

    assert [each.passed for each in proposals] == [(), ()]


def test_a_cabin_free_for_a_part_goes_to_the_first_who_waits_for_that_part_and_the_whole_voyage_is_told_why():
    whole, part = party(1), party(2, nights=nights(0, 2))

    proposals = propose([whole, part], [replace(TWO, nights=nights(0, 3))], room(99))

    assert offers(proposals) == [("301", 2)]
    assert proposals[0].passed == (Passed(1, SkipReason.OTHER_NIGHTS),)


def test_whoever_came_first_gets_the_cabin_whether_he_waits_for_a_part_or_for_the_whole():
    whole, part = party(1), party(2, nights=nights(0, 2))

    assert offers(propose([whole, part], [TWO], room(99))) == [("301", 1)]
    assert offers(propose([replace(part, entry_id=1), replace(whole, entry_id=2)], [TWO], room(99))) == [("301", 1)]


def test_two_parts_that_touch_are_offered_the_same_cabin():
    first, last = party(1, nights=nights(0, 2)), party(2, nights=nights(2, 4))

    proposals = propose([first, last], [TWO], room(99))

    assert offers(proposals) == [("301", 1), ("301", 2)]
    assert [each.passed for each in proposals] == [(), ()]


def test_a_part_takes_the_cabin_that_is_of_least_use_to_others():
    part, whole = party(1, nights=nights(0, 2)), party(2)
    broken = replace(OTHER_TWO, nights=nights(0, 2) | nights(3, 4))

    assert offers(propose([part, whole], [TWO, broken], room(99))) == [("302", 1), ("301", 2)]


def test_whoever_waits_for_other_nights_is_not_passed_over():
    early, late = party(1, 3, nights=nights(0, 2)), party(2, nights=nights(2, 4))

    assert [each.passed for each in propose([early, late], [TWO], room(99))] == [()]


def test_room_aboard_counts_only_on_the_nights_of_the_part():
    full_at_first = room(99) | dict.fromkeys(nights(0, 2), 1)

    assert why_not(party(1, nights=nights(2, 4)), TWO, full_at_first) is None
    assert why_not(party(1, nights=nights(1, 4)), TWO, full_at_first) is SkipReason.NO_ROOM


some_nights = st.tuples(st.integers(0, NIGHTS - 1), st.integers(1, NIGHTS)).map(
    lambda ends: nights(ends[0], max(ends[0] + 1, ends[1]))
)
cabins = st.lists(
    st.builds(
        cabin,
        st.integers(1, 8),
        st.just("3"),
        st.integers(1, 4),
        st.sampled_from(["STB", "JSB"]),
        st.one_of(some_nights, st.just(nights()), st.just(nights(0, 1) | nights(2, 4))),
    ),
    unique_by=lambda each: each.id,
    max_size=6,
)
parties = st.lists(
    st.builds(
        party,
        st.integers(1, 30),
        st.integers(1, 4),
        st.integers(0, 1),
        category=st.sampled_from([None, "STB", "JSB"]),
        nights=st.one_of(st.just(nights()), some_nights),
        has_offer=st.booleans(),
        sold=st.sampled_from([True, True, True, False]),
        refused=st.frozensets(st.integers(1, 8), max_size=3),
    ),
    unique_by=lambda one: one.entry_id,
    max_size=8,
)
rooms = st.lists(st.integers(0, 20), min_size=NIGHTS, max_size=NIGHTS).map(
    lambda persons: dict(zip(sorted(nights()), persons, strict=True))
)


@given(parties, cabins, rooms)
def test_whatever_the_line_nothing_is_doubled_and_nobody_is_overtaken_without_a_reason(line, free, space):
    proposals = propose(line, free, space)

    by_id = {one.entry_id: one for one in line}
    served = [each.entry_id for each in proposals]
    taken = [(each.cabin.id, night) for each in proposals for night in by_id[each.entry_id].nights]
    assert len(set(served)) == len(served)
    assert len(set(taken)) == len(taken)
    assert {(each.id, night) for each in free for night in each.nights} >= set(taken)
    for night, persons in space.items():
        assert sum(by_id[entry].party for entry in served if night in by_id[entry].nights) <= persons
    for each in proposals:
        one = by_id[each.entry_id]
        assert why_not(one, each.cabin, space) is None
        before = {
            other.entry_id for other in line[: line.index(one)] if other.wants_some_of(one.nights)
        }
        assert {passed.entry_id for passed in each.passed} == before - set(served)
