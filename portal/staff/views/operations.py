"""Cancel or postpone a sailing in three steps, and watch what becomes of its bookings."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account
from portal.catalogue.errors import CallsRefused
from portal.catalogue.queries import sailing_with_calls
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.kernel.parts import parts
from portal.payments.operations import labels as words
from portal.payments.operations import queries, services
from portal.payments.operations.letters import letters_preview
from portal.payments.operations.models import CaseState, OperationKind
from portal.staff.forms import StopForm
from portal.staff.views.blueprint import bp
from portal.web.told import told


@bp.route("/sailings/<string:code>/stop", methods=["GET", "POST"])
@access(Permission.SAILING_EDIT)
def stop_sailing(code: str) -> ResponseReturnValue:
    """First the form; then all that would follow, and nothing written; then, with the code typed, the deed."""
    form = StopForm()
    if not form.validate_on_submit():
        return _form(code, form)
    if request.form.get("step") != "confirm":
        form.seen.data, form.seen.raw_data = None, None
        return _preview(code, form)
    sailing = sailing_with_calls(code)
    try:
        operation = services.stop(
            sailing_id=sailing.id,
            kind=OperationKind(form.kind.data),
            typed_code=form.code.data or "",
            seen=form.seen.data or "",
            reason=form.reason,
            days=form.days.data or 0,
            decide_days=form.decide_days.data or 0,
            account=current_account(),
            now=now(),
        )
    except CallsRefused as refusal:
        form.days.errors = [*form.days.errors, *(problem.message for problem in refusal.problems)]
        return _form(code, form)
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _preview(code, form)
    flash(_("It is done. Each booking follows within minutes; this page shows how far they are."), "good")
    return redirect(url_for(".operation", reference=operation.reference))


def _form(code: str, form: StopForm) -> ResponseReturnValue:
    answer = render_template("staff/stop_sailing.html", sailing=sailing_with_calls(code), form=form)
    return answer, 422 if form.errors else 200


def _preview(code: str, form: StopForm) -> ResponseReturnValue:
    sailing = sailing_with_calls(code)
    moment = now()
    found = queries.preview(sailing.id, OperationKind(form.kind.data), moment)
    seal = services.seal(sailing, found.affected)
    form.seen.data, form.seen.raw_data = seal, None
    form.code.data, form.code.raw_data = None, None
    calls = services.shifted(sailing.calls, form.days.data or 0) if form.postponed else None
    answer = render_template(
        "staff/stop_preview.html",
        sailing=sailing,
        form=form,
        found=found,
        calls=calls,
        letters=letters_preview(
            found,
            OperationKind(form.kind.data),
            reason=form.reason,
            days=form.days.data or 0,
            decide_days=form.decide_days.data or 0,
            now=moment,
        ),
        **parts("stop", sailing.id),
    )
    return answer, 422 if form.errors else 200


@bp.get("/operations/<string:reference>")
@access(Permission.BOOKING_READ)
def operation(reference: str) -> ResponseReturnValue:
    state = request.args.get("state", "")
    board = queries.board(reference, CaseState(state) if state in set(CaseState) else None)
    return render_template("staff/operation.html", board=board, words=words)


@bp.post("/operations/<string:reference>/<string:booking>/retry")
@access(Permission.SAILING_EDIT)
def retry_case(reference: str, booking: str) -> ResponseReturnValue:
    with told(_("It is tried again at once.")):
        services.try_again(case_id=queries.case_id(reference, booking), now=now())
    return redirect(url_for(".operation", reference=reference))


@bp.post("/operations/<string:reference>/<string:booking>/moved")
@access(Permission.SAILING_EDIT)
def case_moved(reference: str, booking: str) -> ResponseReturnValue:
    with told(_("It is noted that the guest was moved.")):
        services.mark_moved(case_id=queries.case_id(reference, booking), now=now())
    return redirect(url_for(".operation", reference=reference))
