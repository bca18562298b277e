"""Asking with "My passports" what can still be done: as a page, and as scripts ask."""

from __future__ import annotations

import json
import logging
from datetime import date

import pytest
from werkzeug.datastructures import MultiDict

from portal.catalogue.versions import CATALOGUE, bump
from portal.database import db
from portal.visas.feasibility import Holder
from portal.visas.forms import last_day, typed_passports
from portal.visas.rule_file import RULES
from portal.visas.services import load_rules
from portal.web.ready import shelf
from tests.browser import Browser, Page
from tests.factories import NOON, make_season
from tests.proofs.test_statements import counted


@pytest.fixture
def season(rules):
    return make_season()


ONE = {"citizenship": "RU", "expires": "05.2031", "age": ""}


def asked(browser: Browser, **typed: str) -> Page:
    return browser.open("/en/passports").submit("passports", **ONE | typed)


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17.05.2031", date(2031, 5, 17)),
        ("2031-05-17", date(2031, 5, 17)),
        ("05.2031", date(2031, 5, 1)),
        ("2031-5", date(2031, 5, 1)),
        ("31.02.2031", None),
        ("2031", None),
        ("13.2031", None),
        ("soon", None),
    ],
)
def test_a_day_or_a_month_is_read(text, day):
    assert last_day(text) == day


@pytest.mark.once
def test_rows_are_read_in_their_order_and_empty_ones_left_out():
    typed = typed_passports(
        MultiDict(
            [
                *[("citizenship", "RU"), ("expires", "05.2031"), ("age", "")],
                *[("citizenship", ""), ("expires", ""), ("age", " ")],
                *[("citizenship", "KZ"), ("expires", ""), ("age", "7")],
            ]
        )
    )

    assert typed.party == (Holder("RU", date(2031, 5, 1), None), Holder("KZ", None, 7))


@pytest.mark.once
def test_what_is_wrong_is_said_beside_its_row_and_nothing_is_judged():
    typed = typed_passports(MultiDict([("citizenship", "XX"), ("expires", "never"), ("age", "130")]))

    assert [set(row.wrong) for row in typed.rows] == [{"citizenship", "expires", "age"}]
    assert typed.party == ()


def test_the_page_answers_for_every_cruise_on_sale_without_a_script(browser: Browser, season) -> None:
    page = asked(browser)

    assert page.status == 200
    assert "1 passport: Russia" in page.words
    assert f"/en/cruises/{season.sailing.code}" in " ".join(page.links)
    # Aboard on 15 May: a week, 15 days, 20 days, 7 days of working days before it, and three to gather.
    assert "Last safe day to book: 26 Feb; to hand in papers: 29 Feb" in page.words
    assert "The authority: 15 working days in nine cases of ten, so ask by 12 April 2024." in page.words
    assert page.find("input", name="expires")[0].get("value") == "05.2031"


def test_a_passport_that_cannot_be_read_is_mended_beside_its_field(browser: Browser, season) -> None:
    page = asked(browser, expires="whenever")

    assert page.status == 422
    assert "like 17.05.2031 or 05.2031" in page.words
    assert page.find("input", id="expires-1", aria_invalid="true")


def test_what_is_told_of_passports_is_kept_nowhere(browser: Browser, season, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        page = asked(browser, expires="11.07.2033")

    assert "11.07.2033" in page.text  # for the reader himself
    with browser.client.session_transaction() as session:
        assert set(session) <= {"csrf_token"}
    assert page.headers["Cache-Control"] == "no-store"
    assert "11.07.2033" not in caplog.text
    assert "2033" not in json.dumps([str(url) for url in page.links])


def test_scripts_are_answered_by_sailing(browser: Browser, season) -> None:
    code = season.sailing.code
    data = MultiDict([*ONE.items(), ("s", code), ("s", "PV99-99")])

    said = json.loads(browser.request("/en/passports/answers", method="POST", data=data).content)

    assert said["whose"] == "1 passport: Russia"
    assert list(said["sailings"]) == [code]
    assert said["sailings"][code]["possible"] is True
    assert "Turkmenistan" in said["sailings"][code]["html"]


def test_scripts_that_ask_without_a_passport_get_no_answer(browser: Browser, season) -> None:
    assert browser.request("/en/passports/answers", method="POST", data={"s": season.sailing.code}).status == 422


def test_lists_and_cruises_stay_the_same_for_everybody(browser: Browser, season) -> None:
    first = browser.open("/en/cruises")
    asked(browser)

    assert browser.open("/en/cruises").content == first.content
    assert first.find("div", data_chance=season.sailing.code)
    assert any("/en/cruises" in str(key[1]) for key in shelf._pages)


def test_a_change_of_the_rules_is_seen_by_the_next_question(browser: Browser, season, tmp_path) -> None:
    before = asked(browser).words
    only = tmp_path / "only.csv"
    only.write_text(RULES.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    load_rules(only, now=NOON)

    assert "The authority: 15 working days" in before
    assert "Turkmenistan: we know no rule for this passport" in asked(browser).words


def test_a_question_costs_few_statements(browser: Browser, season) -> None:
    data = MultiDict([*ONE.items(), ("s", season.sailing.code)])
    browser.request("/en/passports/answers", method="POST", data=data)

    with counted() as statements:
        browser.request("/en/passports/answers", method="POST", data=data)

    assert len(statements) <= 1


def test_an_edit_of_the_catalogue_is_judged_anew(browser: Browser, season) -> None:
    data = MultiDict([*ONE.items(), ("s", season.sailing.code)])
    browser.request("/en/passports/answers", method="POST", data=data)
    season.sailing.calls[1].port_id = season.sailing.calls[0].port_id
    bump(CATALOGUE)
    db.session.commit()

    said = browser.request("/en/passports/answers", method="POST", data=data)

    assert "Turkmenistan" not in said.text


def test_a_waiver_without_a_limit_of_days_is_said(browser: Browser, season) -> None:
    assert "No visa." in asked(browser, citizenship="BY").words
