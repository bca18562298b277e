"""Parties in line for a cabin, the sailings they would take, the offers made to them, and why others went before."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.database import Base, index_where, unique_where
from portal.inventory.models import Occupancy
from portal.kernel.references import new_reference
from portal.kernel.states import Moves


class WaitingState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"  # a cabin is kept for the party until it answers
    ACCEPTED = "accepted"
    LEFT = "left"  # of its own will
    LAPSED = "lapsed"  # let too many offers pass without a word
    REMOVED = "removed"  # by staff
    ENDED = "ended"  # nothing of what it waited for is sold any more


IN_LINE = (WaitingState.WAITING, WaitingState.OFFERED)
WAITING_MOVES: Moves[WaitingState] = {
    WaitingState.WAITING: {WaitingState.OFFERED, WaitingState.LEFT, WaitingState.REMOVED, WaitingState.ENDED},
    WaitingState.OFFERED: {
        WaitingState.WAITING,
        WaitingState.ACCEPTED,
        WaitingState.LEFT,
        WaitingState.LAPSED,
        WaitingState.REMOVED,
        WaitingState.ENDED,
    },
}


class WaitingEntry(Base):
    """One party in line; its place is the order in which the parties came, by id."""

    __tablename__ = "waiting_entry"
    __table_args__ = (
        CheckConstraint("party > 0 AND infants >= 0 AND infants < party", name="party_sane"),
        CheckConstraint("(state IN ('waiting', 'offered')) = (over_at IS NULL)", name="over_with_time"),
        index_where("ix_waiting_entry_open", "id", where="over_at IS NULL"),
        Index("ix_waiting_entry_email", "email"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    state: Mapped[WaitingState] = mapped_column(default=WaitingState.WAITING)
    party: Mapped[int]  # persons, infants counted
    infants: Mapped[int]  # of them under 2, without a berth of their own
    category: Mapped[str | None] = mapped_column(String(4))  # its code; none: any will do
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    consent_version: Mapped[str] = mapped_column(String(20))
    consent_given_at: Mapped[datetime]  # real time
    made_at: Mapped[datetime]
    unanswered: Mapped[int] = mapped_column(default=0)  # offers that ran out without a word
    over_at: Mapped[datetime | None]

    wishes: Mapped[list[WaitingWish]] = relationship(back_populates="entry", order_by="WaitingWish.sailing_id")

    @property
    def sleepers(self) -> int:
        """Who needs a berth."""
        return self.party - self.infants


class WaitingWish(Base):
    """A sailing, or a part of one, that the party would take; the first to have a cabin is offered."""

    __tablename__ = "waiting_wish"

    entry_id: Mapped[int] = mapped_column(ForeignKey("waiting_entry.id"), primary_key=True)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"), primary_key=True, index=True)
    part_id: Mapped[int | None] = mapped_column(ForeignKey("voyage_part.id"), index=True)  # None: the whole voyage

    entry: Mapped[WaitingEntry] = relationship(back_populates="wishes")
    sailing: Mapped[Sailing] = relationship()
    part: Mapped[VoyagePart | None] = relationship()

    @property
    def voyage(self) -> Sailing | VoyagePart:
        """What of the sailing it is for."""
        return self.part or self.sailing


class OfferState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # the party left the list, or was taken off it


OFFER_MOVES: Moves[OfferState] = {
    OfferState.OPEN: {OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED, OfferState.WITHDRAWN}
}


class WaitingOffer(Base):
    """A cabin kept for a party until `expires_at`. Two indexes see to it that no offer is ever doubled."""

    __tablename__ = "waiting_offer"
    __table_args__ = (
        CheckConstraint("(state = 'open') = (over_at IS NULL)", name="over_with_time"),
        unique_where("uq_waiting_offer_open_entry", "entry_id", where="state = 'open'"),
        UniqueConstraint("occupancy_id"),
        index_where("ix_waiting_offer_expires", "expires_at", where="state = 'open'"),
        Index("ix_waiting_offer_entry", "entry_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    entry_id: Mapped[int] = mapped_column(ForeignKey("waiting_entry.id"))
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"), index=True)
    cabin_id: Mapped[int] = mapped_column(ForeignKey("cabin.id"))
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"))
    state: Mapped[OfferState] = mapped_column(default=OfferState.OPEN)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    over_at: Mapped[datetime | None]

    entry: Mapped[WaitingEntry] = relationship()
    sailing: Mapped[Sailing] = relationship()
    cabin: Mapped[Cabin] = relationship()
    occupancy: Mapped[Occupancy] = relationship()


class SkipReason(StrEnum):
    """Why a cabin went to a party further back in line."""

    TOO_SMALL = "too_small"
    OTHER_CATEGORY = "other_category"
    OTHER_NIGHTS = "other_nights"  # free only on some of the nights that the party waits for
    NOT_SOLD = "not_sold"  # the part that the party waits for was not offered by itself just then
    REFUSED_BEFORE = "refused_before"  # this party had this very cabin offered already
    HAS_OFFER = "has_offer"  # another cabin is kept for it just now
    NO_ROOM = "no_room"  # the ship may not carry so many more persons


class WaitingSkip(Base):
    """A cabin was offered to a party further back: whom it passed, and why."""

    __tablename__ = "waiting_skip"
    __table_args__ = (UniqueConstraint("entry_id", "offer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("waiting_entry.id"))
    offer_id: Mapped[int] = mapped_column(ForeignKey("waiting_offer.id"), index=True)
    reason: Mapped[SkipReason]
    made_at: Mapped[datetime]

    offer: Mapped[WaitingOffer] = relationship()
