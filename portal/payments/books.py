"""The books compared with bookings, payments and refunds: whatever differs is told at once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, literal, or_, select

from portal.booking.models import Booking, BookingState, Charge
from portal.database import db, transaction
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.ledger.models import CLEARING, LedgerAccount, LedgerEntry, LedgerTransaction, PostingKind
from portal.outbox.services import announce
from portal.payments.models import BooksCheck, Payment, PaymentState, Refund, RefundState

log = logging.getLogger(__name__)

MOST = 200  # differences told of each kind: more are one fault
LIVE = (BookingState.PENDING, BookingState.CONFIRMED)
CAME = (PaymentState.SUCCEEDED, PaymentState.UNALLOCATED)
GOING = (RefundState.REQUESTED, RefundState.SENT)
# What moves the money of a payment itself; fees, disputes and payouts are agreed with the provider elsewhere.
OF_PAYMENTS = (
    PostingKind.OPENING,
    PostingKind.PAYMENT,
    PostingKind.AGENCY_CREDIT,
    PostingKind.UNALLOCATED,
    PostingKind.ALLOCATION,
    PostingKind.REFUND_REQUESTED,
    PostingKind.REFUND_SETTLED,
    PostingKind.REFUND_FAILED,
)


class DifferenceKind(StrEnum):
    UNBALANCED = "unbalanced"  # the entries of a posting do not sum to zero, or stand without it
    OWED = "owed"  # what a booking owes is not its price
    EARNED = "earned"  # a booking that is over still stands among sales
    HELD = "held"  # of a payment the guest has not what came less what went back
    RETURNING = "returning"  # what is on its way back is not what its refunds say
    CLEARED = "cleared"  # the channel has not what came less what has left


@dataclass(frozen=True)
class Difference:
    """reference: of a posting, a booking or a payment. expected, found: minor units."""

    kind: DifferenceKind
    reference: str
    currency: str
    expected: int
    found: int

    @property
    def expected_money(self) -> Money:
        return Money(self.expected, self.currency)

    @property
    def found_money(self) -> Money:
        return Money(self.found, self.currency)


def differences() -> tuple[Difference, ...]:
    """All that does not agree now, MOST of each kind. The statements do not grow with what there is to compare."""
    return tuple(_unbalanced()) + tuple(_of_bookings()) + tuple(_of_payments())


def _unbalanced() -> Iterator[Difference]:
    for reference, currency, found in db.session.execute(
        select(LedgerEntry.posting, LedgerEntry.currency, func.sum(LedgerEntry.minor))
        .outerjoin(LedgerTransaction, LedgerTransaction.reference == LedgerEntry.posting)
        .group_by(LedgerEntry.posting, LedgerEntry.currency)
        .having(or_(func.sum(LedgerEntry.minor) != 0, func.count(LedgerTransaction.id) < func.count(LedgerEntry.id)))
        .limit(MOST)
    ):
        yield Difference(DifferenceKind.UNBALANCED, reference, currency, 0, int(found))


def _of_bookings() -> Iterator[Difference]:
    entries = _sums(
        LedgerEntry.booking_id,
        LedgerEntry.payment_id.is_(None),
        guest=LedgerEntry.account == LedgerAccount.GUEST,
        sales=LedgerEntry.account == LedgerAccount.SALES,
        kept=LedgerEntry.account == LedgerAccount.KEPT,
    )
    prices = (
        select(Charge.booking_id, func.sum(Charge.amount_minor).label("price")).group_by(Charge.booking_id).subquery()
    )
    live = Booking.state.in_(LIVE)
    owed = case((live, func.coalesce(prices.c.price, 0)), else_=-func.coalesce(entries.c.kept, 0))
    sales = case((live, func.coalesce(entries.c.sales, 0)), else_=0)
    for kind, expected, found in (
        (DifferenceKind.OWED, owed, entries.c.guest),
        (DifferenceKind.EARNED, sales, entries.c.sales),
    ):
        yield from _read(
            kind,
            select(Booking.reference, Booking.currency, expected, func.coalesce(found, 0))
            .outerjoin(entries, (entries.c.of == Booking.id) & (entries.c.currency == Booking.currency))
            .outerjoin(prices, prices.c.booking_id == Booking.id)
            .where(func.coalesce(found, 0) != expected)
            .order_by(Booking.id),
        )


def _of_payments() -> Iterator[Difference]:
    ours = LedgerEntry.posting.in_(
        select(LedgerTransaction.reference).where(LedgerTransaction.kind.in_(OF_PAYMENTS))
    )
    entries = _sums(
        LedgerEntry.payment_id,
        ours,
        held=LedgerEntry.account.in_((LedgerAccount.GUEST, LedgerAccount.SUSPENSE)),
        refunds=LedgerEntry.account == LedgerAccount.REFUNDS,
        clearing=LedgerEntry.account.in_((*CLEARING, LedgerAccount.AGENCY)),
    )

    def back(*states: RefundState) -> ColumnElement[int]:
        return func.sum(case((Refund.state.in_(states), Refund.amount_minor), else_=0))

    refunds = (
        select(
            Refund.payment_id,
            back(*GOING).label("going"),
            back(RefundState.SUCCEEDED).label("gone"),
        )
        .group_by(Refund.payment_id)
        .subquery()
    )
    # What an agency pays for its credit is no money of a guest.
    came = case((Payment.state.in_(CAME) & Payment.settles_id.is_(None), Payment.amount_minor), else_=0)
    going, gone = func.coalesce(refunds.c.going, 0), func.coalesce(refunds.c.gone, 0)
    for kind, expected, found in (
        (DifferenceKind.HELD, going + gone - came, entries.c.held),
        (DifferenceKind.RETURNING, -going, entries.c.refunds),
        (DifferenceKind.CLEARED, came - gone, entries.c.clearing),
    ):
        yield from _read(
            kind,
            select(Payment.reference, Payment.currency, expected, func.coalesce(found, 0))
            .outerjoin(entries, (entries.c.of == Payment.id) & (entries.c.currency == Payment.currency))
            .outerjoin(refunds, refunds.c.payment_id == Payment.id)
            .where(func.coalesce(found, 0) != expected)
            .order_by(Payment.id),
        )


def _sums(of: Any, which: ColumnElement[bool], **accounts: ColumnElement[bool]) -> Subquery:
    """By what `of` names and currency: the sum of the entries of each group of accounts."""
    columns = [
        func.sum(case((account, LedgerEntry.minor), else_=literal(0))).label(name) for name, account in accounts.items()
    ]
    return (
        select(of.label("of"), LedgerEntry.currency, *columns)
        .where(which, of.is_not(None))
        .group_by(of, LedgerEntry.currency)
        .subquery()
    )


def _read(kind: DifferenceKind, query: Select[Any]) -> Iterator[Difference]:
    for reference, currency, expected, found in db.session.execute(query.limit(MOST)):
        yield Difference(kind, reference, currency, int(expected), int(found))


def check_books(now: datetime) -> tuple[Difference, ...]:
    """Compare everything and keep what differs. Announces payments.books_differ where anything does."""
    with transaction() as session:
        found = differences()
        check = BooksCheck(
            checked_at=now,
            postings=session.scalar(select(func.count()).select_from(LedgerTransaction)) or 0,
            differences=[asdict(one) for one in found],
        )
        session.add(check)
        session.flush()
        if found:
            announce("payments.books_differ", check_id=check.id)
    for one in found:
        log.error("the books differ: %s of %s is %d, not %d", one.kind, one.reference, one.found, one.expected)
    return found


def check_daily(now: datetime) -> bool:
    """The check of this day, unless it was made; whether it was made now."""
    last = last_check()
    if last is not None and day_of(last.checked_at, OFFICE_ZONE) >= day_of(now, OFFICE_ZONE):
        return False
    check_books(now)
    return True


@dataclass(frozen=True)
class CheckView:
    checked_at: datetime
    postings: int
    differences: tuple[Difference, ...]


def last_check() -> CheckView | None:
    """One statement."""
    check = db.session.scalars(select(BooksCheck).order_by(BooksCheck.id.desc()).limit(1)).one_or_none()
    return None if check is None else read_check(check)


def read_check(check: BooksCheck) -> CheckView:
    return CheckView(
        check.checked_at,
        check.postings,
        tuple(Difference(**(row | {"kind": DifferenceKind(row["kind"])})) for row in check.differences),
    )
