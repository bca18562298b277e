"""Promotion codes are made, looked after and ended by staff; fares are tried before they are saved."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.prices import apply_promotion
from portal.database import db
from portal.pricing.models import Fare, PriceList, Promotion
from tests.browser import Browser, Page
from tests.factories import NOON, make_account, make_draft, make_fare, make_promotion, make_season


def opened(browser: Browser, path: str) -> Page:
    browser.sign_in(make_account(Role.OPERATOR))
    return browser.open(f"/en/staff/{path}")


def make(page: Page, **typed: Any) -> Page:
    new = "/en/staff/promotions"
    form = next(form for form in page.forms if "percent" in form.values or "code" in form.values)
    return page.browser.request(new, method="POST", data=form.values | typed)


def test_a_code_is_made_and_listed_with_its_limits(browser: Browser) -> None:
    page = opened(browser, "promotions")

    saved = make(page, code="spring 24", amount="500", currency="RUB", uses="10", budget="3000", ends_on="2024-04-30")

    [promotion] = db.session.scalars(select(Promotion)).all()
    assert saved.status == 302
    assert (promotion.code, promotion.amount_minor, promotion.budget_minor) == ("SPRING24", 500_00, 3000_00)
    assert promotion.ends_on == date(2024, 4, 30)
    assert "SPRING24" in browser.open("/en/staff/promotions").words


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"code": "AB", "percent": "5"}, "3 to 20 Latin letters"),
        ({"code": "GOOD"}, "either a percentage or a sum"),
        ({"code": "GOOD", "percent": "5", "amount": "5", "currency": "RUB"}, "either a percentage or a sum"),
        ({"code": "GOOD", "amount": "5"}, "A sum needs its currency"),
        ({"code": "GOOD", "percent": "5", "budget": "5"}, "A sum needs its currency"),
        ({"code": "GOOD", "percent": "5", "starts_on": "2024-03-02", "ends_on": "2024-03-01"}, "before the first"),
        ({"code": "TAKEN", "percent": "5"}, "a promotion with this code already"),
    ],
)
def test_a_code_that_makes_no_sense_is_explained(browser: Browser, typed: dict[str, str], said: str) -> None:
    make_promotion("TAKEN")

    answer = make(opened(browser, "promotions"), **typed)

    assert answer.status == 422
    assert said in answer.words


def test_uses_are_shown_and_a_code_is_ended(browser: Browser) -> None:
    promotion = make_promotion(currency="RUB", uses_limit=5, cabins_limit=7)
    apply_promotion(booking_id=make_draft(make_season()).id, code="SPRING", now=NOON)
    page = opened(browser, "promotions")

    ended = page.submit(f"promotions/{promotion.id}/end").follow()

    assert "1 / 5" in page.words
    assert "1 / 7" in page.words
    assert "200" in page.words
    assert "Ended" in ended.words
    assert browser.request(
        "/en/staff/promotions/999/end", method="POST", data=page.form("promotions/").values
    ).status == 404


def test_fares_are_tried_on_parties_before_they_are_saved(browser: Browser) -> None:
    season = make_season()
    page = opened(browser, f"sailings/{season.sailing.code}/fares")

    tried = page.submit(**{"fares-0-adult": "1100", "port_dues": "50", "parties": "30,30\n30", "try": "1"})

    assert tried.status == 200
    assert "+300" in tried.words.replace("\u00a0", " ")  # two hundred more and the dues of two
    assert "2,300" in tried.words
    assert db.session.scalars(select(Fare.adult_minor).distinct()).all() == [1000_00]


def test_a_party_that_cannot_be_read_is_named(browser: Browser) -> None:
    season = make_season()
    page = opened(browser, f"sailings/{season.sailing.code}/fares")

    answer = page.submit(**{"parties": "30,30\nnobody", "try": "1"})

    assert answer.status == 422
    assert "nobody: Ages are whole years" in answer.words


def test_each_currency_has_its_list_and_each_saving_a_version(browser: Browser) -> None:
    season = make_season()
    make_fare(season.sailing, season.category, currency="USD", adult_minor=11_00, single_minor=18_00, child_minor=9_00)
    page = opened(browser, f"sailings/{season.sailing.code}/fares?currency=USD")

    saved = page.submit(**{"fares-0-adult": "12", "port_dues": "3"})

    [old, new] = db.session.scalars(select(PriceList).filter_by(currency="USD").order_by(PriceList.version)).all()
    assert saved.status == 302
    assert (old.version, new.version, new.port_dues_minor) == (1, 2, 3_00)
    assert new.fares["STB"]["adult"] == 12_00
    assert "USD-2" in saved.follow().words
    assert db.session.scalars(select(Fare).filter_by(currency="USD")).one().price_list_id == new.id
