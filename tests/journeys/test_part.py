"""A tourist buys a part of a voyage, from the page of the cruise to the voucher."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from portal.catalogue.models import Sailing
from portal.catalogue.services import offer_part
from portal.database import db
from portal.kernel.clock import now
from tests.journeys.tourist import (
    ANNA,
    MERET,
    Hand,
    agree,
    name_passengers,
    open_payment_page,
    pay_by_card,
    press_free_cabin,
)

pytestmark = pytest.mark.browser
CODE = "PV24-02"  # Astrakhan, Makhachkala, Baku, Turkmenbashi, Astrakhan


def test_a_part_of_a_voyage_is_found_bought_and_paid(app, house, visit):
    with app.app_context():
        sailing = db.session.scalars(select(Sailing).filter_by(code=CODE)).one()
        offer_part(sailing_id=sailing.id, embark=1, disembark=4, percent=60, mark="proposed", on_sale=True, now=now())
    tourist = visit("ru", width=360)
    hand = Hand(tourist)
    tourist.goto(f"/ru/cruises/{CODE}")

    hand.press(tourist.locator(".voyage-part a"))
    expect(tourist.locator("main")).to_contain_text("Астрахань – Туркменбаши")
    press_free_cabin(hand, "312", part="1-4")
    name_passengers(hand, ANNA, MERET)
    expect(tourist.locator("#price")).to_contain_text("60")
    reference = agree(hand)
    open_payment_page(hand)
    pay_by_card(hand, reference)
    house.work()

    tourist.goto(f"/ru/bookings/{reference}")
    expect(tourist.locator(".pass")).to_contain_text("Туркменбаши")
    assert tourist.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert any(letter.get_content_type() == "multipart/mixed" for letter in house.letters())
    whole = visit("en")
    whole.goto(f"/en/cruises/{CODE}/deck-plan")
    expect(whole.locator(".cabins a[href='cabins/312']")).to_have_count(0)
