"""The ship's data: every published total, the proposed numbering, and a drawing in which nothing overlaps."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once

SHIP = json.loads(Path("portal/catalogue/facts/ship.json").read_text(encoding="utf-8"))
CABINS = SHIP["cabins"]
CATEGORIES = {category["code"]: category for category in SHIP["categories"]}
SHAFTS = {"lift", "stairs"}

NUMBERING = [
    ("STF", "main", range(201, 235)),
    ("ACC", "main", range(235, 237)),
    ("STB", "middle", range(301, 355)),
    ("JSB", "middle", range(355, 361)),
    ("JSB", "boat", range(401, 405)),
    ("DLX", "boat", range(405, 448)),
    ("LUX", "boat", range(448, 458)),
    ("GLX", "boat", range(458, 460)),
]


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_the_ship_has_the_published_totals():
    assert len(CABINS) == 155
    assert sum(cabin["berths"] for cabin in CABINS) == SHIP["persons_limit"] == 310
    assert sum(cabin["extra_berths"] for cabin in CABINS) == 22
    assert sum(cabin["category"] in ("LUX", "GLX") for cabin in CABINS) == 12
    assert (min(cabin["area"] for cabin in CABINS), max(cabin["area"] for cabin in CABINS)) == (17, 43)


def test_each_number_is_on_its_deck_in_its_category():
    expected = {str(number): (category, deck) for category, deck, numbers in NUMBERING for number in numbers}

    found = {cabin["number"]: (cabin["category"], cabin["deck"]) for cabin in CABINS}

    assert found == expected


def test_no_two_cabins_of_a_deck_overlap():
    for one, other in combinations(CABINS, 2):
        if one["deck"] == other["deck"]:
            assert not overlap(one, other), (one["number"], other["number"])


def test_no_cabin_stands_in_a_public_room():
    for deck in SHIP["decks"]:
        for cabin in CABINS:
            if cabin["deck"] == deck["code"]:
                assert not [room for room in deck["drawing"]["rooms"] if overlap(cabin, room)], cabin["number"]


def test_cabins_lie_within_the_hull_with_even_numbers_to_port():
    for cabin in CABINS:
        assert 0 <= cabin["x"] < cabin["x"] + cabin["w"] <= 1411
        assert 0 <= cabin["y"] < cabin["y"] + cabin["h"] <= 168
        assert cabin["side"] == ("port" if int(cabin["number"]) % 2 == 0 else "starboard")
        assert (cabin["y"] < 84) == (cabin["side"] == "port")


def test_the_area_of_a_cabin_is_what_is_drawn_and_within_its_category():
    for cabin in CABINS:
        category = CATEGORIES[cabin["category"]]
        assert cabin["w"] * cabin["h"] / 100 == pytest.approx(cabin["area"], abs=0.5)
        assert category["area_min"] <= cabin["area"] <= category["area_max"]
        assert all(cabin[key] == category[key] for key in ("berths", "extra_berths", "balcony"))


def test_connecting_cabins_are_neighbours_and_know_each_other():
    by_number = {cabin["number"]: cabin for cabin in CABINS}

    for cabin in CABINS:
        if cabin["connects_to"]:
            other = by_number[cabin["connects_to"]]
            assert other["connects_to"] == cabin["number"]
            assert (cabin["deck"], cabin["y"]) == (other["deck"], other["y"])
            assert cabin["x"] + cabin["w"] == other["x"] or other["x"] + other["w"] == cabin["x"]


def test_stairs_and_both_lifts_stand_above_each_other_on_all_decks():
    shafts = [
        {(room["kind"], room["x"], room["y"]) for room in deck["drawing"]["rooms"] if room["kind"] in SHAFTS}
        for deck in SHIP["decks"]
    ]

    assert all(shaft == shafts[0] for shaft in shafts)
    assert Counter(kind for kind, _, _ in shafts[0]) == {"lift": 2, "stairs": 2}


def test_all_texts_are_in_three_languages():
    texts = [name["name"] for name in SHIP["names"]]
    texts += [category[key] for category in SHIP["categories"] for key in ("name", "description")]
    texts += [deck["name"] for deck in SHIP["decks"]]
    texts += [room["name"] for deck in SHIP["decks"] for room in deck["drawing"]["rooms"]]

    for text in texts:
        assert set(text) == {"ru", "tk", "en"}
        assert all(text.values())
