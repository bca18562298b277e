"""The fares of a party in one cabin alone, before tariffs, discounts and port dues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.kernel.money import Money
from portal.pricing.models import Fare
from portal.pricing.party import Traveller
from portal.pricing.queries import fares_in
from portal.pricing.rules import LineKind, take_berths


@dataclass(frozen=True)
class FareSum:
    total: Money


def quote_party(fare: Fare, ages: Sequence[int], *, berths: int, extra_berths: int) -> FareSum:
    """The sum for travellers of `ages` (whole years on the first day of the cruise). Raises PartyDoesNotFit."""
    fares = fares_in(fare, "", berths=berths, extra_berths=extra_berths)
    amounts = {
        LineKind.ADULT: fares.adult,
        LineKind.SINGLE: fares.single,
        LineKind.CHILD: fares.child,
        LineKind.EXTRA_BERTH: fares.extra or 0,
        LineKind.INFANT: 0,
    }
    places = take_berths(0, fares, [Traveller(age) for age in ages])
    return FareSum(Money(sum(amounts[place.kind] for place in places), fare.currency))
