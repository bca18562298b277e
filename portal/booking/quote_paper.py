"""A saved price on paper, as PDF in the reader's language."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.booking.documents import paper_head
from portal.booking.quotes import QuotePage
from portal.kernel import formats
from portal.kernel.typeset import typeset
from portal.pricing.labels import trace_rows, traveller_names


def quote_paper(page: QuotePage, language: str) -> bytes:
    with force_locale(language):
        return typeset("quote", _values(page, language), page.made_at)


def _values(page: QuotePage, language: str) -> dict[str, Any]:
    sailing, zone = page.sailing, page.sailing.embark.zone
    return paper_head(page.ship_name, language) | {
        "title": _("Saved price for cabin %(number)s", number=page.cabin),
        "kind": _("Saved price"),
        "number_label": _("Sailing"),
        "number": sailing.code,
        "heading": sailing.title.within(language),
        "summary": " · ".join(
            [
                formats.period(sailing.starts_at, zone, sailing.ends_at, sailing.disembark.zone, language),
                sailing.code,
                sailing.status_text.within(language),
            ]
        ),
        "facts": [
            {
                "label": _("Cabin %(number)s", number=page.cabin),
                "value": page.category.within(language),
                "lines": [page.deck.within(language)],
            },
            {
                "label": _("This price stands until"),
                "value": formats.moment(page.expires_at, language, zone),
                "lines": [_("It keeps no cabin: another guest may take it meanwhile.")],
            },
        ],
        "price": {
            "title": _("Price"),
            "columns": [_("Service"), _("Amount")],
            "rows": [
                {
                    "name": f"{row.passenger}: {row.label}",
                    "detail": str(row.reason),
                    "amount": formats.money(row.amount, language),
                }
                for row in trace_rows(page.priced, traveller_names(page.priced))
            ],
            "total_label": _("Total"),
            "total": formats.money(page.total, language),
        },
        "after": {
            "title": _("How to book at this price"),
            "items": [
                _("Open this address, hold the cabin and name the passengers:"),
                current_app.config["PUBLIC_URL"] + url_for("quotes.quote", code=page.code),
                _("Whoever has this address may use the price, once. Do not publish it."),
                *(
                    [_("The price is for residents; the tariff of each passenger's citizenship applies when named.")]
                    if page.priced.assumes_residents
                    else []
                ),
            ],
        },
    }
