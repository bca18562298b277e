"""Pages kept ready: quick, and never older than the data."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event

from portal.database import db
from portal.inventory.services import HOLD_TIME, book_held_cabin
from portal.kernel.clock import now, real_now
from portal.web.ready import shelf
from tests.browser import Browser
from tests.factories import make_account, make_booking, make_hold, make_sailing, make_season


@pytest.fixture
def statements(app):
    """Every SQL statement sent while a page was made."""
    sent = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith(("PRAGMA", "BEGIN")):
            sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def season():
    """On sale at the time the tests' portal keeps."""
    shelf._pages.clear()
    return make_season()


PAGES = ["/en/", "/en/cruises", "/en/cruises/{code}", "/en/cruises/{code}/deck-plan", "/en/cruises/{code}/cabins/301"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_takes_few_statements_however_many_sailings_and_bookings_there_are(browser, statements, season, path):
    path = path.format(code=season.sailing.code)

    def once_more() -> list[str]:
        """The process has seen the page before: it reads the season when that changes, not for each visitor."""
        for known in (path, "/en/cruises"):
            browser.open(known)
        shelf.clear()
        statements.clear()
        browser.open(path)
        return list(statements)

    few = len(once_more())
    for ahead in range(100, 160, 5):
        make_sailing(season.ship, days_ahead=ahead)
    for cabin in range(4):
        book_held_cabin(occupancy_id=make_hold(season, cabin=cabin, now=now()).id, party=2, now=now())

    many = once_more()

    assert len(many) <= 8, "\n".join(many)
    assert len(many) == few


def test_a_page_kept_ready_takes_one_statement(browser, statements, season):
    browser.open("/en/cruises")
    statements.clear()

    browser.open("/en/cruises")

    assert len(statements) == 1


def test_a_hold_is_seen_by_the_next_visitor(browser, season):
    path = f"/en/cruises/{season.sailing.code}"
    before = browser.open(path).text
    make_hold(season, now=now())

    assert browser.open(path).text != before


def test_a_hold_that_runs_out_is_seen_without_any_change_in_the_database(browser, season):
    path = f"/en/cruises/{season.sailing.code}/deck-plan/states.json"
    page = f"/en/cruises/{season.sailing.code}/deck-plan"
    make_hold(season, now=now())
    held = browser.open(page).text
    assert browser.client.get(path).json["taken"] == {"301": "held"}

    with time_machine.travel(real_now() + HOLD_TIME + timedelta(seconds=1), tick=True):
        assert browser.client.get(path).json["taken"] == {}
        assert browser.open(page).text != held


def test_who_is_signed_in_never_gets_or_leaves_a_page_on_the_shelf(app, browser, season):
    browser.sign_in(make_account(name="Gülşat Berdiýewa"))
    own = browser.open("/en/cruises").text

    other = Browser(app.test_client()).open("/en/cruises").text

    assert "sign-in" in other
    assert own != other


def test_who_holds_a_cabin_gets_the_pages_of_everybody_and_what_is_told_him_is_told_him_alone(app, browser, season):
    plan = f"/en/cruises/{season.sailing.code}/deck-plan"
    stranger = Browser(app.test_client())
    hold = browser.open(f"/en/cruises/{season.sailing.code}/cabins/301").submit(party=2).follow()
    shown = stranger.open(plan).text

    assert browser.open(plan).text == shown
    hold.submit("release")
    assert browser.open(plan).text != stranger.open(plan).text
    assert browser.open(plan).text == stranger.open(plan).text


def test_a_page_with_a_form_is_nobody_elses(app, browser, season):
    path = f"/en/cruises/{season.sailing.code}/cabins/301"

    assert browser.open(path).text != Browser(app.test_client()).open(path).text


def test_who_is_refused_is_told_so_and_who_only_looks_is_not(app, browser, season):
    path = f"/en/cruises/{season.sailing.code}/cabins/301"
    page = browser.open(path)
    make_hold(season, now=now())

    refused, looking = page.submit(party=2), Browser(app.test_client()).open(path)

    assert (refused.status, looking.status) == (422, 200)
    assert "Someone has just taken this cabin" in refused.text
    assert "Someone has just taken this cabin" not in looking.text
    assert "Another guest is holding this cabin" in looking.text


def test_each_answer_carries_the_security_headers(browser, season):
    booking = make_booking(season, now=now())
    for path in ("/en/", f"/en/bookings/{booking.reference}", "/healthz"):
        headers = browser.client.get(path).headers
        assert "script-src" in headers["Content-Security-Policy"] or "default-src 'self'" in headers[
            "Content-Security-Policy"
        ]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
