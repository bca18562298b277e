"""The operator's decision about a sailing, and one row for each booking that it touches."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.booking.models import Booking
from portal.catalogue.models import Sailing
from portal.database import Base, index_where
from portal.kernel.references import new_reference
from portal.kernel.states import Moves
from portal.kernel.text import LocalizedText


class OperationKind(StrEnum):
    CANCEL = "cancel"
    POSTPONE = "postpone"


class Operation(Base):
    """A sailing cancelled or postponed, as it was confirmed; never changed afterwards."""

    __tablename__ = "operation"
    __table_args__ = (
        CheckConstraint(
            "(kind = 'postpone') = (decide_by IS NOT NULL AND new_starts_at IS NOT NULL AND new_ends_at IS NOT NULL)",
            name="postponed_with_dates",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    kind: Mapped[OperationKind]
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"), index=True)
    reason: Mapped[LocalizedText]  # as guests read it
    made_at: Mapped[datetime]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    old_starts_at: Mapped[datetime]
    old_ends_at: Mapped[datetime]
    new_starts_at: Mapped[datetime | None]
    new_ends_at: Mapped[datetime | None]
    decide_by: Mapped[datetime | None]  # until then a guest may have all his money back instead of the new dates

    sailing: Mapped[Sailing] = relationship()
    made_by: Mapped[Account] = relationship()
    cases: Mapped[list[OperationCase]] = relationship(back_populates="operation", order_by="OperationCase.id")


class CaseState(StrEnum):
    WAITING = "waiting"  # for the worker
    TOLD = "told"  # of the new dates; the guest may choose
    ACCEPTED = "accepted"
    KEPT = "kept"  # no answer in time: the new dates stand
    MOVE_ASKED = "move_asked"  # the guest would rather take another sailing; staff see to it
    MOVED = "moved"
    CANCELLED = "cancelled"  # all money goes back; how far it is, its refunds say
    OVER = "over"  # the booking had ended by itself before
    FAILED = "failed"


OPEN_CHOICE = (CaseState.TOLD, CaseState.MOVE_ASKED)
CASE_MOVES: Moves[CaseState] = {
    CaseState.WAITING: {CaseState.TOLD, CaseState.CANCELLED, CaseState.OVER, CaseState.FAILED},
    CaseState.FAILED: {CaseState.WAITING},
    CaseState.TOLD: {
        CaseState.ACCEPTED,
        CaseState.KEPT,
        CaseState.MOVE_ASKED,
        CaseState.MOVED,
        CaseState.CANCELLED,
        CaseState.OVER,
    },
    CaseState.MOVE_ASKED: {CaseState.ACCEPTED, CaseState.MOVED, CaseState.CANCELLED, CaseState.OVER},
}


class OperationCase(Base):
    """What an operation means for one booking. Its state says which step is done, so that each is done once."""

    __tablename__ = "operation_case"
    __table_args__ = (
        UniqueConstraint("operation_id", "booking_id"),
        index_where("ix_operation_case_waiting", "id", where="state = 'waiting'"),
        index_where("ix_operation_case_told", "id", where="state = 'told'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    operation_id: Mapped[int] = mapped_column(ForeignKey("operation.id"))
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    state: Mapped[CaseState] = mapped_column(default=CaseState.WAITING)
    old_starts_at: Mapped[datetime]  # when what was booked, the whole voyage or a part, was to begin
    paid_minor: Mapped[int] = mapped_column(BigInteger)  # when the operation was confirmed, in the booking's currency
    returned_minor: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None] = mapped_column(String(80))
    wanted_sailing_id: Mapped[int | None] = mapped_column(ForeignKey("sailing.id"))
    changed_at: Mapped[datetime]

    operation: Mapped[Operation] = relationship(back_populates="cases")
    booking: Mapped[Booking] = relationship()
    wanted_sailing: Mapped[Sailing | None] = relationship()
