"""How a sum is divided: pure functions over whole minor units, by the largest remainder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from portal.payments.plans.schedule import spread


def for_some(whole: int, prices: Mapping[int, int], chosen: Collection[int]) -> int:
    """The part of `whole` that falls to those who are chosen, by what each costs; all of them together make it up.

    prices: minor units by who it is; those of nothing at all are divided equally.
    """
    weights = [max(0, price) for price in prices.values()]
    parts = spread(whole, weights if any(weights) else [1] * len(weights))
    return sum(part for one, part in zip(prices, parts, strict=True) if one in chosen)


def cut(amounts: Sequence[int], most: int) -> list[int]:
    """The amounts where they are within `most` together, else each as much smaller in proportion."""
    return list(amounts) if sum(amounts) <= most else spread(max(0, most), amounts)


def returned_by(amount: int, held: Sequence[int]) -> list[int]:
    """How much of `amount` goes back to each payer, in proportion to what is held of his; never more than that."""
    return spread(amount, held) if any(held) else [0] * len(held)
