"""The provider misbehaves in each way that real ones do one day: no money is lost, counted twice or believed unseen."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import stripe
from sqlalchemy import select

from portal.booking.access import link_token
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.money import Money
from portal.payments.inbox import handle_events
from portal.payments.models import Payment, PaymentState, ProviderEvent, Refund, RefundState
from portal.payments.providers.base import GatewayUnavailable
from portal.payments.providers.stripe import StripeProvider
from portal.payments.refunds import return_money, send_refunds
from portal.payments.services import close_unwanted, reconcile
from sandbox.events import LATE_SECONDS
from sandbox.mischief import Mischief
from tests.factories import NOON, announced, make_booking, make_hold, make_season
from tests.payments.test_card import DECLINED, payment_of, send_events, start
from tests.sandbox.server import SECRET


def state_of(booking: Booking) -> BookingState:
    db.session.expire_all()
    return db.session.get_one(Booking, booking.id).state


def counted_once() -> bool:
    return announced().count("payments.received") == 1 and announced().count("booking.confirmed") == 1


def test_an_event_that_comes_twice_counts_once(provider, browser):
    booking = make_booking(make_season())
    provider.plan(Mischief.TWICE)
    provider.pay(start(booking))

    for seconds in (0, 10):
        send_events(browser, provider, seconds)
        handle_events(NOON)

    assert len(provider.webhook.received) == 2
    assert len(db.session.scalars(select(ProviderEvent)).all()) == 1
    assert state_of(booking) is BookingState.CONFIRMED
    assert counted_once()


def test_events_in_the_wrong_order_lead_to_the_same(provider, browser):
    booking = make_booking(make_season())
    page = start(booking)
    provider.plan(Mischief.LAST)
    provider.pay(page, DECLINED)
    provider.pay(page)

    for seconds in (0, 100):
        send_events(browser, provider, seconds)
        handle_events(NOON)

    assert provider.webhook.types() == ["checkout.session.completed", "payment_intent.payment_failed"]
    assert state_of(booking) is BookingState.CONFIRMED
    assert counted_once()


def test_an_event_that_comes_hours_later_finds_everything_done(provider, browser):
    booking = make_booking(make_season())
    provider.plan(Mischief.LATE)
    provider.pay(start(booking))
    provider.deliver()
    reconcile(NOON)
    assert state_of(booking) is BookingState.CONFIRMED

    send_events(browser, provider, 2 * LATE_SECONDS)
    handle_events(NOON + timedelta(hours=5))

    assert state_of(booking) is BookingState.CONFIRMED
    assert counted_once()


def test_an_event_that_comes_after_the_cabin_was_sold_takes_it_from_nobody(provider, browser):
    season = make_season()
    booking = make_booking(season)
    provider.plan(Mischief.LATE)
    provider.pay(start(booking))
    later = NOON + timedelta(hours=5)
    expire_bookings(later)
    make_hold(season, now=later)

    send_events(browser, provider, 2 * LATE_SECONDS)
    handle_events(later)

    assert state_of(booking) is BookingState.EXPIRED
    assert payment_of(booking).state is PaymentState.UNALLOCATED


def test_an_event_that_never_comes_is_not_missed(provider, browser):
    booking = make_booking(make_season())
    provider.plan(Mischief.LOST)
    provider.pay(start(booking))

    send_events(browser, provider, 2 * LATE_SECONDS)
    reconcile(NOON)

    assert provider.webhook.received == []
    assert state_of(booking) is BookingState.CONFIRMED


def test_an_event_that_somebody_else_has_signed_is_turned_away(provider, browser):
    booking = make_booking(make_season())
    provider.plan(Mischief.FORGED)
    provider.pay(start(booking), DECLINED)

    answers = send_events(browser, provider)
    handle_events(NOON)

    assert answers == [200, 400]
    assert "checkout.session.completed" in provider.webhook.types()
    assert state_of(booking) is BookingState.PENDING


def test_an_event_of_the_provider_itself_is_not_believed_either(provider, browser):
    booking = make_booking(make_season())
    start(booking)
    claim = {"id": payment_of(booking).session_id, "object": "checkout.session", "payment_status": "paid"}
    event = {"id": "evt_lie", "object": "event", "created": 1, "type": "checkout.session.completed"}
    body = json.dumps(event | {"data": {"object": claim}})
    signature = stripe.WebhookSignature.generate_signature_header(body, SECRET)

    answer = browser.client.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": signature})
    handle_events(NOON)

    assert answer.status_code == 200
    assert state_of(booking) is BookingState.PENDING


@pytest.mark.parametrize("what", [Mischief.AMOUNT, Mischief.CURRENCY])
def test_another_sum_or_currency_confirms_nothing_and_goes_back_as_it_came(provider, what):
    booking = make_booking(make_season())
    provider.plan(what)
    provider.pay(start(booking))
    reconcile(NOON)
    came = {
        Mischief.AMOUNT: Money(booking.price.minor - 100, "RUB"),
        Mischief.CURRENCY: Money(booking.price.minor, "USD"),
    }[what]
    assert state_of(booking) is BookingState.PENDING
    assert (payment_of(booking).state, payment_of(booking).amount) == (PaymentState.UNALLOCATED, came)

    return_money(payment_id=payment_of(booking).id, now=NOON)
    send_refunds(NOON)

    refund = db.session.scalars(select(Refund)).one()
    assert (refund.state, refund.amount) == (RefundState.SUCCEEDED, came)


def test_a_page_whose_address_was_lost_on_the_way_is_asked_for_again_and_is_the_same(provider):
    booking = make_booking(make_season())
    provider.plan(Mischief.NO_ANSWER)

    with pytest.raises(GatewayUnavailable):
        start(booking)
    page = start(booking)

    with provider.services.store.reading() as state:
        assert state.execute("SELECT count(*) FROM checkout_session").fetchone()[0] == 1
    assert page == payment_of(booking).checkout_url
    assert len(db.session.scalars(select(Payment)).all()) == 1


def test_closing_a_page_whose_answer_was_lost_is_done_again_and_ends_it(provider):
    booking = make_booking(make_season())
    page = start(booking)
    later = NOON + timedelta(hours=1)
    expire_bookings(later)
    provider.plan(Mischief.NO_ANSWER)

    close_unwanted(later)
    assert payment_of(booking).state is PaymentState.OPEN
    payment_of(booking).asked_at = None
    db.session.commit()
    close_unwanted(later)

    assert payment_of(booking).state is PaymentState.EXPIRED
    assert provider.pay(page).status_code == 410


def test_a_provider_that_is_away_shows_a_clear_page_and_the_rest_follows_by_itself(app, provider, browser):
    booking = make_booking(make_season())
    provider.pay(start(booking))
    gone = StripeProvider.configured(app.config | {"STRIPE_API_BASE": "http://127.0.0.1:9"})
    back = app.extensions["payment_providers"]
    app.extensions["payment_providers"] = {"stripe": gone}
    browser.open(f"/en/bookings/{booking.reference}/open/{link_token(booking)}")

    page = browser.open(f"/en/bookings/{booking.reference}/pay/return")
    send_events(browser, provider)
    handle_events(NOON)

    assert "Please do not pay a second time" in page.text
    waiting = db.session.scalars(select(ProviderEvent)).one()
    assert (waiting.handled_at, waiting.tries) == (None, 1)
    app.extensions["payment_providers"] = back
    waiting.next_try_at = None
    db.session.commit()
    handle_events(NOON)
    assert state_of(booking) is BookingState.CONFIRMED
    assert counted_once()
