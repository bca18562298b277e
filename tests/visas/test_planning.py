"""Planning backwards in working days, by hand with the calendars of spring 2024."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.kernel.working_days import holidays_between, is_working_day, known, working_days_before
from portal.visas.planning import Deadline, Step, StepKind, deadline, plan
from portal.visas.terms import Regime

pytestmark = pytest.mark.once

BOARDS = date(2024, 5, 7)  # a Tuesday


@pytest.mark.parametrize(
    ("day", "count", "countries", "expected"),
    [
        (date(2024, 5, 7), 2, ("RU",), date(2024, 5, 3)),
        # Russia rests from 28 April to 1 May, and works on Saturday the 27th instead: not counted, for safety.
        (date(2024, 5, 3), 2, ("RU",), date(2024, 4, 26)),
        (date(2024, 5, 3), 2, ("TM",), date(2024, 5, 1)),
        (date(2024, 4, 12), 2, ("TM", "RU"), date(2024, 4, 9)),  # 10 April is a holiday of one of them
        (date(2024, 5, 6), 1, ("IR",), date(2024, 5, 5)),  # a Sunday is a working day in Iran, a Friday is not
        (date(2024, 5, 4), 1, ("IR",), date(2024, 5, 2)),
    ],
)
def test_working_days_are_those_of_all_countries(day, count, countries, expected):
    assert working_days_before(day, count, countries) == expected


def test_of_a_country_without_a_calendar_the_week_ends_are_left_out():
    assert known("TM", 2024)
    assert not known("XX", 2024)
    assert working_days_before(date(2024, 5, 7), 2, ("XX",)) == date(2024, 5, 3)


def test_the_holidays_left_out_are_named_without_week_ends():
    assert holidays_between(date(2024, 3, 5), date(2024, 4, 5), ("TM", "RU")) == (
        date(2024, 3, 8),
        date(2024, 3, 21),
        date(2024, 3, 22),
    )


def test_a_russian_on_the_way_to_a_turkmen_visa():
    way = plan("TM", Regime.VISA_LOI, "RU", BOARDS)

    assert [(step.kind, step.starts, step.days) for step in way.steps] == [
        (StepKind.IN_HAND, date(2024, 4, 30), 7),
        (StepKind.AUTHORITY, date(2024, 4, 5), 15),
        (StepKind.INVITATION, date(2024, 3, 5), 20),
        (StepKind.CHECK, date(2024, 3, 1), 2),
        (StepKind.AGAIN, date(2024, 2, 22), 5),  # 23 February is a holiday
        (StepKind.GATHER, date(2024, 2, 19), 3),
    ]
    assert (way.book_by, way.upload_by, way.apply_by) == (date(2024, 2, 19), date(2024, 2, 22), date(2024, 4, 5))
    assert way.steps[1].holidays == (date(2024, 4, 10), date(2024, 4, 29))


def test_a_consulate_rests_on_the_holidays_of_its_own_country_and_of_its_applicants():
    consulate = plan("TM", Regime.VISA_LOI, "DE", BOARDS).steps[1]
    portal_of_the_state = plan("RU", Regime.EVISA, "DE", BOARDS).steps[1]

    assert consulate.countries == ("TM", "DE")
    assert consulate.holidays == (date(2024, 4, 10),)  # Easter was in March
    assert portal_of_the_state.countries == ("RU",)


def test_citizens_of_a_country_without_a_calendar_are_told_so():
    step = plan("TM", Regime.VISA_LOI, "XX", BOARDS).steps[1]

    assert step.unknown == ("XX",)


def test_without_an_invitation_all_papers_are_due_at_once():
    way = plan("RU", Regime.EVISA, "DE", BOARDS)

    assert StepKind.INVITATION not in {step.kind for step in way.steps}
    assert way.papers_by == way.upload_by == date(2024, 4, 12)


@pytest.mark.parametrize(
    ("today", "stand"),
    [
        (date(2024, 2, 3), Deadline.OK),  # 19 days before: a quarter of the 75 that follow is 18
        (date(2024, 2, 4), Deadline.AMBER),
        (date(2024, 2, 22), Deadline.AMBER),
        (date(2024, 2, 23), Deadline.LATE),
        (date(2024, 3, 27), Deadline.LATE),
        (date(2024, 3, 28), Deadline.IMPOSSIBLE),
    ],
)
def test_a_day_by_which_is_far_near_past_or_too_late(today, stand):
    assert deadline(date(2024, 2, 22), date(2024, 3, 27), BOARDS, today) is stand


def test_a_day_that_little_comes_after_is_near_two_weeks_before():
    assert deadline(date(2024, 4, 30), BOARDS, BOARDS, date(2024, 4, 15)) is Deadline.OK
    assert deadline(date(2024, 4, 30), BOARDS, BOARDS, date(2024, 4, 16)) is Deadline.AMBER


def test_what_asks_nothing_of_an_authority_has_no_plan():
    with pytest.raises(LookupError):
        plan("KZ", Regime.VISA_FREE, "RU", BOARDS)


@settings(deadline=None, max_examples=80)
@given(
    country=st.sampled_from(["RU", "TM", "AZ", "KZ", "IR"]),
    regime=st.sampled_from([Regime.VISA, Regime.VISA_LOI, Regime.EVISA, Regime.VISA_FREE_GROUP]),
    nationality=st.sampled_from(["RU", "DE", "US", "IR", "XX"]),
    boards=st.dates(date(2023, 6, 1), date(2026, 12, 31)),
)
def test_a_safe_plan_is_never_shorter_and_each_step_is_worked_out_of_working_days(country, regime, nationality, boards):
    safe = plan(country, regime, nationality, boards)
    hope = plan(country, regime, nationality, boards, safe=False)

    assert safe.book_by <= safe.upload_by <= safe.papers_by <= safe.apply_by <= safe.in_hand < boards
    assert safe.upload_by <= hope.upload_by <= hope.apply_by < boards
    for step, before in zip(safe.steps[1:], safe.steps, strict=False):
        assert worked(step, before.starts) == step.days
        assert not step.days or is_working_day(step.starts, step.countries)


def worked(step: Step, until: date) -> int:
    days = (step.starts + timedelta(n) for n in range((until - step.starts).days))
    return sum(is_working_day(day, step.countries) for day in days)
