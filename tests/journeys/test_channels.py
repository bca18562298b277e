"""The channels of the guests of these cruises, in a real browser: a Mir card in rubles, a Turkmen card in manats."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from sandbox.bank.cards import CARDS_BY_SLUG as TURKMEN_CARDS
from sandbox.yookassa.cards import CARDS_BY_SLUG as MIR_CARDS
from tests.journeys.tourist import ANNA, MERET, Hand, agree, hold_cabin, name_passengers, open_payment_page, pay_by_card

pytestmark = pytest.mark.browser

CODE = "PV24-05"


def test_a_mir_card_pays_and_a_declined_one_is_no_end(house, visit):
    tourist = visit("ru")
    hand = Hand(tourist)
    tourist.goto(f"/ru/cruises/{CODE}")
    hold_cabin(hand, CODE, "312")
    name_passengers(hand, ANNA, MERET)
    reference = agree(hand)

    expect(tourist.locator("[name=method]").first).to_have_value("yookassa")
    open_payment_page(hand, "yookassa")
    expect(tourist.locator("h1")).to_contain_text("Оплата")
    pay_by_card(hand, reference, MIR_CARDS["funds"].number)
    tourist.goto(f"/ru/bookings/{reference}/pay")
    open_payment_page(hand, "yookassa")
    pay_by_card(hand, reference, MIR_CARDS["success"].number)

    house.work()
    tourist.reload()
    expect(tourist.locator("main")).to_contain_text("Карта «Мир» или СБП")
    expect(tourist.locator(".page-head .status--good").first).to_be_visible()


def test_a_turkmen_card_pays_a_booking_in_manats(house, visit):
    tourist = visit("tk", width=360)
    hand = Hand(tourist)
    tourist.goto(f"/tk/cruises/{CODE}")
    hold_cabin(hand, CODE, "312")
    name_passengers(hand, ANNA, MERET)
    choice = tourist.locator("form:has([name=currency])")
    hand.tick(choice.locator("[name=currency][value=TMT]"))
    hand.press(choice.locator("button[type=submit]").first)
    expect(tourist.locator("main")).to_contain_text("TMT")
    reference = agree(hand)

    expect(tourist.locator("[name=method][value=stripe], [name=method][value=yookassa]")).to_have_count(0)
    open_payment_page(hand, "turkmenbank")
    expect(tourist.locator("html")).to_have_attribute("lang", "tk")
    pay_by_card(hand, reference, TURKMEN_CARDS["success"].number)

    expect(tourist.locator("main")).to_contain_text("Türkmen bankynyň karty")
    expect(tourist.locator(".page-head .status--good").first).to_be_visible()
