"""Payments that are expected or have no cabin, and a booking paid in parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import selectinload

from portal.booking.models import Booking
from portal.catalogue.models import Sailing
from portal.database import db, the_one
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.payments.cancellations.models import Cancellation
from portal.payments.cancellations.queries import CancellationView, cancellation_view
from portal.payments.errors import NotCancellable
from portal.payments.models import Dispute, Method, Payment, PaymentState, Refund, RefundState
from portal.payments.plans.live import live_plan, port_day
from portal.payments.plans.models import BookingPlan, FitReason
from portal.payments.plans.queries import PlanView, plan_view
from portal.payments.refunds import CancelPreview, cancel_preview, paid_for
from portal.staff.paging import PAGE, Paging, Rows, paging


@dataclass(frozen=True)
class PaymentRow:
    id: int
    reference: str
    booking: str
    contact_name: str | None
    sailing: str
    method: Method
    provider: str | None
    state: PaymentState
    amount: Money
    made_at: datetime
    received_at: datetime | None
    expires_at: datetime | None
    receipt: str | None
    disputes: tuple[Dispute, ...] = ()  # only on the page of its booking


# Money that came and found no cabin, as long as nobody has sent it back.
WITHOUT_CABIN = and_(
    Payment.state == PaymentState.UNALLOCATED,
    ~exists().where(Refund.payment_id == Payment.id, Refund.state != RefundState.FAILED),
)


def payment_id(reference: str) -> int:
    """Raises NotFound."""
    return the_one(select(Payment.id).where(Payment.reference == reference), reference)


def refund_id(reference: str) -> int:
    """Raises NotFound."""
    return the_one(select(Refund.id).where(Refund.reference == reference), reference)


def cancellation(reference: str) -> CancellationView:
    """Of the booking of this reference. Raises NotFound where nothing is kept of it."""
    kept = select(Cancellation.id).join(Booking).where(Booking.reference == reference, Cancellation.limit_minor > 0)
    return cancellation_view(the_one(kept, reference))


@dataclass(frozen=True)
class PaymentsPage:
    expected: tuple[PaymentRow, ...]
    expected_sum: dict[str, Money]  # by currency
    unallocated: tuple[PaymentRow, ...]
    wanted: str | None
    paging: Paging  # of the transfers expected


def payments_page(wanted: str | None, page: int) -> PaymentsPage:
    """Two statements. By its reference or its booking's, a transfer is found that is no longer expected, too:
    money may come late."""
    waiting = and_(Payment.method == Method.TRANSFER, Payment.state == PaymentState.OPEN)
    if wanted:
        late = Payment.state.in_([PaymentState.OPEN, PaymentState.EXPIRED])
        of_booking = Payment.booking_id.in_(select(Booking.id).where(Booking.reference == wanted))
        waiting = and_(Payment.method == Method.TRANSFER, late, or_(Payment.reference == wanted, of_booking))
    sums = db.session.execute(
        select(Payment.currency, func.count(), func.sum(Payment.amount_minor)).where(waiting).group_by(Payment.currency)
    ).all()
    at = paging(page, sum(count for _, count, _ in sums))
    awaited = select(Payment.id, literal(0).label("loose")).where(waiting).order_by(Payment.made_at)
    loose = select(Payment.id, literal(1).label("loose")).where(WITHOUT_CABIN).order_by(Payment.received_at)
    listed = union_all(
        select(awaited.limit(PAGE).offset(at.offset).subquery()), select(loose.limit(PAGE).subquery())
    ).subquery()
    rows = db.session.execute(
        _payments()
        .add_columns(listed.c.loose)
        .join(listed, listed.c.id == Payment.id)
        .order_by(listed.c.loose, func.coalesce(Payment.received_at, Payment.made_at), Payment.id)
    ).all()
    return PaymentsPage(
        expected=tuple(payment_row(*row) for *row, is_loose in rows if not is_loose),
        expected_sum={currency: Money(int(amount), currency) for currency, _, amount in sums},
        unallocated=tuple(payment_row(*row) for *row, is_loose in rows if is_loose),
        wanted=wanted,
        paging=at,
    )


def expected_transfer(reference: str) -> PaymentRow:
    """A transfer that is still waited for. Raises NotFound."""
    rows = _payment_rows(_payments().where(Payment.reference == reference, Payment.method == Method.TRANSFER))
    if not rows:
        raise NotFound(reference)
    return rows[0]


def _payments() -> Rows:
    return (
        select(Payment, Booking.reference, Booking.contact_name, Sailing.code)
        .join(Booking, Booking.id == Payment.booking_id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
    )


def _payment_rows(query: Rows) -> tuple[PaymentRow, ...]:
    return tuple(payment_row(*row) for row in db.session.execute(query))


def payment_row(payment: Payment, booking: str, contact_name: str | None, sailing: str) -> PaymentRow:
    return PaymentRow(
        id=payment.id,
        reference=payment.reference,
        booking=booking,
        contact_name=contact_name,
        sailing=sailing,
        method=payment.method,
        provider=payment.provider,
        state=payment.state,
        amount=payment.amount,
        made_at=payment.made_at,
        received_at=payment.received_at,
        expires_at=payment.expires_at,
        receipt=payment.receipt,
    )


@dataclass(frozen=True)
class PlanVersion:
    version: int
    reason: FitReason
    note: str | None
    made_at: datetime
    parts: tuple[tuple[date, Money], ...]


@dataclass(frozen=True)
class PartsPage:
    booking_id: int
    reference: str
    currency: str
    contact_name: str | None
    contact_email: str | None
    contact_phone: str | None
    plan: PlanView
    history: tuple[PlanVersion, ...]
    cancel: CancelPreview | None  # None where it cannot be cancelled any more


def parts_page(reference: str, now: datetime) -> PartsPage:
    """Raises NotFound for a booking that is not paid in parts."""
    booking = db.session.scalars(select(Booking).where(Booking.reference == reference)).one_or_none()
    plan = live_plan(booking.id) if booking is not None else None
    if booking is None or plan is None:
        raise NotFound(reference)
    versions = db.session.scalars(
        select(BookingPlan)
        .where(BookingPlan.booking_id == booking.id)
        .order_by(BookingPlan.version.desc())
        .options(selectinload(BookingPlan.rows))
    )
    try:
        cancel = cancel_preview(booking.id, now)
    except NotCancellable:
        cancel = None
    return PartsPage(
        booking_id=booking.id,
        reference=reference,
        currency=booking.currency,
        contact_name=booking.contact_name,
        contact_email=booking.contact_email,
        contact_phone=booking.contact_phone,
        plan=plan_view(plan, paid_for(booking).minor, booking.currency, port_day(booking, now)),
        history=tuple(
            PlanVersion(
                one.version,
                one.reason,
                one.note,
                one.made_at,
                tuple((part.due, Money(part.minor, booking.currency)) for part in one.parts),
            )
            for one in versions
        ),
        cancel=cancel,
    )
