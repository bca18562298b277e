"""The account of one booking, told to its guest line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import func, select

from portal.booking.queries import BookingPage
from portal.database import db
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction, PostingKind
from portal.payments.models import Payment

# What a posting means to a guest; a subject is the number of his payment, return or change.
WORDS: dict[PostingKind, LazyString] = {
    PostingKind.OPENING: _l("Carried over from before this account was kept"),
    PostingKind.CHARGE: _l("Price of the cruise, as agreed"),
    PostingKind.CHARGE_ENDED: _l("Not paid in time: nothing is owed any more"),
    PostingKind.PRICE_CHANGE: _l("Change %(number)s: what it changes in the price"),
    PostingKind.CANCELLATION: _l("Booking cancelled: what you need not pay any more"),
    PostingKind.PAYMENT: _l("Your payment %(number)s"),
    PostingKind.ALLOCATION: _l("Your payment %(number)s, counted to this booking"),
    PostingKind.REFUND_REQUESTED: _l("Return %(number)s to you"),
    PostingKind.REFUND_FAILED: _l("Return %(number)s did not reach you; the money stays yours"),
    PostingKind.DISPUTE_LOST: _l("Your bank took payment %(number)s back"),
    PostingKind.AGENCY_CREDIT: _l("Paid for you by your agency"),
}
# The same of what others pay: whoever that is, for some would rather not have their sum beside their name.
OF_OTHERS: dict[PostingKind, LazyString] = {
    PostingKind.PAYMENT: _l("Payment %(number)s of another payer"),
    PostingKind.REFUND_REQUESTED: _l("Return %(number)s to another payer"),
    PostingKind.REFUND_FAILED: _l("Return %(number)s did not reach another payer; the money stays his"),
    PostingKind.DISPUTE_LOST: _l("The bank of another payer took payment %(number)s back"),
}
OTHER = _l("Correction %(number)s")


@dataclass(frozen=True)
class StatementLine:
    """What one posting changed. change: so much more is to be paid, or less; left: to pay after it."""

    at: datetime
    words: LazyString
    number: str
    change: Money
    left: Money  # below zero it is the guest's

    @property
    def text(self) -> str:
        return str(self.words) % {"number": self.number}


@dataclass(frozen=True)
class Statement:
    lines: tuple[StatementLine, ...]
    charged: Money
    paid: Money
    left: Money
    unallocated: Money
    returning: Money


def statement_of(page: BookingPage) -> Statement:
    """One statement."""
    guest = LedgerEntry.account == LedgerAccount.GUEST
    rows = db.session.execute(
        select(
            LedgerTransaction.at,
            LedgerTransaction.kind,
            LedgerTransaction.subject,
            func.max(Payment.share_id),
            func.sum(LedgerEntry.minor),
        )
        .join(LedgerEntry, LedgerEntry.posting == LedgerTransaction.reference)
        .outerjoin(Payment, Payment.id == LedgerEntry.payment_id)
        .where(LedgerEntry.booking_id == page.id, guest, LedgerEntry.currency == page.price.currency)
        .group_by(LedgerTransaction.id)
        .order_by(LedgerTransaction.id)
    ).all()
    balance, currency = page.balance, page.price.currency
    lines = []
    left = 0
    for at, kind, subject, share, change in rows:
        left += int(change)
        lines.append(
            StatementLine(
                at=at,
                words=(WORDS if share is None else OF_OTHERS).get(kind, OTHER),
                number=subject or "",
                change=Money(int(change), currency),
                left=Money(left, currency),
            )
        )
    return Statement(
        lines=tuple(lines),
        charged=Money(balance.charged, currency),
        paid=Money(balance.paid, currency),
        left=Money(balance.owed, currency),
        unallocated=Money(balance.unallocated, currency),
        returning=Money(balance.returning, currency),
    )
