"""Who has which cabin on which night."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.database import Base, index_where
from portal.kernel.references import new_reference
from portal.kernel.states import Moves, move


class OccupancyState(StrEnum):
    HELD = "held"  # for a visitor, until expires_at
    RESERVED = "reserved"  # an option or an allotment of an agency, until expires_at
    BOOKED = "booked"
    CLOSED = "closed"  # not for sale: the operator's reason stands beside it
    RELEASED = "released"
    EXPIRED = "expired"


OCCUPANCY_MOVES: Moves[OccupancyState] = {
    OccupancyState.HELD: {OccupancyState.BOOKED, OccupancyState.RELEASED, OccupancyState.EXPIRED},
    OccupancyState.RESERVED: {OccupancyState.HELD, OccupancyState.RELEASED, OccupancyState.EXPIRED},
    OccupancyState.BOOKED: {OccupancyState.RELEASED},
    OccupancyState.CLOSED: {OccupancyState.RELEASED},
}
OVER = frozenset({OccupancyState.RELEASED, OccupancyState.EXPIRED})
FOR_A_TIME = frozenset({OccupancyState.HELD, OccupancyState.RESERVED})


class Occupancy(Base):
    """One cabin of one sailing taken out of sale: a hold, a booking's cabin, or one closed by the operator."""

    __tablename__ = "occupancy"
    __table_args__ = (
        CheckConstraint("(state IN ('released', 'expired')) = (over_at IS NOT NULL)", name="over_with_time"),
        CheckConstraint(
            "(state IN ('held', 'reserved')) = (expires_at IS NOT NULL) OR over_at IS NOT NULL", name="held_expires"
        ),
        CheckConstraint("state <> 'reserved' OR reservation_id IS NOT NULL", name="reserved_for_someone"),
        CheckConstraint("party >= 0", name="party_not_negative"),
        index_where("ix_occupancy_open", "sailing_id", "cabin_id", where="over_at IS NULL"),
        index_where("ix_occupancy_expires", "expires_at", where="state IN ('held', 'reserved')"),
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
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservation.id"), index=True)
    guaranteed: Mapped[bool] = mapped_column(default=False, server_default=false())  # the category was bought
    assigned_at: Mapped[datetime | None]  # the number was told to the one who bought the category
    part_id: Mapped[int | None] = mapped_column(ForeignKey("voyage_part.id"), index=True)  # None: the whole voyage

    sailing: Mapped[Sailing] = relationship()
    part: Mapped[VoyagePart | None] = relationship()
    cabin: Mapped[Cabin] = relationship()
    reservation: Mapped[Reservation | None] = relationship(back_populates="occupancies")

    @property
    def number_later(self) -> bool:
        """Whether the guest is not told the number yet."""
        return self.guaranteed and self.assigned_at is None

    def move_to(self, state: OccupancyState, now: datetime) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, OCCUPANCY_MOVES)
        if state in OVER:
            self.over_at = now
        elif state not in FOR_A_TIME:
            self.expires_at = None

    @property
    def voyage(self) -> Sailing | VoyagePart:
        """What of the sailing it is for: its calls, its days and, here alone, the nights that it takes."""
        return self.part or self.sailing

    def overdue_at(self, now: datetime) -> bool:
        return self.state in FOR_A_TIME and self.expires_at is not None and self.expires_at <= now


class ReservationKind(StrEnum):
    OPTION = "option"  # cabins for a party that an agency has in view, for days
    ALLOTMENT = "allotment"  # cabins that an agency sells by itself, for weeks


class Reservation(Base):
    """Cabins of a sailing kept for an agency until a date; what is not sold by then goes back by itself."""

    __tablename__ = "reservation"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"), index=True)
    kind: Mapped[ReservationKind]
    name: Mapped[str] = mapped_column(String(120))  # the agency, or whoever asked
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    until: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(String(200))
    link_version: Mapped[int] = mapped_column(default=1)
    made_at: Mapped[datetime]
    reminded_for: Mapped[datetime | None]  # the moment that the last reminder counted down to, by `reminded_hours`
    reminded_hours: Mapped[int | None]

    sailing: Mapped[Sailing] = relationship()
    occupancies: Mapped[list[Occupancy]] = relationship(back_populates="reservation", order_by="Occupancy.id")


class CabinNight(Base):
    """One night of one cabin, taken. The primary key is the guard: a night has one owner or none."""

    __tablename__ = "cabin_night"

    cabin_id: Mapped[int] = mapped_column(ForeignKey("cabin.id"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
