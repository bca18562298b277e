"""Paying: the choice of a way, the provider's page and back, and the invoice."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from portal.accounts.access import public, signed_in
from portal.booking.access import visitor_booking
from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState
from portal.booking.queries import BookingPage, booking_page
from portal.extensions import limiter
from portal.inventory.errors import HoldOver
from portal.kernel.clock import now
from portal.kernel.codes import qr_svg
from portal.kernel.errors import NotFound, Refused
from portal.kernel.forms import FlaskForm
from portal.kernel.money import Money
from portal.payments import late, queries, refunds, services
from portal.payments.agencies.account import free_credit
from portal.payments.agencies.services import agency_of, take_on_credit
from portal.payments.bank_days import last_safe_day, transfer_terms
from portal.payments.cancellations.models import CancelReason
from portal.payments.errors import MethodNotOffered, NotCancellable
from portal.payments.forms import CancelForm, CreditForm, NewPriceForm, PayForm
from portal.payments.invoices import code_text, invoice
from portal.payments.labels import PROVIDER_HINTS, transfer_purpose
from portal.payments.models import Method
from portal.payments.papers.queries import belongs_to, paper_called, papers_of
from portal.payments.papers.services import printed
from portal.payments.plans import choices
from portal.payments.plans.repricing import accept_price, price_offer_view
from portal.payments.plans.services import choose_plan
from portal.payments.providers.base import CheckoutLine
from portal.payments.statement import statement_of
from portal.web.locale import PREFIX, language

log = logging.getLogger(__name__)

bp = Blueprint("payments", __name__, url_prefix=f"{PREFIX}/bookings/<string:reference>")


# Money that is never sent or brought keeps a cabin for days: so much may be promised from one address.
TRANSFERS_PER_NETWORK = "10 per day"


def no_transfer() -> bool:
    return request.form.get("method") not in (Method.TRANSFER, Method.DESK)


def begun(response: Response) -> bool:
    return response.status_code == 303


@bp.route("/pay", methods=["GET", "POST"])
@public
@limiter.limit(TRANSFERS_PER_NETWORK, methods=["POST"], exempt_when=no_transfer, deduct_when=begun)
def pay(reference: str) -> ResponseReturnValue:
    booking = visitor_booking(reference)
    page = booking_page(booking.id)
    debt = services.debt_of(booking, now(), balance=page.balance)
    if debt is None or debt.pay_by <= now():
        return redirect(url_for("booking.booking", reference=reference))
    much = choices.choices(booking, debt, language(), now())
    ways = _ways(page, debt, much)
    agency = agency_of(signed_in())
    if agency is not None and agency.active and agency.currency == booking.currency and debt.change_id is None:
        ways = (services.Way(Method.CREDIT), *ways)
    form = PayForm()
    form.offer(ways, much)
    if form.validate_on_submit():
        try:
            debt = _choose(booking, debt, next((one for one in much if one.key == form.much.data), None))
            return redirect(_start(page, debt, next(way for way in ways if way.key == form.method.data)), 303)
        except HoldOver:
            return redirect(url_for("booking.booking", reference=reference), 303)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
    elif request.method == "GET" and ways:
        form.method.data = ways[0].key
        form.much.data = choices.chosen(booking, much) if much else None
    left = max(0, int((debt.pay_by - now()).total_seconds()))
    status = 200 if not form.errors else 422
    return render_template(
        "payments/pay.html",
        page=page,
        debt=debt,
        form=form,
        left=left,
        ways=ways,
        much=much,
        moment=now(),
        hints=PROVIDER_HINTS,
        transfer=queries.awaited_transfer(page.id),
        terms=transfer_terms(now()),
        desk=_desk_place(),
        last_safe=last_safe_day(page.sailing.starts_at),
        free_credit=free_credit(agency) if agency else None,
    ), status


@bp.route("/late-money", methods=["GET", "POST"])
@public
def late_money(reference: str) -> ResponseReturnValue:
    """Money came after its cabin was gone: take the cabin that is kept instead, or have the money back."""
    page = booking_page(visitor_booking(reference).id)
    offer = late.open_offer(page.id, now())
    if offer is None or offer.expires_at is None:
        return redirect(url_for("booking.booking", reference=reference))
    form = FlaskForm()
    if form.validate_on_submit():
        try:
            if request.form.get("answer") == "accept":
                late.accept_offer(payment_id=offer.payment_id, now=now())
                flash(_("The booking is confirmed with the new cabin."), "good")
            else:
                late.decline_offer(payment_id=offer.payment_id, now=now())
                flash(_("Your money is on its way back."), "info")
        except Refused as refusal:
            flash(str(refusal.message), "warning")
        return redirect(url_for("booking.booking", reference=reference))
    kept = queries.kept_cabins(offer)
    return render_template("payments/late_money.html", page=page, form=form, cabins=kept, until=offer.expires_at)


@bp.route("/new-price", methods=["GET", "POST"])
@public
def new_price(reference: str) -> ResponseReturnValue:
    """The price was not locked when the lists changed: pay what locks the old one, agree to the new one, or leave."""
    booking = visitor_booking(reference)
    page = booking_page(booking.id)
    offer = price_offer_view(booking, now())
    if offer is None:
        return redirect(url_for("booking.booking", reference=reference))
    form = NewPriceForm(agreed=offer.after.minor)
    if form.validate_on_submit():
        try:
            accept_price(booking_id=page.id, agreed=Money(form.agreed.data, page.price.currency), now=now())
            flash(_("Thank you. Your booking now has the new price."), "good")
        except Refused as refusal:
            flash(str(refusal.message), "warning")
        return redirect(url_for("booking.booking", reference=reference))
    return render_template("payments/new_price.html", page=page, form=form, offer=offer)


@bp.get("/statement")
@public
def statement(reference: str) -> ResponseReturnValue:
    """The account of the booking: what was charged, paid and returned, line by line."""
    booking = visitor_booking(reference)
    if booking.placed_at is None:
        raise NotFound(reference)
    page = booking_page(booking.id)
    return render_template(
        "payments/statement.html",
        page=page,
        statement=statement_of(page),
        papers=papers_of(page.id),
        moment=now(),
    )


@bp.get("/statement/<string:name>.pdf")
@public
def money_paper(reference: str, name: str) -> ResponseReturnValue:
    """An invoice, credit note or receipt of the booking, in the reader's language."""
    booking = visitor_booking(reference)
    paper = paper_called(name)
    if not belongs_to(paper, booking.id):
        raise NotFound(name)
    return Response(
        printed(paper, language(), now()),
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{paper.name}.pdf"'},
    )


def _ways(page: BookingPage, debt: services.Debt, much: Sequence[choices.Choice]) -> tuple[services.Way, ...]:
    """Those that work for any of the sums that may be chosen: a part may go where the whole is too large."""
    sums = {debt.amount, *(choice.parts[0][1] for choice in much if choice.parts)}
    ways: dict[services.Way, None] = {}
    for amount in sorted(sums, reverse=True):
        ways |= dict.fromkeys(services.offered_ways(amount, page.sailing.starts_at, now()))
    return tuple(sorted(ways, key=lambda way: way.provider is None))


def _choose(booking: Booking, debt: services.Debt, choice: choices.Choice | None) -> services.Debt:
    """What is to be paid after the guest's choice. Raises NotPayable or PlanNotOffered."""
    if choice is None or choice.key == choices.PART:
        return debt
    if booking.state is BookingState.PENDING and choice.parts:
        choose_plan(booking_id=booking.id, plan_id=choice.plan_id, now=now())
    owed = services.debt_of(booking, now(), whole=choice.key == choices.ALL)
    if owed is None:
        raise NotPayable
    return owed


def _start(page: BookingPage, debt: services.Debt, way: services.Way) -> str:
    whole = debt.whole is None
    if way.method is Method.CREDIT:
        agency = agency_of(signed_in())
        if agency is None:
            raise MethodNotOffered
        take_on_credit(booking_id=page.id, agency_id=agency.id, now=now())
        flash(_("Your agency answers for this booking now. The invoice is on its way."), "good")
        return url_for("booking.booking", reference=page.reference)
    if way.method is Method.DESK:
        services.start_desk(booking_id=page.id, whole=whole, now=now())
        return url_for(".desk", reference=page.reference)
    if way.provider is None:
        services.start_transfer(booking_id=page.id, whole=whole, now=now())
        return url_for(".transfer", reference=page.reference)
    base = current_app.config["PUBLIC_URL"]
    if debt.change_id is None and debt.amount != page.price:
        lines = [CheckoutLine(_("Part of the price of booking %(reference)s", reference=page.reference), debt.amount)]
    elif debt.change_id is None:
        lines = [
            CheckoutLine(f"{page.sailing.code} · {passenger}", amount)
            for passenger, amount in page.price_by_passenger
            if amount.minor
        ]
    else:
        lines = [CheckoutLine(_("Change of booking %(reference)s", reference=page.reference), debt.amount)]
    return services.start_card_payment(
        booking_id=page.id,
        name=way.provider,
        lines=lines,
        whole=whole,
        success_url=base + url_for(".returned", reference=page.reference),
        cancel_url=base + url_for(".cancelled", reference=page.reference),
        now=now(),
    )


@bp.get("/pay/return")
@public
@limiter.limit("60 per minute")
def returned(reference: str) -> ResponseReturnValue:
    """Back from the provider's page. Coming here proves nothing: the provider is asked."""
    booking = visitor_booking(reference)
    if services.debt_of(booking, now()) is None:
        return redirect(url_for("booking.booking", reference=reference))
    try:
        services.settle_checkouts(booking_id=booking.id, now=now())
    except Refused:
        log.warning("the provider did not answer for a returning customer; the worker will ask again")
    page = booking_page(booking.id)
    debt = services.debt_of(booking, now())
    if debt is None or debt.pay_by <= now() or not queries.card_awaited(booking.id):
        return redirect(url_for("booking.booking", reference=reference))
    return render_template(
        "payments/waiting.html", page=page, back=url_for("booking.booking", reference=reference)
    )


@bp.get("/pay/cancelled")
@public
def cancelled(reference: str) -> ResponseReturnValue:
    visitor_booking(reference)
    flash(_("You left the payment page. Nothing was charged; you can pay now or choose another way."), "info")
    return redirect(url_for(".pay", reference=reference))


@bp.route("/cancel", methods=["GET", "POST"])
@public
def cancel(reference: str) -> ResponseReturnValue:
    """What would be kept and returned, and the consent to it; the sum seen is sent along and must still be true."""
    page = booking_page(visitor_booking(reference).id)
    try:
        preview = refunds.cancel_preview(page.id, now())
    except NotCancellable as refusal:
        flash(refusal.message, "info")
        return redirect(url_for("booking.booking", reference=reference))
    form = CancelForm(returned=preview.today.returned.minor, reason=request.args.get("reason"))
    if form.validate_on_submit():
        try:
            refunds.cancel(
                booking_id=page.id,
                agreed=Money(form.returned.data, page.price.currency),
                reason=CancelReason(form.reason.data),
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            preview = refunds.cancel_preview(page.id, now())
            form.returned.process_data(preview.today.returned.minor)
        else:
            flash(_("The booking is cancelled. We have sent you a mail about it."), "good")
            return redirect(url_for("booking.booking", reference=reference))
    status = 200 if not form.errors else 422
    return render_template("payments/cancel.html", page=page, preview=preview, form=form), status


@bp.post("/credit")
@public
def return_credit(reference: str) -> ResponseReturnValue:
    """One press: what was paid too much goes back; the sum seen is sent along and must still be true."""
    page = booking_page(visitor_booking(reference).id)
    form = CreditForm()
    if form.validate_on_submit():
        agreed = Money(form.returned.data or 0, page.price.currency)
        try:
            refunds.return_credit(booking_id=page.id, agreed=agreed, now=now())
            flash(_("The money is on its way back to you, the way it came."), "good")
        except Refused as refusal:
            flash(str(refusal.message), "warning")
    return redirect(url_for("booking.booking", reference=reference))


@bp.get("/transfer")
@public
def transfer(reference: str) -> ResponseReturnValue:
    page = booking_page(visitor_booking(reference).id)
    payment = queries.open_transfer(page.id)
    code = code_text(payment, page.reference)
    return render_template(
        "payments/transfer.html",
        page=page,
        payment=payment,
        payee=current_app.config["INVOICE_PAYEE"],
        purpose=transfer_purpose(payment.reference, page.reference),
        code=Markup(qr_svg(code)) if code else None,
    )


@bp.get("/desk")
@public
def desk(reference: str) -> ResponseReturnValue:
    """Where to come with the money, and until when."""
    page = booking_page(visitor_booking(reference).id)
    payment = queries.awaited_at_desk(page.id)
    return render_template("payments/desk.html", page=page, payment=payment, place=_desk_place())


def _desk_place() -> str | None:
    place = current_app.config["DESK_PLACE"]
    return place[language()] if place else None


@bp.get("/invoice.pdf")
@public
def invoice_pdf(reference: str) -> ResponseReturnValue:
    page = booking_page(visitor_booking(reference).id)
    payment = queries.open_transfer(page.id)
    answer = Response(invoice(page, payment, language()), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="invoice-{payment.reference}.pdf"'
    return answer
