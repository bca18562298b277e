"""Statements, their lines and the queue as pages need them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from portal.booking.models import Booking, Passenger
from portal.database import db, the_one
from portal.kernel.money import Money
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.shares.models import PaymentShare
from portal.payments.statements.matching import Awaited, Confidence, Ground
from portal.payments.statements.models import (
    BankAllocation,
    BankLine,
    BankStatement,
    LineState,
)

REMEMBERED = timedelta(days=400)  # a transfer that was chosen longer ago is not looked for
RECEIVED = (PaymentState.SUCCEEDED, PaymentState.UNALLOCATED)
SHOWN = 100


def came_column(payment_id: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """Minor units that statements brought for a payment, as part of a statement that names it."""
    return (
        select(func.coalesce(func.sum(BankAllocation.amount_minor), 0))
        .where(BankAllocation.payment_id == payment_id, BankAllocation.undone_at.is_(None))
        .correlate(Payment)
        .scalar_subquery()
    )


def surplus_column(payment_id: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """Minor units that came for a payment beyond what it lacked, and are still with us."""
    return (
        select(func.coalesce(func.sum(BankLine.left_minor), 0))
        .where(
            BankLine.payment_id == payment_id,
            BankLine.confidence.in_([Confidence.CERTAIN, Confidence.ASSIGNED]),
            BankLine.state.in_([LineState.WAITING, LineState.SUSPENSE, LineState.RETURNING]),
        )
        .correlate(Payment)
        .scalar_subquery()
    )


def came_for(payment_id: int) -> int:
    """Minor units that statements brought for one payment. One statement."""
    return int(db.session.scalar(select(came_column(Payment.id)).where(Payment.id == payment_id)) or 0)


def partial_transfers(
    booking_id: int, change_id: int | None, share_id: int | None = None
) -> list[tuple[Payment, int]]:
    """The transfers of which a part has come, with its minor units; of the booking's holder, for the
    booking itself or a change, or of the payer of a share.

    One statement.
    """
    came = _partial(booking_id, change_id, share_id).subquery()
    rows = db.session.execute(
        select(Payment, came.c.minor).join(came, came.c.payment_id == Payment.id).order_by(Payment.id)
    )
    return [(payment, int(minor)) for payment, minor in rows]


def _partial(booking_id: int, change_id: int | None, share_id: int | None) -> Select[int, int]:
    came = func.sum(BankAllocation.amount_minor)
    return (
        select(Payment.id.label("payment_id"), came.label("minor"))
        .join(BankAllocation, BankAllocation.payment_id == Payment.id)
        .where(
            Payment.booking_id == booking_id,
            Payment.change_id.is_not_distinct_from(change_id),
            Payment.share_id.is_not_distinct_from(share_id),
            Payment.settles_id.is_(None),
            Payment.state.not_in(RECEIVED),
            BankAllocation.undone_at.is_(None),
        )
        .group_by(Payment.id)
        .having(came < Payment.amount_minor)
    )


def transferred_for(booking_id: int, change_id: int | None, share_id: int | None = None) -> int:
    """Minor units that came by transfers that are not whole yet, as partial_transfers(). One statement."""
    return int(db.session.scalar(transferred_query(booking_id, change_id, share_id)) or 0)


def transferred_query(booking_id: int, change_id: int | None, share_id: int | None = None) -> Select[int]:
    came = _partial(booking_id, change_id, share_id).subquery()
    return select(func.coalesce(func.sum(came.c.minor), 0))


def awaited_transfers(now: datetime) -> tuple[Awaited, ...]:
    """Every transfer that money on a statement may be for. Two statements."""
    names: dict[int, list[str]] = defaultdict(list)
    waiting = (Payment.method == Method.TRANSFER, Payment.made_at > now - REMEMBERED)
    for booking_id, *parts in db.session.execute(
        select(
            Passenger.booking_id,
            Passenger.surname,
            Passenger.given_names,
            Passenger.local_surname,
            Passenger.local_given_names,
        ).where(
            Passenger.left_at.is_(None),
            Passenger.booking_id.in_(select(Payment.booking_id).where(*waiting, Payment.state.not_in(RECEIVED))),
        )
    ):
        names[booking_id] += [" ".join(filter(None, parts[:2])), " ".join(filter(None, parts[2:]))]
    rows = db.session.execute(
        select(
            Payment.id,
            Payment.reference,
            Booking.reference,
            Payment.amount_minor,
            came_column(Payment.id),
            Payment.currency,
            Payment.state,
            Payment.booking_id,
            func.coalesce(PaymentShare.name, Booking.contact_name),
        )
        .join(Booking, Booking.id == Payment.booking_id)
        .outerjoin(PaymentShare, PaymentShare.id == Payment.share_id)
        .where(*waiting)
        .order_by(Payment.id)
    )
    return tuple(_awaited(*row, names=names) for row in rows)


def _awaited(
    payment_id: int,
    reference: str,
    booking: str,
    minor: int,
    came: int,
    currency: str,
    state: PaymentState,
    booking_id: int,
    contact: str | None,
    *,
    names: dict[int, list[str]],
) -> Awaited:
    received = state in RECEIVED
    return Awaited(
        payment_id=payment_id,
        reference=reference,
        booking=booking,
        minor=minor - (0 if received else int(came)),
        currency=currency,
        names=tuple(dict.fromkeys(filter(None, [contact, *names[booking_id]]))),
        open=state is PaymentState.OPEN,
        received=received or came >= minor,
        by_hand=received and came == 0,
    )


@dataclass(frozen=True)
class LineView:
    """Money on a statement, with what was found out about it."""

    reference: str
    number: int
    booked_on: date
    amount: Money
    left: Money
    document: str
    payer: str
    payer_account: str
    payer_inn: str
    purpose: str
    state: LineState
    confidence: Confidence
    grounds: tuple[Ground, ...]
    statement: str
    payment: str | None
    booking: str | None
    lacking: Money | None  # of the payment
    uses: tuple[UseView, ...] = ()


@dataclass(frozen=True)
class UseView:
    payment: str
    booking: str
    amount: Money
    covered: bool  # the payment is received


def _line_view(line: BankLine, lacking: int | None, uses: tuple[UseView, ...] = ()) -> LineView:
    payment = line.payment
    return LineView(
        reference=line.reference,
        number=line.number,
        booked_on=line.booked_on,
        amount=line.amount,
        left=line.left,
        document=line.document,
        payer=line.payer,
        payer_account=line.payer_account,
        payer_inn=line.payer_inn,
        purpose=line.purpose,
        state=line.state,
        confidence=line.confidence,
        grounds=tuple(map(Ground, line.grounds)),
        statement=line.statement.reference,
        payment=payment.reference if payment else None,
        booking=payment.booking.reference if payment else None,
        lacking=Money(lacking, payment.currency) if payment and lacking is not None else None,
        uses=uses,
    )


_WHOLE = (joinedload(BankLine.payment).joinedload(Payment.booking), joinedload(BankLine.statement))


def _lines(*where: ColumnElement[bool], limit: int, offset: int = 0) -> tuple[LineView, ...]:
    rows = db.session.execute(
        select(BankLine, Payment.amount_minor - came_column(Payment.id))
        .outerjoin(Payment, Payment.id == BankLine.payment_id)
        .where(*where)
        .order_by(BankLine.id)
        .limit(limit)
        .offset(offset)
        .options(*_WHOLE)
    )
    return tuple(_line_view(line, lacking) for line, lacking in rows)


@dataclass(frozen=True)
class ShortView:
    """A transfer of which only a part has come."""

    payment: str
    booking: str
    amount: Money
    came: Money
    line: str  # the last that brought some of it
    waited_for: bool


@dataclass(frozen=True)
class StatementsPage:
    waiting: tuple[LineView, ...]
    waiting_count: int
    suspense: tuple[LineView, ...]
    returning: tuple[LineView, ...]
    short: tuple[ShortView, ...]
    statements: tuple[BankStatement, ...]  # the newest first


def statements_page(offset: int, limit: int) -> StatementsPage:
    """Six statements."""
    waiting = BankLine.state == LineState.WAITING
    return StatementsPage(
        waiting=_lines(waiting, limit=limit, offset=offset),
        waiting_count=count_waiting(),
        suspense=_lines(BankLine.state == LineState.SUSPENSE, limit=SHOWN),
        returning=_lines(BankLine.state == LineState.RETURNING, limit=SHOWN),
        short=_short(),
        statements=tuple(
            db.session.scalars(
                select(BankStatement)
                .order_by(BankStatement.id.desc())
                .limit(20)
                .options(joinedload(BankStatement.made_by))
            )
        ),
    )


def count_waiting() -> int:
    """How many lines wait for finance. One statement."""
    return db.session.scalar(select(func.count()).where(BankLine.state == LineState.WAITING)) or 0


def _short() -> tuple[ShortView, ...]:
    came = func.sum(BankAllocation.amount_minor)
    rows = db.session.execute(
        select(Payment, Booking.reference, came, func.max(BankLine.reference))
        .join(BankAllocation, BankAllocation.payment_id == Payment.id)
        .join(BankLine, BankLine.id == BankAllocation.line_id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(Payment.state.not_in(RECEIVED), BankAllocation.undone_at.is_(None))
        .group_by(Payment.id, Booking.reference)
        .having(came < Payment.amount_minor)
        .order_by(Payment.id)
        .limit(SHOWN)
    )
    return tuple(
        ShortView(
            payment=payment.reference,
            booking=booking,
            amount=payment.amount,
            came=Money(int(sum_), payment.currency),
            line=line,
            waited_for=payment.state is PaymentState.OPEN,
        )
        for payment, booking, sum_, line in rows
    )


def statement_by(reference: str) -> BankStatement:
    """Raises NotFound."""
    query = select(BankStatement).filter_by(reference=reference)
    return the_one(query.options(joinedload(BankStatement.made_by)), reference)


def lines_of(statement_id: int, limit: int = SHOWN) -> tuple[LineView, ...]:
    return _lines(BankLine.statement_id == statement_id, limit=limit)


def counts_of(statement_id: int) -> dict[LineState, tuple[int, int]]:
    """How many lines of a statement that was taken are in each state, and what is left of them. One statement."""
    return {
        state: (count, int(left))
        for state, count, left in db.session.execute(
            select(BankLine.state, func.count(), func.sum(BankLine.left_minor))
            .where(BankLine.statement_id == statement_id)
            .group_by(BankLine.state)
        )
    }


def line_page(reference: str) -> LineView:
    """One line with what it was used for. Raises NotFound. Three statements."""
    used = selectinload(BankLine.allocations).joinedload(BankAllocation.payment)
    line = the_one(select(BankLine).filter_by(reference=reference).options(*_WHOLE, used), reference)
    uses = tuple(
        UseView(
            payment=one.payment.reference,
            booking=one.payment.booking.reference,
            amount=Money(one.amount_minor, line.currency),
            covered=one.payment.state in RECEIVED,
        )
        for one in line.allocations
        if one.undone_at is None
    )
    lacking = None if line.payment is None else line.payment.amount_minor - came_for(line.payment.id)
    return _line_view(line, lacking, uses)


def line_id(reference: str) -> int:
    """Raises NotFound."""
    return the_one(select(BankLine.id).where(BankLine.reference == reference), reference)
