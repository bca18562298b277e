"""Statements of the bank: handed in, looked at, taken over; and the money on them that finance decides about."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.payments.statements import queries, services
from portal.payments.statements.formats.comma_separated import TEMPLATE
from portal.payments.statements.models import StatementState
from portal.staff.forms import AssignForm, StatementForm
from portal.staff.paging import PAGE, paging
from portal.staff.views.blueprint import bp
from portal.web.told import told

DECISIONS = {
    "set_aside": services.set_aside,
    "send_back": services.send_back,
    "keep": services.keep_after_all,
    "take_out": services.take_out,
}


@bp.route("/statements", methods=["GET", "POST"])
@access(Permission.PAYMENT_RECEIVE)
def statements() -> ResponseReturnValue:
    """The queue of what is undecided, and the way in for a file. Nothing is used before it was looked at."""
    form = StatementForm()
    if form.validate_on_submit():
        try:
            reference = services.preview_statement(
                content=form.statement.data.read(), by=current_account(), now=now()
            )
        except Refused as refusal:
            form.statement.errors = [refusal.message]
        else:
            return redirect(url_for(".statement", reference=reference), 303)
    at = paging(request.args.get("page", 1, int), queries.count_waiting())
    page = queries.statements_page(at.offset, PAGE)
    return render_template("staff/statements.html", page=page, paging=at, form=form), 422 if form.errors else 200


@bp.get("/statements/template.csv")
@access(Permission.PAYMENT_RECEIVE)
def statement_template() -> ResponseReturnValue:
    """What a statement as CSV looks like; the mark at its head makes table programs read it as UTF-8."""
    answer = Response("\ufeff" + TEMPLATE, mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="statement.csv"'
    return answer


@bp.route("/statements/<string:reference>", methods=["GET", "POST"])
@access(Permission.PAYMENT_RECEIVE)
def statement(reference: str) -> ResponseReturnValue:
    """A statement before it is taken over, and after."""
    one = queries.statement_by(reference)
    if request.method == "POST":
        services.take_statement(statement_id=one.id, now=now())
        flash(_("The statement is taken over. What is certain is being used; the rest waits below."), "good")
        return redirect(url_for(".statement", reference=reference), 303)
    if one.state is StatementState.PREVIEW:
        return render_template("staff/statement_preview.html", one=one, preview=services.preview(one, now()))
    return render_template(
        "staff/statement.html", one=one, lines=queries.lines_of(one.id), counts=queries.counts_of(one.id)
    )


@bp.post("/statements/<string:reference>/discard")
@access(Permission.PAYMENT_RECEIVE)
def discard_statement(reference: str) -> ResponseReturnValue:
    with told(_("The file is forgotten. Nothing of it was used."), "info"):
        services.discard_statement(statement_id=queries.statement_by(reference).id, now=now())
    return redirect(url_for(".statements"), 303)


@bp.route("/statements/lines/<string:reference>", methods=["GET", "POST"])
@access(Permission.PAYMENT_RECEIVE)
def bank_line(reference: str) -> ResponseReturnValue:
    """Money that waits: why, what is proposed, and the ways to decide about it."""
    line = queries.line_page(reference)
    form = AssignForm()
    form.amount.currency = line.amount.currency
    if form.validate_on_submit():
        try:
            payment = services.assign_line(
                line_id=queries.line_id(reference),
                written=form.reference.data,
                minor=form.amount.data or 0,
                by=current_account(),
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("The money is used for payment %(reference)s.", reference=payment.reference), "good")
            return redirect(url_for(".bank_line", reference=reference), 303)
    elif request.method == "GET":
        form.reference.data = line.payment
        lacking = line.lacking.minor if line.lacking and line.lacking.currency == line.left.currency else 0
        form.amount.data = min(line.left.minor, lacking) if lacking > 0 else line.left.minor
    return render_template("staff/bank_line.html", line=line, form=form), 422 if form.errors else 200


@bp.post("/statements/lines/<string:reference>/decide")
@access(Permission.PAYMENT_RECEIVE)
def decide_line(reference: str) -> ResponseReturnValue:
    """Set aside, send back, keep after all, or free what is for a payment that will never be whole."""
    decision = request.form.get("decision", "")
    with told(_("It is noted.")):
        if decision == "sent_back":
            services.note_sent_back(line_id=queries.line_id(reference), by=current_account(), now=now())
        elif decision in DECISIONS:
            DECISIONS[decision](line_id=queries.line_id(reference), now=now())
    return redirect(url_for(".bank_line", reference=reference), 303)
