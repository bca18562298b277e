"""Who books a part of a voyage pays for it, needs papers for it and reads of it alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.changes import Wish, begin, plan
from portal.booking.documents import calendar
from portal.booking.errors import DifferentParts, PartStays
from portal.booking.models import Booking, ChangeKind
from portal.booking.queries import booking_page, bookings_of, hold_page
from portal.booking.services import confirm_booking, name_passengers
from portal.catalogue.models import Category
from portal.catalogue.services import offer_part
from portal.database import db
from portal.inventory.models import CabinNight
from portal.kernel.money import Money
from portal.payments.change_pages import likeliest_cabins, sailing_choices
from portal.payments.refunds import cancel_preview
from portal.staff.passenger_list import listed_passengers
from portal.visas.models import ChecklistItem
from portal.visas.services import load_rules, refresh_checklist
from tests.factories import (
    NOON,
    SmallSeason,
    details,
    go_round,
    make_account,
    make_booking,
    make_fare,
    make_hold,
    make_part,
    make_ring,
    make_sailing,
)


def booked(season: SmallSeason, embark: int, disembark: int, **given: object) -> Booking:
    booking = make_booking(season, part=make_part(season.sailing, embark, disembark, percent=45), **given)
    confirm_booking(booking_id=booking.id, now=NOON)
    return booking


def test_a_booking_of_a_part_costs_its_share_and_says_why():
    page = booking_page(booked(make_ring(), 2, 3).id)

    assert page.price.minor == 900_00
    assert [charge.amount.minor for charge in page.charges] == [1000_00, -550_00, 1000_00, -550_00]
    why = dict(page.charges[1].why.params)
    assert (why["percent"], why["embark_en"], why["disembark_en"]) == (45, "TMKRW", "AZBAK")


def test_its_pages_begin_where_the_guest_embarks_and_end_where_he_leaves():
    page = booking_page(booked(make_ring(), 2, 3).id)

    assert [call.port.code for call in page.sailing.calls] == ["TMKRW", "AZBAK"]
    assert (page.sailing.calls[0].arrives_at, page.sailing.calls[-1].departs_at) == (None, None)
    assert (page.sailing.days, page.sailing.nights, page.sailing.countries) == (3, 2, ("TM", "AZ"))
    assert page.start_day == date(2024, 5, 17)
    assert page.sailing.calls[0].day_departs == 1


def test_the_age_is_that_of_the_day_of_embarking():
    season = make_ring()
    born = date(2009, 5, 17)  # fifteen on the day on which the ship leaves Turkmenbashi, and not before
    child = details(birth_date=born, surname="IVANOV", given_names="IVAN")

    from_the_start = booking_page(booked(season, 1, 2, passengers=(details(), child)).id)
    later = booking_page(booked(season, 2, 3, cabin=1, passengers=(details(), child)).id)

    assert [charge.kind for charge in from_the_start.charges] == ["adult", "part", "child", "part"]
    assert [charge.kind for charge in later.charges] == ["adult", "part", "adult", "part"]


def test_cabins_of_different_parts_are_not_one_booking():
    season = make_ring()
    first = make_hold(season, holder="v", part=make_part(season.sailing, 1, 3))
    last = make_hold(season, cabin=1, holder="v", part=make_part(season.sailing, 3, 5))

    page = hold_page(first, NOON)

    assert [held.hold_id for held in page.held] == [first.id]
    with pytest.raises(DifferentParts):
        name_passengers(
            parties={first.id: [details()], last.id: [details()]}, customer_id=None, language="en", now=NOON
        )


def test_what_was_agreed_stands_though_the_percentage_has_risen():
    season = make_ring()
    booking = booked(season, 2, 3)

    offer_part(
        sailing_id=season.sailing.id, embark=2, disembark=3, percent=90, mark="confirmed", on_sale=True, now=NOON
    )

    assert booking_page(booking.id).price.minor == 900_00
    assert booking.versions["part"] == "45"


def test_the_calendar_has_the_calls_of_the_part_alone():
    page = booking_page(booked(make_ring(), 2, 4).id)

    events = {
        str(event["uid"]).split("@")[0].split("-", 1)[1]: event
        for event in Calendar.from_ical(calendar(page, "en")).walk("VEVENT")
    }

    assert set(events) == {"cruise", "boarding", "azbak-1", "kzaau-1"}
    assert events["cruise"].decoded("dtstart") == date(2024, 5, 17)
    assert "Part of the voyage: TMKRW – KZAAU" in events["cruise"]["description"]
    assert events["kzaau-1"]["summary"] == "Disembarkation: KZAAU"


def test_the_passenger_list_says_where_each_guest_embarks_and_leaves():
    season = make_ring()
    booked(season, 2, 3)
    whole = make_booking(season, cabin=1, passengers=(details(surname="WHOLE"),))
    confirm_booking(booking_id=whole.id, now=NOON)

    ends = {
        (entry.voyage.calls[0].port.code, entry.voyage.calls[-1].port.code, entry.passenger.surname)
        for entry in listed_passengers(season.sailing.id)
    }

    assert ends == {("TMKRW", "AZBAK", "IVANOVA"), ("TMKRW", "AZBAK", "IVANOV"), ("RUASF", "RUASF", "WHOLE")}


def test_only_the_countries_of_the_part_ask_for_papers(database):
    load_rules(now=NOON)
    season = make_ring()
    booking = booked(season, 3, 4)

    refresh_checklist(booking_id=booking.id, now=NOON)

    countries = {item.country for item in db.session.scalars(select(ChecklistItem)) if item.country}
    assert "TM" not in countries
    assert {missing.country for one in booking_page(booking.id).passengers for missing in one.missing} == {None}


def test_the_days_to_cancel_are_counted_to_the_day_of_embarking():
    season = make_ring()
    booking = booked(season, 3, 5)
    departed = season.sailing.starts_at + timedelta(days=1)

    assert cancel_preview(booking.id, departed).paid.minor == 0


def test_a_part_is_moved_only_where_another_sailing_offers_one_between_the_same_ports():
    season, other = make_ring(), make_ring(days_ahead=120)
    booking = booked(season, 2, 3)
    make_part(other.sailing, 1, 3)

    with pytest.raises(PartStays):
        plan(booking, Wish(ChangeKind.SAILING, sailing_id=other.sailing.id), NOON)


def test_a_part_is_moved_to_the_same_part_of_another_sailing_at_its_share_there():
    season = make_ring()
    other = go_round(make_sailing(season.ship, days_ahead=120, nights=8))
    for category_id in {cabin.category_id for cabin in season.cabins}:
        make_fare(other, db.session.get_one(Category, category_id))
    there = make_part(other, 2, 3, percent=60)
    booking = booked(season, 2, 3)
    [choice] = sailing_choices(booking, NOON)
    place = likeliest_cabins(booking, other, NOON)
    wish = Wish(ChangeKind.SAILING, sailing_id=other.id, cabins={one: cabin.id for one, cabin in place.items()})
    shown = plan(booking, wish, NOON)

    begin(booking, shown, to_pay=Money(0, "RUB"), returned=Money(0, "RUB"), pay_by=None, now=NOON)

    assert choice.sailing.part_key == "2-3"
    assert (shown.before.minor, shown.after.minor) == (900_00, 1200_00)
    assert booking.cabins[0].occupancy.part_id == there.id
    assert booking.versions["part"] == "60"
    nights = db.session.scalars(select(CabinNight.night).order_by(CabinNight.night)).all()
    assert list(nights) == there.nights


def test_a_list_of_bookings_says_when_the_part_begins():
    season, customer = make_ring(), make_account()
    booked(season, 2, 3, customer=customer)

    [row] = bookings_of(customer.id)

    assert row.starts_at == season.sailing.calls[1].departs_at


def test_a_guest_buys_a_part_page_by_page(browser):
    season = make_ring()
    part = make_part(season.sailing, 2, 3, percent=45)
    code = season.sailing.code

    cruise = browser.open(f"/en/cruises/{code}")
    plan = browser.open(f"/en/cruises/{code}/deck-plan?part={part.key}")
    cabin = browser.open(f"/en/cruises/{code}/cabins/301?part={part.key}")
    held = cabin.submit(party=1)

    assert "TMKRW – AZBAK" in cruise.text
    assert f"/en/cruises/{code}/deck-plan?part=2-3" in cruise.text
    assert "cabins/301?part=2-3" in plan.text
    assert "45% of the whole fare" in cabin.text
    assert held.status == 302
    passengers = browser.open(held.location)
    assert "Part of the voyage" in passengers.text
    assert f"/en/cruises/{code}/deck-plan?part=2-3" in passengers.text  # one cabin more is of the same part
    assert browser.open(f"/en/cruises/{code}/deck-plan?part=1-4").status == 404


def test_staff_see_which_part_a_booking_is_for(browser):
    booking = booked(make_ring(), 2, 3)
    browser.sign_in(make_account(Role.OPERATOR))

    page = browser.open(f"/en/staff/bookings/{booking.reference}")

    assert "TMKRW, 17 May 2024" in page.text
    assert "AZBAK, 19 May 2024" in page.text
