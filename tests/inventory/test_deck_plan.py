"""The deck plan: what is free can be opened, what is taken says so, and the drawing and the list agree."""

from typing import Any

import pytest
from playwright.sync_api import expect

from portal.catalogue.models import Deck, SailingState
from portal.database import db
from portal.inventory.services import close_cabin
from portal.kernel.clock import now
from tests.factories import DRAWING, SmallSeason, make_booking, make_hold, make_season, text

SVG_LINK = "{http://www.w3.org/2000/svg}a"
SVG_TITLE = "{http://www.w3.org/2000/svg}title"


def plan_of(season: SmallSeason, query: str = "") -> str:
    return f"/en/cruises/{season.sailing.code}/deck-plan{query}"


def drawn(page: Any) -> dict[str, str | None]:
    """What each cabin of the drawing is called, and where it leads."""
    return {
        str(cabin.findtext(SVG_TITLE)): cabin.get("href")
        for cabin in page.find(SVG_LINK)
        if cabin.find(SVG_TITLE) is not None
    }


def listed(page: Any) -> list[list[str]]:
    """The rows of the list, cell by cell."""
    return [["".join(cell.itertext()) for cell in row] for row in page.find("tr") if row.find("td") is not None]


def groups(page: Any) -> list[str]:
    return ["".join(name.itertext()) for name in page.find("span", class_="cabin-group__name")]


def test_a_free_cabin_is_a_link_and_a_taken_one_says_why_it_is_none(browser):
    season = make_season()
    make_hold(season, cabin=1, now=now())
    make_booking(season, cabin=2, now=now())

    page = browser.open(plan_of(season))

    cabins = drawn(page)
    assert cabins["Cabin 301, Standard, free, 1,000\u00a0₽ per person"] == "cabins/301"
    assert cabins["Cabin 302, Standard, held by another guest"] is None
    assert [title for title, address in cabins.items() if "303" in title and address] == []
    assert len(cabins) == 4


def test_the_list_tells_the_same_as_the_drawing(browser):
    season = make_season()
    make_hold(season, cabin=1, now=now())

    page = browser.open(plan_of(season))

    assert listed(page) == [
        ["301", "Standard", "19 m²", "Own balcony", "Free", "1,000\u00a0₽"],
        ["302", "Standard", "19 m²", "Own balcony", "Held", "1,000\u00a0₽"],
        ["303", "Junior suite", "19 m²", "Own balcony", "Free", "1,000\u00a0₽"],
        ["304", "Standard", "19 m²", "Own balcony", "Free", "1,000\u00a0₽"],
    ]
    in_table = {link.get("href") for link in page.find("a") if (link.get("href") or "").startswith("cabins/")}
    assert in_table == {address for address in drawn(page).values() if address}


def test_the_list_shows_only_what_was_asked_for(browser):
    season = make_season()
    make_hold(season, cabin=1, now=now())

    page = browser.open(plan_of(season)).submit(form="#cabin-list", category="STB", free="1")

    assert [row[0] for row in listed(page)] == ["301", "304"]
    assert len(drawn(page)) == 4


def test_a_choice_that_no_cabin_fits_leads_back_to_all(browser):
    season = make_season()
    make_hold(season, cabin=2, now=now())

    page = browser.open(plan_of(season, "?category=JSB&free=1"))

    assert "No cabin fits this choice." in page.words
    assert any(link.endswith("/deck-plan#cabin-list") for link in page.links)


def test_the_list_is_sorted_as_asked_and_grouped_by_it(browser):
    season = make_season()

    by_price = browser.open(plan_of(season, "?sort=price"))
    by_area = browser.open(plan_of(season, "?sort=area"))

    assert [row[0] for row in listed(by_price)] == ["303", "301", "302", "304"]
    assert groups(by_price) == ["Junior suite", "Standard"]
    assert groups(by_area) == ["19 m²"]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("deck=middle", ["301", "302", "303", "304"]),
        ("deck=main", []),
        ("balcony=private&category=JSB", ["303"]),
        ("balcony=french", []),
        ("accessible=1", ["304"]),
        ("connecting=1", ["301", "302"]),
        ("connecting=1&free=1", ["302"]),
        ("sort=nonsense&balcony=nonsense&deck=", ["301", "302", "303", "304"]),
    ],
)
def test_the_list_can_be_narrowed_by_what_a_cabin_is_like(browser, asked, numbers):
    season = make_season()
    season.cabins[0].connects_to, season.cabins[1].connects_to = "302", "301"
    season.cabins[3].accessible = True
    db.session.commit()
    make_hold(season, cabin=0, now=now())

    page = browser.open(plan_of(season, f"?{asked}"))

    assert [row[0] for row in listed(page)] == numbers
    assert len(drawn(page)) == 4


def test_a_list_that_was_narrowed_is_unfolded(browser):
    season = make_season()
    deck = Deck(ship_id=season.ship.id, code="main", level=2, name=text("Main deck"), drawing=DRAWING)
    db.session.add(deck)
    db.session.flush()
    season.cabins[0].deck_id = deck.id
    db.session.commit()

    whole, narrowed = browser.open(plan_of(season)), browser.open(plan_of(season, "?free=1"))

    assert [fold.get("open") for fold in whole.find("details", class_="cabin-group")] == [None, None]
    assert {fold.get("open") for fold in narrowed.find("details", class_="cabin-group")} == {""}


def test_the_plan_of_a_sailing_that_is_not_on_sale_is_only_to_read(browser):
    season = make_season()
    season.sailing.state = SailingState.CLOSED
    db.session.commit()

    page = browser.open(plan_of(season))

    assert "not on sale now" in page.words
    assert set(drawn(page).values()) == {None}


@pytest.mark.browser
def test_the_plan_follows_what_others_take_while_it_is_looked_at(window):
    """This server keeps no answer open, so the plan asks."""
    season = make_season()
    window.clock.install()
    window.goto(plan_of(season))
    make_hold(season, cabin=0, now=now())

    window.clock.run_for(6000)

    expect(window.locator("[data-announce]")).to_have_text("Just changed: 301. Free cabins now: 3.")
    expect(window.locator(".cabins a.held title")).to_have_text("Cabin 301, Standard, held by another guest")
    expect(window.locator("#cabin-list a[href='cabins/301']")).to_have_count(0)
    expect(window.locator("[data-cabin='301'] [data-state]")).to_have_text("Held")
    expect(window.locator("[data-free-on='middle']")).to_have_text("3")


@pytest.mark.browser
def test_arrow_keys_go_to_the_cabin_beside_it_and_say_when_it_is_taken(window):
    season = make_season()
    close_cabin(sailing_id=season.sailing.id, cabin_id=season.cabins[2].id, reason="repair", now=now())
    window.goto(plan_of(season))
    window.locator(".cabins a[href='cabins/301']").focus()

    window.keyboard.press("ArrowRight")

    beside = window.locator(".cabins a:focus")
    expect(beside.locator("title")).to_have_text("Cabin 303, Junior suite, not for sale")
    expect(beside).to_have_attribute("aria-disabled", "true")


@pytest.mark.browser
def test_the_plan_is_one_stop_of_the_tab_key(window):
    season = make_season()
    window.goto(plan_of(season))
    window.locator(".cabins a[href='cabins/301']").focus()
    window.keyboard.press("ArrowRight")

    window.keyboard.press("Tab")

    expect(window.locator(".cabins a:focus")).to_have_count(0)
    window.keyboard.press("Shift+Tab")
    expect(window.locator(".cabins a[href='cabins/303']")).to_be_focused()


@pytest.mark.browser
def test_keys_make_the_plan_larger_and_show_it_whole_again(window):
    season = make_season()
    window.goto(plan_of(season))
    window.locator(".cabins a[href='cabins/301']").focus()
    width = "document.querySelector('.deck__drawing').getBoundingClientRect().width"
    first = window.evaluate(width)

    window.keyboard.press("+")
    larger = window.evaluate(width)
    window.keyboard.press("0")

    assert larger > first * 1.3
    assert window.evaluate(width) == first
