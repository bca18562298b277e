"""What the tests of channels share: a booking in some currency, and its way to the page of a provider."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import select

from portal.booking.models import Booking
from portal.booking.prices import choose_currency
from portal.booking.services import name_passengers, place_booking
from portal.database import db
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.payments.models import Payment
from portal.payments.providers.base import CheckoutLine, Order
from portal.payments.services import start_card_payment
from tests.factories import NOON, details, make_fare, make_hold, make_season

BACK = "http://portal.example/back"


def make_booking_in(currency: str, now: datetime = NOON) -> Booking:
    """Placed and waiting for money, priced by a list in `currency`."""
    season = make_season()
    if currency != "RUB":
        make_fare(season.sailing, season.category, currency=currency, adult_minor=3500_00, single_minor=5000_00)
    hold = make_hold(season, now=now)
    booking = name_passengers(parties={hold.id: [details(), details()]}, customer_id=None, language="tk", now=now)
    choose_currency(booking_id=booking.id, currency=currency, now=now)
    return place_booking(
        booking_id=booking.id,
        contact_name="Anna Ivanova",
        contact_email="anna@example.org",
        contact_phone="+993 65 123456",
        terms_version="t1",
        consent_version="c1",
        now=now,
    )


def start(booking: Booking, name: str, amount: Money | None = None) -> str:
    """The address of the provider's page, for the whole price unless less is owed."""
    return start_card_payment(
        booking_id=booking.id,
        name=name,
        lines=[CheckoutLine("Каюта 301", amount or booking.price)],
        success_url=BACK,
        cancel_url=BACK,
        now=NOON,
    )


def make_order(amount: Money, page_time: timedelta, **changes: Any) -> Order:
    """What a provider is asked for by itself, without a booking."""
    fields: dict[str, Any] = {
        "reference": "PG7K2M9A",
        "payment": "AB12CD34",
        "amount": amount,
        "lines": [CheckoutLine("Каюта 301", amount)],
        "email": "anna@example.org",
        "language": "tk",
        "success_url": BACK,
        "cancel_url": BACK,
        "expires_at": real_now() + page_time,
        "idempotency_key": "checkout-AB12CD34",
    }
    return Order(**fields | changes)


def type_card(page: str, number: str) -> httpx.Response:
    """Type a card into the provider's page and press the button."""
    return httpx.post(page, data={"number": number, "expiry": "12/34", "cvc": "123", "name": "ANNA"})


def payment_of(booking: Booking) -> Payment:
    db.session.expire_all()
    newest = select(Payment).filter_by(booking_id=booking.id).order_by(Payment.id.desc())
    found = db.session.scalars(newest).first()
    assert found is not None
    return found
