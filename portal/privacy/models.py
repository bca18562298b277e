"""To what people agreed, and what they asked us to forget."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.booking.models import Booking
from portal.database import Base, index_where, unique_where
from portal.kernel.references import new_reference
from portal.kernel.states import Moves, move


class Purpose(StrEnum):
    """What the data may be used for; each is agreed to for itself."""

    BOOKING = "booking"  # to carry out a booking
    COMPANIONS = "companions"  # to fill in the next one


class Consent(Base):
    """One person's yes to one purpose, in the version of the text that stood there. Never deleted, but withdrawn."""

    __tablename__ = "consent"
    __table_args__ = (
        unique_where("uq_consent_booking", "booking_id", "purpose", "version", where="booking_id IS NOT NULL"),
        unique_where(
            "uq_consent_account",
            "account_id",
            "purpose",
            "version",
            where="booking_id IS NULL AND withdrawn_at IS NULL",
        ),
        CheckConstraint("booking_id IS NOT NULL OR account_id IS NOT NULL", name="of_somebody"),
        CheckConstraint("given_at <= withdrawn_at", name="withdrawn_after_given"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    purpose: Mapped[Purpose]
    version: Mapped[str] = mapped_column(String(20))
    given_at: Mapped[datetime]  # real time
    withdrawn_at: Mapped[datetime | None]  # real time


class ErasureState(StrEnum):
    ASKED = "asked"
    TAKEN_BACK = "taken_back"
    DONE = "done"


ERASURE_MOVES: Moves[ErasureState] = {ErasureState.ASKED: {ErasureState.TAKEN_BACK, ErasureState.DONE}}


class Erasure(Base):
    """A guest's wish to be forgotten, of his account with all its bookings or of a booking made without one.

    Done once nothing sails any more for which the data are needed; the row stays as the proof.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint("(account_id IS NULL) <> (booking_id IS NULL)", name="of_account_or_booking"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_with_time"),
        unique_where("uq_erasure_account", "account_id", where="account_id IS NOT NULL AND state = 'asked'"),
        unique_where("uq_erasure_booking", "booking_id", where="booking_id IS NOT NULL AND state = 'asked'"),
        index_where("ix_erasure_open", "due_at", where="state = 'asked'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    state: Mapped[ErasureState] = mapped_column(default=ErasureState.ASKED)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]  # as far as it is known; worked out anew before it is done
    done_at: Mapped[datetime | None]
    documents: Mapped[int] = mapped_column(default=0)  # purged by it; the trail keeps the digest of each

    account: Mapped[Account | None] = relationship()
    booking: Mapped[Booking | None] = relationship()

    def move_to(self, state: ErasureState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, ERASURE_MOVES)
