"""The second receipt by 54-FZ: when the cruise is over, what was paid ahead is set off against it, once per booking."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, select

from portal.booking.models import Booking, BookingState
from portal.booking.queries import booking_page
from portal.catalogue.models import Sailing
from portal.database import db, transaction
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, LedgerEntry
from portal.outbox.services import announce
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.papers.content import facts_of, summary_of
from portal.payments.papers.fiscal import FISCAL_CURRENCY, REGISTERED_BY_PROVIDER, register_of, settlement_receipt
from portal.payments.papers.models import FiscalSettlement

# What ended longer ago was settled before a cash register was plugged in.
LOOKS_BACK = timedelta(days=30)
AT_ONCE = 50


def settle_voyages(now: datetime) -> int:
    """Write the second receipt of every booking whose voyage is over; how many. None without a cash register.

    Source: federal law 54-FZ, article 1.1: a receipt when money is paid ahead, and one when it is set off.
    Announces payments.voyage_settled.
    """
    if register_of(current_app.config) is None:
        return 0
    ended = db.session.scalars(
        select(Booking.id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
        .where(
            Booking.state == BookingState.CONFIRMED,
            Booking.currency == FISCAL_CURRENCY,
            Sailing.ends_at <= now,
            Sailing.ends_at > now - LOOKS_BACK,
            Booking.id.not_in(select(FiscalSettlement.booking_id)),
        )
        .order_by(Booking.id)
        .limit(AT_ONCE)
    ).all()
    return sum(_settle(booking_id, now) for booking_id in ended)


def _settle(booking_id: int, now: datetime) -> bool:
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        known = session.scalars(select(FiscalSettlement.id).filter_by(booking_id=booking_id)).one_or_none()
        if known is not None or booking.state is not BookingState.CONFIRMED:
            return False
        paid = min(_paid_ahead(booking_id), booking.price.minor)
        content = None
        if paid > 0:
            facts = facts_of(booking_page(booking_id), day_of(now, OFFICE_ZONE))
            content = settlement_receipt(facts, summary_of(facts, "ru"), Money(paid, booking.currency), now)
        settlement = FiscalSettlement(
            booking_id=booking_id, total_minor=paid, currency=booking.currency, made_at=now, content=content
        )
        session.add(settlement)
        session.flush()
        if content is not None:
            announce("payments.voyage_settled", settlement_id=settlement.id)
        return paid > 0


def _paid_ahead(booking_id: int) -> int:
    """Minor units that count to the booking and whose first receipts went to this register."""
    minor = db.session.scalar(
        select(func.coalesce(-func.sum(LedgerEntry.minor), 0))
        .join(Payment, Payment.id == LedgerEntry.payment_id)
        .where(
            Payment.booking_id == booking_id,
            Payment.state == PaymentState.SUCCEEDED,
            Payment.method != Method.CREDIT,  # no money of a guest, so no receipt of it
            Payment.provider.is_(None) | Payment.provider.not_in(REGISTERED_BY_PROVIDER),
            LedgerEntry.account == LedgerAccount.GUEST,
            LedgerEntry.currency == FISCAL_CURRENCY,
        )
    )
    return int(minor or 0)
