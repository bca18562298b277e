"""Four eyes: a refund above a limit is sent only once somebody who did not ask for it has approved it."""

from __future__ import annotations

from datetime import datetime

from flask import current_app
from sqlalchemy import ColumnElement, exists, func, select

from portal.accounts.models import Account
from portal.audit.services import record
from portal.booking.models import Booking
from portal.database import after_commit, db, transaction
from portal.kernel.acting import acting
from portal.outbox.services import wake_worker
from portal.payments.errors import NotExpected, SecondPersonNeeded
from portal.payments.models import Payment, Refund, RefundApproval, RefundState


def ask_for_approval(refund: Refund, now: datetime) -> None:
    """Let a refund wait for a second person where it, with what else is asked for the booking, is above the limit.

    Together, so that a large sum is not sent in small ones. Call it under the lock of the booking.
    """
    payment = refund.payment
    limit = current_app.config["REFUND_LIMITS"].get(payment.currency)
    asked = db.session.scalar(
        select(func.sum(Refund.amount_minor))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.booking_id == payment.booking_id, Refund.state == RefundState.REQUESTED)
    )
    if limit is not None and int(asked or 0) > limit:
        db.session.add(RefundApproval(refund_id=refund.id, asked_by=acting.get(), asked_at=now))


def awaits_approval() -> ColumnElement[bool]:
    """Of a statement that names Refund."""
    return exists().where(RefundApproval.refund_id == Refund.id, RefundApproval.approved_at.is_(None))


def check_approved(refund_id: int) -> None:
    """Raises SecondPersonNeeded."""
    approval = db.session.get(RefundApproval, refund_id)
    if approval is not None and approval.approved_at is None:
        raise SecondPersonNeeded


def approve(*, refund_id: int, account: Account, now: datetime) -> None:
    """A second person lets a refund go. Raises SecondPersonNeeded for whoever asked for it, NotExpected for any other
    refund. A second time nothing happens.
    """
    with transaction() as session:
        approval = session.get(RefundApproval, refund_id)
        if approval is None:
            raise NotExpected
        session.get_one(Booking, approval.refund.payment.booking_id, with_for_update=True)
        session.refresh(approval)
        if approval.approved_at is not None:
            return
        if approval.asked_by == f"account:{account.id}":
            raise SecondPersonNeeded
        approval.approved_at = now
        approval.approved_by_id = account.id
        record("refund.approved", subject="refund", reference=approval.refund.reference, now=now)
        after_commit(wake_worker)
