"""A guest asks his bank to take a payment back: what the provider says of it, and what it does to our money."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from portal.audit.services import record_move
from portal.booking.models import Booking
from portal.database import db, transaction
from portal.kernel.states import move
from portal.ledger.models import LedgerAccount, PostingKind
from portal.ledger.services import Entry, post
from portal.outbox.services import announce
from portal.payments.models import DISPUTE_MOVES, DISPUTE_OPEN, Dispute, Payment, PaymentState
from portal.payments.providers.base import DisputeState, DisputeStatus
from portal.payments.providers.registry import provider

log = logging.getLogger(__name__)


def look_into_dispute(*, name: str, provider_id: str, now: datetime) -> DisputeStatus | None:
    """Ask the provider how a dispute stands, and keep it; None for one of money that is not ours.

    Announces payments.disputed when it is new and payments.dispute_settled when it ends. Raises GatewayUnavailable or
    GatewayRefused; then nothing has changed.
    """
    return note_dispute(name=name, state=provider(name).dispute_state(provider_id), now=now)


def note_dispute(*, name: str, state: DisputeState, now: datetime) -> DisputeStatus | None:
    """Keep what the provider `name` says of a dispute; None for one of money that is not ours.

    Announces payments.disputed when it is new and payments.dispute_settled when it ends.
    """
    provider_id = state.id
    with transaction() as session:
        of = select(Payment).where(Payment.provider == name, Payment.payment_intent == state.payment_intent)
        payment = session.scalars(of).one_or_none()
        if payment is None:
            log.error("dispute %s is about money that is not ours", provider_id)
            return None
        session.get_one(Booking, payment.booking_id, with_for_update=True)
        payment = session.get_one(Payment, payment.id, with_for_update=True)
        dispute = session.scalars(select(Dispute).filter_by(provider=name, provider_id=provider_id)).one_or_none()
        before = None
        if dispute is None:
            dispute = Dispute(
                payment_id=payment.id,
                provider=name,
                provider_id=provider_id,
                state=state.status,
                amount_minor=state.amount.minor,
                currency=state.amount.currency,
                opened_at=now,
                shifts=0,
            )
            session.add(dispute)
            topic, lay = "payments.disputed", payment.clearing
        else:
            before, lay = dispute.state, _where_it_is(dispute, payment)
            topic = "payments.dispute_settled"
        dispute.reason = state.reason[:60]
        dispute.withdrawn = state.withdrawn
        dispute.answer_by = state.answer_by
        if before is not None and before is not state.status:
            dispute.state = move(before, state.status, DISPUTE_MOVES)
        over = dispute.state not in DISPUTE_OPEN
        dispute.settled_at = (dispute.settled_at or now) if over else None
        session.flush()
        _shift(dispute, payment, lay, now)
        if before is not dispute.state:
            record_move("dispute", dispute.reference, before, dispute.state, now=now, reason=dispute.reason)
            if before is None or over:
                announce(topic, dispute_id=dispute.id, state=dispute.state.value)
        return dispute.state


def _where_it_is(dispute: Dispute, payment: Payment) -> LedgerAccount:
    """The account that has the money: with us as before, withheld until the bank decides, or as if never paid."""
    if dispute.state is DisputeStatus.LOST:
        return payment.held_in
    return LedgerAccount.DISPUTES if dispute.withdrawn and dispute.state in DISPUTE_OPEN else payment.clearing


def _shift(dispute: Dispute, payment: Payment, lay: LedgerAccount, now: datetime) -> None:
    lies = _where_it_is(dispute, payment)
    if lies is lay:
        return
    dispute.shifts += 1
    kind = PostingKind.DISPUTE_OPENED if lies is LedgerAccount.DISPUTES else PostingKind.DISPUTE_WON
    post(
        PostingKind.DISPUTE_LOST if dispute.state is DisputeStatus.LOST else kind,
        key=f"dispute:{dispute.reference}:{dispute.shifts}",
        booking_id=payment.booking_id,
        subject=dispute.reference,
        entries=[Entry(lies, dispute.amount, payment.id), Entry(lay, -dispute.amount, payment.id)],
        now=now,
    )


def withheld_of(payment_id: int) -> int:
    """Minor units of a payment that its provider withholds until a dispute is decided: they cannot be returned."""
    return _withheld(Dispute.payment_id == payment_id)


def withheld_in(booking_id: int) -> int:
    """The same of all that counts to a booking."""
    counted = select(Payment.id).where(Payment.booking_id == booking_id, Payment.state == PaymentState.SUCCEEDED)
    return _withheld(Dispute.payment_id.in_(counted))


def _withheld(of: ColumnElement[bool]) -> int:
    minor = db.session.scalar(
        select(func.coalesce(func.sum(Dispute.amount_minor), 0)).where(
            of, Dispute.withdrawn, Dispute.state.in_(DISPUTE_OPEN)
        )
    )
    return int(minor or 0)
