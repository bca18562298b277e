"""Payers of a booking, and their money."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from portal.booking.models import Booking
from portal.database import db
from portal.kernel.money import Money
from portal.payments.models import PaymentState
from portal.payments.queries import open_transfer
from portal.payments.services import receive_transfer, start_transfer
from portal.payments.shares.models import PaymentShare
from portal.payments.shares.services import Payer, ask_payer
from tests.factories import NOON, make_account


def ask(
    booking: Booking, minor: int = 0, name: str = "Maral Ataeva", now: datetime = NOON, **given: Any
) -> PaymentShare:
    """One more payer; by passengers where `passengers` are given."""
    email = f"{name.split()[0].lower()}@example.org"
    payer = Payer(name, email, given.pop("language", "en"), given.pop("gift", False))
    amount = Money(minor, booking.currency) if minor else None
    return ask_payer(booking_id=booking.id, payer=payer, amount=amount, now=now, **given)


def pay_share_of(share: PaymentShare, now: datetime = NOON) -> PaymentState:
    """By transfer, seen by staff."""
    start_transfer(booking_id=share.booking_id, share_id=share.id, now=now)
    payment = open_transfer(share.booking_id, share.id)
    return receive_transfer(payment_id=payment.id, account=make_account(), now=now)


def again(share: PaymentShare) -> PaymentShare:
    """As it stands in the database."""
    db.session.expire_all()
    return db.session.get_one(PaymentShare, share.id)
