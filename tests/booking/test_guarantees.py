"""A category bought now, its cabin chosen later: never more than there are, and a run that can be tried."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.assignment.services import RunChanged, carry_out, try_run
from portal.booking.assignment.solver import Party, Place, Why, assign
from portal.booking.models import Booking
from portal.booking.queries import booking_page
from portal.booking.services import confirm_booking, name_passengers, place_booking
from portal.database import db
from portal.inventory.errors import CategorySoldOut
from portal.inventory.guarantees import category_page, hold_any
from portal.inventory.models import CabinNight, Occupancy
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from tests.browser import Browser
from tests.factories import NOON, details, make_account, make_hold, make_part, make_ring, make_season

PLACE = Place(1, "301", 1, 2, False, None, 3, 0, 0)
PARTY = Party(1, 1, 1, 2, 1, ())


def buy(season, *, category="STB", holder="guest", moment=NOON):
    page = category_page(season.sailing.code, category, moment)
    return hold_any(sailing_id=page.sailing_id, candidates=page.candidates, party=2, holder=holder, now=moment)


def confirmed(*holds, moment=NOON):
    booking = name_passengers(
        parties={hold.id: [details(), details()] for hold in holds}, customer_id=None, language="en", now=moment
    )
    place_booking(
        booking_id=booking.id,
        contact_name="Anna",
        contact_email="anna@example.org",
        contact_phone="+993 12 345678",
        terms_version="t1",
        consent_version="c1",
        now=moment,
    )
    confirm_booking(booking_id=booking.id, now=moment)
    return booking


def test_a_category_sells_no_more_cabins_than_it_has():
    season = make_season()  # three cabins of the category
    page = category_page(season.sailing.code, "STB", NOON)
    kept = [
        hold_any(sailing_id=page.sailing_id, candidates=page.candidates, party=2, holder=f"guest{n}", now=NOON)
        for n in range(3)
    ]

    with pytest.raises(CategorySoldOut):
        hold_any(sailing_id=page.sailing_id, candidates=page.candidates, party=2, holder="late", now=NOON)

    assert len({hold.cabin_id for hold in kept}) == 3


def test_the_number_is_told_nowhere_before_it_is_given():
    season = make_season()
    booking = confirmed(buy(season))

    page = booking_page(booking.id)

    assert [(cabin.number, cabin.deck) for cabin in page.cabins] == [("GTY", None)]
    assert [one.cabin for one in page.passengers] == ["GTY", "GTY"]


def test_a_run_that_is_tried_writes_nothing_and_is_then_done_as_shown():
    season = make_season()
    booking = confirmed(buy(season))
    run = try_run(season.sailing.id, NOON)

    before = booking_page(booking.id).cabins[0].number
    done = carry_out(sailing_id=season.sailing.id, seal=run.seal, now=NOON)
    follow_up()

    db.session.expire_all()
    assert (before, done) == ("GTY", 1)
    assert booking_page(booking.id).cabins[0].number == run.choices[0].place.number
    letters = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("booking.cabin_assigned")))
    assert [run.choices[0].place.number in letter.subject for letter in letters] == [True]
    assert try_run(season.sailing.id, NOON).choices == ()


def test_cabins_of_one_booking_are_put_side_by_side_and_numbers_are_exchanged():
    season = make_season()  # 301, 302 and 304 are of the category, in this order along the deck
    first, alone, second = (buy(season, holder=holder) for holder in ("family", "alone", "family"))
    assert [hold.cabin.number for hold in (first, alone, second)] == ["301", "302", "304"]
    confirmed(alone)
    family = confirmed(first, second)

    run = try_run(season.sailing.id, NOON)
    carry_out(sailing_id=season.sailing.id, seal=run.seal, now=NOON)

    db.session.expire_all()
    numbers = {cabin.cabin.number for cabin in family.cabins}
    assert numbers == {"301", "302"}
    assert alone.cabin.number == "304"
    assert {one.cabin.number for one in family.passengers} == numbers
    nights = db.session.scalars(select(CabinNight)).all()
    owners = {night.cabin_id: night.occupancy_id for night in nights}
    assert owners == {one.cabin_id: one.id for one in db.session.scalars(select(Occupancy))}
    assert len(nights) == 3 * len(season.sailing.nights)


def test_a_category_is_bought_for_a_part_and_each_part_chooses_among_its_own_nights():
    season = make_ring()
    first, second = make_part(season.sailing, 1, 3), make_part(season.sailing, 3, 5)
    bought = []
    for part in (first, second):
        page = category_page(season.sailing.code, "STB", NOON, part=part.key)
        hold = hold_any(
            sailing_id=page.sailing_id,
            candidates=page.candidates,
            party=2,
            holder=f"guest{part.id}",
            now=NOON,
            part_id=page.part_id,
        )
        bought.append(confirmed(hold))

    run = try_run(season.sailing.id, NOON)
    carry_out(sailing_id=season.sailing.id, seal=run.seal, now=NOON)

    db.session.expire_all()
    assert [booking.price.minor for booking in bought] == [1000_00, 1000_00]
    assert {booking.cabins[0].cabin.number for booking in bought} == {"301"}  # after each other
    nights = db.session.scalars(select(CabinNight.night).order_by(CabinNight.night)).all()
    assert list(nights) == [*first.nights, *second.nights]


def test_what_was_shown_is_not_done_when_something_has_changed():
    season = make_season()
    confirmed(buy(season, holder="one"))
    seal = try_run(season.sailing.id, NOON).seal
    confirmed(buy(season, holder="two"))

    with pytest.raises(RunChanged):
        carry_out(sailing_id=season.sailing.id, seal=seal, now=NOON)

    assert {cabin.number for booking in db.session.scalars(select(Booking)) for cabin in
            booking_page(booking.id).cabins} == {"GTY"}


def test_a_hold_that_ran_out_does_not_keep_its_cabin_from_the_run():
    season = make_season()
    over = make_hold(season, cabin=0, holder="gone")
    booking = confirmed(buy(season))
    later = NOON + timedelta(hours=1)

    run = try_run(season.sailing.id, later)
    assert carry_out(sailing_id=season.sailing.id, seal=run.seal, now=later) == 1

    db.session.expire_all()
    assert booking.cabins[0].cabin_id == run.choices[0].place.cabin_id
    assert over.cabin_id == season.cabins[0].id


def test_accessible_and_connecting_cabins_are_left_to_those_who_need_them():
    places = [
        replace(PLACE, accessible=True),
        replace(PLACE, cabin_id=2, number="302", connects_to="303"),
        replace(PLACE, cabin_id=3, number="304"),
    ]

    [choice] = assign([PARTY], places)

    assert (choice.place.number, choice.why) == ("304", Why.SAVING)


def test_whoever_needs_the_large_cabin_gets_it_even_if_it_was_kept_for_another():
    places = [replace(PLACE, berths=3), replace(PLACE, cabin_id=2, number="302")]
    three = replace(PARTY, occupancy_id=2, booking_id=2, sleepers=3, kept=1)
    two = replace(PARTY, kept=1)

    chosen = {choice.party.occupancy_id: choice.place.number for choice in assign([two, three], places)}

    assert chosen == {1: "302", 2: "301"}


@given(st.data())
def test_everybody_has_one_cabin_of_his_category_that_is_large_enough(data):
    categories = st.integers(1, 2)
    places = [
        Place(n, str(300 + n), data.draw(categories), data.draw(st.integers(1, 3)), data.draw(st.booleans()), None,
              data.draw(st.integers(1, 3)), data.draw(st.integers(0, 1400)), data.draw(st.integers(0, 168)))
        for n in range(data.draw(st.integers(1, 12)))
    ]
    kept = data.draw(st.lists(st.sampled_from(places), unique=True, min_size=1))
    parties = [
        Party(n, data.draw(st.integers(1, 4)), place.category_id, data.draw(st.integers(1, place.berths)),
              place.cabin_id, ())
        for n, place in enumerate(kept)
    ]

    choices = assign(parties, places)

    assert [choice.party for choice in choices] == parties
    assert len({choice.place.cabin_id for choice in choices}) == len(parties)
    for choice in choices:
        assert choice.place.category_id == choice.party.category_id
        assert choice.place.berths >= choice.party.sleepers
    assert assign(parties, list(reversed(places))) == choices


def test_a_guest_buys_a_category_and_staff_give_the_number(browser: Browser) -> None:
    season = make_season()
    cruise = browser.open(f"/en/cruises/{season.sailing.code}")
    assert f"/en/cruises/{season.sailing.code}/categories/STB" in cruise.links

    page = browser.open(f"/en/cruises/{season.sailing.code}/categories/STB").submit(party="2").follow()
    assert "Cabin GTY" in page.words
    hold = db.session.scalars(select(Occupancy)).one()
    confirmed(hold, moment=now())
    browser.sign_in(make_account(role=Role.ADMINISTRATOR))
    staff = f"/en/staff/sailings/{season.sailing.code}/guarantee-cabins"
    shown = browser.open(staff)
    stale = browser.request(staff, method="POST", data=shown.form("guarantee-cabins").values | {"seal": "0"})
    done = shown.submit("guarantee-cabins")

    assert (stale.status, done.status) == (409, 302)
    assert "No confirmed booking waits" in browser.open(staff).words
    db.session.expire_all()
    assert hold.assigned_at is not None


def test_a_category_without_a_free_cabin_is_not_sold(browser: Browser) -> None:
    season = make_season()
    make_hold(season, cabin=2)

    assert browser.open(f"/en/cruises/{season.sailing.code}/categories/JSB").status == 404
