"""What parties would pay by fares that are only being thought of, beside what they pay now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from portal.kernel.money import Money
from portal.pricing.cheapest import FreeCabins, prices_by_category
from portal.pricing.party import MOST_CABINS, Party
from portal.pricing.rules import CabinFares, Terms

# A couple, one alone, families, friends, a group: what most guests are.
USUAL = ("30,30", "30", "30,30,7", "30,7", "30,30,7,1", "30TM,30TM", "30,30;30,30", "30,30;30,30;30,30;30,30;30,30")
MOST_PARTIES = 20


@dataclass(frozen=True)
class Trial:
    """One party in one category; None where it does not fit."""

    now: Money | None
    then: Money | None

    @property
    def change(self) -> Money | None:
        return None if self.now is None or self.then is None else self.then - self.now


def simulate(
    parties: Sequence[Party],
    present: Sequence[CabinFares],
    thought: Sequence[CabinFares],
    *,
    currency: str,
    terms: Terms,
    port_dues: int,
    day: date,
) -> tuple[tuple[Party, Mapping[str, Trial]], ...]:
    """Each party with its price in each category, as if every cabin were free. port_dues: for each person, then."""

    def priced(party: Party, fares: Sequence[CabinFares], dues: int) -> dict[str, Money]:
        free = [FreeCabins(one, MOST_CABINS) for one in fares]
        found = prices_by_category(party, free, currency=currency, terms=replace(terms, port_dues=dues), day=day)
        return {category: price.priced.total for category, price in found.items()}

    result = []
    for party in parties:
        before, after = priced(party, present, terms.port_dues), priced(party, thought, port_dues)
        codes = [one.category for one in present]
        result.append((party, {code: Trial(before.get(code), after.get(code)) for code in codes}))
    return tuple(result)
