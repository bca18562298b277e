"""What waits for somebody: the start page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select

from portal.booking.models import ChangeRequest, ChangeState
from portal.catalogue.models import Sailing, SailingState
from portal.database import db
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.payments.models import DISPUTE_OPEN, Dispute, Method, Mismatch, Payment, PaymentState
from portal.payments.plans.queries import late_plans
from portal.staff.payment_pages import WITHOUT_CABIN
from portal.staff.sailing_pages import SailingRow, sailing_rows
from portal.visas.models import ChecklistItem, ItemState

SAILINGS_AHEAD = 5


@dataclass(frozen=True)
class Attention:
    """What waits for somebody; None where the reader may not see it."""

    papers: int | None
    papers_overdue: int | None
    transfers: int | None
    transfers_sum: dict[str, Money]
    unallocated: int | None
    unclear: int | None  # disputes that the bank has not decided, and differences from the providers' books
    changes: int | None
    overdue_parts: int | None
    sailings: tuple[SailingRow, ...]


def attention(*, papers: bool, money: bool, changes: bool, sailings: bool, now: datetime) -> Attention:
    """Seven statements at most."""
    waiting = overdue = transfers = unallocated = None
    sums: dict[str, Money] = {}
    if papers:
        waiting, overdue = db.session.execute(
            select(
                func.count(ChecklistItem.id),
                func.count(case((ChecklistItem.due < day_of(now, OFFICE_ZONE), 1))),
            ).where(ChecklistItem.state == ItemState.IN_REVIEW)
        ).one()
    if money:
        transfers = unallocated = 0
        for state, currency, count, amount in db.session.execute(
            select(Payment.state, Payment.currency, func.count(), func.sum(Payment.amount_minor))
            .where(
                or_(
                    and_(Payment.method == Method.TRANSFER, Payment.state == PaymentState.OPEN),
                    WITHOUT_CABIN,
                )
            )
            .group_by(Payment.state, Payment.currency)
        ):
            if state is PaymentState.UNALLOCATED:
                unallocated += count
            else:
                transfers += count
                sums[currency] = Money(int(amount), currency)
    ahead: tuple[SailingRow, ...] = ()
    if sailings:
        ahead = sailing_rows(
            select(Sailing)
            .where(Sailing.ends_at > now, Sailing.state != SailingState.CANCELLED)
            .order_by(Sailing.starts_at)
            .limit(SAILINGS_AHEAD),
            now,
        )
    asked = late = unclear = None
    if changes or money:
        requests = select(func.count(ChangeRequest.id)).where(ChangeRequest.state == ChangeState.ASKED)
        disputes = select(func.count(Dispute.id)).where(Dispute.state.in_(DISPUTE_OPEN))
        mismatches = select(func.count(Mismatch.id)).where(Mismatch.closed_at.is_(None))
        asked, late, unclear = db.session.execute(
            select(
                requests.scalar_subquery(),
                late_plans(now).scalar_subquery(),
                disputes.scalar_subquery() + mismatches.scalar_subquery(),
            )
        ).one()
    return Attention(
        papers=waiting,
        papers_overdue=overdue,
        transfers=transfers,
        transfers_sum=sums,
        unallocated=unallocated,
        unclear=unclear if money else None,
        changes=asked if changes else None,
        overdue_parts=late if money else None,
        sailings=ahead,
    )
