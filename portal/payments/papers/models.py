"""Numbered papers. The database refuses a gap in the numbers, and any change of a paper that was issued."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base
from portal.kernel.money import Money


class PaperKind(StrEnum):
    INVOICE = "invoice"  # what a booking costs, once it is confirmed; or what is kept of it
    CREDIT_NOTE = "credit_note"  # takes one invoice back, whole
    RECEIPT = "receipt"  # money came
    REFUND_RECEIPT = "refund_receipt"  # money went back


# The series of a kind begins anew every year of the office: INV-2024.
SERIES: dict[PaperKind, str] = {
    PaperKind.INVOICE: "INV",
    PaperKind.CREDIT_NOTE: "CRN",
    PaperKind.RECEIPT: "RCT",
    PaperKind.REFUND_RECEIPT: "RFD",
}


class PaperSeries(Base):
    """Its row is the lock of a series: whoever holds it gives the next number, and gives it back by failing."""

    __tablename__ = "paper_series"

    series: Mapped[str] = mapped_column(String(12), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


class MoneyPaper(Base):
    """One paper. content: {"facts": the data set, "words": by language what is printed}."""

    __tablename__ = "money_paper"
    __table_args__ = (
        UniqueConstraint("series", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("(kind = 'credit_note') = (reverses_id IS NOT NULL)", name="credit_note_reverses"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(ForeignKey("paper_series.series"))
    number: Mapped[int]
    kind: Mapped[PaperKind]
    key: Mapped[str] = mapped_column(String(60), unique=True)  # of what it is for: asked for twice, it is the same
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("money_paper.id"), unique=True)
    total_minor: Mapped[int] = mapped_column(BigInteger)  # below zero on a credit note
    currency: Mapped[str] = mapped_column(String(3))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    issued_at: Mapped[datetime] = mapped_column(index=True)

    @property
    def name(self) -> str:
        return paper_name(self.series, self.number)

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)


class PaperPrint(Base):
    """A paper as it was first given out in a language; every later making must be the same bytes."""

    __tablename__ = "paper_print"
    __table_args__ = (UniqueConstraint("paper_id", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[int] = mapped_column(ForeignKey("money_paper.id"))
    language: Mapped[str] = mapped_column(String(2))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the PDF
    made_at: Mapped[datetime]


class FiscalSettlement(Base):
    """That the prepayments of a booking were set off when its voyage was over; content: what the cash register got."""

    __tablename__ = "fiscal_settlement"
    __table_args__ = (
        CheckConstraint("total_minor >= 0", name="total_not_negative"),
        CheckConstraint("(content IS NULL) = (total_minor = 0)", name="content_with_total"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), unique=True)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    made_at: Mapped[datetime]


def paper_name(series: str, number: int) -> str:
    """ "INV-2024-00017"."""
    return f"{series}-{number:05d}"
