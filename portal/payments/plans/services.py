"""Choose how a booking is paid, fit it to what changes, put it off; and say what is offered: the only writers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from portal.accounts.models import Account
from portal.audit.services import record
from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState
from portal.catalogue.models import Sailing
from portal.database import db, transaction
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.outbox.services import announce
from portal.payments.plans.errors import DayTooLate, NothingOpen, NothingPutOff, PlanNotOffered
from portal.payments.plans.live import LivePlan, live_plan, offers, port_day
from portal.payments.plans.models import BookingPlan, FitReason, PaymentPlan, PlanPart, PlanPause
from portal.payments.plans.schedule import MOST_STEPS, Parts, fits, open_parts, postpone, refit, schedule
from portal.payments.refunds import paid_for
from portal.payments.statements.queries import transferred_for

MARKS = ("proposed", "confirmed")
# Proposed: 30 % at booking locks the price; the rest is due 45 days before the cruise, at once or month by month.
PROPOSED: tuple[dict[str, Any], ...] = (
    {"code": "deposit", "percent": 30, "steps": [{"days": 45, "weight": 1}], "lock_percent": 30},
    {
        "code": "monthly",
        "percent": 30,
        "steps": [{"days": days, "weight": 1} for days in (105, 75, 45)],
        "lock_percent": 30,
    },
)
LAST_PAUSE = timedelta(days=21)  # proposed: so long before the cruise a plan goes on, decision or not
RESUME_TIME = timedelta(days=7)  # proposed: from the decision about a visa until the next part is due


def load_plans(now: datetime) -> int:
    """Offer the proposed plans of the season where there are none of their names yet; how many are new."""
    with transaction() as session:
        known = set(session.scalars(select(PaymentPlan.code)))
        new = [plan for plan in PROPOSED if plan["code"] not in known]
        session.add_all(PaymentPlan(**plan, version=1, mark="proposed", made_at=now) for plan in new)
    return len(new)


def offer_plan(
    *,
    code: str,
    percent: int | None,
    per_person: Money | None,
    steps: Sequence[dict[str, Any]],
    lock_percent: int,
    mark: str,
    sailing_id: int | None = None,
    account: Account | None,
    now: datetime,
) -> PaymentPlan:
    """Offer a plan from now on: the first version, or the next one of its name. What bookings have chosen stands.

    steps: 1 to 24 of {"days": days before the cruise, "weight"} or {"on": "2024-03-01", "weight"}.
    """
    assert mark in MARKS
    assert 1 <= len(steps) <= MOST_STEPS
    with transaction() as session:
        if sailing_id is not None:
            session.get_one(Sailing, sailing_id, with_for_update=True)
        before = session.scalars(
            select(PaymentPlan).where(PaymentPlan.code == code, PaymentPlan.ended_at.is_(None)).with_for_update()
        ).one_or_none()
        version = session.scalar(select(func.max(PaymentPlan.version)).where(PaymentPlan.code == code)) or 0
        if before is not None:
            before.ended_at = now
            session.flush()
        plan = PaymentPlan(
            code=code,
            version=version + 1,
            sailing_id=sailing_id,
            mark=mark,
            percent=percent,
            per_person_minor=per_person.minor if per_person else None,
            currency=per_person.currency if per_person else None,
            steps=list(steps),
            lock_percent=lock_percent,
            made_at=now,
            made_by_id=account.id if account else None,
        )
        session.add(plan)
        session.flush()
        record("payment_plan.offered", subject="payment_plan", reference=f"{code}-{plan.version}", now=now)
    return plan


def end_plan(*, plan_id: int, now: datetime) -> None:
    """Offer a plan no more; who has chosen it keeps it. A second time nothing happens. Raises NotFound."""
    with transaction() as session:
        plan = session.get(PaymentPlan, plan_id, with_for_update=True)
        if plan is None:
            raise NotFound(str(plan_id))
        if plan.ended_at is None:
            plan.ended_at = now
            record("payment_plan.ended", subject="payment_plan", reference=f"{plan.code}-{plan.version}", now=now)


def choose_plan(*, booking_id: int, plan_id: int | None, now: datetime) -> None:
    """How a booking that waits for its first money is to be paid; None: all at once. The last choice holds.

    Raises NotPayable once money has come, and PlanNotOffered.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.state is not BookingState.PENDING or paid_for(booking).minor or transferred_for(booking_id, None):
            raise NotPayable
        chosen = next((offer for offer in offers(booking, now) if offer.plan_id == plan_id), None)
        if plan_id is not None and chosen is None:
            raise PlanNotOffered
        before = _live(booking_id)
        if chosen is None:
            if before is not None:
                before.ended_at = now
            return
        plan = session.get_one(PaymentPlan, chosen.plan_id)
        _write(booking, plan, _parts_now(booking, plan, now), before, FitReason.CHOSEN, now)


def fit_plan(booking: Booking, reason: FitReason, now: datetime) -> None:
    """Make the parts of a booking fit its present price and first day. Call it under the lock of the booking.

    What is paid stays; nothing is written where nothing changes. Announces payments.plan_fitted.
    """
    before = live_plan(booking.id)
    price, start = booking.price.minor, booking.voyage.start_day
    if before is None or fits(before.parts, price, start):
        return
    today = port_day(booking, now)
    fitted = refit(before.parts, paid=paid_for(booking).minor, price=price, start=start, today=today)
    _replace(booking, before, fitted, reason, now)


def parts_after(booking: Booking, price: Money, start: date, paid: int, now: datetime) -> Parts | None:
    """What fit_plan would make of a price and a first day; None for a booking that is paid at once."""
    plan = live_plan(booking.id)
    if plan is None:
        return None
    return refit(plan.parts, paid=paid, price=price.minor, start=start, today=port_day(booking, now))


def put_off(*, booking_id: int, until: date, note: str, account: Account, now: datetime) -> None:
    """Staff give a guest more time: nothing that is open falls due before `until`.

    Raises NothingOpen, DayTooLate or NothingPutOff. Announces payments.plan_fitted.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        plan = live_plan(booking_id)
        paid = paid_for(booking).minor
        if booking.state is not BookingState.CONFIRMED or plan is None or not open_parts(plan.parts, paid):
            raise NothingOpen
        if not port_day(booking, now) < until < booking.voyage.start_day:
            raise DayTooLate
        if open_parts(plan.parts, paid)[0].due >= until:
            raise NothingPutOff
        later = postpone(plan.parts, paid=paid, until=until)
        _replace(booking, plan, later, FitReason.DELAYED, now, note=note)
        record(
            "booking.plan_delayed",
            subject="booking",
            reference=booking.reference,
            now=now,
            reason=f"{until.isoformat()} · {note}",
        )


def pause_plan(*, booking_id: int, about: str, now: datetime) -> None:
    """A decision is waited for: until it is there, nothing of the booking falls due. A second time nothing happens.

    about: what is waited for, so that several can be waited for at a time.
    """
    with transaction() as session:
        session.get_one(Booking, booking_id, with_for_update=True)
        if live_plan(booking_id) is not None and _pause(booking_id, about) is None:
            session.add(PlanPause(booking_id=booking_id, about=about, since=now))


def resume_plan(*, booking_id: int, about: str, now: datetime) -> None:
    """The decision is there. What fell due meanwhile is due in RESUME_TIME, or on the eve of the cruise.

    A second time nothing happens. Announces payments.plan_fitted.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        pause = _pause(booking_id, about)
        if pause is None:
            return
        pause.ended_at = now
        session.flush()
        plan = live_plan(booking_id)
        if plan is None or plan.paused or booking.state is not BookingState.CONFIRMED:
            return
        today = port_day(booking, now)
        paid = paid_for(booking).minor
        if any(part.due <= today for part in open_parts(plan.parts, paid)):
            until = max(today, min(today + RESUME_TIME, booking.voyage.start_day - timedelta(days=1)))
            _replace(booking, plan, postpone(plan.parts, paid=paid, until=until), FitReason.RESUMED, now)


def end_pauses(now: datetime) -> int:
    """Nothing waits for a decision longer than until LAST_PAUSE before the cruise; how many bookings go on."""
    waiting = db.session.execute(
        select(PlanPause.booking_id, PlanPause.about)
        .join(Booking, Booking.id == PlanPause.booking_id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
        .where(PlanPause.ended_at.is_(None), Sailing.starts_at <= now + LAST_PAUSE)
        .order_by(PlanPause.booking_id, PlanPause.id)
    ).all()
    for booking_id, about in waiting:
        resume_plan(booking_id=booking_id, about=about, now=now)
    return len({booking_id for booking_id, _about in waiting})


def follow_sailing(*, sailing_id: int, now: datetime) -> int:
    """After the times of a sailing changed: parts that hang on its first day move with it; how many bookings."""
    moved = 0
    for booking_id in db.session.scalars(
        select(Booking.id)
        .join(BookingPlan, BookingPlan.booking_id == Booking.id)
        .where(
            Booking.sailing_id == sailing_id,
            Booking.state == BookingState.CONFIRMED,
            BookingPlan.ended_at.is_(None),
        )
        .order_by(Booking.id)
    ).all():
        with transaction() as session:
            booking = session.get_one(Booking, booking_id, with_for_update=True)
            fit_plan(booking, FitReason.MOVED, now)
            moved += 1
    return moved


def _parts_now(booking: Booking, plan: PaymentPlan, now: datetime) -> Parts:
    return schedule(
        plan.terms, booking.price.minor, len(booking.passengers), booking.voyage.start_day, port_day(booking, now)
    )


def _replace(
    booking: Booking, before: LivePlan, parts: Parts, reason: FitReason, now: datetime, note: str | None = None
) -> None:
    if parts == before.parts:
        return
    row = db.session.get_one(BookingPlan, before.id)
    fitted = _write(booking, row.plan, parts, row, reason, now, note)
    announce("payments.plan_fitted", booking_plan_id=fitted.id)


def _write(
    booking: Booking,
    plan: PaymentPlan,
    parts: Parts,
    before: BookingPlan | None,
    reason: FitReason,
    now: datetime,
    note: str | None = None,
) -> BookingPlan:
    session = db.session
    last = session.scalar(select(func.max(BookingPlan.version)).where(BookingPlan.booking_id == booking.id)) or 0
    if before is not None:
        before.ended_at = now
        session.flush()
    written = BookingPlan(
        booking_id=booking.id,
        plan_id=plan.id,
        version=last + 1,
        reason=reason,
        note=note,
        made_at=now,
        rows=[
            PlanPart(position=position, due=part.due, days=part.days, amount_minor=part.minor)
            for position, part in enumerate(parts, 1)
        ],
    )
    session.add(written)
    session.flush()
    return written


def _live(booking_id: int) -> BookingPlan | None:
    return db.session.scalars(
        select(BookingPlan).where(BookingPlan.booking_id == booking_id, BookingPlan.ended_at.is_(None))
    ).one_or_none()


def _pause(booking_id: int, about: str) -> PlanPause | None:
    return db.session.scalars(
        select(PlanPause).where(
            PlanPause.booking_id == booking_id, PlanPause.about == about, PlanPause.ended_at.is_(None)
        )
    ).one_or_none()
