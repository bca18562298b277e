"""How each part of a booking's price stands, as pages show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from flask import g
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload

from portal.booking.models import Booking, BookingState
from portal.booking.queries import BookingPage
from portal.database import db
from portal.kernel import clock
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.ledger.queries import Balance, balance_columns
from portal.payments.plans.live import PAUSED, LivePlan, known_plan, live_plan, overdue_column, port_day
from portal.payments.plans.models import BookingPlan, PlanPart
from portal.payments.plans.schedule import Part, asked, locked_on, open_parts


class PartState(StrEnum):
    PAID = "paid"
    OPEN = "open"
    DUE = "due"  # today
    OVERDUE = "overdue"
    PAUSED = "paused"


@dataclass(frozen=True)
class PartView:
    due: date
    amount: Money
    left: Money
    state: PartState


@dataclass(frozen=True)
class PlanView:
    """How a booking that is paid in parts stands."""

    parts: tuple[PartView, ...]
    paid: Money
    left: Money
    next: PartView | None  # what is asked for: all that is due by today, else the next part
    paused: bool
    version: int
    locked_on: date
    locked: bool  # so much is paid that the price stands

    @property
    def overdue(self) -> bool:
        return any(part.state is PartState.OVERDUE for part in self.parts)


def plan_view(plan: LivePlan, paid: int, currency: str, today: date) -> PlanView:
    """paid: minor units received and not returned."""
    left = {part.due: part.minor for part in open_parts(plan.parts, paid)}
    price = sum(part.minor for part in plan.parts)
    due = asked(plan.parts, paid, today)

    def view(part: Part, rest: int) -> PartView:
        return PartView(part.due, Money(part.minor, currency), Money(rest, currency), _state(plan, part, rest, today))

    return PlanView(
        parts=tuple(view(part, left.get(part.due, 0)) for part in plan.parts),
        paid=Money(min(paid, price), currency),
        left=Money(sum(left.values()), currency),
        next=view(due, due.minor) if due else None,
        paused=plan.paused,
        version=plan.version,
        locked_on=locked_on(plan.parts, price, plan.lock_percent),
        locked=paid * 100 >= price * plan.lock_percent,
    )


def _state(plan: LivePlan, part: Part, left: int, today: date) -> PartState:
    if not left:
        return PartState.PAID
    if part.due > today:
        return PartState.OPEN
    if plan.paused:
        return PartState.PAUSED
    return PartState.DUE if part.due == today else PartState.OVERDUE


@part_of("booking", "plan_of")
def booking_plan(booking_id: int) -> Callable[[BookingPage], PlanView | None]:
    """For the page, which has its payments already, and with them its plan: no statement."""
    known: tuple[int, LivePlan | None] | None = g.get("payments_plan")
    plan = known[1] if known is not None and known[0] == booking_id else live_plan(booking_id)

    def told(page: BookingPage) -> PlanView | None:
        if plan is None or page.state not in (BookingState.PENDING, BookingState.CONFIRMED):
            return None
        return plan_view(plan, page.balance.paid, page.price.currency, page.day_at(clock.now()))

    return told


# Days before a part is due on which it is reminded of, and two after.
STAGES = (7, 3, 0, -2)
LAST_REMINDED = timedelta(days=14)  # what is older waits for staff, and no letter is written of it


@dataclass(frozen=True)
class Reminder:
    booking: Booking
    part: PartView
    days: int  # until it is due; below zero: it was due so long ago
    stage: int

    @property
    def key(self) -> str:
        """Of the letter: one for each day that a part is due, and each stage of it."""
        return f"payments/part_due:{self.booking.reference}:{self.part.due.isoformat()}:{self.stage}"


def reminders(now: datetime) -> tuple[Reminder, ...]:
    """Every part that should be reminded of by now, at the last stage that it has reached. Four statements.

    A stage that lay before the plan was made is left out: who has just read the days is not reminded of them.
    """
    first = now.date() - LAST_REMINDED
    last = now.date() + timedelta(days=max(STAGES) + 1)
    found = db.session.execute(
        select(BookingPlan, Booking, *balance_columns(Booking.id, Booking.currency, Booking))
        .join(Booking, Booking.id == BookingPlan.booking_id)
        .where(
            BookingPlan.ended_at.is_(None),
            Booking.state == BookingState.CONFIRMED,
            ~PAUSED,
            BookingPlan.id.in_(select(PlanPart.booking_plan_id).where(PlanPart.due.between(first, last))),
        )
        .order_by(BookingPlan.id)
        .options(joinedload(BookingPlan.rows), joinedload(BookingPlan.plan))
    ).unique()
    written = []
    for plan, booking, *figures in found:
        paid = Balance.read(figures).paid
        today = port_day(booking, now)
        view = plan_view(known_plan(plan, paused=False), paid, booking.currency, today)
        made = port_day(booking, plan.made_at)
        for part in view.parts:
            days = (part.due - today).days
            reached = [stage for stage in STAGES if days <= stage and part.due - timedelta(days=stage) > made]
            if part.state is not PartState.PAID and reached and days >= -LAST_REMINDED.days:
                written.append(Reminder(booking, part, days, min(reached)))
    return tuple(written)


@dataclass(frozen=True)
class OverdueRow:
    """A booking whose part is late: staff talk to the guest, give more time or cancel."""

    booking: str
    sailing: str
    contact_name: str | None
    due: date
    amount: Money
    days_late: int


def overdue_parts(now: datetime, limit: int) -> tuple[OverdueRow, ...]:
    """The longest overdue first. Nothing is cancelled by itself."""
    rows = db.session.execute(
        select(BookingPlan, Booking, *balance_columns(Booking.id, Booking.currency, Booking))
        .join(Booking, Booking.id == BookingPlan.booking_id)
        .where(*_late(now))
        .order_by(BookingPlan.id)
        .limit(limit)
        .options(joinedload(BookingPlan.rows), joinedload(BookingPlan.plan), joinedload(Booking.sailing))
    ).unique()
    found = []
    for plan, booking, *figures in rows:
        paid = Balance.read(figures).paid
        today = port_day(booking, now)
        view = plan_view(known_plan(plan, paused=False), paid, booking.currency, today)
        if view.overdue and view.next is not None:
            late = (today - view.next.due).days
            name = booking.contact_name
            found.append(
                OverdueRow(booking.reference, booking.sailing.code, name, view.next.due, view.next.amount, late)
            )
    return tuple(sorted(found, key=lambda row: (row.due, row.booking)))


def late_plans(now: datetime) -> Select[int]:
    """How many bookings wait for a word of staff: a statement, to be a part of another."""
    return (
        select(func.count())
        .select_from(BookingPlan)
        .join(Booking, Booking.id == BookingPlan.booking_id)
        .where(*_late(now))
    )


def _late(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Of a query that joins BookingPlan and Booking: what should be here is more than what is."""
    _charged, paid, *_ = balance_columns(Booking.id, Booking.currency, Booking)
    return (
        BookingPlan.ended_at.is_(None),
        Booking.state == BookingState.CONFIRMED,
        overdue_column(Booking.id, now) > paid,
    )
