"""Visa cases of a sailing, the invitation pack for Turkmenistan and the group lists for Iran."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from wtforms import SelectChoice

from portal.accounts.access import Permission, access, current_account
from portal.catalogue.queries import sailing_id_of
from portal.kernel.clock import now, today
from portal.kernel.errors import NotFound, Refused
from portal.staff.forms import CaseForm
from portal.staff.views.blueprint import bp
from portal.visas.cases import labels, pack, queries, services
from portal.visas.cases.models import CaseState, ListKind, ListState
from portal.visas.cases.services import Step

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/sailings/<string:code>/visas")
@access(Permission.VISA_CASES)
def visas(code: str) -> ResponseReturnValue:
    asked = request.args.get("state")
    page = queries.visas_page(
        code,
        country=request.args.get("country") or None,
        state=CaseState(asked) if asked in set(CaseState) else None,
    )
    return render_template("staff/visas.html", page=page, words=labels, today=today())


@bp.post("/sailings/<string:code>/visas/<string:kind>")
@access(Permission.VISA_CASES)
def freeze_lists(code: str, kind: str) -> ResponseReturnValue:
    if kind not in set(ListKind):
        raise NotFound(kind)
    try:
        issued = services.freeze(
            sailing_id=sailing_id_of(code), kind=ListKind(kind), by=current_account(), now=now()
        )
    except Refused as refusal:
        flash(refusal.message, "warning")
    else:
        if issued:
            flash(ngettext("%(num)s list is frozen.", "%(num)s lists are frozen.", len(issued)), "good")
        else:
            flash(_("Nothing has changed since: every list stands as it was frozen."), "info")
    return redirect(url_for(".visas", code=code, _anchor=kind))


@bp.post("/visa-lists/<string:reference>/<string:to>")
@access(Permission.VISA_CASES)
def note_list(reference: str, to: str) -> ResponseReturnValue:
    found = queries.list_of(reference)
    if to not in set(ListState):
        raise NotFound(to)
    try:
        services.note_list(list_id=found.id, to=ListState(to), by=current_account(), now=now())
    except Refused as refusal:
        flash(refusal.message, "warning")
    else:
        flash(_("Noted."), "good")
    return redirect(url_for(".visas", code=found.sailing.code, _anchor=found.kind.value))


@bp.get("/visa-lists/<string:reference>.xlsx")
@access(Permission.VISA_CASES)
def visa_list_workbook(reference: str) -> Response:
    found = queries.list_of(reference)
    name = f"{found.sailing.code}-{found.kind}-{found.number}.{found.version}.xlsx"
    return _file(pack.workbook(found, now()), XLSX, name)


@bp.get("/visa-lists/<string:reference>.pdf")
@access(Permission.VISA_CASES)
def visa_list_paper(reference: str) -> Response:
    found = queries.list_of(reference)
    name = f"{found.sailing.code}-{found.kind}-{found.number}.{found.version}.pdf"
    return _file(pack.paper(found, now()), "application/pdf", name)


def _file(content: bytes, media_type: str, name: str) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/visa-cases/<string:reference>", methods=["GET", "POST"])
@access(Permission.VISA_CASES)
def visa_case(reference: str) -> ResponseReturnValue:
    page = queries.case_page(reference)
    form = CaseForm(on=today())
    form.to.choices = [SelectChoice(state.value, labels.CASE_STATES[state]) for state in page.next]
    if form.validate_on_submit():
        assert form.on.data is not None
        step = Step(
            to=CaseState(form.to.data),
            on=form.on.data,
            fee=form.money,
            number=form.number.data or None,
            valid_from=form.valid_from.data,
            valid_to=form.valid_to.data,
            note=form.note.data,
        )
        try:
            services.advance(case_id=page.id, step=step, now=now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Noted."), "good")
            return redirect(url_for(".visa_case", reference=reference))
    shown = render_template("staff/visa_case.html", page=page, form=form, words=labels, today=today())
    return shown, 422 if form.errors else 200
