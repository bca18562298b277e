"""Plans to pay in parts: what is offered, in versions, and what each booking has chosen, with its history."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.booking.models import Booking
from portal.catalogue.models import Sailing
from portal.database import Base, index_where, unique_where
from portal.kernel.money import Money
from portal.payments.plans.schedule import Part, Parts, Step, Terms


class PaymentPlan(Base):
    """One version of a plan that is offered. An edit writes the next version; what bookings have chosen stands.

    A sailing with plans of its own offers these, every other one those of the season.
    steps: [{"days": 45, "weight": 1} or {"on": "2024-03-01", "weight": 1}], 1 to 24.
    """

    __tablename__ = "payment_plan"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        unique_where("uq_payment_plan_live", "code", where="ended_at IS NULL"),
        CheckConstraint("(percent IS NULL) <> (per_person_minor IS NULL)", name="one_kind_of_deposit"),
        CheckConstraint("(per_person_minor IS NULL) = (currency IS NULL)", name="sum_with_currency"),
        CheckConstraint("percent BETWEEN 1 AND 99", name="percent_of_price"),
        CheckConstraint("per_person_minor > 0", name="deposit_positive"),
        CheckConstraint("lock_percent BETWEEN 0 AND 100", name="lock_percent_of_price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    sailing_id: Mapped[int | None] = mapped_column(ForeignKey("sailing.id"), index=True)  # None: the season
    mark: Mapped[str] = mapped_column(String(12))
    percent: Mapped[int | None]
    per_person_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    lock_percent: Mapped[int]
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    ended_at: Mapped[datetime | None]

    sailing: Mapped[Sailing | None] = relationship()
    made_by: Mapped[Account | None] = relationship()

    @property
    def terms(self) -> Terms:
        """What the pure rules work with."""
        return Terms(
            steps=tuple(
                Step(
                    days=step.get("days"),
                    on=date.fromisoformat(step["on"]) if step.get("on") else None,
                    weight=step.get("weight", 1),
                )
                for step in self.steps
            ),
            percent=self.percent,
            per_person_minor=self.per_person_minor,
            lock_percent=self.lock_percent,
        )


class FitReason(StrEnum):
    CHOSEN = "chosen"
    CHANGED = "changed"  # the booking: its price or its party
    MOVED = "moved"  # the first day of the cruise
    DELAYED = "delayed"  # by staff, with more time
    RESUMED = "resumed"  # after a decision about a visa was waited for


class BookingPlan(Base):
    """One version of how a booking is paid. Its parts are never edited; what changes is written as the next version."""

    __tablename__ = "booking_plan"
    __table_args__ = (
        UniqueConstraint("booking_id", "version"),
        unique_where("uq_booking_plan_live", "booking_id", where="ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("payment_plan.id"))
    version: Mapped[int]
    reason: Mapped[FitReason]
    note: Mapped[str | None] = mapped_column(String(500))  # what staff wrote when they gave more time
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    booking: Mapped[Booking] = relationship()
    plan: Mapped[PaymentPlan] = relationship()
    rows: Mapped[list[PlanPart]] = relationship(order_by="PlanPart.position", cascade="all, delete-orphan")

    @property
    def parts(self) -> Parts:
        return tuple(Part(row.due, row.amount_minor, row.days) for row in self.rows)


class PlanPart(Base):
    """So much is due on a day, by the calendar of the port of embarkation."""

    __tablename__ = "plan_part"
    __table_args__ = (
        UniqueConstraint("booking_plan_id", "position"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_plan_id: Mapped[int] = mapped_column(ForeignKey("booking_plan.id"))
    position: Mapped[int]
    due: Mapped[date] = mapped_column(index=True)
    days: Mapped[int | None]  # before the first day of the cruise, where the part moves with it
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # in the booking's currency


class PlanPause(Base):
    """While a decision about a visa is waited for, nothing falls due; `about` names who waits."""

    __tablename__ = "plan_pause"
    __table_args__ = (
        unique_where("uq_plan_pause_open", "booking_id", "about", where="ended_at IS NULL"),
        index_where("ix_plan_pause_open", "booking_id", where="ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    about: Mapped[str] = mapped_column(String(60))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PriceOfferState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    LOCKED = "locked"  # the guest paid the share that locks the old price
    WITHDRAWN = "withdrawn"  # the lists changed once more, or the booking did


class PriceOffer(Base):
    """The price of a booking was not locked yet when the lists changed: the guest is shown both, and nothing is done
    before he agrees.
    """

    __tablename__ = "price_offer"
    __table_args__ = (
        unique_where("uq_price_offer_open", "booking_id", where="state = 'open'"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_with_state"),
        CheckConstraint("before_minor <> after_minor", name="another_price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    state: Mapped[PriceOfferState] = mapped_column(default=PriceOfferState.OPEN)
    before_minor: Mapped[int] = mapped_column(BigInteger)  # in the booking's currency
    after_minor: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    answer_by: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    booking: Mapped[Booking] = relationship()

    @property
    def before(self) -> Money:
        return Money(self.before_minor, self.booking.currency)

    @property
    def after(self) -> Money:
        return Money(self.after_minor, self.booking.currency)
