"""What follows parts of a price: reminders, a word when one has come, and parts that move with their sailing."""

from __future__ import annotations

from datetime import datetime

from portal.booking.letters import write_to_booker
from portal.booking.models import Booking, BookingState
from portal.database import db
from portal.kernel.clock import now, real_now
from portal.outbox.jobs import each_minute
from portal.outbox.services import known_mails, on
from portal.payments.models import Payment
from portal.payments.plans.live import known_plan, live_plan, port_day
from portal.payments.plans.models import BookingPlan, FitReason, PriceOffer
from portal.payments.plans.queries import plan_view, reminders
from portal.payments.plans.repricing import price_offer_view, review_prices
from portal.payments.plans.services import end_pauses, follow_sailing, pause_plan, resume_plan
from portal.payments.queries import payment_view
from portal.payments.refunds import paid_for

REMINDER_MINUTE = 41


@each_minute
def remind_of_parts() -> None:
    """Once an hour is enough: parts are due by days, and lists change seldom."""
    if real_now().minute == REMINDER_MINUTE:
        end_pauses(now())
        remind(now())
        review_prices(now())


def remind(moment: datetime) -> int:
    """Write every reminder that is due by `moment` and was not written yet; how many."""
    due = reminders(moment)
    known = known_mails(reminder.key for reminder in due)
    waiting = [reminder for reminder in due if reminder.key not in known]
    for reminder in waiting:
        write_to_booker(
            "payments/part_due", reminder.booking, key=reminder.key, part=reminder.part, days=reminder.days
        )
    return len(waiting)


@on("payments.received")
def tell_of_part(payment_id: int) -> None:
    """Of every part but the first, with which the booking was confirmed: that has its own letter."""
    payment = db.session.get_one(Payment, payment_id)
    booking = db.session.get_one(Booking, payment.booking_id)
    plan = live_plan(booking.id)
    later = booking.confirmed_at and payment.received_at and payment.received_at > booking.confirmed_at
    if plan is None or payment.change_id is not None or booking.state is not BookingState.CONFIRMED or not later:
        return
    if payment.share_id is not None or payment.settles_id is not None:
        return  # of the money of others its holder has another letter
    view = payment_view(payment)
    write_to_booker(
        "payments/part_received",
        booking,
        key=f"payments/part_received:{view.reference}",
        payment=view,
        plan=plan_view(plan, paid_for(booking).minor, booking.currency, port_day(booking, now())),
    )


@on("payments.plan_fitted")
def tell_of_new_days(booking_plan_id: int) -> None:
    """Other days than the guest has agreed to; a change that he made himself has its own letter."""
    fitted = db.session.get_one(BookingPlan, booking_plan_id)
    booking = fitted.booking
    if fitted.reason is FitReason.CHANGED or booking.state is not BookingState.CONFIRMED:
        return
    plan = known_plan(fitted, paused=False)
    write_to_booker(
        "payments/new_days",
        booking,
        key=f"payments/new_days:{booking.reference}:{fitted.version}",
        plan=plan_view(plan, paid_for(booking).minor, booking.currency, port_day(booking, now())),
    )


@on("payments.price_offered")
def tell_of_new_price(offer_id: int) -> None:
    offer = db.session.get_one(PriceOffer, offer_id)
    view = price_offer_view(offer.booking, now())
    if view is not None:
        key = f"payments/new_price:{offer.booking.reference}:{offer.id}"
        write_to_booker("payments/new_price", offer.booking, key=key, offer=view)


@on("catalogue.sailing_changed")
def move_parts(sailing_id: int) -> None:
    follow_sailing(sailing_id=sailing_id, now=now())


@on("visas.decision_awaited")
def wait_for_decision(booking_id: int, about: str) -> None:
    pause_plan(booking_id=booking_id, about=about, now=now())


@on("visas.decision_made")
def go_on(booking_id: int, about: str) -> None:
    resume_plan(booking_id=booking_id, about=about, now=now())
