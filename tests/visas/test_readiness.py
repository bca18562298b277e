"""How ready a sailing is: worked out from papers, predicted from their pace, and tried without a call."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from portal.accounts.models import Role
from portal.database import db
from portal.kernel.errors import NotFound
from portal.visas.models import ChecklistItem, ItemState
from portal.visas.readiness.board import Paper, Ready, change_of, predict, readiness, trial, without
from portal.visas.readiness.queries import board_page
from portal.visas.rule_file import read_rules
from portal.visas.services import accept, refresh_checklist, submit_document
from portal.visas.terms import Severity, Supplier
from tests.factories import NOON, details, make_account, make_booking, make_part, make_ring, make_season
from tests.files import uploads
from tests.visas.voyages import AWZ, CAS5, LVG, TRI, traveller

TODAY = date(2024, 2, 15)
RULES = tuple(read_rules())


def paper(state: ItemState = ItemState.TODO, **given) -> Paper:
    return replace(
        Paper(1, "visa_tm", "TM", Supplier.GUEST, Severity.REQUIRED, state, TODAY + timedelta(30)), **given
    )


@pytest.mark.parametrize(
    ("papers", "unclear", "answer"),
    [
        ((), False, Ready.READY),
        ((), True, Ready.BLOCKED),
        ((paper(ItemState.ACCEPTED), paper(ItemState.WAIVED)), False, Ready.READY),
        ((paper(ItemState.IN_REVIEW), paper(ItemState.ACCEPTED)), False, Ready.IN_REVIEW),
        ((paper(ItemState.IN_REVIEW), paper(supplier=Supplier.OPERATOR)), False, Ready.WITH_US),
        ((paper(ItemState.CHANGES_REQUESTED), paper(supplier=Supplier.OPERATOR)), False, Ready.WITH_GUEST),
        ((paper(severity=Severity.BLOCKING), paper()), False, Ready.BLOCKED),
        ((paper(severity=Severity.RECOMMENDED), paper(supplier=Supplier.BORDER)), False, Ready.READY),
    ],
)
def test_the_worst_that_is_missing_says_how_a_passenger_stands(papers, unclear, answer):
    assert readiness(papers, unclear) is answer


@pytest.mark.once
def test_the_pace_of_two_weeks_is_carried_to_the_cutoff():
    found = predict(left=30, accepted=14, today=TODAY, cutoff=TODAY + timedelta(20))

    assert (found.unready, found.done_on, found.in_time) == (10, TODAY + timedelta(30), False)


@pytest.mark.once
def test_where_nothing_moves_everything_that_is_missing_stays_missing():
    found = predict(left=5, accepted=0, today=TODAY, cutoff=TODAY + timedelta(100))

    assert (found.unready, found.done_on) == (5, None)
    assert predict(left=0, accepted=0, today=TODAY, cutoff=TODAY).in_time


@pytest.mark.once
@given(left=st.integers(0, 500), accepted=st.integers(0, 500), days=st.integers(-30, 200))
def test_a_prediction_is_never_beyond_what_is_missing_and_in_time_means_done_by_then(left, accepted, days):
    cutoff = TODAY + timedelta(days)

    found = predict(left=left, accepted=accepted, today=TODAY, cutoff=cutoff)

    assert 0 <= found.unready <= left
    if left and days >= 0:
        assert found.in_time == (found.done_on is not None and found.done_on <= cutoff)


@pytest.mark.once
def test_only_a_call_on_the_way_can_be_left_out():
    shorter = without(TRI, "TMKRW")

    assert shorter is not None
    assert "TM" not in shorter.countries
    assert [without(TRI, port) for port in ("RUASF", "IRBAZ")] == [None, None]


@pytest.mark.once
def test_without_turkmenbashi_nobody_needs_its_papers():
    shorter = without(CAS5, "TMKRW")
    assert shorter is not None

    change = change_of(traveller("RU"), CAS5, shorter, RULES)

    assert {"loi", "visa_tm", "form_loi"} <= {document for document, _country in change.dropped}
    assert change.added == frozenset()


@pytest.mark.once
@given(
    voyage=st.sampled_from([TRI, CAS5, AWZ, LVG]),
    citizenship=st.sampled_from(["RU", "DE", "TM", "KZ", "AM", "ZZ"]),
    port=st.sampled_from(["TMKRW", "AZBAK", "KZAAU", "IRBAZ", "RUMCX", "RUASF"]),
)
def test_a_trial_changes_nothing_and_nobody_is_less_ready_than_the_papers_say(voyage, citizenship, port):
    own = {1: (traveller(citizenship), voyage)}
    papers = {1: [paper(ItemState.ACCEPTED)]}
    before = (dict(own), {1: list(papers[1])})

    tried = trial(port, own, papers, RULES)

    assert (own, papers) == before
    assert 0 <= tried.ready_after <= tried.passengers
    if without(voyage, port) is None:
        assert (tried.dropped, tried.added, tried.ready_before) == ({}, {}, tried.ready_after)


@pytest.fixture
def season(rules, store):
    return make_season()


def booked(season, cabin: int = 0, **given):
    booking = make_booking(season, cabin=cabin, passengers=(details(**given),))
    refresh_checklist(booking_id=booking.id, now=NOON)
    return booking


def hand_in(booking, *documents: str, accepted: bool = True) -> None:
    items = db.session.scalars(
        select(ChecklistItem).where(ChecklistItem.passenger_id == booking.passengers[0].id)
    ).all()
    for item in items:
        if item.document in documents or (not documents and item.supplier is Supplier.GUEST):
            submission = submit_document(item_id=item.id, content=uploads.jpeg((60, 40)), now=NOON)
            if accepted:
                accept(submission_id=submission.id, reviewer=make_account(Role.REVIEWER), now=NOON)


def test_the_board_counts_by_country_and_names_whom_to_call(season):
    done, waiting = booked(season), booked(season, cabin=1)
    hand_in(done)
    hand_in(waiting, "passport", accepted=False)

    page = board_page(season.sailing.code, TODAY)

    turkmen = {row.country: row for row in page.countries}["TM"]
    assert dict(turkmen.by) == {Ready.WITH_US: 1, Ready.WITH_GUEST: 1}
    assert [(row.booking, row.phone, row.contact) for row in page.calls] == [
        (waiting.reference, "+7 900 1234567", "Anna Ivanova")
    ]
    assert page.whole.accepted > 0
    assert page.trial is None


def test_those_whose_papers_are_due_first_are_called_first(season):
    booked(season)
    late = booked(season, cabin=1)
    item = db.session.scalars(
        select(ChecklistItem).where(ChecklistItem.passenger_id == late.passengers[0].id).limit(1)
    ).one()
    item.due = TODAY - timedelta(3)
    item.supplier = Supplier.GUEST
    item.severity = Severity.REQUIRED
    db.session.commit()

    page = board_page(season.sailing.code, TODAY)

    assert page.calls[0].booking == late.reference
    assert max(row.late for row in page.countries) == 1


def test_nothing_known_of_a_passport_stands_in_the_way(season):
    booked(season, citizenship="ZW")

    page = board_page(season.sailing.code, TODAY)

    assert {row.country: dict(row.by) for row in page.countries}["RU"] == {Ready.BLOCKED: 1}


def test_a_trial_without_turkmenbashi_frees_its_papers_and_stores_nothing(season):
    booking = booked(season)
    hand_in(booking, "form_loi")
    stored = [(item.key, item.state) for item in db.session.scalars(select(ChecklistItem).order_by("id"))]

    page = board_page(season.sailing.code, TODAY, skip="TMKRW")

    assert page.trial is not None
    freed = {one.document.within("en"): (one.passengers, one.have) for one in page.trial.dropped}
    assert freed["Questionnaire for the invitation"] == (1, 1)
    assert freed["Turkmen visa"] == (1, 0)
    assert [(item.key, item.state) for item in db.session.scalars(select(ChecklistItem).order_by("id"))] == stored


def test_guests_of_a_part_are_asked_for_its_countries_alone(rules):
    season = make_ring()
    part = make_part(season.sailing, 4, 5)
    booking = make_booking(season, passengers=(details(),), part=part)
    refresh_checklist(booking_id=booking.id, now=NOON)

    page = board_page(season.sailing.code, TODAY)

    assert {row.country: row.passengers for row in page.countries} == {"RU": 1, "TM": 0, "AZ": 0, "KZ": 1}


def test_what_is_not_there_is_not_found(season):
    with pytest.raises(NotFound):
        board_page("NOPE", TODAY)
    for port in ("RUASF", "NOPE"):
        with pytest.raises(NotFound):
            board_page(season.sailing.code, TODAY, skip=port)


def test_more_bookings_cost_no_more_statements(season):
    def statements() -> int:
        db.session.rollback()
        db.session.expire_all()
        seen: list[str] = []
        def note(*given: object) -> None:
            seen.append(str(given[2]))

        event.listen(db.engine, "before_cursor_execute", note)
        board_page(season.sailing.code, TODAY, skip="TMKRW")
        event.remove(db.engine, "before_cursor_execute", note)
        return len([one for one in seen if one.startswith("SELECT")])

    booked(season)
    few = statements()
    for cabin in (1, 2, 3):
        booked(season, cabin=cabin)

    assert statements() <= few <= 9


@pytest.mark.parametrize("language", ["en", "ru", "tk"])
def test_the_board_is_a_page_for_the_operator_and_leads(season, browser, language):
    booked(season)
    address = f"/{language}/staff/sailings/{season.sailing.code}/readiness?skip=TMKRW"

    browser.sign_in(make_account(Role.LEAD))
    assert browser.open(address).status == 200
    browser.sign_in(make_account(Role.REVIEWER))
    assert browser.open(address).status == 403
