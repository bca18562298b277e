"""Amounts of money: integers of minor units with their currency, never floats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    """An amount in minor units (kopecks, tenge, cents) of one currency (ISO 4217)."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.minor <= other.minor

    def share(self, numerator: int, denominator: int) -> Money:
        """`numerator`/`denominator` of the amount, rounded half up to a minor unit."""
        doubled = 2 * self.minor * numerator + denominator
        return Money(doubled // (2 * denominator), self.currency)

    def _same_currency(self, other: Money) -> None:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency}")


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum; zero of `currency` when there is nothing to add."""
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result
