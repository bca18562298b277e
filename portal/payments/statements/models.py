"""Statements that were read, the money on them line by line, and what it was used for."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.database import Base, SealedText, index_where
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.states import Moves
from portal.payments.models import Payment
from portal.payments.statements.lines import StatementFormat
from portal.payments.statements.matching import Confidence


class StatementState(StrEnum):
    PREVIEW = "preview"  # read and shown; nothing was done with it yet
    TAKEN = "taken"


class LineState(StrEnum):
    WAITING = "waiting"  # some of it is left, and finance decides
    USED = "used"  # all of it is for payments
    SUSPENSE = "suspense"  # set aside until somebody knows whose it is
    RETURNING = "returning"  # what is left goes back by a transfer of ours
    RETURNED = "returned"


LINE_MOVES: Moves[LineState] = {
    LineState.WAITING: {LineState.USED, LineState.SUSPENSE, LineState.RETURNING},
    LineState.USED: {LineState.WAITING},
    LineState.SUSPENSE: {LineState.WAITING, LineState.USED, LineState.RETURNING},
    LineState.RETURNING: {LineState.RETURNED, LineState.WAITING},
}


class BankStatement(Base):
    """One file of the bank. The file itself is not kept: only its digest, its sums and its lines."""

    __tablename__ = "bank_statement"
    __table_args__ = (CheckConstraint("(state = 'preview') = (content IS NOT NULL)", name="content_until_taken"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # of the file: the same one is taken once
    state: Mapped[StatementState] = mapped_column(default=StatementState.PREVIEW)
    format: Mapped[StatementFormat]
    account: Mapped[str] = mapped_column(String(34))  # ours
    currency: Mapped[str] = mapped_column(String(3))
    first_day: Mapped[date]
    last_day: Mapped[date]
    incoming: Mapped[int]
    incoming_minor: Mapped[int] = mapped_column(BigInteger)
    outgoing: Mapped[int]
    outgoing_minor: Mapped[int] = mapped_column(BigInteger)
    known: Mapped[int] = mapped_column(default=0)  # lines that stood in another file already
    content: Mapped[str | None] = mapped_column(SealedText)  # the lines as JSON, until they are taken
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))  # None: by command
    taken_at: Mapped[datetime | None]

    made_by: Mapped[Account | None] = relationship()

    @property
    def incoming_sum(self) -> Money:
        return Money(self.incoming_minor, self.currency)

    @property
    def outgoing_sum(self) -> Money:
        return Money(self.outgoing_minor, self.currency)


class BankLine(Base):
    """Money that came to our account. `left_minor`: what is not yet used for a payment nor returned."""

    __tablename__ = "bank_line"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("left_minor BETWEEN 0 AND amount_minor", name="left_of_amount"),
        CheckConstraint("(state = 'used') = (left_minor = 0)", name="used_whole"),
        index_where("ix_bank_line_open", "id", where="state IN ('waiting', 'suspense', 'returning')"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"), index=True)
    number: Mapped[int]  # of the line of the file
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # the same line of two files counts once
    booked_on: Mapped[date]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    left_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    document: Mapped[str] = mapped_column(String(40))
    payer: Mapped[str] = mapped_column(SealedText)
    payer_account: Mapped[str] = mapped_column(SealedText)
    payer_inn: Mapped[str] = mapped_column(SealedText)
    purpose: Mapped[str] = mapped_column(SealedText)
    state: Mapped[LineState] = mapped_column(default=LineState.WAITING)
    confidence: Mapped[Confidence]
    grounds: Mapped[list[str]] = mapped_column(JSON, default=list)  # of the match, values of Ground
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)  # matched, or proposed
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    statement: Mapped[BankStatement] = relationship()
    payment: Mapped[Payment | None] = relationship()
    allocations: Mapped[list[BankAllocation]] = relationship(back_populates="line", order_by="BankAllocation.id")

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def left(self) -> Money:
        return Money(self.left_minor, self.currency)


class BankAllocation(Base):
    """So much of a line is for this payment; the payment is received once its allocations cover it."""

    __tablename__ = "bank_allocation"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("bank_line.id"), index=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # in the currency of both
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))  # None: matched by itself
    undone_at: Mapped[datetime | None]

    line: Mapped[BankLine] = relationship(back_populates="allocations")
    payment: Mapped[Payment] = relationship()


# What a row of JSON in BankStatement.content holds, in this order.
CONTENT = ("number", "booked_on", "minor", "document", "payer", "payer_account", "payer_inn", "purpose")
Row = list[Any]
