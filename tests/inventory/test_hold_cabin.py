"""Taking a cabin out of sale and giving it back."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from portal.audit.models import AuditEntry
from portal.catalogue.models import SailingState
from portal.catalogue.versions import versions_since
from portal.database import db, transaction
from portal.inventory.errors import (
    AlreadyLengthened,
    CabinSold,
    CabinTaken,
    HoldOver,
    PartyTooLarge,
    SailingClosed,
    ShipFull,
    TooManyHolds,
)
from portal.inventory.models import CabinNight, OccupancyState
from portal.inventory.services import (
    HOLD_TIME,
    HOLDS_PER_VISITOR,
    LONGEST_HOLD,
    book_held_cabin,
    close_cabin,
    expire_holds,
    extend_hold,
    hold_cabin,
    lengthen_hold,
    release,
    retake_cabin,
)
from tests.factories import NOON, make_hold, make_sailing, make_season


def nights_taken() -> int:
    return db.session.scalar(select(func.count()).select_from(CabinNight)) or 0


def test_a_hold_takes_each_night_of_the_sailing():
    season = make_season(nights=4)

    hold = make_hold(season)

    assert hold.expires_at == NOON + HOLD_TIME
    assert sorted(db.session.scalars(select(CabinNight.night))) == season.sailing.nights
    assert nights_taken() == 4


def test_a_held_cabin_is_refused_to_the_next_visitor():
    season = make_season()
    make_hold(season)

    with pytest.raises(CabinTaken):
        make_hold(season)

    assert nights_taken() == 4


def test_another_sailing_over_one_shared_night_cannot_have_the_cabin():
    season = make_season(days_ahead=90, nights=4)
    overlapping = make_sailing(season.ship, days_ahead=93, nights=4)
    make_hold(season)

    with pytest.raises(CabinTaken):
        hold_cabin(
            sailing_id=overlapping.id, cabin_id=season.cabins[0].id, party=2, holder="somebody", now=NOON
        )


def test_a_sailing_that_starts_on_the_day_another_ends_can_have_the_cabin():
    season = make_season(days_ahead=90, nights=4)
    next_one = make_sailing(season.ship, days_ahead=94, nights=4)
    make_hold(season)

    hold_cabin(sailing_id=next_one.id, cabin_id=season.cabins[0].id, party=2, holder="somebody", now=NOON)

    assert nights_taken() == 8


def test_a_visitor_who_holds_the_same_cabin_again_keeps_his_time_and_changes_his_party():
    season = make_season()
    first = make_hold(season, holder="me", party=2)

    again = make_hold(season, holder="me", party=1, now=NOON + timedelta(minutes=5))

    assert again.id == first.id
    assert again.party == 1
    assert again.expires_at == NOON + HOLD_TIME


def test_an_overdue_hold_gives_its_cabin_to_whoever_comes_next():
    season = make_season()
    first = make_hold(season)

    second = make_hold(season, now=NOON + HOLD_TIME)

    assert first.state is OccupancyState.EXPIRED
    assert second.state is OccupancyState.HELD
    assert nights_taken() == 4


def test_the_worker_gives_back_what_ran_out_and_nothing_else():
    season = make_season()
    make_hold(season, cabin=0)
    make_hold(season, cabin=1, now=NOON + timedelta(minutes=1))

    assert expire_holds(NOON + HOLD_TIME) == 1
    assert nights_taken() == 4


def test_a_party_larger_than_the_berths_and_an_infant_is_refused():
    season = make_season()

    with pytest.raises(PartyTooLarge):
        make_hold(season, cabin=0, party=4)

    assert make_hold(season, cabin=2, party=4).party == 4


def test_the_ship_never_carries_more_persons_than_its_limit():
    season = make_season(persons_limit=3)
    make_hold(season, cabin=0, party=2)

    with pytest.raises(ShipFull):
        make_hold(season, cabin=1, party=2)

    assert make_hold(season, cabin=1, party=1).party == 1


@pytest.mark.parametrize("state", [SailingState.CLOSED, SailingState.CANCELLED, SailingState.DRAFT])
def test_a_sailing_that_is_not_on_sale_is_refused(state):
    season = make_season()
    with transaction():
        season.sailing.state = state

    with pytest.raises(SailingClosed):
        make_hold(season)


def test_a_sailing_that_has_left_is_never_bookable():
    season = make_season(days_ahead=90)

    with pytest.raises(SailingClosed):
        make_hold(season, now=NOON + timedelta(days=91))


def test_one_visitor_cannot_empty_a_deck():
    season = make_season()
    sailings = [season.sailing, *(make_sailing(season.ship, days_ahead=90 + 30 * n) for n in (1, 2))]
    wanted = [(sailing.id, cabin.id) for sailing in sailings for cabin in season.cabins][: HOLDS_PER_VISITOR + 1]
    for sailing_id, cabin_id in wanted[:-1]:
        hold_cabin(sailing_id=sailing_id, cabin_id=cabin_id, party=1, holder="greedy", now=NOON)

    with pytest.raises(TooManyHolds):
        hold_cabin(sailing_id=wanted[-1][0], cabin_id=wanted[-1][1], party=1, holder="greedy", now=NOON)


def test_the_cabins_of_one_party_are_kept_until_the_same_time():
    season = make_season()
    first = make_hold(season, holder="family")
    later = NOON + timedelta(minutes=15)

    second = make_hold(season, cabin=1, holder="family", now=later)

    assert first.expires_at == second.expires_at == later + HOLD_TIME


def test_taking_one_cabin_after_another_keeps_none_beyond_the_ceiling():
    season = make_season()
    first = make_hold(season, holder="family")
    for step in range(1, 12):
        hold = make_hold(season, cabin=1, holder="family", now=NOON + step * timedelta(minutes=15))
        if step < 11:
            release(occupancy_id=hold.id, now=NOON + step * timedelta(minutes=15))
        if first.expires_at <= NOON + step * timedelta(minutes=15):
            break

    assert first.expires_at == NOON + LONGEST_HOLD


def test_a_released_hold_is_free_and_its_history_stays():
    season = make_season()
    hold = make_hold(season)

    release(occupancy_id=hold.id, now=NOON)
    release(occupancy_id=hold.id, now=NOON)

    assert hold.state is OccupancyState.RELEASED
    assert nights_taken() == 0
    trail = db.session.execute(
        select(AuditEntry.action, AuditEntry.from_state, AuditEntry.to_state).order_by(AuditEntry.id)
    ).all()
    assert [tuple(entry) for entry in trail] == [
        ("cabin.held", None, "held"),
        ("cabin.released", "held", "released"),
    ]


def test_starting_a_payment_keeps_the_cabin_longer_but_never_shorter():
    season = make_season()
    hold = make_hold(season)

    extend_hold(occupancy_id=hold.id, until=NOON + timedelta(minutes=40), now=NOON)
    extend_hold(occupancy_id=hold.id, until=NOON + timedelta(minutes=30), now=NOON)

    assert hold.expires_at == NOON + timedelta(minutes=40)


def test_a_hold_that_is_over_is_not_brought_back_to_life():
    season = make_season()
    hold = make_hold(season)

    with pytest.raises(HoldOver):
        extend_hold(occupancy_id=hold.id, until=NOON + timedelta(hours=1), now=NOON + HOLD_TIME)


def test_money_that_comes_late_takes_the_same_cabin_while_it_is_free():
    season = make_season()
    hold = make_hold(season)
    expire_holds(NOON + HOLD_TIME)

    taken = retake_cabin(occupancy_id=hold.id, party=2, now=NOON + timedelta(hours=1))

    assert taken.state is OccupancyState.BOOKED
    assert nights_taken() == 4


def test_money_that_comes_late_never_takes_another_guests_cabin():
    season = make_season()
    lost = make_hold(season)
    owner = make_hold(season, now=NOON + HOLD_TIME)

    with pytest.raises(CabinTaken):
        retake_cabin(occupancy_id=lost.id, party=2, now=NOON + HOLD_TIME)

    assert set(db.session.scalars(select(CabinNight.occupancy_id))) == {owner.id}


def test_a_closed_cabin_is_not_sold_and_a_sold_cabin_is_not_closed():
    season = make_season()
    close_cabin(sailing_id=season.sailing.id, cabin_id=season.cabins[0].id, reason="paint", now=NOON)
    hold = make_hold(season, cabin=1)
    book_held_cabin(occupancy_id=hold.id, party=2, now=NOON)

    with pytest.raises(CabinTaken):
        make_hold(season, cabin=0)
    with pytest.raises(CabinSold):
        close_cabin(sailing_id=season.sailing.id, cabin_id=season.cabins[1].id, reason="paint", now=NOON)


def test_every_change_of_a_cabin_makes_the_pages_of_its_sailing_stale():
    season = make_season()
    before = versions_since(None)

    hold = make_hold(season)
    held = versions_since(None)
    release(occupancy_id=hold.id, now=NOON)

    assert len({before, held, versions_since(None)}) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE occupancy SET over_at = made_at",
        "UPDATE occupancy SET state = 'released'",
        "UPDATE occupancy SET state = 'nonsense'",
        "UPDATE occupancy SET expires_at = NULL",
        "UPDATE occupancy SET party = -1",
        "UPDATE cabin_night SET night = (SELECT min(night) FROM cabin_night)",
        "UPDATE audit_entry SET actor = 'nobody'",
        "DELETE FROM audit_entry",
    ],
)
def test_the_database_itself_keeps_the_invariants(wrong):
    make_hold(make_season())

    with pytest.raises(IntegrityError):
        db.session.execute(text(wrong))

    db.session.rollback()


def test_a_visitor_may_have_more_time_once():
    season = make_season()
    hold = make_hold(season)

    lengthen_hold(occupancy_id=hold.id, now=NOON + timedelta(minutes=15))

    assert hold.expires_at == NOON + 2 * HOLD_TIME
    with pytest.raises(AlreadyLengthened):
        lengthen_hold(occupancy_id=hold.id, now=NOON + timedelta(minutes=16))


def test_no_hold_is_lengthened_beyond_two_hours_or_after_its_end():
    season = make_season()
    hold = make_hold(season)
    extend_hold(occupancy_id=hold.id, until=NOON + timedelta(minutes=110), now=NOON)
    other = make_hold(season, cabin=1)

    lengthen_hold(occupancy_id=hold.id, now=NOON)

    assert hold.expires_at == NOON + LONGEST_HOLD
    with pytest.raises(HoldOver):
        lengthen_hold(occupancy_id=other.id, now=NOON + HOLD_TIME)
