from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.booking.services import confirm_booking
from portal.catalogue.errors import CallsRefused
from portal.catalogue.services import CallEdit
from portal.database import db
from portal.inventory.errors import CabinTaken
from portal.inventory.models import CabinNight
from portal.inventory.queries import deck_plan_states
from portal.inventory.rescheduling import reschedule
from portal.inventory.services import close_cabin
from tests.factories import NOON, make_booking, make_hold, make_sailing, make_season


def moved(sailing, by, *, longer=timedelta(0)):
    last = sailing.calls[-1]
    return reschedule(
        sailing_id=sailing.id,
        version_seen=sailing.version,
        calls=[
            CallEdit(
                position=call.position,
                arrives_at=call.arrives_at and call.arrives_at + by + (longer if call is last else timedelta(0)),
                departs_at=call.departs_at and call.departs_at + by,
                state=call.state,
                notes=call.notes,
            )
            for call in sailing.calls
        ],
        status_text=sailing.status_text,
        now=NOON,
    )


def nights(occupancy_id):
    return db.session.scalars(
        select(CabinNight.night).where(CabinNight.occupancy_id == occupancy_id).order_by(CabinNight.night)
    ).all()


def test_cabins_that_are_taken_stay_taken_on_the_new_nights():
    season = make_season()
    booking = make_booking(season)
    confirm_booking(booking_id=booking.id, now=NOON)
    hold = make_hold(season, cabin=1)
    closed = close_cabin(sailing_id=season.sailing.id, cabin_id=season.cabins[2].id, reason="shower", now=NOON)

    moved(season.sailing, timedelta(days=10), longer=timedelta(days=1))

    assert deck_plan_states(season.sailing.code, NOON).taken == {"301": "booked", "302": "held", "303": "closed"}
    for occupancy_id in (booking.cabins[0].occupancy_id, hold.id, closed.id):
        assert nights(occupancy_id) == season.sailing.nights
    with pytest.raises(CabinTaken):
        make_hold(season, cabin=0)


def test_a_change_of_hours_leaves_the_nights_alone():
    season = make_season()
    hold = make_hold(season)
    before = nights(hold.id)

    moved(season.sailing, timedelta(hours=1))

    assert nights(hold.id) == before


def test_a_refused_change_moves_no_nights():
    season = make_season(days_ahead=90, nights=4)
    make_sailing(season.ship, days_ahead=96)
    hold = make_hold(season)
    before = nights(hold.id)

    with pytest.raises(CallsRefused):
        moved(season.sailing, timedelta(days=4))

    assert nights(hold.id) == before
