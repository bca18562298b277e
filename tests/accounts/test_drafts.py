"""What is typed into long forms survives time-outs, returns and signing in, and is nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text

from portal.accounts.drafts import KEPT, MOST_LETTERS, MOST_OF_A_VISITOR, forget_old_drafts
from portal.accounts.models import FormDraft
from portal.booking.models import Passenger
from portal.database import db
from portal.extensions import limiter
from portal.inventory.services import HOLD_TIME, expire_holds
from portal.kernel.clock import now, real_now
from tests.booking.test_own_page import own_page, party
from tests.booking.test_pages import ANNA, BERDI, CONTACT, hold, typed
from tests.browser import Browser, Page
from tests.factories import make_account, make_season


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> None:
    limiter.reset()


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app.test_client())


def drafts() -> list[FormDraft]:
    return list(db.session.scalars(select(FormDraft).order_by(FormDraft.id).execution_options(populate_existing=True)))


def autosave(page: Page, form: str, **fields: str) -> Page:
    """What the script of the page sends while somebody types."""
    [element] = page.find("form", id=form)
    values = page.form(form).values | {name: [value] for name, value in fields.items()}
    return page.browser.request(element.get("data-autosave", ""), method="POST", data=values)


def test_what_was_typed_and_not_sent_stands_there_on_return(browser: Browser) -> None:
    page = hold(browser, make_season())

    half = {"passengers-0-surname": "half a n", "passengers-1-birth_date": "17.0"}
    answer = autosave(page, "passengers-form", **half)
    again = browser.open(page.url)

    assert answer.status == 204
    kept = again.form("passengers-form").values
    assert kept["passengers-0-surname"] == ["half a n"]
    assert kept["passengers-1-birth_date"] == ["17.0"]
    assert "Nothing of it was lost" in again.words
    assert again.find("div", class_="errors") == []


def test_a_form_that_was_refused_is_kept_without_any_script(browser: Browser) -> None:
    page = hold(browser, make_season())
    page.submit("passengers-form", **typed(ANNA | {"surname": "Иванова"}, BERDI))

    again = browser.open(page.url)

    assert again.form("passengers-form").values["passengers-0-surname"] == ["Иванова"]
    assert again.form("passengers-form").values["passengers-1-given_names"] == ["Berdi"]


@pytest.mark.parametrize("sent", [True, False])
def test_a_hold_that_ran_out_takes_nothing_typed_with_it(browser: Browser, sent: bool) -> None:
    season = make_season()
    page = hold(browser, season)
    if sent:
        page.submit("passengers-form", **typed(ANNA, BERDI))
    else:
        autosave(page, "passengers-form", **typed(ANNA, BERDI))
    expire_holds(now() + HOLD_TIME)

    over = browser.open(page.url)
    again = hold(browser, season)

    assert over.status == 409
    assert "What you typed about the passengers is kept" in over.words
    kept = again.form("passengers-form").values
    assert (kept["passengers-0-surname"], kept["passengers-1-surname"]) == (["Ivanova"], ["Berdiyev"])
    assert again.submit("passengers-form").location.endswith("/review")


def test_a_larger_party_in_the_next_cabin_finds_room_in_the_form(browser: Browser) -> None:
    season = make_season()
    autosave(hold(browser, season, party=1), "passengers-form", **typed(ANNA))
    expire_holds(now() + HOLD_TIME)

    kept = hold(browser, season, party=2).form("passengers-form").values

    assert kept["passengers-0-surname"] == ["Ivanova"]
    assert kept["passengers-1-surname"] == [""]


def test_what_was_sent_is_shown_as_it_was_taken_in(browser: Browser) -> None:
    page = hold(browser, make_season())
    page.submit("passengers-form", **typed(ANNA, BERDI))

    again = browser.open(page.url)

    assert again.form("passengers-form").values["passengers-0-surname"] == ["IVANOVA"]
    assert "Nothing of it was lost" not in again.words


def test_nothing_is_kept_once_the_booking_is_placed(browser: Browser) -> None:
    page = hold(browser, make_season()).submit("passengers-form", **typed(ANNA, BERDI)).follow()

    page.submit("review-form", **CONTACT)

    assert drafts() == []


def test_consents_are_given_anew(browser: Browser) -> None:
    page = hold(browser, make_season()).submit("passengers-form", **typed(ANNA, BERDI)).follow()
    page.submit("review-form", **(CONTACT | {"contact_phone": "none", "remember": "y"}))

    again = browser.open(page.url)

    assert again.form("review-form").values["contact_phone"] == ["none"]
    assert {"terms", "consent", "remember"}.isdisjoint(again.form("review-form").values)


def test_one_may_start_afresh(browser: Browser) -> None:
    page = hold(browser, make_season())
    autosave(page, "passengers-form", **typed(ANNA, BERDI))

    fresh = browser.open(page.url).submit("discard-passengers").follow()

    assert fresh.form("passengers-form").values["passengers-0-surname"] == [""]
    assert drafts() == []


def test_what_a_passenger_typed_is_kept_for_him_and_shown_to_no_other(
    browser: Browser, another_browser: Browser
) -> None:
    own = party().passengers[0]
    autosave(own_page(browser, own), "details-form", birth_place="Kras", document_number="75 4443332")

    elsewhere = own_page(another_browser, own)
    again = browser.open(f"/en/passengers/{own.reference}")

    assert again.form("details-form").values["birth_place"] == ["Kras"]
    assert elsewhere.form("details-form").values["birth_place"] == [""]
    assert "4443332" not in elsewhere.text


def test_a_draft_is_gone_once_it_was_saved(browser: Browser) -> None:
    own = party().passengers[0]
    autosave(own_page(browser, own), "details-form", birth_place="Kras")

    own_page(browser, own).submit("details-form", birth_place="Krasnodar")

    db.session.refresh(own)
    assert own.birth_place == "Krasnodar"
    assert drafts() == []


def test_a_draft_is_readable_only_with_the_portals_key(browser: Browser) -> None:
    autosave(hold(browser, make_season()), "passengers-form", **typed(ANNA, BERDI))

    [(stored,)] = db.session.execute(text("SELECT typed FROM form_draft")).all()

    assert "1234567" not in stored
    assert "Ivanova" not in stored
    assert "1234567" in drafts()[0].typed


def test_signing_in_on_the_way_loses_nothing(browser: Browser) -> None:
    browser.sign_in(make_account())
    page = browser.open("/en/account/companions/new")
    browser.client.delete_cookie("session")  # a month has passed

    late = page.submit("companion-form", surname="Ivanova", given_names="Maria", document_number="75 1112223")
    browser.sign_in(make_account())
    again = late.browser.open("/en/account/companions/new")

    assert late.status == 400
    assert "What you typed is kept" in late.words
    assert "/en/account/companions/new" in late.links
    assert again.form("companion-form").values["surname"] == ["Ivanova"]
    assert again.form("companion-form").values["document_number"] == ["75 1112223"]


def test_a_form_from_another_site_leaves_no_draft(browser: Browser) -> None:
    planted = {"draft": "companion:new", "surname": "PLANTED"}

    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        browser.request("/en/account/companions/new", method="POST", data=planted, headers=headers)

    assert drafts() == []


@pytest.mark.parametrize("address", ["/en/drafts/anything/PV24-02", f"/en/drafts/details/{'x' * 41}"])
def test_only_our_forms_are_kept(browser: Browser, address: str) -> None:
    page = hold(browser, make_season())

    answer = browser.request(address, method="POST", data=page.form("passengers-form").values)

    assert answer.status == 404
    assert drafts() == []


def test_no_more_is_kept_than_a_form_has(browser: Browser) -> None:
    page = hold(browser, make_season())

    assert autosave(page, "passengers-form", nonsense="x" * MOST_LETTERS).status == 413
    assert drafts() == []


def test_the_oldest_draft_of_a_visitor_makes_room(browser: Browser) -> None:
    values = hold(browser, make_season()).form("passengers-form").values

    for number in range(MOST_OF_A_VISITOR + 2):
        browser.request(f"/en/drafts/details/N{number}", method="POST", data=values)

    assert [draft.subject for draft in drafts()] == [f"N{number}" for number in range(2, MOST_OF_A_VISITOR + 2)]


def test_drafts_are_forgotten_after_some_days(browser: Browser) -> None:
    page = hold(browser, make_season())
    autosave(page, "passengers-form", **typed(ANNA, BERDI))

    with time_machine.travel(real_now() + KEPT + timedelta(hours=1), tick=False):
        assert forget_old_drafts() == 1

    assert drafts() == []
    assert db.session.scalars(select(Passenger)).all() == []


@pytest.mark.browser
def test_typing_is_kept_while_it_goes_on(window, app: Flask) -> None:
    season = make_season()
    window.goto(f"/en/cruises/{season.sailing.code}/cabins/301")
    window.locator("[name=party][value='2'], select[name=party]").first.wait_for(state="attached")
    window.evaluate("document.querySelector('main form[method=post] [name=party]').value = '2'")
    window.locator("main form[method=post] button[type=submit]").first.click()
    window.locator("[name='passengers-0-surname']").fill("IVANOVA")

    window.get_by_text("What you type is kept as you go.").wait_for()
    window.reload()

    assert window.locator("[name='passengers-0-surname']").input_value() == "IVANOVA"
