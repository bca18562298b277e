"""Money that came when its cabin was gone: an equal cabin is kept and offered, or all of it goes back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from portal.audit.services import record
from portal.booking.models import BookedCabin, Booking, BookingChange, BookingChangeState, BookingState
from portal.booking.rooms import move_into
from portal.booking.services import confirm_booking
from portal.catalogue.models import Cabin, Sailing
from portal.database import db, transaction
from portal.inventory.guarantees import missed
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.queries import cabins_taken
from portal.inventory.services import hold_cabin, release
from portal.kernel.errors import Refused
from portal.kernel.states import move
from portal.ledger.queries import balance_columns
from portal.ledger.services import post_allocation
from portal.outbox.services import announce
from portal.payments.errors import NotExpected, OfferOver
from portal.payments.models import LateOffer, LateOfferState, Payment, PaymentState, Refund
from portal.payments.plans.live import confirming
from portal.payments.refunds import going_back, return_money

ANSWER_TIME = timedelta(hours=48)  # proposed: long enough to read a mail, short enough for the cabin
_charged, _paid, *_ = balance_columns(Booking.id, Booking.currency, Booking)


def offer_other_cabins(now: datetime) -> int:
    """Answer all money that found its cabin gone: keep equal cabins for it where there are; how many offers.

    Each payment once, in a transaction of its own. Announces payments.late_offer.
    """
    waiting = db.session.scalars(
        select(Payment.id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(
            Payment.state == PaymentState.UNALLOCATED,
            Payment.change_id.is_(None),
            Payment.share_id.is_(None),  # a share alone brings no cabin: it goes back to its payer
            Booking.state == BookingState.EXPIRED,
            Payment.id.not_in(select(LateOffer.payment_id)),
        )
        .order_by(Payment.id)
    ).all()
    return sum(_offer(payment_id, now) for payment_id in waiting)


def return_what_nobody_needs(now: datetime) -> int:
    """Send back money of a provider that can be used for nothing: it came twice, or for what is over; how many.

    A guest may have had a page open that its provider does not close. Money that could still be used, and transfers,
    wait for staff. Announces payments.refund_requested for each.
    """
    useless = or_(
        Booking.state == BookingState.CANCELLED,
        Payment.currency != Booking.currency,
        and_(
            Booking.state == BookingState.CONFIRMED,
            or_(Payment.change_id.is_(None), BookingChange.state != BookingChangeState.AWAITING),
            Payment.amount_minor > _charged - _paid,
        ),
    )
    waiting = db.session.scalars(
        select(Payment.id)
        .join(Booking, Booking.id == Payment.booking_id)
        .outerjoin(BookingChange, BookingChange.id == Payment.change_id)
        .where(
            Payment.state == PaymentState.UNALLOCATED,
            Payment.provider.is_not(None),
            useless,
            Payment.id.not_in(select(Refund.payment_id)),
            Payment.id.not_in(select(LateOffer.payment_id).where(LateOffer.state == LateOfferState.OPEN)),
        )
        .order_by(Payment.id)
    ).all()
    for payment_id in waiting:
        with suppress(NotExpected):  # staff were quicker, or a dispute has the money
            return_money(payment_id=payment_id, now=now)
    return len(waiting)


def _offer(payment_id: int, now: datetime) -> bool:
    with transaction() as session:
        booking_id = session.get_one(Payment, payment_id).booking_id
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        known = session.scalars(select(LateOffer).filter_by(payment_id=payment_id)).one_or_none()
        if known is not None or going_back(payment_id):
            return False
        offer = LateOffer(payment_id=payment_id, booking_id=booking_id, made_at=now, state=LateOfferState.NONE)
        session.add(offer)
        enough = (booking.price.minor, confirming(booking))
        if payment.amount_minor not in enough or booking.state is not BookingState.EXPIRED:
            return False
        session.get_one(Sailing, booking.sailing_id, with_for_update=True)  # what is free now stays free
        until = min(now + ANSWER_TIME, booking.sailing.sales_close_at)
        wanted = _equal_cabins(booking, now)
        if wanted is None or until <= now:
            return False
        try:
            with session.begin_nested():
                offer.cabins = [
                    {"was": booked.occupancy_id, "now": _keep(booked, cabin_id, payment, until, now).id}
                    for booked, cabin_id in wanted
                ]
        except Refused:
            return False
        offer.state, offer.expires_at = LateOfferState.OPEN, until
        _record(offer, booking, None, now)
        announce("payments.late_offer", payment_id=payment_id)
        return True


def _keep(booked: BookedCabin, cabin_id: int, payment: Payment, until: datetime, now: datetime) -> Occupancy:
    return hold_cabin(
        sailing_id=booked.booking.sailing_id,
        cabin_id=cabin_id,
        party=booked.occupancy.party,
        holder=f"late:{payment.reference}:{booked.id}",
        now=now,
        offered_until=until,
        part_id=booked.occupancy.part_id,
    )


def _equal_cabins(booking: Booking, now: datetime) -> list[tuple[BookedCabin, int]] | None:
    """For each cabin of the booking itself, or another of its category with as many berths; None if one is missing."""
    taken = cabins_taken(booking.sailing.ship_id, booking.voyage.nights, now)
    categories = {booked.cabin.category_id for booked in booking.cabins}
    free = [
        cabin
        for cabin in db.session.scalars(
            select(Cabin).where(Cabin.ship_id == booking.sailing.ship_id, Cabin.category_id.in_(categories))
        )
        if cabin.id not in taken
    ]
    found: list[tuple[BookedCabin, int]] = []
    for booked in booking.cabins:
        fitting = [c for c in free if c.category_id == booked.cabin.category_id and c.sleeps >= booked.cabin.sleeps]
        if not fitting:
            return None
        best = min(fitting, key=lambda cabin: (cabin.id != booked.cabin_id, missed(cabin)))
        free.remove(best)
        found.append((booked, best.id))
    return found


def accept_offer(*, payment_id: int, now: datetime) -> None:
    """The guest takes the cabins kept for him: his money is used, and the booking is confirmed with them.

    A second time nothing happens. Raises OfferOver. Announces booking.confirmed.
    """
    with transaction() as session:
        offer, booking, payment = _locked(payment_id)
        if offer.state is LateOfferState.ACCEPTED:
            return
        kept = {entry["was"]: session.get_one(Occupancy, entry["now"]) for entry in offer.cabins}
        lost = any(one.state is not OccupancyState.HELD or one.overdue_at(now) for one in kept.values())
        if lost or not offer.open_at(now) or going_back(payment_id):
            raise OfferOver
        move_into(booking, {booked.id: kept[booked.occupancy_id] for booked in booking.cabins})
        session.flush()
        session.expire_all()  # what was read of the cabins before is no longer so
        before = payment.state
        payment.state = move(before, PaymentState.SUCCEEDED, {before: {PaymentState.SUCCEEDED}})
        record(
            "payment.succeeded",
            subject="payment",
            reference=payment.reference,
            now=now,
            from_state=before,
            to_state=payment.state,
            reason="another cabin accepted",
        )
        post_allocation(
            booking_id=booking.id,
            payment_id=payment.id,
            payment=payment.reference,
            amount=payment.amount,
            now=now,
        )
        _close(offer, booking, LateOfferState.ACCEPTED, now)
        confirm_booking(booking_id=booking.id, now=now)


def decline_offer(*, payment_id: int, now: datetime) -> None:
    """The guest wants his money back: the cabins go back on sale and all of it is returned. Raises OfferOver."""
    with transaction():
        offer, booking, _payment = _locked(payment_id)
        if not offer.open_at(now):
            raise OfferOver
        for entry in offer.cabins:
            release(occupancy_id=entry["now"], now=now)
        _close(offer, booking, LateOfferState.DECLINED, now)
        return_money(payment_id=payment_id, now=now)


def end_offers(now: datetime) -> int:
    """Offers that nobody answered in time are over; staff settle the money with the guest. How many."""
    with transaction() as session:
        over = session.scalars(
            select(LateOffer)
            .where(LateOffer.state == LateOfferState.OPEN, LateOffer.expires_at <= now)
            .order_by(LateOffer.id)
            .with_for_update(skip_locked=True)
        ).all()
        for offer in over:
            _close(offer, session.get_one(Booking, offer.booking_id), LateOfferState.EXPIRED, now)
    return len(over)


def open_offer(booking_id: int, now: datetime) -> LateOffer | None:
    """The offer that this booking's guest can answer now. One statement."""
    offers: Sequence[LateOffer] = db.session.scalars(
        select(LateOffer).where(LateOffer.booking_id == booking_id, LateOffer.state == LateOfferState.OPEN)
    ).all()
    return next((offer for offer in offers if offer.open_at(now)), None)


def _locked(payment_id: int) -> tuple[LateOffer, Booking, Payment]:
    session = db.session
    booking_id = session.get_one(Payment, payment_id).booking_id
    booking = session.get_one(Booking, booking_id, with_for_update=True)
    payment = session.get_one(Payment, payment_id, with_for_update=True)
    offer = session.scalars(select(LateOffer).filter_by(payment_id=payment_id).with_for_update()).one()
    return offer, booking, payment


def _close(offer: LateOffer, booking: Booking, state: LateOfferState, now: datetime) -> None:
    before = offer.state
    offer.state = state
    _record(offer, booking, before, now)


def _record(offer: LateOffer, booking: Booking, before: LateOfferState | None, now: datetime) -> None:
    record(
        f"late_offer.{offer.state}",
        subject="booking",
        reference=booking.reference,
        now=now,
        from_state=before,
        to_state=offer.state,
    )
