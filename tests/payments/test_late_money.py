"""Money that comes when its cabin is gone: an equal cabin is kept and offered, or all of it goes back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.booking.access import link_token
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db
from portal.inventory.models import CabinNight, Occupancy, OccupancyState
from portal.inventory.services import expire_holds
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.errors import OfferOver
from portal.payments.late import ANSWER_TIME, accept_offer, decline_offer, end_offers, offer_other_cabins
from portal.payments.models import LateOffer, LateOfferState, Payment, PaymentState, Refund
from portal.payments.refunds import return_money
from portal.payments.services import receive_money, start_transfer
from tests.browser import Browser
from tests.factories import NOON, announced, make_booking, make_hold, make_part, make_ring, make_season


def late(season, *, moment=NOON, others=(), part=None):
    """A booking whose cabin somebody else has by the time its money comes."""
    booking = make_booking(season, now=moment, part=part)
    start_transfer(booking_id=booking.id, now=moment)
    payment = db.session.scalars(select(Payment)).one()
    later = moment + timedelta(days=20)
    expire_bookings(later)
    for cabin in (0, *others):
        make_hold(season, cabin=cabin, now=later)
    receive_money(payment_id=payment.id, amount=booking.price, payment_intent=None, now=later)
    assert db.session.get_one(Payment, payment.id).state is PaymentState.UNALLOCATED
    return booking, payment, later


def offer():
    db.session.expire_all()
    return db.session.scalars(select(LateOffer)).one()


def test_an_equal_cabin_is_kept_and_its_guest_is_told_once():
    season = make_season()
    booking, _payment, later = late(season)

    assert offer_other_cabins(later) == 1
    assert offer_other_cabins(later) == 0
    follow_up()

    kept = db.session.get_one(Occupancy, offer().cabins[0]["now"])
    assert (kept.state, kept.expires_at) == (OccupancyState.HELD, later + ANSWER_TIME)
    assert kept.cabin.number == "302"
    letters = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("payments/late_offer"))).all()
    assert [booking.reference in letter.subject and "302" in letter.text for letter in letters] == [True]


def test_who_accepts_has_a_confirmed_booking_in_the_other_cabin():
    season = make_season()
    booking, payment, later = late(season)
    offer_other_cabins(later)

    accept_offer(payment_id=payment.id, now=later)
    accept_offer(payment_id=payment.id, now=later)

    db.session.expire_all()
    assert booking.state is BookingState.CONFIRMED
    assert [cabin.cabin.number for cabin in booking.cabins] == ["302"]
    assert {one.cabin.number for one in booking.passengers} == {"302"}
    assert booking.cabins[0].occupancy.state is OccupancyState.BOOKED
    assert payment.state is PaymentState.SUCCEEDED
    assert announced().count("booking.confirmed") == 1
    owners = db.session.scalars(select(CabinNight.occupancy_id).where(CabinNight.cabin_id == season.cabins[1].id))
    assert set(owners) == {booking.cabins[0].occupancy_id}


def test_who_declines_gets_everything_back_and_the_cabin_is_free():
    season = make_season()
    _booking, payment, later = late(season)
    offer_other_cabins(later)

    decline_offer(payment_id=payment.id, now=later)

    refund = db.session.scalars(select(Refund)).one()
    assert refund.amount == payment.amount
    assert offer().state is LateOfferState.DECLINED
    assert make_hold(season, cabin=1, now=later).state is OccupancyState.HELD
    with pytest.raises(OfferOver):
        accept_offer(payment_id=payment.id, now=later)


def test_an_offer_that_nobody_answers_ends_and_staff_still_see_the_money():
    season = make_season()
    _booking, payment, later = late(season)
    offer_other_cabins(later)
    after = later + ANSWER_TIME

    end_offers(after)
    expire_holds(after)

    assert offer().state is LateOfferState.EXPIRED
    assert payment.state is PaymentState.UNALLOCATED
    assert make_hold(season, cabin=1, now=after).state is OccupancyState.HELD
    with pytest.raises(OfferOver):
        accept_offer(payment_id=payment.id, now=after)


def test_no_cabin_of_another_category_is_offered():
    season = make_season()
    late(season, others=(1, 3))  # only 303, a junior suite, is free

    assert offer_other_cabins(NOON + timedelta(days=20)) == 0
    assert offer().state is LateOfferState.NONE


def test_for_a_part_of_the_voyage_a_cabin_that_is_free_on_its_nights_is_kept_on_them_alone():
    season = make_ring()
    part, rest = make_part(season.sailing, 2, 4), make_part(season.sailing, 4, 5)
    booking, payment, later = late(season, part=part)
    for cabin in (1, 3):
        make_hold(season, cabin=cabin, now=later, part=rest)

    assert offer_other_cabins(later) == 1
    accept_offer(payment_id=payment.id, now=later)

    db.session.expire_all()
    kept = booking.cabins[0].occupancy
    assert (kept.part_id, booking.voyage) == (part.id, part)
    nights = db.session.scalars(select(CabinNight.night).where(CabinNight.occupancy_id == kept.id))
    assert sorted(nights) == part.nights


def test_money_that_staff_send_back_confirms_nothing_any_more():
    season = make_season()
    booking, payment, later = late(season)
    offer_other_cabins(later)
    return_money(payment_id=payment.id, now=later)

    with pytest.raises(OfferOver):
        accept_offer(payment_id=payment.id, now=later)

    assert booking.state is BookingState.EXPIRED


@pytest.mark.parametrize(("answer", "state"), [("accept", BookingState.CONFIRMED), ("decline", BookingState.EXPIRED)])
def test_the_guest_decides_on_the_page_of_the_booking(browser: Browser, answer: str, state: BookingState) -> None:
    season = make_season()
    booking, _payment, later = late(season, moment=now() - timedelta(days=20))
    offer_other_cabins(later)

    page = browser.open(f"/en/bookings/{booking.reference}/open/{link_token(booking)}").follow()
    assert f"/en/bookings/{booking.reference}/late-money" in page.links
    done = browser.open(f"/en/bookings/{booking.reference}/late-money").submit(answer=answer)

    assert done.status == 302
    db.session.expire_all()
    assert db.session.get_one(Booking, booking.id).state is state
    again = browser.open(f"/en/bookings/{booking.reference}/late-money")
    assert again.location.endswith(booking.reference)
