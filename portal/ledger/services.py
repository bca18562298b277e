"""Post what happened to the money: the only writers of the ledger, called in the transaction of the act itself.

Each posting has a key made from what happened, so that telling it twice writes it once. Amounts are positive unless
said otherwise; what is written of a booking needs its lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select

from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction, PostingKind


class Unbalanced(ValueError):
    """Entries of one currency that do not sum to zero: a mistake in the program, never of its user."""


class PostedOtherwise(ValueError):
    """The key of a posting was used for other entries: two events under one name, of which one would be lost."""


@dataclass(frozen=True)
class Entry:
    """A debit where `amount` is above zero, a credit below; of the posting's own booking unless another is named."""

    account: LedgerAccount
    amount: Money
    payment_id: int | None = None
    booking_id: int | None = None


def post(
    kind: PostingKind,
    *,
    key: str,
    booking_id: int | None,
    entries: Iterable[Entry],
    now: datetime,
    subject: str | None = None,
) -> str | None:
    """Write one posting and say its reference; None where nothing moves. A second time with this key it is the first.

    Raises Unbalanced where the entries of a currency do not sum to zero, and PostedOtherwise where the first had other
    entries; then nothing is written.
    """
    moving = [entry for entry in entries if entry.amount.minor]
    _check(moving)
    if not moving:
        return None
    with transaction() as session:
        session.flush()  # rows that the entries point to
        known = session.scalar(select(LedgerTransaction.reference).where(LedgerTransaction.key == key))
        if known is not None:
            if _amounts_of(known) != sorted((entry.account, entry.amount.minor) for entry in moving):
                raise PostedOtherwise(key)
            return known
        reference = new_reference()
        session.execute(
            insert(LedgerEntry),
            [
                {
                    "posting": reference,
                    "account": entry.account,
                    "booking_id": entry.booking_id or booking_id,
                    "payment_id": entry.payment_id,
                    "minor": entry.amount.minor,
                    "currency": entry.amount.currency,
                }
                for entry in moving
            ],
        )
        session.execute(
            insert(LedgerTransaction),
            [
                {
                    "reference": reference,
                    "kind": kind,
                    "key": key,
                    "booking_id": booking_id,
                    "subject": subject,
                    "at": now,
                    "recorded_at": real_now(),
                }
            ],
        )
    return reference


def _amounts_of(reference: str) -> list[tuple[LedgerAccount, int]]:
    rows = db.session.execute(
        select(LedgerEntry.account, LedgerEntry.minor).where(LedgerEntry.posting == reference)
    )
    return sorted((account, minor) for account, minor in rows)


def _check(entries: Iterable[Entry]) -> None:
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.amount.currency] = sums.get(entry.amount.currency, 0) + entry.amount.minor
    if any(sums.values()):
        raise Unbalanced(sums)


# ---------- What is owed ----------


def post_charge(*, booking_id: int, key: str, price: Money, kept: Money, now: datetime) -> None:
    """A booking is agreed: its guest owes the price, of which changes have kept `kept`. key: the occasion, once."""
    post(
        PostingKind.CHARGE,
        key=f"charge:{key}",
        booking_id=booking_id,
        entries=[
            Entry(LedgerAccount.GUEST, price),
            Entry(LedgerAccount.SALES, kept - price),
            Entry(LedgerAccount.KEPT, -kept),
        ],
        now=now,
    )


def post_charge_ended(*, booking_id: int, key: str, currency: str, now: datetime) -> None:
    """The time to pay is over: nothing is owed any more."""
    _post_end(PostingKind.CHARGE_ENDED, f"ended:{key}", booking_id, Money(0, currency), now)


def post_cancellation(*, booking_id: int, reference: str, kept: Money, now: datetime) -> None:
    """A booking is cancelled: of its price only `kept` stays owed, with what earlier changes kept."""
    _post_end(PostingKind.CANCELLATION, f"cancelled:{reference}", booking_id, kept, now)


def _post_end(kind: PostingKind, key: str, booking_id: int, kept: Money, now: datetime) -> None:
    sales = _stands(LedgerAccount.SALES, booking_id, kept.currency)
    before = _stands(LedgerAccount.KEPT, booking_id, kept.currency)
    post(
        kind,
        key=key,
        booking_id=booking_id,
        entries=[
            Entry(LedgerAccount.SALES, -sales),
            Entry(LedgerAccount.KEPT, -before - kept),
            Entry(LedgerAccount.GUEST, sales + before + kept),
        ],
        now=now,
    )


def _stands(account: LedgerAccount, booking_id: int, currency: str) -> Money:
    minor = db.session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.minor), 0)).where(
            LedgerEntry.booking_id == booking_id,
            LedgerEntry.account == account,
            LedgerEntry.currency == currency,
        )
    )
    return Money(int(minor or 0), currency)


def post_price_change(
    *, booking_id: int, change: str, before: Money, after: Money, kept: Money, now: datetime
) -> None:
    """A change of what was agreed is made: the price is `after`, with `kept` of what became cheaper."""
    difference = after - before
    post(
        PostingKind.PRICE_CHANGE,
        key=f"change:{change}",
        booking_id=booking_id,
        subject=change,
        entries=[
            Entry(LedgerAccount.GUEST, difference),
            Entry(LedgerAccount.SALES, kept - difference),
            Entry(LedgerAccount.KEPT, -kept),
        ],
        now=now,
    )


# ---------- What came ----------


def post_payment(
    *, booking_id: int, payment_id: int, payment: str, amount: Money, clearing: LedgerAccount, now: datetime
) -> None:
    """Money came and counts to its booking. payment: its reference; clearing: the channel's account."""
    post(
        PostingKind.PAYMENT,
        key=f"payment:{payment}",
        booking_id=booking_id,
        subject=payment,
        entries=_from(clearing, LedgerAccount.GUEST, amount, payment_id),
        now=now,
    )


def post_unallocated(
    *,
    booking_id: int | None,
    payment_id: int | None,
    payment: str,
    amount: Money,
    clearing: LedgerAccount,
    now: datetime,
) -> None:
    """Money came that finds no cabin, comes twice, or that nobody knows; payment: what it is called, one for each."""
    post(
        PostingKind.UNALLOCATED,
        key=f"payment:{payment}",
        booking_id=booking_id,
        subject=payment,
        entries=_from(clearing, LedgerAccount.SUSPENSE, amount, payment_id),
        now=now,
    )


def post_allocation(*, booking_id: int, payment_id: int, payment: str, amount: Money, now: datetime) -> None:
    """Money that lay in suspense counts to a booking after all."""
    post(
        PostingKind.ALLOCATION,
        key=f"allocated:{payment}",
        booking_id=booking_id,
        subject=payment,
        entries=_from(LedgerAccount.SUSPENSE, LedgerAccount.GUEST, amount, payment_id),
        now=now,
    )


def _from(debit: LedgerAccount, credit: LedgerAccount, amount: Money, payment_id: int | None = None) -> list[Entry]:
    return [Entry(debit, amount, payment_id), Entry(credit, -amount, payment_id)]


# ---------- What agencies answer for ----------


def post_agency_credit(*, booking_id: int, payment_id: int, payment: str, amount: Money, now: datetime) -> None:
    """An agency answers for a part of the price: the guest owes it no more, the agency does."""
    post(
        PostingKind.AGENCY_CREDIT,
        key=f"payment:{payment}",
        booking_id=booking_id,
        subject=payment,
        entries=_from(LedgerAccount.AGENCY, LedgerAccount.GUEST, amount, payment_id),
        now=now,
    )


def post_agency_paid(*, booking_id: int, payment_id: int, payment: str, amount: Money, now: datetime) -> None:
    """An agency has paid by transfer."""
    post(
        PostingKind.AGENCY_PAID,
        key=f"payment:{payment}",
        booking_id=booking_id,
        subject=payment,
        entries=_from(LedgerAccount.BANK, LedgerAccount.AGENCY, amount, payment_id),
        now=now,
    )


def post_commission(*, booking_id: int, payment_id: int, number: str, amount: Money, now: datetime) -> None:
    """An agency has earned a commission; below zero: less than before. number: of its credit, with the how many-th."""
    post(
        PostingKind.COMMISSION,
        key=f"commission:{number}",
        booking_id=booking_id,
        subject=number.partition(":")[0],
        entries=_from(LedgerAccount.COMMISSION, LedgerAccount.AGENCY, amount, payment_id),
        now=now,
    )


def post_agency_payout(*, booking_id: int, payment_id: int, number: str, amount: Money, now: datetime) -> None:
    """What stood in an agency's favour was transferred to it. number: of its credit, with the how many-th."""
    post(
        PostingKind.AGENCY_PAYOUT,
        key=f"payout:{number}",
        booking_id=booking_id,
        subject=number.partition(":")[0],
        entries=_from(LedgerAccount.AGENCY, LedgerAccount.BANK, amount, payment_id),
        now=now,
    )


# ---------- What goes back ----------


@dataclass(frozen=True)
class Returning:
    """A sum of one payment on its way back. refund: its reference, with the number of the attempt."""

    booking_id: int
    payment_id: int
    refund: str
    attempt: int
    amount: Money


def post_refund_requested(refund: Returning, *, held_in: LedgerAccount, now: datetime) -> None:
    """A sum is on its way back. held_in: GUEST for money of the booking, SUSPENSE for money that found no place."""
    _post_refund(PostingKind.REFUND_REQUESTED, "", refund, held_in, LedgerAccount.REFUNDS, now)


def post_refund_settled(refund: Returning, *, clearing: LedgerAccount, now: datetime) -> None:
    """The money has left us through the channel."""
    _post_refund(PostingKind.REFUND_SETTLED, ":settled", refund, LedgerAccount.REFUNDS, clearing, now)


def post_refund_failed(
    refund: Returning, *, held_in: LedgerAccount, came_back_to: LedgerAccount | None, now: datetime
) -> None:
    """A refund did not reach the guest: the money is his as before. came_back_to: the channel, where it had left us."""
    source = came_back_to or LedgerAccount.REFUNDS
    _post_refund(PostingKind.REFUND_FAILED, ":failed", refund, source, held_in, now)


def _post_refund(
    kind: PostingKind, step: str, refund: Returning, debit: LedgerAccount, credit: LedgerAccount, now: datetime
) -> None:
    post(
        kind,
        key=f"refund:{refund.refund}:{refund.attempt}{step}",
        booking_id=refund.booking_id,
        subject=refund.refund,
        entries=_from(debit, credit, refund.amount, refund.payment_id),
        now=now,
    )
