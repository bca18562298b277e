"""Payments as pages need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from flask import g
from flask_babel.speaklater import LazyString
from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from portal.booking.models import Booking
from portal.booking.queries import BookedCabinView, BookingPage, cabin_views
from portal.catalogue.models import Cabin
from portal.database import db
from portal.inventory.models import Occupancy
from portal.kernel import clock
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.payments.bank_days import transfer_terms
from portal.payments.labels import (
    DISPUTE_TONES,
    DISPUTE_TONES_AT_WORK,
    DISPUTES,
    DISPUTES_AT_WORK,
    MISMATCHES,
    REFUND_STATES,
    REFUND_TONES,
    STANDING_TONES,
    STANDINGS,
    STATES,
    TONES,
    WHAT_TO_DO,
    method_label,
)
from portal.payments.models import (
    DISPUTE_OPEN,
    ComparedDay,
    Dispute,
    LateOffer,
    LateOfferState,
    Method,
    Mismatch,
    Payment,
    PaymentState,
    Refund,
    RefundApproval,
    RefundState,
)
from portal.payments.plans.live import PAUSED, known_plan
from portal.payments.plans.models import BookingPlan
from portal.payments.providers.base import DisputeStatus
from portal.payments.services import DESK_TIME
from portal.payments.shares.models import PaymentShare
from portal.payments.standing import standing
from portal.payments.statements.queries import RECEIVED, came_column, surplus_column


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
    due: datetime | None  # until when a transfer, or the guest at the desk, is awaited
    send_by: date | None  # the day on which it must be sent at the latest
    refunds: tuple[RefundView, ...] = ()  # only on the page of its booking, like the disputes
    disputes: tuple[DisputeView, ...] = ()
    offer_until: datetime | None = None  # so long another cabin is kept for money whose cabin was gone
    came: Money | None = None  # of a transfer: the part that statements of the bank have brought so far
    surplus: Money | None = None  # what came beyond it and is still with us

    @property
    def to_pay(self) -> Money:
        """What is still lacking."""
        return self.amount - self.came if self.came else self.amount


def payment_view(payment: Payment) -> PaymentView:
    terms = transfer_terms(payment.made_at) if payment.method is Method.TRANSFER else None
    return PaymentView(
        id=payment.id,
        reference=payment.reference,
        method=payment.method,
        method_label=method_label(payment.method, payment.provider),
        state=payment.state,
        state_label=STATES[payment.state],
        tone=TONES[payment.state],
        amount=payment.amount,
        made_at=payment.made_at,
        received_at=payment.received_at,
        due=terms.due if terms else payment.made_at + DESK_TIME if payment.method is Method.DESK else None,
        send_by=terms.send_by if terms else None,
    )


@part_of("booking", "payments")
def booking_payments(booking_id: int) -> tuple[PaymentView, ...]:
    """Those of its holder, the newest last, each with what goes back of it and what is disputed. One statement for a
    known booking, which finds its plan, too, and whether others pay.
    """
    rows = db.session.execute(
        select(
            Payment,
            LateOffer.expires_at,
            Refund,
            Dispute,
            BookingPlan,
            PAUSED,
            came_column(Payment.id),
            surplus_column(Payment.id),
            exists().where(PaymentShare.booking_id == Booking.id),
        )
        .select_from(Booking)
        .outerjoin(
            Payment,
            (Payment.booking_id == Booking.id) & Payment.share_id.is_(None) & Payment.settles_id.is_(None),
        )
        .outerjoin(LateOffer, (LateOffer.payment_id == Payment.id) & (LateOffer.state == LateOfferState.OPEN))
        .outerjoin(Refund, Refund.payment_id == Payment.id)
        .outerjoin(Dispute, Dispute.payment_id == Payment.id)
        .outerjoin(BookingPlan, (BookingPlan.booking_id == Booking.id) & BookingPlan.ended_at.is_(None))
        .where(Booking.id == booking_id)
        .order_by(Payment.id, Refund.id, Dispute.id)
        .options(joinedload(BookingPlan.rows), joinedload(BookingPlan.plan))
    ).unique().all()
    g.payments_plan = booking_id, next((known_plan(row[4], row[5]) for row in rows if row[4] is not None), None)
    g.payments_divided = booking_id, any(row[-1] for row in rows)
    refunds: dict[int, dict[int, RefundView]] = {}
    disputes: dict[int, dict[int, DisputeView]] = {}
    found: dict[int, PaymentView] = {}
    for payment, until, refund, dispute, _plan, _paused, came, surplus, _divided in rows:
        # Each refund stands beside each dispute.
        if payment is None:
            continue
        if payment.id not in found:
            view = replace(_with_transferred(payment_view(payment), came), offer_until=until)
            found[payment.id] = replace(view, surplus=Money(int(surplus), payment.currency) if surplus else None)
        if refund is not None:
            refunds.setdefault(payment.id, {})[refund.id] = refund_view(refund)
        if dispute is not None:
            disputes.setdefault(payment.id, {})[dispute.id] = _dispute_view(dispute, payment)
    return tuple(
        replace(
            view, refunds=tuple(refunds.get(id_, {}).values()), disputes=tuple(disputes.get(id_, {}).values())
        )
        for id_, view in found.items()
    )


@dataclass(frozen=True)
class MoneyView:
    """The payment axis of a booking, in words."""

    label: LazyString
    tone: str
    overdue: bool


@part_of("booking", "money")
def booking_money(_booking_id: int) -> Callable[[BookingPage], MoneyView]:
    """For the page, which has its balance already: no statement."""
    return _money


def _money(page: BookingPage) -> MoneyView:
    money = standing(page.state, page.price.minor, page.balance, page.pay_by, clock.now())
    return MoneyView(STANDINGS[money.state], STANDING_TONES[money.state], money.overdue)


def card_awaited(booking_id: int, share_id: int | None = None) -> bool:
    """Whether a page of a provider may still bring money of the holder, or of a share. One statement."""
    waiting = select(
        exists().where(
            Payment.booking_id == booking_id,
            Payment.share_id.is_not_distinct_from(share_id),
            Payment.method == Method.CARD,
            Payment.state.in_((PaymentState.CREATED, PaymentState.OPEN)),
        )
    )
    return bool(db.session.scalar(waiting))


def _with_transferred(view: PaymentView, came: int) -> PaymentView:
    part = view.state not in RECEIVED and 0 < came < view.amount.minor
    return replace(view, came=Money(int(came), view.amount.currency)) if part else view


def awaited_transfer(booking_id: int, share_id: int | None = None) -> PaymentView | None:
    """The transfer that is awaited for a booking of its holder, or of a share, if any. One statement."""
    return _awaited(booking_id, Method.TRANSFER, share_id)


def awaited_at_desk(booking_id: int) -> PaymentView:
    """The payment for which the guest is awaited at the desk. Raises NotFound where there is none. One statement."""
    awaited = _awaited(booking_id, Method.DESK)
    if awaited is None:
        raise NotFound(booking_id)
    return awaited


def _awaited(booking_id: int, method: Method, share_id: int | None = None) -> PaymentView | None:
    row = db.session.execute(
        select(Payment, came_column(Payment.id)).where(
            Payment.booking_id == booking_id,
            Payment.share_id.is_not_distinct_from(share_id),
            Payment.settles_id.is_(None),
            Payment.method == method,
            Payment.state == PaymentState.OPEN,
        )
    ).one_or_none()
    return _with_transferred(payment_view(row[0]), row[1]) if row else None


def open_transfer(booking_id: int, share_id: int | None = None) -> PaymentView:
    """As awaited_transfer(). Raises NotFound where there is none."""
    transfer = awaited_transfer(booking_id, share_id)
    if transfer is None:
        raise NotFound(booking_id)
    return transfer


@dataclass(frozen=True)
class RefundView:
    id: int
    reference: str
    booking: str
    method: Method
    method_label: LazyString
    state: RefundState
    state_label: LazyString
    tone: str
    amount: Money
    requested_at: datetime
    settled_at: datetime | None
    provider: str | None
    waits: bool = False  # for the approval of a second person
    asked_by: str = ""


def refund_view(refund: Refund) -> RefundView:
    # What a provider could not return goes by transfer.
    way = Method.TRANSFER if refund.payment.method is Method.CARD else refund.payment.method
    return RefundView(
        id=refund.id,
        reference=refund.reference,
        booking=refund.payment.booking.reference,
        method=refund.payment.method,
        method_label=method_label(way, refund.provider),
        state=refund.state,
        state_label=REFUND_STATES[refund.state],
        tone=REFUND_TONES[refund.state],
        amount=refund.amount,
        requested_at=refund.requested_at,
        settled_at=refund.settled_at,
        provider=refund.provider,
    )


@dataclass(frozen=True)
class DisputeView:
    """`label` and `tone` are for the guest, `work_label` and `work_tone` for staff."""

    reference: str
    booking: str
    payment: str
    provider: str
    state: DisputeStatus
    label: LazyString
    tone: str
    work_label: LazyString
    work_tone: str
    amount: Money
    reason: str
    opened_at: datetime
    answer_by: datetime | None


def _dispute_view(dispute: Dispute, payment: Payment) -> DisputeView:
    return DisputeView(
        reference=dispute.reference,
        booking=payment.booking.reference,
        payment=payment.reference,
        provider=dispute.provider,
        state=dispute.state,
        label=DISPUTES[dispute.state],
        tone=DISPUTE_TONES[dispute.state],
        work_label=DISPUTES_AT_WORK[dispute.state],
        work_tone=DISPUTE_TONES_AT_WORK[dispute.state],
        amount=dispute.amount,
        reason=dispute.reason,
        opened_at=dispute.opened_at,
        answer_by=dispute.answer_by,
    )


def open_disputes(limit: int) -> tuple[DisputeView, ...]:
    """Those that the bank has not decided, the one to answer first in front. One statement."""
    disputes = db.session.scalars(
        select(Dispute)
        .where(Dispute.state.in_(DISPUTE_OPEN))
        .order_by(Dispute.answer_by.asc().nulls_last(), Dispute.id)
        .limit(limit)
        .options(joinedload(Dispute.payment).joinedload(Payment.booking))
    )
    return tuple(_dispute_view(dispute, dispute.payment) for dispute in disputes)


@dataclass(frozen=True)
class MismatchView:
    reference: str
    provider: str
    label: LazyString
    what_to_do: LazyString
    subject: str
    booking: str | None
    ours: Money | None
    theirs: Money | None
    day: date


@dataclass(frozen=True)
class ReconciliationPage:
    mismatches: tuple[MismatchView, ...]
    days: tuple[ComparedDay, ...]  # the newest first


def reconciliation_page(mismatches: int, days: int) -> ReconciliationPage:
    """At most so many of each. Two statements."""
    found = db.session.scalars(
        select(Mismatch).where(Mismatch.closed_at.is_(None)).order_by(Mismatch.id).limit(mismatches)
    )
    compared = db.session.scalars(
        select(ComparedDay).order_by(ComparedDay.day.desc(), ComparedDay.provider).limit(days)
    )
    return ReconciliationPage(
        tuple(
            MismatchView(
                reference=one.reference,
                provider=one.provider,
                label=MISMATCHES[one.kind],
                what_to_do=WHAT_TO_DO[one.kind],
                subject=one.subject,
                booking=one.booking,
                ours=None if one.ours_minor is None else Money(one.ours_minor, one.currency),
                theirs=None if one.theirs_minor is None else Money(one.theirs_minor, one.currency),
                day=one.day,
            )
            for one in found
        ),
        tuple(compared),
    )


WHOLE_REFUND = joinedload(Refund.payment).joinedload(Payment.booking)


def booking_refunds(booking_id: int) -> tuple[RefundView, ...]:
    """What goes back of the payments of a booking's holder, the newest last. One statement."""
    refunds = db.session.scalars(
        select(Refund)
        .join(Payment)
        .where(Payment.booking_id == booking_id, Payment.share_id.is_(None))
        .order_by(Refund.id)
        .options(WHOLE_REFUND)
    )
    return tuple(refund_view(refund) for refund in refunds)


def open_refunds(limit: int) -> tuple[RefundView, ...]:
    """What staff must look at: what needs a second person, transfers to make, refunds that failed. One statement."""
    waits = RefundApproval.refund_id.is_not(None) & RefundApproval.approved_at.is_(None)
    rows = db.session.execute(
        select(Refund, RefundApproval.asked_by, waits)
        .join(Payment)
        .outerjoin(RefundApproval, RefundApproval.refund_id == Refund.id)
        .where(
            ((Refund.state == RefundState.REQUESTED) & (Refund.provider.is_(None) | waits))
            | (Refund.state == RefundState.FAILED)
        )
        .order_by(Refund.id)
        .limit(limit)
        .options(WHOLE_REFUND)
    )
    return tuple(
        replace(refund_view(refund), waits=bool(waiting), asked_by=asked_by or "")
        for refund, asked_by, waiting in rows
    )


def kept_cabins(offer: LateOffer) -> tuple[BookedCabinView, ...]:
    """The cabins that an offer keeps, as the guest reads them. One statement."""
    rows = db.session.execute(
        select(Cabin, Occupancy)
        .join(Occupancy, Occupancy.cabin_id == Cabin.id)
        .where(Occupancy.id.in_([entry["now"] for entry in offer.cabins]))
        .order_by(Occupancy.id)
        .options(joinedload(Cabin.category), joinedload(Cabin.deck))
    )
    return cabin_views([(cabin, occupancy) for cabin, occupancy in rows])
