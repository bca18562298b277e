"""The operator lets guests book a part of a voyage."""

from datetime import timedelta

from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.catalogue.models import CallState, VoyagePart
from portal.database import db
from tests.factories import make_account, make_part, make_season

TYPED = {"embark": 2, "disembark": 3, "percent": "45", "mark": "proposed", "on_sale": "y"}


def parts_page(browser, season):
    browser.sign_in(make_account(Role.OPERATOR))
    return browser.open(f"/en/staff/sailings/{season.sailing.code}/parts")


def test_the_operator_offers_a_part_and_the_trail_says_so(browser):
    season = make_season()

    answer = parts_page(browser, season).submit(**TYPED)

    assert answer.status == 302
    part = db.session.scalars(select(VoyagePart)).one()
    assert (part.key, part.percent, part.mark, part.on_sale) == ("2-3", 45, "proposed", True)
    entry = db.session.scalars(select(AuditEntry).filter_by(action="sailing.part_set")).one()
    assert (entry.subject_reference, entry.to_state) == (season.sailing.code, "45 % · proposed · on_sale")
    assert "45" in browser.open(answer.location).text


def test_choosing_the_same_calls_again_changes_the_part(browser):
    season = make_season()
    make_part(season.sailing, 2, 3, percent=45)

    parts_page(browser, season)
    page = browser.open(f"/en/staff/sailings/{season.sailing.code}/parts?part=2-3")
    shown = page.form().values
    answer = page.submit(percent="60", on_sale=None)

    assert (shown["embark"], shown["disembark"], shown["percent"]) == (["2"], ["3"], ["45"])
    assert answer.status == 302
    part = db.session.scalars(select(VoyagePart)).one()
    assert (part.percent, part.on_sale) == (60, False)


def test_what_cannot_be_a_part_is_explained_beside_its_field(browser):
    season = make_season()

    whole = parts_page(browser, season).submit(**TYPED | {"embark": 1})
    too_much = parts_page(browser, season).submit(**TYPED | {"percent": "101"})

    assert whole.status == too_much.status == 422
    assert "That is the whole voyage." in whole.text
    assert "a percentage from 1 to 100" in too_much.text
    assert db.session.scalars(select(VoyagePart)).all() == []


def test_a_part_from_a_call_that_waits_for_a_permission_is_not_sold(browser):
    season = make_season()
    season.sailing.calls[1].state = CallState.CONDITIONAL
    db.session.commit()

    answer = parts_page(browser, season).submit(**TYPED)

    assert answer.status == 422
    assert "waits for a permission" in answer.text


def test_calls_without_a_night_between_them_are_no_part(browser):
    season = make_season()
    calls = season.sailing.calls
    calls[1].arrives_at, calls[1].departs_at = calls[0].departs_at + timedelta(hours=2), None
    calls[1].departs_at = calls[1].arrives_at + timedelta(hours=1)
    db.session.commit()

    answer = parts_page(browser, season).submit(**TYPED | {"embark": 1, "disembark": 2})

    assert answer.status == 422
    assert "no night between these calls" in answer.text


def test_the_trail_says_in_words_how_a_part_is_sold(browser):
    season = make_season()
    parts_page(browser, season).submit(**TYPED)

    page = browser.open(f"/ru/staff/sailings/{season.sailing.code}")

    assert "45 % · Предварительно · В продаже" in page.words
    assert "on_sale" not in page.words
