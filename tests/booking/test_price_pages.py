"""The price in plain words on the pages of a cabin, of the review and of the booking; a code and a currency chosen."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.booking.models import Booking
from portal.database import db
from tests.booking.test_pages import CONTACT, problem_beside, review
from tests.browser import Browser
from tests.factories import make_fare, make_promotion, make_season, make_terms


def the_booking() -> Booking:
    db.session.rollback()
    return db.session.scalars(select(Booking)).one()


def test_the_review_says_each_line_with_its_reason_and_so_does_the_booking(browser: Browser) -> None:
    season = make_season()
    make_terms(foreign={"residents": ["RU"], "percent": 8})

    page = review(browser, season)
    page.submit("review-form", **CONTACT)
    booking = browser.open(f"/en/bookings/{the_booking().reference}")

    for shown in (page, booking):
        assert "Tariff for foreign citizens" in shown.words
        assert "citizens of other countries pay 8% more" in shown.words
        assert "2,080" in shown.words


def test_a_promotion_code_is_typed_on_the_review_and_taken_away_again(browser: Browser) -> None:
    season = make_season()
    make_promotion(percent=10)
    page = review(browser, season)

    with_code = page.submit("price-form", code="spring").follow()
    price = the_booking().price.minor
    without = with_code.submit("price-form", code="").follow()

    assert price == 1800_00
    assert "Code SPRING: 10% off." in with_code.words
    assert "Code SPRING" not in without.words
    assert the_booking().price.minor == 2000_00


def test_a_code_that_does_not_exist_is_explained_beside_its_field(browser: Browser) -> None:
    page = review(browser, make_season())

    answer = page.submit("price-form", code="NOPE")

    assert answer.status == 422
    assert "no such promotion code" in problem_beside(answer, "code")
    assert browser.open(answer.url).location.endswith("/review#price")


def test_a_code_for_another_currency_is_explained_beside_its_field(browser: Browser) -> None:
    season = make_season()
    make_promotion(percent=10, categories=["STB"], currency="RUB")
    make_fare(season.sailing, season.category, currency="USD", adult_minor=11_00, single_minor=18_00, child_minor=9_00)
    page = review(browser, season).submit("price-form", code="SPRING").follow()

    refused = page.submit("price-form", currency="USD")
    changed = page.submit("price-form", currency="USD", code="").follow()

    assert "does not hold for prices in this currency" in problem_beside(refused, "code")
    assert changed.form("price-form").values["currency"] == ["USD"]
    assert the_booking().price.currency == "USD"


def test_a_currency_is_offered_only_where_there_is_another_list(browser: Browser) -> None:
    page = review(browser, make_season())

    assert "US dollars" not in page.words
    assert [field.get("type") for field in page.find("input", name="currency")] == ["hidden"]


@pytest.mark.parametrize(("party", "said"), [("34,7", "Traveller 2, 7 years"), ("34", "Single supplement")])
def test_the_page_of_a_cabin_prices_the_party_of_the_address(browser: Browser, party: str, said: str) -> None:
    season = make_season()

    page = browser.open(f"/en/cruises/{season.sailing.code}/cabins/301?party={party}")

    assert said in page.words
    assert page.find("details", **{"class": "price-made"})[0].get("open") is not None


@pytest.mark.parametrize("asked", ["party=nobody", "party=30,30,30,30", "party=1", "currency=XXX", "party=30;30"])
def test_what_means_nothing_in_the_address_of_a_cabin_is_let_go(browser: Browser, asked: str) -> None:
    season = make_season()

    page = browser.open(f"/en/cruises/{season.sailing.code}/cabins/301?{asked}")

    assert page.status == 200
    assert "2,000" in page.words


def test_the_page_of_a_cabin_shows_another_currency(browser: Browser) -> None:
    season = make_season()
    make_fare(season.sailing, season.category, currency="USD", adult_minor=11_00, single_minor=18_00, child_minor=9_00)

    page = browser.open(f"/en/cruises/{season.sailing.code}/cabins/301?currency=USD")

    assert "22 US$" in page.words or "22 USD" in page.words or "US$22" in page.words


def test_a_hold_named_in_russian_reads_its_price_in_russian(browser: Browser) -> None:
    page = review(browser, make_season(), "ru")

    assert "Цена одного места" in page.words
