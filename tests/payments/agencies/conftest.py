"""Agencies, and what they pay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from portal.database import db
from portal.kernel.money import Money
from portal.payments.agencies.models import Agency
from portal.payments.agencies.services import create_agency
from portal.payments.models import Payment, PaymentState
from portal.payments.services import receive_transfer
from tests.factories import NOON, make_account, text


def make_agency(limit: int = 5000_00, currency: str = "RUB", **given: Any) -> Agency:
    """Ten per cent of commission, taken off at once."""
    return create_agency(
        **{
            "name": text("Hazar Travel"),
            "email": "desk@agency.example",
            "language": "en",
            "limit": Money(limit, currency),
            "commission_points": 1000,
            "net": True,
            "now": NOON,
        }
        | given
    )


def open_invoices(agency: Agency) -> list[Payment]:
    db.session.expire_all()
    query = select(Payment).where(
        Payment.agency_id == agency.id, Payment.settles_id.is_not(None), Payment.state == PaymentState.OPEN
    )
    return list(db.session.scalars(query.order_by(Payment.id)))


def pay_invoice(payment: Payment, now: datetime = NOON) -> PaymentState:
    return receive_transfer(payment_id=payment.id, account=make_account(), now=now)
