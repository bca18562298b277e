"""Nothing that a stranger writes into an address breaks a page or leads its reader away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories import make_season

if TYPE_CHECKING:
    from tests.browser import Browser

# What url_for() reads as orders to itself.
ORDERS = ["endpoint=x", "_method=POST", "_external=1", "_external=1&_scheme=javascript", "_anchor=x"]
ELSEWHERE = ["//evil.example", "/\t/evil.example", "/\n/evil.example", "\\\\evil.example", "/\\evil.example", "x"]


@pytest.mark.parametrize("orders", ORDERS)
@pytest.mark.parametrize("path", ["/en/cruises", "/en/sign-in", "/en/cruises/NOPE"])
def test_the_switch_of_languages_takes_no_orders_from_the_address(browser: Browser, path: str, orders: str) -> None:
    make_season()

    page = browser.open(f"{path}?{orders}")

    switches = [link for link in page.find("a", lang="ru") if link.get("hreflang") == "ru"]
    assert page.status in (200, 404)
    assert {link.get("href") for link in switches} == {f"{path.replace('/en/', '/ru/')}?{orders}"}


@pytest.mark.parametrize("target", ELSEWHERE)
def test_the_choice_of_light_leads_nowhere_else(browser: Browser, target: str) -> None:
    answer = browser.open("/en/theme/dark", query_string={"next": target})

    assert answer.status == 302
    assert answer.location == "/en/"
