"""From a hold to a booking: passengers, agreement, confirmation, the end of what was not paid."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from portal.audit.models import AuditEntry
from portal.booking.errors import (
    MinorsAlone,
    NoAdult,
    NobodyInCabin,
    NotPayable,
    SamePassengerTwice,
    TooManyForCabin,
)
from portal.booking.models import Booking, BookingState, Passenger
from portal.booking.services import (
    cancel_booking,
    confirm_booking,
    expire_bookings,
    keep_for_payment,
    let_go,
    name_passengers,
    place_booking,
)
from portal.database import db
from portal.inventory.errors import CabinTaken, HoldOver, ShipFull
from portal.inventory.models import OccupancyState
from portal.inventory.services import HOLD_TIME
from portal.kernel.money import Money
from tests.factories import NOON, announced, details, make_booking, make_hold, make_season

CHILD = date(2015, 6, 1)


def name(hold, *passengers, now=NOON):
    return name_passengers(parties={hold.id: passengers}, customer_id=None, language="en", now=now)


def place(booking, now=NOON):
    return place_booking(
        booking_id=booking.id,
        contact_name="Anna",
        contact_email="Anna@Example.org",
        contact_phone="+993 12 345678",
        terms_version="t1",
        consent_version="c1",
        now=now,
    )


def test_each_passenger_has_a_price_and_the_booking_their_sum():
    booking = name(make_hold(make_season()), details(), details(birth_date=CHILD))

    assert [charge.amount_minor for charge in booking.charges] == [1000_00, 850_00]
    assert booking.price == Money(1850_00, "RUB")


def two_cabins(season):
    return make_hold(season, holder="family"), make_hold(season, cabin=1, holder="family")


def name_all(parties, **more):
    return name_passengers(
        parties={hold.id: people for hold, people in parties}, customer_id=None, language="en", now=NOON, **more
    )


def test_a_booking_has_all_cabins_of_the_party_and_each_passenger_sleeps_in_one():
    first, second = two_cabins(make_season())

    booking = name_all([(first, [details(), details()]), (second, [details()])])

    assert {cabin.occupancy_id for cabin in booking.cabins} == {first.id, second.id}
    assert [one.cabin_id for one in booking.passengers] == [first.cabin_id, first.cabin_id, second.cabin_id]
    assert booking.price == Money(2 * 1000_00 + 1600_00, "RUB")
    assert (first.party, second.party) == (2, 1)


def test_all_cabins_of_a_booking_are_confirmed_and_all_are_given_back():
    first, second = two_cabins(make_season())
    booking = place(name_all([(first, [details()]), (second, [details()])]))

    confirm_booking(booking_id=booking.id, now=NOON)
    assert {first.state, second.state} == {OccupancyState.BOOKED}
    cancel_booking(booking_id=booking.id, now=NOON)
    assert {first.state, second.state} == {OccupancyState.RELEASED}


def test_minors_sleep_alone_only_where_an_adult_of_the_booking_answers_for_them():
    first, second = two_cabins(make_season())
    parties = [(first, [details()]), (second, [details(birth_date=CHILD), details(birth_date=CHILD)])]

    with pytest.raises(MinorsAlone) as refusal:
        name_all(parties)
    booking = name_all(parties, minors_waiver=True)

    assert "302" in str(refusal.value.message)
    assert booking.minors_waiver_at is not None


def test_a_waiver_that_nobody_needs_is_not_kept():
    first, second = two_cabins(make_season())

    booking = name_all([(first, [details()]), (second, [details()])], minors_waiver=True)

    assert booking.minors_waiver_at is None


def test_children_alone_do_not_travel_even_with_a_waiver():
    with pytest.raises(NoAdult):
        name_all([(make_hold(make_season()), [details(birth_date=CHILD)])], minors_waiver=True)


def test_a_held_cabin_in_which_nobody_sleeps_is_not_booked():
    first, second = two_cabins(make_season())

    with pytest.raises(NobodyInCabin):
        name_all([(first, [details()]), (second, [])])


def test_a_cabin_that_is_given_back_takes_its_passengers_out_of_the_draft():
    first, second = two_cabins(make_season())
    booking = name_all([(first, [details()]), (second, [details(surname="PETROV")])])

    let_go(hold_id=second.id, now=NOON)

    db.session.refresh(booking)
    assert booking.state is BookingState.DRAFT
    assert [one.surname for one in booking.passengers] == ["IVANOVA"]
    assert booking.price == Money(1600_00, "RUB")
    assert second.state is OccupancyState.RELEASED
    assert first.state is OccupancyState.HELD


def test_naming_with_a_cabin_less_takes_it_out_of_the_draft():
    first, second = two_cabins(make_season())
    booking = name_all([(first, [details()]), (second, [details()])])

    again = name_all([(first, [details(), details()])])

    assert again.id == booking.id
    assert [cabin.occupancy_id for cabin in again.cabins] == [first.id]


def test_naming_again_takes_the_place_of_the_first_time():
    hold = make_hold(make_season())
    first = name(hold, details(), details())

    again = name(hold, details(surname="PETROVA"), details())

    assert again.id == first.id
    assert [passenger.surname for passenger in again.passengers] == ["PETROVA", "IVANOVA"]
    assert len(again.charges) == 2


def test_children_never_travel_without_an_adult():
    with pytest.raises(NoAdult):
        name(make_hold(make_season()), details(birth_date=CHILD), details(birth_date=CHILD))


def test_more_sleepers_than_berths_are_refused_though_the_hold_allowed_an_infant():
    with pytest.raises(TooManyForCabin):
        name(make_hold(make_season(), party=3), details(), details(), details(birth_date=CHILD))


def test_one_document_for_two_passengers_is_refused():
    with pytest.raises(SamePassengerTwice):
        name(make_hold(make_season()), details(document_number="75 1234567"), details(document_number="751234567"))


def test_a_document_number_is_readable_only_with_the_portals_key():
    name(make_hold(make_season()), details(document_number="758888888"), details())

    stored = db.session.execute(text("SELECT document_number, document_fingerprint FROM passenger")).all()

    assert all("758888888" not in value for row in stored for value in row)
    assert db.session.scalars(select(Passenger.document_number).order_by(Passenger.id)).first() == "758888888"


def test_agreement_pins_policy_consent_and_deadline():
    hold = make_hold(make_season())

    booking = place(name(hold, details(), details()))

    assert booking.state is BookingState.PENDING
    assert booking.contact_email == "anna@example.org"
    assert booking.pay_by == NOON + HOLD_TIME
    assert booking.policy[0] == {"days": 60, "percent": 0}
    assert booking.terms_accepted_at is not None
    assert "booking.placed" in announced()


def test_nothing_can_be_agreed_once_the_hold_is_over():
    booking = name(make_hold(make_season()), details(), details())

    with pytest.raises(HoldOver):
        place(booking, now=NOON + HOLD_TIME)

    assert booking.state is BookingState.DRAFT


def test_money_confirms_once_and_keeps_the_cabin():
    booking = make_booking(make_season())

    confirm_booking(booking_id=booking.id, now=NOON)
    confirm_booking(booking_id=booking.id, now=NOON)

    assert booking.state is BookingState.CONFIRMED
    assert booking.cabins[0].occupancy.state is OccupancyState.BOOKED
    assert announced().count("booking.confirmed") == 1


def test_an_unpaid_booking_ends_with_its_hold_and_frees_the_cabin():
    season = make_season()
    booking = make_booking(season)

    assert expire_bookings(NOON + HOLD_TIME) == 1
    assert expire_bookings(NOON + HOLD_TIME) == 0

    assert booking.state is BookingState.EXPIRED
    assert make_hold(season, now=NOON + HOLD_TIME).state is OccupancyState.HELD
    assert announced().count("booking.expired") == 1


def test_late_money_gets_the_same_cabin_while_it_is_free():
    booking = make_booking(make_season())
    expire_bookings(NOON + HOLD_TIME)

    confirm_booking(booking_id=booking.id, now=NOON + timedelta(hours=2))

    assert booking.state is BookingState.CONFIRMED
    assert booking.cabins[0].occupancy.state is OccupancyState.BOOKED


def test_late_money_never_takes_the_next_guests_cabin():
    season = make_season()
    booking = make_booking(season)
    expire_bookings(NOON + HOLD_TIME)
    make_hold(season, now=NOON + HOLD_TIME)

    with pytest.raises(CabinTaken):
        confirm_booking(booking_id=booking.id, now=NOON + HOLD_TIME)

    db.session.rollback()
    assert db.session.get_one(Booking, booking.id).state is BookingState.EXPIRED


def test_those_who_are_named_are_counted_whatever_the_hold_says_later():
    season = make_season(persons_limit=3)
    booking = make_booking(season)
    hold = booking.cabins[0].occupancy
    make_hold(season, holder=hold.holder, party=1)

    confirm_booking(booking_id=booking.id, now=NOON)

    assert hold.party == 2
    with pytest.raises(ShipFull):
        make_hold(season, cabin=1, party=2)


def test_late_money_never_takes_more_aboard_than_the_ship_carries():
    season = make_season(persons_limit=3)
    booking = make_booking(season)
    later = NOON + HOLD_TIME
    make_hold(season, cabin=1, party=2, now=later)

    with pytest.raises(ShipFull):
        confirm_booking(booking_id=booking.id, now=later)

    assert booking.state is BookingState.PENDING


def test_more_passengers_than_were_held_for_must_fit_aboard():
    season = make_season(persons_limit=3)
    hold = make_hold(season, party=1)
    make_hold(season, cabin=1, party=2)

    with pytest.raises(ShipFull):
        name(hold, details(), details())


def test_starting_a_payment_moves_the_deadline():
    booking = make_booking(make_season())

    keep_for_payment(booking_id=booking.id, until=NOON + timedelta(minutes=38), now=NOON)

    assert booking.pay_by == NOON + timedelta(minutes=38)
    assert expire_bookings(NOON + HOLD_TIME) == 0


def test_a_cancelled_booking_takes_no_money():
    season = make_season()
    hold = make_hold(season)
    booking = name(hold, details(), details())
    let_go(hold_id=hold.id, now=NOON)

    with pytest.raises(NotPayable):
        confirm_booking(booking_id=booking.id, now=NOON)

    assert make_hold(season).state is OccupancyState.HELD


def test_every_state_of_a_booking_is_in_the_trail():
    booking = make_booking(make_season())
    confirm_booking(booking_id=booking.id, now=NOON)

    trail = db.session.execute(
        select(AuditEntry.from_state, AuditEntry.to_state)
        .where(AuditEntry.subject == "booking", AuditEntry.subject_reference == booking.reference)
        .order_by(AuditEntry.id)
    )

    assert [tuple(row) for row in trail] == [(None, "draft"), ("draft", "pending"), ("pending", "confirmed")]
