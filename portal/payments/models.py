"""Attempts to pay, and the provider's events."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.booking.models import Booking, BookingChange
from portal.database import Base, index_where, unique_where
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.states import Moves
from portal.ledger.models import LedgerAccount
from portal.payments.providers.base import DisputeStatus
from portal.payments.shares.models import PaymentShare


class Method(StrEnum):
    CARD = "card"  # at once, on the page of a provider
    TRANSFER = "transfer"
    DESK = "desk"  # by hand, to our staff
    CREDIT = "credit"  # no money yet: an agency answers for it


class Tender(StrEnum):
    """What was handed over at the desk."""

    CASH = "cash"
    TERMINAL = "terminal"  # a card, on the desk's own terminal


# Where the money of each provider lies, and from where it goes back; without a provider it is our own bank account.
CLEARED_IN: dict[str | None, LedgerAccount] = {
    None: LedgerAccount.BANK,
    "stripe": LedgerAccount.STRIPE,
    "yookassa": LedgerAccount.YOOKASSA,
    "turkmenbank": LedgerAccount.TURKMEN_GATEWAY,
}


# Before that, by how it was paid.
BY_METHOD: dict[Method, LedgerAccount] = {Method.DESK: LedgerAccount.DESK, Method.CREDIT: LedgerAccount.AGENCY}


class PaymentState(StrEnum):
    CREATED = "created"  # nobody outside has been asked yet
    OPEN = "open"  # a checkout page or an invoice waits for the customer
    SUCCEEDED = "succeeded"
    UNALLOCATED = "unallocated"  # money came, but its cabin was gone: staff decide with the customer
    FAILED = "failed"
    EXPIRED = "expired"


PAYMENT_MOVES: Moves[PaymentState] = {
    PaymentState.CREATED: {PaymentState.OPEN, PaymentState.FAILED, PaymentState.EXPIRED},
    PaymentState.OPEN: {
        PaymentState.SUCCEEDED,
        PaymentState.UNALLOCATED,
        PaymentState.FAILED,
        PaymentState.EXPIRED,
    },
    # Money may come after we stopped expecting it; it is never turned away unseen.
    PaymentState.EXPIRED: {PaymentState.SUCCEEDED, PaymentState.UNALLOCATED},
    PaymentState.FAILED: {PaymentState.SUCCEEDED, PaymentState.UNALLOCATED},
}


class LateOfferState(StrEnum):
    NONE = "none"  # no equal cabin was free: staff settle it with the guest
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"


OPEN = "state IN ('created', 'open')"


class Payment(Base):
    """One attempt to pay; never deleted."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "(state IN ('succeeded', 'unallocated')) = (received_at IS NOT NULL)", name="received_with_time"
        ),
        CheckConstraint("(method = 'card') = (provider IS NOT NULL)", name="online_with_provider"),
        CheckConstraint("(receipt IS NULL) = (tender IS NULL)", name="receipt_with_tender"),
        CheckConstraint("receipt IS NULL OR method = 'desk'", name="receipt_at_desk"),
        # One open attempt of a booking with each provider: a double click finds the first one.
        unique_where("uq_payment_open", "booking_id", "provider", where=f"{OPEN} AND share_id IS NULL"),
        unique_where(
            "uq_payment_open_offline",
            "booking_id",
            "method",
            where=f"{OPEN} AND provider IS NULL AND share_id IS NULL AND settles_id IS NULL",
        ),
        CheckConstraint("method <> 'credit' OR agency_id IS NOT NULL", name="credit_of_agency"),
        CheckConstraint(
            "settles_id IS NULL OR (method = 'transfer' AND agency_id IS NOT NULL)", name="settled_by_agency"
        ),
        # And one of each share of it, and of each credit of an agency.
        unique_where("uq_payment_open_settlement", "settles_id", where=OPEN),
        unique_where("uq_payment_open_share", "share_id", "provider", where=OPEN),
        unique_where("uq_payment_open_share_offline", "share_id", "method", where=f"{OPEN} AND provider IS NULL"),
        UniqueConstraint("provider", "session_id"),
        UniqueConstraint("provider", "payment_intent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    method: Mapped[Method]
    provider: Mapped[str | None] = mapped_column(String(20))  # who takes the money; None: our own bank account
    state: Mapped[PaymentState] = mapped_column(default=PaymentState.CREATED)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]  # real time: the provider's clock
    session_id: Mapped[str | None] = mapped_column(String(120))
    checkout_url: Mapped[str | None] = mapped_column(String(2000))
    payment_intent: Mapped[str | None] = mapped_column(String(120))
    received_at: Mapped[datetime | None]
    received_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    # Of online payments, by real time:
    asked_at: Mapped[datetime | None]  # when the provider was last asked about it in the background
    noted_at: Mapped[datetime | None]  # when we learnt that the money is there
    # when it was found among the provider's own movements, or the provider was last asked whether it is still there
    matched_at: Mapped[datetime | None]
    change_id: Mapped[int | None] = mapped_column(ForeignKey("booking_change.id"))  # None: it is for the booking itself
    share_id: Mapped[int | None] = mapped_column(ForeignKey("payment_share.id"), index=True)  # None: the holder's own
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"), index=True)  # who answers for it, or pays
    settles_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)  # the credit that it pays for
    tender: Mapped[Tender | None]
    receipt: Mapped[str | None] = mapped_column(String(40))  # its number, as the desk's cash register printed it

    booking: Mapped[Booking] = relationship()
    change: Mapped[BookingChange | None] = relationship()
    share: Mapped[PaymentShare | None] = relationship()

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def clearing(self) -> LedgerAccount:
        return BY_METHOD.get(self.method) or CLEARED_IN[self.provider]

    @property
    def held_in(self) -> LedgerAccount:
        """Whether its money counts to the booking, or to nothing yet."""
        return LedgerAccount.SUSPENSE if self.state is PaymentState.UNALLOCATED else LedgerAccount.GUEST


class ProviderEvent(Base):
    """An event that a provider sent, stored before it is acted on; each is acted on once."""

    __tablename__ = "provider_event"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        index_where("ix_provider_event_waiting", "id", where="handled_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(120))
    type: Mapped[str] = mapped_column(String(80))
    session_id: Mapped[str | None] = mapped_column(String(120))
    refund_id: Mapped[str | None] = mapped_column(String(120))
    dispute_id: Mapped[str | None] = mapped_column(String(120))
    received_at: Mapped[datetime]  # real time, like the following
    tries: Mapped[int] = mapped_column(default=0)  # that came to nothing, because the provider was away or we failed
    next_try_at: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]


class RefundState(StrEnum):
    REQUESTED = "requested"
    SENT = "sent"  # the provider has it; the money is on its way
    SUCCEEDED = "succeeded"
    FAILED = "failed"


REFUND_MOVES: Moves[RefundState] = {
    RefundState.REQUESTED: {RefundState.SENT, RefundState.SUCCEEDED, RefundState.FAILED},
    RefundState.SENT: {RefundState.SUCCEEDED, RefundState.FAILED},
    RefundState.SUCCEEDED: {RefundState.FAILED},  # a bank may send money back days later
    RefundState.FAILED: {RefundState.REQUESTED},
}


class RefundReason(StrEnum):
    CANCELLED = "cancelled"
    NO_CABIN = "no_cabin"


class Refund(Base):
    """Money of one payment that goes back the way it came. A trigger keeps their sum below what was paid."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("state <> 'succeeded' OR settled_at IS NOT NULL", name="succeeded_with_time"),
        UniqueConstraint("provider", "provider_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    provider: Mapped[str | None] = mapped_column(String(20))  # who gives it back; None: we do, by transfer
    state: Mapped[RefundState] = mapped_column(default=RefundState.REQUESTED, index=True)
    reason: Mapped[RefundReason]
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # in the payment's currency
    attempt: Mapped[int] = mapped_column(default=1)
    requested_at: Mapped[datetime]
    provider_id: Mapped[str | None] = mapped_column(String(120))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    # By real time, of the present attempt:
    asked_at: Mapped[datetime | None]  # when the provider was last asked for it or about it
    matched_at: Mapped[datetime | None]  # when it was found among the provider's own movements

    payment: Mapped[Payment] = relationship()

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.payment.currency)

    @property
    def clearing(self) -> LedgerAccount:
        """Taken by hand, it is given back by hand; what an agency answered for, it answers for no more."""
        by_method = BY_METHOD.get(self.payment.method) if self.provider is None else None
        return by_method or CLEARED_IN[self.provider]


class RefundApproval(Base):
    """A refund above the limit for one person: it waits for somebody of staff who did not ask for it."""

    __tablename__ = "refund_approval"
    __table_args__ = (
        CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name="approved_with_time"),
        index_where("ix_refund_approval_open", "refund_id", where="approved_at IS NULL"),
    )

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    asked_by: Mapped[str] = mapped_column(String(60))  # as the audit trail names whoever acts
    asked_at: Mapped[datetime]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    approved_at: Mapped[datetime | None]

    refund: Mapped[Refund] = relationship()


DISPUTE_OPEN = (DisputeStatus.ANSWER_NEEDED, DisputeStatus.REVIEW)
# A bank may open again what it closed, and decide otherwise.
DISPUTE_MOVES: Moves[DisputeStatus] = {one: {other for other in DisputeStatus if other != one} for one in DisputeStatus}


class Dispute(Base):
    """A guest asked his bank to take a payment back; the bank decides. Never deleted."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("provider", "provider_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        index_where("ix_dispute_open", "id", where="state IN ('answer_needed', 'review')"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    provider: Mapped[str] = mapped_column(String(20))
    provider_id: Mapped[str] = mapped_column(String(120))
    state: Mapped[DisputeStatus]
    reason: Mapped[str] = mapped_column(String(60))  # the provider's code
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    withdrawn: Mapped[bool]  # the provider has taken the money from us until the bank decides; not so for a question
    answer_by: Mapped[datetime | None]  # real time: the provider's clock
    opened_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    shifts: Mapped[int] = mapped_column(default=0)  # how often its money went from one account to another

    payment: Mapped[Payment] = relationship()

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class ComparedDay(Base):
    """A day (UTC, real time) whose movements at a provider were compared with our rows."""

    __tablename__ = "compared_day"
    __table_args__ = (UniqueConstraint("provider", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    day: Mapped[date]
    movements: Mapped[int]
    compared_at: Mapped[datetime]  # real time


class MismatchKind(StrEnum):
    PAYMENT_UNKNOWN = "payment_unknown"  # the provider took money that no payment of ours expects
    PAYMENT_NOT_NOTED = "payment_not_noted"  # it took the money of a payment that we do not know to be paid
    PAYMENT_AMOUNT = "payment_amount"
    PAYMENT_MISSING = "payment_missing"  # we noted money that the provider does not list
    REFUND_UNKNOWN = "refund_unknown"  # made beside the portal
    REFUND_AMOUNT = "refund_amount"
    REFUND_NOT_NOTED = "refund_not_noted"
    REFUND_MISSING = "refund_missing"
    REFUND_CAME_BACK = "refund_came_back"  # the bank refused it later; we still call it returned
    DISPUTE_UNKNOWN = "dispute_unknown"


class Mismatch(Base):
    """Where a provider's list of movements and our rows say different things; closed by finance, or when it is gone."""

    __tablename__ = "mismatch"
    __table_args__ = (
        unique_where("uq_mismatch_open", "provider", "kind", "subject", where="closed_at IS NULL"),
        index_where("ix_mismatch_open", "id", where="closed_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    provider: Mapped[str] = mapped_column(String(20))
    kind: Mapped[MismatchKind]
    subject: Mapped[str] = mapped_column(String(120))  # our reference, or the provider's name for the money
    booking: Mapped[str | None] = mapped_column(String(8))  # reference, where it is known
    ours_minor: Mapped[int | None] = mapped_column(BigInteger)
    theirs_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    day: Mapped[date]
    found_at: Mapped[datetime]  # real time
    closed_at: Mapped[datetime | None]  # real time
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))  # None: it was gone by itself
    note: Mapped[str | None] = mapped_column(String(500))


class BooksCheck(Base):
    """One comparison of the ledger with bookings, payments and refunds. differences: see books.Difference."""

    __tablename__ = "books_check"

    id: Mapped[int] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(index=True)
    postings: Mapped[int] = mapped_column(BigInteger)
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class LateOffer(Base):
    """What was offered for money whose cabin was gone. `cabins`: [{"was": occupancy, "now": occupancy kept}]."""

    __tablename__ = "late_offer"
    __table_args__ = (
        CheckConstraint("(state = 'none') = (expires_at IS NULL)", name="offered_until"),
        index_where("ix_late_offer_open", "expires_at", where="state = 'open'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), unique=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    state: Mapped[LateOfferState]
    cabins: Mapped[list[dict[str, int]]] = mapped_column(JSON, default=list)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]

    def open_at(self, now: datetime) -> bool:
        return self.state is LateOfferState.OPEN and self.expires_at is not None and now < self.expires_at
