"""What agencies owe and have earned: always the sums of entries, stored nowhere beside them."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from portal.database import db
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, LedgerEntry
from portal.payments.agencies.models import Agency
from portal.payments.models import Payment


def open_credit(agency: Agency) -> Money:
    """What an agency owes in all; below zero it stands in its favour. One statement."""
    return Money(_sum(LedgerAccount.AGENCY, Payment.agency_id == agency.id), agency.currency)


def free_credit(agency: Agency) -> Money:
    return Money(max(0, agency.limit_minor - open_credit(agency).minor), agency.currency)


def owed_for(credit: Payment) -> int:
    """Minor units that the agency still owes for one booking taken on credit; below zero: in its favour."""
    return _sum(LedgerAccount.AGENCY, (Payment.id == credit.id) | (Payment.settles_id == credit.id))


def commission_for(credit: Payment) -> int:
    """Minor units of commission that were credited for it."""
    return _sum(LedgerAccount.COMMISSION, Payment.id == credit.id)


def paid_for_credit(credit: Payment) -> int:
    """Minor units that the agency has paid for it."""
    settlement = aliased(Payment)
    minor = db.session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.minor), 0))
        .join(settlement, settlement.id == LedgerEntry.payment_id)
        .where(settlement.settles_id == credit.id, LedgerEntry.account == LedgerAccount.AGENCY)
    )
    return -int(minor or 0)


def _sum(account: LedgerAccount, of: object) -> int:
    minor = db.session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.minor), 0))
        .join(Payment, Payment.id == LedgerEntry.payment_id)
        .where(LedgerEntry.account == account, of)  # type: ignore[arg-type]
    )
    return int(minor or 0)
