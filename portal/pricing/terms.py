"""Tariffs and discounts as they stand in the data, read into what the rules apply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from portal.kernel.countries import country_codes
from portal.pricing.rules import Discount, ForeignTariff, LineKind, Terms

# Discounts of one sort are steps of one thing, unless the data say otherwise: the best of them applies.
STACKS = {LineKind.EARLY_BOOKING: "early", LineKind.GROUP: "group"}


def read_terms(document: Mapping[str, Any], sailing: str) -> Terms:
    """The terms of one sailing, by its code. Raises ValueError or KeyError that says what is wrong in the document.

    {"foreign": {"residents": ["RU"], "percent": 8},
     "early_booking": [{"code", "percent", "until": "2024-03-15"}],
     "group": [{"code", "percent", "from_travellers"}]}
    Any may be missing. A discount may name its "sailings", its "categories", its "stack", and that it is not
    "combinable" with others.
    """
    unknown = set(document) - {"foreign", "early_booking", "group", "mark", "source"}
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]!r} is not known")
    discounts = [
        _discount(kind, entry)
        for kind in (LineKind.EARLY_BOOKING, LineKind.GROUP)
        for entry in document.get(kind, ())
        if not entry.get("sailings") or sailing in entry["sailings"]
    ]
    return Terms(_foreign(document.get("foreign")), tuple(discounts))


def _foreign(entry: Mapping[str, Any] | None) -> ForeignTariff | None:
    if entry is None:
        return None
    residents, percent = frozenset(entry["residents"]), int(entry["percent"])
    if not residents <= country_codes() or not 0 <= percent <= 100:
        raise ValueError("the foreign tariff needs countries and a percentage from 0 to 100")
    return ForeignTariff(residents, percent)


def _discount(kind: LineKind, entry: Mapping[str, Any]) -> Discount:
    if kind is LineKind.GROUP and int(entry["from_travellers"]) < 2:
        raise ValueError("a group begins with two")
    return Discount(
        kind,
        str(entry["code"]),
        percent=int(entry["percent"]),
        until=date.fromisoformat(entry["until"]) if kind is LineKind.EARLY_BOOKING else None,
        from_travellers=int(entry.get("from_travellers", 0)),
        categories=frozenset(entry.get("categories", ())),
        stack=str(entry.get("stack", STACKS[kind])),
        combinable=bool(entry.get("combinable", True)),
    )
