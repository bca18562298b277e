"""Cancelling for money: what is shown is what is done, and never more goes back than came."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Role
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db
from portal.inventory.models import OccupancyState
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.books import differences
from portal.payments.errors import AmountsChanged, NotCancellable, NotExpected
from portal.payments.inbox import handle_events
from portal.payments.models import Payment, PaymentState, Refund, RefundState
from portal.payments.queries import booking_refunds, open_refunds, open_transfer
from portal.payments.refunds import (
    cancel,
    cancel_preview,
    confirm_paid_back,
    outcome,
    return_by_transfer,
    return_money,
    send_refunds,
    try_again,
)
from portal.payments.services import close_unwanted, receive_transfer, reconcile, start_transfer
from portal.pricing.policy import DEFAULT_POLICY
from sandbox.mischief import Mischief
from tests.factories import NOON, announced, make_account, make_booking, make_hold, make_season
from tests.payments.test_card import send_events, start

FAILS_LATER = "4000 0000 0000 5126"


def pay_by_card(provider, booking, card="4242 4242 4242 4242"):
    provider.pay(start(booking), card)
    reconcile(NOON)
    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def pay_by_transfer(booking):
    start_transfer(booking_id=booking.id, now=NOON)
    payment_id = open_transfer(booking.id).id
    receive_transfer(payment_id=payment_id, account=make_account(Role.FINANCE), now=NOON)


def refund():
    db.session.expire_all()
    return db.session.scalars(select(Refund)).one()


def test_what_was_shown_goes_back_to_the_card(provider):
    booking = make_booking(make_season(days_ahead=50))
    pay_by_card(provider, booking)
    preview = cancel_preview(booking.id, NOON)

    cancel(booking_id=booking.id, agreed=preview.today.returned, now=NOON)
    send_refunds(NOON)

    assert preview.today.kept == Money(200_00, "RUB")  # ten per cent of 2 000 ₽
    assert refund().amount == preview.today.returned == Money(1800_00, "RUB")
    assert refund().state is RefundState.SUCCEEDED
    assert booking.state is BookingState.CANCELLED
    assert booking.cabins[0].occupancy.state is OccupancyState.RELEASED
    assert announced().count("booking.cancelled") == 1


def test_a_refund_sent_twice_is_one_refund(provider):
    booking = make_booking(make_season(days_ahead=90))
    pay_by_card(provider, booking)
    cancel(booking_id=booking.id, agreed=Money(2000_00, "RUB"), now=NOON)
    send_refunds(NOON)
    first = refund().provider_id
    db.session.execute(text("UPDATE refund SET state = 'requested', provider_id = NULL, settled_at = NULL"))
    db.session.commit()

    send_refunds(NOON)

    assert refund().provider_id == first


def test_nothing_is_written_when_the_sum_seen_is_no_longer_true():
    season = make_season(days_ahead=60)
    booking = make_booking(season)
    pay_by_transfer(booking)
    shown = cancel_preview(booking.id, NOON).today.returned

    with pytest.raises(AmountsChanged):
        cancel(booking_id=booking.id, agreed=shown, now=NOON + timedelta(days=1))

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED
    assert booking_refunds(booking.id) == ()


def test_tomorrow_is_shown_beside_today():
    booking = make_booking(make_season(days_ahead=60))
    pay_by_transfer(booking)

    preview = cancel_preview(booking.id, NOON)

    assert (preview.today.percent, preview.tomorrow.percent) == (0, 10)


def test_an_unpaid_booking_is_cancelled_without_money():
    season = make_season()
    booking = make_booking(season)

    cancel(booking_id=booking.id, agreed=Money(0, "RUB"), now=NOON)

    assert booking.state is BookingState.CANCELLED
    assert booking_refunds(booking.id) == ()
    assert make_hold(season).state is OccupancyState.HELD


def test_a_cruise_that_has_begun_cannot_be_cancelled():
    booking = make_booking(make_season(days_ahead=90))
    pay_by_transfer(booking)

    with pytest.raises(NotCancellable):
        cancel_preview(booking.id, NOON + timedelta(days=91))


def test_a_transfer_goes_back_by_hand_and_is_ticked_off_once():
    booking = make_booking(make_season(days_ahead=90))
    pay_by_transfer(booking)
    cancel(booking_id=booking.id, agreed=Money(2000_00, "RUB"), now=NOON)
    send_refunds(NOON)
    finance = make_account(Role.FINANCE)
    [waiting] = open_refunds(10)

    confirm_paid_back(refund_id=waiting.id, account=finance, now=NOON)

    assert refund().state is RefundState.SUCCEEDED
    assert refund().settled_by_id == finance.id
    assert open_refunds(10) == ()
    with pytest.raises(NotExpected):
        confirm_paid_back(refund_id=waiting.id, account=finance, now=NOON)


def test_a_refund_that_the_bank_refuses_later_is_seen_by_staff_and_sent_again(provider, browser):
    booking = make_booking(make_season(days_ahead=90))
    pay_by_card(provider, booking, FAILS_LATER)
    cancel(booking_id=booking.id, agreed=Money(2000_00, "RUB"), now=NOON)
    send_refunds(NOON)
    assert refund().state is RefundState.SUCCEEDED
    send_events(browser, provider, after_seconds=3600)
    handle_events(NOON)
    assert refund().state is RefundState.FAILED

    try_again(refund_id=refund().id, now=NOON)

    assert (refund().state, refund().attempt, refund().provider_id) == (RefundState.REQUESTED, 2, None)


def test_what_the_card_refuses_goes_by_transfer(provider, browser):
    booking = make_booking(make_season(days_ahead=90))
    pay_by_card(provider, booking, FAILS_LATER)
    cancel(booking_id=booking.id, agreed=Money(2000_00, "RUB"), now=NOON)
    send_refunds(NOON)
    send_events(browser, provider, after_seconds=3600)
    handle_events(NOON)
    finance = make_account(Role.FINANCE)
    browser.sign_in(finance)

    page = browser.open("/en/staff/payments").submit(form="/transfer").follow()

    assert "Ask the guest for an account" in page.words
    assert "Bank transfer" in page.words
    assert send_refunds(NOON) == 0
    confirm_paid_back(refund_id=refund().id, account=finance, now=NOON)
    assert (refund().state, refund().provider, refund().attempt) == (RefundState.SUCCEEDED, None, 2)
    assert refunds_at(provider) == 1
    assert differences() == ()
    with pytest.raises(NotExpected):
        return_by_transfer(refund_id=refund().id, now=NOON)


def refunds_at(provider) -> int:
    with provider.services.store.reading() as state:
        return state.execute("SELECT count(*) FROM refund").fetchone()[0]


@pytest.mark.parametrize("key_forgotten", [False, True])
def test_a_refund_whose_answer_was_lost_is_found_again_and_not_made_twice(provider, key_forgotten):
    booking = make_booking(make_season(days_ahead=45))  # a quarter is kept: there would be room for a second refund
    pay_by_card(provider, booking)
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)
    provider.plan(Mischief.NO_ANSWER)

    send_refunds(NOON)

    assert (refund().state, refunds_at(provider)) == (RefundState.REQUESTED, 1)
    if key_forgotten:
        with provider.services.store.writing() as state:
            state.execute("DELETE FROM answer")
    send_refunds(NOON)
    assert (refund().state, refunds_at(provider)) == (RefundState.SUCCEEDED, 1)


def test_a_refund_is_asked_for_anew_only_after_a_definite_no(provider):
    booking = make_booking(make_season(days_ahead=90))
    pay_by_card(provider, booking)
    cancel(booking_id=booking.id, agreed=Money(2000_00, "RUB"), now=NOON)
    provider.plan(Mischief.NO_ANSWER)
    send_refunds(NOON)

    with pytest.raises(NotExpected):
        try_again(refund_id=refund().id, now=NOON)


def test_money_without_a_cabin_goes_back_whole_and_once(provider):
    season = make_season()
    booking = make_booking(season)
    provider.pay(start(booking))
    later = NOON + timedelta(hours=1)
    expire_bookings(later)
    make_hold(season, now=later)
    close_unwanted(later)
    payment = db.session.scalars(select(Payment)).one()
    assert payment.state is PaymentState.UNALLOCATED

    return_money(payment_id=payment.id, now=later)
    with pytest.raises(NotExpected):
        return_money(payment_id=payment.id, now=later)
    send_refunds(later)

    assert refund().amount == payment.amount
    assert refund().state is RefundState.SUCCEEDED


def test_the_database_refuses_to_return_more_than_came():
    booking = make_booking(make_season(days_ahead=90))
    pay_by_transfer(booking)
    cancel(booking_id=booking.id, agreed=Money(2000_00, "RUB"), now=NOON)

    for wrong in (
        "UPDATE refund SET amount_minor = amount_minor + 1",
        "INSERT INTO refund (reference, payment_id, state, reason, amount_minor, attempt, requested_at) "
        "SELECT 'SECOND22', payment_id, 'requested', 'cancelled', 1, 1, requested_at FROM refund",
    ):
        with pytest.raises(IntegrityError):
            db.session.execute(text(wrong))
        db.session.rollback()


@given(
    price=st.integers(0, 10**8),
    share=st.integers(0, 100),
    days=st.integers(0, 400),
)
@pytest.mark.once
def test_what_is_kept_and_returned_is_what_was_paid_and_never_grows_with_time(price, share, days):
    start_day = date(2024, 5, 16)
    paid = Money(price * share // 100, "RUB")

    today = outcome(DEFAULT_POLICY, Money(price, "RUB"), paid, start_day, start_day - timedelta(days=days))
    later = outcome(DEFAULT_POLICY, Money(price, "RUB"), paid, start_day, start_day - timedelta(days=max(0, days - 1)))

    assert today.kept + today.returned == paid
    assert 0 <= later.returned.minor <= today.returned.minor


def test_a_guest_cancels_on_the_page_of_the_booking(browser, app):
    account = make_account(name="Anna")
    booking = make_booking(make_season(days_ahead=90), customer=account, now=now())
    pay_by_transfer_now(booking)
    browser.sign_in(account)
    address = f"/en/bookings/{booking.reference}/cancel"

    page = browser.open(address)
    unsure = page.submit()
    done = unsure.submit(reason="plans", sure="y").follow()
    follow_up()

    assert "2,000 ₽" in page.words.replace("\u00a0", " ")
    assert unsure.status == 422
    assert "cannot be brought back" in unsure.words
    assert "This booking is cancelled" in done.words
    assert "Being returned" in done.words
    mails = db.session.scalars(select(OutgoingMail.subject)).all()
    assert f"Booking {booking.reference} is cancelled" in mails


def pay_by_transfer_now(booking):
    start_transfer(booking_id=booking.id, now=now())
    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=now())


def test_another_visitor_cannot_even_see_the_page(browser):
    booking = make_booking(make_season())

    assert browser.open(f"/en/bookings/{booking.reference}/cancel").status == 404
