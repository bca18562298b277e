"""A saved price on paper, as PDF in the reader's language."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _

from portal.booking.documents import paper_head, part_words
from portal.booking.quotes import QuotePage
from portal.kernel import formats
from portal.kernel.typeset import typeset
from portal.pricing.labels import trace_rows, traveller_names


def quote_title(page: QuotePage) -> str:
    return str(
        ngettext(
            "Saved price for cabin %(numbers)s",
            "Saved price for cabins %(numbers)s",
            len(page.cabins),
            numbers=page.numbers,
        )
    )


def code_condition(code: str) -> str:
    return str(
        _(
            "The code %(code)s is counted when the cabins are held. Used up or ended by then, it takes nothing off; "
            "you see the price before you agree.",
            code=code,
        )
    )


def quote_paper(page: QuotePage, language: str) -> bytes:
    with force_locale(language):
        return typeset("quote", _values(page, language), page.made_at)


def _values(page: QuotePage, language: str) -> dict[str, Any]:
    sailing, zone = page.sailing, page.sailing.embark.zone
    return paper_head(page.ship_name, language) | {
        "title": quote_title(page),
        "kind": _("Saved price"),
        "number_label": _("Sailing"),
        "number": sailing.code,
        "heading": sailing.title.within(language),
        "summary": " · ".join(
            [
                formats.period(sailing.starts_at, zone, sailing.ends_at, sailing.disembark.zone, language),
                sailing.code,
                *([part_words(sailing.part, language)] if sailing.part else []),
                sailing.status_text.within(language),
            ]
        ),
        "facts": [
            *(
                {
                    "label": _("Cabin %(number)s", number=cabin.number),
                    "value": cabin.category.within(language),
                    "lines": [cabin.deck.within(language)],
                }
                for cabin in page.cabins
            ),
            {
                "label": _("This price stands until"),
                "value": formats.moment(page.expires_at, language, zone),
                "lines": [
                    _("It keeps no cabin: another guest may take it meanwhile."),
                    *([code_condition(page.promotion)] if page.promotion else []),
                ],
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
                ngettext(
                    "Open this address, hold the cabin and name the passengers:",
                    "Open this address, hold the cabins and name the passengers:",
                    len(page.cabins),
                ),
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
