"""Sailings: their load, times, fares, sale, cabins and who travels."""

from __future__ import annotations

import re

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts.access import Permission, access
from portal.catalogue import services as catalogue
from portal.catalogue.errors import CallsRefused, ChangedMeanwhile, PartImpossible
from portal.catalogue.labels import CALL_STATES
from portal.catalogue.queries import sailing_with_calls
from portal.catalogue.services import least_time
from portal.inventory import services as inventory
from portal.inventory.rescheduling import reschedule
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.payments.operations.queries import operations_of
from portal.pricing.errors import FaresChanged, FaresRefused
from portal.pricing.labels import CURRENCIES as CURRENCY_NAMES
from portal.pricing.queries import CURRENCIES, CURRENCY
from portal.pricing.services import fares_seal, set_fares
from portal.staff import price_pages, sailing_pages
from portal.staff.forms import CabinsForm, CloseSalesForm, FaresForm, PartForm, SailingForm, SaleForm
from portal.staff.labels import CABIN_STATES, SAILING_FILTERS
from portal.staff.passenger_list import listed_passengers, write_passenger_list
from portal.staff.sailing_pages import SailingFilters
from portal.staff.views.blueprint import bp

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


@bp.get("/sailings")
@access(Permission.SAILING_READ)
def sailings() -> ResponseReturnValue:
    state, month = request.args.get("state", ""), request.args.get("month", "")
    filters = SailingFilters(
        state=state if state in SAILING_FILTERS else None, month=month if MONTH.fullmatch(month) else None
    )
    page = sailing_pages.sailings_page(filters, request.args.get("page", 1, int), now())
    return render_template("staff/sailings.html", page=page)


@bp.get("/sailings/<string:code>")
@access(Permission.SAILING_READ)
def sailing(code: str) -> ResponseReturnValue:
    page = sailing_pages.sailing_page(code, now())
    sale = SaleForm(formdata=None)
    sale.until.show(page.sailing.sales_close_at, page.row.embark_zone)
    return _sailing_page(page, sale, CloseSalesForm(formdata=None))


def _sailing_page(page: sailing_pages.SailingPage, sale: SaleForm, closing: CloseSalesForm) -> ResponseReturnValue:
    answer = render_template(
        "staff/sailing.html",
        page=page,
        sale=sale,
        closing=closing,
        call_states=CALL_STATES,
        operations=operations_of(page.sailing.id),
    )
    return answer, 422 if sale.errors or closing.errors else 200


@bp.post("/sailings/<string:code>/on-sale")
@access(Permission.SAILING_EDIT)
def set_on_sale(code: str) -> ResponseReturnValue:
    page = sailing_pages.sailing_page(code, now())
    form = SaleForm()
    form.until.show(page.sailing.sales_close_at, page.row.embark_zone)
    if form.validate() and form.until.moment is not None:
        try:
            catalogue.set_on_sale(sailing_id=page.sailing.id, sales_close_at=form.until.moment, now=now())
        except Refused as refusal:
            form.until.errors = [*form.until.errors, refusal.message]
        else:
            flash(_("The sailing is on sale."), "good")
            return redirect(url_for(".sailing", code=code))
    return _sailing_page(page, form, CloseSalesForm(formdata=None))


@bp.post("/sailings/<string:code>/close-sales")
@access(Permission.SAILING_EDIT)
def close_sales(code: str) -> ResponseReturnValue:
    page = sailing_pages.sailing_page(code, now())
    form = CloseSalesForm()
    if form.validate():
        catalogue.close_sales(sailing_id=page.sailing.id, reason=form.reason.data or "", now=now())
        flash(_("Sales are closed. What is booked stays booked."), "good")
        return redirect(url_for(".sailing", code=code))
    sale = SaleForm(formdata=None)
    sale.until.show(page.sailing.sales_close_at, page.row.embark_zone)
    return _sailing_page(page, sale, form)


@bp.route("/sailings/<string:code>/calls", methods=["GET", "POST"])
@access(Permission.SAILING_EDIT)
def edit_sailing(code: str) -> ResponseReturnValue:
    present = sailing_with_calls(code)
    form = SailingForm.of(present)
    conflict = False
    if form.validate_on_submit():
        try:
            reschedule(
                sailing_id=present.id,
                version_seen=form.version.data or 0,
                calls=form.edits(present.calls),
                status_text=form.status_text,
                now=now(),
            )
        except CallsRefused as refusal:
            form.mark(refusal, present.calls)
        except ChangedMeanwhile as refusal:
            conflict = True
            form.form_errors.append(refusal.message)
            form.take_version(present.version)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Saved. Guests see it from now on."), "good")
            return redirect(url_for(".sailing", code=code))
    answer = render_template(
        "staff/edit_sailing.html",
        sailing=present,
        form=form,
        conflict=conflict,
        call_states=CALL_STATES,
        least_time=least_time,
    )
    return answer, (409 if conflict else 422) if form.errors else 200


@bp.route("/sailings/<string:code>/fares", methods=["GET", "POST"])
@access(Permission.SAILING_EDIT)
def fares(code: str) -> ResponseReturnValue:
    asked = request.args.get("currency", CURRENCY)
    page = price_pages.fares_page(code, asked if asked in CURRENCIES else CURRENCY)
    form = FaresForm.of(page.fares)
    conflict = False
    trial = None
    valid = form.validate_on_submit()
    if valid and "try" in request.form:
        trial = price_pages.simulated_fares(page, form.edits(), form.port_dues.data or 0, form.tried, now())
    elif valid:
        try:
            set_fares(
                sailing_id=page.sailing.id,
                edits=form.edits(),
                mark=form.mark.data,
                seen=form.seen.data or "",
                now=now(),
                currency=page.currency,
                port_dues_minor=form.port_dues.data,
            )
        except FaresRefused as refusal:
            form.mark_problems(refusal)
        except FaresChanged as refusal:
            conflict = True
            form.form_errors.append(refusal.message)
            form.take_seal(fares_seal(fare for _category, fare in page.fares))
        else:
            flash(_("Saved. New bookings are made at these fares; what was agreed before stands."), "good")
            return redirect(url_for(".fares", code=code, currency=page.currency))
    answer = render_template(
        "staff/fares.html", page=page, form=form, conflict=conflict, trial=trial, names=CURRENCY_NAMES
    )
    return answer, (409 if conflict else 422) if form.errors else 200


@bp.route("/sailings/<string:code>/parts", methods=["GET", "POST"])
@access(Permission.SAILING_EDIT)
def voyage_parts(code: str) -> ResponseReturnValue:
    """Of `?part=2-4` the form shows what is set; choosing the same calls again changes that part."""
    present = sailing_with_calls(code)
    chosen = next((part for part in present.parts if part.key == request.args.get("part")), None)
    form = PartForm.of(chosen, present.calls)
    if form.validate_on_submit():
        try:
            catalogue.offer_part(
                sailing_id=present.id,
                embark=form.embark.data,
                disembark=form.disembark.data,
                percent=form.percent.data or 0,
                mark=form.mark.data,
                on_sale=form.on_sale.data,
                now=now(),
            )
        except PartImpossible as refusal:
            field = form[refusal.field]
            field.errors = [*field.errors, refusal.message]
        else:
            flash(_("Saved. New bookings are made like this; what was agreed before stands."), "good")
            return redirect(url_for(".voyage_parts", code=code))
    sold = sailing_pages.sold_parts(present.id)
    answer = render_template("staff/voyage_parts.html", sailing=present, form=form, sold=sold)
    return answer, 422 if form.errors else 200


@bp.get("/sailings/<string:code>/cabins")
@access(Permission.SAILING_READ)
def cabins(code: str) -> ResponseReturnValue:
    return _cabins_page(code, CabinsForm(formdata=None), frozenset())


def _cabins_page(code: str, form: CabinsForm, ticked: frozenset[str]) -> ResponseReturnValue:
    state = request.args.get("state", "")
    page = sailing_pages.cabins_page(code, request.args.get("deck"), state if state in CABIN_STATES else None, now())
    return render_template("staff/cabins.html", page=page, form=form, ticked=ticked), 422 if form.errors else 200


@bp.post("/sailings/<string:code>/cabins")
@access(Permission.SAILING_EDIT)
def change_cabins(code: str) -> ResponseReturnValue:
    """Close or open the cabins ticked; each for itself: one that a guest has just taken must not stop the others."""
    form = CabinsForm()
    opening = request.form.get("act") == "open"
    ticked = frozenset(request.form.getlist("cabin"))
    right = form.validate()
    if not ticked:
        form.form_errors.append(_("Please tick the cabins first."))
    if not opening and not form.reason.data:
        form.reason.errors = [*form.reason.errors, _("Please say why: colleagues will ask.")]
    if not right or form.errors:
        return _cabins_page(code, form, ticked)
    page = sailing_pages.cabins_page(code, request.args.get("deck"), None, now())
    done, refused = 0, []
    for row in page.rows:
        if row.number not in ticked:
            continue
        try:
            if opening:
                if row.state == "closed" and row.occupancy_id is not None:
                    inventory.release(occupancy_id=row.occupancy_id, now=now())
                    done += 1
            else:
                inventory.close_cabin(
                    sailing_id=page.sailing.id, cabin_id=row.id, reason=form.reason.data or "", now=now()
                )
                done += 1
        except Refused:
            refused.append(row.number)
    if done and opening:
        flash(ngettext("%(num)s cabin is open again.", "%(num)s cabins are open again.", done), "good")
    elif done:
        flash(ngettext("%(num)s cabin is closed.", "%(num)s cabins are closed.", done), "good")
    if refused:
        flash(_("Held or booked by a guest, so not closed: cabins %(numbers)s.", numbers=", ".join(refused)), "warning")
    return redirect(url_for(".cabins", code=code, deck=page.deck.code, state=request.args.get("state")))


@bp.get("/sailings/<string:code>/passengers.xlsx")
@access(Permission.PASSENGER_LIST)
def passenger_list(code: str) -> ResponseReturnValue:
    found = sailing_with_calls(code)
    content = write_passenger_list(found, listed_passengers(found.id), now=now())
    answer = Response(content, mimetype=XLSX)
    answer.headers["Content-Disposition"] = f'attachment; filename="passengers-{found.code}.xlsx"'
    return answer
