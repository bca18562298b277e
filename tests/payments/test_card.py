"""Paying by card: confirmed only by what the provider says when it is asked."""

from datetime import timedelta

import httpx
import pytest
import time_machine
from sqlalchemy import select

from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.ledger.models import LedgerAccount
from portal.payments.inbox import handle_events
from portal.payments.models import CLEARED_IN, Payment, PaymentState, ProviderEvent
from portal.payments.providers.base import CheckoutLine, GatewayUnavailable
from portal.payments.providers.stripe import CHECKOUT_TIME, StripeProvider
from portal.payments.services import GRACE, close_unwanted, reconcile, settle_checkout, start_card_payment
from tests.factories import NOON, announced, make_booking, make_hold, make_season

DECLINED = "4000 0000 0000 0002"
BACK = "http://portal.example/back"


def start(booking: Booking, name: str = "stripe") -> str:
    return start_card_payment(
        booking_id=booking.id,
        name=name,
        lines=[CheckoutLine("Cabin 301", booking.price)],
        success_url=BACK,
        cancel_url=BACK,
        now=NOON,
    )


class Another(StripeProvider):
    """A second provider of the same kind."""

    name = "another"


@pytest.fixture
def another(app, provider, monkeypatch):
    """The address of its API may be changed before the first call."""
    settings = app.config | {"STRIPE_API_BASE": provider.url}
    made = Another.configured(settings)
    monkeypatch.setitem(CLEARED_IN, "another", LedgerAccount.DESK)
    app.extensions["payment_providers"] = {"stripe": StripeProvider.configured(settings), "another": made}
    return made


def payment_of(booking: Booking) -> Payment:
    db.session.expire_all()
    return db.session.scalars(select(Payment).filter_by(booking_id=booking.id).order_by(Payment.id.desc())).first()


def send_events(browser, provider, after_seconds: float = 0) -> list[int]:
    """Hand every event the sandbox has sent to the portal's webhook, as it was signed."""
    provider.deliver(after_seconds)
    return [
        browser.client.post(
            "/webhooks/stripe", data=body, headers={"Stripe-Signature": signature}, content_type="application/json"
        ).status_code
        for body, signature in provider.webhook.received
    ]


def test_a_paid_page_confirms_the_booking_when_the_event_is_looked_into(provider, browser):
    booking = make_booking(make_season())
    provider.pay(start(booking))

    assert set(send_events(browser, provider)) == {200}
    assert booking.state is BookingState.PENDING
    handle_events(NOON)

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED
    assert payment_of(booking).state is PaymentState.SUCCEEDED
    assert payment_of(booking).payment_intent


def test_events_sent_twice_and_in_any_order_count_once(provider, browser):
    booking = make_booking(make_season())
    provider.pay(start(booking), DECLINED)
    provider.pay(payment_of(booking).checkout_url)
    provider.deliver()
    provider.webhook.received.reverse()

    send_events(browser, provider)
    handle_events(NOON)
    send_events(browser, provider)
    handle_events(NOON)

    assert payment_of(booking).state is PaymentState.SUCCEEDED
    assert announced().count("payments.received") == 1
    assert announced().count("booking.confirmed") == 1
    stored = list(db.session.scalars(select(ProviderEvent.event_id)))
    assert len(stored) == len(set(stored))


@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "nonsense"])
def test_a_forged_event_is_refused_and_leaves_nothing(provider, browser, signature):
    answer = browser.client.post(
        "/webhooks/stripe",
        data=b'{"id": "evt_1", "type": "checkout.session.completed"}',
        headers={"Stripe-Signature": signature},
    )

    assert answer.status_code == 400
    assert db.session.scalars(select(ProviderEvent)).all() == []


def test_coming_back_without_having_paid_proves_nothing(provider):
    booking = make_booking(make_season())
    start(booking)

    settle_checkout(name="stripe", session_id=payment_of(booking).session_id, now=NOON)

    assert db.session.get_one(Booking, booking.id).state is BookingState.PENDING
    assert payment_of(booking).state is PaymentState.OPEN


def test_a_declined_card_leaves_the_page_open_for_another(provider):
    booking = make_booking(make_season())
    page = start(booking)

    provider.pay(page, DECLINED)
    settle_checkout(name="stripe", session_id=payment_of(booking).session_id, now=NOON)
    provider.pay(page)
    settle_checkout(name="stripe", session_id=payment_of(booking).session_id, now=NOON)

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_a_double_click_finds_the_same_page(provider):
    booking = make_booking(make_season())

    assert start(booking) == start(booking)
    assert len(db.session.scalars(select(Payment)).all()) == 1


def test_the_cabin_is_kept_as_long_as_the_page_is_open(provider):
    booking = make_booking(make_season())

    start(booking)

    assert booking.pay_by == NOON + CHECKOUT_TIME + GRACE
    assert expire_bookings(NOON + CHECKOUT_TIME) == 0


def test_a_lost_event_is_found_by_asking(provider):
    booking = make_booking(make_season())
    provider.pay(start(booking))

    reconcile(NOON)

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_one_checkout_that_the_provider_does_not_know_keeps_no_other_from_being_asked_about(provider):
    season = make_season()
    unknown, paid = make_booking(season), make_booking(season, cabin=1)
    start(unknown)
    provider.pay(start(paid))
    with transaction() as session:
        session.scalars(select(Payment).filter_by(booking_id=unknown.id)).one().session_id = "cs_test_elsewhere"

    reconcile(NOON)

    assert db.session.get_one(Booking, paid.id).state is BookingState.CONFIRMED
    assert db.session.get_one(Booking, unknown.id).state is BookingState.PENDING


def test_nobody_is_asked_to_pay_again_for_what_was_paid_in_the_last_minute(provider):
    booking = make_booking(make_season())
    provider.pay(start(booking))

    with time_machine.travel(real_now() + CHECKOUT_TIME), pytest.raises(NotPayable):
        start(booking)

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_a_page_that_has_closed_unpaid_is_followed_by_another(provider):
    booking = make_booking(make_season())
    first = start(booking)

    with time_machine.travel(real_now() + CHECKOUT_TIME):
        provider.deliver()
        second = start(booking)

    assert second != first
    states = db.session.scalars(select(Payment.state).order_by(Payment.id)).all()
    assert states == [PaymentState.EXPIRED, PaymentState.OPEN]


def test_the_page_of_an_ended_booking_is_closed_at_the_provider(provider):
    booking = make_booking(make_season())
    page = start(booking)
    expire_bookings(NOON + timedelta(hours=1))

    close_unwanted(NOON + timedelta(hours=1))

    assert payment_of(booking).state is PaymentState.EXPIRED
    assert httpx.post(page, data={"number": "4242 4242 4242 4242"}).status_code != 303


def test_money_after_the_hold_takes_the_same_cabin_when_it_is_free(provider):
    booking = make_booking(make_season())
    provider.pay(start(booking))
    expire_bookings(NOON + timedelta(hours=1))

    close_unwanted(NOON + timedelta(hours=1))

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_money_whose_cabin_is_gone_is_kept_in_view_and_never_takes_it_back(provider):
    season = make_season()
    booking = make_booking(season)
    provider.pay(start(booking))
    expire_bookings(NOON + timedelta(hours=1))
    make_hold(season, now=NOON + timedelta(hours=1))

    close_unwanted(NOON + timedelta(hours=1))

    assert db.session.get_one(Booking, booking.id).state is BookingState.EXPIRED
    assert payment_of(booking).state is PaymentState.UNALLOCATED
    assert announced().count("payments.unallocated") == 1


def test_a_provider_that_is_away_charges_nothing_and_the_next_try_works(app, provider):
    booking = make_booking(make_season())
    right = app.config["STRIPE_API_BASE"]
    app.config["STRIPE_API_BASE"] = "http://127.0.0.1:9"
    app.extensions.pop("payment_providers", None)

    with pytest.raises(GatewayUnavailable):
        start(booking)

    app.config["STRIPE_API_BASE"] = right
    app.extensions.pop("payment_providers")["stripe"].close()
    assert start(booking).startswith(provider.url)
    assert len(db.session.scalars(select(Payment)).all()) == 1


def test_a_booking_that_ended_opens_no_page(provider):
    booking = make_booking(make_season())
    expire_bookings(NOON + timedelta(hours=1))

    with pytest.raises(NotPayable):
        start(booking)


def test_a_sum_that_is_not_the_one_asked_for_is_not_taken_for_it(provider):
    booking = make_booking(make_season())
    provider.pay(start(booking))
    with transaction():
        payment_of(booking).amount_minor = 1_00

    reconcile(NOON)

    assert payment_of(booking).state is PaymentState.UNALLOCATED
    assert db.session.get_one(Booking, booking.id).state is BookingState.PENDING


@pytest.mark.usefixtures("another")
def test_choosing_another_provider_closes_the_page_of_the_first(provider):
    booking = make_booking(make_season())
    first = start(booking)

    second = start(booking, "another")

    assert provider.pay(first).status_code == 410
    provider.pay(second)
    reconcile(NOON)
    states = db.session.execute(select(Payment.provider, Payment.state).order_by(Payment.id)).all()
    assert states == [("stripe", PaymentState.EXPIRED), ("another", PaymentState.SUCCEEDED)]


@pytest.mark.usefixtures("another")
def test_money_on_the_first_page_is_seen_before_another_provider_is_asked(provider):
    booking = make_booking(make_season())
    provider.pay(start(booking))

    with pytest.raises(NotPayable):
        start(booking, "another")

    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_a_provider_that_is_away_keeps_no_other_from_being_asked(app, provider, another):
    season = make_season()
    waiting, paid = make_booking(season), make_booking(season, cabin=1)
    start(waiting)
    provider.pay(start(paid, "another"))
    gone = StripeProvider.configured(app.config | {"STRIPE_API_BASE": "http://127.0.0.1:9"})
    app.extensions["payment_providers"] = {"stripe": gone, "another": another}

    reconcile(NOON)

    assert db.session.get_one(Booking, paid.id).state is BookingState.CONFIRMED
    assert payment_of(waiting).state is PaymentState.OPEN


def test_a_provider_that_is_not_set_up_has_no_webhook(browser):
    assert browser.client.post("/webhooks/nobody", data=b"{}").status_code == 404
