"""Agencies: set up with their limit and commission, their people, and bookings put on their credit."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access
from portal.kernel import formats
from portal.kernel.clock import OFFICE_ZONE, now
from portal.kernel.errors import Refused
from portal.kernel.money import Money
from portal.kernel.text import LANGUAGES, LocalizedText
from portal.payments.agencies import queries, services
from portal.payments.agencies.models import Agency
from portal.payments.invoices import agency_invoice
from portal.staff.forms import AgencyForm, AgencyMemberForm, AgencyTermsForm, CreditForm
from portal.staff.views.blueprint import bp
from portal.web.locale import language


@bp.route("/agencies", methods=["GET", "POST"])
@access(Permission.AGENCY_MANAGE)
def agencies() -> ResponseReturnValue:
    form = AgencyForm(language=language())
    form.prepare()
    if form.validate_on_submit():
        made = services.create_agency(
            name=LocalizedText({code: form[f"name_{code}"].data for code in LANGUAGES}),
            email=form.email.data or "",
            language=form.language.data,
            limit=Money(form.limit.data or 0, form.currency.data),
            commission_points=form.points,
            net=form.settling.data == "net",
            now=now(),
        )
        flash(_("The agency is set up. Add whoever acts for it."), "good")
        return redirect(url_for(".agency", reference=made.reference))
    answer = render_template("staff/agencies.html", rows=queries.agencies(), form=form)
    return answer, 422 if form.errors else 200


@bp.get("/agencies/<string:reference>")
@access(Permission.AGENCY_MANAGE)
def agency(reference: str) -> ResponseReturnValue:
    return _page(queries.agency_called(reference))


def _page(
    agency: Agency,
    terms: AgencyTermsForm | None = None,
    member: AgencyMemberForm | None = None,
    credit: CreditForm | None = None,
) -> ResponseReturnValue:
    terms = terms or AgencyTermsForm(formdata=None, limit=agency.limit_minor, active=agency.active)
    terms.limit.currency = agency.currency
    member = member or AgencyMemberForm(formdata=None)
    credit = credit or CreditForm(formdata=None)
    answer = render_template(
        "staff/agency.html",
        page=queries.agency_page(agency),
        terms=terms,
        member=member,
        credit=credit,
        zone=OFFICE_ZONE,
    )
    return answer, 422 if terms.errors or member.errors or credit.errors else 200


@bp.post("/agencies/<string:reference>/terms")
@access(Permission.AGENCY_MANAGE)
def set_agency_terms(reference: str) -> ResponseReturnValue:
    agency = queries.agency_called(reference)
    form = AgencyTermsForm()
    form.limit.currency = agency.currency
    if not form.validate_on_submit():
        return _page(agency, terms=form)
    services.set_terms(agency_id=agency.id, limit_minor=form.limit.data or 0, active=form.active.data, now=now())
    flash(_("Saved."), "good")
    return redirect(url_for(".agency", reference=reference))


@bp.post("/agencies/<string:reference>/members")
@access(Permission.AGENCY_MANAGE)
def add_agency_member(reference: str) -> ResponseReturnValue:
    agency = queries.agency_called(reference)
    form = AgencyMemberForm()
    if form.validate_on_submit():
        try:
            account = services.add_member(agency_id=agency.id, email=form.member_email.data or "", now=now())
        except Refused as refusal:
            form.member_email.errors = [refusal.message]
        else:
            flash(_("%(name)s acts for the agency now.", name=account.name), "good")
            return redirect(url_for(".agency", reference=reference))
    return _page(agency, member=form)


@bp.post("/agencies/<string:reference>/members/<int:account_id>/remove")
@access(Permission.AGENCY_MANAGE)
def remove_agency_member(reference: str, account_id: int) -> ResponseReturnValue:
    agency = queries.agency_called(reference)
    services.remove_member(agency_id=agency.id, account_id=account_id, now=now())
    flash(_("This account no longer acts for the agency."), "info")
    return redirect(url_for(".agency", reference=reference))


@bp.post("/agencies/<string:reference>/credit")
@access(Permission.AGENCY_MANAGE)
def put_on_credit(reference: str) -> ResponseReturnValue:
    """A booking that the agency asked for by telephone or mail."""
    agency = queries.agency_called(reference)
    form = CreditForm()
    if form.validate_on_submit():
        try:
            booking_id = queries.booking_written(form.booking.data or "")
            taken = services.take_on_credit(booking_id=booking_id, agency_id=agency.id, now=now())
        except Refused as refusal:
            form.booking.errors = [refusal.message]
        else:
            amount, wanted = formats.money(taken.amount, language()), taken.booking.reference
            flash(_("%(sum)s of booking %(reference)s is on credit.", sum=amount, reference=wanted), "good")
            return redirect(url_for(".agency", reference=reference))
    return _page(agency, credit=form)


@bp.post("/agencies/<string:reference>/credits/<int:credit_id>/pay-out")
@access(Permission.PAYMENT_RECEIVE)
def pay_agency_out(reference: str, credit_id: int) -> ResponseReturnValue:
    agency = queries.agency_called(reference)
    credit = queries.credit_of(agency, credit_id)
    try:
        amount = services.pay_out(credit_id=credit.id, now=now())
        flash(_("Noted: %(sum)s was transferred to the agency.", sum=formats.money(amount, language())), "good")
    except Refused as refusal:
        flash(str(refusal.message), "warning")
    return redirect(url_for(".agency", reference=reference))


@bp.get("/agencies/<string:reference>/invoices/<string:invoice>.pdf")
@access(Permission.AGENCY_MANAGE)
def invoice_of_agency(reference: str, invoice: str) -> ResponseReturnValue:
    payment = queries.invoice_of(queries.agency_called(reference), invoice)
    answer = Response(agency_invoice(payment, language()), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="invoice-{invoice}.pdf"'
    return answer
