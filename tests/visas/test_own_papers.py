"""Papers that a passenger hands in by his own link: his alone, and closed to the one who booked."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.access import passenger_token
from portal.booking.models import Booking
from portal.database import db
from portal.extensions import limiter
from portal.files.intake import MAX_BYTES
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.visas.models import ItemState, ReturnReason, Submission
from portal.visas.services import refresh_checklist, send_back
from tests.browser import Browser, Page
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads

pytestmark = pytest.mark.usefixtures("rules", "store")


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> None:
    limiter.reset()


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def booking() -> Booking:
    booking = make_booking(
        make_season(), passengers=(details(), details(citizenship="BR")), customer=make_account(), now=now()
    )
    refresh_checklist(booking_id=booking.id, now=now())
    return booking


def paper(browser: Browser, booking: Booking, position: int = 1, of: int | None = None) -> Page:
    """The passport's page of a passenger, opened by the link of passenger `position`."""
    own = booking.passengers[position - 1]
    whose = booking.passengers[(of or position) - 1]
    browser.open(f"/en/passengers/{own.reference}/open/{passenger_token(own)}")
    return browser.open(f"/en/passengers/{own.reference}/papers/{whose.reference}-passport")


def handed_in(browser: Browser, booking: Booking) -> Submission:
    paper(browser, booking).submit(document=(BytesIO(uploads.jpeg()), "scan.jpg"))
    return db.session.scalars(select(Submission)).one()


def test_a_passenger_finds_his_papers_and_hands_one_in(browser: Browser, booking: Booking) -> None:
    own = booking.passengers[0]
    page = paper(browser, booking)
    assert f"/en/passengers/{own.reference}/papers/{own.reference}-passport" in browser.open(
        f"/en/passengers/{own.reference}"
    ).links

    answer = page.submit(document=(BytesIO(uploads.jpeg()), "scan.jpg")).follow()

    submission = db.session.scalars(select(Submission)).one()
    assert "waits for a reviewer" in answer.words
    assert booking.reference not in answer.text
    assert submission.item.state is ItemState.IN_REVIEW
    assert submission.submitted_by == f"passenger:{own.reference}"
    [link] = [link for link in answer.links if link.startswith(f"{page.url}/1?key=")]
    assert browser.open(link).status == 200


def test_a_paper_of_another_is_not_there(browser: Browser, booking: Booking) -> None:
    assert paper(browser, booking, 1, of=2).status == 404
    assert paper(browser, booking, 2, of=1).status == 404


def test_without_the_link_there_is_nothing(browser: Browser, another_browser: Browser, booking: Booking) -> None:
    handed_in(browser, booking)
    own = booking.passengers[0]
    address = f"/en/passengers/{own.reference}/papers/{own.reference}-passport"

    another_browser.sign_in(booking.customer)

    assert another_browser.open(address).status == 404
    assert another_browser.open(f"{address}/1").status == 404


def test_the_one_who_booked_sees_how_it_stands_and_not_the_document(browser: Browser, booking: Booking) -> None:
    handed_in(browser, booking)
    browser.client.delete_cookie("session")
    browser.sign_in(booking.customer)
    address = f"/en/bookings/{booking.reference}/papers/{booking.passengers[0].reference}-passport"

    page = browser.open(address)

    assert "by the passenger, through a link of his own" in page.words
    assert "In review" in page.words
    assert f"{address}/1" not in page.links
    assert browser.open(f"{address}/1").status == 404


def test_a_file_that_does_not_fit_is_explained_beside_its_field(browser: Browser, booking: Booking) -> None:
    too_large = BytesIO(b"x" * (MAX_BYTES + 2 * 1024 * 1024))

    answer = paper(browser, booking).submit(document=(too_large, "scan.jpg"))

    assert answer.status == 413
    assert "15 MB" in answer.words


def test_what_is_sent_back_is_told_to_whoever_handed_it_in(browser: Browser, booking: Booking) -> None:
    own = booking.passengers[0]
    own.email, own.language = "anna@own.example", "tk"
    db.session.commit()
    submission = handed_in(browser, booking)

    send_back(
        submission_id=submission.id,
        reviewer=make_account(Role.REVIEWER),
        reason=ReturnReason.BLURRED,
        note=None,
        now=now(),
    )
    follow_up()

    [letter] = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("visas.returned")))
    assert (letter.recipient, letter.language) == ("anna@own.example", "tk")
    assert f"/tk/passengers/{own.reference}/open/{passenger_token(own)}" in letter.text


def test_the_list_to_print_is_of_the_passenger_alone(browser: Browser, booking: Booking) -> None:
    own, other = booking.passengers
    paper(browser, booking)

    page = browser.open(f"/en/passengers/{own.reference}/papers/print")

    assert own.full_name in page.words
    assert other.reference not in page.text
    assert browser.open(f"/en/passengers/{other.reference}/papers/print").status == 404
    assert browser.open(f"/en/bookings/{booking.reference}/papers/print").status == 404
