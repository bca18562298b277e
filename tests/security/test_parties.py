"""One hold in two windows: who was named and agreed to is who travels, and the ship never carries too many."""

from __future__ import annotations

import pytest

from portal.booking.models import Booking
from portal.booking.services import confirm_booking, keep_for_payment, name_passengers, place_booking
from portal.database import db
from portal.inventory.errors import ShipFull
from portal.inventory.models import Occupancy
from portal.inventory.services import HOLD_TIME
from tests.factories import NOON, SmallSeason, details, make_booking, make_hold, make_season

PLACED = {
    "contact_name": "Anna Ivanova",
    "contact_email": "anna@example.org",
    "contact_phone": "+7 900 1234567",
    "terms_version": "t1",
    "consent_version": "c1",
}


def say_in_another_window(season: SmallSeason, booking: Booking, party: int) -> None:
    make_hold(season, party=party, holder=booking.holder or "")


def party_of(booking: Booking) -> int:
    db.session.expire_all()
    return db.session.get_one(Occupancy, booking.cabins[0].occupancy_id).party


@pytest.mark.parametrize("party", [1, 3])
def test_a_booking_is_for_those_who_were_named(party: int) -> None:
    season = make_season()
    booking = make_booking(season)
    say_in_another_window(season, booking, party)

    confirm_booking(booking_id=booking.id, now=NOON)

    assert party_of(booking) == 2


def test_late_money_takes_the_cabin_for_those_who_were_named() -> None:
    season = make_season()
    booking = make_booking(season)
    say_in_another_window(season, booking, 1)

    confirm_booking(booking_id=booking.id, now=NOON + HOLD_TIME)

    assert party_of(booking) == 2


def test_placing_counts_those_who_were_named() -> None:
    season = make_season()
    hold = make_hold(season, holder="window")
    booking = name_passengers(
        parties={hold.id: [details(), details(surname="IVANOV")]},
        customer_id=None,
        language="en",
        now=NOON,
    )
    say_in_another_window(season, booking, 1)

    place_booking(booking_id=booking.id, now=NOON, **PLACED)

    assert party_of(booking) == 2


def test_nobody_pays_for_places_that_were_let_go_and_are_taken() -> None:
    season = make_season(persons_limit=4)
    booking = make_booking(season)
    say_in_another_window(season, booking, 1)
    make_hold(season, cabin=2, party=3)

    with pytest.raises(ShipFull):
        keep_for_payment(booking_id=booking.id, until=NOON + HOLD_TIME, now=NOON)
    with pytest.raises(ShipFull):
        confirm_booking(booking_id=booking.id, now=NOON)


def test_nobody_is_named_for_places_that_were_let_go_and_are_taken() -> None:
    season = make_season(persons_limit=4)
    hold = make_hold(season, party=1, holder="window")
    make_hold(season, cabin=2, party=3)

    with pytest.raises(ShipFull):
        name_passengers(
            parties={hold.id: [details(), details(surname="IVANOV")]},
            customer_id=None,
            language="en",
            now=NOON,
        )
