"""The same purchase in a browser that runs no scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.files.uploads import jpeg
from tests.journeys.tourist import Hand, book

pytestmark = pytest.mark.browser


def test_a_passage_is_bought_without_scripts(house, visit):
    page = visit("tk", java_script_enabled=False)

    _, reference = book(Hand(page), "tk", number="315")

    expect(page.locator(".page-head .status--good")).to_be_visible()
    house.work()
    page.goto(f"/tk/bookings/{reference}/papers")
    page.locator("main a[href$='-passport']").first.click()
    scan = {"name": "passport.jpg", "mimeType": "image/jpeg", "buffer": jpeg((900, 640))}
    page.locator("input[type=file]").set_input_files(scan)
    page.locator("form[data-upload] button[type=submit]").click()
    expect(page.locator(".page-head .status--wait")).to_be_visible()


def test_every_cabin_of_the_plan_stands_in_a_list_too(house, visit):
    page = visit("ru", java_script_enabled=False)
    page.goto("/ru/cruises/PV24-02/deck-plan")

    on_plan = page.locator(".cabins a[href]").count()

    assert on_plan > 100
    assert page.locator("#cabin-list tbody th a[href]").count() == on_plan


def test_the_end_of_a_hold_is_told_as_a_time_of_day(house, visit):
    page = visit("ru", java_script_enabled=False)
    page.goto("/ru/cruises/PV24-02/cabins/316")

    page.locator("main form button[type=submit]:not([formnovalidate])").click()

    expect(page.locator(".countdown time")).to_be_visible()


def test_colours_and_language_are_switched_by_links(house, visit):
    page = visit("en", java_script_enabled=False)
    page.goto("/en/cruises?country=TM")

    page.locator(".themes a:visible").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator(".languages a[hreflang=tk]").click()

    expect(page.locator("html")).to_have_attribute("lang", "tk")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.locator("[name=country]")).to_have_value("TM")
