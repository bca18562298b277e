"""A frozen list as files to hand in: a workbook, a PDF, and a sheet with the photos. Names in both scripts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from PIL import Image
from sqlalchemy import select

from portal.audit.services import record
from portal.booking.documents import paper_head
from portal.catalogue.models import PortCall, Sailing
from portal.database import db, transaction
from portal.files.intake import PDF, page_picture
from portal.files.models import StoredFile
from portal.files.services import content_of, note_view
from portal.files.workbook import list_of_people
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.countries import country_name
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.typeset import typeset
from portal.visas.cases.contents import Row, read
from portal.visas.cases.labels import LIST_KINDS
from portal.visas.cases.models import ListKind, VisaList

WIDTHS = (5, 20, 24, 30, 13, 20, 8, 14, 16, 13)
PHOTO_SIDE = 720  # pixels: 60 mm at 300 dots an inch


def workbook(of: VisaList, now: datetime) -> bytes:
    """The trail says that it was taken, for it holds whole document numbers."""
    rows = _rows(of)
    _note(of, "xlsx", now)
    return list_of_people(_about(of, len(rows)), _labels(), WIDTHS, (_cells(row) for row in rows))


def paper(of: VisaList, now: datetime) -> bytes:
    """The list as a PDF; after it, on a sheet, the photos that are kept. Each photo shown is noted as looked at."""
    rows = _rows(of)
    _note(of, "pdf", now)
    language = str(get_locale())
    values = paper_head(of.sailing.ship.name_on(of.sailing.start_day), language) | {
        "title": _title(of),
        "kind": _("List for an authority"),
        "number_label": _("List"),
        "number": f"{of.sailing.code} · {of.number}.{of.version}",
        "about": [list(pair) for pair in _about(of, len(rows))],
        "columns": [
            _("No."),
            _("Name, in both scripts"),
            _("Born"),
            _("Sex"),
            _("Citizenship"),
            _("Passport"),
        ],
        "rows": [_line(number, row, language) for number, row in enumerate(rows, 1)],
        "photos_title": _("Photos"),
        "photos": _photos(rows, now) if of.kind is ListKind.INVITATION_TM else [],
        "sign": _("Date, signature and stamp"),
        "digest": _("Digest of the contents: %(digest)s. Signature: %(signature)s.", digest=of.digest[:32],
                    signature=of.signature[:32]),
    }
    return typeset("visa_list", values, of.made_at)


def _rows(of: VisaList) -> tuple[Row, ...]:
    if of.rows is None:
        raise NotFound(of.reference)
    return read(of.rows)


def _note(of: VisaList, form: str, now: datetime) -> None:
    with transaction():
        record("visa_list.taken", subject="visa_list", reference=of.reference, now=now, reason=form)


def _title(of: VisaList) -> str:
    return f"{LIST_KINDS[of.kind]}: {of.sailing.code}"


def _about(of: VisaList, persons: int) -> tuple[tuple[str, str], ...]:
    sailing: Sailing = of.sailing
    country = "TM" if of.kind is ListKind.INVITATION_TM else "IR"
    language = str(get_locale())
    return (
        (_("List"), _("%(number)s, version %(version)s", number=of.number, version=of.version)),
        (_("Name of ship"), sailing.ship.name_on(sailing.start_day).within("en")),
        (_("Voyage number"), sailing.code),
        (_("Calls"), ", ".join(_call(call, language) for call in sailing.calls if call.port.country == country)),
        (_("Persons"), str(persons)),
        (_("Frozen"), day_of(of.made_at, OFFICE_ZONE).isoformat()),
    )


def _call(call: PortCall, language: str) -> str:
    moment = call.arrives_at or call.departs_at
    day = day_of(moment, call.port.zone).isoformat() if moment else ""
    return f"{call.port.name.within(language)} {day}"


def _labels() -> list[str]:
    return [
        _("No."),
        _("Family name"),
        _("Given names"),
        _("Name in the own language"),
        _("Date of birth"),
        _("Place of birth"),
        _("Gender"),
        _("Nationality"),
        _("Number of document"),
        _("Expiry date"),
    ]


def _cells(row: Row) -> list[str | date | None]:
    return [
        row.surname,
        row.given_names,
        _local(row),
        date.fromisoformat(row.birth_date),
        row.birth_place,
        row.sex,
        row.citizenship,
        row.document_number,
        date.fromisoformat(row.document_expires) if row.document_expires else None,
    ]


def _local(row: Row) -> str:
    return " ".join(part for part in (row.local_surname, row.local_given_names, row.patronymic) if part)


def _line(number: int, row: Row, language: str) -> dict[str, str]:
    return {
        "number": str(number),
        "name": f"{row.surname} {row.given_names}",
        "local": _local(row),
        "born": row.birth_date,
        "place": row.birth_place or "",
        "sex": row.sex or "",
        "citizenship": country_name(row.citizenship, language),
        "passport": row.document_number or "",
        "expires": row.document_expires or "",
    }


def _photos(rows: Sequence[Row], now: datetime) -> list[dict[str, str]]:
    """Each as a drawing that holds the picture, for the typesetter takes no bytes; without those that are purged."""
    files = {
        file.reference: file
        for file in db.session.scalars(
            select(StoredFile).where(StoredFile.reference.in_([row.photo for row in rows if row.photo]))
        )
    }
    photos = []
    for number, row in enumerate(rows, 1):
        file = files.get(row.photo or "")
        if file is not None and file.readable:
            note_view(file_id=file.id, now=now)
            photos.append({"label": f"{number}. {row.surname} {row.given_names}", "picture": _drawing(file)})
    return photos


def _drawing(file: StoredFile) -> str:
    content: Any = content_of(file)
    if file.media_type == PDF:
        content = page_picture(content, 1)
    with Image.open(BytesIO(content)) as picture:
        small = picture.convert("RGB")
        small.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
        kept = BytesIO()
        small.save(kept, "JPEG", quality=88)
    width, height = small.size
    data = b64encode(kept.getvalue()).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<image href="data:image/jpeg;base64,{data}" width="{width}" height="{height}"/></svg>'
    )
