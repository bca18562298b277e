"""A saved price: made on the page of a cabin, opened by its code alone, taken up as a hold."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from portal.accounts.access import public
from portal.accounts.visitors import new_visitor
from portal.booking import quotes as services
from portal.booking.quote_paper import quote_paper
from portal.extensions import limiter
from portal.inventory import queries as cabins
from portal.inventory.forms import ADULT, HoldForm, asked_party
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.pricing.labels import left_out, trace_rows, traveller_names
from portal.pricing.party import Party
from portal.pricing.queries import CURRENCY
from portal.web.locale import PREFIX, language

bp = Blueprint("quotes", __name__, url_prefix=PREFIX)

SAVED = "20 per hour; 60 per day"
OPENED = "60 per minute"  # codes are not to be guessed


@bp.post("/cruises/<string:code>/cabins/<string:number>/quote")
@public
@limiter.limit(SAVED)
def save(code: str, number: str) -> ResponseReturnValue:
    """For the party of the address where it is as many as were chosen; else for so many adults."""
    asked = asked_party(request.args)
    page = cabins.cabin_page(
        code, number, now(), asked.party, asked.alone, currency=request.args.get("currency", CURRENCY)
    )
    address: dict[str, Any] = {"currency": page.currency, **asked.address}
    back = url_for("inventory.cabin", code=code, number=number, **address)
    form = HoldForm()
    form.offer(len(page.prices))
    if not form.validate_on_submit():
        return redirect(back)
    sleepers = asked.sleepers
    if page.asked is None or len(sleepers) != form.persons:
        party = Party.of([ADULT] * form.party.data + [0] * bool(form.infant.data))
    else:
        party = Party((sleepers,))
    try:
        quote = services.save_quote(
            sailing_id=page.sailing_id, cabin_id=page.cabin_id, party=party, currency=page.currency, now=now()
        )
    except Refused as refusal:
        flash(refusal.message, "bad")
        return redirect(back)
    return redirect(url_for(".quote", code=quote.code))


@bp.route("/quotes/<string:code>", methods=["GET", "POST"])
@public
@limiter.limit(OPENED)
def quote(code: str) -> ResponseReturnValue:
    page = services.quote_page(code, now())
    form = FlaskForm()
    if form.validate_on_submit():
        try:
            hold = services.take_up(code=code, holder=new_visitor(), now=now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            page = services.quote_page(code, now())
        else:
            return redirect(url_for("booking.passengers", reference=hold.reference))
    answer = make_response(
        render_template(
            "booking/quote.html",
            page=page,
            form=form,
            rows=trace_rows(page.priced, traveller_names(page.priced)),
            lost=[left_out(why) for why in page.priced.left_out],
            open=page.open_at(now()),
        ),
        422 if form.errors else 200,
    )
    return _private(answer)


@bp.get("/quotes/<string:code>/quote.pdf")
@public
@limiter.limit("20 per minute")
def quote_pdf(code: str) -> ResponseReturnValue:
    page = services.quote_page(code, now())
    answer = Response(quote_paper(page, language()), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="price-{page.sailing.code}-{page.cabin}.pdf"'
    return _private(answer)


def _private(answer: Response) -> Response:
    """Only for whoever has its code: no search engine lists it, and no other page learns its address."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
