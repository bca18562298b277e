"""What the browser remembers of a party's passports is put into lists, cruises and the booking's first form."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.tourist import Hand, hold_cabin

pytestmark = pytest.mark.browser


def test_passports_told_once_are_judged_on_every_page_and_filled_in_at_booking(visit):
    tourist = visit("en", width=360)
    hand = Hand(tourist)
    tourist.goto("/en/passports")
    tourist.select_option("#citizenship-1", "RU")
    tourist.fill("#expires-1", "17.05.2031")
    tourist.select_option("#citizenship-2", "AM")
    hand.press(tourist.get_by_role("button", name="What can still be done?"))
    expect(tourist.locator("#answer")).to_be_visible()

    tourist.goto("/en/cruises")
    tickets = tourist.locator("article.ticket")
    expect(tickets.nth(1).locator(".chance")).to_contain_text("Entry is refused: Azerbaijan")
    expect(tourist.locator("[data-passports-whose]")).to_have_text("2 passports: Russia, Armenia")
    tourist.get_by_label("Leave out what cannot be done for us").check()
    expect(tickets.nth(0)).to_be_visible()
    expect(tickets.nth(1)).to_be_hidden()
    assert tourist.evaluate("document.documentElement.scrollWidth <= innerWidth")

    tourist.goto("/en/cruises/PV24-02")
    expect(tourist.locator(".chance--whole")).to_contain_text("Passport 1, Russia")
    hold_cabin(hand, "PV24-02", "312")
    expect(tourist.locator("#passengers-0-citizenship")).to_have_value("RU")
    assert tourist.input_value("#passengers-0-document_expires") == "2031-05-17"
    assert tourist.input_value("#passengers-1-citizenship") == "AM"

    tourist.goto("/en/cruises")
    hand.press(tourist.get_by_role("button", name="Forget"))
    expect(tourist.locator("[data-passports-none]")).to_be_visible()
    assert tourist.evaluate("localStorage.length") == 0
