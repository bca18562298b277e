"""People with whom a customer travels: kept with consent, used again, forgotten when unused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.booking import companions as book
from portal.booking.companions import (
    MOST,
    UNUSED,
    add_companion,
    companions_of,
    forget_unused,
    learn,
    remember_passengers,
)
from portal.booking.details import LaterDetails
from portal.booking.errors import CompanionKnown, ListFull
from portal.booking.models import Companion, Sex
from portal.database import db
from portal.extensions import limiter
from portal.kernel.clock import now
from tests.booking.test_pages import ANNA, BERDI, CONTACT, hold, typed
from tests.browser import Browser
from tests.factories import NOON, details, make_account, make_booking, make_season

MARIA = {
    "surname": "Ivanova",
    "given_names": "Maria",
    "birth_date": "2012-03-04",
    "citizenship": "RU",
    "document_number": "75 1112223",
    "agreed": "y",
}


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> None:
    limiter.reset()


def the_only_one() -> Companion:
    return db.session.scalars(select(Companion).execution_options(populate_existing=True)).one()


def test_somebody_is_added_changed_and_deleted_in_the_account(browser: Browser) -> None:
    browser.sign_in(make_account())
    page = browser.open("/en/account/companions/new").submit("companion-form", **MARIA).follow()
    assert "IVANOVA MARIA" in page.words
    assert "Document ends in 223" in page.words
    assert "1112223" not in page.text

    known = browser.open(f"/en/account/companions/{the_only_one().reference}")
    known.submit("companion-form", citizenship="TM")
    assert (the_only_one().citizenship, the_only_one().document_number) == ("TM", "751112223")

    again = browser.open(f"/en/account/companions/{the_only_one().reference}")
    empty = again.submit("forget").follow()
    assert "Nobody yet" in empty.words


def test_nobody_is_kept_without_consent(browser: Browser) -> None:
    browser.sign_in(make_account())

    answer = browser.open("/en/account/companions/new").submit("companion-form", **(MARIA | {"agreed": None}))

    assert answer.status == 422
    assert "Without this consent" in answer.words
    assert db.session.scalars(select(Companion)).all() == []


def test_anothers_companion_is_not_there(browser: Browser) -> None:
    owner = make_account()
    companion = add_companion(account_id=owner.id, person=details(), now=NOON)
    browser.sign_in(make_account())

    assert browser.open(f"/en/account/companions/{companion.reference}").status == 404
    assert companion.full_name not in browser.open("/en/account/companions").text


def test_the_same_person_stands_in_the_list_once() -> None:
    account = make_account()
    add_companion(account_id=account.id, person=details(), now=NOON)

    with pytest.raises(CompanionKnown):
        add_companion(account_id=account.id, person=details(surname="Ivanova"), now=NOON)

    assert len(companions_of(account.id)) == 1
    assert add_companion(account_id=make_account().id, person=details(), now=NOON)


def test_a_list_has_an_end() -> None:
    account = make_account()
    for number in range(MOST):
        add_companion(account_id=account.id, person=details(given_names=f"ANNA {number}"), now=NOON)

    with pytest.raises(ListFull):
        add_companion(account_id=account.id, person=details(), now=NOON)

    booking = make_booking(make_season(), customer=account)
    assert remember_passengers(account_id=account.id, passengers=booking.passengers, now=NOON) == 0


def test_a_number_is_readable_only_with_the_portals_key() -> None:
    add_companion(account_id=make_account().id, person=details(document_number="758888888"), now=NOON)

    [(stored,)] = db.session.execute(text("SELECT document_number FROM companion")).all()

    assert "758888888" not in stored
    assert the_only_one().document_number == "758888888"


@pytest.mark.parametrize("ticked", [True, False])
def test_passengers_are_remembered_when_the_box_on_the_review_page_is_ticked(browser: Browser, ticked: bool) -> None:
    account = make_account()
    browser.sign_in(account)
    page = hold(browser, make_season()).submit("passengers-form", **typed(ANNA, BERDI)).follow()

    page.submit("review-form", **(CONTACT | ({"remember": "y"} if ticked else {})))

    names = [one.full_name for one in companions_of(account.id)]
    assert names == (["BERDIYEV BERDI", "IVANOVA ANNA"] if ticked else [])


def test_a_guest_is_not_asked_to_remember_anybody(browser: Browser) -> None:
    page = hold(browser, make_season()).submit("passengers-form", **typed(ANNA, BERDI)).follow()

    assert page.find("input", name="remember") == []


def test_remembering_again_completes_and_wipes_nothing() -> None:
    account = make_account()
    add_companion(account_id=account.id, person=details(patronymic="Петровна"), now=NOON)
    again = details(patronymic=None, birth_place="Baku", document_number="751010101")
    booking = make_booking(make_season(), passengers=(again,), customer=account)

    new = remember_passengers(account_id=account.id, passengers=booking.passengers, now=NOON)

    one = the_only_one()
    assert new == 0
    assert (one.patronymic, one.birth_place, one.document_number) == ("Петровна", "Baku", "751010101")


def test_what_is_told_later_is_learnt_of_those_who_are_known_and_of_nobody_else() -> None:
    account = make_account()
    known = details(document_number=None, sex=None)
    add_companion(account_id=account.id, person=known, now=NOON)
    stranger = details(surname="BERDIYEV")
    anna, berdi = make_booking(make_season(), passengers=(known, stranger), customer=account).passengers

    for passenger in (anna, berdi):
        learn(account_id=account.id, passenger=passenger, told=LaterDetails(sex=Sex.FEMALE), now=NOON)

    assert the_only_one().sex is Sex.FEMALE


def test_whoever_is_in_no_booking_for_long_is_forgotten() -> None:
    add_companion(account_id=make_account().id, person=details(), now=NOON)

    assert forget_unused(NOON + UNUSED) == 0
    assert forget_unused(NOON + UNUSED + timedelta(days=1)) == 1
    assert db.session.scalars(select(Companion)).all() == []


def test_a_companion_fills_in_everything_that_is_known() -> None:
    person = details(document_number="751010101", birth_place="Baku")
    companion = add_companion(account_id=make_account().id, person=person, now=now())

    assert book.as_typed(companion) == {**vars(person)}


def test_a_press_fills_in_a_passenger_and_keeps_what_was_typed_of_the_others(browser: Browser) -> None:
    account = make_account()
    companion = add_companion(account_id=account.id, person=details(document_number="751010101"), now=now())
    browser.sign_in(account)
    page = hold(browser, make_season())

    answer = page.submit(
        "passengers-form", fill="1", **{"companion-1": companion.reference, "passengers-0-surname": "half a name"}
    )

    kept = answer.form("passengers-form").values
    assert answer.status == 200
    assert kept["passengers-0-surname"] == ["half a name"]
    assert kept["passengers-1-surname"] == ["IVANOVA"]
    assert kept["passengers-1-birth_date"] == ["1985-05-17"]
    assert kept["passengers-1-citizenship"] == ["RU"]
    assert kept["passengers-1-document_number"] == ["751010101"]
    assert answer.submit("passengers-form", **typed(ANNA)).location.endswith("/review")


def test_nobody_is_filled_in_from_anothers_list(browser: Browser) -> None:
    companion = add_companion(account_id=make_account().id, person=details(document_number="751010101"), now=now())
    page = hold(browser, make_season())
    guest = page.submit("passengers-form", fill="0", **{"companion-0": companion.reference})
    browser.sign_in(make_account())
    other = page.submit("passengers-form", fill="0", **{"companion-0": companion.reference})

    assert guest.form("passengers-form").values["passengers-0-surname"] == [""]
    assert other.status == 404
