"""Cancellation: which part of the price the operator may keep, by days before the cruise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.kernel.money import Money

POLICY_VERSION = "2024-1"  # another one with each change of the steps: bookings pin it
# Proposed default. By Russian law the operator keeps what he has really spent; these are estimates of it and limits.
DEFAULT_POLICY: tuple[dict[str, int], ...] = (
    {"days": 60, "percent": 0},
    {"days": 31, "percent": 10},
    {"days": 20, "percent": 25},
    {"days": 10, "percent": 50},
    {"days": 6, "percent": 80},
    {"days": 0, "percent": 100},
)


@dataclass(frozen=True)
class CancelStep:
    """From `until` of the step before (exclusive) to `until`: at most `keeps` is kept."""

    until: date
    percent: int
    keeps: Money
    returns: Money


def kept_percent(policy: Sequence[dict[str, int]], days_before: int) -> int:
    """Per cent of the price kept when cancelled `days_before` the first day, in the zone of the embarkation port."""
    for step in policy:
        if days_before >= step["days"]:
            return step["percent"]
    return 100


def kept_of_change(
    policy: Sequence[dict[str, int]], days_before: int, before: Money, after: Money, *, moves: bool
) -> Money:
    """What is kept when a booking of `before` becomes one of `after`: of what is cheaper, as for a cancellation.

    moves: to another sailing. Of the part that moves half as much is kept: the cabin may still be sold, and the guest
    still travels. So a move is free as long as cancelling is. Proposed.
    """
    percent = kept_percent(policy, days_before)
    smaller = min(before, after, key=lambda amount: amount.minor)
    kept = (before - smaller).share(percent, 100)
    return kept + smaller.share(percent, 200) if moves else kept


def cancel_steps(policy: Sequence[dict[str, int]], price: Money, start: date) -> tuple[CancelStep, ...]:
    """Each step with its last day and what would be kept and returned of `price`."""
    steps = []
    for step in policy:
        keeps = price.share(step["percent"], 100)
        steps.append(CancelStep(start - timedelta(days=step["days"]), step["percent"], keeps, price - keeps))
    return tuple(steps)
