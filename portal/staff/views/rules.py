"""Entry rules: what holds and since when, changes proposed by one and approved by another, files in and out."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account
from portal.kernel.clock import OFFICE_ZONE, now, today
from portal.kernel.errors import Refused
from portal.staff.rule_forms import FILE_MOST, DeclineForm, RuleFileForm, RuleForm, WithdrawForm
from portal.staff.views.blueprint import bp as staff
from portal.visas import labels
from portal.visas.documents import CATALOGUE, SOURCES
from portal.visas.proposals import queries, services
from portal.visas.proposals.impact import SHOWN
from portal.visas.rule_file import RowError, RowFault, check_rules, row_of, rule_of
from portal.visas.rules import STALE_DAYS

bp = Blueprint("rules", __name__, url_prefix=f"{staff.url_prefix}/rules")


@bp.get("")
@access(Permission.RULES_EDIT)
def rules() -> ResponseReturnValue:
    asked = request.args
    filters = queries.RuleFilters(
        country=asked.get("country") or None,
        nationality=asked.get("nationality") or None,
        check=asked.get("check") == "1",
    )
    page = queries.rules_page(filters, today(), current_account().id)
    return render_template(
        "staff/rules.html", page=page, words=labels, today=today(), stale_days=STALE_DAYS, zone=OFFICE_ZONE
    )


@bp.get("/rules.csv")
@access(Permission.RULES_EDIT)
def export() -> Response:
    """Every rule that holds; the mark at its head makes table programs read it as UTF-8."""
    answer = Response("\ufeff" + services.take_out(now=now()), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="entry-rules-{today()}.csv"'
    return answer


@bp.route("/file", methods=["GET", "POST"])
@access(Permission.RULES_EDIT)
def file() -> ResponseReturnValue:
    """A file comes in as a draft, whole or not at all."""
    form = RuleFileForm()
    errors: tuple[RowError, ...] = ()
    if form.validate_on_submit():
        wanted, errors = check_rules(_text_of(form))
        if errors:
            form.rules.errors = [_("Nothing was taken: rows of the file are wrong. They are listed below.")]
        else:
            lines = services.lines_of(queries.live(), wanted, whole=form.whole.data)
            try:
                proposal = services.draft(author=current_account(), lines=lines, why=form.why.data, now=now())
            except Refused as refusal:
                form.rules.errors = [refusal.message]
            else:
                return redirect(url_for(".proposal", reference=proposal.reference), 303)
    return render_template("staff/rules_file.html", form=form, errors=errors), 422 if form.errors else 200


def _text_of(form: RuleFileForm) -> str:
    """What is no text at all fails as a file without its heading."""
    content: bytes = form.rules.data.read(FILE_MOST + 1)
    return "" if len(content) > FILE_MOST else content.decode("utf-8", errors="replace")


@bp.route("/new", methods=["GET", "POST"])
@access(Permission.RULES_EDIT)
def new() -> ResponseReturnValue:
    return _edit(None)


@bp.route("/<int:rule_id>", methods=["GET", "POST"])
@access(Permission.RULES_EDIT)
def change(rule_id: int) -> ResponseReturnValue:
    return _edit(rule_id)


def _edit(rule_id: int | None) -> ResponseReturnValue:
    old = queries.live_rule(rule_id) if rule_id is not None else None
    form = RuleForm(data=_typed(row_of(old)) if old and request.method == "GET" else None)
    if form.validate_on_submit():
        try:
            line = services.Line(rule_id, rule_of(form.row()))
            proposal = services.draft(author=current_account(), lines=[line], why=form.why.data, now=now())
        except RowFault as fault:
            form.blame(fault)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            return redirect(url_for(".proposal", reference=proposal.reference), 303)
    shown = render_template(
        "staff/rule.html",
        old=old,
        form=form,
        withdraw=WithdrawForm(formdata=None, prefix="withdraw-", meta={"csrf": False}),
        sources=sorted(SOURCES),
        usual=CATALOGUE,
        today=today(),
        words=labels,
    )
    return shown, 422 if form.errors else 200


def _typed(row: dict[str, str]) -> dict[str, object]:
    """Dates as dates, for their fields."""
    days = ("valid_from", "valid_to", "as_of")
    return {name: date.fromisoformat(value) if name in days and value else value or None for name, value in row.items()}


@bp.post("/<int:rule_id>/withdraw")
@access(Permission.RULES_EDIT)
def withdraw(rule_id: int) -> ResponseReturnValue:
    form = WithdrawForm(prefix="withdraw-")
    try:
        proposal = services.draft(
            author=current_account(), lines=[services.Line(rule_id, None)], why=form.why.data or "", now=now()
        )
    except Refused as refusal:
        flash(refusal.message, "bad")
        return redirect(url_for(".change", rule_id=rule_id))
    return redirect(url_for(".proposal", reference=proposal.reference), 303)


@bp.get("/history/<string:country>/<string:nationality>")
@access(Permission.RULES_EDIT)
def history(country: str, nationality: str) -> ResponseReturnValue:
    versions = queries.history(country, nationality)
    return render_template(
        "staff/rule_history.html",
        versions=versions,
        country=country,
        nationality=nationality,
        words=labels,
        today=today(),
        zone=OFFICE_ZONE,
    )


@bp.get("/proposals/<string:reference>")
@access(Permission.RULES_EDIT)
def proposal(reference: str) -> ResponseReturnValue:
    return _proposal(reference, DeclineForm(formdata=None), 200)


@bp.post("/proposals/<string:reference>/propose")
@access(Permission.RULES_EDIT)
def propose(reference: str) -> ResponseReturnValue:
    try:
        services.propose(reference=reference, account=current_account(), now=now())
    except Refused as refusal:
        return _refused(reference, refusal)
    flash(_("Proposed. Somebody else must approve it before it holds."), "good")
    return redirect(url_for(".proposal", reference=reference))


@bp.post("/proposals/<string:reference>/take-back")
@access(Permission.RULES_EDIT)
def take_back(reference: str) -> ResponseReturnValue:
    try:
        services.take_back(reference=reference, account=current_account(), now=now())
    except Refused as refusal:
        return _refused(reference, refusal)
    flash(_("Taken back. Nothing has changed."), "good")
    return redirect(url_for(".rules"))


@bp.post("/proposals/<string:reference>/approve")
@access(Permission.RULES_EDIT)
def approve(reference: str) -> ResponseReturnValue:
    try:
        services.approve(reference=reference, account=current_account(), now=now())
    except Refused as refusal:
        return _refused(reference, refusal)
    flash(_("Approved. The rules hold now, and the papers of everyone touched are worked out anew."), "good")
    return redirect(url_for(".proposal", reference=reference))


@bp.post("/proposals/<string:reference>/decline")
@access(Permission.RULES_EDIT)
def decline(reference: str) -> ResponseReturnValue:
    form = DeclineForm()
    if not form.validate_on_submit():
        return _proposal(reference, form, 422)
    try:
        services.decline(reference=reference, account=current_account(), answer=form.answer.data, now=now())
    except Refused as refusal:
        return _refused(reference, refusal)
    flash(_("Declined. Whoever proposed it sees why."), "good")
    return redirect(url_for(".proposal", reference=reference))


def _refused(reference: str, refusal: Refused) -> ResponseReturnValue:
    flash(refusal.message, "bad")
    return _proposal(reference, DeclineForm(formdata=None), 409)


def _proposal(reference: str, form: DeclineForm, status: int) -> tuple[str, int]:
    page = queries.proposal_page(reference, current_account().id, now())
    shown = render_template(
        "staff/rule_proposal.html",
        page=page,
        form=form,
        own=page.author_id == current_account().id,
        words=labels,
        today=today(),
        zone=OFFICE_ZONE,
        rows_shown=SHOWN,
    )
    return shown, status
