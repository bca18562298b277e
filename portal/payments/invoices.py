"""The invoice for a bank transfer, as PDF in the payer's language."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.booking.documents import letterhead, price_lines
from portal.booking.queries import BookingPage, booking_page
from portal.database import db
from portal.kernel import formats
from portal.kernel.money import Money
from portal.kernel.typeset import typeset
from portal.ledger.queries import held_of
from portal.payments.agencies.account import commission_for, paid_for_credit
from portal.payments.agencies.models import Agency
from portal.payments.labels import transfer_purpose
from portal.payments.models import Payment
from portal.payments.queries import PaymentView, payment_view
from portal.payments.shares.models import PaymentShare
from portal.payments.transfer_code import NotCodable, payment_qr_text, qr_file


def invoice(page: BookingPage, payment: PaymentView, language: str) -> bytes:
    """What to transfer, to whom, by when and with which purpose; `payment` awaits a transfer, so it has a due time."""
    with force_locale(language):
        return typeset("invoice", _values(page, payment, language), payment.made_at)


def share_invoice(share: PaymentShare, payment: PaymentView, language: str) -> bytes:
    """As invoice(), for the payer of a share: it names him, and nobody who travels."""
    page = booking_page(share.booking_id)
    with force_locale(language):
        values = _values(page, payment, language)
        amount = formats.money(payment.amount, language)
        values["payer"] = values["payer"] | {"lines": [share.name, share.email]}
        values["price"] = values["price"] | {
            "rows": [{"name": _("Share of the price of the cruise"), "detail": "", "amount": amount}],
            "total": amount,
        }
        values["after"] = values["after"] | {
            "items": [
                _("A bank needs one to three working days; week-ends and Russian holidays do not count."),
                _("When the money is here, we send you the receipt and tell whoever asked you."),
                _("Money that comes too late, or is not needed any more, is returned to you."),
            ]
        }
        return typeset("invoice", values, payment.made_at)


def agency_invoice(payment: Payment, language: str) -> bytes:
    """As invoice(), for an agency that answers for a booking: what it owes for it now."""
    agency = db.session.get_one(Agency, payment.agency_id)
    credit = db.session.get_one(Payment, payment.settles_id)
    page = booking_page(payment.booking_id)
    held = held_of(credit.id, credit.currency)
    commission = Money(commission_for(credit), credit.currency)
    paid = Money(paid_for_credit(credit), credit.currency)
    rows = [
        (_l("Price of the cruise that the agency answers for"), held),
        (_l("Commission of the agency"), -commission),
        (_l("Paid before"), -paid),
    ]
    with force_locale(language):
        values = _values(page, payment_view(payment), language)
        values["payer"] = values["payer"] | {"lines": [agency.name.within(language), agency.email]}
        values["price"] = values["price"] | {
            "rows": [
                {"name": str(name), "detail": "", "amount": formats.money(amount, language)}
                for name, amount in rows
                if amount.minor
            ],
            "total": formats.money(payment.amount, language),
        }
        values["after"] = values["after"] | {
            "items": [
                _("A bank needs one to three working days; week-ends and Russian holidays do not count."),
                _("The booking is confirmed on the credit of the agency already; this payment makes the credit free."),
            ]
        }
        return typeset("invoice", values, payment.made_at)


def _values(page: BookingPage, payment: PaymentView, language: str) -> dict[str, Any]:
    assert payment.due is not None
    assert payment.send_by is not None
    zone = page.sailing.embark.zone
    payee: dict[str, str] = current_app.config["INVOICE_PAYEE"]
    demonstration = current_app.config["PORTAL_ENV"] == "demonstration"
    sailing = page.sailing
    until = formats.clock_and_offset(payment.due, zone)
    return letterhead(page, language) | {
        "title": _("Invoice %(number)s", number=payment.reference),
        "kind": _("Invoice"),
        "number_label": _("Booking number"),
        "number": page.reference,
        "heading": _(
            "Invoice %(number)s of %(day)s",
            number=payment.reference,
            day=formats.day(payment.made_at, language, zone),
        ),
        "summary": " · ".join(
            [
                sailing.title.within(language),
                formats.period(sailing.starts_at, zone, sailing.ends_at, sailing.disembark.zone, language),
                sailing.code,
            ]
        ),
        "warning": _("Demonstration details, do not pay") if demonstration else "",
        "warning_detail": _("The account below is well-formed and belongs to nobody. No money can reach us by it."),
        "facts": [
            {
                "label": _("Sum"),
                "value": formats.money(payment.to_pay, language),
                "lines": [*_part(payment, language), _("The payer bears the charges of his bank.")],
            },
            {
                "label": _("To be here by"),
                "value": formats.day(payment.due, language, zone),
                "lines": [
                    _("%(time)s, the cabin is kept until then", time=until),
                    _("Send it by %(day)s at the latest.", day=formats.day(payment.send_by, language)),
                ],
            },
        ],
        "payee": {
            "title": _("Where to transfer to"),
            "rows": [
                [_("Payee"), payee["name"]],
                [_("Taxpayer number (INN)"), payee["inn"]],
                [_("Account"), payee["account"]],
                [_("Bank"), payee["bank"]],
                [_("BIC"), payee["bic"]],
                [_("Correspondent account"), payee["correspondent"]],
            ],
        },
        "payer": {
            "title": _("Payer"),
            "lines": [line for line in (page.contact_name, page.contact_email, page.contact_phone) if line],
        },
        "purpose": {
            "label": _("Purpose of the payment"),
            "text": str(transfer_purpose(payment.reference, page.reference)),
            "detail": _("Please write the purpose exactly so: by it we find your booking."),
        },
        "code": _code(page, payment),
        "price": price_lines(page, language),
        "total": formats.money(payment.amount, language),
        "after": {
            "title": _("What happens next"),
            "items": [
                _("A bank needs one to three working days; week-ends and Russian holidays do not count."),
                _("When the money is here, we confirm the booking and send you the voucher."),
                _("Money that comes too late is returned, or used for another cabin if you wish."),
            ],
        },
    }


def _part(payment: PaymentView, language: str) -> list[str]:
    if payment.came is None:
        return []
    came, whole = formats.money(payment.came, language), formats.money(payment.amount, language)
    return [_("%(came)s of %(whole)s is here already.", came=came, whole=whole)]


def code_text(payment: PaymentView, booking: str) -> str | None:
    """What a bank's app reads from the code of this transfer; None where the standard has no code for it.

    The purpose is in Russian whatever the reader's language: banks there know no other letters.
    """
    with force_locale("ru"):
        purpose = str(transfer_purpose(payment.reference, booking))
    try:
        return payment_qr_text(current_app.config["INVOICE_PAYEE"], payment.to_pay, purpose)
    except NotCodable:
        return None


def _code(page: BookingPage, payment: PaymentView) -> dict[str, str] | None:
    text = code_text(payment, page.reference)
    if text is None:
        return None
    return {
        "drawing": qr_file(text),
        "alt": _("Payment code for the app of a Russian bank, with all that stands here"),
        "title": _("Pay by the app of a Russian bank"),
        "detail": _("Choose “pay by QR code” in the app: it fills in account, sum and purpose by itself."),
    }
