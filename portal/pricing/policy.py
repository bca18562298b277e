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


def cancel_steps(policy: Sequence[dict[str, int]], price: Money, start: date) -> tuple[CancelStep, ...]:
    """Each step with its last day and what would be kept and returned of `price`."""
    steps = []
    for step in policy:
        keeps = price.share(step["percent"], 100)
        steps.append(CancelStep(start - timedelta(days=step["days"]), step["percent"], keeps, price - keeps))
    return tuple(steps)
