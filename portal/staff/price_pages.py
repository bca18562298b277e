"""Fares with their simulation, promotion codes and payment plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select

from portal.booking.models import PromotionUse, UseState
from portal.catalogue.models import Category, Sailing
from portal.catalogue.queries import sailing_with_calls
from portal.database import db
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.payments.plans.models import PaymentPlan
from portal.payments.plans.schedule import Step
from portal.pricing.models import Fare, PriceList, Promotion
from portal.pricing.party import Party
from portal.pricing.queries import CURRENCY, currencies_of, fares_in, price_lists_of, terms_for
from portal.pricing.services import FareEdit
from portal.pricing.simulation import Trial, simulate
from portal.staff.paging import PAGE, Paging, paging


@dataclass(frozen=True)
class FaresPage:
    sailing: Sailing
    fares: tuple[tuple[Category, Fare], ...]  # from the simplest category
    currency: str
    currencies: tuple[str, ...]
    versions: tuple[PriceList, ...]  # of this currency, the newest first


def fares_page(code: str, currency: str = CURRENCY) -> FaresPage:
    """Raises NotFound. Five statements."""
    sailing = sailing_with_calls(code)
    rows = db.session.execute(
        select(Category, Fare)
        .join(Fare, Fare.category_id == Category.id)
        .where(Fare.sailing_id == sailing.id, Fare.currency == currency)
        .order_by(Category.position)
    )
    return FaresPage(
        sailing,
        tuple((category, fare) for category, fare in rows),
        currency,
        currencies_of(sailing.id),
        tuple(price_lists_of(sailing.id, currency)),
    )


@dataclass(frozen=True)
class SimulatedFares:
    """What the parties of a trial pay now and would pay, by the code of the category."""

    categories: tuple[Category, ...]
    rows: tuple[tuple[Party, Mapping[str, Trial]], ...]


def simulated_fares(
    page: FaresPage, edits: Sequence[FareEdit], port_dues: int, parties: Sequence[Party], now: datetime
) -> SimulatedFares:
    """Nothing is written. One statement."""
    sailing = page.sailing
    prices = terms_for(
        {sailing.id: sailing.code}, {sailing.id: {fare.category_id: fare for _, fare in page.fares}}, page.currency
    )[sailing.id]
    present = [
        fares_in(fare, category.code, berths=category.berths, extra_berths=category.extra_berths)
        for category, fare in page.fares
    ]
    thought = {edit.category: edit for edit in edits}
    then = [
        replace(
            one,
            adult=thought[one.category].adult_minor,
            single=thought[one.category].single_minor,
            child=thought[one.category].child_minor,
            extra=thought[one.category].extra_minor,
        )
        for one in present
        if one.category in thought
    ]
    day = day_of(now, sailing.calls[0].port.zone)
    rows = simulate(parties, present, then, currency=page.currency, terms=prices.terms, port_dues=port_dues, day=day)
    return SimulatedFares(tuple(category for category, _ in page.fares), rows)


@dataclass(frozen=True)
class PromotionRow:
    promotion: Promotion
    uses: int
    cabins: int
    taken_minor: int  # off in all; of the promotion's currency, if it has one

    def sum_of(self, minor: int) -> Money | None:
        return Money(minor, self.promotion.currency) if self.promotion.currency else None


@dataclass(frozen=True)
class PromotionsPage:
    rows: tuple[PromotionRow, ...]
    paging: Paging


def promotions_page(page: int) -> PromotionsPage:
    """The newest first, with what is in use. Two statements."""
    at = paging(page, db.session.scalar(select(func.count(Promotion.id))) or 0)
    taken = PromotionUse.state == UseState.TAKEN
    rows = db.session.execute(
        select(
            Promotion,
            func.count(PromotionUse.id),
            func.coalesce(func.sum(PromotionUse.cabins), 0),
            func.coalesce(func.sum(PromotionUse.amount_minor), 0),
        )
        .outerjoin(PromotionUse, (PromotionUse.promotion_id == Promotion.id) & taken)
        .group_by(Promotion.id)
        .order_by(Promotion.id.desc())
        .limit(PAGE)
        .offset(at.offset)
    )
    return PromotionsPage(tuple(PromotionRow(one, uses, int(cabins), int(off)) for one, uses, cabins, off in rows), at)


@dataclass(frozen=True)
class OfferedPlan:
    id: int
    code: str
    version: int
    sailing: str | None
    mark: str
    percent: int | None
    per_person: Money | None
    steps: tuple[Step, ...]
    lock_percent: int


def offered_plans() -> tuple[OfferedPlan, ...]:
    """Those of the season first. One statement."""
    rows = db.session.execute(
        select(PaymentPlan, Sailing.code)
        .outerjoin(Sailing, Sailing.id == PaymentPlan.sailing_id)
        .where(PaymentPlan.ended_at.is_(None))
        .order_by(Sailing.code.nulls_first(), PaymentPlan.code)
    )
    return tuple(
        OfferedPlan(
            id=plan.id,
            code=plan.code,
            version=plan.version,
            sailing=code,
            mark=plan.mark,
            percent=plan.percent,
            per_person=Money(plan.per_person_minor, plan.currency) if plan.per_person_minor and plan.currency else None,
            steps=plan.terms.steps,
            lock_percent=plan.lock_percent,
        )
        for plan, code in rows
    )
