"""A saved price: made on the page of a cabin, opened by its code alone, taken up as a hold."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.access import public
from portal.accounts.visitors import new_visitor
from portal.booking import quotes as services
from portal.booking.access import visitor_hold
from portal.booking.forms import SavePriceForm
from portal.booking.queries import hold_page
from portal.booking.quote_paper import code_condition, quote_paper, quote_title
from portal.extensions import limiter
from portal.inventory import queries as cabins
from portal.inventory.forms import ADULT, asked_party
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.kernel.forms import FlaskForm
from portal.pricing.errors import PromotionRefused
from portal.pricing.labels import left_out, trace_rows, traveller_names
from portal.pricing.party import Party
from portal.pricing.queries import CURRENCY
from portal.web.locale import PREFIX, language

bp = Blueprint("quotes", __name__, url_prefix=PREFIX)

SAVED = "20 per hour; 60 per day"
OPENED = "60 per minute"  # codes are not to be guessed


@bp.route("/cruises/<string:code>/cabins/<string:number>/quote", methods=["GET", "POST"])
@public
@limiter.limit(SAVED, methods=["POST"])
def save(code: str, number: str) -> ResponseReturnValue:
    """Of this cabin, for those of the address who sleep in it or for so many adults; or of all cabins of its party."""
    asked = replace(asked_party(request.args), part=request.args.get("part", "")[:8] or None)
    currency = request.args.get("currency", CURRENCY)
    page = cabins.cabin_page(code, number, now(), asked.alone, currency=currency, part=asked.part)
    numbers = asked.with_cabin(number)
    party = asked.party if numbers else asked.alone if page.asked is not None else None
    form = SavePriceForm()
    if party is not None:
        form.for_party()
    else:
        form.offer(len(page.prices))
        form.party.data = form.party.data or min(2, len(page.prices))
    if form.validate_on_submit():
        adults = [ADULT] * form.party.data + [0] * bool(form.infant.data) if party is None else []
        try:
            quote = services.save_quote(
                sailing_id=page.sailing_id,
                cabin_ids=cabins.cabin_ids(code, numbers or (number,)),
                party=party or Party.of(adults),
                currency=page.currency,
                part_id=page.card.part.id if page.card.part else None,
                code=form.code.data or "",
                now=now(),
            )
        except PromotionRefused as refusal:
            form.code.errors = [refusal.message]
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            return redirect(url_for(".quote", code=quote.code))
    text = render_template(
        "booking/save_price.html", page=page, form=form, asked=asked, numbers=numbers or (number,), party=party
    )
    return text, 422 if form.errors else 200


@bp.post("/holds/<string:reference>/quote")
@public
@limiter.limit(SAVED)
def save_reviewed(reference: str) -> ResponseReturnValue:
    """Of all that stands on the page of the review; the cabins stay held as long as they were."""
    page = hold_page(visitor_hold(reference), now())
    back = url_for("booking.review", reference=reference, _anchor="price")
    if page.booking_id is None:
        return redirect(back)
    try:
        quote = services.save_draft(booking_id=page.booking_id, now=now())
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
            holds = services.take_up(code=code, holder=new_visitor(), now=now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            page = services.quote_page(code, now())
        else:
            return redirect(url_for("booking.passengers", reference=holds[0].reference))
    answer = make_response(
        render_template(
            "booking/quote.html",
            page=page,
            form=form,
            title=quote_title(page),
            condition=code_condition(page.promotion) if page.promotion else None,
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
    name = f"price-{page.sailing.code}-{page.cabins[0].number}.pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return _private(answer)


def _private(answer: Response) -> Response:
    """Only for whoever has its code: no search engine lists it, and no other page learns its address."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
