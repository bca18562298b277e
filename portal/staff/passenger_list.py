"""The passenger list of a sailing as a workbook: the columns of FAL form 6 that are known, and cabin and booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload
from xlsxwriter import Workbook

from portal.audit.services import record
from portal.booking.details import Field, missing_fields
from portal.booking.labels import DOCUMENT_KINDS
from portal.booking.models import BookedCabin, Booking, BookingState, Passenger
from portal.catalogue.models import Cabin, Port, Sailing, VoyagePart
from portal.database import db, transaction
from portal.inventory.models import Occupancy

# Nothing that a passenger typed is ever a formula, a number or a link, whatever it begins with.
PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
WIDTHS = (5, 20, 24, 24, 11, 13, 18, 8, 24, 18, 13, 12, 12, 9, 8, 12)
HEAD_ROWS = 6
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
    content = BytesIO()
    # One row in memory at a time, so rows are written strictly from the top.
    book = Workbook(content, {"constant_memory": True, "in_memory": False} | PLAIN)
    bold = book.add_format({"bold": True})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#F4EAD8"})
    day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
    gap = book.add_format({"italic": True, "font_color": "#9C2B1B", "bg_color": "#FBE3DE", "border": 1})
    sheet = book.add_worksheet(_("Passengers")[:31])
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROWS)
    sheet.freeze_panes(HEAD_ROWS + 1, 3)
    for column, width in enumerate(WIDTHS):
        sheet.set_column(column, column, width)
    embark, disembark = sailing.calls[0].port, sailing.calls[-1].port
    about = (
        (_("Passenger list"), _("IMO FAL form 6, as far as known")),
        (_("Name of ship"), sailing.ship.name_on(sailing.start_day).within("en")),
        (_("Voyage number"), sailing.code),
        (_("Port and date of departure"), f"{_code(embark)} {_local(sailing.starts_at, embark)}"),
        (_("Port and date of arrival"), f"{_code(disembark)} {_local(sailing.ends_at, disembark)}"),
    )
    for row, (label, text) in enumerate(about):
        sheet.write_string(row, 0, label, bold)
        sheet.write_string(row, 3, text)
    for column, label in enumerate(_labels()):
        sheet.write_string(HEAD_ROWS, column, label, head)
    for number, entry in enumerate(listed, 1):
        row = HEAD_ROWS + number
        sheet.write_number(row, 0, number)
        gaps = {COLUMNS[missing.field] for missing in missing_fields(entry.passenger, entry.voyage)}
        for column, value in enumerate(_cells(entry), 1):
            if column in gaps:
                sheet.write_string(row, column, _("missing"), gap)
            elif isinstance(value, date):
                sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)
            elif value:
                sheet.write_string(row, column, value)
    book.close()
    return content.getvalue()


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


def _cells(entry: ListedPassenger) -> list[str | date | None]:
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
