"""Invoices, credit notes and receipts: numbered without gaps, never changed, the same bytes every time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pypdfium2
import pytest
from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal.accounts.models import Role
from portal.booking.models import Booking
from portal.booking.services import confirm_booking
from portal.database import db, transaction
from portal.kernel.money import Money
from portal.kernel.text import LANGUAGES
from portal.outbox.services import follow_up
from portal.payments.models import Method, Payment, PaymentState, Refund
from portal.payments.papers.labels import PAPERS
from portal.payments.papers.models import MoneyPaper, PaperKind, PaperPrint
from portal.payments.papers.queries import papers_of
from portal.payments.papers.services import bring_invoice_up_to_date, issue_receipt, issue_refund_receipt, printed
from portal.payments.papers.settlements import settle_voyages
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview, confirm_paid_back, return_part
from portal.payments.services import receive_money, receive_transfer, start_transfer
from tests.factories import NOON, make_account, make_booking, make_season


@pytest.fixture
def season():
    return make_season(days_ahead=50)


@pytest.fixture
def booking(season):
    """Paid by transfer and confirmed, its papers issued."""
    return paid(make_booking(season, customer=make_account()))


def paid(booking):
    start_transfer(booking_id=booking.id, now=NOON)
    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=NOON)
    follow_up()
    return booking


def cancelled(booking):
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)
    follow_up()


def issued(booking):
    return [(paper.kind, paper.total.minor) for paper in papers_of(booking.id)]


def papers():
    return db.session.scalars(select(MoneyPaper).order_by(MoneyPaper.id)).all()


def read(pdf):
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)).split())


def test_a_paid_booking_has_an_invoice_and_a_receipt(booking):
    assert sorted(issued(booking)) == [(PaperKind.INVOICE, 2000_00), (PaperKind.RECEIPT, 2000_00)]


def test_cancelling_takes_the_invoice_back_and_charges_what_is_kept(booking):
    cancelled(booking)
    confirm_paid_back(
        refund_id=db.session.scalars(select(Refund.id)).one(), account=make_account(Role.FINANCE), now=NOON
    )
    follow_up()

    assert issued(booking)[2:] == [
        (PaperKind.CREDIT_NOTE, -2000_00),
        (PaperKind.INVOICE, 200_00),
        (PaperKind.REFUND_RECEIPT, 1800_00),
    ]
    [note] = [paper for paper in papers() if paper.kind is PaperKind.CREDIT_NOTE]
    reversed_one = db.session.get_one(MoneyPaper, note.reverses_id)
    assert f"Takes back invoice {reversed_one.name}" in read(printed(note, "en", NOON))


def test_asked_for_again_nothing_more_is_issued(booking):
    payment = db.session.scalars(select(Payment)).one()

    for _ in range(2):
        bring_invoice_up_to_date(booking_id=booking.id, now=NOON)
        issue_receipt(payment_id=payment.id, now=NOON)

    assert len(papers()) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_paper_is_the_same_bytes_every_time(booking, language):
    for paper in papers():
        first, again = (printed(paper, language, NOON + timedelta(days=days)) for days in (0, 30))

        assert first == again
        assert paper.name in read(first)
        assert booking.reference in read(first)
    assert len(db.session.scalars(select(PaperPrint)).all()) == 2


def test_what_prints_otherwise_than_before_is_told(booking, caplog):
    paper = papers()[0]
    db.session.add(PaperPrint(paper_id=paper.id, language="en", digest="0" * 64, made_at=NOON))
    db.session.commit()

    printed(paper, "en", NOON)

    assert f"paper {paper.name} in en is not what was given out before" in caplog.text


def test_the_guest_finds_them_with_the_statement_and_nobody_else_does(browser, booking, season):
    browser.sign_in(booking.customer)
    links = [link for link in browser.open(f"/en/bookings/{booking.reference}/statement").links if "INV" in link]
    mine = browser.open(links[0])
    other = make_booking(season, cabin=1, customer=make_account())
    elsewhere = browser.open(links[0].replace(booking.reference, other.reference))

    assert mine.status == 200
    assert mine.mimetype == "application/pdf"
    assert elsewhere.status == 404
    browser.sign_in(other.customer)
    assert browser.open(links[0].replace(booking.reference, other.reference)).status == 404
    assert browser.open(links[0].replace("INV", "OUT")).status == 404


def test_a_number_that_came_to_nothing_is_given_again(season):
    paid(make_booking(season))
    booking = make_booking(season, cabin=1)
    confirm_booking(booking_id=booking.id, now=NOON)

    with pytest.raises(ZeroDivisionError):
        issued_in_vain(booking)
    bring_invoice_up_to_date(booking_id=booking.id, now=NOON)

    assert [paper.name for paper in papers_of(booking.id)] == ["INV-2024-00002"]


def issued_in_vain(booking):
    with transaction():
        bring_invoice_up_to_date(booking_id=booking.id, now=NOON)
        assert [paper.name for paper in papers_of(booking.id)] == ["INV-2024-00002"]
        raise ZeroDivisionError


def test_many_at_once_get_numbers_without_gaps(app, season):
    bookings = [make_booking(season, cabin=place) for place in range(4)]
    for one in bookings:
        confirm_booking(booking_id=one.id, now=NOON)
    ids = [one.id for one in bookings]
    db.session.remove()

    def work(booking_id):
        with app.app_context():
            try:
                bring_invoice_up_to_date(booking_id=booking_id, now=NOON)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, ids))

    assert sorted(paper.number for paper in papers()) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE money_paper SET total_minor = 1",
        "DELETE FROM money_paper",
        "INSERT INTO money_paper (series, number, kind, key, booking_id, total_minor, currency, content, issued_at) "
        "SELECT series, 7, kind, 'own', booking_id, 1, currency, content, issued_at FROM money_paper LIMIT 1",
        "INSERT INTO money_paper (series, number, kind, key, booking_id, total_minor, currency, content, issued_at) "
        "SELECT series, number, kind, 'own', booking_id, 1, currency, content, issued_at FROM money_paper LIMIT 1",
    ],
)
def test_the_database_refuses_changes_gaps_and_numbers_given_twice(booking, statement):
    before = [(paper.name, paper.total) for paper in papers()]

    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(statement))

    assert [(paper.name, paper.total) for paper in papers()] == before


def test_the_cash_register_gets_a_file_for_each_receipt(tmp_path, monkeypatch, season):
    monkeypatch.setitem(current_app.config, "FISCAL_FOLDER", str(tmp_path))
    booking = paid(make_booking(season))
    cancelled(booking)
    confirm_paid_back(
        refund_id=db.session.scalars(select(Refund.id)).one(), account=make_account(Role.FINANCE), now=NOON
    )
    follow_up()

    receipts = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}

    assert {name: (one["type"], one["total"]) for name, one in receipts.items()} == {
        "RCT-2024-00001": ("income", 2000_00),
        "RFD-2024-00001": ("income_return", 1800_00),
    }
    assert receipts["RCT-2024-00001"]["customer_email"] == "anna@example.org"
    assert receipts["RCT-2024-00001"]["items"][0]["sum"] == 2000_00


def test_when_the_cruise_is_over_what_was_paid_ahead_is_set_off_once(tmp_path, monkeypatch, season):
    monkeypatch.setitem(current_app.config, "FISCAL_FOLDER", str(tmp_path))
    booking = paid(make_booking(season))
    gone = paid(make_booking(season, cabin=1))
    cancelled(gone)
    over = season.sailing.ends_at
    assert settle_voyages(over - timedelta(minutes=1)) == 0

    assert settle_voyages(over) == 1
    assert settle_voyages(over) == 0
    follow_up()
    follow_up()

    [path] = tmp_path.glob("SET-*.json")
    receipt = json.loads(path.read_text())
    assert receipt["id"] == f"SET-{booking.reference}"
    assert (receipt["type"], receipt["total"], receipt["prepaid"], receipt["electronic"]) == (
        "income",
        2000_00,
        2000_00,
        0,
    )
    assert receipt["items"][0]["method"] == "full_payment"
    first = json.loads((tmp_path / "RCT-2024-00001.json").read_text())
    assert (first["items"][0]["method"], first["prepaid"], first["electronic"]) == ("prepayment", 0, 2000_00)


def test_what_another_register_has_seen_is_not_set_off_here(tmp_path, monkeypatch, season):
    monkeypatch.setitem(current_app.config, "FISCAL_FOLDER", str(tmp_path))
    booking = make_booking(season)
    with transaction() as session:
        payment = Payment(
            booking_id=booking.id,
            method=Method.CARD,
            provider="yookassa",
            state=PaymentState.OPEN,
            amount_minor=2000_00,
            currency="RUB",
            made_at=NOON,
            session_id="elsewhere",
        )
        session.add(payment)
    receive_money(payment_id=payment.id, amount=booking.price, payment_intent="elsewhere", now=NOON)

    assert settle_voyages(season.sailing.ends_at) == 0
    follow_up()

    assert list(tmp_path.iterdir()) == []


def test_without_a_cash_register_nothing_is_settled(season):
    paid(make_booking(season))

    assert settle_voyages(season.sailing.ends_at) == 0


def test_money_returned_after_the_cruise_is_returned_from_a_full_settlement(tmp_path, monkeypatch, season):
    monkeypatch.setitem(current_app.config, "FISCAL_FOLDER", str(tmp_path))
    booking = paid(make_booking(season))
    later = season.sailing.ends_at + timedelta(days=3)
    with transaction() as session:
        return_part(session.get_one(Booking, booking.id), Money(100_00, "RUB"), later)
    refund = db.session.scalars(select(Refund)).one()
    confirm_paid_back(refund_id=refund.id, account=make_account(Role.FINANCE), now=later)
    issue_refund_receipt(refund_id=refund.id, now=later)
    follow_up()

    [path] = tmp_path.glob("RFD-*.json")
    receipt = json.loads(path.read_text())
    assert (receipt["type"], receipt["total"]) == ("income_return", 100_00)
    assert receipt["items"][0]["method"] == "full_payment"


def test_a_receipt_in_another_currency_is_not_for_a_russian_cash_register(tmp_path, monkeypatch, season):
    monkeypatch.setitem(current_app.config, "FISCAL_FOLDER", str(tmp_path / "receipts"))
    booking = make_booking(season)
    start_transfer(booking_id=booking.id, now=NOON)
    payment = db.session.get_one(Payment, open_transfer(booking.id).id)
    payment.currency = "TMT"
    db.session.commit()
    issue_receipt(payment_id=payment.id, now=NOON)
    follow_up()

    assert papers()[0].total == Money(2000_00, "TMT")
    assert not (tmp_path / "receipts").exists()


@pytest.mark.once
def test_every_kind_of_paper_has_its_name():
    assert set(PAPERS) == set(PaperKind)
