"""Fares as pages need them."""

from collections.abc import Sequence

from sqlalchemy import select

from portal.database import db
from portal.kernel.errors import NotFound
from portal.pricing.models import Fare

CURRENCY = "RUB"  # the price list that is sold from; others come with their own lists


def fares_of(sailing_ids: Sequence[int], currency: str = CURRENCY) -> dict[int, dict[int, Fare]]:
    """Fares by sailing and category. One statement."""
    result: dict[int, dict[int, Fare]] = {sailing_id: {} for sailing_id in sailing_ids}
    for fare in db.session.scalars(select(Fare).where(Fare.sailing_id.in_(sailing_ids), Fare.currency == currency)):
        result[fare.sailing_id][fare.category_id] = fare
    return result


def fare_of(sailing_id: int, category_id: int, currency: str = CURRENCY) -> Fare:
    """Raises NotFound: a category without a fare is not sold."""
    fare = db.session.scalars(
        select(Fare).filter_by(sailing_id=sailing_id, category_id=category_id, currency=currency)
    ).one_or_none()
    if fare is None:
        raise NotFound(sailing_id, category_id)
    return fare
