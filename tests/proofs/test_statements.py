"""Each page asks the database a few questions, and no more of them when there is more to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from portal.accounts.models import Role
from portal.booking.access import passenger_token
from portal.booking.services import let_go, name_passengers
from portal.database import db
from portal.inventory.errors import CabinTaken
from portal.inventory.models import Occupancy
from portal.inventory.services import hold_cabin
from portal.kernel.clock import now
from portal.visas.services import load_rules, refresh_checklist
from portal.web.ready import shelf
from tests.browser import Browser
from tests.factories import details, make_account, make_booking, make_hold, make_sailing, make_season

MOST = 8
PUBLIC = (
    "/en/",
    "/en/cruises",
    "/en/cruises?party=30,30",
    "/en/cruises/calendar",
    "/en/cruises/compare?s={sailing}",
    "/en/cruises/{sailing}",
    "/en/cruises/{sailing}/deck-plan",
)
OF_A_HOLD = ("/en/holds/{hold}/passengers", "/en/holds/{hold}/review")
OF_A_BOOKING = ("/en/bookings/{booking}", "/en/bookings/{booking}/pay", "/en/bookings/{booking}/papers")
OF_A_PASSENGER = ("/en/passengers/{passenger}", "/en/bookings/{booking}/passengers/1")
OF_LISTS = ("/en/staff/changes", "/en/staff/sailings/{sailing}/lists")
OF_STAFF = (*OF_LISTS, "/en/staff/sailings", "/en/staff/bookings", "/en/staff/reviews", "/en/staff/sailings/{sailing}")


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement inside, without the word that begins a transaction."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(" ".join(statement.split()))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def statements(browser: Browser, path: str) -> list[str]:
    with counted() as seen:
        page = browser.open(path)
    assert page.status == 200, (path, page.status, page.location)
    return seen


def few(browser: Browser, path: str) -> int:
    """How many statements the page takes rendered afresh; fails where they are too many."""
    for known in ("/en/cruises", path):  # each process reads the season when it changes, not for each visitor
        browser.open(known)
    shelf.clear()
    seen = statements(browser, path)
    assert len(seen) <= MOST, "\n".join([path, *seen])
    return len(seen)


def travellers(count: int) -> tuple[Any, ...]:
    return tuple(details() for _ in range(count))


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_takes_as_many_statements_for_one_sailing_as_for_many(browser: Browser, path: str) -> None:
    season = make_season()
    load_rules(now=now())
    path = path.format(sailing=season.sailing.code)
    alone = few(browser, path)
    for week in range(1, 6):
        make_sailing(season.ship, days_ahead=90 + 7 * week)
    make_booking(season, now=now())

    assert few(browser, path) == alone


@pytest.mark.parametrize("path", OF_A_HOLD)
def test_a_page_of_a_hold_takes_as_many_statements_for_one_passenger_as_for_three(browser: Browser, path: str) -> None:
    season = make_season()
    found = []
    for cabin, party in ((0, 1), (2, 3)):
        page = browser.open(f"/en/cruises/{season.sailing.code}/cabins/{season.cabins[cabin].number}")
        hold = page.submit(party=party).location.split("/")[3]
        name(hold, party)
        found.append(few(browser, path.format(hold=hold)))
        let_go(hold_id=hold_id(hold), now=now())

    assert found[0] == found[1]


def test_who_comes_too_late_is_refused_after_one_question_of_what_is_not_his_to_lock() -> None:
    first = make_hold(make_season(), now=now())
    place = {"sailing_id": first.sailing_id, "cabin_id": first.cabin_id}

    with counted() as seen, pytest.raises(CabinTaken):
        hold_cabin(**place, party=1, holder="late", now=now())

    [question] = seen
    assert "FOR UPDATE" not in question


def test_the_page_of_a_cabin_that_is_gone_is_made_once_for_all_who_come_too_late(app: Flask) -> None:
    """One statement says that nothing has changed, the other that somebody else has the cabin."""
    season = make_season()
    path = f"/en/cruises/{season.sailing.code}/cabins/301"
    late = [Browser(app.test_client()) for _ in range(3)]
    pages = [one.open(path) for one in late]
    make_hold(season, now=now())
    first = pages[0].submit(party=2)

    with counted() as seen:
        others = [page.submit(party=2) for page in pages[1:]]

    assert [page.status for page in (first, *others)] == [422] * 3
    assert {page.text for page in others} == {first.text}
    assert len(seen) == 2 * len(others)


def name(hold: str, party: int) -> None:
    name_passengers(parties={hold_id(hold): travellers(party)}, customer_id=None, language="en", now=now())


def hold_id(reference: str) -> int:
    return db.session.scalars(select(Occupancy.id).filter_by(reference=reference)).one()


@pytest.mark.parametrize("path", OF_A_BOOKING)
def test_a_page_of_a_booking_takes_as_many_statements_for_one_passenger_as_for_three(
    browser: Browser, path: str
) -> None:
    season = make_season()
    load_rules(now=now())
    customer = make_account()
    browser.sign_in(customer)
    found = []
    for cabin, party in ((0, 1), (2, 3)):
        booking = make_booking(season, cabin=cabin, passengers=travellers(party), customer=customer, now=now())
        refresh_checklist(booking_id=booking.id, now=now())
        found.append(few(browser, path.format(booking=booking.reference)))

    assert found[0] == found[1]


@pytest.mark.parametrize("path", OF_A_PASSENGER)
def test_a_page_of_a_passenger_takes_as_many_statements_alone_as_with_others(browser: Browser, path: str) -> None:
    season = make_season()
    load_rules(now=now())
    customer = make_account()
    browser.sign_in(customer)
    found = []
    for cabin, party in ((0, 1), (2, 3)):
        booking = make_booking(season, cabin=cabin, passengers=travellers(party), customer=customer, now=now())
        refresh_checklist(booking_id=booking.id, now=now())
        own = booking.passengers[0]
        browser.open(f"/en/passengers/{own.reference}/open/{passenger_token(own)}")
        found.append(few(browser, path.format(booking=booking.reference, passenger=own.reference)))

    assert found[0] == found[1]


@pytest.mark.parametrize("path", OF_STAFF)
def test_a_page_of_staff_takes_as_many_statements_for_few_rows_as_for_many(browser: Browser, path: str) -> None:
    season = make_season()
    path = path.format(sailing=season.sailing.code)
    browser.sign_in(make_account(role=Role.ADMINISTRATOR))
    make_booking(season, now=now())
    few_rows = few(browser, path)
    for week in range(1, 6):
        make_sailing(season.ship, days_ahead=90 + 7 * week)
    for cabin in (1, 2, 3):
        make_booking(season, cabin=cabin, now=now())

    assert few(browser, path) == few_rows
