"""The price of a party in one cabin by its fares alone, one line for each traveller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.kernel.money import Money, total
from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.models import Fare
from portal.pricing.party import Traveller
from portal.pricing.rules import CabinFares, LineKind, take_berths

__all__ = ["LineKind", "PartyDoesNotFit", "Quote", "QuoteLine", "fares_in", "quote_party"]


@dataclass(frozen=True)
class QuoteLine:
    traveller: int  # place in the list of ages
    kind: LineKind
    amount: Money


@dataclass(frozen=True)
class Quote:
    lines: tuple[QuoteLine, ...]
    currency: str

    @property
    def total(self) -> Money:
        return total((line.amount for line in self.lines), self.currency)


def fares_in(fare: Fare, category: str, *, berths: int, extra_berths: int) -> CabinFares:
    """The fares of a row for a cabin of so many berths, as the rules read them."""
    return CabinFares(
        category, fare.adult_minor, fare.single_minor, fare.child_minor, fare.extra_minor, berths, extra_berths
    )


def quote_party(fare: Fare, ages: Sequence[int], *, berths: int, extra_berths: int) -> Quote:
    """The price of travellers of `ages` (whole years on the first day of the cruise) in one cabin.

    One who sleeps alone in a cabin for two pays the single fare. Raises PartyDoesNotFit.
    """
    fares = fares_in(fare, "", berths=berths, extra_berths=extra_berths)
    amounts = {
        LineKind.ADULT: fares.adult,
        LineKind.SINGLE: fares.single,
        LineKind.CHILD: fares.child,
        LineKind.EXTRA_BERTH: fares.extra or 0,
    }
    places = take_berths(0, fares, [Traveller(age) for age in ages])
    return Quote(
        tuple(
            QuoteLine(number, place.kind, Money(amounts.get(place.kind, 0), fare.currency))
            for number, place in enumerate(places)
        ),
        fare.currency,
    )
