"""Passenger lists that were filed with authorities, and changes that guests ask for since."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account
from portal.booking import filing
from portal.booking import labels as words
from portal.booking.models import FiledKind
from portal.kernel.clock import now
from portal.kernel.errors import NotFound, Refused
from portal.staff import lists as queries
from portal.staff.forms import RefuseChangeForm
from portal.staff.views.blueprint import bp
from portal.web.told import told


@bp.get("/sailings/<string:code>/lists")
@access(Permission.PASSENGER_LIST)
def lists(code: str) -> ResponseReturnValue:
    return render_template("staff/lists.html", page=queries.lists_page(code), words=words)


@bp.post("/sailings/<string:code>/lists/<string:kind>")
@access(Permission.PASSENGER_LIST)
def file_list(code: str, kind: str) -> ResponseReturnValue:
    with told(_("Noted as filed. What stands in it changes only by a request from now on.")):
        filing.file_list(sailing=queries.sailing_of(code), kind=_kind(kind), by=current_account(), now=now())
    return redirect(url_for(".lists", code=code))


@bp.post("/sailings/<string:code>/lists/<string:kind>/take-back")
@access(Permission.PASSENGER_LIST)
def take_back_list(code: str, kind: str) -> ResponseReturnValue:
    filing.take_back(sailing=queries.sailing_of(code), kind=_kind(kind), now=now())
    flash(_("Noted as called back. Guests may change their data freely again."), "info")
    return redirect(url_for(".lists", code=code))


def _kind(text: str) -> FiledKind:
    if text not in set(FiledKind):
        raise NotFound(text)
    return FiledKind(text)


@bp.get("/changes")
@access(Permission.PASSENGER_LIST)
def changes() -> ResponseReturnValue:
    return _changes_page(RefuseChangeForm(formdata=None), "")


def _changes_page(form: RefuseChangeForm, refusing: str) -> ResponseReturnValue:
    shown = render_template(
        "staff/changes.html", page=queries.changes_page(), words=words, form=form, refusing=refusing
    )
    return shown, 422 if form.errors else 200


@bp.post("/changes/<string:reference>")
@access(Permission.PASSENGER_LIST)
def decide_change(reference: str) -> ResponseReturnValue:
    request_id = queries.change_id(reference)
    form = RefuseChangeForm()
    try:
        if "accept" in request.form:
            filing.accept_change(request_id=request_id, by=current_account(), now=now())
            flash(_("The change is made. Please file the list again: its page shows what differs."), "good")
        elif not form.validate_on_submit():
            return _changes_page(form, reference)
        else:
            filing.refuse_change(request_id=request_id, by=current_account(), reason=form.reason.data or "", now=now())
            flash(_("Refused. The guest is told why."), "info")
    except Refused as refusal:
        flash(refusal.message, "warning")
    return redirect(url_for(".changes"))
