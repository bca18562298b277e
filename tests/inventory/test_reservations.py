"""Options and allotments: kept until a date, taken up by link, given back by themselves."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.services import expire_bookings
from portal.database import db
from portal.inventory.errors import CabinTaken, HoldOver, ShipFull
from portal.inventory.models import CabinNight, Occupancy, OccupancyState, Reservation, ReservationKind
from portal.inventory.reservations.errors import CabinNotFree, DateRefused, ReservationOver, TooLong
from portal.inventory.reservations.queries import reservation_page
from portal.inventory.reservations.services import LONGEST_OPTION, give_back, remind, reserve, set_until
from portal.inventory.reservations.views import reservation_token
from portal.inventory.services import expire_holds, hand_over, hold_cabin
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from tests.browser import Browser
from tests.factories import NOON, announced, make_account, make_hold, make_part, make_ring, make_season


def keep(season, *numbers, kind=ReservationKind.OPTION, days=7, now=NOON, email="desk@agency.example", part=None):
    return reserve(
        part=part,
        sailing_id=season.sailing.id,
        kind=kind,
        numbers=numbers or ("301", "302"),
        name="Agency",
        email=email,
        language="en",
        until=now + timedelta(days=days),
        note=None,
        now=now,
    )


def cabins(reservation):
    return db.session.scalars(select(Occupancy).filter_by(reservation_id=reservation.id).order_by(Occupancy.id)).all()


def test_reserved_cabins_are_taken_for_everybody_else():
    season = make_season()
    keep(season)

    with pytest.raises(CabinTaken):
        make_hold(season, cabin=0)

    assert make_hold(season, cabin=2).state is OccupancyState.HELD
    assert announced() == ["reservation.made"]


def test_cabins_are_kept_for_a_part_and_booked_for_it():
    season = make_ring()
    part = make_part(season.sailing, 2, 3)
    reservation = keep(season, "301", part=part.key)

    [kept] = cabins(reservation)
    hold = hand_over(occupancy_id=kept.id, holder="desk", now=NOON)

    assert (hold.part_id, reservation_page(reservation.id, NOON).sailing.part_key) == (part.id, "2-3")
    assert list(db.session.scalars(select(CabinNight.night).order_by(CabinNight.night))) == part.nights
    with pytest.raises(NotFound):
        keep(season, "302", part="1-4")


def test_all_cabins_of_the_list_are_kept_or_none():
    season = make_season()
    make_hold(season, cabin=1)

    with pytest.raises(CabinNotFree) as refusal:
        keep(season, "301", "302")

    assert "302" in str(refusal.value.message)
    assert db.session.scalars(select(Reservation)).all() == []
    assert {night.cabin_id for night in db.session.scalars(select(CabinNight))} == {season.cabins[1].id}


def test_a_number_that_the_ship_does_not_have_is_named():
    with pytest.raises(CabinNotFree) as refusal:
        keep(make_season(), "301", "999")

    assert "999" in str(refusal.value.message)


def test_reserved_berths_count_to_the_persons_aboard():
    season = make_season(persons_limit=5)
    keep(season, "301", "302")

    with pytest.raises(ShipFull):
        make_hold(season, cabin=2, party=2)


def test_what_is_not_taken_up_in_time_goes_back_by_itself():
    season = make_season()
    reservation = keep(season)

    expire_holds(reservation.until - timedelta(seconds=1))
    assert {one.state for one in cabins(reservation)} == {OccupancyState.RESERVED}
    expire_holds(reservation.until)

    assert {one.state for one in cabins(reservation)} == {OccupancyState.EXPIRED}
    assert db.session.scalars(select(CabinNight)).all() == []


def test_a_reserved_cabin_whose_time_is_over_is_free_even_before_anybody_sweeps():
    season = make_season()
    reservation = keep(season)

    hold = hold_cabin(
        sailing_id=season.sailing.id, cabin_id=season.cabins[0].id, party=2, holder="x", now=reservation.until
    )

    assert hold.state is OccupancyState.HELD


def test_a_cabin_taken_up_is_held_until_the_date_of_the_option():
    reservation = keep(make_season())
    [first, _second] = cabins(reservation)

    hold = hand_over(occupancy_id=first.id, holder="guest", now=NOON)

    assert (hold.state, hold.holder, hold.expires_at) == (OccupancyState.HELD, "guest", reservation.until)


def test_a_cabin_is_not_taken_up_when_the_time_is_over():
    reservation = keep(make_season())

    with pytest.raises(HoldOver):
        hand_over(occupancy_id=cabins(reservation)[0].id, holder="guest", now=reservation.until)


def test_an_option_is_short_and_an_allotment_may_be_long():
    season = make_season()
    too_long = LONGEST_OPTION.days + 1

    with pytest.raises(TooLong):
        keep(season, "301", days=too_long)
    allotment = keep(season, "301", kind=ReservationKind.ALLOTMENT, days=too_long)
    with pytest.raises(TooLong):
        set_until(reservation_id=keep(season, "302").id, until=NOON + timedelta(days=too_long), now=NOON)

    assert cabins(allotment)[0].expires_at == NOON + timedelta(days=too_long)


@pytest.mark.parametrize("days", [0, -1, 300])
def test_the_date_lies_ahead_and_before_sales_end(days):
    with pytest.raises(DateRefused):
        keep(make_season(), kind=ReservationKind.ALLOTMENT, days=days)


def test_a_new_date_moves_what_is_still_reserved_and_nothing_else():
    reservation = keep(make_season())
    first, second = cabins(reservation)
    hand_over(occupancy_id=first.id, holder="guest", now=NOON)
    later = NOON + timedelta(days=9)

    set_until(reservation_id=reservation.id, until=later, now=NOON)

    assert (first.expires_at, second.expires_at) == (NOON + timedelta(days=7), later)


def test_a_reservation_that_is_over_gets_no_new_date():
    reservation = keep(make_season())
    give_back(reservation_id=reservation.id, numbers=None, reason="test", now=NOON)

    with pytest.raises(ReservationOver):
        set_until(reservation_id=reservation.id, until=NOON + timedelta(days=9), now=NOON)


def test_giving_back_leaves_what_was_taken_up():
    reservation = keep(make_season())
    first, second = cabins(reservation)
    hand_over(occupancy_id=first.id, holder="guest", now=NOON)

    given = give_back(reservation_id=reservation.id, numbers=["301", "302"], reason="test", now=NOON)

    assert given == 1
    assert (first.state, second.state) == (OccupancyState.HELD, OccupancyState.RELEASED)


def test_a_day_and_two_hours_before_the_end_a_letter_reminds_once():
    reservation = keep(make_season())
    follow_up()

    for hours in (30, 24, 23, 2, 1):
        remind(reservation.until - timedelta(hours=hours))
        remind(reservation.until - timedelta(hours=hours))

    assert announced().count("reservation.ending") == 2


def test_a_new_date_reminds_anew():
    reservation = keep(make_season())
    remind(reservation.until - timedelta(hours=20))

    set_until(reservation_id=reservation.id, until=reservation.until + timedelta(days=1), now=NOON)
    remind(reservation.until - timedelta(hours=20))

    assert announced().count("reservation.ending") == 2


def test_the_agency_takes_two_cabins_up_by_its_link_and_names_the_passengers(browser: Browser) -> None:
    season = make_season()
    reservation = keep(season, "301", "302", "304", now=now())
    follow_up()
    letter = db.session.scalars(select(OutgoingMail)).one()
    link = f"/en/reservations/{reservation.reference}/open/{reservation_token(reservation)}"

    assert link in letter.text
    page = browser.open(link).follow()
    assert "Cabins kept for you" in page.words
    answer = page.submit(cabin=["301", "304"])
    named = answer.follow()

    assert "Cabins 301, 304" in named.words
    assert [one.state for one in cabins(reservation)] == ["held", "reserved", "held"]
    expire_bookings(now())
    assert [one.state for one in cabins(reservation)] == ["held", "reserved", "held"]


def test_nobody_sees_a_reservation_without_its_link(browser: Browser) -> None:
    reservation = keep(make_season(), now=now())

    assert browser.open(f"/en/reservations/{reservation.reference}").status == 404
    assert browser.open(f"/en/reservations/{reservation.reference}/open/{'0' * 32}").status == 404


def test_staff_keep_cabins_move_the_date_and_put_them_back(browser: Browser) -> None:
    season = make_season()
    browser.sign_in(make_account(role=Role.ADMINISTRATOR))
    path = f"/en/staff/sailings/{season.sailing.code}/reservations"
    until = (now() + timedelta(days=5)).strftime("%Y-%m-%dT12:00")
    typed = {"kind": "option", "numbers": "301, 303", "name": "Agency", "email": "desk@agency.example"}

    wrong = browser.open(path).submit(**typed, language="tk", until="")
    made = browser.open(path).submit(**typed, language="tk", until=until)
    page = browser.open(path)

    assert wrong.status == 422
    assert made.status == 302
    reservation = db.session.scalars(select(Reservation)).one()
    assert [one.state for one in cabins(reservation)] == ["reserved", "reserved"]
    assert "Agency" in page.words
    assert "Agency" in browser.open(f"/en/staff/sailings/{season.sailing.code}/cabins").words
    for form in page.forms:
        if form.action.endswith("/give-back"):
            browser.request(form.action, method="POST", data=form.values)
    assert [one.state for one in cabins(reservation)] == ["released", "released"]
