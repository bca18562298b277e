"""The providers' own books beside ours, day by day: what differs is listed for finance with what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, or_, select

from portal.accounts.models import Account
from portal.audit.services import record
from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.payments.disputes import look_into_dispute
from portal.payments.errors import NotExpected
from portal.payments.models import (
    ComparedDay,
    Dispute,
    Mismatch,
    MismatchKind,
    Payment,
    Refund,
    RefundState,
)
from portal.payments.providers.base import GatewayRefused, GatewayUnavailable, Movement, MovementKind
from portal.payments.providers.registry import provider, providers
from portal.payments.providers.turkmenbank import TurkmenBankProvider
from portal.payments.refunds import look_into_refund
from portal.payments.services import RECEIVED, settle_checkout

log = logging.getLogger(__name__)

SETTLING = timedelta(minutes=30)  # so long after midnight (UTC) a provider's list of the day may still grow
LOOKS_BACK_DAYS = 7
WATCHED = timedelta(days=60)
FRESH, WATCH_FRESH, WATCH_LATER = timedelta(days=2), timedelta(hours=1), timedelta(days=1)
ASKED_AT_ONCE = 50
SILENT = frozenset({TurkmenBankProvider.name})  # they list no movements: what they did is asked one by one
MISSING = (MismatchKind.PAYMENT_MISSING, MismatchKind.REFUND_MISSING)


@dataclass(frozen=True)
class _Found:
    kind: MismatchKind
    subject: str
    booking: str | None
    ours: Money | None
    theirs: Money | None


def compare_days(now: datetime) -> int:
    """Compare each day that is over and has not been compared since, of every provider that keeps a list; how many."""
    last = (real_now() - SETTLING).date() - timedelta(days=1)
    done = 0
    for name in providers():
        compared = {
            row.day
            for row in db.session.scalars(
                select(ComparedDay).where(
                    ComparedDay.provider == name, ComparedDay.day > last - timedelta(days=LOOKS_BACK_DAYS)
                )
            )
            if row.compared_at >= _bounds(row.day)[1]
        }
        db.session.commit()
        first = min(compared, default=last)
        days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
        try:
            done += sum(compare_day(name, day, now) for day in days if day not in compared)
        except GatewayUnavailable:
            log.warning("%s does not list its movements at the moment; they are compared later", name)
        except GatewayRefused:
            log.error("%s refuses to list its movements", name)
    return done


def compare_day(name: str, day: date, now: datetime) -> bool:
    """Hold a provider's movements of a day (UTC, real time) against our payments, refunds and disputes.

    What we have not heard of yet is asked about first, so that a lost event is no difference. A second time only what
    still differs stays listed. False where the provider keeps no list. Raises GatewayUnavailable or GatewayRefused.
    """
    since, until = _bounds(day)
    listed = provider(name).movements(since, until)
    if listed is None:
        return False
    movements = list(listed)
    for movement in movements:
        _catch_up(name, movement, now)
    with transaction() as session:
        found = [one for movement in movements for one in _compared(name, movement)]
        session.flush()
        found += _missing(name, until)
        _keep(name, day, found)
        compared = session.scalars(select(ComparedDay).filter_by(provider=name, day=day)).one_or_none()
        if compared is None:
            compared = ComparedDay(provider=name, day=day)
            session.add(compared)
        compared.movements, compared.compared_at = len(movements), real_now()
    return True


def watch_received(now: datetime) -> int:
    """Ask about money that is here, of providers whose books cannot be listed: a bank may take it back on its side.

    The first two days each hour, then each day, WATCHED long; how many were asked about. What went back without us is
    listed for finance, and taken off the list once our own returns say the same.
    """
    moment = real_now()
    due = or_(
        Payment.matched_at.is_(None),
        Payment.matched_at <= moment - WATCH_LATER,
        (Payment.noted_at > moment - FRESH) & (Payment.matched_at <= moment - WATCH_FRESH),
    )
    asked = 0
    for name in SILENT & providers().keys():
        waiting = db.session.execute(
            select(Payment.id, Payment.payment_intent)
            .where(
                Payment.provider == name,
                Payment.state.in_(RECEIVED),
                Payment.noted_at > moment - WATCHED,
                Payment.id.not_in(
                    select(Refund.payment_id).where(Refund.state.in_((RefundState.REQUESTED, RefundState.SENT)))
                ),
                due,
            )
            .order_by(Payment.matched_at.asc().nulls_first(), Payment.id)
            .limit(ASKED_AT_ONCE)
        ).all()
        db.session.commit()  # no transaction stays open while the provider is asked
        try:
            for payment_id, intent in waiting:
                _watch(payment_id, provider(name).gone_back(intent or ""))
                asked += 1
        except GatewayUnavailable:
            log.warning("%s does not answer at the moment; it is asked about its payments later", name)
        except GatewayRefused:
            log.error("%s does not know a payment that it took", name)
    return asked


def _watch(payment_id: int, theirs: Money | None) -> None:
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        payment.matched_at = real_now()
        if theirs is None:
            return
        done = (
            Refund.payment_id == payment_id,
            Refund.provider == payment.provider,
            Refund.state == RefundState.SUCCEEDED,
        )
        ours = int(session.scalar(select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(*done)) or 0)
        same = (
            Mismatch.provider == payment.provider,
            Mismatch.kind == MismatchKind.REFUND_UNKNOWN,
            Mismatch.subject == payment.reference,
        )
        if theirs.minor <= ours:
            for listed in session.scalars(select(Mismatch).where(*same, Mismatch.closed_at.is_(None))):
                listed.closed_at = real_now()
            return
        settled = or_(Mismatch.closed_at.is_(None), Mismatch.theirs_minor == theirs.minor)
        known = select(Mismatch.id).where(*same, settled)
        if session.scalars(known).first() is None:
            session.add(
                Mismatch(
                    provider=payment.provider or "",
                    kind=MismatchKind.REFUND_UNKNOWN,
                    subject=payment.reference,
                    booking=payment.booking.reference,
                    ours_minor=ours,
                    theirs_minor=theirs.minor,
                    currency=theirs.currency,
                    day=real_now().date(),
                    found_at=real_now(),
                )
            )


def close_mismatch(*, reference: str, note: str, account: Account, now: datetime) -> None:
    """Finance has settled a difference. Raises NotExpected where it is closed already."""
    with transaction() as session:
        difference = session.scalars(select(Mismatch).filter_by(reference=reference).with_for_update()).one_or_none()
        if difference is None or difference.closed_at is not None:
            raise NotExpected
        difference.closed_at, difference.closed_by_id, difference.note = real_now(), account.id, note
        record("mismatch.closed", subject="mismatch", reference=reference, now=now, reason=note)


def _bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


def _catch_up(name: str, movement: Movement, now: datetime) -> None:
    """Ask about what we have not noted."""
    try:
        match movement.kind:
            case MovementKind.PAYMENT:
                payment = _payment(name, movement)
                if payment is not None and payment.state not in RECEIVED and payment.session_id is not None:
                    settle_checkout(name=name, session_id=payment.session_id, now=now)
            case MovementKind.REFUND_CAME_BACK:
                look_into_refund(name=name, provider_id=movement.id, now=now)
            case MovementKind.DISPUTE:
                if _dispute(name, movement) is None:
                    look_into_dispute(name=name, provider_id=movement.id, now=now)
    except GatewayRefused:
        log.error("%s does not know what it lists itself: %s", name, movement.id)
    finally:
        db.session.commit()


def _compared(name: str, movement: Movement) -> Iterable[_Found]:
    match movement.kind:
        case MovementKind.PAYMENT:
            return _compared_payment(_payment(name, movement), movement)
        case MovementKind.REFUND:
            return _compared_refund(name, movement)
        case MovementKind.REFUND_CAME_BACK:
            refund = _refund(name, movement)
            if refund is not None and refund.state is not RefundState.FAILED:
                return [_of_refund(MismatchKind.REFUND_CAME_BACK, refund, movement.amount)]
        case MovementKind.DISPUTE:
            if _dispute(name, movement) is None:
                return [_Found(MismatchKind.DISPUTE_UNKNOWN, movement.id, None, None, movement.amount)]
    return []


def _compared_payment(payment: Payment | None, movement: Movement) -> Iterable[_Found]:
    if payment is None:
        subject = movement.payment_intent or movement.id
        return [_Found(MismatchKind.PAYMENT_UNKNOWN, subject, None, None, movement.amount)]
    ours = payment.reference, payment.booking.reference, payment.amount
    if payment.state not in RECEIVED:
        return [_Found(MismatchKind.PAYMENT_NOT_NOTED, *ours, movement.amount)]
    payment.matched_at = payment.matched_at or real_now()
    if payment.amount != movement.amount:
        return [_Found(MismatchKind.PAYMENT_AMOUNT, *ours, movement.amount)]
    return []


def _compared_refund(name: str, movement: Movement) -> Iterable[_Found]:
    refund = _refund(name, movement)
    if refund is None:
        if _tried_before(movement):
            return []
        payment = _payment(name, movement)
        booking = payment.booking.reference if payment is not None else None
        return [_Found(MismatchKind.REFUND_UNKNOWN, movement.id, booking, None, movement.amount)]
    refund.matched_at = refund.matched_at or real_now()
    if refund.amount != movement.amount:
        return [_of_refund(MismatchKind.REFUND_AMOUNT, refund, movement.amount)]
    if refund.state is RefundState.REQUESTED:
        return [_of_refund(MismatchKind.REFUND_NOT_NOTED, refund, movement.amount)]
    return []


def _tried_before(movement: Movement) -> bool:
    """Whether this is an earlier attempt of a refund of ours: it came back, and the same money was sent anew."""
    if movement.reference is None:
        return False
    refund = db.session.scalars(select(Refund).filter_by(reference=movement.reference)).one_or_none()
    return refund is not None and refund.attempt > 1


def _of_refund(kind: MismatchKind, refund: Refund, theirs: Money | None) -> _Found:
    return _Found(kind, refund.reference, refund.payment.booking.reference, refund.amount, theirs)


def _missing(name: str, until: datetime) -> list[_Found]:
    """What we noted before the end of the day and no list has shown."""
    payments = db.session.scalars(
        select(Payment).where(
            Payment.provider == name,
            Payment.state.in_(RECEIVED),
            Payment.noted_at < until,
            Payment.matched_at.is_(None),
        )
    )
    found = [
        _Found(MismatchKind.PAYMENT_MISSING, one.reference, one.booking.reference, one.amount, None)
        for one in payments
    ]
    refunds = db.session.scalars(
        select(Refund).where(
            Refund.provider == name,
            Refund.state == RefundState.SUCCEEDED,
            Refund.asked_at < until,
            Refund.matched_at.is_(None),
        )
    )
    return found + [_of_refund(MismatchKind.REFUND_MISSING, one, None) for one in refunds]


def _keep(name: str, day: date, found: Sequence[_Found]) -> None:
    """List what is new; what was listed of this day, or as missing, and is gone is closed by itself."""
    session = db.session
    listed = {
        (one.kind, one.subject): one
        for one in session.scalars(
            select(Mismatch).where(Mismatch.provider == name, Mismatch.closed_at.is_(None)).with_for_update()
        )
    }
    still = {(one.kind, one.subject) for one in found}
    for key, difference in listed.items():
        if key not in still and (difference.day == day or difference.kind in MISSING):
            difference.closed_at = real_now()
    for one in found:
        if (one.kind, one.subject) in listed or _closed_before(name, day, one):
            continue
        known = one.theirs or one.ours
        assert known is not None
        session.add(
            Mismatch(
                provider=name,
                kind=one.kind,
                subject=one.subject,
                booking=one.booking,
                ours_minor=one.ours.minor if one.ours else None,
                theirs_minor=one.theirs.minor if one.theirs else None,
                currency=known.currency,
                day=day,
                found_at=real_now(),
            )
        )


def _closed_before(name: str, day: date, one: _Found) -> bool:
    """Whether finance has settled this very difference: it is not listed a second time."""
    settled = select(Mismatch.id).where(
        Mismatch.provider == name,
        Mismatch.kind == one.kind,
        Mismatch.subject == one.subject,
        Mismatch.closed_by_id.is_not(None),
        or_(Mismatch.day == day, Mismatch.kind.in_(MISSING)),
    )
    return db.session.scalar(settled) is not None


def _payment(name: str, movement: Movement) -> Payment | None:
    """By the provider's name for the money; where we have not heard of that yet, by our reference."""
    known = select(Payment).where(Payment.provider == name, Payment.payment_intent == movement.payment_intent)
    payment = db.session.scalars(known).one_or_none() if movement.payment_intent else None
    if payment is None and movement.reference is not None:
        told = select(Payment).where(Payment.provider == name, Payment.reference == movement.reference)
        payment = db.session.scalars(told).one_or_none()
    return payment


def _refund(name: str, movement: Movement) -> Refund | None:
    """By the provider's id; where the answer that told it was lost, by our reference."""
    refund = db.session.scalars(select(Refund).filter_by(provider=name, provider_id=movement.id)).one_or_none()
    if refund is None and movement.reference is not None:
        refund = db.session.scalars(
            select(Refund).where(
                Refund.provider == name, Refund.reference == movement.reference, Refund.provider_id.is_(None)
            )
        ).one_or_none()
    return refund


def _dispute(name: str, movement: Movement) -> Dispute | None:
    return db.session.scalars(select(Dispute).filter_by(provider=name, provider_id=movement.id)).one_or_none()
