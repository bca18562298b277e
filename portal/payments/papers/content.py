"""What a paper says: one data set of facts, and from it the words in every language."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.booking.documents import paper_head
from portal.booking.labels import CHARGES
from portal.booking.models import ChargeKind
from portal.booking.queries import BookingPage
from portal.database import db
from portal.kernel import formats
from portal.kernel.money import Money
from portal.kernel.text import LANGUAGES, LocalizedText
from portal.payments.agencies.models import Agency
from portal.payments.labels import method_label
from portal.payments.models import Payment
from portal.payments.papers.labels import PAPERS
from portal.payments.papers.models import PaperKind

Facts = dict[str, Any]


def facts_of(page: BookingPage, day: date) -> Facts:
    """What all papers of a booking have in common."""
    return {
        "issued_on": day.isoformat(),
        "seller": dict(current_app.config["INVOICE_PAYEE"]),
        "demonstration": current_app.config["PORTAL_ENV"] == "demonstration",
        "buyer": [one for one in (page.contact_name, page.contact_email, page.contact_phone) if one],
        "booking": page.reference,
        "sailing": page.sailing.code,
        "ship": page.ship_name.by_locale,
        "cruise": page.sailing.title.by_locale,
        "starts_on": formats.day_of(page.sailing.starts_at, page.sailing.embark.zone).isoformat(),
        "ends_on": formats.day_of(page.sailing.ends_at, page.sailing.disembark.zone).isoformat(),
        "currency": page.price.currency,
        "reverses": None,
    }


def buyer_of(payment: Payment) -> list[str]:
    """Whose receipt it is, where another than the holder has paid."""
    if payment.share is not None:
        return [payment.share.name, payment.share.email]
    if payment.agency_id is not None:
        agency = db.session.get_one(Agency, payment.agency_id)
        return [agency.name.within(agency.language), agency.email]
    return []


def invoice_lines(page: BookingPage) -> list[dict[str, Any]]:
    return [
        {"charge": charge.kind.value, "passenger": charge.passenger, "minor": charge.amount.minor}
        for charge in page.charges
    ]


def kept_lines(page: BookingPage) -> list[dict[str, Any]]:
    """Of a cancelled booking, what stays owed."""
    return [{"charge": ChargeKind.KEPT.value, "passenger": None, "minor": page.balance.charged}]


def reversed_facts(facts: Facts, name: str, day: date) -> Facts:
    """Everything of an invoice, with every sum the other way round."""
    lines = [line | {"minor": -line["minor"]} for line in facts["lines"]]
    return facts | {"lines": lines, "reverses": name, "issued_on": day.isoformat()}


def money_lines(kind: PaperKind, payment: Payment, reference: str, amount: Money) -> list[dict[str, Any]]:
    """Of a receipt: one line. reference: of the payment, or of what went back of it."""
    return [
        {
            "paper": kind.value,
            "method": payment.method.value,
            "provider": payment.provider,
            "reference": reference,
            "minor": amount.minor,
        }
    ]


def total_of(facts: Facts) -> Money:
    return Money(sum(line["minor"] for line in facts["lines"]), facts["currency"])


def words_of(kind: PaperKind, name: str, facts: Facts, payment: Payment | None) -> dict[str, Any]:
    """By language, what templates/documents/money_paper.typ prints: formatted once, when the paper is issued."""
    words = {}
    for language in LANGUAGES:
        with force_locale(language):
            words[language] = _words(kind, name, facts, payment, language)
    return words


def _words(kind: PaperKind, name: str, facts: Facts, payment: Payment | None, language: str) -> dict[str, Any]:
    seller = facts["seller"]
    label = str(PAPERS[kind])
    total = formats.money(total_of(facts), language)
    return paper_head(LocalizedText(facts["ship"]), language) | {
        "title": f"{label} {name}",
        "kind": label,
        "number_label": _("Number"),
        "number": name,
        "heading": _(
            "%(paper)s of %(day)s", paper=label, day=formats.day(date.fromisoformat(facts["issued_on"]), language)
        ),
        "summary": summary_of(facts, language),
        "warning": _("Demonstration: no money moved, and this paper proves nothing") if facts["demonstration"] else "",
        "facts": [
            {"label": _("Sum"), "value": total, "lines": []},
            {"label": _("Booking"), "value": facts["booking"], "lines": _remarks(kind, facts)},
        ],
        "seller": {
            "title": _("Issued by"),
            "rows": [
                [_("Payee"), seller["name"]],
                [_("Taxpayer number (INN)"), seller["inn"]],
                [_("Account"), seller["account"]],
                [_("Bank"), seller["bank"]],
                [_("BIC"), seller["bic"]],
            ],
        },
        "buyer": {"title": _("Issued to"), "lines": facts["buyer"]},
        "price": {
            "title": _("What it is for"),
            "columns": [_("What"), _("Sum")],
            "rows": [_row(line, facts, payment, language) for line in facts["lines"]],
            "total_label": _("Total"),
            "total": total,
        },
        "foot": _(
            "Made by the portal and valid without a signature. "
            "A mistake is never changed here: another paper corrects it."
        ),
    }


def summary_of(facts: Facts, language: str) -> str:
    """What was bought, in one line."""
    starts, ends = date.fromisoformat(facts["starts_on"]), date.fromisoformat(facts["ends_on"])
    return " · ".join(
        [
            LocalizedText(facts["cruise"]).within(language),
            f"{formats.day(starts, language)} – {formats.day(ends, language)}",
            facts["sailing"],
        ]
    )


def _remarks(kind: PaperKind, facts: Facts) -> list[str]:
    if kind is PaperKind.CREDIT_NOTE:
        return [_("Takes back invoice %(number)s.", number=facts["reverses"])]
    return []


def _row(line: dict[str, Any], facts: Facts, payment: Payment | None, language: str) -> dict[str, str]:
    amount = formats.money(Money(line["minor"], facts["currency"]), language)
    if "charge" in line:
        label = str(CHARGES[ChargeKind(line["charge"])])
        passenger = line["passenger"]
        return {"name": passenger or label, "detail": label if passenger else "", "amount": amount}
    assert payment is not None
    names = {
        PaperKind.RECEIPT.value: _("Payment %(number)s", number=line["reference"]),
        PaperKind.REFUND_RECEIPT.value: _("Return of money %(number)s", number=line["reference"]),
    }
    return {
        "name": names[line["paper"]],
        "detail": str(method_label(payment.method, payment.provider)),
        "amount": amount,
    }
