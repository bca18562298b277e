"""Whose data it is: an account with all its bookings, or one booking made without an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal.accounts.models import Account
from portal.booking.models import Booking, BookingState
from portal.database import db


@dataclass(frozen=True)
class Owner:
    account_id: int | None
    booking_ids: tuple[int, ...]  # those that were agreed at some time, the newest first

    @property
    def alone(self) -> int | None:
        """The booking of an owner without an account."""
        return self.booking_ids[0] if self.account_id is None else None


def owner_of_account(account: Account) -> Owner:
    return Owner(account.id, tuple(_bookings_of(account.id)))


def owner_of_booking(booking: Booking) -> Owner:
    """Of this booking alone, whoever may open it."""
    return Owner(None, (booking.id,))


def _bookings_of(account_id: int) -> Sequence[int]:
    return db.session.scalars(
        select(Booking.id)
        .where(Booking.customer_id == account_id, Booking.state != BookingState.DRAFT)
        .order_by(Booking.id.desc())
    ).all()
