"""A tourist changes to a better cabin by himself, and pays the difference."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.tourist import Hand, book, open_payment_page, pay_by_card

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [360, 1440])
def test_a_better_cabin_is_chosen_paid_and_his(house, visit, width):
    tourist = visit("en", width=width)
    _code, reference = book(Hand(tourist), "en", email="anna@example.org")
    house.work()
    tourist.goto(f"/en/bookings/{reference}")

    tourist.locator("a", has_text="Change the booking").click()
    tourist.locator("a", has_text="Choose another cabin for 312").click()
    better = tourist.locator(".change-group", has_text="to pay").first
    better.locator("summary").click()
    number = better.locator(".cabin-chips strong").first.inner_text()
    better.locator(".cabin-chips a").first.click()
    expect(tourist.locator("main")).to_contain_text(f"cabin 312, afterwards {number}")
    assert tourist.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tourist.get_by_role("button", name="Agree and pay").click()
    expect(tourist.locator("main")).to_contain_text("until then what is new is held for you")
    open_payment_page(Hand(tourist))
    pay_by_card(Hand(tourist), reference)

    house.work()
    tourist.goto(f"/en/bookings/{reference}")
    expect(tourist.locator(".pass")).to_contain_text(f"Cabin {number}")
    expect(tourist.locator("main")).to_contain_text(f"from 312 to {number}")
    assert any(f"Booking {reference} is changed" in str(letter["Subject"]) for letter in house.letters())
