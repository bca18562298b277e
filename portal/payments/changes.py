"""A change with its money: what is returned, or to be paid and by when, shown before and done after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from portal.booking.changes import CHANGE_TIME, Plan, Wish, awaiting_change, begin, drop_change, plan
from portal.booking.errors import ChangeMoved, NotChangeable
from portal.booking.models import Booking, BookingChange, BookingChangeState
from portal.database import db, transaction
from portal.kernel.money import Money
from portal.payments.errors import MethodNotOffered
from portal.payments.plans.live import port_day
from portal.payments.plans.models import FitReason
from portal.payments.plans.schedule import due_by, open_parts
from portal.payments.plans.services import fit_plan, parts_after
from portal.payments.refunds import may_leave, paid_for, return_part
from portal.payments.services import offered_ways
from portal.payments.shares.services import fit_shares


@dataclass(frozen=True)
class ChangePreview:
    """All that is shown before consent. Of to_pay and returned one is zero, or both.

    later: what is due on later days of a booking that is paid in parts.
    """

    plan: Plan
    paid: Money
    to_pay: Money
    returned: Money
    pay_by: datetime
    later: tuple[tuple[date, Money], ...] = ()

    @property
    def digest(self) -> str:
        """What the customer agrees to by his press."""
        later = "".join(f"-{day:%m%d}:{part.minor}" for day, part in self.later)
        return f"{self.plan.digest}-{self.to_pay.minor}-{self.returned.minor}{later}"


def change_preview(booking_id: int, wish: Wish, now: datetime) -> ChangePreview:
    """What a change would mean now; nothing is written.

    Raises what portal.booking.changes.plan does, and MethodNotOffered where more is to be paid than can be taken.
    """
    return _preview(db.session.get_one(Booking, booking_id), wish, now)


def agree_to_change(*, booking_id: int, wish: Wish, agreed: str, now: datetime) -> BookingChange:
    """Make the change that was shown, or hold its cabins until the rest is paid; and send back what is returned.

    agreed: the digest of the preview. Raises ChangeMoved where anything shown has moved since, and what change_preview
    does, KeptForOthers and ShipFull; then nothing is written.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        preview = _preview(booking, wish, now)
        if preview.digest != agreed:
            raise ChangeMoved
        change = begin(
            booking,
            preview.plan,
            to_pay=preview.to_pay,
            returned=preview.returned,
            pay_by=preview.pay_by,
            now=now,
        )
        if preview.returned.minor:
            return_part(booking, preview.returned, now)
        if change.state is BookingChangeState.APPLIED:
            fit_plan(booking, FitReason.CHANGED, now)
        fit_shares(booking, now)
    return change


def give_up_change(*, booking_id: int, now: datetime) -> None:
    """The customer does not want the change any more that waits for his money. Raises NotChangeable."""
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        change = awaiting_change(booking_id)
        if change is None:
            raise NotChangeable
        drop_change(change, booking, now)


def _preview(booking: Booking, wish: Wish, now: datetime) -> ChangePreview:
    planned = plan(booking, wish, now, waived=may_leave(booking.id, now))
    paid = paid_for(booking)
    difference = planned.after - paid
    nothing = Money(0, booking.currency)
    to_pay, returned = (difference, nothing) if difference.minor > 0 else (nothing, -difference)
    start = planned.sailing.start_day if planned.moves else booking.voyage.start_day
    parts = parts_after(booking, planned.after, start, paid.minor, now)
    later: tuple[tuple[date, Money], ...] = ()
    if parts is not None and to_pay.minor:
        open_ = open_parts(parts, paid.minor)
        today = port_day(booking, now)
        to_pay = Money(due_by(open_, today), booking.currency)
        later = tuple((part.due, Money(part.minor, booking.currency)) for part in open_ if part.due > today)
    pay_by = min(now + CHANGE_TIME, booking.voyage.starts_at)
    if to_pay.minor and not offered_ways(to_pay, planned.voyage.starts_at, now):
        raise MethodNotOffered
    return ChangePreview(planned, paid, to_pay, returned, pay_by, later)
