"""Payments as pages need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel.speaklater import LazyString
from sqlalchemy import select

from portal.database import db
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.payments.labels import METHODS, STATES, TONES
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.services import TRANSFER_TIME


@dataclass(frozen=True)
class PaymentView:
    id: int
    reference: str
    method: Method
    method_label: LazyString
    state: PaymentState
    state_label: LazyString
    tone: str
    amount: Money
    made_at: datetime
    received_at: datetime | None
    due: datetime | None  # until when a transfer is awaited


def payment_view(payment: Payment) -> PaymentView:
    return PaymentView(
        id=payment.id,
        reference=payment.reference,
        method=payment.method,
        method_label=METHODS[payment.method],
        state=payment.state,
        state_label=STATES[payment.state],
        tone=TONES[payment.state],
        amount=payment.amount,
        made_at=payment.made_at,
        received_at=payment.received_at,
        due=payment.made_at + TRANSFER_TIME if payment.method is Method.TRANSFER else None,
    )


def booking_payments(booking_id: int) -> tuple[PaymentView, ...]:
    """The newest last. One statement."""
    payments = db.session.scalars(select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id))
    return tuple(payment_view(payment) for payment in payments)


def open_transfer(booking_id: int) -> PaymentView:
    """The transfer that is awaited for a booking. Raises NotFound."""
    payment = db.session.scalars(
        select(Payment).where(
            Payment.booking_id == booking_id, Payment.method == Method.TRANSFER, Payment.state == PaymentState.OPEN
        )
    ).one_or_none()
    if payment is None:
        raise NotFound(booking_id)
    return payment_view(payment)
