"""The pages of the waiting list, without JavaScript."""

import re

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.waiting.models import OfferState, WaitingEntry, WaitingOffer, WaitingState
from portal.booking.waiting.services import accept_offer, serve_lines
from portal.database import db
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.services import close_cabin, release
from portal.kernel import clock
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from tests.factories import make_account, make_season


@pytest.fixture
def season():
    """Sold out by the portal's own clock: staff have closed what is free."""
    season = make_season()
    for cabin in season.cabins:
        close_cabin(sailing_id=season.sailing.id, cabin_id=cabin.id, reason="charter", now=clock.now())
    return season


def open_cabin(season, place=0):
    taken = db.session.scalars(
        select(Occupancy).where(Occupancy.cabin_id == season.cabins[place].id, Occupancy.over_at.is_(None))
    ).one()
    release(occupancy_id=taken.id, now=clock.now())


def address(season):
    return f"/en/cruises/{season.sailing.code}/waiting-list"


def join(browser, season, **fields):
    typed = {"party": 2, "category": "any", "name": "Anna", "email": "anna@example.org", "consent": "y"} | fields
    return browser.open(address(season)).submit(**typed)


def last_mail():
    follow_up()
    return db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc())).first()


def link(mail, part):
    return next(found for found in re.findall(r"https?://[^/\s]+(/\S+)", mail.text) if part in found)


def test_a_cruise_that_is_sold_out_leads_to_the_waiting_list(browser, season):
    page = browser.open(f"/en/cruises/{season.sailing.code}")

    assert "Every cabin of this cruise is taken" in page.words
    assert any(link.endswith("/waiting-list") for link in page.links)


def test_from_the_form_to_the_place_in_line_and_off_the_list(browser, season):
    page = join(browser, season)

    assert "You are on the waiting list" in page.words
    place = browser.open(link(last_mail(), "/waiting-list/")).follow()
    assert "Place 1 of 1" in place.words
    assert "No cabin that you wait for is free now" in place.words
    assert "open" not in place.url

    left = place.submit("leave").follow()

    assert "You are no longer on the list" in left.words
    assert db.session.scalars(select(WaitingEntry)).one().state is WaitingState.LEFT


def test_what_is_missing_is_said_beside_the_form(browser, season):
    page = join(browser, season, name="", email="nonsense", consent=None)

    assert page.status == 422
    assert "Please correct 3 things" in page.words


def test_who_could_have_a_cabin_now_is_led_to_it(browser, season):
    open_cabin(season)

    page = join(browser, season)

    assert page.status == 422
    assert "you need not wait" in page.words
    assert any(link.endswith("/deck-plan") for link in page.links)


def test_a_stranger_cannot_open_a_place(browser, season):
    join(browser, season)
    entry = db.session.scalars(select(WaitingEntry)).one()

    assert browser.open(f"/en/waiting-list/{entry.reference}").status == 404
    assert browser.open(f"/en/waiting-list/{entry.reference}/open/{'0' * 32}").status == 404
    assert browser.request(f"/en/waiting-list/{entry.reference}/leave", method="POST").status in (400, 404)


def offered(browser, season):
    join(browser, season)
    open_cabin(season)
    serve_lines(clock.now())
    return last_mail()


def test_looking_at_an_offer_changes_nothing_and_the_button_leads_to_the_passengers(browser, season):
    mail = offered(browser, season)
    page = browser.open(link(mail, "/offers/"))
    browser.open(link(mail, "/decline"))

    offer = db.session.scalars(select(WaitingOffer)).one()
    assert offer.state is OfferState.OPEN
    assert "Cabin 301 is offered to you" in page.words

    passengers = page.submit("accept").follow()

    assert passengers.status == 200
    assert "Surname in Latin letters" in passengers.words
    db.session.refresh(offer)
    assert offer.state is OfferState.ACCEPTED


def test_declining_keeps_the_place(browser, season):
    mail = offered(browser, season)

    place = browser.open(link(mail, "/decline")).submit("decline", stay="stay").follow()

    assert "you keep your place" in place.words
    assert db.session.scalars(select(WaitingEntry)).one().state is WaitingState.WAITING
    assert db.session.scalars(select(Occupancy).filter_by(party=2)).one().state is OccupancyState.RELEASED


def test_declining_and_leaving(browser, season):
    mail = offered(browser, season)

    place = browser.open(link(mail, "/decline")).submit("decline", stay="leave").follow()

    assert "You are no longer on the list" in place.words


def test_an_offer_is_answered_once(browser, season):
    mail = offered(browser, season)
    page = browser.open(link(mail, "/decline"))
    offer = db.session.scalars(select(WaitingOffer)).one()
    accept_offer(offer_id=offer.id, holder="another window", now=clock.now())

    late = page.submit("decline", stay="stay")

    assert late.status == 409
    assert "You have accepted this cabin" in late.words
    db.session.refresh(offer)
    assert offer.state is OfferState.ACCEPTED


def test_a_wrong_link_opens_no_offer(browser, season):
    offered(browser, season)
    offer = db.session.scalars(select(WaitingOffer)).one()

    assert browser.open(f"/en/offers/{offer.reference}/{'0' * 32}").status == 404


def test_staff_see_the_line_try_it_dry_and_offer_now(browser, season):
    join(browser, season, party=3)
    join(browser, season, email="second@example.org")
    open_cabin(season)
    browser.sign_in(make_account(Role.OPERATOR))

    page = browser.open(f"/en/staff/sailings/{season.sailing.code}/waiting-list")

    assert "Cabin 301, sleeps 2 to place 2" in page.words
    assert "the cabin sleeps 2, the party needs 3 berths" in page.words
    assert db.session.scalars(select(WaitingOffer)).all() == []
    done = page.submit("/offers").follow()
    assert "1 cabin is offered" in done.words


def test_staff_say_why_they_take_a_party_off(browser, season):
    join(browser, season)
    entry = db.session.scalars(select(WaitingEntry)).one()
    browser.sign_in(make_account(Role.OPERATOR))
    page = browser.open(f"/en/staff/sailings/{season.sailing.code}/waiting-list")

    refused = page.submit("/remove", reason="")
    done = page.submit("/remove", reason="asked for it").follow()

    assert refused.status == 422
    assert "Nobody is in line" in done.words
    db.session.refresh(entry)
    assert entry.state is WaitingState.REMOVED


def test_the_list_of_guests_is_not_for_reviewers(browser, season):
    browser.sign_in(make_account(Role.REVIEWER))

    assert browser.open(f"/en/staff/sailings/{season.sailing.code}/waiting-list").status == 403
