"""The invoice for a bank transfer, read back as the payer would."""

from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from flask import current_app

from portal.booking.queries import BookingPage, booking_page
from portal.kernel.money import Money
from portal.kernel.references import with_check
from portal.kernel.text import LANGUAGES
from portal.payments.invoices import invoice
from portal.payments.queries import PaymentView, open_transfer
from portal.payments.services import start_transfer
from tests.factories import NOON, make_booking, make_season


def awaited() -> tuple[BookingPage, PaymentView]:
    booking = make_booking(make_season())
    start_transfer(booking_id=booking.id, now=NOON)
    return booking_page(booking.id), open_transfer(booking.id)


def read(pdf: bytes) -> str:
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)).split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_invoice_says_what_to_pay_to_whom(language):
    page, payment = awaited()
    payee = current_app.config["INVOICE_PAYEE"]

    text = read(invoice(page, payment, language))

    assert payment.reference in text
    assert page.reference in text
    assert page.sailing.title.within(language) in text
    assert all(value in text for value in payee.values())
    assert "Anna Ivanova" in text


def test_an_invoice_gives_sum_purpose_and_deadline():
    page, payment = awaited()

    text = read(invoice(page, payment, "en"))

    assert "2,000 ₽" in text
    assert f"Payment {with_check(payment.reference)} for booking {with_check(page.reference)}" in text
    assert "21 February 2024" in text
    assert "19:00 (UTC+4)" in text
    assert "Send it by 16 February 2024" in text


def test_an_invoice_of_the_demonstration_warns_against_paying():
    page, payment = awaited()

    assert "Demonstration details, do not pay" in read(invoice(page, payment, "en"))


def test_an_invoice_in_production_does_not_warn(monkeypatch):
    page, payment = awaited()
    monkeypatch.setitem(current_app.config, "PORTAL_ENV", "production")

    assert "Demonstration" not in read(invoice(page, payment, "en"))


def test_the_payers_name_is_shown_and_never_obeyed():
    page, payment = awaited()

    text = read(invoice(replace(page, contact_name='#panic() $x$ \\ *b* "]'), payment, "en"))

    assert '#panic() $x$ \\ *b* "]' in text


def test_the_same_payment_gives_the_same_invoice():
    page, payment = awaited()

    assert invoice(page, payment, "ru") == invoice(page, payment, "ru")


def codes(pdf: bytes) -> list[str]:
    """What a telephone reads from the paper."""
    found = [
        code
        for page in pypdfium2.PdfDocument(pdf)
        for code in zxingcpp.read_barcodes(page.render(scale=2).to_pil(), formats=zxingcpp.BarcodeFormat.QRCode)
    ]
    return [code.bytes.decode() for code in found]


def test_a_telephone_reads_account_sum_and_purpose_from_the_paper():
    page, payment = awaited()

    (code,) = codes(invoice(page, payment, "tk"))

    assert code == (
        "ST00012|Name=ООО «Пример Круиз»|PersonalAcc=40702810138250123017|BankName=ПАО СБЕРБАНК|BIC=044525225"
        "|CorrespAcc=30101810400000000225|Sum=200000"
        f"|Purpose=Платёж {with_check(payment.reference)} по брони {with_check(page.reference)}|PayeeINN=7700000000"
    )


def test_an_invoice_in_another_currency_has_no_code():
    page, payment = awaited()

    paper = invoice(page, replace(payment, amount=Money(500_00, "USD")), "ru")

    assert codes(paper) == []
    assert "приложение" not in read(paper)
