"""What follows parts of a price: reminders, a word when one has come, and parts that move with their sailing."""

from __future__ import annotations

from datetime import datetime

from portal.booking.access import link_token
from portal.booking.models import Booking, BookingState
from portal.booking.queries import booking_page
from portal.database import db
from portal.kernel.clock import now, real_now
from portal.outbox.jobs import each_minute
from portal.outbox.letters import write_letter
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
        page = booking_page(reminder.booking.id)
        if page.contact_email:
            write_letter(
                "payments/part_due",
                key=reminder.key,
                recipient=page.contact_email,
                language=reminder.booking.language,
                page=page,
                part=reminder.part,
                days=reminder.days,
                token=link_token(reminder.booking),
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
    page = booking_page(booking.id)
    if page.contact_email and payment.share_id is None:  # of the money of others its holder has another letter
        view = payment_view(payment)
        write_letter(
            "payments/part_received",
            key=f"payments/part_received:{view.reference}",
            recipient=page.contact_email,
            language=booking.language,
            page=page,
            payment=view,
            plan=plan_view(plan, paid_for(booking).minor, booking.currency, port_day(booking, now())),
            token=link_token(booking),
        )


@on("payments.plan_fitted")
def tell_of_new_days(booking_plan_id: int) -> None:
    """Other days than the guest has agreed to; a change that he made himself has its own letter."""
    fitted = db.session.get_one(BookingPlan, booking_plan_id)
    booking = fitted.booking
    page = booking_page(booking.id)
    if fitted.reason is FitReason.CHANGED or booking.state is not BookingState.CONFIRMED or not page.contact_email:
        return
    plan = known_plan(fitted, paused=False)
    write_letter(
        "payments/new_days",
        key=f"payments/new_days:{page.reference}:{fitted.version}",
        recipient=page.contact_email,
        language=booking.language,
        page=page,
        plan=plan_view(plan, paid_for(booking).minor, booking.currency, port_day(booking, now())),
        token=link_token(booking),
    )


@on("payments.price_offered")
def tell_of_new_price(offer_id: int) -> None:
    offer = db.session.get_one(PriceOffer, offer_id)
    view = price_offer_view(offer.booking)
    page = booking_page(offer.booking_id)
    if view is not None and page.contact_email:
        write_letter(
            "payments/new_price",
            key=f"payments/new_price:{page.reference}:{offer.id}",
            recipient=page.contact_email,
            language=offer.booking.language,
            page=page,
            offer=view,
            token=link_token(offer.booking),
        )


@on("catalogue.sailing_changed")
def move_parts(sailing_id: int) -> None:
    follow_sailing(sailing_id=sailing_id, now=now())


@on("visas.decision_awaited")
def wait_for_decision(booking_id: int, about: str) -> None:
    pause_plan(booking_id=booking_id, about=about, now=now())


@on("visas.decision_made")
def go_on(booking_id: int, about: str) -> None:
    resume_plan(booking_id=booking_id, about=about, now=now())
