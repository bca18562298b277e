"""Promotion codes: made and ended by staff, found by what a guest typed, turned into what the rules apply."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.audit.services import record
from portal.database import db, transaction
from portal.kernel.errors import NotFound
from portal.pricing.errors import (
    CodeExists,
    PromotionElsewhere,
    PromotionNotYet,
    PromotionOver,
    PromotionUnknown,
)
from portal.pricing.models import Promotion
from portal.pricing.rules import Discount, LineKind

CODE = re.compile(r"[A-Z0-9]{3,20}")


def plain_code(typed: str) -> str:
    """As codes are kept: capital letters, nothing between them."""
    return re.sub(r"[\s-]", "", typed).upper()


def create_promotion(
    *,
    code: str,
    percent: int | None,
    amount_minor: int | None,
    currency: str | None,
    starts_on: date | None,
    ends_on: date | None,
    categories: Sequence[str],
    combinable: bool,
    uses_limit: int | None,
    cabins_limit: int | None,
    budget_minor: int | None,
    now: datetime,
) -> Promotion:
    """A new code, valid at once or from its first day. Either percent or amount_minor. Raises CodeExists."""
    with transaction() as session:
        promotion = Promotion(
            code=plain_code(code),
            percent=percent,
            amount_minor=amount_minor,
            currency=currency,
            starts_on=starts_on,
            ends_on=ends_on,
            categories=list(categories),
            combinable=combinable,
            uses_limit=uses_limit,
            cabins_limit=cabins_limit,
            budget_minor=budget_minor,
            made_at=now,
        )
        session.add(promotion)
        try:
            session.flush()
        except IntegrityError as taken:
            raise CodeExists from taken
        record("promotion.created", subject="promotion", reference=promotion.code, now=now)
    return promotion


def end_promotion(*, promotion_id: int, now: datetime) -> None:
    """No new booking gets it from now on; what was agreed stands. A second time nothing happens. Raises NotFound."""
    with transaction() as session:
        promotion = session.get(Promotion, promotion_id, with_for_update=True)
        if promotion is None:
            raise NotFound(promotion_id)
        if promotion.ended_at is None:
            promotion.ended_at = now
            record("promotion.ended", subject="promotion", reference=promotion.code, now=now)


def find_promotion(typed: str, *, currency: str, day: date, lock: bool = False) -> Promotion:
    """The promotion of this code, if it holds for a booking on `day` in `currency`; its limits are not looked at.

    lock: keep others from using it until the transaction ends.
    Raises PromotionUnknown, PromotionNotYet, PromotionOver or PromotionElsewhere.
    """
    query = select(Promotion).where(Promotion.code == plain_code(typed)).execution_options(populate_existing=True)
    promotion = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if promotion is None:
        raise PromotionUnknown
    check_promotion(promotion, currency=currency, day=day)
    return promotion


def check_promotion(promotion: Promotion, *, currency: str, day: date) -> None:
    """Whether it holds for a booking on `day` in `currency`.

    Raises PromotionNotYet, PromotionOver or PromotionElsewhere.
    """
    if promotion.starts_on is not None and day < promotion.starts_on:
        raise PromotionNotYet
    if promotion.ended_at is not None or (promotion.ends_on is not None and day > promotion.ends_on):
        raise PromotionOver
    if promotion.currency not in (None, currency):
        raise PromotionElsewhere


def discount_of(promotion: Promotion) -> Discount:
    return Discount(
        LineKind.PROMOTION,
        promotion.code,
        percent=promotion.percent or 0,
        amount=promotion.amount_minor or 0,
        categories=frozenset(promotion.categories),
        stack="promotion",
        combinable=promotion.combinable,
    )
