"""The catalogue of documents that countries ask for, read from facts/documents.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from portal.kernel.text import LocalizedText
from portal.visas.terms import Confidence, Regime, Severity, Supplier

FACTS = Path(__file__).parent / "facts"


class Stage(StrEnum):
    """When on the way to the voyage a document is needed."""

    INVITATION = "invitation"  # before the letter of invitation is asked for
    APPLICATION = "application"  # before the visa is applied for
    IN_HAND = "in_hand"  # a week before departure


class Per(StrEnum):
    PASSENGER = "passenger"
    COUNTRY = "country"
    ENTRY = "entry"


@dataclass(frozen=True)
class Dates:
    """When a statement holds, and how old the evidence for it is."""

    valid_from: date | None
    valid_to: date | None
    as_of: date
    sources: tuple[str, ...]

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Asked:
    """By which country, of those who enter by which regimes (none named: of everyone)."""

    country: str
    regimes: tuple[Regime, ...]
    dates: Dates


@dataclass(frozen=True)
class Document:
    code: str
    name: LocalizedText
    guidance: LocalizedText  # what exactly to hand in
    supplier: Supplier
    severity: Severity
    stage: Stage
    per: Per
    asked: tuple[Asked, ...]
    as_of: date
    confidence: Confidence
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Validity:
    """How many months after the last day of the voyage a passport must still be valid."""

    country: str
    regimes: tuple[Regime, ...]
    months: int
    blank_pages: int
    confidence: Confidence
    dates: Dates


@dataclass(frozen=True)
class LeadTime:
    """How many working days an authority takes."""

    p50: int  # in half of all cases
    p90: int  # in nine of ten

    def days(self, safe: bool) -> int:
        return self.p90 if safe else self.p50


@dataclass(frozen=True)
class Processing:
    """How long authorities take: for the letter of invitation, and for the visa after it."""

    country: str | None
    nationalities: tuple[str, ...]  # none named: every other one
    regime: Regime
    invitation: LeadTime
    authority: LeadTime
    confidence: Confidence
    dates: Dates


@dataclass(frozen=True)
class OurWork:
    """What we and the guest need before an authority gets the papers: proposed, until our own history tells."""

    gather_working_days: int  # from the booking to the first paper
    review_working_days: int
    again_working_days: int  # for the guest, when a paper comes back


@dataclass(frozen=True)
class Catalogue:
    documents: Mapping[str, Document]
    validity: tuple[Validity, ...]
    processing: tuple[Processing, ...]
    our_work: OurWork
    version: str  # changes with the content

    def in_force(self, day: date) -> Catalogue:
        """What of it holds on a day."""
        return _in_force(self.version, day) if self.version == CATALOGUE.version else _cut(self, day)

    def __getitem__(self, code: str) -> Document:
        return self.documents[code]

    def asked_by(self, country: str, regime: Regime) -> tuple[Document, ...]:
        """The documents of one country for one regime, in the order of the catalogue."""
        return tuple(
            document
            for document in self.documents.values()
            if document.per is not Per.PASSENGER
            and document.supplier is not Supplier.BORDER
            and any(asked.country == country and regime in asked.regimes for asked in document.asked)
        )

    def filled_in_at(self, country: str, regime: Regime) -> tuple[Document, ...]:
        """What is filled in at the border of one country by those who enter by one regime."""
        return tuple(
            document
            for document in self.documents.values()
            if document.supplier is Supplier.BORDER
            and any(asked.country == country and regime in asked.regimes for asked in document.asked)
        )

    def validity_of(self, country: str, regime: Regime | None) -> Validity:
        """The first that fits; a country that asks for nothing more wants the passport valid for the stay."""
        for wanted in self.validity:
            if wanted.country == country and (not wanted.regimes or regime in wanted.regimes):
                return wanted
        return Validity(country, (), 0, 1, Confidence.INFERRED, Dates(None, None, date.max, ()))

    def processing_of(self, country: str, regime: Regime | None, nationality: str) -> Processing:
        """The first that fits: the country's own time, else the usual one of the regime."""
        for takes in self.processing:
            fits = takes.country in (country, None) and (not takes.nationalities or nationality in takes.nationalities)
            if takes.regime is regime and fits:
                return takes
        raise LookupError(f"no processing time for {regime}")


def read_catalogue(path: Path = FACTS / "documents.json") -> Catalogue:
    text = path.read_text(encoding="utf-8")
    content = json.loads(text)
    return Catalogue(
        documents={entry["code"]: _document(entry) for entry in content["documents"]},
        validity=tuple(
            Validity(
                country=entry["country"],
                regimes=tuple(Regime(regime) for regime in entry["regimes"]),
                months=entry["months"],
                blank_pages=entry["blank_pages"],
                confidence=Confidence(entry["confidence"]),
                dates=_dates(entry),
            )
            for entry in content["passport_validity"]
        ),
        processing=tuple(
            Processing(
                country=entry["country"],
                nationalities=tuple(entry["nationalities"]),
                regime=Regime(entry["regime"]),
                invitation=LeadTime(*entry["invitation_working_days"]),
                authority=LeadTime(*entry["authority_working_days"]),
                confidence=Confidence(entry["confidence"]),
                dates=_dates(entry),
            )
            for entry in content["processing"]
        ),
        our_work=OurWork(**content["our_work"]),
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
    )


def read_sources(path: Path = FACTS / "sources.json") -> dict[str, str]:
    """Address by key."""
    sources: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["sources"]
    return sources


def _dates(entry: Mapping[str, Any]) -> Dates:
    valid_from, valid_to = entry.get("valid_from"), entry.get("valid_to")
    return Dates(
        valid_from=date.fromisoformat(valid_from) if valid_from else None,
        valid_to=date.fromisoformat(valid_to) if valid_to else None,
        as_of=date.fromisoformat(entry["as_of"]),
        sources=tuple(entry["sources"]),
    )


def _cut(catalogue: Catalogue, day: date) -> Catalogue:
    return replace(
        catalogue,
        documents={
            code: replace(document, asked=tuple(asked for asked in document.asked if asked.dates.holds_on(day)))
            for code, document in catalogue.documents.items()
        },
        validity=tuple(wanted for wanted in catalogue.validity if wanted.dates.holds_on(day)),
        processing=tuple(takes for takes in catalogue.processing if takes.dates.holds_on(day)),
    )


@lru_cache(512)
def _in_force(_version: str, day: date) -> Catalogue:
    return _cut(CATALOGUE, day)


def _document(entry: dict[str, Any]) -> Document:
    return Document(
        code=entry["code"],
        name=LocalizedText(entry["name"]),
        guidance=LocalizedText(entry["guidance"]),
        supplier=Supplier(entry["supplier"]),
        severity=Severity(entry.get("severity", Severity.REQUIRED)),
        stage=Stage(entry["stage"]),
        per=Per(entry["per"]),
        asked=tuple(
            Asked(asked["country"], tuple(Regime(regime) for regime in asked["regimes"]), _dates(entry | asked))
            for asked in entry["asked"]
        ),
        as_of=date.fromisoformat(entry["as_of"]),
        confidence=Confidence(entry["confidence"]),
        sources=tuple(entry["sources"]),
    )


CATALOGUE = read_catalogue()
SOURCES = read_sources()
