"""Plans to pay in parts, and bookings whose part is overdue: more time, or an end."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account
from portal.catalogue.queries import sailing_id_of
from portal.kernel.clock import now
from portal.kernel.errors import NotFound, Refused
from portal.kernel.money import Money
from portal.payments import refunds
from portal.payments.cancellations.models import CancelReason
from portal.payments.plans import services
from portal.staff import payment_pages, price_pages
from portal.staff.forms import ArrearsForm, MoreTimeForm, PlanForm, plan_steps
from portal.staff.views.blueprint import bp


@bp.route("/plans", methods=["GET", "POST"])
@access(Permission.SAILING_EDIT)
def plans() -> ResponseReturnValue:
    form = PlanForm()
    form.amount.currency = form.currency.data or form.amount.currency
    if form.validate_on_submit():
        try:
            sailing_id = sailing_id_of(form.sailing.data) if form.sailing.data else None
        except NotFound:
            form.sailing.errors = [_("There is no sailing with this code.")]
        else:
            services.offer_plan(
                code=form.code.data,
                percent=form.percent.data,
                per_person=Money(form.amount.data, form.currency.data) if form.amount.data else None,
                steps=plan_steps(form.steps.data),
                lock_percent=form.lock_percent.data,
                mark=form.mark.data,
                sailing_id=sailing_id,
                account=current_account(),
                now=now(),
            )
            flash(_("The plan is offered from now on. What was chosen before stands."), "good")
            return redirect(url_for(".plans"))
    answer = render_template("staff/plans.html", rows=price_pages.offered_plans(), form=form)
    return answer, 422 if form.errors else 200


@bp.post("/plans/<int:plan_id>/end")
@access(Permission.SAILING_EDIT)
def end_plan(plan_id: int) -> ResponseReturnValue:
    services.end_plan(plan_id=plan_id, now=now())
    flash(_("The plan is offered no more. Who has chosen it keeps it."), "good")
    return redirect(url_for(".plans"))


@bp.route("/bookings/<string:reference>/parts", methods=["GET", "POST"])
@access(Permission.PAYMENT_RECEIVE)
def parts(reference: str) -> ResponseReturnValue:
    """How a booking is paid in parts, with its history; and more time."""
    page = payment_pages.parts_page(reference, now())
    form = MoreTimeForm()
    if form.validate_on_submit():
        try:
            services.put_off(
                booking_id=page.booking_id,
                until=form.until.data,
                note=form.note.data,
                account=current_account(),
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("The guest has more time, and a mail tells it."), "good")
            return redirect(url_for(".parts", reference=reference))
    return _parts_page(page, form, ArrearsForm(returned=str(page.cancel.today.returned.minor) if page.cancel else ""))


@bp.post("/bookings/<string:reference>/arrears")
@access(Permission.PAYMENT_RECEIVE)
def cancel_arrears(reference: str) -> ResponseReturnValue:
    """The operator cancels a booking whose part has not come; the guest gets what the conditions return."""
    page = payment_pages.parts_page(reference, now())
    form = ArrearsForm()
    if form.validate_on_submit() and page.cancel is not None:
        seen = int(form.returned.data) if (form.returned.data or "").isdecimal() else -1
        try:
            refunds.cancel(
                booking_id=page.booking_id,
                agreed=Money(seen, page.currency),
                reason=CancelReason.ARREARS,
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("The booking is cancelled, and a mail tells the guest."), "good")
            return redirect(url_for(".booking", reference=reference))
    return _parts_page(page, MoreTimeForm(formdata=None), form)


def _parts_page(page: payment_pages.PartsPage, more_time: MoreTimeForm, arrears: ArrearsForm) -> ResponseReturnValue:
    answer = render_template("staff/parts.html", page=page, form=more_time, arrears=arrears)
    return answer, 422 if more_time.errors or arrears.errors else 200
