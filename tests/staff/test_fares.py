import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.database import db
from portal.inventory.queries import cruise_page
from portal.pricing.errors import FaresChanged, FaresRefused
from portal.pricing.models import Fare
from portal.pricing.services import FareEdit, fares_seal, set_fares
from tests.factories import NOON, announced, make_account, make_booking, make_season


def fares(sailing):
    return db.session.scalars(select(Fare).where(Fare.sailing_id == sailing.id)).all()


def change(sailing, *, seen=None, mark="proposed", standard=(), junior=()):
    edits = [
        FareEdit(code, *({"adult": 1000_00, "single": 1600_00, "child": 850_00, "extra": extra} | dict(given)).values())
        for code, extra, given in (("STB", None, standard), ("JSB", 700_00, junior))
    ]
    set_fares(sailing_id=sailing.id, edits=edits, mark=mark, seen=seen or fares_seal(fares(sailing)), now=NOON)


def test_new_fares_are_sold_and_agreed_ones_stand():
    season = make_season()
    booking = make_booking(season)
    agreed = booking.price

    change(season.sailing, standard={"adult": 1200_00}.items(), mark="confirmed")

    assert [price.per_person.minor for price in cruise_page(season.sailing.code, NOON).prices] == [1200_00, 1000_00]
    assert booking.price == agreed
    assert announced()[-1] == "catalogue.sailing_changed"
    trail = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "sailing.fares_set")).one()
    assert "STB adult 100000 → 120000" in trail.reason


def test_fares_that_contradict_each_other_are_named_all_at_once():
    season = make_season()

    with pytest.raises(FaresRefused) as refused:
        change(
            season.sailing,
            standard={"single": 900_00, "child": 1100_00, "extra": 5_00}.items(),
            junior={"extra": None}.items(),
        )

    assert [(problem.category, problem.field) for problem in refused.value.problems] == [
        ("STB", "single"),
        ("STB", "child"),
        ("STB", "extra"),
        ("JSB", "extra"),
    ]
    assert {fare.single_minor for fare in fares(season.sailing)} == {1600_00}


def test_of_two_editors_the_second_is_told():
    season = make_season()
    seen = fares_seal(fares(season.sailing))
    change(season.sailing, standard={"adult": 1200_00}.items())

    with pytest.raises(FaresChanged):
        change(season.sailing, seen=seen, standard={"adult": 1100_00}.items())


def test_amounts_are_read_as_people_write_them(browser):
    season = make_season()
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{season.sailing.code}/fares")

    saved = page.submit(**{"fares-0-adult": "1 234,50", "fares-0-single": "2\u00a0000"})
    refused = browser.open(page.url).submit(**{"fares-0-adult": "12,345,678", "fares-0-child": "many"})

    db.session.rollback()
    assert saved.status == 302
    assert {(fare.adult_minor, fare.single_minor) for fare in fares(season.sailing)} == {
        (1234_50, 2000_00),
        (1000_00, 1600_00),
    }
    cheaper_alone = browser.open(page.url).submit(**{"fares-0-single": "1"})
    assert cheaper_alone.status == refused.status == 422
    assert len(cheaper_alone.find("input", aria_invalid="true")) == 1
    assert refused.find("input", name="fares-0-child")[0].get("value") == "many"
    assert len(refused.find("input", aria_invalid="true")) == 2


def test_the_second_editor_sees_what_the_first_saved_and_may_save_then(browser):
    season = make_season()
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{season.sailing.code}/fares")
    change(season.sailing, standard={"adult": 1200_00}.items())

    conflict = page.submit(**{"fares-0-adult": "1100"})
    saved = conflict.submit()

    assert conflict.status == 409
    assert "Now saved: 1,200" in conflict.words
    assert saved.status == 302
