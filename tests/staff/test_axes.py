"""The four states of a booking, none of which tells another."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.models import BookingState, TravelState
from portal.booking.services import move_travel
from portal.database import db
from portal.kernel.clock import now
from portal.kernel.states import IllegalMove
from portal.ledger.queries import Balance
from portal.payments.refunds import cancel, cancel_preview
from portal.payments.standing import PaymentStanding, standing
from portal.visas.standing import PapersCount
from portal.visas.standing import standing as papers_standing
from portal.visas.terms import PapersStanding
from tests.factories import NOON, make_account, make_booking, make_season
from tests.payments.test_changes import pay

CONFIRMED, PENDING = BookingState.CONFIRMED, BookingState.PENDING
CANCELLED, EXPIRED = BookingState.CANCELLED, BookingState.EXPIRED


def balance(paid, unallocated=0, returning=0, came=0):
    return Balance(100, paid, unallocated, returning, came)


@pytest.mark.once
@pytest.mark.parametrize(
    ("state", "sums", "expected"),
    [
        (PENDING, balance(paid=0), PaymentStanding.NONE),
        (PENDING, balance(paid=40, came=40), PaymentStanding.PART),
        (CONFIRMED, balance(paid=100, came=100), PaymentStanding.PAID),
        (CONFIRMED, balance(paid=100, came=140), PaymentStanding.PAID),
        (CONFIRMED, balance(paid=100, unallocated=0, returning=40, came=140), PaymentStanding.REFUND_DUE),
        (CONFIRMED, balance(paid=100, unallocated=30, returning=0, came=130), PaymentStanding.OVER),
        (CANCELLED, balance(paid=10, came=100), PaymentStanding.SETTLED),
        (CANCELLED, balance(paid=10, unallocated=0, returning=90, came=100), PaymentStanding.REFUND_DUE),
        (CANCELLED, balance(paid=0), PaymentStanding.NONE),
        (EXPIRED, balance(paid=0, unallocated=100, returning=0, came=100), PaymentStanding.OVER),
    ],
)
def test_the_payment_follows_from_the_sums(state, sums, expected):
    assert standing(state, 100, sums, None, NOON).state is expected


@pytest.mark.once
def test_what_is_owed_after_its_day_is_overdue():
    due = NOON - timedelta(minutes=1)

    assert standing(PENDING, 100, balance(paid=0), due, NOON).overdue
    assert not standing(PENDING, 100, balance(paid=0), NOON + timedelta(minutes=1), NOON).overdue
    assert not standing(CONFIRMED, 100, balance(paid=100, came=100), due, NOON).overdue


@pytest.mark.once
@given(
    price=st.integers(1, 1000),
    received=st.integers(0, 2000),
    unallocated=st.integers(0, 2000),
    share=st.integers(0, 2000),
    state=st.sampled_from(BookingState),
)
def test_every_sum_has_one_standing_and_only_money_on_its_way_is_due(price, received, unallocated, share, state):
    returned = min(share, received)

    came = received + unallocated
    settled = standing(state, price, balance(paid=received - returned, unallocated=unallocated, came=came), None, NOON)

    assert settled.state is not PaymentStanding.REFUND_DUE
    if settled.state is PaymentStanding.PAID:
        assert received + unallocated - returned == price


@pytest.mark.once
@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (PapersCount(0, 0, 0, 0, None, False), PapersStanding.READY),
        (PapersCount(4, 0, 0, 0, None, False), PapersStanding.NOT_STARTED),
        (PapersCount(4, 1, 0, 0, None, False), PapersStanding.IN_PROGRESS),
        (PapersCount(4, 1, 3, 0, None, False), PapersStanding.IN_REVIEW),
        (PapersCount(4, 1, 2, 1, None, False), PapersStanding.ACTION_NEEDED),
        (PapersCount(4, 4, 0, 0, None, False), PapersStanding.READY),
        (PapersCount(4, 0, 0, 0, NOON.date() + timedelta(days=7), False), PapersStanding.AT_RISK),
        (PapersCount(4, 0, 0, 0, NOON.date() + timedelta(days=8), False), PapersStanding.NOT_STARTED),
        (PapersCount(4, 4, 0, 0, None, True), PapersStanding.BLOCKED),
    ],
)
def test_the_papers_follow_from_their_counts(count, expected):
    assert papers_standing(count, NOON.date()) is expected


def test_the_journey_moves_by_one_function_that_leaves_a_trail():
    booking = make_booking(make_season())
    pay(booking)

    for state in (TravelState.CHECKED_IN, TravelState.BOARDED, TravelState.ASHORE, TravelState.BOARDED):
        move_travel(booking_id=booking.id, state=state, now=NOON)

    trail = db.session.scalars(select(AuditEntry).filter_by(subject="travel").order_by(AuditEntry.id)).all()
    assert [(entry.from_state, entry.to_state) for entry in trail] == [
        ("open", "checked_in"),
        ("checked_in", "boarded"),
        ("boarded", "ashore"),
        ("ashore", "boarded"),
    ]
    assert booking.state is BookingState.CONFIRMED


def test_nobody_boards_without_checking_in_and_nobody_travels_unpaid():
    booking = make_booking(make_season())

    with pytest.raises(IllegalMove):
        move_travel(booking_id=booking.id, state=TravelState.CHECKED_IN, now=NOON)
    pay(booking)
    with pytest.raises(IllegalMove):
        move_travel(booking_id=booking.id, state=TravelState.BOARDED, now=NOON)


def test_the_page_of_a_booking_shows_all_four(browser):
    customer = make_account()
    browser.sign_in(customer)
    booking = make_booking(make_season(), customer=customer)
    pay(booking)

    words = browser.open(f"/en/bookings/{booking.reference}").words

    for word in ("Confirmed", "Payment Paid", "Papers", "Journey Not checked in yet"):
        assert word in words
    assert "If you cancel today, you get" in words


def test_staff_see_all_four_in_their_list(browser):
    booking = make_booking(make_season())
    pay(booking)
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, now()).today.returned, now=now())
    browser.sign_in(make_account(Role.ADMINISTRATOR))

    words = browser.open("/en/staff/bookings").words

    assert "Money is going back" in words
    assert "Not checked in yet" in words
    assert "Journey" in browser.open(f"/en/staff/bookings/{booking.reference}").words
