"""Fares and terms as pages and rules need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from portal.database import db
from portal.kernel.errors import NotFound
from portal.kernel.text import LocalizedText
from portal.pricing.models import Fare, PriceList, PriceTerms
from portal.pricing.rules import CabinFares, PartTariff, Terms, percent_of
from portal.pricing.terms import read_terms

CURRENCY = "RUB"  # the price list that is sold from unless the guest chooses another
CURRENCIES = ("RUB", "USD", "TMT")  # in the order in which they are offered


def fares_of(sailing_ids: Sequence[int], currency: str = CURRENCY) -> dict[int, dict[int, Fare]]:
    """Fares by sailing and category. One statement."""
    result: dict[int, dict[int, Fare]] = {sailing_id: {} for sailing_id in sailing_ids}
    for fare in db.session.scalars(select(Fare).where(Fare.sailing_id.in_(sailing_ids), Fare.currency == currency)):
        result[fare.sailing_id][fare.category_id] = fare
    return result


def fares_in(fare: Fare, category: str, *, berths: int, extra_berths: int) -> CabinFares:
    """The fares of a row for a cabin of so many berths, as the rules read them; `category` is the code."""
    return CabinFares(
        category, fare.adult_minor, fare.single_minor, fare.child_minor, fare.extra_minor, berths, extra_berths
    )


@dataclass(frozen=True)
class SailingPrices:
    """All that a sailing's prices in one currency are worked out from."""

    currency: str
    terms: Terms
    fares: Mapping[int, Fare]  # by category

    def for_part(self, percent: int, embark: LocalizedText, disembark: LocalizedText) -> SailingPrices:
        """The same lists, for those who sail only from port to port and pay `percent` of them."""
        names = (("embark", embark), ("disembark", disembark))
        ports = tuple((f"{end}_{code}", text) for end, name in names for code, text in name.by_locale.items())
        versions = (*self.terms.versions, ("part", str(percent)))
        return replace(self, terms=replace(self.terms, part=PartTariff(percent, ports), versions=versions))

    def cabin(self, category_id: int, category: str, *, berths: int, extra_berths: int) -> CabinFares:
        """The fares of a cabin with so many berths; `category` is the code. Raises NotFound: it is not sold."""
        if category_id not in self.fares:
            raise NotFound(category)
        return fares_in(self.fares[category_id], category, berths=berths, extra_berths=extra_berths)


def prices_of(sailings: Mapping[int, str], currency: str = CURRENCY) -> dict[int, SailingPrices]:
    """Prices by sailing. sailings: code by id. A sailing without a list in `currency` has no fares. Two statements."""
    return terms_for(sailings, fares_of(list(sailings), currency), currency)


def terms_for(
    sailings: Mapping[int, str], fares: Mapping[int, Mapping[int, Fare]], currency: str = CURRENCY
) -> dict[int, SailingPrices]:
    """As prices_of, for fares that were asked already. One statement."""
    current = db.session.scalars(select(PriceTerms).order_by(PriceTerms.version.desc()).limit(1)).one_or_none()
    return {
        sailing_id: SailingPrices(currency, _terms(current, code, fares[sailing_id]), fares[sailing_id])
        for sailing_id, code in sailings.items()
    }


def agreed_prices(
    sailing_id: int, sailing: str, currency: str, versions: Mapping[str, Any], categories: Mapping[int, str]
) -> SailingPrices:
    """Prices by the versions that a booking pins, whatever is sold by now: {"price_list": "RUB-3", "price_terms": "1"}.

    categories: code by id. What is not known by its version any more costs what it costs today. Four statements.
    """
    today = prices_of({sailing_id: sailing}, currency)[sailing_id]
    fares = dict(today.fares)
    name = versions.get("price_list")
    pinned = next((each for each in price_lists_of(sailing_id, currency) if each.name == name), None)
    terms = today.terms
    if pinned is not None:
        terms = replace(terms, port_dues=pinned.port_dues_minor)
        for category_id, fare in today.fares.items():
            figures = pinned.fares.get(categories.get(category_id, ""))
            if figures is not None and fare.price_list_id != pinned.id:
                fares[category_id] = Fare(
                    sailing_id=sailing_id,
                    category_id=category_id,
                    currency=currency,
                    adult_minor=figures["adult"],
                    single_minor=figures["single"],
                    child_minor=figures["child"],
                    extra_minor=figures["extra"],
                )
    version = str(versions.get("price_terms", ""))
    row = db.session.get(PriceTerms, int(version)) if version.isdecimal() else None
    read = read_terms(row.terms, sailing) if row is not None else Terms() if versions else terms
    return SailingPrices(currency, replace(read, port_dues=terms.port_dues, versions=()), fares)


def _terms(current: PriceTerms | None, sailing: str, fares: Mapping[int, Fare]) -> Terms:
    terms = Terms() if current is None else read_terms(current.terms, sailing)
    versions = [] if current is None else [("price_terms", str(current.version))]
    price_list = next((fare.price_list for fare in fares.values()), None)
    if price_list is not None:
        versions.insert(0, ("price_list", price_list.name))
    dues = price_list.port_dues_minor if price_list is not None else 0
    return replace(terms, port_dues=dues, versions=tuple(versions))


def fares_for_part(fares: Mapping[int, Fare], percent: int) -> dict[int, Fare]:
    """What the rules make of the fares of a whole voyage for a part of it; rows to read, that no session knows."""
    return {
        category_id: Fare(
            price_list_id=fare.price_list_id,
            sailing_id=fare.sailing_id,
            category_id=category_id,
            currency=fare.currency,
            adult_minor=percent_of(fare.adult_minor, percent),
            single_minor=percent_of(fare.single_minor, percent),
            child_minor=percent_of(fare.child_minor, percent),
            extra_minor=None if fare.extra_minor is None else percent_of(fare.extra_minor, percent),
            mark=fare.mark,
        )
        for category_id, fare in fares.items()
    }


def currencies_of(sailing_id: int) -> tuple[str, ...]:
    """In which currencies a sailing is sold. One statement."""
    found = set(db.session.scalars(select(Fare.currency).where(Fare.sailing_id == sailing_id).distinct()))
    return tuple(currency for currency in CURRENCIES if currency in found)


def price_lists_of(sailing_id: int, currency: str) -> Sequence[PriceList]:
    """Every version with its figures, the newest first. One statement."""
    return db.session.scalars(
        select(PriceList)
        .where(PriceList.sailing_id == sailing_id, PriceList.currency == currency)
        .order_by(PriceList.version.desc())
    ).all()
