"""Dividing the price among payers, for the booking's holder; and the page of each payer."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from portal.accounts.access import public
from portal.booking.access import visitor_booking
from portal.booking.errors import NotPayable
from portal.booking.models import Booking
from portal.booking.queries import booking_page
from portal.extensions import limiter
from portal.inventory.errors import HoldOver
from portal.kernel.clock import now
from portal.kernel.codes import qr_svg
from portal.kernel.errors import NotFound, Refused
from portal.kernel.money import Money
from portal.payments import queries as payment_queries
from portal.payments import services as payment_services
from portal.payments.bank_days import last_safe_day, transfer_terms
from portal.payments.invoices import code_text, share_invoice
from portal.payments.labels import PROVIDER_HINTS, transfer_purpose
from portal.payments.models import Method
from portal.payments.papers.queries import belongs_to, paper_called, papers_of
from portal.payments.papers.services import printed
from portal.payments.providers.base import CheckoutLine
from portal.payments.services import Way, offered_ways
from portal.payments.shares import queries, services
from portal.payments.shares.access import open_by_share_link, own_share, share_in, share_token
from portal.payments.shares.forms import BY_SUM, AskPayerForm, ChangeShareForm, PayShareForm
from portal.payments.shares.models import PaymentShare, ShareState
from portal.payments.shares.services import Payer
from portal.payments.views import TRANSFERS_PER_NETWORK, begun, bp, no_transfer
from portal.web.locale import PREFIX, language

log = logging.getLogger(__name__)

shares = Blueprint("shares", __name__, url_prefix=f"{PREFIX}/shares/<string:reference>")

LETTERS = "10 per hour; 40 per day"


# ---------- The holder ----------


@bp.route("/payers", methods=["GET", "POST"])
@public
@limiter.limit(LETTERS, methods=["POST"])
def payers(reference: str) -> ResponseReturnValue:
    """Who pays how much; and one more who is asked."""
    booking = visitor_booking(reference)
    page = booking_page(booking.id)
    division = queries.division_page(booking, now())
    if not division.owed.minor and not division.shares:
        return redirect(url_for("booking.booking", reference=reference))
    form = AskPayerForm(language=language())
    form.prepare(booking.currency, [(one.id, one.full_name) for one in booking.passengers])
    if form.validate_on_submit():
        by_sum = form.how.data == BY_SUM
        try:
            services.ask_payer(
                booking_id=booking.id,
                payer=Payer(form.name.data or "", form.email.data or "", form.language.data, form.gift.data),
                amount=Money(form.amount.data or 0, booking.currency) if by_sum else None,
                passengers=() if by_sum else form.passengers.data or (),
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("A letter with a private link is on its way to %(name)s.", name=form.name.data), "good")
            return redirect(url_for(".payers", reference=reference))
    answer = render_template("payments/payers.html", page=page, division=division, form=form, moment=now())
    return answer, 422 if form.errors else 200


@bp.route("/payers/<string:name>", methods=["GET", "POST"])
@public
@limiter.limit(LETTERS, methods=["POST"])
def payer(reference: str, name: str) -> ResponseReturnValue:
    """Another sum or address for a share that is not paid, and its link to hand over by oneself."""
    booking, share = _share_of(reference, name)
    if share.state is not ShareState.OPEN:
        return redirect(url_for(".payers", reference=reference))
    form = ChangeShareForm(amount=share.amount_minor, email=share.email)
    form.amount.currency = booking.currency
    if form.validate_on_submit():
        try:
            services.change_share(
                share_id=share.id,
                amount=Money(form.amount.data or 0, booking.currency),
                email=form.email.data or "",
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Saved."), "good")
            return redirect(url_for(".payers", reference=reference))
    page = booking_page(booking.id)
    division = queries.division_page(booking, now())
    [shown] = [one for one in division.shares if one.reference == share.reference]
    answer = render_template(
        "payments/payer.html",
        page=page,
        share=shown,
        most=division.rest + share.amount,
        form=form,
        address=_address(share),
    )
    return answer, 422 if form.errors else 200


@bp.post("/payers/<string:name>/remind")
@public
@limiter.limit(LETTERS)
def remind_payer(reference: str, name: str) -> ResponseReturnValue:
    _booking, share = _share_of(reference, name)
    try:
        services.remind_payer(share_id=share.id, now=now())
        flash(_("A reminder is on its way to %(name)s.", name=share.name), "good")
    except Refused as refusal:
        flash(str(refusal.message), "warning")
    return redirect(url_for(".payers", reference=reference))


@bp.post("/payers/<string:name>/withdraw")
@public
def withdraw_share(reference: str, name: str) -> ResponseReturnValue:
    """The share is the holder's again; with `pay` he goes on to pay it himself."""
    _booking, share = _share_of(reference, name)
    try:
        services.withdraw_share(share_id=share.id, now=now())
        flash(_("%(name)s is asked for nothing any more. The share is yours again.", name=share.name), "info")
    except Refused as refusal:
        flash(str(refusal.message), "warning")
        return redirect(url_for(".payers", reference=reference))
    return redirect(url_for(".pay" if "pay" in request.form else ".payers", reference=reference))


def _share_of(reference: str, name: str) -> tuple[Booking, PaymentShare]:
    booking = visitor_booking(reference)
    return booking, share_in(booking.id, name)


def _address(share: PaymentShare) -> str:
    path = url_for(
        "shares.open_link", language=share.language, reference=share.reference, token=share_token(share)
    )
    return str(current_app.config["PUBLIC_URL"]) + path


# ---------- The payer ----------


@shares.get("/open/<string:token>")
@public
@limiter.limit("20 per minute")
def open_link(reference: str, token: str) -> ResponseReturnValue:
    """The private link: it lets this browser in, and leaves no token in the address."""
    open_by_share_link(reference, token)
    return redirect(url_for(".share", reference=reference))


@shares.route("", methods=["GET", "POST"])
@public
@limiter.limit(TRANSFERS_PER_NETWORK, methods=["POST"], exempt_when=no_transfer, deduct_when=begun)
def share(reference: str) -> ResponseReturnValue:
    """The share, what it is for, how it stands, and the ways to pay it."""
    mine = own_share(reference)
    page = queries.share_page(mine, now())
    ways = _ways(page)
    form = PayShareForm(sum_shown=page.sum_shown)
    form.offer(ways)
    if ways and form.validate_on_submit():
        if page.gift:
            services.show_sum(share_id=page.id, shown=form.sum_shown.data, now=now())
        try:
            return redirect(_start(page, next(way for way in ways if way.key == form.method.data)), 303)
        except HoldOver:
            form.form_errors.append(NotPayable.message)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
    elif request.method == "GET" and ways:
        form.method.data = ways[0].key
    answer = render_template(
        "payments/share.html",
        page=page,
        form=form,
        ways=ways,
        moment=now(),
        hints=PROVIDER_HINTS,
        terms=transfer_terms(now()),
        transfer=payment_queries.awaited_transfer(page.booking_id, page.id),
        last_safe=last_safe_day(page.sailing.starts_at),
        papers=papers_of(page.booking_id, page.id),
    )
    return answer, 422 if form.errors else 200


@shares.get("/return")
@public
@limiter.limit("60 per minute")
def returned(reference: str) -> ResponseReturnValue:
    """Back from the provider's page. Coming here proves nothing: the provider is asked."""
    page = queries.share_page(own_share(reference), now())
    try:
        payment_services.settle_checkouts(booking_id=page.booking_id, now=now())
    except Refused:
        log.warning("the provider did not answer for a returning payer; the worker will ask again")
    page = queries.share_page(own_share(reference), now())
    if page.debt is None or not payment_queries.card_awaited(page.booking_id, page.id):
        return redirect(url_for(".share", reference=reference))
    return render_template("payments/waiting.html", page=page, back=url_for(".share", reference=reference))


@shares.get("/cancelled")
@public
def cancelled(reference: str) -> ResponseReturnValue:
    own_share(reference)
    flash(_("You left the payment page. Nothing was charged; you can pay now or choose another way."), "info")
    return redirect(url_for(".share", reference=reference))


@shares.get("/transfer")
@public
def transfer(reference: str) -> ResponseReturnValue:
    page = queries.share_page(own_share(reference), now())
    payment = payment_queries.open_transfer(page.booking_id, page.id)
    code = code_text(payment, page.booking)
    return render_template(
        "payments/share_transfer.html",
        page=page,
        payment=payment,
        payee=current_app.config["INVOICE_PAYEE"],
        purpose=transfer_purpose(payment.reference, page.booking),
        code=Markup(qr_svg(code)) if code else None,
    )


@shares.get("/invoice.pdf")
@public
def invoice_pdf(reference: str) -> ResponseReturnValue:
    mine = own_share(reference)
    payment = payment_queries.open_transfer(mine.booking_id, mine.id)
    answer = Response(share_invoice(mine, payment, language()), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="invoice-{payment.reference}.pdf"'
    return answer


@shares.get("/receipts/<string:name>.pdf")
@public
def receipt(reference: str, name: str) -> ResponseReturnValue:
    """A receipt of the payer's own, in the reader's language."""
    mine = own_share(reference)
    paper = paper_called(name)
    if not belongs_to(paper, mine.booking_id, mine.id):
        raise NotFound(name)
    return Response(
        printed(paper, language(), now()),
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{paper.name}.pdf"'},
    )


def _ways(page: queries.SharePage) -> tuple[Way, ...]:
    """Those that work for the sum and leave the payer where he is: nobody is sent to our desk for another's cruise."""
    if not page.payable_at(now()):
        return ()
    offered = offered_ways(page.amount, page.sailing.starts_at, now())
    return tuple(way for way in offered if way.method is not Method.DESK)


def _start(page: queries.SharePage, way: Way) -> str:
    if way.provider is None:
        payment_services.start_transfer(booking_id=page.booking_id, share_id=page.id, now=now())
        return url_for(".transfer", reference=page.reference)
    base = current_app.config["PUBLIC_URL"]
    return payment_services.start_card_payment(
        booking_id=page.booking_id,
        share_id=page.id,
        name=way.provider,
        lines=[CheckoutLine(_("Share of the price of booking %(reference)s", reference=page.booking), page.amount)],
        success_url=base + url_for(".returned", reference=page.reference),
        cancel_url=base + url_for(".cancelled", reference=page.reference),
        now=now(),
    )
