"""Commission and invoices follow what an agency answers for, whatever becomes of the booking."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from portal.audit.services import record
from portal.database import db
from portal.kernel.money import Money
from portal.ledger.models import LedgerTransaction, PostingKind
from portal.ledger.queries import held_of
from portal.ledger.services import post_commission
from portal.outbox.services import announce
from portal.payments.agencies.account import commission_for, owed_for, paid_for_credit
from portal.payments.agencies.models import Agency
from portal.payments.models import Method, Payment, PaymentState


def settle_account(credit: Payment, now: datetime) -> None:
    """Make commission and invoice of a booking on credit fit what the agency answers for now.

    Net, the commission is taken off from the beginning; else it is credited once the price is paid. An invoice of
    another sum is withdrawn and another one written. Call it under the lock of the booking. Announces
    payments.agency_invoiced.
    """
    agency = db.session.get_one(Agency, credit.agency_id)
    held = held_of(credit.id, credit.currency).minor
    earned = agency.commission_of(held) if agency.net or paid_for_credit(credit) >= held else 0
    change = earned - commission_for(credit)
    if change:
        post_commission(
            booking_id=credit.booking_id,
            payment_id=credit.id,
            number=f"{credit.reference}:{times_posted(PostingKind.COMMISSION, credit)}",
            amount=Money(change, credit.currency),
            now=now,
        )
    _invoice(credit, now)


def _invoice(credit: Payment, now: datetime) -> None:
    session = db.session
    owed = owed_for(credit)
    open_ = session.scalars(select(Payment).filter_by(settles_id=credit.id, state=PaymentState.OPEN)).one_or_none()
    if open_ is not None:
        if open_.amount_minor == owed:
            return
        _note(open_, PaymentState.EXPIRED, now)
        session.flush()
    if owed <= 0:
        return
    invoice = Payment(
        booking_id=credit.booking_id,
        method=Method.TRANSFER,
        state=PaymentState.CREATED,
        amount_minor=owed,
        currency=credit.currency,
        made_at=now,
        agency_id=credit.agency_id,
        settles_id=credit.id,
    )
    session.add(invoice)
    session.flush()
    _note(invoice, PaymentState.OPEN, now)
    announce("payments.agency_invoiced", payment_id=invoice.id)


def _note(payment: Payment, state: PaymentState, now: datetime) -> None:
    before, payment.state = payment.state, state
    record(
        f"payment.{state}",
        subject="payment",
        reference=payment.reference,
        now=now,
        from_state=before,
        to_state=state,
    )


def times_posted(kind: PostingKind, credit: Payment) -> int:
    """How many postings of a kind there are for it."""
    query = select(func.count()).where(LedgerTransaction.kind == kind, LedgerTransaction.subject == credit.reference)
    return db.session.scalar(query) or 0
