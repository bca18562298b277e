"""Bookings that change cabins at the same moment: no night is shared, no cabin is lost, nobody waits in a circle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.booking.changes import Wish
from portal.booking.models import Booking, ChangeKind
from portal.database import db
from portal.inventory.models import OVER, CabinNight, Occupancy, OccupancyState
from portal.inventory.services import hold_cabin
from portal.kernel.errors import Refused
from portal.payments.changes import agree_to_change, change_preview
from tests.factories import NOON, SmallSeason, make_season
from tests.payments.test_changes import confirmed
from tests.proofs.crowd import at_once

ROUNDS = 5


def told(app: Flask, act: Callable[[], Any]) -> str:
    """What came of it, in a thread with a database session of its own."""
    with app.app_context():
        try:
            act()
        except Refused as refusal:
            return type(refusal).__name__
        finally:
            db.session.remove()
        return "done"


def change(booking_id: int, booked_id: int, cabin_id: int, agreed: str) -> Callable[[], Any]:
    wish = Wish(ChangeKind.CABIN, cabins={booked_id: cabin_id})
    return lambda: agree_to_change(booking_id=booking_id, wish=wish, agreed=agreed, now=NOON)


def wanting(booking: Booking, season: SmallSeason, place: int) -> Callable[[], Any]:
    """The press after the sums were looked at."""
    booked, cabin = booking.cabins[0], season.cabins[place]
    shown = change_preview(booking.id, Wish(ChangeKind.CABIN, cabins={booked.id: cabin.id}), NOON)
    return change(booking.id, booked.id, cabin.id, shown.digest)


def check_nights(season: SmallSeason) -> None:
    """Every open occupancy owns all its nights, and there are no others."""
    db.session.rollback()
    nights = {
        (row.cabin_id, row.night, row.occupancy_id)
        for row in db.session.scalars(select(CabinNight))
        if row.cabin_id in {cabin.id for cabin in season.cabins}
    }
    occupancies = db.session.scalars(select(Occupancy).where(Occupancy.sailing_id == season.sailing.id))
    assert nights == {
        (one.cabin_id, night, one.id)
        for one in occupancies
        if one.state not in OVER
        for night in season.sailing.nights
    }
    for booking in db.session.scalars(select(Booking)):
        for booked in booking.cabins:
            assert booked.occupancy.state is OccupancyState.BOOKED
            assert booked.occupancy.cabin_id == booked.cabin_id
            assert {one.cabin_id for one in booking.passengers} == {booked.cabin_id}


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_of_two_bookings_that_want_the_same_cabin_one_gets_it(app: Flask, _round: int) -> None:
    season = make_season()
    presses = [wanting(confirmed(season, cabin=place), season, 3) for place in (0, 1)]
    db.session.rollback()

    outcomes = Counter(at_once(presses, lambda press: told(app, press)))

    assert outcomes == {"done": 1, "CabinTaken": 1}
    check_nights(season)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_of_a_booking_that_changes_and_a_visitor_who_holds_one_gets_the_cabin(app: Flask, _round: int) -> None:
    season = make_season()
    sailing_id, cabin_id = season.sailing.id, season.cabins[3].id
    presses = [
        wanting(confirmed(season), season, 3),
        lambda: hold_cabin(sailing_id=sailing_id, cabin_id=cabin_id, party=2, holder="somebody", now=NOON),
    ]
    db.session.rollback()

    outcomes = Counter(at_once(presses, lambda press: told(app, press)))

    assert outcomes == {"done": 1, "CabinTaken": 1}
    check_nights(season)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_cabin_that_becomes_free_by_a_change_goes_to_at_most_one(app: Flask, _round: int) -> None:
    season = make_season()
    sailing_id, freed = season.sailing.id, season.cabins[0].id
    presses: list[Callable[[], Any]] = [wanting(confirmed(season), season, 3)]
    presses += [
        lambda holder=holder: hold_cabin(  # type: ignore[misc]
            sailing_id=sailing_id, cabin_id=freed, party=2, holder=holder, now=NOON
        )
        for holder in ("one", "two")
    ]
    db.session.rollback()

    outcomes = at_once(presses, lambda press: told(app, press))

    assert outcomes[0] == "done"
    assert outcomes[1:].count("done") <= 1
    assert set(outcomes) <= {"done", "CabinTaken"}
    check_nights(season)
