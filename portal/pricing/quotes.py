"""The price of a party in one cabin: pure rules over integers, each line with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.kernel.money import Money, total
from portal.pricing.models import Fare

ADULT_FARE_AGE = 15  # a child's fare is for 2 to 14 years on the first day of the cruise
CHILD_FARE_AGE = 2


class LineKind(StrEnum):
    ADULT = "adult"
    SINGLE = "single"
    CHILD = "child"
    INFANT = "infant"  # free, without a berth, counted to the persons aboard
    EXTRA_BERTH = "extra_berth"


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


class PartyDoesNotFit(Exception):
    """More berths needed than the cabin has."""


def quote_party(fare: Fare, ages: Sequence[int], *, berths: int, extra_berths: int) -> Quote:
    """The price of travellers of `ages` (whole years on the first day of the cruise) in one cabin.

    Infants under 2 sleep with their parents and pay nothing. The others take the lower berths, adults first, and
    those left over the extra berths. One who sleeps alone in a cabin for two pays the single fare.
    Raises PartyDoesNotFit. Source: proposed price list; ages on the first day: Vodohod's special rates.
    """
    sleepers = [i for i, age in enumerate(ages) if age >= CHILD_FARE_AGE]
    sleepers.sort(key=lambda i: (ages[i] < ADULT_FARE_AGE, i))
    if not ages or len(sleepers) > berths + extra_berths or not sleepers:
        raise PartyDoesNotFit
    lines = {i: QuoteLine(i, LineKind.INFANT, Money(0, fare.currency)) for i in range(len(ages))}
    for order, i in enumerate(sleepers):
        if order >= berths and fare.extra is not None:
            lines[i] = QuoteLine(i, LineKind.EXTRA_BERTH, fare.extra)
        elif len(sleepers) == 1:
            lines[i] = QuoteLine(i, LineKind.SINGLE, fare.single)
        elif ages[i] < ADULT_FARE_AGE:
            lines[i] = QuoteLine(i, LineKind.CHILD, fare.child)
        else:
            lines[i] = QuoteLine(i, LineKind.ADULT, fare.adult)
    return Quote(tuple(lines[i] for i in range(len(ages))), fare.currency)
