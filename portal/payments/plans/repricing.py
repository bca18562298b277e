"""Prices that are not locked yet when the lists change: offered to the guest with old and new, done when he agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.audit.services import record
from portal.booking.changes import plan_todays_price, priced_by_todays_lists, take_todays_price
from portal.booking.errors import ChangeMoved
from portal.booking.models import Booking, BookingState
from portal.booking.queries import BookingPage
from portal.database import db, transaction
from portal.kernel import clock
from portal.kernel.errors import Refused
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.ledger.queries import balance_columns, balance_of
from portal.outbox.services import announce
from portal.payments.plans.live import PAUSED, LivePlan, live_plan, port_day
from portal.payments.plans.models import BookingPlan, FitReason, PaymentPlan, PriceOffer, PriceOfferState
from portal.payments.plans.schedule import asked, share_to_lock
from portal.payments.plans.services import fit_plan
from portal.payments.shares.services import fit_shares

ANSWER_TIME = timedelta(days=14)  # proposed


def review_prices(now: datetime) -> int:
    """Hold every price that is not locked against today's lists; how many offers are new.

    Each booking in a transaction of its own. Announces payments.price_offered.
    """
    charged, paid, *_ = balance_columns(Booking.id, Booking.currency, Booking)
    not_locked = db.session.scalars(
        select(BookingPlan.booking_id)
        .join(Booking, Booking.id == BookingPlan.booking_id)
        .join(PaymentPlan, PaymentPlan.id == BookingPlan.plan_id)
        .where(
            BookingPlan.ended_at.is_(None),
            Booking.state == BookingState.CONFIRMED,
            ~PAUSED,
            paid * 100 < charged * PaymentPlan.lock_percent,
        )
    ).all()
    offered = db.session.scalars(
        select(PriceOffer.booking_id).where(PriceOffer.state == PriceOfferState.OPEN)
    ).all()
    return sum(_review(booking_id, now) for booking_id in sorted({*not_locked, *offered}))


def _review(booking_id: int, now: datetime) -> bool:
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        offer = open_offer(booking_id)
        price = None
        if locks_for(booking) is not None and not priced_by_todays_lists(booking):
            try:
                price = plan_todays_price(booking, now).after
            except Refused:
                return False  # it changes this very moment, or is not sold any more: what is open stays as it is
        if offer is not None:
            if price == offer.after and booking.price == offer.before:
                return False
            _close(offer, PriceOfferState.LOCKED if _locked(booking) else PriceOfferState.WITHDRAWN, now)
            session.flush()
        if price is None or price == booking.price or booking.voyage.starts_at <= now:
            return False
        offer = PriceOffer(
            booking_id=booking_id,
            state=PriceOfferState.OPEN,
            before_minor=booking.price.minor,
            after_minor=price.minor,
            made_at=now,
            answer_by=min(now + ANSWER_TIME, booking.voyage.starts_at),
        )
        session.add(offer)
        session.flush()
        _record(offer, booking, now)
        announce("payments.price_offered", offer_id=offer.id)
        return True


def locks_for(booking: Booking) -> Money | None:
    """What is still to be paid until the price is locked; None where it is, or the booking is not paid in parts."""
    plan = live_plan(booking.id)
    if plan is None or booking.state is not BookingState.CONFIRMED:
        return None
    paid = balance_of(booking.id, booking.currency).paid
    left = share_to_lock(booking.price.minor, plan.lock_percent) - paid
    return Money(left, booking.currency) if left > 0 else None


def _locked(booking: Booking) -> bool:
    return booking.state is BookingState.CONFIRMED and locks_for(booking) is None


def open_offer(booking_id: int) -> PriceOffer | None:
    """One statement."""
    return db.session.scalars(
        select(PriceOffer).where(PriceOffer.booking_id == booking_id, PriceOffer.state == PriceOfferState.OPEN)
    ).one_or_none()


def accept_price(*, booking_id: int, agreed: Money, now: datetime) -> None:
    """The guest agrees to the new price; what it adds or takes off is spread over the parts to come.

    agreed: the price that he was shown. Raises ChangeMoved where it is another one by now, or no offer is open, and
    what plan_todays_price() does; then nothing is written. Announces booking.changed.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        offer = open_offer(booking_id)
        planned = plan_todays_price(booking, now)
        if offer is None or agreed != offer.after or planned.after != agreed or locks_for(booking) is None:
            raise ChangeMoved
        take_todays_price(booking, planned, now)
        fit_plan(booking, FitReason.CHANGED, now)
        fit_shares(booking, now)
        _close(offer, PriceOfferState.ACCEPTED, now)


def _close(offer: PriceOffer, state: PriceOfferState, now: datetime) -> None:
    offer.state, offer.closed_at = state, now
    _record(offer, offer.booking, now)


def _record(offer: PriceOffer, booking: Booking, now: datetime) -> None:
    record(
        f"price_offer.{offer.state}",
        subject="booking",
        reference=booking.reference,
        now=now,
        to_state=offer.state,
        reason=f"{offer.before_minor} - {offer.after_minor} {booking.currency}",
    )


@dataclass(frozen=True)
class PriceOfferView:
    """before, after: the two prices. lock: the least that can be paid now so that the old one stands."""

    booking: str
    before: Money
    after: Money
    lock: Money
    answer_by: datetime

    @property
    def dearer(self) -> bool:
        return self.after.minor > self.before.minor


def price_offer_view(booking: Booking, now: datetime) -> PriceOfferView | None:
    """What the guest decides about now, if anything."""
    missing = locks_for(booking)
    offer = open_offer(booking.id) if missing is not None else None
    plan = live_plan(booking.id) if offer is not None else None
    if offer is None or missing is None or plan is None or offer.before != booking.price:
        return None
    balance = balance_of(booking.id, booking.currency)
    part = asked(plan.parts, balance.paid, port_day(booking, now))
    enough = part is not None and part.minor >= missing.minor
    lock = Money(part.minor if part is not None and enough else balance.owed, booking.currency)
    return PriceOfferView(booking.reference, offer.before, offer.after, lock, offer.answer_by)


@part_of("booking", "price_offer")
def booking_price_offer(booking_id: int) -> Callable[[BookingPage], PriceOfferView | None]:
    """For the page, which has its plan and its balance already: no statement for a price that is locked."""
    known: tuple[int, LivePlan | None] | None = g.get("payments_plan")
    plan = known[1] if known is not None and known[0] == booking_id else live_plan(booking_id)

    def told(page: BookingPage) -> PriceOfferView | None:
        if plan is None or page.balance.paid >= share_to_lock(page.price.minor, plan.lock_percent):
            return None
        return price_offer_view(db.session.get_one(Booking, booking_id), clock.now())

    return told


@dataclass(frozen=True)
class OpenOffer:
    booking: str
    before: Money
    after: Money
    answer_by: datetime


def open_offers(limit: int) -> tuple[OpenOffer, ...]:
    """For staff: the one whose time runs out first in front. One statement."""
    offers = db.session.scalars(
        select(PriceOffer)
        .where(PriceOffer.state == PriceOfferState.OPEN)
        .order_by(PriceOffer.answer_by, PriceOffer.id)
        .limit(limit)
        .options(joinedload(PriceOffer.booking))
    )
    return tuple(OpenOffer(one.booking.reference, one.before, one.after, one.answer_by) for one in offers)
