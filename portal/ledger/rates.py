"""Dated exchange rates, entered by finance with their source: shown, and never used to convert by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from portal.audit.services import record
from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.ledger.models import ExchangeRate

SCALE = 1_000_000  # a rate is kept as a whole number of millionths


@dataclass(frozen=True)
class RateView:
    """1 unit of `currency` is `rate` units of `against`."""

    id: int
    day: date
    currency: str
    against: str
    rate: Decimal
    source: str
    recorded_at: datetime
    replaced: bool  # by a later entry for the same day


def enter_rate(
    *, day: date, currency: str, against: str, rate: Decimal, source: str, account_id: int, now: datetime
) -> None:
    """Note a rate. Nothing is ever changed: another entry for the same day stands in place of the one before.

    rate: above zero, six decimal places at most.
    """
    with transaction() as session:
        session.add(
            ExchangeRate(
                day=day,
                currency=currency,
                against=against,
                rate_millionths=int(rate * SCALE),
                source=source,
                entered_by_id=account_id,
                recorded_at=real_now(),
            )
        )
        record(
            "rate.entered",
            subject="ledger",
            reference=f"{currency}-{against}",
            now=now,
            reason=f"{day.isoformat()}: {rate} ({source})",
        )


def rates(limit: int) -> Sequence[RateView]:
    """The newest day first; of one day the last entry first. One statement."""
    found = db.session.scalars(
        select(ExchangeRate).order_by(ExchangeRate.day.desc(), ExchangeRate.id.desc()).limit(limit)
    )
    seen: set[tuple[date, str, str]] = set()
    views = []
    for one in found:
        about = (one.day, one.currency, one.against)
        views.append(
            RateView(
                id=one.id,
                day=one.day,
                currency=one.currency,
                against=one.against,
                rate=Decimal(one.rate_millionths) / SCALE,
                source=one.source,
                recorded_at=one.recorded_at,
                replaced=about in seen,
            )
        )
        seen.add(about)
    return views
