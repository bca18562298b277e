"""Divide what a booking owes among payers, and keep the shares within it: the only writers of shares."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select

from portal.audit.services import record
from portal.booking.models import Booking, BookingState
from portal.database import db, transaction
from portal.kernel.money import Money
from portal.kernel.states import move
from portal.ledger.queries import balance_of
from portal.outbox.services import announce
from portal.payments.models import Payment, PaymentState
from portal.payments.shares.division import cut, for_some
from portal.payments.shares.errors import (
    MoreThanOwed,
    NobodyChosen,
    NothingToDivide,
    RemindedAlready,
    ShareClosed,
    TooManyReminders,
)
from portal.payments.shares.models import SHARE_MOVES, PaymentShare, ShareState

REMINDED_AFTER = timedelta(hours=24)
MOST_REMINDERS = 5
LIVE = (BookingState.PENDING, BookingState.CONFIRMED)


@dataclass(frozen=True)
class Payer:
    """Who is asked. gift: he learns nothing of who travels, and decides whether his sum is shown."""

    name: str
    email: str
    language: str
    gift: bool = False


def ask_payer(
    *,
    booking_id: int,
    payer: Payer,
    amount: Money | None = None,
    passengers: Collection[int] = (),
    now: datetime,
) -> PaymentShare:
    """Ask one more payer for a sum of what is open, or for what of it falls to some passengers (ids).

    What is asked of nobody stays the holder's own. Raises NothingToDivide, MoreThanOwed or NobodyChosen; then nothing
    is written. Announces payments.share_asked.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        rest = rest_of(booking)
        if rest.minor <= 0:
            raise NothingToDivide
        minor = amount.minor if amount is not None else _of_passengers(booking, passengers)
        if amount is not None and amount.currency != booking.currency:
            raise MoreThanOwed
        if not 0 < minor <= rest.minor:
            raise MoreThanOwed
        share = PaymentShare(
            booking_id=booking.id,
            name=payer.name,
            email=payer.email.strip().lower(),
            language=payer.language,
            gift=payer.gift,
            sum_shown=not payer.gift,
            passengers=[] if amount is not None else sorted(passengers),
            amount_minor=minor,
            asked_at=now,
            made_at=now,
        )
        session.add(share)
        session.flush()
        _record(share, None, now)
        announce("payments.share_asked", share_id=share.id)
    return share


def change_share(*, share_id: int, amount: Money, email: str, now: datetime) -> None:
    """Another sum, or another address, to which the link then goes anew. Raises ShareClosed or MoreThanOwed.

    Announces payments.share_asked or payments.share_changed.
    """
    with transaction() as session:
        share, booking = _open_share(share_id)
        rest = rest_of(booking) + share.amount
        if amount.currency != booking.currency or not 0 < amount.minor <= rest.minor:
            raise MoreThanOwed
        moved = email.strip().lower() != share.email
        if amount.minor != share.amount_minor:
            _resize(share, amount.minor, now)
        if moved:  # whoever had the link before has it no more
            share.email = email.strip().lower()
            share.link_version += 1
            share.asked_at = now
            session.flush()
            announce("payments.share_asked", share_id=share.id)


def withdraw_share(*, share_id: int, now: datetime) -> None:
    """Its holder asks for it no more, and owes it himself again. Raises ShareClosed. Announces payments.share_ended."""
    with transaction():
        share, _booking = _open_share(share_id)
        _close(share, ShareState.WITHDRAWN, now)


def remind_payer(*, share_id: int, now: datetime) -> None:
    """Write to a payer once more. Raises ShareClosed, RemindedAlready or TooManyReminders.

    Announces payments.share_asked.
    """
    with transaction():
        share, _booking = _open_share(share_id)
        if now < share.asked_at + REMINDED_AFTER:
            raise RemindedAlready
        if share.reminders >= MOST_REMINDERS:
            raise TooManyReminders
        share.reminders += 1
        share.asked_at = now
        record("share.reminded", subject="share", reference=share.reference, now=now)
        announce("payments.share_asked", share_id=share.id)


def show_sum(*, share_id: int, shown: bool, now: datetime) -> None:
    """Whether the sum of a gift stands beside the giver's name on the pages of the booking; only he says so."""
    with transaction() as session:
        share = session.get_one(PaymentShare, share_id, with_for_update=True)
        if share.gift and share.sum_shown != shown:
            share.sum_shown = shown
            action = "share.sum_shown" if shown else "share.sum_hidden"
            record(action, subject="share", reference=share.reference, now=now)


def pay_share(share: PaymentShare, now: datetime) -> None:
    """Its money is here and counts to the booking: the share is what came. Call it under the lock of the booking.

    Announces payments.share_paid.
    """
    came = db.session.scalar(
        select(func.sum(Payment.amount_minor)).where(
            Payment.share_id == share.id, Payment.state == PaymentState.SUCCEEDED
        )
    )
    before = share.state
    share.state = move(before, ShareState.PAID, SHARE_MOVES)
    share.amount_minor = int(came or 0)
    share.closed_at = now
    db.session.flush()
    _record(share, before, now)
    announce("payments.share_paid", share_id=share.id)


def lower_share(share: PaymentShare, minor: int) -> None:
    """A part of an open share counts to the booking already, so that only the rest is asked for."""
    if share.state is ShareState.OPEN:
        share.amount_minor -= minor
        db.session.flush()


def fit_shares(booking: Booking, now: datetime) -> None:
    """Make the open shares fit what a booking owes now: nobody is asked for what is paid, or was made cheaper.

    First the holder's own rest grows or shrinks; what is less than the shares makes them smaller in proportion. Call it
    under the lock of the booking. Announces payments.share_changed and payments.share_ended.
    """
    shares = open_shares(booking.id)
    if not shares:
        return
    owed = balance_of(booking.id, booking.currency).owed if booking.state in LIVE else 0
    fitted = cut([share.amount_minor for share in shares], owed)
    for share, minor in zip(shares, fitted, strict=True):
        if not minor:
            _close(share, ShareState.ENDED, now)
        elif minor != share.amount_minor:
            _resize(share, minor, now)


def end_shares(*, booking_id: int, now: datetime) -> None:
    """The booking is over: nobody is asked any more. Announces payments.share_ended for each."""
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.state not in LIVE:
            fit_shares(booking, now)


def open_shares(booking_id: int) -> Sequence[PaymentShare]:
    return db.session.scalars(
        select(PaymentShare).filter_by(booking_id=booking_id, state=ShareState.OPEN).order_by(PaymentShare.id)
    ).all()


def asked_of_others(booking_id: int) -> int:
    """Minor units of the open shares of a booking. One statement."""
    return int(db.session.scalar(asked_query(booking_id)) or 0)


def asked_query(booking_id: int) -> Select[int]:
    return select(func.coalesce(func.sum(PaymentShare.amount_minor), 0)).where(
        PaymentShare.booking_id == booking_id, PaymentShare.state == ShareState.OPEN
    )


def rest_of(booking: Booking) -> Money:
    """What is open and asked of no other payer: the holder's own. Zero for a booking that is over."""
    if booking.state not in LIVE:
        return Money(0, booking.currency)
    owed = balance_of(booking.id, booking.currency).owed
    return Money(max(0, owed - asked_of_others(booking.id)), booking.currency)


def prices_by_passenger(booking: Booking) -> Mapping[int, int]:
    """What each passenger costs, by id: what belongs to nobody is divided equally among them."""
    prices = {passenger.id: 0 for passenger in booking.passengers}
    common = 0
    for charge in booking.charges:
        if charge.passenger_id in prices:
            prices[charge.passenger_id] += charge.amount_minor
        else:
            common += charge.amount_minor
    share, odd = divmod(common, len(prices))
    return {one: price + share + (place < odd) for place, (one, price) in enumerate(prices.items())}


def part_of_passengers(booking: Booking, passengers: Collection[int]) -> int:
    """What of all that is open, and of what payers have paid of it, falls to these passengers; minor units.

    So the parts of all passengers together are just what was open when the first payer was asked.
    """
    paid = db.session.scalar(
        select(func.coalesce(func.sum(PaymentShare.amount_minor), 0)).where(
            PaymentShare.booking_id == booking.id, PaymentShare.state == ShareState.PAID
        )
    )
    whole = balance_of(booking.id, booking.currency).owed + int(paid or 0)
    return for_some(max(0, whole), prices_by_passenger(booking), passengers)


def _of_passengers(booking: Booking, passengers: Collection[int]) -> int:
    """Raises NobodyChosen."""
    if not passengers or not set(passengers) <= {one.id for one in booking.passengers}:
        raise NobodyChosen
    return part_of_passengers(booking, passengers)


def _open_share(share_id: int) -> tuple[PaymentShare, Booking]:
    """An open share under the lock of its booking. Raises ShareClosed."""
    session = db.session
    booking_id = session.get_one(PaymentShare, share_id).booking_id
    booking = session.get_one(Booking, booking_id, with_for_update=True)
    share = session.get_one(PaymentShare, share_id, with_for_update=True, populate_existing=True)
    if share.state is not ShareState.OPEN or booking.state not in LIVE:
        raise ShareClosed
    return share, booking


def _resize(share: PaymentShare, minor: int, now: datetime) -> None:
    before = share.amount
    share.amount_minor = minor
    share.version += 1
    db.session.flush()
    record(
        "share.changed",
        subject="share",
        reference=share.reference,
        now=now,
        reason=f"{before.minor} → {minor} {before.currency}",
    )
    announce("payments.share_changed", share_id=share.id)


def _close(share: PaymentShare, state: ShareState, now: datetime) -> None:
    before = share.state
    share.state = move(before, state, SHARE_MOVES)
    share.closed_at = now
    db.session.flush()
    _record(share, before, now)
    announce("payments.share_ended", share_id=share.id)


def _record(share: PaymentShare, before: ShareState | None, now: datetime) -> None:
    record(
        f"share.{share.state}",
        subject="share",
        reference=share.reference,
        now=now,
        from_state=before,
        to_state=share.state,
    )
