"""Which of a passenger's data may come after the booking, why each is needed, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.booking.models import DocumentKind, Passenger, Sex
from portal.catalogue.models import CallState, Sailing, VoyagePart

# All of these days are proposed: the operator has set none yet.
LIST_DAYS = 14  # the passenger list of the ports and of transport security closes (FAL form 6; order 243/2012)
# The ordinary way to a visa, counted back from departure: invitation, consulate, and a week in reserve.
VISA_DAYS = {"TM": 60, "IR": 30}
SHOWN_OF_NUMBER = 3


class Field(StrEnum):
    """What may come later, by the name of its column."""

    SEX = "sex"
    BIRTH_PLACE = "birth_place"
    DOCUMENT_KIND = "document_kind"
    DOCUMENT_NUMBER = "document_number"
    DOCUMENT_EXPIRES = "document_expires"


class NameField(StrEnum):
    """What stands in the booking from its beginning and may be asked to be mended, by the name of its column."""

    SURNAME = "surname"
    GIVEN_NAMES = "given_names"


ASKED_FIELDS: tuple[NameField | Field, ...] = (*NameField, *Field)  # of a request, in the order in which they are read


@dataclass(frozen=True, kw_only=True)
class LaterDetails:
    """What may be told after the booking, in the shape the form has checked; None where nothing was typed."""

    local_surname: str | None = None
    local_given_names: str | None = None
    patronymic: str | None = None
    birth_place: str | None = None
    sex: Sex | None = None
    document_kind: DocumentKind | None = None
    document_number: str | None = None
    document_expires: date | None = None


class NeededFor(StrEnum):
    PASSENGER_LIST = "passenger_list"
    VISA = "visa"


@dataclass(frozen=True)
class Missing:
    """One thing not told yet; `country` is the one whose visa asks for it first."""

    field: Field
    needed_for: NeededFor
    country: str | None
    until: date

    def late_on(self, today: date) -> bool:
        return self.until < today


def missing_fields(passenger: Passenger, voyage: Sailing | VoyagePart) -> tuple[Missing, ...]:
    """What `passenger` has still to tell for `voyage`, in the order of the form; () once nothing is missing.

    Each with the rule that needs it first: a visa where one is to be applied for, else the passenger list. Days are
    counted back from the first day of the cruise, at the port where it begins, and may have passed already.
    """
    if passenger.document_fingerprint == "":  # known once, forgotten after the cruise
        return ()
    countries = _countries(voyage)
    days, needed_for, country = LIST_DAYS, NeededFor.PASSENGER_LIST, None
    for asking, visa_days in VISA_DAYS.items():
        if asking in countries and asking != passenger.citizenship and visa_days > days:
            days, needed_for, country = visa_days, NeededFor.VISA, asking
    until = voyage.start_day - timedelta(days)
    return tuple(
        Missing(field, needed_for, country, until)
        for field in Field
        if getattr(passenger, field.value) in (None, "") and _asked(field, passenger, len(countries) > 1)
    )


def deadline(missing: tuple[Missing, ...]) -> date | None:
    """The first day by which something of it is needed; None when nothing is missing."""
    return min((one.until for one in missing), default=None)


def ending(number: str | None) -> str | None:
    """The last letters of a document's number, all that most pages show of it."""
    return number[-SHOWN_OF_NUMBER:] if number else None


def _asked(field: Field, passenger: Passenger, international: bool) -> bool:
    """Every field of every passenger, but a last day only of a passport: other documents have none."""
    if field is not Field.DOCUMENT_EXPIRES:
        return True
    if passenger.document_kind is None:
        return international
    return passenger.document_kind is DocumentKind.PASSPORT


def _countries(voyage: Sailing | VoyagePart) -> frozenset[str]:
    return frozenset(call.port.country for call in voyage.calls if call.state is not CallState.CANCELLED)
