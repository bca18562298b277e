"""Cancel for money: what is kept and what goes back, shown before and done after; and money that found no cabin."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, func, or_, select, update

from portal.accounts.models import Account
from portal.audit.services import record, record_move
from portal.booking.models import Booking, BookingState
from portal.booking.services import cancel_booking
from portal.database import after_commit, db, transaction
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.kernel.states import move
from portal.ledger.queries import balance_of, held_of
from portal.ledger.services import Returning, post_refund_failed, post_refund_requested, post_refund_settled
from portal.outbox.services import announce, wake_worker
from portal.payments.agencies.settling import settle_account
from portal.payments.approvals import ask_for_approval, awaits_approval, check_approved
from portal.payments.cancellations.models import Cancellation, CancelReason
from portal.payments.disputes import withheld_in, withheld_of
from portal.payments.errors import AmountsChanged, NoCredit, NotCancellable, NotExpected
from portal.payments.models import (
    REFUND_MOVES,
    Method,
    Payment,
    PaymentState,
    Refund,
    RefundReason,
    RefundState,
)
from portal.payments.operations.models import OPEN_CHOICE, CaseState, Operation, OperationCase
from portal.payments.plans.models import PriceOffer, PriceOfferState
from portal.payments.providers.base import GatewayRefused, GatewayUnavailable, RefundStatus
from portal.payments.providers.registry import provider
from portal.payments.shares.division import returned_by
from portal.pricing.policy import kept_percent

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What cancelling on `day` would mean; per cent of the price, and never more than was paid."""

    day: date
    percent: int
    kept: Money
    returned: Money


def outcome(
    policy: Sequence[dict[str, int]],
    price: Money,
    paid: Money,
    start: date,
    day: date,
    kept_before: Money | None = None,
) -> Outcome:
    """By the policy pinned to the booking. Days are counted on the calendar of the port of embarkation.

    kept_before: the part of the price that was kept by changes; it stays kept.
    Source: Russian consumer law art. 32: the operator keeps what he has really spent; the steps are its upper limits.
    """
    percent = kept_percent(policy, (start - day).days)
    before = kept_before or Money(0, price.currency)
    kept = min(before + (price - before).share(percent, 100), paid, key=lambda amount: amount.minor)
    return Outcome(day, percent, kept, paid - kept)


@dataclass(frozen=True)
class CancelPreview:
    today: Outcome
    tomorrow: Outcome
    paid: Money


def cancel_preview(booking_id: int, now: datetime) -> CancelPreview:
    """What cancelling now, and tomorrow, would return. Raises NotCancellable."""
    booking = db.session.get_one(Booking, booking_id)
    return _preview(booking, now)


def cancel(
    *, booking_id: int, agreed: Money, reason: CancelReason = CancelReason.OTHER, now: datetime
) -> None:
    """Cancel the booking and return exactly what was shown.

    agreed: the sum that the customer saw would be returned. What is kept is the limit of the conditions, until staff
    have settled what was really spent. Raises NotCancellable, AmountsChanged; then nothing is
    written. Announces booking.cancelled, and payments.refund_requested for each payment that goes back.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        preview = _preview(booking, now)
        if preview.today.returned != agreed:
            raise AmountsChanged
        cancel_booking(booking_id=booking_id, now=now, kept=preview.today.kept)
        return_part(booking, preview.today.returned, now)
        if preview.paid.minor:
            session.add(
                Cancellation(
                    booking_id=booking_id,
                    reason=reason,
                    percent=preview.today.percent,
                    limit_minor=preview.today.kept.minor,
                    made_at=now,
                )
            )


def return_credit(*, booking_id: int, agreed: Money, now: datetime) -> None:
    """The guest has what he paid too much back. agreed: what he was shown. Raises NoCredit, AmountsChanged.

    Announces payments.refund_requested for each payment that goes back.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        credit = credit_of(booking)
        if credit.minor <= 0:
            raise NoCredit
        if credit != agreed:
            raise AmountsChanged
        return_part(booking, credit, now)
        record("booking.credit_returned", subject="booking", reference=booking.reference, now=now)


def credit_of(booking: Booking) -> Money:
    """What came for a booking beyond its price: the guest's, until he has it back or owes more. One statement."""
    live = booking.state in (BookingState.PENDING, BookingState.CONFIRMED)
    owed = balance_of(booking.id, booking.currency).owed
    return Money(max(0, -owed) if live else 0, booking.currency)


def return_part(booking: Booking, amount: Money, now: datetime) -> None:
    """Send `amount` of what was paid back. Call it under the lock of the booking.

    To each payer in proportion to what he has paid, of his payments the newest first. Announces
    payments.refund_requested for each payment that goes back. Raises NotExpected for more than was paid.
    """
    payers: dict[tuple[int | None, int | None], list[tuple[Payment, int]]] = {}
    for payment in _succeeded(booking.id):
        payers.setdefault((payment.share_id, payment.agency_id), []).append((payment, max(0, _held(payment))))
    held = [sum(minor for _payment, minor in own) for own in payers.values()]
    if amount.minor > sum(held):
        raise NotExpected
    for own, left in zip(payers.values(), returned_by(amount.minor, held), strict=True):
        for payment, minor in own:
            part = min(left, minor)
            if part > 0:
                _request(payment, part, RefundReason.CANCELLED, now)
                left -= part


def paid_for(booking: Booking) -> Money:
    """What was received for a booking, has not gone back nor is going, and is not withheld for a dispute."""
    paid = balance_of(booking.id, booking.currency).paid - withheld_in(booking.id)
    return Money(max(paid, 0), booking.currency)


def cancel_whole(*, booking_id: int, now: datetime) -> Money:
    """The operator does not carry out what was agreed: cancel the booking and return all that was paid; how much.

    No step of the policy applies. Money that found no cabin goes back as well. Raises NotCancellable for a booking that
    is over. Announces booking.cancelled, and payments.refund_requested for each payment that goes back.
    Source: Russian consumer law art. 28 and 32.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.state not in (BookingState.PENDING, BookingState.CONFIRMED):
            raise NotCancellable
        cancel_booking(booking_id=booking_id, now=now)
        returned = 0
        for payment in _received(booking_id):
            left = _held(payment)
            if left > 0:
                _request(payment, left, RefundReason.CANCELLED, now)
                returned += left
    return Money(returned, booking.currency)


def return_counted(*, booking_id: int, now: datetime) -> Money:
    """A booking ran out before all that confirms it had come: what counts to it goes back; how much.

    Money that counts to nothing waits for an equal cabin. A second time nothing happens. Announces
    payments.refund_requested for each payment that goes back.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        returned = 0
        if booking.state is BookingState.EXPIRED:
            for payment in _succeeded(booking_id):
                left = _held(payment)
                if left > 0:
                    _request(payment, left, RefundReason.NO_CABIN, now)
                    returned += left
    return Money(returned, booking.currency)


def return_money(*, payment_id: int, now: datetime) -> None:
    """Staff send back money that found no cabin. Raises NotExpected where it has a cabin or goes back already."""
    with transaction() as session:
        booking_id = session.get_one(Payment, payment_id).booking_id
        session.get_one(Booking, booking_id, with_for_update=True)
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        left = _held(payment)
        if payment.state is not PaymentState.UNALLOCATED or left <= 0:
            raise NotExpected
        _request(payment, left, RefundReason.NO_CABIN, now)


def return_homeless_shares(now: datetime) -> int:
    """Money of other payers that counts to nothing goes back to them at once; how many payments."""
    waiting = db.session.scalars(
        select(Payment.id)
        .where(
            Payment.share_id.is_not(None),
            Payment.state == PaymentState.UNALLOCATED,
            ~exists().where(Refund.payment_id == Payment.id),
        )
        .order_by(Payment.id)
    ).all()
    for payment_id in waiting:
        with suppress(NotExpected):  # somebody of staff was first, or a dispute is open
            return_money(payment_id=payment_id, now=now)
    return len(waiting)


def going_back(payment_id: int) -> bool:
    """Whether some of a payment has gone back or is going."""
    payment = db.session.get_one(Payment, payment_id)
    return _held(payment) < payment.amount_minor


def confirm_paid_back(*, refund_id: int, account: Account, now: datetime) -> None:
    """Staff have made the transfer back. Raises NotExpected."""
    with transaction():
        refund = _locked(refund_id)
        if refund.provider is not None or refund.state is not RefundState.REQUESTED:
            raise NotExpected
        check_approved(refund_id)
        refund.settled_by_id = account.id
        refund.settled_at = now
        _move(refund, RefundState.SUCCEEDED, now)


ASKED_AT_ONCE = 50
ASKED_AGAIN_AFTER = timedelta(seconds=50)  # how a refund stands that is on its way


def send_refunds(now: datetime) -> int:
    """Give every requested refund to its provider, and ask how those on their way stand; how many.

    The key of each attempt is made from its row. That it was asked for is noted before; where the answer was lost, the
    refund is looked for first and only then asked for again, so that a repeat is still one refund however late it
    comes. A provider that is away keeps no other from being asked.
    """
    again = or_(Refund.asked_at.is_(None), Refund.asked_at <= real_now() - ASKED_AGAIN_AFTER)
    waiting = db.session.execute(
        select(
            Refund.id,
            Refund.reference,
            Refund.attempt,
            Refund.amount_minor,
            Refund.provider,
            Refund.provider_id,
            Refund.payment_id,
            Refund.asked_at,
            Payment.currency,
            Payment.payment_intent,
        )
        .join(Payment, Payment.id == Refund.payment_id)
        .where(
            Refund.provider.is_not(None),
            or_(Refund.state == RefundState.REQUESTED, and_(Refund.state == RefundState.SENT, again)),
            ~awaits_approval(),
        )
        .order_by(Refund.asked_at.asc().nulls_first(), Refund.id)
        .limit(ASKED_AT_ONCE)
    ).all()
    if not waiting:
        return 0
    with transaction() as session:
        session.execute(update(Refund).where(Refund.id.in_([row.id for row in waiting])).values(asked_at=real_now()))
    away = set()
    # The oldest first: a provider that knows no keys sees by its sums alone which of a payment's refunds it has made.
    for row in sorted(waiting, key=lambda row: row.id):
        if row.provider in away:
            continue
        money, key = row.payment_intent or "", f"refund-{row.reference}-{row.attempt}"
        try:
            giver = provider(row.provider)
            if row.provider_id is not None:
                state = giver.refund_state(row.provider_id)
            else:
                state = (giver.find_refund(money, key) if row.asked_at else None) or giver.refund(
                    money,
                    Money(row.amount_minor, row.currency),
                    key,
                    Money(_returned(row.payment_id), row.currency),
                )
        except GatewayUnavailable:
            away.add(row.provider)
        except GatewayRefused as refusal:
            log.error("refund %s was refused: %s", row.reference, refusal.code)
            if row.provider_id is None:  # definitely not done; of one that was, silence proves nothing
                _settle(row.id, None, RefundState.FAILED, now)
        else:
            _settle(row.id, state.id, STATES[state.status], now)
    return len(waiting)


def look_into_refund(*, name: str, provider_id: str, now: datetime) -> RefundState | None:
    """Ask the provider how a refund stands and act on it, also when it had arrived and came back; None for one that is
    not ours. Raises GatewayUnavailable or GatewayRefused.
    """
    refund_id = db.session.scalar(
        select(Refund.id).where(Refund.provider == name, Refund.provider_id == provider_id)
    )
    db.session.commit()  # no transaction stays open while the provider is asked
    if refund_id is None:
        return None
    return _settle(refund_id, provider_id, STATES[provider(name).refund_state(provider_id).status], now)


STATES: dict[RefundStatus, RefundState] = {
    RefundStatus.PENDING: RefundState.SENT,
    RefundStatus.REQUIRES_ACTION: RefundState.SENT,
    RefundStatus.SUCCEEDED: RefundState.SUCCEEDED,
    RefundStatus.FAILED: RefundState.FAILED,
    RefundStatus.CANCELED: RefundState.FAILED,
}


def try_again(*, refund_id: int, now: datetime) -> None:
    """Staff send a refund once more that failed, with a key of its own. Raises NotExpected for any other, and where the
    money is on its way back by another refund.
    """
    with transaction():
        refund = _locked(refund_id)
        if refund.state is not RefundState.FAILED or refund.amount_minor > _held(refund.payment):
            raise NotExpected
        refund.attempt += 1
        refund.provider_id = refund.asked_at = refund.matched_at = None
        refund.settled_at = None
        _move(refund, RefundState.REQUESTED, now)
        after_commit(wake_worker)


def return_by_transfer(*, refund_id: int, now: datetime) -> None:
    """Staff give up the way a payment came, after the provider or the guest's bank refused it, and transfer the money.

    Raises NotExpected for a refund that has not failed, or that goes by transfer already.
    """
    with transaction():
        refund = _locked(refund_id)
        failed = refund.state is RefundState.FAILED and refund.provider is not None
        if not failed or refund.amount_minor > _held(refund.payment):
            raise NotExpected
        refund.attempt += 1
        refund.provider = refund.provider_id = refund.asked_at = refund.matched_at = None
        refund.settled_at = None
        _move(refund, RefundState.REQUESTED, now)


def _preview(booking: Booking, now: datetime) -> CancelPreview:
    if booking.state not in (BookingState.PENDING, BookingState.CONFIRMED) or booking.voyage.departed_at(now):
        raise NotCancellable
    free = may_leave(booking.id, now) or _dearer_price_waits(booking.id)
    policy = NOTHING_KEPT if free else booking.policy
    paid = paid_for(booking)
    start = booking.voyage.start_day
    kept = Money(0, booking.currency) if free else booking.kept
    today = now.astimezone(ZoneInfo(booking.voyage.calls[0].port.zone)).date()
    return CancelPreview(
        outcome(policy, booking.price, paid, start, today, kept_before=kept),
        outcome(policy, booking.price, paid, start, today + timedelta(days=1), kept_before=kept),
        paid,
    )


# As long as a guest may decline new dates or a higher price, nothing is kept, whatever way he cancels.
NOTHING_KEPT: Sequence[dict[str, int]] = ({"days": -10_000, "percent": 0},)


def _dearer_price_waits(booking_id: int) -> bool:
    """Whether the guest is asked to agree to a higher price than the one he booked at."""
    return bool(
        db.session.scalar(
            select(
                exists().where(
                    PriceOffer.booking_id == booking_id,
                    PriceOffer.state == PriceOfferState.OPEN,
                    PriceOffer.after_minor > PriceOffer.before_minor,
                )
            )
        )
    )


def may_leave(booking_id: int, now: datetime) -> bool:
    """Whether the operator has postponed the sailing and the guest may still have all his money back.

    Not once he has moved to another sailing.
    """
    return bool(
        db.session.scalar(
            select(
                exists().where(
                    OperationCase.booking_id == booking_id,
                    Booking.id == booking_id,
                    Booking.sailing_id == Operation.sailing_id,
                    OperationCase.state.in_((CaseState.WAITING, *OPEN_CHOICE)),
                    OperationCase.operation_id == Operation.id,
                    Operation.decide_by > now,
                )
            )
        )
    )


def _succeeded(booking_id: int) -> Sequence[Payment]:
    """The newest first: money goes back where it came from last."""
    return db.session.scalars(
        select(Payment)
        .where(Payment.booking_id == booking_id, Payment.state == PaymentState.SUCCEEDED)
        .order_by(Payment.id.desc())
    ).all()


def _received(booking_id: int) -> Sequence[Payment]:
    """Every payment whose money came, whether it found its cabin or not; the newest first."""
    return db.session.scalars(
        select(Payment)
        .where(
            Payment.booking_id == booking_id,
            Payment.state.in_([PaymentState.SUCCEEDED, PaymentState.UNALLOCATED]),
        )
        .order_by(Payment.id.desc())
    ).all()


def _held(payment: Payment) -> int:
    """Minor units of a payment that have not gone back, are not going, and are not withheld for a dispute."""
    return held_of(payment.id, payment.currency).minor - withheld_of(payment.id)


def _locked(refund_id: int) -> Refund:
    """A refund under the locks of its booking and payment."""
    session = db.session
    booking_id, payment_id = session.execute(
        select(Payment.booking_id, Payment.id)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Refund.id == refund_id)
    ).one()
    session.get_one(Booking, booking_id, with_for_update=True)
    session.get_one(Payment, payment_id, with_for_update=True)
    return session.get_one(Refund, refund_id, with_for_update=True)


def _returned(payment_id: int) -> int:
    """Minor units of a payment that have gone back."""
    gone = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment_id, Refund.state == RefundState.SUCCEEDED
    )
    minor = db.session.scalar(gone) or 0
    db.session.commit()  # no transaction stays open while the provider is asked
    return minor


def _request(payment: Payment, minor: int, reason: RefundReason, now: datetime) -> None:
    refund = Refund(
        payment_id=payment.id,
        provider=payment.provider,
        state=RefundState.REQUESTED,
        reason=reason,
        amount_minor=minor,
        requested_at=now,
    )
    db.session.add(refund)
    db.session.flush()
    record("refund.requested", subject="refund", reference=refund.reference, now=now, to_state=refund.state)
    _post(refund, None, now)
    if payment.method is Method.CREDIT:  # no money was there that could go back
        refund.settled_at = now
        _move(refund, RefundState.SUCCEEDED, now)
        db.session.flush()
        settle_account(payment, now)
        return
    ask_for_approval(refund, now)
    announce("payments.refund_requested", refund_id=refund.id)


def _settle(refund_id: int, provider_id: str | None, state: RefundState, now: datetime) -> RefundState:
    with transaction():
        refund = _locked(refund_id)
        refund.provider_id = provider_id or refund.provider_id
        if state in REFUND_MOVES.get(refund.state, ()):  # what is over stays over, whatever came late
            if state is RefundState.SUCCEEDED:
                refund.settled_at = now
            _move(refund, state, now)
        return refund.state


def _move(refund: Refund, state: RefundState, now: datetime) -> None:
    before = refund.state
    refund.state = move(before, state, REFUND_MOVES)
    record_move("refund", refund.reference, before, state, now=now)
    _post(refund, before, now)


def _post(refund: Refund, before: RefundState | None, now: datetime) -> None:
    """What the state it has come to means for the money."""
    payment = refund.payment
    going = Returning(payment.booking_id, payment.id, refund.reference, refund.attempt, refund.amount)
    match refund.state:
        case RefundState.REQUESTED:
            post_refund_requested(going, held_in=payment.held_in, now=now)
        case RefundState.SUCCEEDED:
            post_refund_settled(going, clearing=refund.clearing, now=now)
            if payment.method is not Method.CREDIT:
                announce("payments.refund_settled", refund_id=refund.id)
        case RefundState.FAILED:
            left = refund.clearing if before is RefundState.SUCCEEDED else None
            post_refund_failed(going, held_in=payment.held_in, came_back_to=left, now=now)
