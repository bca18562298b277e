"""The season as a calendar, and cruises side by side."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from portal.catalogue.models import SailingState
from portal.catalogue.versions import CATALOGUE, bump
from portal.database import db
from portal.inventory.finding import calendar_page, compare_page
from portal.inventory.services import close_cabin
from portal.kernel.clock import now, real_now
from portal.visas.services import load_rules
from tests.factories import NOON, make_fare, make_sailing, make_season

LIST, CALENDAR, COMPARE = "/en/cruises", "/en/cruises/calendar", "/en/cruises/compare"


@pytest.fixture
def two():
    """May 15 to 19 and June 14 to 21, in one season."""
    season = make_season(days_ahead=90)
    later = make_sailing(season.ship, days_ahead=120, nights=7)
    make_fare(later, season.category)
    return season, later


def test_the_calendar_shows_each_day_of_a_cruise_in_its_month(two):
    page = calendar_page(None, NOON)

    [may, june] = page.months
    days = [day for week in may.weeks for day in week if day.cards]
    assert [day.day.isoformat()[5:] for day in days] == ["05-15", "05-16", "05-17", "05-18", "05-19"]
    assert [(day.first, day.last) for day in days] == [(True, False), *[(False, False)] * 3, (False, True)]
    assert [len(week) for week in may.weeks] == [7] * len(may.weeks)
    assert june.found == 1


def test_a_cruise_over_the_end_of_a_month_is_in_both(two):
    season, _ = two
    over = make_sailing(season.ship, days_ahead=133, nights=5)  # 27 June to 2 July
    make_fare(over, season.category)
    later = make_sailing(season.ship, days_ahead=150)
    make_fare(later, season.category)

    *_, june, july = calendar_page(None, NOON).months

    assert sum(bool(day.cards) for week in june.weeks for day in week) == 8 + 4
    assert july.weeks[0][0].cards[0].code == over.code


def test_the_calendar_says_state_and_price_and_leads_to_the_cruise(browser, two):
    season, later = two
    for cabin in season.cabins:
        close_cabin(sailing_id=season.sailing.id, cabin_id=cabin.id, reason="repair", now=now())

    page = browser.open(CALENDAR)

    assert "Sold out" in page.words
    assert "per person from 1,000\u00a0₽" in page.text.replace("</span> <span class=\"price money\">", " ")
    assert any(link.endswith(f"/cruises/{later.code}") for link in page.links)
    assert page.find("td", class_="sold_out") != []


def test_the_calendar_of_a_year_without_cruises_is_that_of_the_next_one(browser, two):
    with time_machine.travel(real_now() + timedelta(days=400), tick=True):
        assert browser.open(CALENDAR).status == 200
    assert calendar_page(1999, NOON).year == 2024


def test_two_cruises_are_compared_and_what_differs_is_marked(browser, two):
    season, later = two
    load_rules(now=now())

    page = browser.open(f"{COMPARE}?s={season.sailing.code}&s={later.code}&party=30,30")

    rows = {
        next("".join(head.itertext()) for head in row.iter("th")): row
        for row in page.find("tr")
        if row.find("th") is not None and row.find("td") is not None
    }
    assert "Length , differs" in {" ".join(name.split()) for name in rows}
    assert "Embarkation" in rows
    assert "2,000\u00a0₽" in page.text
    assert "10 hours" in page.words
    assert "Papers" in page.words


@pytest.mark.parametrize("state", [SailingState.CANCELLED, SailingState.POSTPONED, SailingState.CLOSED])
def test_a_cruise_that_is_not_sold_is_shown_as_such_everywhere(browser, two, state):
    season, _ = two
    season.sailing.state = state
    bump(CATALOGUE)
    db.session.commit()

    for path in (LIST, CALENDAR, f"{COMPARE}?s={season.sailing.code}"):
        page = browser.open(path)
        assert page.status == 200
        assert season.sailing.itinerary.title.within("en") in page.words


def test_hours_ashore_leave_out_where_the_cruise_begins_and_ends(two):
    season, _ = two

    [compared] = compare_page([season.sailing.code], NOON).sailings

    assert compared.hours_ashore == {"TM": 10}


def test_no_more_than_four_are_compared_and_none_is_a_page_with_a_way_on(browser, two):
    season, later = two
    more = [make_sailing(season.ship, days_ahead=days) for days in (140, 150, 160)]
    for one in more:
        make_fare(one, season.category)
    asked = "&".join(f"s={one.code}" for one in (season.sailing, later, *more))

    page, nothing = browser.open(f"{COMPARE}?{asked}"), browser.open(f"{COMPARE}?s=NOSUCH")

    assert "the first four are shown" in page.words
    assert len(page.find("th", scope="col")) == 4
    assert "Nothing to compare yet" in nothing.words
    assert [one for one in nothing.find("option") if one.get("value") == later.code]


def test_ticks_in_the_list_lead_to_the_comparison(browser, two):
    season, later = two

    page = browser.open("/en/cruises").submit(form="compare", s=[season.sailing.code, later.code])

    assert page.status == 200
    assert len(page.find("th", scope="col")) == 2
