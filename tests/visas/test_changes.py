"""What changes on a checklist is kept with its cause, and told in one letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.booking.access import link_token
from portal.booking.models import Booking
from portal.catalogue.models import CallState
from portal.database import db, transaction
from portal.outbox.models import OutgoingMail
from portal.outbox.services import announce, follow_up
from portal.visas.changes import Cause, ChangeKind, ItemChange, Stand, differences
from portal.visas.models import ChecklistChange
from portal.visas.rule_file import read_rules
from portal.visas.rules import requirements
from portal.visas.services import refresh_checklist
from portal.visas.terms import Severity, Supplier
from tests.browser import Browser
from tests.factories import NOON, details, make_booking, make_season
from tests.visas.voyages import ALL, traveller

RULES = read_rules()
JUNE = date(2024, 6, 1)
WHY = {"key": "asked_for_application", "params": {}}
PHOTO = Stand("photo_ir", "IR", None, JUNE, Severity.REQUIRED, True, False, WHY)


def kinds(before: dict[str, Stand], after: dict[str, Stand]) -> list[str]:
    return [change.kind.value for change in differences(before, after)]


@pytest.mark.once
@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (PHOTO, None),
        (replace(PHOTO, due=date(2024, 5, 1)), "earlier"),
        (replace(PHOTO, due=date(2024, 7, 1)), "later"),
        (replace(PHOTO, due=date(2024, 5, 1), waits=False), None),  # it is here already
        (replace(PHOTO, severity=Severity.BLOCKING), "will_not_do"),
        (None, "dropped"),
    ],
)
def test_each_paper_is_told_of_once_and_only_if_it_matters(now, kind):
    after = {"photo": now} if now else {}

    assert kinds({"photo": PHOTO}, after) == ([kind] if kind else [])


@pytest.mark.once
def test_what_is_new_and_what_holds_no_more_are_told():
    accepted = replace(PHOTO, waits=False, accepted=True)

    assert kinds({}, {"photo": PHOTO}) == ["added"]
    assert kinds({"photo": accepted}, {"photo": PHOTO}) == ["again"]
    assert kinds({"photo": replace(PHOTO, severity=Severity.BLOCKING)}, {"photo": PHOTO}) == ["will_do"]


def as_stands(passport: str, voyage, moved: int) -> dict[str, Stand]:
    stops = tuple(
        replace(stop, first_day=stop.first_day + timedelta(moved), last_day=stop.last_day + timedelta(moved))
        for stop in voyage.stops
    )
    return {
        item.key: Stand(
            item.document, item.country, item.entry_number, item.due, item.severity, True, False, {"key": "x"}
        )
        for item in requirements(traveller(passport), replace(voyage, stops=stops), RULES)
        if item.supplier is Supplier.GUEST
    }


@pytest.mark.once
@settings(deadline=None, max_examples=40)
@given(
    passport=st.sampled_from(["RU", "DE", "KZ", "TM", "US"]),
    voyage=st.sampled_from(ALL),
    other=st.sampled_from(ALL),
    moved=st.integers(0, 20),
)
def test_worked_out_twice_nothing_differs_and_every_difference_leads_to_what_is(passport, voyage, other, moved):
    before, after = as_stands(passport, voyage, 0), as_stands(passport, other, moved)

    assert differences(after, as_stands(passport, other, moved)) == ()
    told = differences(before, after)
    assert {ItemChange.from_json(one.as_json()) for one in told if not one.reason} == {
        one for one in told if not one.reason
    }
    assert sum(one.kind is ChangeKind.ADDED for one in told) == len(after.keys() - before.keys())
    assert sum(one.kind is ChangeKind.DROPPED for one in told) == len(before.keys() - after.keys())


# With the database


@pytest.fixture
def booking(rules, store) -> Booking:
    made = make_booking(make_season(), passengers=(details(), details(given_names="OLEG")), language="ru")
    follow_up()
    return made


def without_turkmenbashi(booking: Booking) -> None:
    with transaction():
        booking.sailing.calls[1].state = CallState.CANCELLED
        announce("catalogue.sailing_changed", sailing_id=booking.sailing_id)


def letters() -> list[OutgoingMail]:
    return list(db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("visas.changed"))))


def test_a_first_checklist_is_no_change(booking):
    assert db.session.scalars(select(ChecklistChange)).all() == []
    assert letters() == []


def test_a_cancelled_call_is_told_in_one_letter_for_all_passengers_in_their_language(booking):
    without_turkmenbashi(booking)

    follow_up()

    [letter] = letters()
    assert (letter.recipient, letter.language) == (booking.contact_email, "ru")
    for passenger in booking.passengers:
        assert passenger.full_name in letter.text
        assert passenger.document_number not in letter.text + letter.html
    assert letter.text.count("Виза Туркменистана") == 2
    changes = db.session.scalars(select(ChecklistChange)).all()
    assert {(change.cause, change.told_at is not None) for change in changes} == {(Cause.SAILING, True)}


def test_a_passenger_with_a_link_of_his_own_reads_his_own_letter_in_his_language(booking):
    with transaction():
        own = booking.passengers[1]
        own.email, own.language, own.link_sent_at = "oleg@example.org", "tk", NOON
    without_turkmenbashi(booking)

    follow_up()

    by_reader = {letter.recipient: letter for letter in letters()}
    assert set(by_reader) == {booking.contact_email, "oleg@example.org"}
    assert by_reader["oleg@example.org"].language == "tk"
    assert booking.passengers[0].full_name not in by_reader["oleg@example.org"].text
    assert booking.passengers[1].full_name not in by_reader[booking.contact_email].text


def test_the_same_question_twice_writes_nothing_and_tells_nobody(booking):
    for _time in range(2):
        refresh_checklist(booking_id=booking.id, now=NOON, cause=Cause.SAILING)
    follow_up()

    assert db.session.scalars(select(ChecklistChange)).all() == []
    assert letters() == []


def test_the_letter_is_not_written_again_when_its_message_comes_again(booking):
    without_turkmenbashi(booking)
    follow_up()
    with transaction():
        last = db.session.scalars(select(ChecklistChange.id).order_by(ChecklistChange.id.desc())).first()
        announce("visas.checklist_changed", booking_id=booking.id, change_id=last)

    follow_up()

    assert len(letters()) == 1


def test_a_passport_that_became_too_short_is_told_with_the_reason(booking):
    with transaction():
        booking.passengers[0].document_expires = date(2024, 6, 1)
        announce("booking.passenger_changed", booking_id=booking.id)

    follow_up()

    [change] = db.session.scalars(select(ChecklistChange)).all()
    [one] = change.changes
    assert (change.cause, one.kind, one.reason["key"]) == (
        Cause.PASSENGER,
        ChangeKind.WILL_NOT_DO,
        "passport_expires_too_early",
    )
    assert "1 июня 2024" in letters()[0].text


def test_the_page_of_papers_says_what_changed_and_why(booking, browser: Browser):
    without_turkmenbashi(booking)
    follow_up()
    browser.client.get(f"/en/bookings/{booking.reference}/open/{link_token(booking)}")

    page = browser.open(f"/en/bookings/{booking.reference}/papers")

    assert "The cruise has changed." in page.words
    assert "Turkmen visa (Turkmenistan): not needed any more." in page.words


def test_the_list_to_print_shows_every_passenger_with_a_code_and_no_number(booking, browser: Browser):
    browser.client.get(f"/en/bookings/{booking.reference}/open/{link_token(booking)}")

    page = browser.open(f"/en/bookings/{booking.reference}/papers/print")

    for passenger in booking.passengers:
        assert passenger.full_name in page.words
        assert passenger.document_number not in page.text
    assert len(page.find("figure", class_="checklist__code")) == 2
    assert page.words.count("Turkmen visa Turkmenistan To hand in Hand in by 8 May 2024") == 2
    assert page.words.count("At the border") == 2


def test_a_fee_that_nobody_knows_is_asked_about(rules, store, browser: Browser):
    made = make_booking(make_season(), passengers=(details(citizenship="KZ"),))
    browser.client.get(f"/en/bookings/{made.reference}/open/{link_token(made)}")

    page = browser.open(f"/en/bookings/{made.reference}/papers")

    assert "Only if the consulate takes its fee beforehand; ask it for the sum." in page.words
