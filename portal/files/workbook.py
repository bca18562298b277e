"""Lists of people as workbooks: what they are about above, then a row for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from io import BytesIO
from typing import TypeAlias

from flask_babel import gettext as _
from xlsxwriter import Workbook

# Nothing that a person typed is ever a formula, a number or a link, whatever it begins with.
PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
HEAD_ROWS = 6
A4 = 9
COLUMNS_HELD = 3  # in view, however far one scrolls


class Gap(Enum):
    """In the place of a value: it must still be told, lest an empty cell pass for an answer."""

    MISSING = "missing"


Cell: TypeAlias = str | date | Gap | None


def list_of_people(
    about: Sequence[tuple[str, str]],
    labels: Sequence[str],
    widths: Sequence[int],
    rows: Iterable[Sequence[Cell]],
) -> bytes:
    """In the reader's language. labels and widths (in characters) begin with those of the number that each row gets."""
    content = BytesIO()
    # One row in memory at a time, so rows are written strictly from the top.
    book = Workbook(content, {"constant_memory": True, "in_memory": False} | PLAIN)
    bold = book.add_format({"bold": True})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#F4EAD8"})
    day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
    gap = book.add_format({"italic": True, "font_color": "#9C2B1B", "bg_color": "#FBE3DE", "border": 1})
    sheet = book.add_worksheet(_("Passengers")[:31])
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROWS)
    sheet.freeze_panes(HEAD_ROWS + 1, COLUMNS_HELD)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for line, (label, text) in enumerate(about):
        sheet.write_string(line, 0, label, bold)
        sheet.write_string(line, 3, text)
    for column, label in enumerate(labels):
        sheet.write_string(HEAD_ROWS, column, label, head)
    for number, cells in enumerate(rows, 1):
        row = HEAD_ROWS + number
        sheet.write_number(row, 0, number)
        for column, value in enumerate(cells, 1):
            if isinstance(value, Gap):
                sheet.write_string(row, column, _("missing"), gap)
            elif isinstance(value, date):
                sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)
            elif value:
                sheet.write_string(row, column, value)
    book.close()
    return content.getvalue()
