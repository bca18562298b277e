"""Cancellations as pages need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, select
from sqlalchemy.orm import joinedload

from portal.booking.models import Booking
from portal.database import db
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.payments.cancellations.models import BY_LAW, Cancellation, CancelReason

ANSWER_TIME = timedelta(days=10)  # Source: Russian consumer law art. 31, for a demand to return money


@dataclass(frozen=True)
class CancellationView:
    id: int
    booking: str
    sailing: str
    contact_name: str | None
    language: str
    reason: CancelReason
    percent: int
    limit: Money
    made_at: datetime
    settle_by: datetime
    costs: Money | None
    note: str | None


def _view(one: Cancellation, sailing: str) -> CancellationView:
    booking = one.booking
    return CancellationView(
        id=one.id,
        booking=booking.reference,
        sailing=sailing,
        contact_name=booking.contact_name,
        language=booking.language,
        reason=one.reason,
        percent=one.percent,
        limit=one.limit,
        made_at=one.made_at,
        settle_by=one.made_at + ANSWER_TIME,
        costs=None if one.costs_minor is None else Money(one.costs_minor, booking.currency),
        note=one.note,
    )


def unsettled(limit: int) -> tuple[CancellationView, ...]:
    """Of which something is kept and nobody has said what it cost: those by law first. One statement."""
    first = case((Cancellation.reason.in_(BY_LAW), 0), else_=1)
    rows = db.session.scalars(
        select(Cancellation)
        .where(Cancellation.costs_minor.is_(None), Cancellation.limit_minor > 0)
        .order_by(first, Cancellation.made_at)
        .limit(limit)
        .options(joinedload(Cancellation.booking).joinedload(Booking.sailing))
    )
    return tuple(_view(one, one.booking.sailing.code) for one in rows)


def cancellation_view(cancellation_id: int) -> CancellationView:
    one = db.session.get_one(Cancellation, cancellation_id)
    return _view(one, one.booking.sailing.code)


@part_of("booking", "cancellation_of")
def booking_cancellation(booking_id: int) -> object:
    """For the page of a cancelled booking; asked only there. One statement."""

    def told() -> CancellationView | None:
        one = db.session.scalars(select(Cancellation).filter_by(booking_id=booking_id)).one_or_none()
        return _view(one, one.booking.sailing.code) if one else None

    return told
