from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.catalogue.errors import CallsRefused, ChangedMeanwhile, SailingOver, SalesEndTooLate
from portal.catalogue.models import CallState, Sailing, SailingState
from portal.catalogue.services import CallEdit, close_sales, edit_sailing, set_on_sale
from portal.catalogue.versions import versions_since
from portal.database import db
from portal.inventory.queries import cruise_page
from tests.factories import NOON, announced, make_account, make_sailing, make_season, text


def edits(sailing, **changes):
    """The calls as they are, but for "arrives_2"-like changes by position."""
    fields = ("arrives_at", "departs_at", "state", "notes")
    return [
        CallEdit(
            position=call.position,
            **{name: changes.get(f"{name}_{call.position}", getattr(call, name)) for name in fields},
        )
        for call in sailing.calls
    ]


def change(sailing, *, status_text=None, version=None, **changes):
    return edit_sailing(
        sailing_id=sailing.id,
        version_seen=version or sailing.version,
        calls=edits(sailing, **changes),
        status_text=status_text or sailing.status_text,
        now=NOON,
    )


def problems(sailing, **changes):
    with pytest.raises(CallsRefused) as refused:
        change(sailing, **changes)
    return [(problem.position, problem.field) for problem in refused.value.problems]


def test_guests_see_a_change_at_once():
    sailing = make_season().sailing
    later = sailing.calls[1].departs_at + timedelta(hours=1)
    versions = {name: version for name, version, _ in versions_since(None)}

    change(sailing, departs_at_2=later, state_2=CallState.CONFIRMED, notes_2=text("By boat"))

    call = cruise_page(sailing.code, NOON).calls[1]
    assert (call.departs_at, call.state, call.notes) == (later, "confirmed", text("By boat"))
    assert {name: version for name, version, _ in versions_since(None)}["catalogue"] == versions.get("catalogue", 0) + 1
    assert announced() == ["catalogue.sailing_changed"]
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.from_state, entry.to_state) == ("sailing.edited", "v1", "v2")
    assert "call 2 departs" in entry.reason


def test_the_sailing_begins_and_ends_with_its_calls_and_sales_with_its_beginning():
    sailing = make_season().sailing
    starts = sailing.calls[0].departs_at - timedelta(hours=3)
    ends = sailing.calls[2].arrives_at + timedelta(hours=2)
    sales = sailing.sales_close_at

    change(sailing, departs_at_1=starts, arrives_at_3=ends)

    assert (sailing.starts_at, sailing.ends_at) == (starts, ends)
    assert sailing.sales_close_at == sales - timedelta(hours=3)


def test_an_edit_that_changes_nothing_leaves_no_trace():
    sailing = make_season().sailing

    change(sailing)

    assert sailing.version == 1
    assert announced() == []


def test_the_second_of_two_editors_is_told_and_nothing_of_the_first_is_lost():
    sailing = make_season().sailing
    change(sailing, state_2=CallState.CONFIRMED)

    with pytest.raises(ChangedMeanwhile):
        change(sailing, version=1, state_2=CallState.CANCELLED)

    assert sailing.calls[1].state is CallState.CONFIRMED


def test_no_leg_is_planned_faster_than_the_ship():
    sailing = make_season().sailing
    left, leg = sailing.calls[0].departs_at, sailing.calls[1].leg_nm
    just_enough = left + timedelta(hours=leg / 12)

    assert problems(sailing, arrives_at_2=just_enough - timedelta(minutes=1)) == [(2, "arrives")]
    change(sailing, arrives_at_2=just_enough)


def test_a_river_leg_has_its_own_least_time():
    sailing = make_season().sailing
    sailing.calls[1].leg_nm, sailing.calls[1].leg_river_km = 0, 250
    db.session.commit()
    left = sailing.calls[0].departs_at

    assert problems(sailing, arrives_at_2=left + timedelta(hours=9)) == [(2, "arrives")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"departs_at_1": None}, [(1, "departs")]),
        ({"arrives_at_3": None}, [(3, "arrives")]),
        ({"arrives_at_2": None, "departs_at_2": None}, [(2, "arrives"), (2, "departs")]),
        ({"departs_at_2": NOON}, [(2, "departs")]),
        ({"arrives_at_2": NOON}, [(2, "arrives")]),
        ({"state_1": CallState.CANCELLED}, [(1, "state")]),
    ],
)
def test_calls_that_cannot_be_sailed_are_named_with_their_field(changes, expected):
    assert problems(make_season().sailing, **changes) == expected


def test_all_that_is_wrong_is_said_at_once():
    sailing = make_season().sailing

    assert len(problems(sailing, departs_at_1=None, departs_at_2=NOON, state_3=CallState.CANCELLED)) == 3


def test_a_cancelled_call_binds_nobody_with_its_times():
    sailing = make_season().sailing

    change(sailing, state_2=CallState.CANCELLED, arrives_at_3=sailing.calls[1].departs_at + timedelta(hours=1))

    assert sailing.calls[1].state is CallState.CANCELLED


def test_the_ship_is_never_on_two_sailings():
    season = make_season(days_ahead=90, nights=4)
    make_sailing(season.ship, days_ahead=96)
    sailing = season.sailing

    assert problems(sailing, arrives_at_3=sailing.ends_at + timedelta(days=3)) == [(3, "arrives")]


def test_the_whole_proposed_season_keeps_the_rules(tmp_path):
    from portal.pricing.season import FACTS, load_season

    load_season(FACTS / "season_2024.json", now=NOON)

    for sailing in db.session.scalars(select(Sailing)).all():
        change(sailing, state_1=CallState.CONFIRMED)


def test_sales_are_closed_and_opened_again():
    sailing = make_season().sailing

    close_sales(sailing_id=sailing.id, reason="charter", now=NOON)
    assert not sailing.on_sale_at(NOON)
    set_on_sale(sailing_id=sailing.id, sales_close_at=sailing.starts_at, now=NOON)

    assert sailing.on_sale_at(sailing.starts_at - timedelta(minutes=1))
    assert [entry.action for entry in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
        "sailing.closed",
        "sailing.on_sale",
    ]


def test_what_has_left_or_ends_too_late_is_not_put_on_sale():
    sailing = make_season().sailing

    with pytest.raises(SalesEndTooLate):
        set_on_sale(sailing_id=sailing.id, sales_close_at=sailing.starts_at + timedelta(minutes=1), now=NOON)
    with pytest.raises(SailingOver):
        set_on_sale(sailing_id=sailing.id, sales_close_at=sailing.starts_at, now=sailing.starts_at)

    assert sailing.state is SailingState.ON_SALE


def test_the_operator_types_times_by_the_clocks_of_the_port(browser):
    sailing = make_season().sailing
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{sailing.code}/calls")
    shown = page.find("input", name="calls-1-departs")[0].get("value")

    answer = page.submit(**{"calls-1-departs": shown[:11] + "01:30"})

    db.session.rollback()
    assert answer.location == f"/en/staff/sailings/{sailing.code}"
    assert sailing.calls[1].departs_at.strftime("%H:%M") == "20:30"  # Ashgabat is five hours ahead of UTC
    assert "01:30" in browser.open(f"/en/cruises/{sailing.code}").words


def test_a_refused_edit_keeps_what_was_typed_and_says_what_is_wrong_beside_the_field(browser):
    sailing = make_season().sailing
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{sailing.code}/calls")
    shown = page.find("input", name="calls-1-arrives")[0].get("value")

    refused = page.submit(**{"calls-1-arrives": shown[:8] + "15T01:00", "status_tk": "", "calls-1-note_en": "By boat"})
    too_fast = page.submit(**{"calls-1-arrives": page.find("input", name="calls-0-departs")[0].get("value")})

    assert refused.status == too_fast.status == 422
    assert refused.find("input", name="calls-1-arrives")[0].get("value") == shown[:8] + "15T01:00"
    assert refused.find("input", name="status_tk", aria_invalid="true")
    assert len(refused.find("textarea", aria_invalid="true")) == 2
    assert too_fast.find("input", name="calls-1-arrives", aria_invalid="true")


def test_a_form_about_other_calls_changes_nothing(browser):
    sailing = make_season().sailing
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{sailing.code}/calls")

    short = page.submit(**{name: None for name in page.form().values if name.startswith("calls-2")})

    db.session.rollback()
    assert short.status == 422
    assert sailing.version == 1


def test_the_second_editor_keeps_his_text_sees_the_first_ones_and_may_save_then(browser):
    sailing = make_season().sailing
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{sailing.code}/calls")
    change(sailing, status_text=text("Confirmed by the port"))

    conflict = page.submit(status_en="My own words")
    saved = conflict.submit()

    db.session.rollback()
    assert conflict.status == 409
    assert "Now saved: Confirmed by the port" in conflict.words
    assert conflict.find("input", name="status_en")[0].get("value") == "My own words"
    assert saved.status == 302
    assert sailing.status_text.by_locale["en"] == "My own words"


def test_the_sale_is_closed_with_a_reason_only(browser):
    sailing = make_season().sailing
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{sailing.code}")

    refused = page.submit("close-sales")
    closed = page.submit("close-sales", reason="charter").follow()

    assert refused.status == 422
    assert "Sales closed" in closed.words
    assert "charter" in closed.words
