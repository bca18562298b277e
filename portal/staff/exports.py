"""What accountants take into their own books: the journal, payments, returns and papers of a period, as files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from io import BytesIO, StringIO
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from flask_babel import gettext as _
from sqlalchemy import select
from xlsxwriter import Workbook

from portal.audit.services import record
from portal.booking.models import Booking
from portal.database import db, transaction
from portal.files.workbook import PLAIN
from portal.kernel.clock import OFFICE_ZONE
from portal.ledger.labels import ACCOUNTS, KINDS
from portal.payments.labels import REFUND_STATES, STATES, method_label
from portal.payments.models import Payment, Refund
from portal.payments.papers.labels import PAPERS
from portal.payments.papers.models import MoneyPaper
from portal.staff.ledger_pages import Period, whole_journal

WIDTH = 20


class Export(StrEnum):
    JOURNAL = "journal"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    PAPERS = "papers"


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


Cell = str | int | Decimal | datetime | None


@dataclass(frozen=True)
class Sheet:
    """A table to take away. Moments are those of the office, sums whole units of the currency beside them."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def export(what: Export, format_: Format, period: Period, now: datetime) -> bytes:
    """The file, with headings in the reader's language. It holds no names; the trail says that it was taken."""
    with transaction():
        record("ledger.exported", subject="ledger", reference=what, now=now, reason=f"{period.since} – {period.until}")
    sheet = SHEETS[what](period)
    return _csv(sheet) if format_ is Format.CSV else _xlsx(sheet)


def _journal(period: Period) -> Sheet:
    return Sheet(
        _("Journal"),
        (
            _("Posting"),
            _("When"),
            _("What"),
            _("Booking"),
            _("Reference"),
            _("Account code"),
            _("Ledger account"),
            _("Debit"),
            _("Credit"),
            _("Currency"),
        ),
        (
            (
                posting.reference,
                _local(posting.at),
                str(KINDS[posting.kind]),
                posting.booking,
                posting.subject,
                entry.account.value,
                str(ACCOUNTS[entry.account]),
                _units(entry.debit.minor, entry.debit.currency) if entry.debit else None,
                _units(entry.credit.minor, entry.credit.currency) if entry.credit else None,
                (entry.debit or entry.credit).currency,  # type: ignore[union-attr]
            )
            for posting in whole_journal(period)
            for entry in posting.entries
        ),
    )


def _payments(period: Period) -> Sheet:
    rows: Any = db.session.execute(
        select(Payment, Booking.reference)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(Payment.received_at.is_not(None), period.holds(Payment.received_at))
        .order_by(Payment.received_at, Payment.id)
    )
    return Sheet(
        _("Payments"),
        (
            _("Payment"),
            _("Received"),
            _("Booking"),
            _("Way"),
            _("State"),
            _("Amount"),
            _("Currency"),
            _("At the provider"),
        ),
        (
            (
                payment.reference,
                _local(payment.received_at),
                booking,
                str(method_label(payment.method, payment.provider)),
                str(STATES[payment.state]),
                _units(payment.amount_minor, payment.currency),
                payment.currency,
                payment.payment_intent,
            )
            for payment, booking in rows
        ),
    )


def _refunds(period: Period) -> Sheet:
    rows: Any = db.session.execute(
        select(Refund, Payment, Booking.reference)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(period.holds(Refund.requested_at))
        .order_by(Refund.requested_at, Refund.id)
    )
    return Sheet(
        _("Returns"),
        (
            _("Return"),
            _("Begun"),
            _("Returned"),
            _("Booking"),
            _("Payment"),
            _("Way"),
            _("State"),
            _("Amount"),
            _("Currency"),
            _("At the provider"),
        ),
        (
            (
                refund.reference,
                _local(refund.requested_at),
                _local(refund.settled_at),
                booking,
                payment.reference,
                str(method_label(payment.method, payment.provider)),
                str(REFUND_STATES[refund.state]),
                _units(refund.amount_minor, payment.currency),
                payment.currency,
                refund.provider_id,
            )
            for refund, payment, booking in rows
        ),
    )


def _papers(period: Period) -> Sheet:
    papers = db.session.scalars(
        select(MoneyPaper).where(period.holds(MoneyPaper.issued_at)).order_by(MoneyPaper.series, MoneyPaper.number)
    ).all()
    names = {paper.id: paper.name for paper in papers}
    return Sheet(
        _("Documents"),
        (_("Number"), _("Issued"), _("Document"), _("Booking"), _("Amount"), _("Currency"), _("Takes back")),
        (
            (
                paper.name,
                _local(paper.issued_at),
                str(PAPERS[paper.kind]),
                paper.content["facts"]["booking"],
                _units(paper.total_minor, paper.currency),
                paper.currency,
                names.get(paper.reverses_id or 0) or paper.content["facts"]["reverses"],
            )
            for paper in papers
        ),
    )


SHEETS: dict[Export, Callable[[Period], Sheet]] = {
    Export.JOURNAL: _journal,
    Export.PAYMENTS: _payments,
    Export.REFUNDS: _refunds,
    Export.PAPERS: _papers,
}


def _units(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-get_currency_precision(currency))


def _local(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(ZoneInfo(OFFICE_ZONE)).replace(tzinfo=None, microsecond=0)


def _csv(sheet: Sheet) -> bytes:
    """UTF-8 with its mark, commas between, a point in sums: by RFC 4180, and as spreadsheets take it."""
    content = StringIO()
    writer = csv.writer(content)
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        writer.writerow([value.isoformat(" ") if isinstance(value, datetime) else value for value in row])
    return content.getvalue().encode("utf-8-sig")


def _xlsx(sheet: Sheet) -> bytes:
    content = BytesIO()
    # One row in memory at a time, so rows are written strictly from the top.
    book = Workbook(content, {"constant_memory": True, "in_memory": False} | PLAIN)
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#F4EAD8"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})
    sums = book.add_format({"num_format": "#,##0.00"})
    page = book.add_worksheet(sheet.title[:31])
    page.set_column(0, len(sheet.columns) - 1, WIDTH)
    page.freeze_panes(1, 1)
    for column, label in enumerate(sheet.columns):
        page.write_string(0, column, label, head)
    for number, row in enumerate(sheet.rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, datetime):
                page.write_datetime(number, column, value, moment)
            elif isinstance(value, Decimal):
                page.write_number(number, column, float(value), sums)  # a workbook knows no other numbers
            elif value is not None:
                page.write_string(number, column, str(value))
    book.close()
    return content.getvalue()
