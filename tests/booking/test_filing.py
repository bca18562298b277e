"""Once a list was filed, what stands in it changes by a request that staff decide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.accounts.models import Account, Role
from portal.audit.models import AuditEntry
from portal.booking.details import LaterDetails
from portal.booking.errors import AlreadyDecided, AnotherPerson, NobodyToFile, ReasonMissing, SamePassengerTwice
from portal.booking.filing import (
    accept_change,
    digest_of,
    end_stale_changes,
    file_list,
    kinds_of,
    refuse_change,
    take_back,
    wanted_of,
    withdraw_change,
)
from portal.booking.models import (
    Booking,
    BookingChange,
    ChangeRequest,
    ChangeState,
    FiledKind,
    FiledList,
    Passenger,
    Sex,
)
from portal.booking.passengers import correct_name, tell_details
from portal.database import db
from portal.extensions import limiter
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.staff.lists import lists_page
from tests.booking.test_own_page import own_page, party
from tests.browser import Browser
from tests.factories import announced, details, make_account, make_booking, make_season


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> None:
    limiter.reset()


def operator() -> Account:
    return make_account(Role.OPERATOR)


def filed(booking: Booking, kind: FiledKind = FiledKind.PORTS) -> FiledList:
    return file_list(sailing=booking.sailing, kind=kind, by=operator(), now=now())


def tell(passenger: Passenger, **told: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What changed at once, and what was asked for."""
    outcome = tell_details(passenger_id=passenger.id, told=LaterDetails(**told), now=now())
    db.session.refresh(passenger)
    return outcome.changed, outcome.asked


def the_request() -> ChangeRequest:
    return db.session.scalars(select(ChangeRequest).execution_options(populate_existing=True)).one()


def asked() -> tuple[Passenger, ChangeRequest]:
    """A passenger in a filed list who asks for another birth place and number."""
    passenger = party().passengers[0]
    tell(passenger, birth_place="Baku", document_number="75 1112223")
    filed(passenger.booking)
    tell(passenger, birth_place="Astrakhan", document_number="75 9998887")
    return passenger, the_request()


def test_before_the_list_is_filed_changes_are_free() -> None:
    passenger = party().passengers[0]

    assert tell(passenger, birth_place="Baku") == (("birth_place",), ())
    assert passenger.birth_place == "Baku"


def test_afterwards_what_stands_in_it_is_a_request_and_the_rest_is_free() -> None:
    passenger, request = asked()

    outcome = tell(passenger, local_surname="Иванова", sex=Sex.FEMALE)

    assert outcome == (("local_surname",), ("sex",))
    assert (passenger.birth_place, passenger.document_number, passenger.sex) == ("Baku", "751112223", None)
    assert passenger.local_surname == "Иванова"
    assert request.state is ChangeState.ASKED
    values = {one.field.value: one.value for one in wanted_of(the_request())}
    assert values == {"birth_place": "Astrakhan", "document_number": "759998887", "sex": Sex.FEMALE}


def test_asking_for_the_same_again_asks_nothing() -> None:
    passenger, _ = asked()

    assert tell(passenger, birth_place="Astrakhan") == ((), ())


def test_who_does_not_stand_in_the_list_changes_freely() -> None:
    booking = party()
    russian, turkmen = booking.passengers
    filed(booking, FiledKind.INVITATION_TM)

    assert tell(russian, sex=Sex.FEMALE) == ((), ("sex",))
    assert tell(turkmen, sex=Sex.MALE) == (("sex",), ())


def test_a_list_called_back_makes_changes_free_again() -> None:
    booking = party()
    filed(booking)

    take_back(sailing=booking.sailing, kind=FiledKind.PORTS, now=now())

    assert tell(booking.passengers[0], sex=Sex.FEMALE) == (("sex",), ())


def test_a_change_that_is_accepted_is_written_and_the_papers_are_worked_out_anew() -> None:
    passenger, request = asked()

    accept_change(request_id=request.id, by=operator(), now=now())

    db.session.refresh(passenger)
    assert (passenger.birth_place, passenger.document_number) == ("Astrakhan", "759998887")
    assert announced()[-2:] == ["booking.change_decided", "booking.passenger_changed"]
    assert (the_request().state, the_request().wanted) == (ChangeState.ACCEPTED, None)


def test_a_change_that_is_refused_leaves_everything_as_it_was_filed() -> None:
    passenger, request = asked()

    refuse_change(request_id=request.id, by=operator(), reason=" Too late. ", now=now())

    db.session.refresh(passenger)
    assert passenger.birth_place == "Baku"
    assert (the_request().state, the_request().reason, the_request().wanted) == (
        ChangeState.REFUSED,
        "Too late.",
        None,
    )


def corrected() -> tuple[Passenger, ChangeRequest]:
    """A passenger in a filed list whose name is to be mended."""
    passenger = party().passengers[0]
    filed(passenger.booking)
    correct_name(passenger_id=passenger.id, surname="Iwanova", given_names=passenger.given_names, now=now())
    db.session.refresh(passenger)
    return passenger, the_request()


def test_a_name_in_a_filed_list_is_mended_by_a_request_and_stands_in_the_history_then() -> None:
    passenger, request = corrected()
    assert passenger.surname == "IVANOVA"

    accept_change(request_id=request.id, by=operator(), now=now())
    follow_up()

    db.session.refresh(passenger)
    [change] = db.session.scalars(select(BookingChange))
    assert passenger.surname == "IWANOVA"
    assert (change.before["name"][0], change.after["name"][0]) == ("IVANOVA", "IWANOVA")
    letters = [mail.text for mail in db.session.scalars(select(OutgoingMail))]
    assert any("surname" in text and "file the list again" in text for text in letters)


def test_a_name_that_is_refused_stays_and_the_letter_says_why() -> None:
    passenger, request = corrected()

    refuse_change(request_id=request.id, by=operator(), reason="The port has closed its list.", now=now())
    follow_up()

    db.session.refresh(passenger)
    assert passenger.surname == "IVANOVA"
    assert any(
        "The port has closed its list." in mail.text for mail in db.session.scalars(select(OutgoingMail))
    )


def test_another_person_is_no_correction_of_a_filed_name_either() -> None:
    passenger = party().passengers[0]
    filed(passenger.booking)

    with pytest.raises(AnotherPerson):
        correct_name(passenger_id=passenger.id, surname="Petrovskaya", given_names="Olga", now=now())


def test_nothing_is_refused_without_a_reason() -> None:
    _, request = asked()

    with pytest.raises(ReasonMissing):
        refuse_change(request_id=request.id, by=operator(), reason=" ", now=now())

    assert the_request().state is ChangeState.ASKED


def test_a_request_is_decided_once() -> None:
    _, request = asked()
    withdraw_change(request_id=request.id, now=now())

    with pytest.raises(AlreadyDecided):
        accept_change(request_id=request.id, by=operator(), now=now())


def test_a_number_that_another_passenger_has_meanwhile_is_not_accepted() -> None:
    passenger, request = asked()
    other = passenger.booking.passengers[1]
    take_back(sailing=passenger.booking.sailing, kind=FiledKind.PORTS, now=now())
    tell(other, document_number="759998887")

    with pytest.raises(SamePassengerTwice):
        accept_change(request_id=request.id, by=operator(), now=now())

    db.session.refresh(passenger)
    assert (passenger.birth_place, the_request().state) == ("Baku", ChangeState.ASKED)


def test_what_is_asked_for_is_readable_only_with_the_portals_key() -> None:
    asked()

    [(wanted,)] = db.session.execute(text("SELECT wanted FROM change_request")).all()

    assert "759998887" not in wanted
    assert "Astrakhan" not in wanted


def test_requests_end_with_the_departure() -> None:
    passenger, _ = asked()
    leaves = passenger.booking.sailing.starts_at

    assert end_stale_changes(leaves - timedelta(minutes=1)) == 0
    assert end_stale_changes(leaves) == 1
    assert (the_request().state, the_request().wanted) == (ChangeState.WITHDRAWN, None)


def test_a_list_names_those_who_are_confirmed_and_tells_nobody_what() -> None:
    booking = party()
    make_booking_elsewhere = make_booking(make_season(), passengers=(details(),), now=now())

    ports = filed(booking)

    assert set(ports.members) == {passenger.reference for passenger in booking.passengers}
    assert ports.digest == digest_of(ports.members)
    assert "IVANOVA" not in str(ports.members)
    with pytest.raises(NobodyToFile):
        filed(make_booking_elsewhere)


def test_a_sailing_needs_the_lists_of_the_countries_where_it_calls() -> None:
    assert kinds_of(party().sailing) == (FiledKind.PORTS, FiledKind.INVITATION_TM)


def test_staff_see_how_a_filed_list_differs_from_what_is_known_now() -> None:
    passenger, request = asked()
    code = passenger.booking.sailing.code
    assert not lists_page(code).rows[0].differs
    accept_change(request_id=request.id, by=operator(), now=now())

    row = lists_page(code).rows[0]
    assert (row.changed, row.new, row.gone) == (1, 0, 0)

    filed(passenger.booking)
    assert not lists_page(code).rows[0].differs
    assert lists_page(code).rows[0].gaps == 2


def test_filing_and_deciding_stand_in_the_trail() -> None:
    passenger, request = asked()
    refuse_change(request_id=request.id, by=operator(), reason="Too late.", now=now())

    trail = {
        entry.action: entry.subject_reference
        for entry in db.session.scalars(select(AuditEntry).where(AuditEntry.action.like("%.%")))
    }
    assert trail["list.filed"] == passenger.booking.sailing.code
    assert trail["change.asked"] == trail["change.refused"] == passenger.reference


# On the pages of both sides


def test_the_passenger_reads_that_the_list_was_filed_and_what_became_of_his_request(browser: Browser) -> None:
    passenger, request = asked()

    page = own_page(browser, passenger)
    assert "The passenger list was filed on" in page.words
    assert "You asked for a change" in page.words
    assert "Place of birth: Astrakhan" in page.words
    assert "ends in 887" in page.words
    assert "759998887" not in page.text

    refuse_change(request_id=request.id, by=operator(), reason="The border has the list.", now=now())
    assert "The border has the list." in browser.open(page.url).words


def test_a_change_typed_after_the_filing_is_asked_for(browser: Browser) -> None:
    booking = party()
    filed(booking)

    answer = own_page(browser, booking.passengers[0]).submit("details-form", birth_place="Kars").follow()

    assert "put before our staff" in answer.words
    assert the_request().fields == ["birth_place"]


def test_a_name_typed_on_its_page_after_the_filing_is_asked_for(browser: Browser) -> None:
    booking = party()
    filed(booking)
    browser.sign_in(booking.customer)
    page = browser.open(f"/en/bookings/{booking.reference}/change/name/1")

    answer = page.submit(surname="Iwanova").follow()

    assert "The passenger list was filed" in page.words
    assert "Our staff decide about the corrected name" in answer.words
    assert the_request().fields == ["surname"]
    assert "Iwanova".upper() in browser.open(page.url).words


def test_a_request_can_be_taken_back_by_whoever_may_ask(browser: Browser) -> None:
    passenger, _ = asked()

    page = own_page(browser, passenger).submit("take-back").follow()

    assert "Your request is taken back" in page.words
    assert the_request().state is ChangeState.WITHDRAWN


def test_the_page_of_the_booking_shows_that_a_change_waits(browser: Browser) -> None:
    passenger, _ = asked()
    browser.sign_in(passenger.booking.customer)

    assert "change asked for" in browser.open(f"/en/bookings/{passenger.booking.reference}").words


@pytest.mark.parametrize(("email", "language"), [("berdi@example.org", "ru"), (None, "en")])
def test_the_decision_is_written_to_the_passenger_or_else_to_the_booker(email: str | None, language: str) -> None:
    passenger, request = asked()
    passenger.email, passenger.language = email, "ru"
    db.session.commit()

    refuse_change(request_id=request.id, by=operator(), reason="The border has the list.", now=now())
    follow_up()

    [letter] = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("change.decided")))
    assert letter.recipient == (email or passenger.booking.contact_email)
    assert letter.language == language
    assert "The border has the list." in letter.text
    assert "9998887" not in letter.text + letter.html


def test_staff_file_a_list_and_decide_on_their_pages(browser: Browser) -> None:
    passenger, request = asked()
    browser.sign_in(operator())
    code = passenger.booking.sailing.code

    queue = browser.open("/en/staff/changes")
    assert passenger.full_name in queue.words
    assert "Astrakhan" in queue.words
    assert "759998887" not in queue.text

    refused = queue.submit(f"refuse-{request.reference}", reason="")
    assert refused.status == 422
    assert "Please fill this in" in refused.words
    browser.request(
        f"/en/staff/changes/{request.reference}",
        method="POST",
        data={"csrf_token": queue.form(f"refuse-{request.reference}").values["csrf_token"], "accept": "1"},
    )
    assert the_request().state is ChangeState.ACCEPTED

    lists = browser.open(f"/en/staff/sailings/{code}/lists")
    assert "Differs from what was filed" in lists.words
    [again] = [form.action for form in lists.forms if form.action.endswith("lists/ports")]
    token = next(form.values["csrf_token"] for form in lists.forms if form.action == again)
    noted = browser.request(again, method="POST", data={"csrf_token": token}).follow()
    assert "Noted as filed" in noted.words
    assert "Differs from what was filed" not in noted.words


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.FINANCE])
def test_only_those_who_file_lists_see_the_requests(browser: Browser, role: Role) -> None:
    passenger, _ = asked()
    browser.sign_in(make_account(role))

    assert browser.open("/en/staff/changes").status == 403
    assert browser.open(f"/en/staff/sailings/{passenger.booking.sailing.code}/lists").status == 403
