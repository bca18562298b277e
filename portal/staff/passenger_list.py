"""The passenger list of a sailing as a workbook: the columns of FAL form 6 that are known, and cabin and booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload

from portal.audit.services import record
from portal.booking.details import Field, missing_fields
from portal.booking.labels import DOCUMENT_KINDS
from portal.booking.models import BookedCabin, Booking, BookingState, Passenger
from portal.catalogue.models import Cabin, Port, Sailing, VoyagePart
from portal.database import db, transaction
from portal.files.workbook import Cell, Gap, list_of_people
from portal.inventory.models import Occupancy

WIDTHS = (5, 20, 24, 24, 11, 13, 18, 8, 24, 18, 13, 12, 12, 9, 8, 12)
# Where that stands which a passenger may tell later: a gap is marked, lest it pass for an answer.
COLUMNS = {
    Field.BIRTH_PLACE: 6,
    Field.SEX: 7,
    Field.DOCUMENT_KIND: 8,
    Field.DOCUMENT_NUMBER: 9,
    Field.DOCUMENT_EXPIRES: 10,
}


@dataclass(frozen=True)
class ListedPassenger:
    passenger: Passenger
    cabin: str
    booking: str
    voyage: Sailing | VoyagePart  # from where to where


def listed_passengers(sailing_id: int) -> list[ListedPassenger]:
    """Everyone in a confirmed booking, by name. One statement for a sailing that is known."""
    rows = db.session.execute(
        select(Passenger, Cabin.number, Booking.reference, Occupancy)
        .join(Booking, Booking.id == Passenger.booking_id)
        .join(Cabin, Cabin.id == Passenger.cabin_id)
        .join(BookedCabin, and_(BookedCabin.booking_id == Booking.id, BookedCabin.cabin_id == Cabin.id))
        .join(Occupancy, Occupancy.id == BookedCabin.occupancy_id)
        .options(joinedload(Occupancy.part))
        .where(Booking.sailing_id == sailing_id, Booking.state == BookingState.CONFIRMED, Passenger.left_at.is_(None))
        .order_by(Passenger.surname, Passenger.given_names, Passenger.id)
    )
    return [
        ListedPassenger(passenger, cabin, booking, occupancy.voyage) for passenger, cabin, booking, occupancy in rows
    ]


def write_passenger_list(sailing: Sailing, listed: Sequence[ListedPassenger], *, now: datetime) -> bytes:
    """The workbook in the reader's language; the trail says that it was taken, for it holds whole document numbers."""
    with transaction():
        record(
            "passenger_list.taken",
            subject="sailing",
            reference=sailing.code,
            now=now,
            reason=str(len(listed)),
        )
    return _workbook(sailing, listed)


def _workbook(sailing: Sailing, listed: Sequence[ListedPassenger]) -> bytes:
    embark, disembark = sailing.calls[0].port, sailing.calls[-1].port
    about = (
        (_("Passenger list"), _("IMO FAL form 6, as far as known")),
        (_("Name of ship"), sailing.ship.name_on(sailing.start_day).within("en")),
        (_("Voyage number"), sailing.code),
        (_("Port and date of departure"), f"{_code(embark)} {_local(sailing.starts_at, embark)}"),
        (_("Port and date of arrival"), f"{_code(disembark)} {_local(sailing.ends_at, disembark)}"),
    )
    return list_of_people(about, _labels(), WIDTHS, (_row(entry) for entry in listed))


def _row(entry: ListedPassenger) -> list[Cell]:
    gaps = {COLUMNS[missing.field] for missing in missing_fields(entry.passenger, entry.voyage)}
    return [Gap.MISSING if column in gaps else value for column, value in enumerate(_cells(entry), 1)]


def _labels() -> list[str]:
    return [
        _("No."),
        _("Family name"),
        _("Given names"),
        _("Name in the own language"),
        _("Nationality"),
        _("Date of birth"),
        _("Place of birth"),
        _("Gender"),
        _("Type of document"),
        _("Number of document"),
        _("Expiry date"),
        _("Port of embarkation"),
        _("Port of disembarkation"),
        _("Transit passenger"),
        _("Cabin"),
        _("Booking"),
    ]


def _cells(entry: ListedPassenger) -> list[Cell]:
    passenger = entry.passenger
    return [
        passenger.surname,
        passenger.given_names,
        passenger.local_name,
        passenger.citizenship,
        passenger.birth_date,
        passenger.birth_place,
        passenger.sex.value if passenger.sex else None,
        str(DOCUMENT_KINDS[passenger.document_kind]) if passenger.document_kind else None,
        passenger.document_number,
        passenger.document_expires,
        _code(entry.voyage.calls[0].port),
        _code(entry.voyage.calls[-1].port),
        _("No"),
        entry.cabin,
        entry.booking,
    ]


def _code(port: Port) -> str:
    return port.locode or port.name.within("en")


def _local(moment: datetime, port: Port) -> str:
    return f"{moment.astimezone(ZoneInfo(port.zone)):%Y-%m-%d %H:%M}"
