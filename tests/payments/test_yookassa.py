"""Paying by Mir card and SBP: nothing counts but what YooKassa says when it is asked."""

import json
from datetime import timedelta
from functools import partial

import httpx
import pytest
from sqlalchemy import select, update

from portal.booking.models import Booking, BookingState
from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.payments.books import differences
from portal.payments.inbox import handle_events
from portal.payments.late import return_what_nobody_needs
from portal.payments.models import ComparedDay, Mismatch, Payment, PaymentState, ProviderEvent, Refund, RefundState
from portal.payments.providers import yookassa as yookassa_provider
from portal.payments.providers.base import (
    BadSignature,
    CheckoutLine,
    CheckoutStatus,
    GatewayRefused,
    GatewayUnavailable,
    Payer,
    RefundStatus,
)
from portal.payments.providers.registry import provider as provider_named
from portal.payments.providers.yookassa import PAGE_TIME, YooKassaProvider
from portal.payments.queries import open_transfer
from portal.payments.reconciliation import compare_day
from portal.payments.refunds import cancel, cancel_preview, send_refunds
from portal.payments.services import (
    close_unwanted,
    receive_transfer,
    reconcile,
    settle_checkouts,
    start_transfer,
    worth_a_minute,
)
from sandbox.yookassa.cards import CARDS_BY_SLUG
from tests.factories import NOON, announced, make_account
from tests.payments.channels import make_booking_in, make_order, payment_of, start, type_card

CABIN = Money(125_000_00, "RUB")
order = partial(make_order, CABIN, PAGE_TIME, lines=[CheckoutLine("PV24-01 · " + "Константин " * 20, CABIN)])


def pay(booking: Booking, slug: str) -> httpx.Response:
    return type_card(start(booking, "yookassa"), CARDS_BY_SLUG[slug].number)


def bring_notices(browser, provider, after_seconds: float = 0) -> list[int]:
    """Hand every notification of the sandbox to the portal, as it came."""
    provider.deliver(after_seconds)
    received, provider.webhook.received[:] = list(provider.webhook.received), []
    return [browser.client.post("/webhooks/yookassa", data=body).status_code for body, _ in received]


@pytest.fixture
def yookassa(provider):
    return provider_named("yookassa")


def test_a_notification_makes_the_worker_ask_and_the_booking_is_confirmed(provider, browser):
    booking = make_booking_in("RUB")
    pay(booking, "success")

    assert bring_notices(browser, provider) == [200]
    assert booking.state is BookingState.PENDING
    handle_events(NOON)

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED
    assert payment_of(booking).state is PaymentState.SUCCEEDED
    assert payment_of(booking).payment_intent == payment_of(booking).session_id


def test_a_notification_that_comes_twice_counts_once(provider, browser):
    booking = make_booking_in("RUB")
    pay(booking, "notice-twice")

    bring_notices(browser, provider)
    handle_events(NOON)

    assert len(db.session.scalars(select(ProviderEvent)).all()) == 1
    assert announced().count("payments.received") == 1


def test_a_forged_notification_only_makes_us_ask(provider, browser):
    booking = make_booking_in("RUB")
    pay(booking, "notice-forged")

    assert bring_notices(browser, provider) == [200]
    handle_events(NOON)

    assert db.session.get_one(Booking, booking.id).state is BookingState.PENDING
    assert payment_of(booking).state is PaymentState.OPEN


def test_a_forged_notification_keeps_no_true_one_out(provider, browser):
    booking = make_booking_in("RUB")
    page = start(booking, "yookassa")
    forged = {"event": "payment.succeeded", "object": {"id": payment_of(booking).session_id, "paid": True}}
    browser.client.post("/webhooks/yookassa", data=json.dumps(forged))
    handle_events(NOON)

    type_card(page, CARDS_BY_SLUG["success"].number)
    bring_notices(browser, provider)
    handle_events(NOON)

    assert payment_of(booking).state is PaymentState.SUCCEEDED


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"event": "payment.succeeded", "object": {"id": "22d6d597-000f-5000-9000-145f6df21d6f"}}', 200),
        (b'{"event": "payment.succeeded"}', 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b'{"event": "payment.succeeded", "object": {"id": "' + b"x" * 65_536 + b'"}}', 400),
    ],
)
def test_what_strangers_send_leaves_nothing_behind(provider, browser, body, status):
    assert browser.client.post("/webhooks/yookassa", data=body).status_code == status

    assert db.session.scalars(select(ProviderEvent)).all() == []


@pytest.mark.parametrize("slug", ["notice-lost", "notice-late", "no-answer"])
def test_money_whose_news_is_lost_or_late_is_found_by_asking(provider, slug):
    booking = make_booking_in("RUB")
    pay(booking, slug)

    reconcile(NOON)

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


@pytest.mark.parametrize("slug", ["less", "other-currency"])
def test_money_of_another_amount_or_currency_confirms_nothing(provider, slug):
    booking = make_booking_in("RUB")
    pay(booking, slug)

    reconcile(NOON)

    assert payment_of(booking).state is PaymentState.UNALLOCATED
    assert db.session.get_one(Booking, booking.id).state is BookingState.PENDING


def test_a_declined_card_lets_the_guest_try_again(provider):
    booking = make_booking_in("RUB")
    pay(booking, "funds")
    settle_checkouts(booking_id=booking.id, now=NOON)
    failed = payment_of(booking)

    pay(booking, "success")
    settle_checkouts(booking_id=booking.id, now=NOON)

    assert failed.state is PaymentState.FAILED
    assert payment_of(booking).id != failed.id
    assert payment_of(booking).state is PaymentState.SUCCEEDED


def test_a_page_that_nobody_paid_on_ends(provider):
    booking = make_booking_in("RUB")
    start(booking, "yookassa")
    provider.deliver(after_seconds=3700)

    reconcile(NOON)

    assert payment_of(booking).state is PaymentState.EXPIRED


def test_an_answer_that_was_lost_leads_to_the_same_page(provider):
    booking = make_booking_in("RUB")
    provider.fail_next("yookassa", "lost")
    with pytest.raises(GatewayUnavailable):
        start(booking, "yookassa")

    page = start(booking, "yookassa")

    with provider.services.store.reading() as store:
        assert store.execute("SELECT count(*) FROM yookassa_payment").fetchone()[0] == 1
    assert start(booking, "yookassa") == page


def test_the_receipt_names_the_guest_and_what_he_pays_for(provider, yookassa):
    yookassa.open_checkout(order(part=True))

    with provider.services.store.reading() as store:
        sent = json.loads(store.execute("SELECT parameters FROM yookassa_payment").fetchone()[0])
    item = sent["receipt"]["items"][0]
    assert sent["receipt"]["customer"] == {"email": "anna@example.org"}
    assert sent["confirmation"]["locale"] == "ru_RU"
    assert len(item["description"]) == 128
    assert (item["vat_code"], item["payment_subject"], item["payment_mode"]) == (1, "service", "partial_prepayment")


def test_only_rubles_of_persons_up_to_the_contract_are_taken(provider, yookassa):
    assert yookassa.accepts(CABIN, Payer.PERSON)
    assert not yookassa.accepts(CABIN, Payer.AGENCY)
    assert not yookassa.accepts(Money(1, "TMT"), Payer.PERSON)
    assert not yookassa.accepts(Money(1_000_000_01, "RUB"), Payer.PERSON)


def test_a_page_is_not_closed_early_and_says_so(provider, yookassa):
    page = yookassa.open_checkout(order())

    assert yookassa.expire(page.id).status is CheckoutStatus.OPEN


@pytest.mark.parametrize(("slug", "then"), [("refund-later", "succeeded"), ("refund-refused", "canceled")])
def test_a_refund_may_take_its_time(provider, yookassa, slug, then):
    page = yookassa.open_checkout(order())
    type_card(page.url, CARDS_BY_SLUG[slug].number)

    refund = yookassa.refund(page.id, Money(100_00, "RUB"), "refund-A-1")
    provider.deliver(after_seconds=70)

    assert refund.status is RefundStatus.PENDING
    assert yookassa.refund_state(refund.id).status is RefundStatus(then)


def test_a_refund_asked_for_again_is_one_refund_even_when_its_key_is_forgotten(provider, yookassa):
    page = yookassa.open_checkout(order())
    type_card(page.url, CARDS_BY_SLUG["success"].number)
    part = Money(100_000_00, "RUB")

    first = yookassa.refund(page.id, part, "refund-A-1")
    again = yookassa.refund(page.id, part, "refund-A-1")
    with provider.services.store.writing() as store:
        store.execute("DELETE FROM yookassa_answer")
    found = yookassa.find_refund(page.id, "refund-A-1")

    assert found is not None
    assert first.id == again.id == found.id
    assert yookassa.find_refund(page.id, "refund-B-1") is None
    with pytest.raises(GatewayRefused):
        yookassa.refund(page.id, part, "refund-B-1")


def test_the_books_of_yookassa_agree_with_ours(provider, monkeypatch):
    monkeypatch.setattr(yookassa_provider, "PAGE", 1)
    first, second = make_booking_in("RUB"), make_booking_in("RUB")
    for booking in (first, second):
        pay(booking, "notice-lost")
    reconcile(NOON)
    cancel(booking_id=first.id, agreed=cancel_preview(first.id, NOON).today.returned, now=NOON)
    send_refunds(NOON)
    lost = make_booking_in("RUB")
    pay(lost, "notice-lost")

    compared = compare_day("yookassa", real_now().date(), NOON)

    day = db.session.scalars(select(ComparedDay).filter_by(provider="yookassa")).one()
    assert (compared, day.movements) == (True, 4)
    assert db.session.scalars(select(Mismatch)).all() == []
    assert db.session.get_one(Booking, lost.id).state is BookingState.CONFIRMED


def test_cancelling_sends_the_money_back_the_same_way(provider):
    booking = make_booking_in("RUB")
    pay(booking, "success")
    reconcile(NOON)

    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)
    send_refunds(NOON)

    refund = db.session.scalars(select(Refund)).one()
    assert (refund.provider, refund.state) == ("yookassa", RefundState.SUCCEEDED)


@pytest.mark.parametrize("what", ["fault", "slow", "secret", "nobody"])
def test_a_provider_that_is_away_or_does_not_know_us_is_unavailable(provider, yookassa, monkeypatch, what):
    page = yookassa.open_checkout(order())
    if what in ("fault", "slow"):
        provider.fail_next("yookassa", what)
    monkeypatch.setattr(yookassa_provider, "READ_SECONDS", 0.5)
    stranger = YooKassaProvider(
        shop_id="100500",
        secret_key="live_x" if what == "secret" else "test_x",
        vat_code=1,
        most_minor=1,
        api_base="http://127.0.0.1:9/v3" if what == "nobody" else f"{provider.url}/v3",
    )

    with pytest.raises(GatewayUnavailable):
        stranger.state(page.id)

    stranger.close()


def test_what_breaks_the_rules_is_refused_before_it_leaves(yookassa):
    with pytest.raises(GatewayRefused, match="email"):
        yookassa.open_checkout(order(email=""))
    with pytest.raises(GatewayRefused):
        yookassa.state("no-such-payment")


def test_a_notification_names_its_payment_and_proves_nothing(yookassa):
    told = yookassa.read_event(
        b'{"event": "refund.succeeded", "object": {"id": "r1", "payment_id": "p1", "status": "succeeded"}}', {}
    )

    assert (told.session_id, told.payment_intent, told.refund_id, told.proved) == (None, "p1", "r1", False)
    with pytest.raises(BadSignature):
        yookassa.read_event(b"", {})


def test_a_page_is_asked_about_each_minute_at_first_and_at_its_end_and_seldom_between(provider):
    booking = make_booking_in("RUB")
    start(booking, "yookassa")
    opened = payment_of(booking).expires_at - PAGE_TIME

    asked = [
        minute
        for minute in range(90)
        if worth_a_minute(opened, opened + PAGE_TIME, opened + timedelta(minutes=minute))
    ]

    assert asked == [*range(10), *range(10, 65, 5), *range(65, 75), 75, 80, 85]


def test_who_pays_on_a_page_he_left_for_another_way_has_that_money_back_by_itself(provider):
    booking = make_booking_in("RUB")
    page = start(booking, "yookassa")
    start_transfer(booking_id=booking.id, now=NOON)
    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(), now=NOON)
    close_unwanted(NOON)
    assert payment_of(booking).state is PaymentState.SUCCEEDED

    type_card(page, CARDS_BY_SLUG["success"].number)
    with transaction() as session:
        session.execute(update(Payment).values(asked_at=None))
    close_unwanted(NOON)
    assert return_what_nobody_needs(NOON) == 1
    assert return_what_nobody_needs(NOON) == 0
    send_refunds(NOON)

    [refund] = db.session.scalars(select(Refund))
    assert (refund.provider, refund.amount, refund.state) == ("yookassa", booking.price, RefundState.SUCCEEDED)
    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED
    assert differences() == ()


def test_money_that_could_still_be_used_waits_for_staff(provider):
    booking = make_booking_in("RUB")
    pay(booking, "less")
    settle_checkouts(booking_id=booking.id, now=NOON)

    assert payment_of(booking).state is PaymentState.UNALLOCATED
    assert return_what_nobody_needs(NOON) == 0
