"""The review bench: what waits, one document beside what was typed, and the decision on it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts.access import Permission, access, current_account
from portal.booking.labels import DOCUMENT_KINDS, SEXES
from portal.files.views import address_holds, end_addresses, picture_of_page
from portal.kernel.clock import now, today
from portal.kernel.errors import Refused
from portal.staff.forms import AcceptForm, ReturnForm
from portal.staff.views.blueprint import bp as staff
from portal.visas import labels, queries, services
from portal.visas.errors import NoteMissing
from portal.visas.models import ReturnReason

bp = Blueprint("reviews", __name__, url_prefix=f"{staff.url_prefix}/reviews")
end_addresses(bp, "page_picture")

STATES = {
    "waiting": _l("Waiting"),
    "returned": _l("Sent back"),
    "accepted": _l("Accepted"),
    "all": _l("All"),
}


@bp.get("")
@access(Permission.SUBMISSION_REVIEW)
def queue() -> ResponseReturnValue:
    asked = request.args
    state = asked.get("state", "waiting")
    filters = queries.QueueFilters(
        sailing=asked.get("sailing") or None,
        country=asked.get("country") or None,
        state=state if state in STATES else "waiting",
    )
    page = queries.queue_page(filters)
    return render_template(
        "staff/reviews.html", page=page, states=STATES, words=labels, today=today(), rows_shown=queries.QUEUE_ROWS
    )


@bp.get("/<string:submission>")
@access(Permission.SUBMISSION_REVIEW)
def bench(submission: str) -> ResponseReturnValue:
    return _bench(submission, ReturnForm(formdata=None), 200)


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
    found = queries.submission_of(submission)
    form = ReturnForm()
    if not form.validate_on_submit():
        return _bench(submission, form, 422)
    try:
        services.send_back(
            submission_id=found.id,
            reviewer=current_account(),
            reason=ReturnReason(form.reason.data),
            note=form.note.data,
            now=now(),
        )
    except NoteMissing as refusal:
        form.note.errors = [refusal.message]
        return _bench(submission, form, 422)
    except Refused as refusal:
        flash(refusal.message, "bad")
        return _bench(submission, form, 409)
    flash(_("Sent back. The guest gets your reason by e-mail."), "good")
    return _next()


@bp.get("/<string:submission>/page/<int:number>")
@access(Permission.SUBMISSION_REVIEW)
def page_picture(submission: str, number: int) -> ResponseReturnValue:
    """One page of the document, with the name of who looks all over it; each look is written down."""
    file = queries.submission_of(submission).file
    if not address_holds():
        return redirect(url_for(".bench", submission=submission))
    return picture_of_page(file, number, f"{file.kind}-{submission}", current_account().name)


def _next() -> ResponseReturnValue:
    following = queries.next_waiting()
    return redirect(url_for(".bench", submission=following) if following else url_for(".queue"))


def _bench(submission: str, form: ReturnForm, status: int) -> tuple[str, int]:
    page = queries.bench_page(submission, today())
    return (
        render_template(
            "staff/reviews_bench.html",
            page=page,
            form=form,
            accept_form=AcceptForm(formdata=None),
            words=labels,
            kinds=DOCUMENT_KINDS,
            sexes=SEXES,
            today=today(),
        ),
        status,
    )
