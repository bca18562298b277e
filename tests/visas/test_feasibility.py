"""Whether a party can still get what a voyage asks of its passports, on a day."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.visas.feasibility import WORSE, Chance, Holder, SailingChance, by_destination, said_to, sailing_chance
from portal.visas.rule_file import read_rules
from tests.visas.voyages import ALL, CAS5, LVG, NTH, TRI

pytestmark = pytest.mark.once

RULES = by_destination(read_rules())
FEBRUARY = date(2024, 2, 15)
LASTING = date(2031, 5, 1)


def judged(voyage, *party: Holder, today: date = FEBRUARY) -> SailingChance:
    said = {one.citizenship: said_to(one.citizenship, voyage, RULES) for one in party}
    return sailing_chance(party, voyage, said, today)


def told(chance: SailingChance) -> dict[str, tuple[str, list[str]]]:
    """By country, how it stands and why it is no better, of the first verdict."""
    return {
        one.country: (one.chance.value, [reason.key for reason in one.verdicts[0].reasons if reason.key not in CALM])
        for one in chance.countries
    }


# These say what is asked for, and stand in nobody's way.
CALM = {"regime_visa_free", "regime_visa_loi", "regime_own_national", "regime_evisa", "border_prior_only"}


def test_a_russian_family_on_three_countries():
    chance = judged(TRI, *[Holder("RU", LASTING)] * 2)

    assert told(chance) == {
        "RU": ("can", []),
        "AZ": ("ask", ["border_blocked_border"]),
        "TM": ("can", []),
    }
    # Counted by hand in test_planning.
    assert (chance.book_by, chance.upload_by) == (date(2024, 2, 19), date(2024, 2, 22))
    assert chance.countries[2].verdicts[0].holders == (1, 2)


@pytest.mark.parametrize(
    ("today", "chance", "reasons"),
    [
        (date(2024, 2, 19), "can", []),
        (date(2024, 2, 20), "only_with", ["with_luck"]),
        (date(2024, 3, 27), "only_with", ["with_luck"]),
        (date(2024, 3, 28), "cannot", ["too_late"]),
    ],
)
def test_the_last_safe_day_and_the_last_day_of_all(today, chance, reasons):
    assert told(judged(TRI, Holder("RU", LASTING), today=today))["TM"] == (chance, reasons)


def test_two_days_too_short_are_said_before_anything_is_booked():
    short = judged(TRI, Holder("RU", date(2024, 11, 12)))
    enough = judged(TRI, Holder("RU", date(2024, 11, 14)))

    reason = short.countries[2].verdicts[0].reasons[0]
    assert (reason.key, reason.params["until"]) == ("passport_renewed", "2024-11-14")
    assert short.countries[2].chance is Chance.ONLY_WITH
    assert enough.countries[2].chance is Chance.CAN


def test_who_is_refused_cannot_whatever_the_others_can():
    chance = judged(TRI, Holder("RU", LASTING), Holder("AM", LASTING))

    assert chance.chance is Chance.CANNOT
    assert [(one.holders, one.chance.value) for one in chance.countries[1].verdicts] == [
        ((1,), "ask"),
        ((2,), "cannot"),
    ]


def test_what_nobody_knows_is_for_a_person():
    assert told(judged(TRI, Holder("BR", LASTING)))["TM"] == ("ask", ["by_analogy"])


def test_conditions_are_named():
    iran = told(judged(CAS5, Holder("RU", LASTING)))["IR"]
    baku = told(judged(NTH, Holder("DE", LASTING)))["AZ"]
    twice = told(judged(TRI, Holder("DE", LASTING)))["RU"]

    assert iran == ("only_with", ["list_to_come"])
    assert baku == ("ask", ["leaving_by_sea", "border_by_air"])
    assert twice == ("ask", ["border_check_port", "one_visa_each"])


def test_at_home_nothing_is_asked_and_no_day_is_set():
    chance = judged(LVG, Holder("RU"))

    assert told(chance) == {"RU": ("can", [])}
    assert (chance.book_by, chance.notes) == (None, ())


def test_what_was_not_told_and_children_are_noted():
    chance = judged(TRI, Holder("RU", LASTING), Holder("RU", None, 7))

    assert [note.key for note in chance.notes] == ["expiry_unknown", "consent"]


@settings(deadline=None, max_examples=60)
@given(
    voyage=st.sampled_from(ALL),
    party=st.lists(
        st.builds(
            Holder,
            st.sampled_from(["RU", "TM", "KZ", "AM", "DE", "FR", "BR", "US"]),
            st.none() | st.dates(date(2024, 1, 1), date(2034, 1, 1)),
            st.none() | st.integers(0, 90),
        ),
        min_size=1,
        max_size=4,
    ),
    today=st.dates(date(2024, 1, 1), date(2024, 7, 1)),
)
def test_every_holder_has_his_answer_and_time_never_helps(voyage, party, today):
    now, later = judged(voyage, *party, today=today), judged(voyage, *party, today=date(2024, 7, 1))

    assert [one.country for one in now.countries] == list(voyage.countries)
    for before, after in zip(now.countries, later.countries, strict=True):
        places = sorted(place for verdict in before.verdicts for place in verdict.holders)
        assert places == list(range(1, len(party) + 1))
        assert WORSE[before.chance] <= WORSE[after.chance]
        assert all(verdict.reasons or verdict.chance is Chance.CAN for verdict in before.verdicts)
