"""Finding a sailing: what the list shows, how many each choice leaves, and the way out where there is nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from portal.catalogue.models import SailingState
from portal.catalogue.versions import CATALOGUE, bump
from portal.database import db
from portal.inventory.finding import CruiseFilters, cruises_page, other_dates
from portal.inventory.season_index import bits, places_of
from portal.inventory.services import HOLD_TIME, close_cabin, hold_cabin, release
from portal.kernel.clock import now, real_now
from tests.factories import NOON, make_fare, make_hold, make_sailing, make_season

LIST = "/en/cruises"


def codes(page: Any) -> list[str]:
    return ["".join(code.itertext()) for code in page.find("span", class_="code")]


def options(page: Any, facet: str) -> dict[str, tuple[str, bool]]:
    """What can be chosen of a facet: its words, and whether it can be."""
    [select] = page.find("select", id=facet)
    return {
        option.get("value", ""): ("".join(option.itertext()), option.get("disabled") is None)
        for option in select.iter("option")
    }


def make_sailings(*days_ahead: int, nights: int = 4) -> Any:
    season = make_season(days_ahead=days_ahead[0], nights=nights)
    others = [make_sailing(season.ship, days_ahead=days, nights=nights) for days in days_ahead[1:]]
    for other in others:
        make_fare(other, season.category)
    return season, [season.sailing, *others]


def test_each_choice_says_how_many_sailings_it_leaves_under_the_other_choices(browser):
    season, (may, june, july) = make_sailings(90, 120, 150)
    make_fare(make_sailing(season.ship, days_ahead=125, nights=7), season.category)

    page = browser.open(f"{LIST}?nights=1-5")

    assert codes(page) == [may.code, june.code, july.code]
    assert options(page, "month")["2024-06"] == ("June 2024 (1)", True)
    assert options(page, "nights")["6-8"] == ("6 to 8 nights (1)", True)
    assert options(page, "nights")["1-5"] == ("Up to 5 nights (3)", True)


def test_a_choice_that_leaves_nothing_cannot_be_made(browser):
    season, _ = make_sailings(90)
    make_fare(make_sailing(season.ship, days_ahead=125, nights=7), season.category)

    page = browser.open(f"{LIST}?month=2024-05")

    assert options(page, "nights")["6-8"] == ("6 to 8 nights (0)", False)
    assert options(page, "month")["2024-06"] == ("June 2024 (1)", True)


def test_where_nothing_is_found_each_single_wish_is_offered_to_be_dropped(browser):
    season, (may,) = make_sailings(90)
    make_fare(make_sailing(season.ship, days_ahead=125, nights=7), season.category)

    page = browser.open(f"{LIST}?month=2024-05&nights=6-8")

    assert codes(page) == []
    assert "Without “May 2024”: 1 cruise" in page.words
    assert "Without “6 to 8 nights”: 1 cruise" in page.words
    [way] = [link for link in page.links if link.endswith("/cruises?month=2024-05")]
    assert codes(browser.open(way)) == [may.code]


def test_wishes_that_name_nothing_known_lead_back_to_the_whole_season(browser):
    make_sailings(90)

    page = browser.open(f"{LIST}?embark=NOWHERE&country=XX")

    assert page.status == 200
    assert "No cruise is like that" in page.words
    assert codes(browser.open(next(link for link in page.links if link.endswith("/en/cruises")))) != []


def test_a_price_and_a_number_of_free_cabins_narrow_the_list(browser):
    season, (cheap, dear) = make_sailings(90, 120)
    costly = {"adult_minor": 30_000_00, "single_minor": 50_000_00, "child_minor": 20_000_00}
    make_fare(make_sailing(season.ship, days_ahead=150), season.category, **costly)
    for cabin in season.cabins[:3]:
        close_cabin(sailing_id=cheap.id, cabin_id=cabin.id, reason="repair", now=now())

    assert codes(browser.open(f"{LIST}?budget=10000")) == [cheap.code, dear.code]
    assert codes(browser.open(f"{LIST}?free=2&budget=10000")) == [dear.code]


def test_the_list_is_paged_and_says_how_many_there_are(browser):
    _, sailings = make_sailings(*range(30, 30 + 20 * 5, 5))

    first, second = browser.open(LIST), browser.open(f"{LIST}?page=2")
    beyond = browser.open(f"{LIST}?page=99")

    assert codes(first) == [one.code for one in sailings[:16]]
    assert codes(second) == codes(beyond) == [one.code for one in sailings[16:]]
    assert "20 cruises in the season" in first.words
    assert any(link.endswith("/cruises?page=2") for link in first.links)


def test_what_has_departed_is_kept_apart_and_stays_readable(browser):
    _, (first, second) = make_sailings(90, 120)
    with time_machine.travel(real_now() + timedelta(days=100), tick=True):
        page = browser.open(LIST)
        over = browser.open(f"{LIST}?over=1")

        assert codes(page) == [second.code]
        assert "1 cruise that has departed" in page.words
        assert codes(over) == [first.code]
        assert "Has departed" in over.words


def test_the_list_never_shows_what_was_free_before_a_hold(browser):
    season, _ = make_sailings(90)
    assert "Only 4 cabins left" in browser.open(LIST).words

    hold = make_hold(season, now=now())
    held = browser.open(LIST).words
    release(occupancy_id=hold.id, now=now())

    assert "Only 3 cabins left" in held
    assert "Only 4 cabins left" in browser.open(LIST).words


def test_a_hold_that_runs_out_is_seen_in_the_list_without_any_change_in_the_database(browser):
    season, _ = make_sailings(90)
    make_hold(season, now=now())
    assert "Only 3 cabins left" in browser.open(LIST).words

    with time_machine.travel(real_now() + HOLD_TIME + timedelta(seconds=1), tick=True):
        assert "Only 4 cabins left" in browser.open(LIST).words


def test_a_sailing_counts_what_an_overlapping_one_of_its_ship_has_taken(browser):
    season, _ = make_sailings(90)
    other = make_sailing(season.ship, days_ahead=92)
    make_fare(other, season.category)
    before = cruises_page(CruiseFilters(), now()).cards

    make_hold(season, now=now())

    after = cruises_page(CruiseFilters(), now()).cards
    assert [card.free_cabins for card in before] == [4, 3]
    assert [card.free_cabins for card in after] == [3, 2]


def test_a_sailing_that_closes_is_seen_as_closed_when_its_time_comes(browser):
    make_sailings(90)
    assert "Sales closed" not in browser.open(LIST).words

    with time_machine.travel(real_now() + timedelta(days=88), tick=True):
        assert "Sales closed" in browser.open(LIST).words


def test_the_last_cabin_in_a_basket_is_said_to_be_so_with_its_time(browser):
    season, (sailing,) = make_sailings(90)
    for cabin in season.cabins[1:]:
        close_cabin(sailing_id=sailing.id, cabin_id=cabin.id, reason="repair", now=now())
    hold = make_hold(season, now=now())
    when = (hold.expires_at.astimezone(UTC) + timedelta(hours=4)).strftime("%H:%M")  # the zone of Astrakhan

    listed = browser.open(LIST)
    page = browser.open(f"{LIST}/{sailing.code}")

    assert f"All taken; one may become free at {when}" in listed.words
    assert "1 cabin is in another guest’s basket and may become free at" in page.words
    assert when in page.words


def test_a_cabin_that_may_become_free_on_another_day_is_said_to_be_so_with_the_day(browser):
    season, (sailing,) = make_sailings(90)
    for cabin in season.cabins[1:]:
        close_cabin(sailing_id=sailing.id, cabin_id=cabin.id, reason="repair", now=now())
    until = now() + timedelta(days=2)
    hold_cabin(
        sailing_id=sailing.id,
        cabin_id=season.cabins[0].id,
        party=1,
        holder="in line",
        now=now(),
        offered_until=until,
    )

    day = until.astimezone(ZoneInfo("Europe/Astrakhan"))

    assert f"All taken; one may become free on {day:%-d %b}" in browser.open(LIST).words


def test_a_cruise_that_is_sold_out_leads_to_the_same_route_on_other_dates(browser):
    season, (sailing, other) = make_sailings(90, 120)
    other.itinerary_id = sailing.itinerary_id
    bump(CATALOGUE)
    db.session.commit()
    for cabin in season.cabins:
        close_cabin(sailing_id=sailing.id, cabin_id=cabin.id, reason="repair", now=now())

    page = browser.open(f"{LIST}/{sailing.code}")

    assert "Every cabin of this cruise is taken." in page.words
    assert any(link.endswith(f"/cruises/{other.code}") for link in page.links)
    assert any("route=" in link for link in page.links)


def test_other_dates_leave_out_what_cannot_be_booked():
    _, (sailing, closed) = make_sailings(90, 120)
    closed.itinerary_id = sailing.itinerary_id
    closed.state = SailingState.CLOSED
    bump(CATALOGUE)
    db.session.commit()

    assert other_dates(sailing.code, NOON) == ()
    assert other_dates("NOSUCH", NOON) == ()


@pytest.mark.once
@pytest.mark.parametrize("places", [[], [0], [3, 7, 8], [9999], list(range(0, 2000, 7))])
def test_places_become_bits_and_bits_places(places):
    assert list(places_of(bits(places))) == places


def test_a_hold_elsewhere_leaves_the_kept_page_of_a_cruise_as_it_was(app):
    """Two sailings of one ship that do not overlap: only the page of the one that changed is rendered again."""
    from portal.catalogue.versions import versions_of_sailings

    season, (sailing, other) = make_sailings(90, 120)
    before = versions_of_sailings([sailing.code, other.code])

    make_hold(season, now=datetime(2024, 2, 15, 9, tzinfo=UTC))

    after = versions_of_sailings([sailing.code, other.code])
    assert after[sailing.code] != before[sailing.code]
    assert after[other.code] == before[other.code]
