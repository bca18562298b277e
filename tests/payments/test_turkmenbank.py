"""Paying in manats by the gateway of a Turkmen bank: it tells nothing, so it is asked until an order's end."""

from datetime import timedelta
from functools import partial

import httpx
import pytest
import time_machine
from sqlalchemy import select

from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.payments.models import Mismatch, MismatchKind, Payment, PaymentState, Refund, RefundState
from portal.payments.providers import turkmenbank
from portal.payments.providers.base import (
    CheckoutStatus,
    GatewayRefused,
    GatewayUnavailable,
    Payer,
)
from portal.payments.providers.registry import provider as provider_named
from portal.payments.providers.registry import route
from portal.payments.providers.turkmenbank import PAGE_TIME, TurkmenBankProvider
from portal.payments.reconciliation import watch_received
from portal.payments.refunds import cancel, cancel_preview, send_refunds
from portal.payments.services import close_unwanted, offered_ways, reconcile, settle_checkouts
from sandbox.bank import orders
from sandbox.bank.cards import CARDS_BY_SLUG
from tests.factories import NOON
from tests.payments.channels import make_booking_in, make_order, payment_of, start, type_card

CABIN = Money(12_500_00, "TMT")
order = partial(make_order, CABIN, PAGE_TIME)


def pay(booking: Booking, slug: str) -> httpx.Response:
    return type_card(start(booking, "turkmenbank"), CARDS_BY_SLUG[slug].number)


def let_pass(provider, seconds: float) -> None:
    with provider.services.store.writing() as store:
        orders.let_time_pass(store, now=real_now().timestamp() + seconds)


@pytest.fixture
def bank(provider):
    return provider_named("turkmenbank")


def test_a_booking_in_manats_is_paid_by_the_bank_and_confirmed_by_asking(provider):
    booking = make_booking_in("TMT")
    pay(booking, "success")

    reconcile(NOON)

    payment = payment_of(booking)
    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED
    assert (payment.state, payment.currency) == (PaymentState.SUCCEEDED, "TMT")


def test_manats_go_by_the_bank_and_by_no_foreign_card(provider):
    booking = make_booking_in("TMT")

    ways = [way.key for way in offered_ways(booking.price, booking.voyage.starts_at, NOON)]

    assert "turkmenbank" in ways
    assert not {"stripe", "yookassa"} & set(ways)
    assert [one.name for one in route(Money(1000_00, "RUB"), Payer.PERSON)] == ["yookassa", "stripe"]


@pytest.mark.parametrize(("slug", "state"), [("no-answer", PaymentState.SUCCEEDED), ("less", PaymentState.UNALLOCATED)])
def test_what_the_form_does_not_say_the_bank_does(provider, slug, state):
    booking = make_booking_in("TMT")
    pay(booking, slug)

    reconcile(NOON)

    assert payment_of(booking).state is state


def test_money_that_the_bank_thinks_about_is_waited_for(provider):
    booking = make_booking_in("TMT")
    pay(booking, "settle-later")
    reconcile(NOON)
    thinking = payment_of(booking).state

    let_pass(provider, 61)
    reconcile(NOON)

    assert (thinking, payment_of(booking).state) == (PaymentState.OPEN, PaymentState.SUCCEEDED)


def test_a_declined_order_lets_the_guest_begin_again(provider):
    booking = make_booking_in("TMT")
    for _attempt in range(3):
        pay(booking, "funds")
    settle_checkouts(booking_id=booking.id, now=NOON)
    failed = payment_of(booking)

    pay(booking, "success")
    settle_checkouts(booking_id=booking.id, now=NOON)

    assert failed.state is PaymentState.FAILED
    assert payment_of(booking).state is PaymentState.SUCCEEDED


def test_an_order_that_nobody_paid_ends(provider):
    booking = make_booking_in("TMT")
    start(booking, "turkmenbank")
    let_pass(provider, PAGE_TIME / timedelta(seconds=1) + 5)

    reconcile(NOON)

    assert payment_of(booking).state is PaymentState.EXPIRED


def test_a_registration_whose_answer_was_lost_takes_the_next_number(provider):
    booking = make_booking_in("TMT")
    provider.fail_next("bank", "lost")
    with pytest.raises(GatewayUnavailable):
        start(booking, "turkmenbank")

    page = start(booking, "turkmenbank")
    type_card(page, CARDS_BY_SLUG["success"].number)
    reconcile(NOON)

    assert payment_of(booking).state is PaymentState.SUCCEEDED
    with provider.services.store.reading() as store:
        numbers = [row["number"] for row in store.execute("SELECT number FROM bank_order ORDER BY created")]
    assert numbers == [payment_of(booking).reference, f"{payment_of(booking).reference}-2"]


def test_the_page_speaks_a_language_that_the_bank_has(provider, bank):
    turkmen = bank.open_checkout(order())
    strange = bank.open_checkout(order(payment="XY", language="de"))

    assert 'lang="tk"' in httpx.get(turkmen.url).text
    assert 'lang="ru"' in httpx.get(strange.url).text


def test_a_form_that_is_closed_early_takes_no_money_any_more(provider, bank):
    page = bank.open_checkout(order())

    assert bank.expire(page.id).status is CheckoutStatus.EXPIRED
    assert bank.expire(page.id).status is CheckoutStatus.EXPIRED


def test_a_refund_whose_answer_was_lost_is_made_once(provider):
    booking = make_booking_in("TMT")
    pay(booking, "success")
    reconcile(NOON)
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)
    provider.fail_next("bank", "none", "lost")
    send_refunds(NOON)
    first = db.session.scalars(select(Refund)).one().state

    send_refunds(NOON)
    send_refunds(NOON)

    refund = db.session.scalars(select(Refund)).one()
    with provider.services.store.reading() as store:
        gone = store.execute("SELECT refunded FROM bank_order").fetchone()[0]
    assert first is RefundState.REQUESTED
    assert (refund.state, gone) == (RefundState.SUCCEEDED, refund.amount_minor)


def test_two_equal_refunds_are_two(provider, bank):
    page = bank.open_checkout(order())
    type_card(page.url, CARDS_BY_SLUG["success"].number)
    part = Money(100_00, "TMT")

    bank.refund(page.id, part, "refund-A-1")
    again = bank.refund(page.id, part, "refund-A-1")
    bank.refund(page.id, part, "refund-B-1", returned=part)

    assert again.id == f"{page.id}/refund-A-1"
    assert bank.refund_state(again.id).amount == Money(200_00, "TMT")


def test_refunds_that_our_books_do_not_know_stop_the_next(provider, bank):
    page = bank.open_checkout(order())
    type_card(page.url, CARDS_BY_SLUG["success"].number)
    bank.refund(page.id, Money(300_00, "TMT"), "by hand at the bank")

    with pytest.raises(GatewayRefused, match="we know of 0"):
        bank.refund(page.id, Money(100_00, "TMT"), "refund-A-1")


def test_a_refund_that_the_bank_refuses_is_for_staff(provider, bank):
    page = bank.open_checkout(order())
    type_card(page.url, CARDS_BY_SLUG["refund-refused"].number)

    with pytest.raises(GatewayRefused):
        bank.refund(page.id, Money(100_00, "TMT"), "refund-A-1")


def test_money_that_the_bank_took_back_before_we_asked_is_no_payment(provider):
    booking = make_booking_in("TMT")
    pay(booking, "reversed")
    let_pass(provider, 61)

    reconcile(NOON)

    assert payment_of(booking).state is PaymentState.FAILED
    assert db.session.get_one(Booking, booking.id).state is BookingState.PENDING


@pytest.mark.parametrize("what", ["fault", "slow", "password", "nobody"])
def test_a_bank_that_is_away_or_does_not_know_us_is_unavailable(provider, bank, monkeypatch, what):
    page = bank.open_checkout(order())
    if what in ("fault", "slow"):
        provider.fail_next("bank", what)
    monkeypatch.setattr(turkmenbank, "READ_SECONDS", 0.5)
    stranger = TurkmenBankProvider(
        address="http://127.0.0.1:9" if what == "nobody" else f"{provider.url}/payment/rest",
        user="sandbox-api",
        password="wrong" if what == "password" else "sandbox",
        languages=("ru",),
    )

    with pytest.raises(GatewayUnavailable):
        stranger.state(page.id)

    stranger.close()


def test_an_order_that_the_bank_does_not_know_is_refused(provider, bank):
    with pytest.raises(GatewayRefused) as refusal:
        bank.state("no-such-order")

    assert refusal.value.code == "6"


def test_the_form_of_a_booking_that_ended_is_closed_at_the_bank(provider):
    booking = make_booking_in("TMT")
    page = start(booking, "turkmenbank")
    expire_bookings(NOON + timedelta(days=1))

    close_unwanted(NOON + timedelta(days=1))

    assert payment_of(booking).state is PaymentState.EXPIRED
    type_card(page, CARDS_BY_SLUG["success"].number)
    assert provider_named("turkmenbank").state(payment_of(booking).session_id).paid is False


def test_a_form_that_the_bank_does_not_close_is_asked_about_until_its_end(provider, monkeypatch):
    """Not every bank offers decline.do; the sandbox stands for one when it is told to fail the second question."""
    booking = make_booking_in("TMT")
    page = start(booking, "turkmenbank")
    later = NOON + timedelta(days=1)
    expire_bookings(later)
    provider.fail_next("bank", "none", "fault")
    close_unwanted(later)
    assert payment_of(booking).state is PaymentState.OPEN

    type_card(page, CARDS_BY_SLUG["success"].number)
    with transaction() as session:
        session.get_one(Payment, payment_of(booking).id).asked_at = None
    close_unwanted(later)

    assert payment_of(booking).state is PaymentState.SUCCEEDED
    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_money_that_the_bank_takes_back_later_is_shown_to_finance(provider):
    booking = make_booking_in("TMT")
    pay(booking, "reversed")
    reconcile(NOON)
    assert watch_received(NOON) == 1
    assert db.session.scalars(select(Mismatch)).all() == []

    let_pass(provider, 61)
    assert watch_received(NOON) == 0
    with time_machine.travel(real_now() + timedelta(hours=2), tick=False):
        assert watch_received(NOON) == 1

    [found] = db.session.scalars(select(Mismatch))
    assert (found.kind, found.subject, found.booking) == (
        MismatchKind.REFUND_UNKNOWN,
        payment_of(booking).reference,
        booking.reference,
    )
    assert (found.ours_minor, found.theirs_minor) == (0, booking.price.minor)


def test_returns_of_our_own_are_no_difference_and_those_of_the_bank_are_listed_once(provider, bank):
    booking = make_booking_in("TMT")
    pay(booking, "success")
    reconcile(NOON)
    near = booking.voyage.starts_at - timedelta(days=20)
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, near).today.returned, now=near)
    assert watch_received(NOON) == 0
    send_refunds(NOON)
    assert watch_received(NOON) == 1
    assert db.session.scalars(select(Mismatch)).all() == []

    bank._ask("refund.do", {"orderId": payment_of(booking).session_id, "amount": "100"})
    for hours in (25, 50):
        with time_machine.travel(real_now() + timedelta(hours=hours), tick=False):
            assert watch_received(NOON) == 1

    [found] = db.session.scalars(select(Mismatch))
    assert (found.theirs_minor or 0) - (found.ours_minor or 0) == 100
