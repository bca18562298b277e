"""The price for the party that was named goes along from the list to the cabin, and is what the rules say."""

from __future__ import annotations

from typing import Any

import pytest

from portal.inventory.forms import asked_party, typed_party
from portal.inventory.services import close_cabin
from portal.kernel.clock import now
from tests.factories import SmallSeason, make_season
from tests.inventory.test_deck_plan import drawn, listed

SPACE = "\u00a0"


def plan_of(season: SmallSeason, query: str = "") -> str:
    return f"/en/cruises/{season.sailing.code}/deck-plan{query}"


@pytest.mark.once
@pytest.mark.parametrize(
    ("typed", "party"),
    [
        ({}, ""),
        ({"adults": "", "ages": "", "cabins": ""}, ""),
        ({"adults": "2"}, "30,30"),
        ({"adults": "2", "ages": "7, 4"}, "30,30,7,4"),
        ({"adults": "2", "ages": "7", "cabins": "2"}, "30,7;30"),
        ({"adults": "1", "ages": "children of 7 and 4"}, "30,7,4"),
        ({"adults": "1", "cabins": "2"}, "30;"),
        ({"adults": "many", "ages": "", "cabins": "9"}, ""),
        ({"adults": "2", "ages": "7", "party": "41TM,38,7"}, "41TM,38,7"),
        ({"adults": "3", "ages": "7", "party": "41TM,38,7"}, "30,30,30,7"),
    ],
)
def test_what_is_typed_becomes_a_party(typed, party):
    assert typed_party(typed) == party


@pytest.mark.once
def test_the_party_of_an_address_is_what_the_chooser_shows():
    asked = asked_party({"party": "41TM,38,7;30", "group": "2"})

    assert (asked.adults, asked.ages, asked.cabins, asked.group) == (3, "7", 2, 1)
    assert [one.age for one in asked.sleepers] == [30]
    assert asked.address == {"party": "41TM,38,7;30", "group": 2}


@pytest.mark.once
@pytest.mark.parametrize("text", ["0", "30,x", ";;", "30" + ",30" * 30, "٣٠", "30;;30", "999"])
def test_a_party_that_cannot_be_is_refused_with_words(text):
    asked = asked_party({"party": text})

    assert asked.party is None
    assert str(asked.refusal)


def test_the_chooser_leads_to_an_address_that_can_be_shared(browser):
    season = make_season()

    answer = browser.open("/en/cruises?month=&nights=1-5&adults=2&ages=7&cabins=")
    page = answer.follow()

    assert answer.location == "/en/cruises?nights=1-5&party=30,30,7"
    assert "your party, 1 cabin 2,700" in page.words.replace(SPACE, " ")  # the suite of a family: 1000 + 1000 + 700
    assert any(f"/cruises/{season.sailing.code}?party=30" in link for link in page.links)


def test_each_cabin_of_the_plan_and_the_list_shows_the_price_for_the_party(browser):
    season = make_season()

    page = browser.open(plan_of(season, "?party=30,30,7"))

    cabins = drawn(page)
    assert cabins[f"Cabin 303, Junior suite, free, 2,700{SPACE}₽ for those who sleep in it"] == (
        "cabins/303?party=30,30,7"
    )
    assert "Cabin 301, Standard, free, too small for your party" in cabins
    assert [(row[0], row[-1]) for row in listed(page)] == [
        ("301", "does not fit"),
        ("302", "does not fit"),
        ("303", f"2,700{SPACE}₽"),
        ("304", "does not fit"),
    ]


def test_the_list_can_be_narrowed_to_where_the_party_fits(browser):
    season = make_season()

    page = browser.open(plan_of(season, "?party=30,30,7")).submit(form="#cabin-list", fits="1")

    assert [row[0] for row in listed(page)] == ["303"]
    assert [link for link in page.links if "party=30,30,7" in link]


def test_a_party_of_several_cabins_chooses_one_after_the_other(browser):
    season = make_season()

    first = browser.open(plan_of(season, "?party=30,30;30"))
    second = browser.open(plan_of(season, "?party=30,30;30&group=2"))

    assert next(row[-1] for row in listed(first)) == f"2,000{SPACE}₽"
    assert next(row[-1] for row in listed(second)) == f"1,600{SPACE}₽"  # alone in the cabin
    assert "Cabin 1 of 2" in first.words


def test_a_party_too_large_for_one_cabin_is_told_how_many_it_needs(browser):
    season = make_season()

    page = browser.open(plan_of(season, "?party=30,30,30,30"))

    assert "One cabin is too small for all of you." in page.words
    assert f"In 2 cabins it costs 4,000{SPACE}₽." in page.text
    [way] = [link for link in page.links if "%3B" in link or ";" in link]
    assert "Cabin 1 of 2" in browser.open(way).words


def test_the_cruise_page_shows_what_the_party_pays_in_each_category(browser):
    season = make_season()

    page = browser.open(f"/en/cruises/{season.sailing.code}?party=30,30,7")

    assert f"2,700{SPACE}₽ for your party: 2 adults, children’s ages: 7" in page.text
    assert "does not fit" not in row_of(page, "Junior suite")


def test_a_party_that_fits_nowhere_is_told_so(browser):
    season = make_season()
    for cabin in season.cabins[1:]:
        close_cabin(sailing_id=season.sailing.id, cabin_id=cabin.id, reason="repair", now=now())

    listed_page = browser.open("/en/cruises?party=30,30,30,30")
    page = browser.open(f"/en/cruises/{season.sailing.code}?party=30,30,30,30")

    assert "Your party does not fit into what is free" in listed_page.words
    assert "Your party does not fit into what is free" in page.words


def test_the_cabin_page_begins_with_those_who_would_sleep_in_it(browser):
    season = make_season()

    page = browser.open(f"/en/cruises/{season.sailing.code}/cabins/303?party=30,30,1")
    hold = page.submit()

    assert page.form().values["party"] == ["2"]
    assert page.form().values["infant"] == ["y"]
    assert f"2,000{SPACE}₽" in page.text
    assert hold.status == 302


def test_what_cannot_be_read_as_a_party_is_said_and_the_page_is_there(browser):
    season = make_season()

    for path in ("/en/cruises", f"/en/cruises/{season.sailing.code}", plan_of(season)):
        page = browser.open(f"{path}?party=nonsense")
        assert page.status == 200
        assert "We could not read who travels." in page.words


def test_a_page_with_a_party_is_not_kept(browser):
    from portal.web.ready import shelf

    make_season()
    shelf.clear()

    browser.open("/en/cruises?party=30,30")

    assert len(shelf._pages) == 0


def row_of(page: Any, name: str) -> str:
    [row] = [row for row in page.find("tr") if any(name in "".join(head.itertext()) for head in row.iter("th"))]
    return " ".join("".join(row.itertext()).split())
