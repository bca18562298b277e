"""Settle what a cancelled booking has really cost, and return what was kept beyond it."""

from __future__ import annotations

from datetime import datetime

from portal.accounts.models import Account
from portal.audit.services import record
from portal.booking.models import Booking
from portal.database import transaction
from portal.kernel.money import Money
from portal.ledger.services import post_price_change
from portal.outbox.services import announce
from portal.payments.cancellations.models import Cancellation
from portal.payments.errors import CostsTooHigh, NotExpected
from portal.payments.refunds import return_part


def settle_costs(*, cancellation_id: int, costs: Money, note: str, account: Account, now: datetime) -> Money:
    """Staff say what was really spent for a cancelled booking; what was kept beyond it goes back: how much.

    note: what the costs were, for the guest to ask about. Raises CostsTooHigh for more than the conditions keep, and
    NotExpected a second time. Announces payments.costs_settled, and payments.refund_requested where money goes back.
    Source: Russian consumer law art. 32, civil code art. 782.
    """
    with transaction() as session:
        booking_id = session.get_one(Cancellation, cancellation_id).booking_id
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        cancellation = session.get_one(Cancellation, cancellation_id, with_for_update=True, populate_existing=True)
        if cancellation.settled_at is not None:
            raise NotExpected
        if costs > cancellation.limit:
            raise CostsTooHigh
        cancellation.costs_minor = costs.minor
        cancellation.note = note
        cancellation.settled_at = now
        cancellation.settled_by_id = account.id
        less = cancellation.limit - costs
        if less.minor:
            post_price_change(
                booking_id=booking.id,
                change=f"costs-{booking.reference}",
                before=cancellation.limit,
                after=costs,
                kept=-less,
                now=now,
            )
            return_part(booking, less, now)
        record(
            "booking.costs_settled",
            subject="booking",
            reference=booking.reference,
            now=now,
            reason=f"{costs.minor} {costs.currency} · {note}",
        )
        announce("payments.costs_settled", cancellation_id=cancellation.id)
    return less
