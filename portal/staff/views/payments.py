"""Money that is expected, and money that has no cabin."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account
from portal.kernel.clock import now, real_now
from portal.kernel.errors import Refused
from portal.kernel.money import Money
from portal.kernel.references import plain, read_checked
from portal.payments import refunds
from portal.payments.approvals import approve
from portal.payments.books import last_check
from portal.payments.cancellations.queries import unsettled
from portal.payments.cancellations.services import settle_costs
from portal.payments.errors import AmountNotExpected, CostsTooHigh, SecondPersonNeeded
from portal.payments.models import PaymentState, Tender
from portal.payments.plans.queries import overdue_parts
from portal.payments.plans.repricing import open_offers
from portal.payments.providers.registry import providers
from portal.payments.queries import open_disputes, open_refunds, reconciliation_page
from portal.payments.reconciliation import close_mismatch, compare_day
from portal.payments.services import debt_of, receive_transfer, take_at_desk
from portal.staff import booking_pages, payment_pages
from portal.staff.forms import CostsForm, DeskForm, ReceivedForm, SettledForm
from portal.staff.views.blueprint import bp
from portal.web.told import told


@bp.get("/payments")
@access(Permission.PAYMENT_RECEIVE)
def payments() -> ResponseReturnValue:
    typed = request.args.get("q", "")[:20]
    wanted = read_checked(typed) or plain(typed) or None  # as the guest reads it out, or as it is kept
    page = payment_pages.payments_page(wanted, request.args.get("page", 1, int))
    return render_template(
        "staff/payments.html",
        page=page,
        refunds=open_refunds(REFUNDS_SHOWN),
        disputes=open_disputes(REFUNDS_SHOWN),
        overdue=overdue_parts(now(), OVERDUE_SHOWN),
        cancellations=unsettled(CANCELLATIONS_SHOWN),
        new_prices=open_offers(OVERDUE_SHOWN),
        reader=f"account:{current_account().id}",
    )


REFUNDS_SHOWN = 100
OVERDUE_SHOWN = 100
CANCELLATIONS_SHOWN = 100
MISMATCHES_SHOWN, DAYS_SHOWN = 100, 14


@bp.get("/reconciliation")
@access(Permission.PAYMENT_RECEIVE)
def reconciliation() -> ResponseReturnValue:
    """Where the providers' own books and ours say different things."""
    page = reconciliation_page(MISMATCHES_SHOWN, DAYS_SHOWN)
    check = last_check()
    differences = len(check.differences) if check else 0
    return render_template("staff/reconciliation.html", page=page, form=SettledForm(), differences=differences)


@bp.post("/reconciliation")
@access(Permission.PAYMENT_RECEIVE)
def compare_now() -> ResponseReturnValue:
    """Yesterday, and today as far as it has come."""
    today = real_now().date()
    for name in providers():
        try:
            for day in (today - timedelta(days=1), today):
                compare_day(name, day, now())
        except Refused as refusal:
            flash(str(refusal.message), "warning")
            return redirect(url_for(".reconciliation"))
    flash(_("The books are compared as far as today."), "good")
    return redirect(url_for(".reconciliation"))


@bp.post("/reconciliation/<string:reference>")
@access(Permission.PAYMENT_RECEIVE)
def settle_mismatch(reference: str) -> ResponseReturnValue:
    form = SettledForm()
    if not form.validate_on_submit():
        flash(_("Please write what you found and did."), "warning")
    else:
        close_mismatch(reference=reference, note=form.note.data, account=current_account(), now=now())
        flash(_("The difference is settled."), "good")
    return redirect(url_for(".reconciliation"))


@bp.post("/payments/<string:reference>/return")
@access(Permission.PAYMENT_RECEIVE)
def return_money(reference: str) -> ResponseReturnValue:
    """Money that found no cabin goes back whole."""
    refunds.return_money(payment_id=payment_pages.payment_id(reference), now=now())
    flash(_("The money is being returned."), "good")
    return redirect(url_for(".payments"))


@bp.post("/refunds/<string:reference>/approve")
@access(Permission.PAYMENT_RECEIVE)
def approve_refund(reference: str) -> ResponseReturnValue:
    """The second pair of eyes for a large sum."""
    with told(_("The refund is approved."), refusal=SecondPersonNeeded):
        approve(refund_id=payment_pages.refund_id(reference), account=current_account(), now=now())
    return redirect(url_for(".payments", _anchor="refunds"))


@bp.route("/cancellations/<string:reference>", methods=["GET", "POST"])
@access(Permission.PAYMENT_RECEIVE)
def settle(reference: str) -> ResponseReturnValue:
    """What a cancelled booking has really cost; what was kept beyond it goes back."""
    one = payment_pages.cancellation(reference)
    form = CostsForm()
    form.costs.currency = one.limit.currency
    if form.validate_on_submit():
        try:
            less = settle_costs(
                cancellation_id=one.id,
                costs=Money(form.costs.data or 0, one.limit.currency),
                note=form.note.data,
                account=current_account(),
                now=now(),
            )
        except CostsTooHigh as refusal:
            form.costs.errors = [refusal.message]
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            if less.minor:
                flash(_("The costs are noted, and what was kept beyond them goes back."), "good")
            else:
                flash(_("The costs are noted. Nothing goes back."), "good")
            return redirect(url_for(".payments", _anchor="cancellations"))
    return render_template("staff/cancellation.html", one=one, form=form), 422 if form.errors else 200


@bp.post("/refunds/<string:reference>/paid")
@access(Permission.PAYMENT_RECEIVE)
def paid_back(reference: str) -> ResponseReturnValue:
    with told(_("It is noted that the money went back."), refusal=SecondPersonNeeded):
        refunds.confirm_paid_back(refund_id=payment_pages.refund_id(reference), account=current_account(), now=now())
    return redirect(url_for(".payments"))


@bp.post("/refunds/<string:reference>/retry")
@access(Permission.PAYMENT_RECEIVE)
def retry_refund(reference: str) -> ResponseReturnValue:
    refunds.try_again(refund_id=payment_pages.refund_id(reference), now=now())
    flash(_("The money is being returned."), "good")
    return redirect(url_for(".payments"))


@bp.post("/refunds/<string:reference>/transfer")
@access(Permission.PAYMENT_RECEIVE)
def transfer_refund(reference: str) -> ResponseReturnValue:
    """The way it came is closed: the money goes by transfer."""
    refunds.return_by_transfer(refund_id=payment_pages.refund_id(reference), now=now())
    flash(_("Ask the guest for an account, transfer the money, and mark it here."), "info")
    return redirect(url_for(".payments", _anchor="refunds"))


@bp.route("/payments/<string:reference>", methods=["GET", "POST"])
@access(Permission.PAYMENT_RECEIVE)
def receive(reference: str) -> ResponseReturnValue:
    """Mark a transfer received; the amount is typed from the bank's statement and must be the one expected."""
    payment = payment_pages.expected_transfer(reference)
    form = ReceivedForm()
    form.amount.currency = payment.amount.currency
    if form.validate_on_submit():
        shown = Money(form.amount.data or 0, payment.amount.currency)
        try:
            state = receive_transfer(payment_id=payment.id, account=current_account(), shown=shown, now=now())
        except AmountNotExpected as refusal:
            form.amount.errors = [*form.amount.errors, refusal.message]
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            _say(state)
            return redirect(url_for(".payments"))
    return render_template("staff/payment.html", payment=payment, form=form), 422 if form.errors else 200


def _say(state: PaymentState) -> None:
    if state is PaymentState.UNALLOCATED:
        flash(_("The money is noted, but the cabin is gone: please settle this with the guest."), "warning")
    else:
        flash(_("The money is noted and the booking is confirmed."), "good")


@bp.route("/bookings/<string:reference>/desk", methods=["GET", "POST"])
@access(Permission.PAYMENT_RECEIVE)
def desk(reference: str) -> ResponseReturnValue:
    """Take money by hand for what a booking owes."""
    booking = booking_pages.booking_by_reference(reference)
    debt = debt_of(booking, now())
    form = DeskForm()
    form.amount.currency = booking.currency
    if debt is not None and form.validate_on_submit():
        try:
            state = take_at_desk(
                booking_id=booking.id,
                amount=Money(form.amount.data or 0, booking.currency),
                tender=Tender(form.tender.data),
                receipt=form.receipt.data.strip(),
                account=current_account(),
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            _say(state)
            return redirect(url_for(".booking", reference=reference))
    return render_template(
        "staff/desk.html", reference=reference, contact=booking.contact_name, debt=debt, form=form
    ), 422 if form.errors else 200
