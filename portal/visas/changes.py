"""What changed on a passenger's checklist: a pure function of how it stood before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from portal.visas.terms import Severity


class Cause(StrEnum):
    """Why a checklist was worked out anew."""

    BOOKING = "booking"  # it was placed or confirmed: nothing that anybody must be told
    SAILING = "sailing"
    RULES = "rules"
    PASSENGER = "passenger"


class ChangeKind(StrEnum):
    ADDED = "added"
    DROPPED = "dropped"
    EARLIER = "earlier"
    LATER = "later"
    WILL_NOT_DO = "will_not_do"  # what is known already does not do
    WILL_DO = "will_do"
    AGAIN = "again"  # an acceptance holds no more


@dataclass(frozen=True)
class Stand:
    """One paper as its passenger knows it."""

    document: str
    country: str | None
    entry_number: int | None
    due: date
    severity: Severity
    waits: bool  # for the passenger
    accepted: bool
    reason: Mapping[str, Any]  # the first of its reasons, as stored


@dataclass(frozen=True)
class ItemChange:
    kind: ChangeKind
    document: str
    country: str | None
    entry_number: int | None
    before: date | None  # days by which
    after: date | None
    reason: Mapping[str, Any] | None = None  # where it says why

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "document": self.document,
            "country": self.country,
            "entry_number": self.entry_number,
            "before": self.before.isoformat() if self.before else None,
            "after": self.after.isoformat() if self.after else None,
            "reason": dict(self.reason) if self.reason else None,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ItemChange:
        days = {name: date.fromisoformat(kept[name]) if kept[name] else None for name in ("before", "after")}
        return cls(
            kind=ChangeKind(kept["kind"]),
            document=kept["document"],
            country=kept["country"],
            entry_number=kept["entry_number"],
            reason=kept["reason"],
            **days,
        )


def differences(before: Mapping[str, Stand], after: Mapping[str, Stand]) -> tuple[ItemChange, ...]:
    """One for each paper that differs, what is asked for now first; by the keys of items, and none for equal ones."""
    found = [change for key, now in after.items() if (change := _difference(before.get(key), now)) is not None]
    dropped = (_change(ChangeKind.DROPPED, one, one.due, None) for key, one in before.items() if key not in after)
    return (*found, *dropped)


def _difference(was: Stand | None, now: Stand) -> ItemChange | None:
    if was is None:
        return _change(ChangeKind.ADDED, now, None, now.due, now.reason)
    if (was.severity is Severity.BLOCKING) != (now.severity is Severity.BLOCKING):
        bad = now.severity is Severity.BLOCKING
        return _change(ChangeKind.WILL_NOT_DO if bad else ChangeKind.WILL_DO, now, was.due, now.due, now.reason)
    if was.accepted and not now.accepted:
        return _change(ChangeKind.AGAIN, now, was.due, now.due, now.reason)
    if was.due != now.due and now.waits:
        return _change(ChangeKind.EARLIER if now.due < was.due else ChangeKind.LATER, now, was.due, now.due)
    return None


def _change(
    kind: ChangeKind,
    about: Stand,
    before: date | None,
    after: date | None,
    reason: Mapping[str, Any] | None = None,
) -> ItemChange:
    return ItemChange(kind, about.document, about.country, about.entry_number, before, after, reason)
