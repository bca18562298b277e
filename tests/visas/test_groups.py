"""Groups for Iran stay legal whoever drops out, and days of answers come from history. Pure."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.visas.cases.expecting import expected
from portal.visas.cases.grouping import LEAST, MOST, Groups, group
from portal.visas.cases.models import ExpectedBy

pytestmark = pytest.mark.once

PARTIES = st.dictionaries(st.text("ABCDEFGH", min_size=2, max_size=4), st.integers(1, 10), max_size=60)


def legal(groups: Groups, parties: dict[str, int]) -> None:
    """Everybody once, no party torn apart, every size allowed; alone only where all are too few together."""
    placed = [party for members in groups.by_number.values() for party in members]
    assert sorted([*placed, *groups.alone]) == sorted(parties)
    assert all(LEAST <= size <= MOST for size in groups.sizes(parties).values())
    assert bool(groups.alone) == (0 < sum(parties.values()) < LEAST)


@given(PARTIES)
def test_whoever_travels_the_groups_are_legal(parties):
    legal(group(parties, {}), parties)


@given(PARTIES, st.data())
def test_whoever_drops_out_or_joins_the_groups_stay_legal(parties, data):
    before = group(parties, {})
    gone = data.draw(st.sets(st.sampled_from(sorted(parties)))) if parties else set()
    joined = data.draw(st.dictionaries(st.text("XYZ", min_size=3, max_size=3), st.integers(1, 10), max_size=10))
    now = {party: size for party, size in parties.items() if party not in gone} | joined

    legal(group(now, before.by_number), now)


@given(PARTIES)
def test_where_nothing_has_changed_every_list_stays(parties):
    before = group(parties, {})

    assert group(parties, before.by_number) == before


@settings(max_examples=200)
@given(PARTIES, st.data())
def test_one_party_that_drops_out_touches_two_lists_at_most(parties, data):
    before = group(parties, {})
    if not before.by_number:
        return
    gone = data.draw(st.sampled_from(sorted(parties)))
    now = {party: size for party, size in parties.items() if party != gone}

    after = group(now, before.by_number)

    touched = {
        number
        for number in {*before.by_number, *after.by_number}
        if tuple(party for party in before.by_number.get(number, ()) if party != gone)
        != after.by_number.get(number, ())
    }
    if after.by_number:
        assert len(touched) <= 2


def test_a_group_that_becomes_too_small_takes_a_party_where_no_list_has_room():
    before = {1: ("A", "B"), 2: tuple(f"P{number}" for number in range(10))}
    parties = {"A": 3, "B": 3} | {f"P{number}": 5 for number in range(10)}

    after = group({party: size for party, size in parties.items() if party != "A"}, before)

    assert after.sizes(parties) == {1: 8, 2: 45}


def test_russians_four_and_five():
    assert group({"A": 4}, {}).alone == ("A",)
    assert group({"A": 4, "B": 1}, {}).by_number == {1: ("A", "B")}


def test_an_answer_is_expected_by_what_an_authority_usually_needs_until_there_are_enough_cases():
    filed = date(2024, 3, 1)  # a Friday; 8 and 21 to 22 March are holidays of one or both

    usual = expected(filed_on=filed, took_days=[30] * 4, usual_working_days=5, countries=("TM", "RU"))
    ours = expected(filed_on=filed, took_days=[10, 12, 11, 30, 14, 13, 12, 12, 11, 16], usual_working_days=5,
                    countries=("TM", "RU"))

    assert usual == (date(2024, 3, 11), ExpectedBy.LEAD_TIME)
    assert ours == (date(2024, 3, 17), ExpectedBy.HISTORY)


@given(took=st.lists(st.integers(0, 200), min_size=5, max_size=40))
def test_nine_in_ten_of_our_cases_had_been_answered_by_the_day_that_is_told(took):
    filed = date(2024, 3, 1)

    day, _why = expected(filed_on=filed, took_days=took, usual_working_days=5, countries=("RU",))

    assert sum((day - filed).days >= one for one in took) >= 0.9 * len(took)
