"""Postings and their entries. The database refuses what does not add up, and any change of what stands."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Base


class LedgerAccount(StrEnum):
    """The chart of accounts."""

    GUEST = "guest"  # what guests owe, booking by booking; below zero it is theirs
    SALES = "sales"  # agreed and not yet earned: the cruise is ahead
    KEPT = "kept"  # what the conditions for changes and cancellations keep
    STRIPE = "stripe"  # money that the provider has taken in and not paid out
    BANK = "bank"
    YOOKASSA = "yookassa"
    TURKMEN_GATEWAY = "turkmen_gateway"
    DESK = "desk"
    SUSPENSE = "suspense"  # money that came and that nobody could count to a booking
    REFUNDS = "refunds"  # money on its way back
    DISPUTES = "disputes"  # taken back by a guest's bank until the dispute is decided
    AGENCY = "agency"  # what agencies owe for bookings on credit
    FEES = "fees"  # what providers keep for their service
    COMMISSION = "commission"  # what agencies keep of a price


# Where money lies once it came, one account for each channel.
CLEARING = (
    LedgerAccount.STRIPE,
    LedgerAccount.BANK,
    LedgerAccount.YOOKASSA,
    LedgerAccount.TURKMEN_GATEWAY,
    LedgerAccount.DESK,
)


class PostingKind(StrEnum):
    OPENING = "opening"  # what stood in a booking before there was a ledger
    CHARGE = "charge"
    CHARGE_ENDED = "charge_ended"  # the time to pay is over, nothing is owed
    PRICE_CHANGE = "price_change"
    CANCELLATION = "cancellation"
    PAYMENT = "payment"
    UNALLOCATED = "unallocated"
    ALLOCATION = "allocation"
    REFUND_REQUESTED = "refund_requested"
    REFUND_SETTLED = "refund_settled"
    REFUND_FAILED = "refund_failed"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    FEE = "fee"
    PAYOUT = "payout"
    AGENCY_CREDIT = "agency_credit"
    AGENCY_PAID = "agency_paid"
    COMMISSION = "commission"
    AGENCY_PAYOUT = "agency_payout"


class LedgerTransaction(Base):
    """One posting: what happened, once. Its row is written after its entries, and closes them.

    A trigger refuses it unless there are two entries or more and those of each currency sum to zero.
    """

    __tablename__ = "ledger_transaction"
    __table_args__ = (Index("ix_ledger_transaction_at", "at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    # Without a constraint of kinds: a table that is rebuilt for a new one would lose its triggers on SQLite.
    kind: Mapped[PostingKind] = mapped_column(
        Enum(
            PostingKind,
            native_enum=False,
            create_constraint=False,
            length=24,
            values_callable=lambda kinds: [kind.value for kind in kinds],
        )
    )
    key: Mapped[str] = mapped_column(String(80), unique=True)  # of the event: posted twice, it is the same posting
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"), index=True)
    subject: Mapped[str | None] = mapped_column(String(40))  # reference of the payment, refund or change it is about
    at: Mapped[datetime]  # business time
    recorded_at: Mapped[datetime]  # real time

    entries: Mapped[list[LedgerEntry]] = relationship(
        back_populates="transaction", order_by="LedgerEntry.id", viewonly=True
    )


class ExchangeRate(Base):
    """What finance noted for a day: 1 unit of `currency` is so many millionths of `against`. Nothing converts by it."""

    __tablename__ = "exchange_rate"
    __table_args__ = (
        CheckConstraint("rate_millionths > 0", name="rate_positive"),
        CheckConstraint("currency <> against", name="two_currencies"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    currency: Mapped[str] = mapped_column(String(3))
    against: Mapped[str] = mapped_column(String(3))
    rate_millionths: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(200))
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]  # real time


class LedgerEntry(Base):
    """One side of a posting: minor units of `currency`, above zero for a debit, below zero for a credit."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("minor <> 0", name="minor_not_zero"),
        Index("ix_ledger_entry_booking", "booking_id", "account"),
        Index("ix_ledger_entry_payment", "payment_id", "account"),
        Index("ix_ledger_entry_account", "account", "currency"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Deferrable: the entries stand first, their posting closes them.
    posting: Mapped[str] = mapped_column(
        ForeignKey("ledger_transaction.reference", deferrable=True, initially="DEFERRED"), index=True
    )
    account: Mapped[LedgerAccount]
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))  # money of this payment, where it is known
    minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))

    transaction: Mapped[LedgerTransaction] = relationship(back_populates="entries", viewonly=True)
