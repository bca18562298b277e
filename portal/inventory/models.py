"""Who has which cabin on which night."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.catalogue.models import Cabin, Sailing
from portal.database import Base, index_where
from portal.kernel.references import new_reference
from portal.kernel.states import Moves, move


class OccupancyState(StrEnum):
    HELD = "held"  # for a visitor, until expires_at
    BOOKED = "booked"
    CLOSED = "closed"  # not for sale: the operator's reason stands beside it
    RELEASED = "released"
    EXPIRED = "expired"


OCCUPANCY_MOVES: Moves[OccupancyState] = {
    OccupancyState.HELD: {OccupancyState.BOOKED, OccupancyState.RELEASED, OccupancyState.EXPIRED},
    OccupancyState.BOOKED: {OccupancyState.RELEASED},
    OccupancyState.CLOSED: {OccupancyState.RELEASED},
}
OVER = frozenset({OccupancyState.RELEASED, OccupancyState.EXPIRED})


class Occupancy(Base):
    """One cabin of one sailing taken out of sale: a hold, a booking's cabin, or one closed by the operator."""

    __tablename__ = "occupancy"
    __table_args__ = (
        CheckConstraint("(state IN ('released', 'expired')) = (over_at IS NOT NULL)", name="over_with_time"),
        CheckConstraint("(state = 'held') = (expires_at IS NOT NULL) OR over_at IS NOT NULL", name="held_expires"),
        CheckConstraint("party >= 0", name="party_not_negative"),
        index_where("ix_occupancy_open", "sailing_id", "cabin_id", where="over_at IS NULL"),
        index_where("ix_occupancy_expires", "expires_at", where="state = 'held'"),
        Index("ix_occupancy_holder", "holder"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    cabin_id: Mapped[int] = mapped_column(ForeignKey("cabin.id"), index=True)
    state: Mapped[OccupancyState] = mapped_column(default=OccupancyState.HELD)
    party: Mapped[int]  # persons, infants counted; 0 for a closed cabin
    holder: Mapped[str | None] = mapped_column(String(64))  # the visitor's own key, never shown
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lengthened_at: Mapped[datetime | None]  # the visitor asked for more time: once
    over_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(200))

    sailing: Mapped[Sailing] = relationship()
    cabin: Mapped[Cabin] = relationship()

    def move_to(self, state: OccupancyState, now: datetime) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, OCCUPANCY_MOVES)
        if state in OVER:
            self.over_at = now
        else:
            self.expires_at = None

    def overdue_at(self, now: datetime) -> bool:
        return self.state is OccupancyState.HELD and self.expires_at is not None and self.expires_at <= now


class CabinNight(Base):
    """One night of one cabin, taken. The primary key is the guard: a night has one owner or none."""

    __tablename__ = "cabin_night"

    cabin_id: Mapped[int] = mapped_column(ForeignKey("cabin.id"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
