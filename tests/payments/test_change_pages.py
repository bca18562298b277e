"""A customer changes his booking by himself, without JavaScript: choose, look at the sums, agree by one press."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from portal.booking.models import BookingState, Passenger
from portal.database import db
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.models import Payment
from portal.payments.services import receive_money
from portal.visas.models import ChecklistItem, ItemState
from tests.factories import make_account, make_booking, make_hold, make_season
from tests.payments.test_changes import elsewhere, pay, raise_fares


@pytest.fixture
def season():
    return make_season(days_ahead=40)


@pytest.fixture
def booking(browser, season):
    customer = make_account()
    browser.sign_in(customer)
    made = make_booking(season, customer=customer)
    pay(made)
    return made


def page_of(booking, path=""):
    return f"/en/bookings/{booking.reference}{path}"


def test_another_cabin_is_chosen_looked_at_and_agreed_to(browser, booking):
    way = browser.open(page_of(booking)).links
    assert any(link.endswith("/change") for link in way)
    assert any("change/cabin/301" in link for link in browser.open(page_of(booking, "/change")).links)
    listed = browser.open(page_of(booking, "/change/cabin/301"))
    assert "same price free 2 free cabins" in listed.words

    shown = browser.open(page_of(booking, "/change/cabin/301?to=302"))
    assert "cabin 301, afterwards 302" in shown.words
    done = shown.submit()

    assert done.status == 303
    after = done.follow()
    assert "The booking is changed." in after.words
    assert "from 301 to 302" in after.words
    follow_up()
    mail = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("payments/changed"))).one()
    assert "301" in mail.text
    assert "302" in mail.text
    assert [attachment["mimetype"] for attachment in mail.attachments] == ["application/pdf"]


def test_a_dearer_cabin_leads_to_the_payment_of_the_difference(browser, booking, season):
    raise_fares(season, season.cabins[2].category_id, 1500_00)

    asked = browser.open(page_of(booking, "/change/cabin/301?to=303")).submit().follow()

    assert "The change of booking" in asked.words
    assert re.search(r"Continue to pay \D*1,000\b", asked.words)
    waiting = browser.open(page_of(booking))
    assert "A change waits for your payment" in waiting.words
    transfer = asked.submit(method="transfer").follow()
    assert transfer.status == 200
    payment = db.session.scalars(select(Payment).order_by(Payment.id.desc())).first()
    receive_money(payment_id=payment.id, amount=payment.amount, payment_intent=None, now=now())
    assert "from 301 to 303" in browser.open(page_of(booking)).words


def test_a_change_that_waits_can_be_given_up(browser, booking, season):
    raise_fares(season, season.cabins[2].category_id, 1500_00)
    browser.open(page_of(booking, "/change/cabin/301?to=303")).submit()

    after = browser.open(page_of(booking)).submit("give-up").follow()

    assert "The change is given up." in after.words
    assert "A change waits for your payment" not in after.words


def test_sums_that_moved_are_shown_anew_and_nothing_is_done(browser, booking, season):
    shown = browser.open(page_of(booking, "/change/cabin/301?to=303"))
    raise_fares(season, season.cabins[2].category_id, 1500_00)

    again = shown.submit()

    assert again.status == 409
    assert "Nothing was done. Here are the new sums." in again.words
    assert again.submit().status == 303


def test_a_cabin_that_went_to_another_guest_leads_back_to_the_choice(browser, booking, season):
    shown = browser.open(page_of(booking, "/change/cabin/301?to=302"))
    make_hold(season, cabin=1, now=now())

    back = shown.submit().follow()

    assert "Someone has just taken this cabin." in back.words
    assert not any("to=302" in link for link in back.links)


def test_one_passenger_is_cancelled_with_what_the_conditions_keep(browser, booking):
    follow_up()
    shown = browser.open(page_of(booking, "/change/passengers/2/cancel"))
    assert "10% of what becomes cheaper" in shown.words

    after = shown.submit().follow()

    assert "IVANOV IVAN" not in after.text.split("What was changed")[0]
    assert "Kept when the booking was changed" in after.words
    gone = db.session.scalars(select(Passenger).where(Passenger.left_at.is_not(None))).one()
    follow_up()
    states = set(db.session.scalars(select(ChecklistItem.state).where(ChecklistItem.passenger_id == gone.id)))
    assert states == {ItemState.NOT_APPLICABLE}


def test_a_passenger_is_added_by_name_and_birth(browser, season):
    customer = make_account()
    browser.sign_in(customer)
    booking = make_booking(season, cabin=2, customer=customer)
    pay(booking)
    form = browser.open(page_of(booking, "/change/passengers/add"))

    sums = form.submit(surname="Ivanov", given_names="Petr", birth_date="2016-01-01", citizenship="RU")

    assert "cabin 303, joins" in sums.words
    assert sums.submit().location.endswith("/pay")


def test_an_infant_joins_at_once(browser, booking):
    born = date(2023, 9, 1).isoformat()
    form = browser.open(page_of(booking, "/change/passengers/add"))

    after = form.submit(surname="Ivanov", given_names="Petr", birth_date=born, citizenship="RU").submit().follow()

    assert "IVANOV PETR" in after.words


def test_a_party_too_large_for_the_cabin_is_told_beside_the_form(browser, booking):
    form = browser.open(page_of(booking, "/change/passengers/add"))

    page = form.submit(surname="Ivanov", given_names="Petr", birth_date="2016-01-01", citizenship="RU")

    assert page.status == 422
    assert "need more berths" in page.words


def test_the_party_moves_to_another_sailing(browser, booking, season):
    other = elsewhere(season)
    choices = browser.open(page_of(booking, "/change/sailing"))
    assert any(link.endswith(f"/change/sailing?to={other.code}") for link in choices.links)

    shown = browser.open(page_of(booking, f"/change/sailing?to={other.code}&cabin-301=302"))

    assert "cabin 301, afterwards 302" in shown.words
    assert "half as much of what moves" in shown.words
    assert shown.submit().location.endswith("/pay"), "five per cent of the price are kept"


def test_a_name_is_corrected_at_once(browser, booking):
    page = browser.open(page_of(booking, "/change/name/1"))

    after = page.submit(surname="Iwanova", given_names="Anna").follow()

    assert "IWANOVA ANNA" in after.words
    assert "from IVANOVA ANNA to IWANOVA ANNA" in after.words


def test_another_name_is_refused_with_the_way_out(browser, booking):
    page = browser.open(page_of(booking, "/change/name/1")).submit(surname="Petrova", given_names="Olga")

    assert page.status == 422
    assert "cancel this passenger and add the other one" in page.words


def test_the_last_passenger_and_the_only_cabin_cancel_the_whole_booking(browser, booking):
    assert browser.open(page_of(booking, "/change/cabin/301/cancel")).location.endswith("/cancel")


def test_an_unpaid_booking_is_told_why_it_cannot_be_changed(browser, season):
    customer = make_account()
    browser.sign_in(customer)
    booking = make_booking(season, customer=customer)

    after = browser.open(page_of(booking, "/change/cabin/301")).follow()

    assert "it is not paid yet" in after.words
    assert booking.state is BookingState.PENDING


def test_a_stranger_finds_no_booking_to_change(browser, booking):
    browser.sign_in(make_account())

    assert browser.open(page_of(booking, "/change")).status == 404
    assert browser.open(page_of(booking, "/change/cabin/301?to=302")).status == 404
