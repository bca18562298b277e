"""Parts of a voyage: whoever sails one takes its nights, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.booking.services import confirm_booking
from portal.catalogue.models import CallState
from portal.catalogue.services import CallEdit
from portal.database import db
from portal.inventory.errors import CabinSold, CabinTaken, SailingClosed, ShipFull
from portal.inventory.models import CabinNight
from portal.inventory.queries import cruise_page, deck_plan_page, deck_plan_states, room_aboard
from portal.inventory.rescheduling import PartSold, PartTooShort, reschedule
from portal.inventory.services import (
    HOLD_TIME,
    Take,
    close_cabin,
    expire_holds,
    hold_cabin,
    release,
    retake_cabin,
    swap_cabins,
)
from tests.factories import NOON, SmallSeason, make_booking, make_hold, make_part, make_ring
from tests.proofs.crowd import at_once


def nights_of(occupancy_id: int) -> list[int]:
    """The nights it has, counted from 0 on the first evening of the sailing of make_ring()."""
    found = db.session.scalars(select(CabinNight.night).where(CabinNight.occupancy_id == occupancy_id)).all()
    first = (NOON + timedelta(days=90)).date()
    return sorted((night - first).days for night in found)


def edited(season: SmallSeason, *, by: timedelta = timedelta(0), **states: CallState) -> None:
    """The calls moved `by`, and of some of them another state: call_3=CallState.CANCELLED."""
    sailing = season.sailing
    reschedule(
        sailing_id=sailing.id,
        version_seen=sailing.version,
        calls=[
            CallEdit(
                position=call.position,
                arrives_at=call.arrives_at and call.arrives_at + by,
                departs_at=call.departs_at and call.departs_at + by,
                state=states.get(f"call_{call.position}", call.state),
                notes=call.notes,
            )
            for call in sailing.calls
        ],
        status_text=sailing.status_text,
        now=NOON,
    )


def test_a_part_takes_the_nights_from_embarking_to_the_day_of_leaving():
    season = make_ring()
    first = make_hold(season, part=make_part(season.sailing, 1, 3))
    last = make_hold(season, cabin=1, part=make_part(season.sailing, 3, 5))

    assert nights_of(first.id) == [0, 1, 2, 3]
    assert nights_of(last.id) == [4, 5, 6, 7]


def test_parts_that_touch_at_a_port_share_a_cabin_and_nothing_is_left_for_the_whole_voyage():
    season = make_ring()

    make_hold(season, part=make_part(season.sailing, 1, 3))
    make_hold(season, part=make_part(season.sailing, 3, 5))

    with pytest.raises(CabinTaken):
        make_hold(season)


@pytest.mark.parametrize("taken", [(1, 3), (2, 3), (2, 4), (3, 5)])
def test_overlapping_parts_never_share_a_cabin(taken):
    season = make_ring()
    make_hold(season, part=make_part(season.sailing, *taken))
    other = make_part(season.sailing, 1, 4) if taken != (1, 3) else make_part(season.sailing, 2, 4)

    with pytest.raises(CabinTaken):
        make_hold(season, part=other)


def test_whoever_has_the_whole_voyage_leaves_no_part_of_it():
    season = make_ring()
    make_hold(season)

    with pytest.raises(CabinTaken):
        make_hold(season, part=make_part(season.sailing, 2, 3))


def test_of_many_who_want_overlapping_parts_at_once_only_those_that_touch_get_the_cabin(app: Flask):
    season = make_ring()
    sailing_id, cabin_id = season.sailing.id, season.cabins[0].id
    parts = [make_part(season.sailing, *ends).id for ends in ((1, 3), (2, 4), (3, 5), (1, 4), (2, 5))]
    wanted: list[int | None] = [*parts, None] * 3

    def want(place: int) -> int | None:
        with app.app_context():
            try:
                return hold_cabin(
                    sailing_id=sailing_id,
                    cabin_id=cabin_id,
                    part_id=wanted[place],
                    party=2,
                    holder=f"visitor{place}",
                    now=NOON,
                ).id
            except CabinTaken:
                return None
            finally:
                db.session.remove()

    outcomes = at_once(range(len(wanted)), want)

    db.session.rollback()
    winners = [occupancy_id for occupancy_id in outcomes if occupancy_id is not None]
    nights = [night for occupancy_id in winners for night in nights_of(occupancy_id)]
    assert 1 <= len(winners) <= 2
    assert len(nights) == len(set(nights))
    assert len(db.session.scalars(select(CabinNight)).all()) == len(nights)


def test_the_limit_of_persons_is_counted_on_each_night():
    season = make_ring(persons_limit=4)
    make_hold(season, cabin=0, part=make_part(season.sailing, 1, 3))
    make_hold(season, cabin=1, part=make_part(season.sailing, 2, 4))

    with pytest.raises(ShipFull):  # on the nights between the second and the third call four are aboard
        make_hold(season, cabin=2, party=1, part=make_part(season.sailing, 2, 3))
    make_hold(season, cabin=2, part=make_part(season.sailing, 4, 5))
    make_hold(season, cabin=3, part=make_part(season.sailing, 1, 2))

    assert room_aboard(season.sailing.id, NOON) == 0


def test_two_parts_in_one_cabin_are_not_twice_as_many_persons_aboard():
    season = make_ring(persons_limit=4)
    make_hold(season, part=make_part(season.sailing, 1, 3))
    make_hold(season, part=make_part(season.sailing, 3, 5))

    assert room_aboard(season.sailing.id, NOON) == 2


def test_the_plan_of_a_part_shows_what_is_free_on_its_nights_at_its_price():
    season = make_ring()
    first, last = make_part(season.sailing, 1, 3), make_part(season.sailing, 3, 5, percent=45)
    make_hold(season, part=first)

    whole = deck_plan_states(season.sailing.code, NOON)
    plan = deck_plan_page(season.sailing.code, NOON, part=last.key)

    assert whole.taken == {"301": "held"}
    assert deck_plan_states(season.sailing.code, NOON, first.key).taken == {"301": "held"}
    assert deck_plan_states(season.sailing.code, NOON, last.key).taken == {}
    assert {cabin.state for deck in plan.decks for cabin in deck.cabins} == {"free"}
    assert {category.per_person.minor for category in plan.categories} == {450_00}
    assert (plan.card.embark.code, plan.card.disembark.code, plan.card.nights) == ("AZBAK", "RUASF", 4)


def test_the_cruise_offers_its_parts_while_their_calls_are_certain():
    season = make_ring()
    make_part(season.sailing, 1, 3, percent=45)
    make_part(season.sailing, 2, 4, on_sale=False)
    make_part(season.sailing, 3, 5)

    [first, last] = cruise_page(season.sailing.code, NOON).parts
    edited(season, call_3=CallState.CONDITIONAL)

    assert (first.embark.code, first.disembark.code, first.nights) == ("RUASF", "AZBAK", 4)
    assert (first.from_price.minor, first.free_cabins) == (450_00, 4)
    assert last.embark.code == "AZBAK"
    assert cruise_page(season.sailing.code, NOON).parts == ()
    with pytest.raises(SailingClosed):
        make_hold(season, part=season.sailing.parts[0])


def test_a_part_of_another_sailing_is_not_held():
    season, other = make_ring(), make_ring()

    with pytest.raises(SailingClosed):
        make_hold(season, part=make_part(other.sailing, 1, 3))


def test_a_cabin_with_a_part_sold_cannot_be_closed():
    season = make_ring()
    make_hold(season, part=make_part(season.sailing, 1, 3))

    with pytest.raises(CabinSold):
        close_cabin(sailing_id=season.sailing.id, cabin_id=season.cabins[0].id, reason="shower", now=NOON)


def test_late_money_takes_the_nights_of_the_part_again_and_no_others():
    season = make_ring()
    part = make_part(season.sailing, 1, 3)
    hold = make_hold(season, part=part)
    expire_holds(NOON + HOLD_TIME)
    make_hold(season, part=make_part(season.sailing, 3, 5), now=NOON + HOLD_TIME)

    again = retake_cabin(occupancy_id=hold.id, party=2, now=NOON + HOLD_TIME)

    assert again.part_id == part.id
    assert nights_of(again.id) == [0, 1, 2, 3]


def test_a_cabin_given_back_frees_the_nights_of_its_part():
    season = make_ring()
    part = make_part(season.sailing, 2, 4)
    hold = make_hold(season, part=part)

    release(occupancy_id=hold.id, now=NOON)

    assert nights_of(hold.id) == []
    assert nights_of(make_hold(season, part=part).id) == [2, 3, 4, 5]


def test_a_booking_of_a_part_changes_to_a_cabin_that_is_free_on_its_nights():
    season = make_ring()
    part = make_part(season.sailing, 1, 3)
    booking = make_booking(season, part=part)
    confirm_booking(booking_id=booking.id, now=NOON)
    make_hold(season, cabin=1, part=make_part(season.sailing, 3, 5))
    take = Take(season.sailing.id, season.cabins[1].id, 2, "visitor", part_id=part.id)

    [taken] = swap_cabins(give=[booking.cabins[0].occupancy_id], keep={}, take=[take], now=NOON)

    assert nights_of(taken.id) == [0, 1, 2, 3]


def test_a_sailing_that_moves_takes_the_nights_of_its_parts_along():
    season = make_ring()
    first = make_hold(season, part=make_part(season.sailing, 1, 3))
    last = make_hold(season, part=make_part(season.sailing, 3, 5))
    whole = make_hold(season, cabin=1)

    edited(season, by=timedelta(days=10))

    assert nights_of(first.id) == [10, 11, 12, 13]
    assert nights_of(last.id) == [14, 15, 16, 17]
    assert nights_of(whole.id) == [*range(10, 18)]


def test_a_call_at_which_guests_of_a_part_embark_or_leave_is_not_cancelled():
    season = make_ring()
    hold = make_hold(season, part=make_part(season.sailing, 1, 3))

    with pytest.raises(PartSold) as refused:
        edited(season, call_3=CallState.CANCELLED)
    edited(season, call_2=CallState.CANCELLED)  # his ship passes it by
    release(occupancy_id=hold.id, now=NOON)
    edited(season, call_3=CallState.CANCELLED)

    assert "301" in str(refused.value.message)
    assert season.sailing.calls[2].state is CallState.CANCELLED


def test_a_part_never_loses_its_last_night():
    season = make_ring()
    make_part(season.sailing, 2, 3)
    calls = {call.position: call for call in season.sailing.calls}
    calls[3].leg_nm = 1
    db.session.commit()

    def late(position: int) -> CallEdit:
        """It leaves Turkmenbashi an hour before it is at Baku."""
        call = calls[position]
        departs = calls[3].arrives_at - timedelta(hours=1) if position == 2 else call.departs_at
        return CallEdit(position, call.arrives_at, departs, call.state, call.notes)

    with pytest.raises(PartTooShort):
        reschedule(
            sailing_id=season.sailing.id,
            version_seen=season.sailing.version,
            calls=[late(position) for position in calls],
            status_text=season.sailing.status_text,
            now=NOON,
        )
