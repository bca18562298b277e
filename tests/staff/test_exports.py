"""What accountants take away, and the exchange rates that finance notes."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.database import db, transaction
from portal.ledger.rates import rates
from portal.outbox.services import follow_up
from portal.payments.models import Refund
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview, confirm_paid_back
from portal.payments.services import receive_transfer, start_transfer
from tests.factories import NOON, make_account, make_booking, make_season

DAYS = "since=2024-02-15&until=2024-02-15"


@pytest.fixture
def finance(browser):
    account = make_account(Role.FINANCE)
    browser.sign_in(account)
    return account


@pytest.fixture
def booking(finance):
    """Paid on the first day, cancelled and paid back on the second."""
    booking = make_booking(make_season(days_ahead=50))
    tomorrow = NOON + timedelta(days=1)
    start_transfer(booking_id=booking.id, now=NOON)
    receive_transfer(payment_id=open_transfer(booking.id).id, account=finance, now=NOON)
    follow_up()
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, tomorrow).today.returned, now=tomorrow)
    confirm_paid_back(refund_id=db.session.scalars(select(Refund.id)).one(), account=finance, now=tomorrow)
    follow_up()
    return booking


def lines(browser, what, days=DAYS):
    page = browser.open(f"/en/staff/ledger/export/{what}.csv?{days}")
    assert page.status == 200
    assert page.mimetype == "text/csv"
    head, *rows = csv.reader(StringIO(page.text.lstrip("\ufeff")))
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_journal_of_a_day_adds_up(browser, booking):
    rows = lines(browser, "journal")

    assert [row["Account code"] for row in rows] == ["guest", "sales", "bank", "guest"]
    debit, credit = (sum(Decimal(row[side] or 0) for row in rows) for side in ("Debit", "Credit"))
    assert debit == credit == Decimal("4000.00")
    assert {row["Booking"] for row in rows} == {booking.reference}


@pytest.mark.parametrize(
    ("what", "column", "today", "ever"),
    [
        ("payments", "Amount", ["2000.00"], ["2000.00"]),
        ("refunds", "Amount", [], ["1800.00"]),
    ],
)
def test_payments_and_returns_stand_on_their_days(browser, booking, what, column, today, ever):
    assert [row[column] for row in lines(browser, what)] == today
    assert [row[column] for row in lines(browser, what, "")] == ever


def test_documents_name_what_they_take_back(browser, booking):
    rows = {row["Number"]: row for row in lines(browser, "papers", "")}

    assert rows["CRN-2024-00001"]["Takes back"] == "INV-2024-00001"
    assert rows["CRN-2024-00001"]["Amount"] == "-2000.00"


def test_a_workbook_holds_sums_as_numbers(browser, booking):
    answer = browser.open(f"/en/staff/ledger/export/journal.xlsx?{DAYS}")
    sheet = load_workbook(BytesIO(answer.content)).active

    assert [cell.value for cell in sheet[2]][5:9] == ["guest", "Guests", 2000, None]
    assert sheet.max_row == 5


def test_the_trail_says_what_was_taken_and_others_take_nothing(browser, booking, finance):
    lines(browser, "journal")

    entry = db.session.scalars(select(AuditEntry).filter_by(action="ledger.exported")).one()
    assert (entry.subject_reference, entry.reason) == ("journal", "2024-02-15 – 2024-02-15")
    assert browser.open("/en/staff/ledger/export/everything.csv").status == 404
    assert browser.open("/en/staff/ledger/export/journal.pdf").status == 404
    browser.sign_in(make_account(Role.OPERATOR))
    assert browser.open("/en/staff/ledger/export/journal.csv").status == 403


def test_finance_reads_every_document(browser, booking):
    page = browser.open("/en/staff/ledger/documents")
    [link] = [link for link in page.links if "INV-2024-00001" in link]

    assert browser.open(link).mimetype == "application/pdf"
    assert "No document was issued" in browser.open("/en/staff/ledger/documents?until=2020-01-01").text


def noted(browser, **typed):
    form = {"day": "2024-02-15", "currency": "USD", "rate": "92,4187", "against": "RUB", "source": "Central Bank"}
    return browser.open("/en/staff/ledger/rates").submit(**(form | typed))


def test_a_rate_is_noted_and_a_later_one_takes_its_place(browser, finance):
    noted(browser)
    noted(browser, rate="91.5")

    assert [(one.day, one.rate, one.replaced) for one in rates(9)] == [
        (date(2024, 2, 15), Decimal("91.5"), False),
        (date(2024, 2, 15), Decimal("92.4187"), True),
    ]
    assert "1 USD = 92.4187 RUB" in browser.open("/en/staff/ledger/rates").text.replace("\xa0", " ")


@pytest.mark.parametrize("typed", [{"rate": "0"}, {"rate": "1.1234567"}, {"against": "USD"}, {"source": ""}])
def test_what_is_no_rate_is_refused_beside_the_form(browser, finance, typed):
    page = noted(browser, **typed)

    assert page.status == 422
    assert rates(9) == []


@pytest.mark.parametrize("statement", ["UPDATE exchange_rate SET rate_millionths = 1", "DELETE FROM exchange_rate"])
def test_a_rate_that_was_noted_is_never_changed(browser, finance, statement):
    noted(browser)

    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(statement))

    assert rates(9)[0].rate == Decimal("92.4187")
