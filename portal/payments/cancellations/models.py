"""A cancellation with its reason, the limit of what is kept, and the costs once they are known."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.booking.models import Booking
from portal.database import Base, index_where
from portal.kernel.money import Money


class CancelReason(StrEnum):
    """Illness and a refused visa are changes of circumstances by law: their costs are settled first."""

    PLANS = "plans"
    ILLNESS = "illness"
    VISA_REFUSED = "visa_refused"
    OTHER = "other"
    ARREARS = "arrears"  # the operator, for parts of the price that did not come


BY_LAW = (CancelReason.ILLNESS, CancelReason.VISA_REFUSED)


class Cancellation(Base):
    """One for each cancelled booking of which something may be kept; never deleted."""

    __tablename__ = "cancellation"
    __table_args__ = (
        CheckConstraint("limit_minor >= 0", name="limit_not_negative"),
        CheckConstraint("costs_minor BETWEEN 0 AND limit_minor", name="costs_within_limit"),
        CheckConstraint("(costs_minor IS NULL) = (settled_at IS NULL)", name="settled_with_costs"),
        index_where("ix_cancellation_open", "made_at", where="costs_minor IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), unique=True)
    reason: Mapped[CancelReason]
    percent: Mapped[int]
    limit_minor: Mapped[int] = mapped_column(BigInteger)  # kept by the conditions until the costs are known
    made_at: Mapped[datetime]
    costs_minor: Mapped[int | None] = mapped_column(BigInteger)  # what was really spent
    note: Mapped[str | None] = mapped_column(String(500))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    booking: Mapped[Booking] = relationship()
    settled_by: Mapped[Account | None] = relationship()

    @property
    def limit(self) -> Money:
        return Money(self.limit_minor, self.booking.currency)
