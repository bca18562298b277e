"""What money of a statement does in the books when it leaves suspense."""

from __future__ import annotations

from datetime import datetime

from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, PostingKind
from portal.ledger.services import Entry, post
from portal.payments.statements.models import BankAllocation


def post_found(allocation: BankAllocation, currency: str, now: datetime) -> None:
    """Money leaves suspense for a payment, whose receipt is posted as that of all money is."""
    post_gone(PostingKind.ALLOCATION, f"found:{allocation.id}", Money(allocation.amount_minor, currency), now)


def post_gone(kind: PostingKind, key: str, amount: Money, now: datetime) -> None:
    entries = [Entry(LedgerAccount.SUSPENSE, amount), Entry(LedgerAccount.BANK, -amount)]
    post(kind, key=key, booking_id=None, entries=entries, now=now)
