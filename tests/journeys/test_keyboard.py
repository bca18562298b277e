"""The purchase by the keyboard alone: everything can be reached, and the eye always finds where the focus is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.gallery import Guide, furnish
from tests.journeys.tourist import FOCUS, Keyboard, book

pytestmark = pytest.mark.browser

PLAN = "/en/cruises/PV24-02/deck-plan"


@pytest.fixture
def page(visit):
    # Smooth scrolling would still be under way when the next key is pressed.
    return visit("en", reduced_motion="reduce")


def test_a_passage_is_bought_without_a_pointer(page):
    hand = Keyboard(page)

    _, reference = book(hand, "en", number="314")

    expect(page.locator(".page-head .status--good")).to_be_visible()
    assert reference in page.url
    assert sorted(set(hand.unseen)) == []


@pytest.mark.parametrize("path", ["/en/", "/en/cruises", PLAN, "/en/sign-in"])
def test_the_first_stop_leads_to_the_content(page, path):
    page.goto(path)

    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.className") == "skip-link"
    assert page.evaluate(FOCUS) == ""
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_every_stop_of_a_page_is_seen_forwards_and_backwards(page):
    hand = Keyboard(page)
    page.goto("/en/cruises/PV24-02")
    place = "[...document.querySelectorAll('body *')].indexOf(document.activeElement)"
    stops: dict[str, list[int]] = {"Tab": [], "Shift+Tab": []}

    for key, met in stops.items():
        hand.key(key)
        while (here := page.evaluate(place)) not in [-1, *met]:
            met.append(here)
            hand.key(key)

    assert hand.unseen == []
    assert len(stops["Tab"]) > 12
    assert stops["Tab"] == sorted(stops["Tab"])
    assert stops["Shift+Tab"] == stops["Tab"][::-1]


def test_on_a_telephone_no_bar_covers_the_focus(app, house, visit):
    """Also where a bar stays in sight while the page scrolls under it."""
    gallery = furnish(app, "ru")
    guide = Guide(visit, house, gallery, "ru", width=360)
    kinds = {"cruise", "passengers", "review", "booking", "papers", "paper sent back", "staff calls", "bench"}
    unseen = []

    for shown in gallery.pages:
        if shown.name in kinds and not shown.act:
            hand = Keyboard(guide.open(shown))
            for key in ["Tab"] * 25 + ["Shift+Tab"] * 15:
                hand.key(key)
            unseen += hand.unseen

    assert unseen == []


def test_arrows_walk_from_free_cabin_to_free_cabin(page):
    page.goto(PLAN)
    focused = "document.activeElement.getAttribute('href')"
    first = page.locator(".cabins a[href]").first
    first.focus()
    walked = []

    for key in ("ArrowDown", "ArrowLeft", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
        walked.append(page.evaluate(focused))

    assert len(set(walked)) == 4
    assert walked[-1] == first.get_attribute("href")
    assert page.evaluate(FOCUS) == ""


def test_the_plan_scrolls_along_with_the_focus(visit):
    page = visit("en", width=360, height=740, reduced_motion="reduce")
    hand = Keyboard(page)
    page.goto(PLAN)
    page.locator(".cabins a[href]").first.focus()

    for _ in range(12):
        hand.key("ArrowLeft")

    assert hand.unseen == []
