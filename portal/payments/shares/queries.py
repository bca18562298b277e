"""Shares as the pages of a booking and of its payers show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask import g
from flask_babel.speaklater import LazyString
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal.booking.models import Booking, BookingState
from portal.catalogue.queries import SailingView, sailing_view
from portal.database import db
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.kernel.text import LocalizedText
from portal.payments.models import Payment, PaymentState, Refund, RefundState
from portal.payments.plans.live import confirming
from portal.payments.queries import PaymentView, RefundView, payment_view, refund_view
from portal.payments.services import Debt, debt_of
from portal.payments.shares.labels import SHARE_STATES, SHARE_TONES
from portal.payments.shares.models import PaymentShare, ShareState
from portal.payments.shares.services import MOST_REMINDERS, REMINDED_AFTER, part_of_passengers, rest_of

GOING = (RefundState.REQUESTED, RefundState.SENT, RefundState.SUCCEEDED)


@dataclass(frozen=True)
class ShareView:
    """For the holder. amount: None for a gift that was paid by somebody who keeps his sum to himself."""

    reference: str
    name: str
    email: str
    language: str
    gift: bool
    passengers: tuple[str, ...]
    amount: Money | None
    asked: Money
    returned: Money | None  # what has gone back to him, or is going
    state: ShareState
    state_label: LazyString
    tone: str
    paying: bool  # he has begun: a page of a provider or a transfer is awaited
    reminded_at: datetime
    may_remind: bool


@dataclass(frozen=True)
class DivisionPage:
    """How the price of a booking is divided. to_confirm: what is still lacking before it is confirmed."""

    shares: tuple[ShareView, ...]
    owed: Money
    asked: Money
    rest: Money  # the holder's own
    to_confirm: Money
    parts: Mapping[int, Money]  # what of the open price falls to each passenger, by id


def division_page(booking: Booking, now: datetime) -> DivisionPage:
    """Whoever calls has checked whose booking it is."""
    currency = booking.currency
    shares = shares_of(booking, now)
    rest = rest_of(booking)
    asked = sum(share.asked.minor for share in shares if share.state is ShareState.OPEN)
    owed = rest + Money(asked, currency)
    paid = booking.price - owed
    lacking = confirming(booking) - paid.minor if booking.state is BookingState.PENDING else 0
    return DivisionPage(
        shares=shares,
        owed=owed,
        asked=Money(asked, currency),
        rest=rest,
        to_confirm=Money(max(0, lacking), currency),
        parts={one.id: Money(part_of_passengers(booking, [one.id]), currency) for one in booking.passengers},
    )


def shares_of(booking: Booking, now: datetime) -> tuple[ShareView, ...]:
    """Every share of a booking, in the order in which they were asked for. One statement."""
    paying = func.count(Payment.id).filter(Payment.state.in_((PaymentState.CREATED, PaymentState.OPEN)))
    going = (
        select(func.coalesce(func.sum(Refund.amount_minor), 0))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.share_id == PaymentShare.id, Refund.state.in_(GOING))
        .correlate(PaymentShare)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(PaymentShare, paying, going)
        .outerjoin(Payment, Payment.share_id == PaymentShare.id)
        .where(PaymentShare.booking_id == booking.id)
        .group_by(PaymentShare.id)
        .order_by(PaymentShare.id)
    )
    names = {passenger.id: passenger.full_name for passenger in booking.passengers}
    return tuple(_share_view(share, names, bool(busy), int(back), now) for share, busy, back in rows)


def _share_view(share: PaymentShare, names: Mapping[int, str], paying: bool, back: int, now: datetime) -> ShareView:
    hidden = share.state is ShareState.PAID and not share.sum_shown
    open_ = share.state is ShareState.OPEN
    return ShareView(
        reference=share.reference,
        name=share.name,
        email=share.email,
        language=share.language,
        gift=share.gift,
        passengers=tuple(names[one] for one in share.passengers if one in names),
        amount=None if hidden else share.amount,
        asked=share.amount,
        returned=Money(back, share.booking.currency) if back and not hidden else None,
        state=share.state,
        state_label=SHARE_STATES[share.state],
        tone=SHARE_TONES[share.state],
        paying=paying and open_,
        reminded_at=share.asked_at,
        may_remind=open_ and now >= share.asked_at + REMINDED_AFTER and share.reminders < MOST_REMINDERS,
    )


@part_of("booking", "shares")
def booking_shares(booking_id: int) -> Callable[[datetime], tuple[ShareView, ...]]:
    """For the page of a booking: no statement where nobody else pays, for the query of its payments has said so."""
    known: tuple[int, bool] | None = g.get("payments_divided")

    def told(now: datetime) -> tuple[ShareView, ...]:
        if known is not None and known == (booking_id, False):
            return ()
        return shares_of(db.session.get_one(Booking, booking_id), now)

    return told


@dataclass(frozen=True)
class SharePage:
    """What the payer of a share reads: his share, what it is for, and what he paid; nothing else of the booking."""

    id: int
    reference: str
    name: str
    email: str
    language: str
    gift: bool
    sum_shown: bool
    asked_by: str
    booking: str
    booking_id: int
    booking_state: BookingState
    sailing: SailingView
    ship_name: LocalizedText
    passengers: tuple[str, ...]  # for whom he pays; nobody is named to the giver of a gift
    amount: Money
    state: ShareState
    state_label: LazyString
    tone: str
    debt: Debt | None
    confirmed: bool
    payments: tuple[PaymentView, ...]
    refunds: tuple[RefundView, ...]

    @property
    def zone(self) -> str:
        return self.sailing.embark.zone

    def payable_at(self, now: datetime) -> bool:
        return self.debt is not None and now < self.debt.pay_by

    @property
    def due(self) -> date | None:
        return self.debt.due if self.debt else None


def share_page(share: PaymentShare, now: datetime) -> SharePage:
    """Whoever calls has checked whose share it is."""
    booking = share.booking
    rows = db.session.execute(
        select(Payment, Refund)
        .outerjoin(Refund, Refund.payment_id == Payment.id)
        .where(Payment.share_id == share.id)
        .order_by(Payment.id, Refund.id)
        .options(joinedload(Payment.booking))
    ).all()
    payments = {payment.id: payment for payment, _refund in rows}
    names = {passenger.id: passenger.full_name for passenger in booking.passengers}
    return SharePage(
        id=share.id,
        reference=share.reference,
        name=share.name,
        email=share.email,
        language=share.language,
        gift=share.gift,
        sum_shown=share.sum_shown,
        asked_by=booking.contact_name or "",
        booking=booking.reference,
        booking_id=booking.id,
        booking_state=booking.state,
        sailing=sailing_view(booking.voyage),
        ship_name=booking.sailing.ship.sold_as,
        passengers=() if share.gift else tuple(names[one] for one in share.passengers if one in names),
        amount=share.amount,
        state=share.state,
        state_label=SHARE_STATES[share.state],
        tone=SHARE_TONES[share.state],
        debt=debt_of(booking, now, share=share),
        confirmed=booking.state is BookingState.CONFIRMED,
        payments=tuple(payment_view(payment) for payment in payments.values()),
        refunds=tuple(refund_view(refund) for _payment, refund in rows if refund is not None),
    )
