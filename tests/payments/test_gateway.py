import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine
from flask import Flask

from portal.kernel.money import Money
from portal.payments.providers.base import (
    BadSignature,
    Checkout,
    CheckoutLine,
    CheckoutStatus,
    Event,
    GatewayRefused,
    GatewayUnavailable,
    Order,
    Payer,
    RefundStatus,
)
from portal.payments.providers.registry import providers, route
from portal.payments.providers.stripe import (
    API_VERSION,
    CHECKOUT_TIME,
    CURRENCIES,
    LOCALES,
    MOST_MINOR,
    StripeProvider,
)
from sandbox import checkout as sandbox_checkout
from sandbox import currencies as sandbox_currencies
from sandbox import events as sandbox_events
from tests.sandbox.server import CARD, KEY, SECRET, RunningSandbox

pytestmark = pytest.mark.once

CABIN = Money(17_900_000, "RUB")
DECLINED, BANK_ASKS, PAYS_LATER, NEVER_PAYS = (
    "4000000000000002",
    "4000002500003155",
    "4000000000070005",
    "4000000000070013",
)
REFUND_LATER, REFUND_FAILS = "4000000000007726", "4000000000005126"


def wanted(**changes: Any) -> Order:
    """What the portal asks for, a cabin for two in Russian."""
    now = datetime.now(UTC).replace(microsecond=0)
    order = Order(
        reference="PG-7K2M9",
        payment="PAY00001",
        amount=CABIN * 2,
        lines=[CheckoutLine("Каюта 312, категория DLX", CABIN, 2)],
        email="anna@example.org",
        language="ru",
        success_url="https://portal.example/ru/bookings/PG-7K2M9?session={CHECKOUT_SESSION_ID}",
        cancel_url="https://portal.example/ru/bookings/PG-7K2M9/pay",
        expires_at=now + CHECKOUT_TIME,
        idempotency_key="payment-1",
    )
    return replace(order, **changes)


def paid(sandbox: RunningSandbox, taker: StripeProvider, number: str = CARD) -> tuple[Checkout, str]:
    """A session that was paid, and its payment intent."""
    page = taker.open_checkout(wanted())
    sandbox.pay(page.url, number)
    payment_intent = taker.state(page.id).payment_intent
    assert payment_intent
    return page, payment_intent


def read(taker: StripeProvider, request: tuple[bytes, str]) -> Event:
    body, signature = request
    return taker.read_event(body, {"Stripe-Signature": signature})


def test_a_new_page_is_open_and_not_paid(taker):
    asked = wanted()

    page = taker.open_checkout(asked)

    state = taker.state(page.id)
    assert page.expires_at == asked.expires_at
    assert (state.status, state.paid, state.failed, state.payment_intent) == (CheckoutStatus.OPEN, False, False, None)
    assert (state.amount, state.reference) == (CABIN * 2, "PG-7K2M9")


def test_a_payment_is_known_by_asking_and_by_an_event(sandbox, taker):
    page, payment_intent = paid(sandbox, taker)

    state = taker.state(page.id)
    sandbox.deliver()
    event = read(taker, sandbox.webhook.received[0])

    assert (state.status, state.paid) == (CheckoutStatus.COMPLETE, True)
    assert (event.type, event.session_id, event.payment_intent) == (
        "checkout.session.completed",
        page.id,
        payment_intent,
    )
    assert datetime.now(UTC) - event.created < timedelta(minutes=1)


def test_a_second_click_leads_to_the_same_page(taker):
    asked = wanted()

    first, second = taker.open_checkout(asked), taker.open_checkout(asked)

    assert first == second


def test_a_key_used_for_another_amount_is_refused(taker):
    asked = wanted()
    taker.open_checkout(asked)

    with pytest.raises(GatewayRefused, match="idempotent"):
        taker.open_checkout(replace(asked, amount=CABIN, lines=[CheckoutLine("Каюта 312", CABIN)]))


def test_lines_that_do_not_add_up_never_leave_the_house(taker):
    with pytest.raises(ValueError, match="add up"):
        taker.open_checkout(wanted(amount=CABIN))


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_every_language_of_the_portal_has_a_page(taker, language):
    page = taker.open_checkout(wanted(language=language))

    assert page.url.endswith(page.id)


def test_a_currency_unknown_to_stripe_is_refused(taker):
    manat = Money(500_000, "TMT")

    with pytest.raises(GatewayRefused, match="Invalid currency"):
        taker.open_checkout(wanted(amount=manat, lines=[CheckoutLine("Cabin", manat)]))

    assert not taker.accepts(manat, Payer.PERSON)
    assert not taker.accepts(Money(500_000, "IRR"), Payer.PERSON)


def test_what_is_too_large_for_one_payment_is_known_before_asking(taker):
    largest, larger = Money(MOST_MINOR, "RUB"), Money(MOST_MINOR + 1, "RUB")

    taker.open_checkout(wanted(amount=largest, lines=[CheckoutLine("Cabin", largest)]))
    with pytest.raises(GatewayRefused) as refusal:
        taker.open_checkout(
            wanted(
                amount=larger,
                lines=[CheckoutLine("A", largest), CheckoutLine("B", Money(1, "RUB"))],
                idempotency_key="2",
            )
        )

    assert refusal.value.code == "amount_too_large"
    assert taker.accepts(largest, Payer.PERSON)
    assert not taker.accepts(larger, Payer.PERSON)
    assert not taker.accepts(Money(0, "RUB"), Payer.PERSON)


def test_a_declined_card_leaves_the_page_open(sandbox, taker):
    page = taker.open_checkout(wanted())
    sandbox.pay(page.url, DECLINED)
    sandbox.deliver()

    state = taker.state(page.id)
    event = read(taker, sandbox.webhook.received[0])

    assert (state.status, state.paid) == (CheckoutStatus.OPEN, False)
    assert (event.type, event.session_id) == ("payment_intent.payment_failed", None)
    assert event.payment_intent == state.payment_intent


@pytest.mark.parametrize(
    ("number", "type_", "money_came"),
    [
        (PAYS_LATER, "checkout.session.async_payment_succeeded", True),
        (NEVER_PAYS, "checkout.session.async_payment_failed", False),
    ],
)
def test_complete_is_not_paid_while_the_money_is_on_its_way(sandbox, taker, number, type_, money_came):
    page, _ = paid(sandbox, taker, number)

    on_its_way = taker.state(page.id)
    sandbox.deliver(after_seconds=61)
    decided = taker.state(page.id)

    assert (on_its_way.status, on_its_way.paid, on_its_way.failed) == (CheckoutStatus.COMPLETE, False, False)
    assert (decided.status, decided.paid, decided.failed) == (CheckoutStatus.COMPLETE, money_came, not money_came)
    assert {"checkout.session.completed", type_} <= set(sandbox.webhook.types())


def test_an_expired_page_takes_no_money(sandbox, taker):
    page = taker.open_checkout(wanted())

    state = taker.expire(page.id)
    late = sandbox.pay(page.url)

    assert state.status is CheckoutStatus.EXPIRED
    assert late.status_code == 410
    assert not taker.state(page.id).paid


def test_expiring_twice_or_too_late_tells_how_it_stands(sandbox, taker):
    closed = taker.open_checkout(wanted())
    taker.expire(closed.id)
    bought = taker.open_checkout(wanted(idempotency_key="payment-2"))
    sandbox.pay(bought.url)

    again, too_late = taker.expire(closed.id), taker.expire(bought.id)

    assert again.status is CheckoutStatus.EXPIRED
    assert (too_late.status, too_late.paid) == (CheckoutStatus.COMPLETE, True)


def test_an_unknown_session_is_refused(taker):
    for call in (taker.state, taker.expire):
        with pytest.raises(GatewayRefused) as refusal:
            call("cs_test_nobody")
        assert refusal.value.code == "resource_missing"


def test_refunds_in_parts_never_exceed_what_was_paid(sandbox, taker):
    _, payment_intent = paid(sandbox, taker)

    part = taker.refund(payment_intent, CABIN, "refund-1")
    with pytest.raises(GatewayRefused) as too_much:
        taker.refund(payment_intent, CABIN * 2, "refund-2")
    rest = taker.refund(payment_intent, CABIN, "refund-3")
    with pytest.raises(GatewayRefused) as nothing_left:
        taker.refund(payment_intent, Money(100, "RUB"), "refund-4")

    assert (part.status, part.amount, part.payment_intent) == (RefundStatus.SUCCEEDED, CABIN, payment_intent)
    assert rest.status is RefundStatus.SUCCEEDED
    assert too_much.value.code == "amount_too_large"
    assert nothing_left.value.code == "charge_already_refunded"


def test_a_refund_asked_twice_is_made_once(sandbox, taker):
    _, payment_intent = paid(sandbox, taker)

    first = taker.refund(payment_intent, CABIN * 2, "refund-1")
    second = taker.refund(payment_intent, CABIN * 2, "refund-1")

    assert first == second


@pytest.mark.parametrize(
    ("number", "at_first", "at_last"),
    [
        (REFUND_LATER, RefundStatus.PENDING, RefundStatus.SUCCEEDED),
        (REFUND_FAILS, RefundStatus.SUCCEEDED, RefundStatus.FAILED),
    ],
)
def test_a_refund_may_change_its_mind(sandbox, taker, number, at_first, at_last):
    _, payment_intent = paid(sandbox, taker, number)

    refund = taker.refund(payment_intent, CABIN, "refund-1")
    sandbox.deliver(after_seconds=61)
    later = taker.refund_state(refund.id)
    event = next(
        event
        for event in (read(taker, request) for request in sandbox.webhook.received)
        if event.type == "refund.updated"
    )

    assert (refund.status, later.status) == (at_first, at_last)
    assert (event.refund_id, event.payment_intent) == (refund.id, payment_intent)


def test_a_forged_event_is_refused(sandbox, taker):
    paid(sandbox, taker)
    sandbox.deliver()
    body, signature = sandbox.webhook.received[0]
    another_secret = stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_guessed")

    for forged_body, forged_signature in [
        (body.replace(b"35800000", b"10000000"), signature),
        (body, another_secret),
        (body, signature.replace("v1=", "v0=")),
        (body, ""),
        (body, "nonsense"),
        (b"\xff\xfe", signature),
    ]:
        with pytest.raises(BadSignature):
            read(taker, (forged_body, forged_signature))


def test_a_stale_event_is_refused(sandbox, taker):
    paid(sandbox, taker)
    sandbox.deliver()

    with time_machine.travel(time.time() + 301, tick=False), pytest.raises(BadSignature):
        read(taker, sandbox.webhook.received[0])


def test_signed_nonsense_is_no_event(taker):
    signature = stripe.WebhookSignature.generate_signature_header("not json", SECRET)

    with pytest.raises(BadSignature):
        read(taker, (b"not json", signature))


def test_nobody_at_the_address_is_unavailable(sandbox):
    lonely = StripeProvider(api_key=KEY, webhook_secret=SECRET, api_base="http://127.0.0.1:9")

    with pytest.raises(GatewayUnavailable):
        lonely.state("cs_test_1")

    lonely.close()


def test_a_key_that_is_not_ours_is_a_fault_of_the_house_not_of_the_payment(sandbox):
    stranger = StripeProvider(api_key="sk_live_mistaken", webhook_secret=SECRET, api_base=sandbox.url)

    with pytest.raises(GatewayUnavailable):
        stranger.state("cs_test_1")

    stranger.close()


def test_what_the_environment_names_is_there_once(sandbox):
    app = Flask(__name__)
    app.config.update(STRIPE_API_KEY=KEY, STRIPE_WEBHOOK_SECRET=SECRET, STRIPE_API_BASE=sandbox.url)

    with app.app_context():
        first, second = providers(), providers()

        assert first is second
        assert [one.name for one in route(CABIN, Payer.PERSON)] == ["stripe"]
        assert route(CABIN, Payer.AGENCY) == ()
        assert route(Money(500_000, "TMT"), Payer.PERSON) == ()
    first["stripe"].close()


def test_without_a_key_no_card_is_offered():
    app = Flask(__name__)
    app.config.update(STRIPE_API_KEY=None, STRIPE_WEBHOOK_SECRET=None, STRIPE_API_BASE=None)

    with app.app_context():
        assert route(CABIN, Payer.PERSON) == ()


def test_gateway_and_sandbox_agree_on_what_stripe_knows():
    assert {currency.lower() for currency in CURRENCIES} <= sandbox_currencies.PRESENTMENT
    assert set(LOCALES.values()) <= set(sandbox_checkout.LOCALES.split())
    assert sandbox_events.API_VERSION == API_VERSION
    assert sandbox_currencies.MOST_MINOR == MOST_MINOR
