from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.database import db
from portal.inventory.models import CabinNight, Occupancy
from portal.inventory.queries import deck_plan_states
from portal.kernel.clock import now
from tests.factories import make_account, make_hold, make_season


def cabins_page(browser, season, **arguments):
    return browser.open(f"/en/staff/sailings/{season.sailing.code}/cabins", query_string=arguments)


def test_cabins_ticked_are_closed_with_their_reason_and_opened_again(browser):
    season = make_season()
    operator = make_account(Role.OPERATOR)
    browser.sign_in(operator)

    closed = cabins_page(browser, season).submit(cabin=["301", "303"], reason="shower", act="close").follow()
    taken = deck_plan_states(season.sailing.code, now()).taken
    opened = cabins_page(browser, season, state="closed").submit(cabin=["301"], act="open").follow()

    db.session.rollback()
    assert taken == {"301": "closed", "303": "closed"}
    assert "2 cabins are closed." in closed.words
    assert "shower" in closed.words
    assert "1 cabin is open again." in opened.words
    assert deck_plan_states(season.sailing.code, now()).taken == {"303": "closed"}
    actors = db.session.execute(select(AuditEntry.action, AuditEntry.actor).order_by(AuditEntry.id)).all()
    assert actors == [
        ("cabin.closed", f"account:{operator.id}"),
        ("cabin.closed", f"account:{operator.id}"),
        ("cabin.released", f"account:{operator.id}"),
    ]


def test_a_cabin_that_a_guest_has_just_taken_stays_his_and_the_others_are_closed(browser):
    season = make_season()
    browser.sign_in(make_account(Role.OPERATOR))
    page = cabins_page(browser, season)
    hold = make_hold(season, now=now())

    answer = page.submit(cabin=["301", "302"], reason="shower", act="close").follow()

    db.session.rollback()
    assert "1 cabin is closed." in answer.words
    assert "not closed: cabins 301." in answer.words
    owners = db.session.scalars(select(CabinNight.occupancy_id).where(CabinNight.cabin_id == hold.cabin_id))
    assert set(owners) == {hold.id}


def test_without_a_reason_or_a_tick_nothing_is_closed_and_the_ticks_are_kept(browser):
    season = make_season()
    browser.sign_in(make_account(Role.OPERATOR))

    no_reason = cabins_page(browser, season).submit(cabin=["301"], act="close")
    no_tick = cabins_page(browser, season).submit(reason="shower", act="close")

    assert no_reason.status == no_tick.status == 422
    assert [box.get("value") for box in no_reason.find("input", type="checkbox", checked="")] == ["301"]
    assert 'value="shower"' in no_tick.text
    assert db.session.scalars(select(Occupancy)).all() == []


def test_who_may_only_read_gets_no_ticks(browser):
    season = make_season()
    browser.sign_in(make_account(Role.FINANCE))

    page = cabins_page(browser, season)

    assert page.status == 200
    assert page.find("input", type="checkbox") == []
