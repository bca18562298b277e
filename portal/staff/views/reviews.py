"""The review bench: what waits, one document beside what was typed, and what is decided about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts.access import Permission, access, current_account
from portal.booking.labels import DOCUMENT_KINDS, SEXES
from portal.files.views import address_holds, end_addresses, picture_of_page
from portal.kernel.clock import OFFICE_ZONE, now, today
from portal.kernel.errors import Refused
from portal.staff.forms import AcceptForm, ReturnForm, WaiverForm
from portal.staff.views.blueprint import bp as staff
from portal.visas import labels, queries, services
from portal.visas.errors import NoteMissing
from portal.visas.models import Decision, ReturnReason
from portal.visas.review import claims
from portal.visas.review import labels as review_labels
from portal.visas.review import queries as review_queries
from portal.visas.review import services as review_services
from portal.visas.review.claims import Wanted

bp = Blueprint("reviews", __name__, url_prefix=f"{staff.url_prefix}/reviews")
end_addresses(bp, "page_picture", "evidence")

STATES = {
    "waiting": _l("Waiting"),
    "returned": _l("Sent back"),
    "accepted": _l("Accepted"),
    "all": _l("All"),
}


@bp.get("")
@access(Permission.SUBMISSION_REVIEW)
def queue() -> ResponseReturnValue:
    wanted = _wanted()
    state = request.args.get("state", "waiting")
    filters = queries.QueueFilters(
        sailing=wanted.sailing, country=wanted.country, state=state if state in STATES else "waiting"
    )
    page = queries.queue_page(filters, now())
    return render_template(
        "staff/reviews.html",
        page=page,
        taken=review_queries.taken([row.reference for row in page.rows], current_account(), now()),
        states=STATES,
        words=labels,
        today=today(),
        rows_shown=queries.QUEUE_ROWS,
        kept=_kept(),
    )


@bp.post("/next")
@access(Permission.SUBMISSION_REVIEW)
def next_document() -> ResponseReturnValue:
    """Take the most pressing document; after the one named, which is given back."""
    passed = request.form.get("after")
    return _next(queries.submission_of(passed).id if passed else None)


@bp.post("/leave")
@access(Permission.SUBMISSION_REVIEW)
def leave() -> ResponseReturnValue:
    claims.let_go(reviewer=current_account(), now=now())
    return redirect(url_for(".queue", **_kept()))


@bp.get("/load")
@access(Permission.REVIEW_LEAD)
def load() -> ResponseReturnValue:
    return render_template(
        "staff/reviews_load.html",
        page=review_queries.load_page(now()),
        ages=review_labels.AGES,
        words=labels,
        days=review_queries.DAYS_LOOKED_AT,
        OFFICE=OFFICE_ZONE,
    )


@bp.get("/<string:submission>")
@access(Permission.SUBMISSION_REVIEW)
def bench(submission: str) -> ResponseReturnValue:
    return _bench(submission, ReturnForm(formdata=None), 200)


@bp.post("/<string:submission>/take")
@access(Permission.SUBMISSION_REVIEW)
def take(submission: str) -> ResponseReturnValue:
    found = queries.submission_of(submission)
    try:
        claims.take(submission_id=found.id, reviewer=current_account(), now=now())
    except Refused as refusal:
        flash(refusal.message, "warning")
    return redirect(url_for(".bench", submission=submission, **_kept()))


@bp.post("/<string:submission>/accept")
@access(Permission.SUBMISSION_REVIEW)
def accept(submission: str) -> ResponseReturnValue:
    found = queries.submission_of(submission)
    try:
        services.accept(submission_id=found.id, reviewer=current_account(), now=now())
    except Refused as refusal:
        flash(refusal.message, "bad")
        return _bench(submission, ReturnForm(formdata=None), 409)
    flash(_("Accepted."), "good")
    return _next()


@bp.post("/<string:submission>/return")
@access(Permission.SUBMISSION_REVIEW)
def send_back(submission: str) -> ResponseReturnValue:
    return _send_back(submission)


def _send_back(submission: str) -> ResponseReturnValue:
    if wrong := _given_back(submission, services.send_back):
        return wrong
    flash(_("Sent back. The guest gets your reason by e-mail."), "good")
    return _next()


@bp.post("/<string:submission>/at-once")
@access(Permission.SUBMISSION_REVIEW)
def send_back_at_once(submission: str) -> ResponseReturnValue:
    """For the reason on the button, without a note."""
    return _send_back(submission)


@bp.post("/<string:submission>/ask-again")
@access(Permission.SUBMISSION_REVIEW)
def ask_again(submission: str) -> ResponseReturnValue:
    """Of a document that had been accepted."""
    if wrong := _given_back(submission, review_services.ask_again):
        return wrong
    flash(_("Asked for again. The guest gets your reason by e-mail."), "good")
    return redirect(url_for(".bench", submission=submission, **_kept()))


@bp.post("/<string:submission>/opinion")
@access(Permission.SUBMISSION_REVIEW)
def opinion(submission: str) -> ResponseReturnValue:
    """The decision of a second look: "accept" is the button, else a reason is given."""
    found = queries.submission_of(submission)
    form = ReturnForm()
    accepted = "accept" in request.form
    if not accepted and not form.validate_on_submit():
        return _bench(submission, form, 422)
    try:
        review_services.look_again(
            submission_id=found.id,
            reviewer=current_account(),
            decision=Decision.ACCEPTED if accepted else Decision.RETURNED,
            reason=None if accepted else ReturnReason(form.reason.data),
            note=None if accepted else form.note.data,
            now=now(),
        )
    except NoteMissing as refusal:
        form.note.errors = [refusal.message]
        return _bench(submission, form, 422)
    except Refused as refusal:
        flash(refusal.message, "bad")
        return _bench(submission, form, 409)
    flash(_("Noted. Where both differ, a lead settles it; the guest hears nothing of it before."), "good")
    return _next()


@bp.post("/<string:submission>/settle")
@access(Permission.REVIEW_LEAD)
def settle(submission: str) -> ResponseReturnValue:
    found = queries.submission_of(submission)
    decision = Decision.ACCEPTED if request.form.get("decision") == Decision.ACCEPTED else Decision.RETURNED
    try:
        review_services.settle(submission_id=found.id, lead=current_account(), decision=decision, now=now())
    except Refused as refusal:
        flash(refusal.message, "bad")
    else:
        flash(_("Settled."), "good")
    return redirect(url_for(".load"))


@bp.route("/papers/<string:slug>/waive", methods=["GET", "POST"])
@access(Permission.REVIEW_LEAD)
def waive(slug: str) -> ResponseReturnValue:
    head = review_queries.item_head(slug)
    form = WaiverForm()
    if form.validate_on_submit():
        try:
            review_services.waive(
                item_id=head.id,
                lead=current_account(),
                reason=form.reason.data or "",
                evidence=form.evidence.data or "",
                content=form.file.data.read() if form.file.data else b"",
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Waived. The guest is told by e-mail."), "good")
            return redirect(url_for(".load"))
    shown = render_template("staff/waive.html", head=head, form=form, words=labels)
    return shown, 422 if form.errors else 200


@bp.get("/waivers/<int:waiver>/page/<int:number>")
@access(Permission.REVIEW_LEAD)
def evidence(waiver: int, number: int) -> ResponseReturnValue:
    """One page of what a waiver rests on; each look is written down."""
    if not address_holds():
        return redirect(url_for(".load"))
    return picture_of_page(
        review_queries.evidence_of(waiver), number, f"waiver-{waiver}", current_account().name
    )


@bp.get("/<string:submission>/page/<int:number>")
@access(Permission.SUBMISSION_REVIEW)
def page_picture(submission: str, number: int) -> ResponseReturnValue:
    """One page of the document, with the name of who looks all over it; each look is written down."""
    file = queries.submission_of(submission).file
    if not address_holds():
        return redirect(url_for(".bench", submission=submission))
    return picture_of_page(file, number, f"{file.kind}-{submission}", current_account().name)


def _wanted() -> Wanted:
    return Wanted(sailing=request.args.get("sailing") or None, country=request.args.get("country") or None)


def _kept() -> dict[str, Any]:
    """What of the address goes on with the reviewer: of which sailing and country he works."""
    return {name: request.args[name] for name in ("sailing", "country") if request.args.get(name)}


def _next(after: int | None = None) -> ResponseReturnValue:
    following = claims.claim_next(reviewer=current_account(), wanted=_wanted(), after=after, now=now())
    if following is None:
        flash(_("Nothing else waits for you here."), "info")
        return redirect(url_for(".queue", **_kept()))
    return redirect(url_for(".bench", submission=following, **_kept()))


def _given_back(submission: str, give_back: Callable[..., object]) -> tuple[str, int] | None:
    """Give a document back for the reason of the form; the bench with what is wrong, None where nothing is."""
    found = queries.submission_of(submission)
    form = ReturnForm()
    if not form.validate_on_submit():
        return _bench(submission, form, 422)
    reason, note = ReturnReason(form.reason.data), form.note.data
    try:
        give_back(submission_id=found.id, reviewer=current_account(), reason=reason, note=note, now=now())
    except NoteMissing as refusal:
        form.note.errors = [refusal.message]
        return _bench(submission, form, 422)
    except Refused as refusal:
        flash(refusal.message, "bad")
        return _bench(submission, form, 409)
    return None


def _bench(submission: str, form: ReturnForm, status: int) -> tuple[str, int]:
    page = queries.bench_page(submission, today())
    desk = review_queries.desk(page, current_account(), beside=request.args.get("beside"), now=now())
    with force_locale(desk.guest_language):
        guest_reads = {reason.value: str(text) for reason, text in labels.GUEST_REASONS.items()}
    return (
        render_template(
            "staff/reviews_bench.html",
            page=page,
            desk=desk,
            guest_reads=guest_reads,
            form=form,
            accept_form=AcceptForm(formdata=None),
            words=labels,
            fields=review_labels.FIELDS,
            kinds=DOCUMENT_KINDS,
            sexes=SEXES,
            today=today(),
            kept=_kept(),
        ),
        status,
    )
