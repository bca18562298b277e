"""Offers and traces of prices as JSON: what a quote keeps, so that it means the same under other rules and fares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from portal.pricing.rules import (
    CabinFares,
    Discount,
    ForeignTariff,
    LineKind,
    Offer,
    PartTariff,
    PriceLine,
    Terms,
    Why,
)


def offer_kept(offer: Offer) -> dict[str, Any]:
    terms = offer.terms
    return {
        "currency": offer.currency,
        "cabins": [asdict(cabin) for cabin in offer.cabins],
        "foreign": terms.foreign and {"residents": sorted(terms.foreign.residents), "percent": terms.foreign.percent},
        "discounts": [
            asdict(discount)
            | {
                "kind": discount.kind.value,
                "until": discount.until and discount.until.isoformat(),
                "categories": sorted(discount.categories),
            }
            for discount in terms.discounts
        ],
        "port_dues": terms.port_dues,
        "dues_from_age": terms.dues_from_age,
        "part": terms.part and {"percent": terms.part.percent, "ports": [list(name) for name in terms.part.ports]},
        "versions": [list(version) for version in terms.versions],
    }


def offer_read(kept: Mapping[str, Any]) -> Offer:
    foreign, part = kept["foreign"], kept.get("part")
    return Offer(
        kept["currency"],
        tuple(CabinFares(**cabin) for cabin in kept["cabins"]),
        Terms(
            foreign=foreign and ForeignTariff(frozenset(foreign["residents"]), foreign["percent"]),
            discounts=tuple(_discount(entry) for entry in kept["discounts"]),
            port_dues=kept["port_dues"],
            dues_from_age=kept["dues_from_age"],
            part=part and PartTariff(part["percent"], tuple((end, name) for end, name in part["ports"])),
            versions=tuple((name, version) for name, version in kept["versions"]),
        ),
    )


def _discount(entry: Mapping[str, Any]) -> Discount:
    return Discount(
        **{
            **entry,
            "kind": LineKind(entry["kind"]),
            "until": entry["until"] and date.fromisoformat(entry["until"]),
            "categories": frozenset(entry["categories"]),
        }
    )


def why_kept(why: Why) -> dict[str, Any]:
    """{"why": its code, and each thing it says by its name}."""
    return {"why": why.code, **dict(why.params)}


def why_read(kept: Mapping[str, Any] | None) -> Why | None:
    """None for a line of before there were reasons."""
    if kept is None:
        return None
    return Why(kept["why"], tuple((name, value) for name, value in kept.items() if name != "why"))


def lines_kept(lines: Sequence[PriceLine]) -> list[dict[str, Any]]:
    return [
        {
            "kind": line.kind.value,
            "cabin": line.cabin,
            "traveller": line.traveller,
            "amount": line.amount,
            "reason": why_kept(line.why),
        }
        for line in lines
    ]
