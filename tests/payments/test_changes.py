"""Changing an agreed booking: what is shown before is what is done, in one step, with the money of it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.changes import Newcomer, Wish, drop_changes
from portal.booking.errors import (
    AdultNeeded,
    AnotherPerson,
    ChangeMoved,
    ChangeUnderWay,
    NobodyLeft,
    NotChangeable,
    NothingChanges,
    TooManyForCabin,
)
from portal.booking.models import Booking, BookingChange, BookingChangeState, BookingState, ChangeKind, Passenger
from portal.booking.passengers import correct_name
from portal.database import db
from portal.inventory.errors import CabinTaken, ShipFull
from portal.inventory.models import CabinNight, OccupancyState
from portal.inventory.services import expire_holds
from portal.kernel.money import Money
from portal.ledger.queries import balance_of
from portal.payments.bank_days import transfer_due
from portal.payments.changes import agree_to_change, change_preview, give_up_change
from portal.payments.models import Payment, PaymentState, Refund
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview
from portal.payments.services import close_transfers, receive_money, receive_transfer, start_transfer
from tests.factories import (
    NOON,
    announced,
    details,
    make_account,
    make_booking,
    make_fare,
    make_hold,
    make_sailing,
    make_season,
)


def rub(whole):
    return Money(whole * 100, "RUB")


def pay(booking):
    start_transfer(booking_id=booking.id, now=NOON)
    payment_id = open_transfer(booking.id).id
    receive_transfer(payment_id=payment_id, account=make_account(Role.FINANCE), now=NOON)


def confirmed(season, **given):
    booking = make_booking(season, **given)
    pay(booking)
    return booking


def cabin_change(booking, cabin):
    return Wish(ChangeKind.CABIN, cabins={booking.cabins[0].id: cabin.id})


def agree(booking, wish, now=NOON):
    shown = change_preview(booking.id, wish, now)
    change = agree_to_change(booking_id=booking.id, wish=wish, agreed=shown.digest, now=now)
    db.session.expire_all()
    return shown, change


def nights_of(booking):
    """Cabin numbers by the nights that this booking owns, one entry for each night."""
    occupancies = [booked.occupancy_id for booked in booking.cabins]
    return db.session.scalars(select(CabinNight.cabin_id).where(CabinNight.occupancy_id.in_(occupancies))).all()


def refunded():
    return sum(refund.amount_minor for refund in db.session.scalars(select(Refund)))


def test_another_cabin_for_the_same_price_is_free_and_changed_at_once():
    season = make_season()
    booking = confirmed(season)

    shown, change = agree(booking, cabin_change(booking, season.cabins[1]))

    assert (shown.to_pay, shown.returned, shown.plan.kept) == (rub(0), rub(0), rub(0))
    assert change.state is BookingChangeState.APPLIED
    assert [booked.cabin.number for booked in booking.cabins] == ["302"]
    assert {one.cabin.number for one in booking.passengers} == {"302"}
    assert nights_of(booking) == [season.cabins[1].id] * 4
    assert len(db.session.scalars(select(CabinNight)).all()) == 4, "the old cabin is free"
    assert booking.cabins[0].occupancy.state is OccupancyState.BOOKED
    assert booking.price == rub(2000)
    assert announced()[-2:] == ["booking.passenger_changed", "booking.changed"]


def test_a_dearer_cabin_is_held_and_changed_to_when_the_difference_is_paid():
    season = make_season()
    dear = season.cabins[2]
    booking = confirmed(season)
    raise_fares(season, dear.category_id, 1500_00)

    shown, change = agree(booking, cabin_change(booking, dear))

    assert shown.to_pay == rub(1000)
    assert change.state is BookingChangeState.AWAITING
    assert booking.cabins[0].cabin.number == "301", "the old cabin stays until the money is there"
    with pytest.raises(CabinTaken):
        make_hold(season, cabin=2)

    pay(booking)
    db.session.expire_all()

    assert change.state is BookingChangeState.APPLIED
    assert booking.cabins[0].cabin.number == "303"
    assert booking.price == rub(3000)
    assert nights_of(booking) == [dear.id] * 4
    assert db.session.scalars(select(Payment.amount_minor).order_by(Payment.id)).all() == [2000_00, 1000_00]


def raise_fares(season, category_id, adult):
    for fare in fares_of(season.sailing.id):
        if fare.category_id == category_id:
            fare.adult_minor = fare.child_minor = adult
            fare.single_minor = adult * 2
    db.session.commit()


def fares_of(sailing_id):
    from portal.pricing.models import Fare

    return db.session.scalars(select(Fare).filter_by(sailing_id=sailing_id)).all()


def test_a_change_that_nobody_pays_is_dropped_and_leaves_everything_as_it_was():
    season = make_season()
    booking = confirmed(season)
    raise_fares(season, season.cabins[2].category_id, 1500_00)
    _, change = agree(booking, cabin_change(booking, season.cabins[2]))
    start_transfer(booking_id=booking.id, now=NOON)
    later = transfer_due(NOON)

    dropped = drop_changes(later)
    expire_holds(later)
    close_transfers(later)
    db.session.expire_all()

    assert dropped == 1
    assert change.state is BookingChangeState.DROPPED
    assert booking.state is BookingState.CONFIRMED
    assert nights_of(booking) == [season.cabins[0].id] * 4
    assert make_hold(season, cabin=2, now=later)
    assert db.session.scalars(select(Payment).order_by(Payment.id.desc())).first().state is PaymentState.EXPIRED


def test_money_for_a_change_that_was_dropped_is_kept_in_view():
    season = make_season()
    booking = confirmed(season)
    raise_fares(season, season.cabins[2].category_id, 1500_00)
    agree(booking, cabin_change(booking, season.cabins[2]))
    start_transfer(booking_id=booking.id, now=NOON)
    payment_id = open_transfer(booking.id).id
    give_up_change(booking_id=booking.id, now=NOON)

    state = receive_money(payment_id=payment_id, amount=rub(1000), payment_intent=None, now=NOON)

    assert state is PaymentState.UNALLOCATED
    assert booking.cabins[0].cabin.number == "301"
    assert booking.price == rub(2000)


def test_of_a_cheaper_cabin_the_conditions_keep_their_part_and_the_rest_goes_back():
    season = make_season(days_ahead=40)  # ten per cent are kept
    raise_fares(season, season.cabins[2].category_id, 1500_00)
    booking = confirmed(season, cabin=2)

    shown, change = agree(booking, cabin_change(booking, season.cabins[0]))

    assert (shown.plan.kept, shown.plan.percent, shown.returned) == (rub(100), 10, rub(900))
    assert change.state is BookingChangeState.APPLIED
    assert booking.price == rub(2100)
    assert refunded() == 900_00
    assert [(share.before, share.after) for share in shown.plan.shares] == [(rub(1500), rub(1000))] * 2


def test_whoever_leaves_takes_his_charges_along_and_the_other_pays_for_single_use():
    season = make_season()
    booking = confirmed(season)
    leaver = booking.passengers[1]

    shown, _ = agree(booking, Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({leaver.id})))

    assert [(share.before, share.after) for share in shown.plan.shares] == [
        (rub(1000), rub(1600)),
        (rub(1000), None),
    ]
    assert shown.returned == rub(400)
    assert booking.price == rub(1600)
    assert [one.id for one in booking.passengers] != [leaver.id]
    assert len(booking.passengers) == 1
    assert db.session.get_one(Passenger, leaver.id).left_at == NOON
    assert booking.cabins[0].occupancy.party == 1


def test_a_cabin_that_is_cancelled_is_free_and_its_passengers_are_out():
    season = make_season(days_ahead=40)
    booking = with_two_cabins(season)
    gone = [one.id for one in booking.passengers if one.cabin_id == season.cabins[1].id]

    shown, _ = agree(booking, Wish(ChangeKind.CABIN_CANCELLED, leaving=frozenset(gone)))

    assert (shown.plan.kept, shown.returned) == (rub(160), rub(1440))
    assert [booked.cabin.number for booked in booking.cabins] == ["301"]
    assert nights_of(booking) == [season.cabins[0].id] * 4
    assert booking.price == rub(1760)


def with_two_cabins(season):
    """301 and 302, an adult alone in each."""
    from portal.booking.services import name_passengers, place_booking

    holds = [make_hold(season, cabin=number, party=1, holder="a family") for number in (0, 1)]
    booking = name_passengers(
        parties={hold.id: [details()] for hold in holds}, customer_id=None, language="en", now=NOON
    )
    place_booking(
        booking_id=booking.id,
        contact_name="Anna Ivanova",
        contact_email="anna@example.org",
        contact_phone="+7 900 1234567",
        terms_version="t1",
        consent_version="c1",
        now=NOON,
    )
    pay(booking)
    return booking


def newcomer(booking, **given):
    known = {
        "booked_cabin_id": booking.cabins[0].id,
        "surname": "Ivanov",
        "given_names": "Petr",
        "birth_date": date(2016, 1, 1),
        "citizenship": "RU",
    }
    return Wish(ChangeKind.PASSENGER_ADDED, joining=Newcomer(**(known | given)))


def test_a_passenger_is_added_once_his_place_is_paid():
    season = make_season()
    booking = confirmed(season, cabin=2)

    shown, change = agree(booking, newcomer(booking))

    assert shown.to_pay == rub(700), "an extra berth"
    assert len(booking.passengers) == 2
    pay(booking)
    db.session.expire_all()
    assert [one.surname for one in booking.passengers] == ["IVANOVA", "IVANOV", "IVANOV"]
    assert booking.cabins[0].occupancy.party == 3
    assert booking.price == rub(2700)
    assert change.state is BookingChangeState.APPLIED


def test_an_infant_is_added_free_and_at_once():
    booking = confirmed(make_season())

    shown, change = agree(booking, newcomer(booking, birth_date=date(2023, 9, 1)))

    assert shown.to_pay == rub(0)
    assert change.state is BookingChangeState.APPLIED
    assert len(booking.passengers) == 3


def test_a_cabin_takes_no_more_passengers_than_it_has_berths():
    booking = confirmed(make_season())

    with pytest.raises(TooManyForCabin):
        change_preview(booking.id, newcomer(booking), NOON)


def test_the_ship_takes_no_more_passengers_than_its_limit():
    season = make_season(persons_limit=2)
    booking = confirmed(season, cabin=2)

    with pytest.raises(ShipFull):
        agree(booking, newcomer(booking))
    db.session.expire_all()
    assert booking.cabins[0].occupancy.party == 2


def test_a_full_ship_lets_its_guests_change_cabins():
    season = make_season(persons_limit=2)
    booking = confirmed(season)
    raise_fares(season, season.cabins[2].category_id, 1500_00)

    _, change = agree(booking, cabin_change(booking, season.cabins[2]))
    pay(booking)
    db.session.expire_all()

    assert change.state is BookingChangeState.APPLIED


def test_no_child_is_left_alone():
    child = details(birth_date=date(2014, 1, 1))
    booking = confirmed(make_season(), passengers=(details(), child))

    with pytest.raises(AdultNeeded):
        change_preview(
            booking.id, Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({booking.passengers[0].id})), NOON
        )


def test_the_last_passengers_cancel_the_whole_booking_instead():
    booking = confirmed(make_season())

    with pytest.raises(NobodyLeft):
        change_preview(
            booking.id,
            Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset(one.id for one in booking.passengers)),
            NOON,
        )


def elsewhere(season, **given):
    sailing = make_sailing(season.ship, days_ahead=100)
    for category in {cabin.category for cabin in season.cabins}:
        make_fare(sailing, category, **given)
    return sailing


def test_a_party_moves_to_another_sailing_in_one_step():
    season = make_season(days_ahead=90)
    booking = confirmed(season)
    other = elsewhere(season)
    wish = Wish(ChangeKind.SAILING, sailing_id=other.id)

    shown, _ = agree(booking, wish)

    assert shown.to_pay == shown.returned == shown.plan.kept == rub(0)
    assert booking.sailing_id == other.id
    assert booking.cabins[0].occupancy.sailing_id == other.id
    assert nights_of(booking) == [season.cabins[0].id] * 4
    assert make_hold(season, cabin=0), "the old cabin is free"


def test_a_late_move_costs_half_of_what_cancelling_would():
    season = make_season(days_ahead=25)  # 25 per cent are kept of a booking that is cancelled
    booking = confirmed(season)
    other = elsewhere(season)

    shown, _ = agree(booking, Wish(ChangeKind.SAILING, sailing_id=other.id))

    assert shown.plan.kept == rub(250)
    assert shown.to_pay == rub(250)


def test_a_move_onto_overlapping_nights_keeps_the_cabin():
    season = make_season(days_ahead=90)
    booking = confirmed(season)
    other = make_sailing(season.ship, days_ahead=92)
    for category in {cabin.category for cabin in season.cabins}:
        make_fare(other, category)

    agree(booking, Wish(ChangeKind.SAILING, sailing_id=other.id))

    assert nights_of(booking) == [season.cabins[0].id] * 4


def test_what_has_moved_since_it_was_shown_is_not_done():
    season = make_season()
    booking = confirmed(season)
    wish = cabin_change(booking, season.cabins[2])
    shown = change_preview(booking.id, wish, NOON)
    raise_fares(season, season.cabins[2].category_id, 1500_00)

    with pytest.raises(ChangeMoved):
        agree_to_change(booking_id=booking.id, wish=wish, agreed=shown.digest, now=NOON)

    assert db.session.scalars(select(BookingChange)).all() == []
    assert booking.cabins[0].cabin.number == "301"


def test_a_cabin_that_somebody_holds_is_not_changed_to():
    season = make_season()
    booking = confirmed(season)
    make_hold(season, cabin=1)

    with pytest.raises(CabinTaken):
        agree(booking, cabin_change(booking, season.cabins[1]))


def test_the_same_cabin_is_no_change():
    season = make_season()
    booking = confirmed(season)

    with pytest.raises(NothingChanges):
        change_preview(booking.id, cabin_change(booking, season.cabins[0]), NOON)


def test_one_change_waits_for_its_money_at_a_time():
    season = make_season()
    booking = confirmed(season)
    raise_fares(season, season.cabins[2].category_id, 1500_00)
    agree(booking, cabin_change(booking, season.cabins[2]))

    with pytest.raises(ChangeUnderWay):
        change_preview(booking.id, cabin_change(booking, season.cabins[1]), NOON)


def test_cancelling_the_booking_drops_the_change_that_waits():
    season = make_season()
    booking = confirmed(season)
    raise_fares(season, season.cabins[2].category_id, 1500_00)
    _, change = agree(booking, cabin_change(booking, season.cabins[2]))

    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)
    db.session.expire_all()

    assert change.state is BookingChangeState.DROPPED
    assert db.session.scalars(select(CabinNight)).all() == []


def test_what_a_change_kept_stays_kept_when_the_rest_is_cancelled():
    season = make_season(days_ahead=40)
    booking = with_two_cabins(season)
    gone = [one.id for one in booking.passengers if one.cabin_id == season.cabins[1].id]
    agree(booking, Wish(ChangeKind.CABIN_CANCELLED, leaving=frozenset(gone)))

    preview = cancel_preview(booking.id, NOON)

    assert preview.paid == rub(1760)
    assert preview.today.kept == rub(160 + 160)
    assert preview.today.returned == rub(1440)


def test_an_unpaid_booking_is_not_changed():
    season = make_season()
    booking = make_booking(season)

    with pytest.raises(NotChangeable):
        change_preview(booking.id, cabin_change(booking, season.cabins[1]), NOON)


def test_after_departure_nothing_is_changed():
    season = make_season(days_ahead=20)
    booking = confirmed(season)

    with pytest.raises(NotChangeable):
        change_preview(booking.id, cabin_change(booking, season.cabins[1]), NOON + timedelta(days=21))


def test_the_trail_tells_of_a_change():
    season = make_season()
    booking = confirmed(season)

    _, change = agree(booking, cabin_change(booking, season.cabins[1]))

    entries = db.session.scalars(select(AuditEntry).filter_by(subject="change")).all()
    assert [(entry.action, entry.subject_reference) for entry in entries] == [
        ("booking.change_applied", change.reference)
    ]


def test_a_slip_of_the_pen_in_a_name_is_mended_free():
    booking = make_booking(make_season())

    change = correct_name(passenger_id=booking.passengers[0].id, surname="Iwanova", given_names="Anna", now=NOON)

    assert booking.passengers[0].surname == "IWANOVA"
    assert change.before["name"] == ["IVANOVA", "ANNA"]
    assert change.after["name"] == ["IWANOVA", "ANNA"]


def test_surname_and_given_names_may_have_been_typed_the_other_way_round():
    booking = make_booking(make_season())

    correct_name(passenger_id=booking.passengers[0].id, surname="Anna", given_names="Ivanova", now=NOON)

    assert booking.passengers[0].full_name == "ANNA IVANOVA"


def test_another_name_is_another_person_however_many_small_steps_lead_to_it():
    booking = make_booking(make_season())
    one = booking.passengers[0]
    correct_name(passenger_id=one.id, surname="Iwanowa", given_names="Anna", now=NOON)

    with pytest.raises(AnotherPerson):
        correct_name(passenger_id=one.id, surname="Iwanows", given_names="Anya", now=NOON)

    assert db.session.get_one(Booking, booking.id).passengers[0].surname == "IWANOWA"


def test_the_price_of_the_day_of_booking_holds_for_changes_on_the_same_sailing():
    season = make_season()
    dear = season.cabins[2]
    old_list = fares_of(season.sailing.id)[0].price_list
    old_list.fares = {
        "STB": {"adult": 1000_00, "single": 1600_00, "child": 850_00, "extra": None},
        "JSB": {"adult": 1200_00, "single": 1600_00, "child": 850_00, "extra": 700_00},
    }
    db.session.commit()
    booking = confirmed(season)
    new = type(old_list)(
        sailing_id=season.sailing.id,
        currency="RUB",
        version=2,
        mark="proposed",
        port_dues_minor=0,
        fares={},
        made_at=NOON,
        published_at=NOON + timedelta(days=1),
    )
    db.session.add(new)
    db.session.flush()
    for fare in fares_of(season.sailing.id):
        fare.price_list = new
    raise_fares(season, dear.category_id, 1900_00)

    shown = change_preview(booking.id, cabin_change(booking, dear), NOON + timedelta(days=2))

    assert shown.to_pay == rub(400)


def test_the_digest_of_a_newcomer_depends_on_his_name():
    booking = confirmed(make_season(), cabin=2)
    wish = newcomer(booking)
    other = replace(wish, joining=replace(wish.joining, given_names="Pavel"))

    assert change_preview(booking.id, wish, NOON).digest != change_preview(booking.id, other, NOON).digest


def test_each_change_is_in_the_books():
    season = make_season()
    bookings = [confirmed(season, cabin=cabin) for cabin in (0, 1)]

    for booking in bookings:
        wish = Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({booking.passengers[0].id}))
        shown = change_preview(booking.id, wish, NOON)
        agree_to_change(booking_id=booking.id, wish=wish, agreed=shown.digest, now=NOON)

    db.session.expire_all()
    assert [balance_of(one.id, one.currency).charged for one in bookings] == [one.price.minor for one in bookings]
    assert {one.price for one in bookings} == {rub(1600)}
