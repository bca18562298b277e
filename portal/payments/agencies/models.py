"""Agencies, and the accounts of those who act for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, inspect, select
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from portal.accounts.models import Account
from portal.database import Base
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.text import LocalizedText

WHOLE_POINTS = 10_000  # hundredths of a per cent in the whole


class Agency(Base):
    """Whoever sells our cruises on credit. Its row is the lock of its credit."""

    __tablename__ = "agency"
    __table_args__ = (
        CheckConstraint("limit_minor >= 0", name="limit_not_negative"),
        CheckConstraint("commission_points BETWEEN 0 AND 5000", name="commission_of_price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    name: Mapped[LocalizedText]
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    currency: Mapped[str] = mapped_column(String(3))  # of its credit; bookings in another one are not for it
    limit_minor: Mapped[int] = mapped_column(BigInteger)
    commission_points: Mapped[int]  # hundredths of a per cent of what it answers for
    net: Mapped[bool]  # it takes its commission off at once; else it is credited once the price is paid
    active: Mapped[bool] = mapped_column(default=True)  # else it takes no new credit; what it owes stands
    made_at: Mapped[datetime]

    members: Mapped[list[AgencyMember]] = relationship(order_by="AgencyMember.account_id")

    @property
    def limit(self) -> Money:
        return Money(self.limit_minor, self.currency)

    def commission_of(self, minor: int) -> int:
        """Minor units, half a unit upwards."""
        return Money(minor, self.currency).share(self.commission_points, WHOLE_POINTS).minor


class AgencyMember(Base):
    """An account that acts for an agency; nobody acts for two."""

    __tablename__ = "agency_member"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)

    account: Mapped[Account] = relationship()


# Read with every account, so that no page has to ask whether its reader acts for an agency.
inspect(Account).add_property(
    "agency_id",
    column_property(
        select(AgencyMember.agency_id)
        .where(AgencyMember.account_id == Account.id)
        .correlate_except(AgencyMember)
        .scalar_subquery()
    ),
)
