"""The reader's language: chosen, remembered, kept on every page."""

import pytest

from tests.factories import make_season


@pytest.mark.parametrize(
    ("asked", "language"),
    [("tk,ru;q=0.5", "tk"), ("en-GB,en;q=0.9", "en"), ("fr", "ru"), ("", "ru"), ("de;q=0.9, ru;q=0.1", "ru")],
)
def test_the_start_page_takes_the_browsers_language(browser, asked, language):
    answer = browser.client.get("/", headers={"Accept-Language": asked})

    assert answer.location == f"/{language}/"


def test_a_language_once_chosen_is_remembered(browser):
    browser.open("/tk/cruises")

    assert browser.client.get("/", headers={"Accept-Language": "en"}).location == "/tk/"


def test_the_country_code_of_turkmenistan_leads_to_its_language(browser):
    assert browser.client.get("/tm/cruises").location == "/tk/cruises"


def test_every_language_is_one_click_away_on_the_same_page(browser):
    make_season()

    page = browser.open("/en/cruises?country=TM&free=2")

    for code in ("ru", "tk"):
        assert any(f"/{code}/cruises?" in link and "country=TM" in link and "free=2" in link for link in page.links)


@pytest.mark.parametrize("path", ["/de/", "/en/cruises/NOPE", "/ru/cruises/NOPE/deck-plan", "/en/bookings/ABCDEFGH"])
def test_what_is_not_there_is_a_page_that_says_so(browser, path):
    assert browser.open(path).status == 404
