"""Who pays how much of a booking beside the one who made it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.booking.models import Booking
from portal.database import Base, index_where
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.states import Moves


class ShareState(StrEnum):
    OPEN = "open"
    PAID = "paid"
    WITHDRAWN = "withdrawn"  # by the one who asked for it
    ENDED = "ended"  # others have paid all that was owed, or the booking is over


SHARE_MOVES: Moves[ShareState] = {
    ShareState.OPEN: {ShareState.PAID, ShareState.WITHDRAWN, ShareState.ENDED},
    # Money that was on its way when the share ended counts while the booking owes it.
    ShareState.WITHDRAWN: {ShareState.PAID},
    ShareState.ENDED: {ShareState.PAID},
}


class PaymentShare(Base):
    """So much of what a booking owes is asked of one payer; the rest is its holder's and stands in no row.

    A trigger keeps the sum of the open shares of a booking within what it owes. Never deleted.
    """

    __tablename__ = "payment_share"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_with_time"),
        CheckConstraint("gift OR sum_shown", name="hidden_for_gifts_only"),
        index_where("ix_payment_share_open", "booking_id", where="state = 'open'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    gift: Mapped[bool]  # he is told nothing of who travels
    sum_shown: Mapped[bool]  # beside his name on the pages of the booking; of a gift only once he agrees
    passengers: Mapped[list[int]] = mapped_column(JSON, default=list)  # ids; whose price it was worked out from
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # in the currency of the booking
    state: Mapped[ShareState] = mapped_column(default=ShareState.OPEN)
    version: Mapped[int] = mapped_column(default=1)  # one more with each other sum
    link_version: Mapped[int] = mapped_column(default=1)  # one more, and the link given out is dead
    reminders: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]  # by the last letter
    made_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    booking: Mapped[Booking] = relationship()

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.booking.currency)
