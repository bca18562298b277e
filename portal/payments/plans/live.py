"""What is offered to a booking and what it has chosen: what services and pages both read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload

from portal.booking.models import Booking
from portal.database import db
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.payments.plans.models import BookingPlan, PaymentPlan, PlanPart, PlanPause
from portal.payments.plans.schedule import Parts, locked_on, schedule


@dataclass(frozen=True)
class LivePlan:
    """How a booking is paid now."""

    id: int
    booking_id: int
    version: int
    plan_id: int
    lock_percent: int
    parts: Parts
    made_at: datetime
    paused: bool

    @property
    def first_minor(self) -> int:
        """What confirms the booking."""
        return self.parts[0].minor


PAUSED = exists().where(PlanPause.booking_id == BookingPlan.booking_id, PlanPause.ended_at.is_(None))


def live_plan(booking_id: int) -> LivePlan | None:
    """None for a booking that is paid at once. One statement."""
    found = db.session.execute(
        select(BookingPlan, PAUSED)
        .where(BookingPlan.booking_id == booking_id, BookingPlan.ended_at.is_(None))
        .options(joinedload(BookingPlan.rows), joinedload(BookingPlan.plan))
    ).unique().one_or_none()
    return known_plan(*found) if found else None


def confirming(booking: Booking) -> int:
    """So many minor units received confirm the booking: the first part, or all. One statement."""
    plan = live_plan(booking.id)
    return plan.first_minor if plan else booking.price.minor


def known_plan(plan: BookingPlan, paused: bool) -> LivePlan:
    return LivePlan(
        plan.id,
        plan.booking_id,
        plan.version,
        plan.plan_id,
        plan.plan.lock_percent,
        plan.parts,
        plan.made_at,
        paused,
    )


@dataclass(frozen=True)
class Offer:
    """One way to pay a booking in parts, as it would be from today."""

    plan_id: int
    code: str
    percent: int | None
    mark: str
    lock_percent: int
    parts: tuple[tuple[date, Money], ...]
    locked_on: date

    @property
    def locks_at_once(self) -> bool:
        return self.locked_on == self.parts[0][0]


def offers(booking: Booking, now: datetime) -> tuple[Offer, ...]:
    """The plans that this booking may choose, those that ask for least now first. One statement for a known booking.

    Whoever books so late that all is due at once is offered none.
    """
    rows = db.session.scalars(
        select(PaymentPlan)
        .where(
            PaymentPlan.ended_at.is_(None),
            (PaymentPlan.sailing_id == booking.sailing_id) | PaymentPlan.sailing_id.is_(None),
        )
        .order_by(PaymentPlan.code)
    ).all()
    own = [row for row in rows if row.sailing_id is not None]
    price, today = booking.price, port_day(booking, now)
    if price.minor <= 0:
        return ()
    found = []
    for row in own or rows:
        if row.currency not in (None, booking.currency):
            continue
        parts = schedule(row.terms, price.minor, len(booking.passengers), booking.voyage.start_day, today)
        if len(parts) > 1:
            found.append(
                Offer(
                    plan_id=row.id,
                    code=row.code,
                    percent=row.percent,
                    mark=row.mark,
                    lock_percent=row.lock_percent,
                    parts=tuple((part.due, Money(part.minor, booking.currency)) for part in parts),
                    locked_on=locked_on(parts, price.minor, row.lock_percent),
                )
            )
    return tuple(sorted(found, key=lambda offer: (-offer.parts[0][1].minor, offer.code)))


def port_day(booking: Booking, now: datetime) -> date:
    """The day by the calendar of the port of embarkation, which decides what is due."""
    return day_of(now, booking.voyage.calls[0].port.zone)


def overdue_column(
    booking_id: ColumnElement[int] | InstrumentedAttribute[int], now: datetime
) -> ColumnElement[int]:
    """What of a booking's plan should be here by now, as part of a statement that names the booking; 0 without one."""
    live = aliased(BookingPlan)
    paused = exists().where(PlanPause.booking_id == live.booking_id, PlanPause.ended_at.is_(None))
    rows = (
        select(func.coalesce(func.sum(PlanPart.amount_minor), 0))
        .join(live, live.id == PlanPart.booking_plan_id)
        .where(
            live.booking_id == booking_id,
            live.ended_at.is_(None),
            ~paused,
            PlanPart.due < now.date(),
        )
    )
    return rows.correlate(Booking).scalar_subquery()
