"""What is typed into long forms, kept on the way: found again after a time-out, on return, after signing in.

A form takes part by `data-autosave` (its script saves while one types) and a hidden field `draft` ("details:K7…"),
by which a form that was sent too late still says whose draft it is. Its view calls `resume`, and `discard` at the end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from portal.accounts.models import FormDraft
from portal.accounts.visitors import new_visitor, visitor
from portal.database import db, transaction
from portal.kernel.clock import real_now

KEPT = timedelta(days=7)
FORMS = frozenset({"passengers", "review", "details", "companion"})
SUBJECT_LETTERS = 40
MOST_OF_A_VISITOR = 20
MOST_LETTERS = 40_000  # twenty passengers, generously
# What is consented to or signed in with is given anew each time.
NEVER_KEPT = frozenset(
    {"csrf_token", "draft", "terms", "consent", "remember", "agreed", "minors_waiver", "password", "add", "remove"}
    | {"fill", "longer"}
)


@dataclass(frozen=True)
class Draft:
    """typed: as a form sends it, so that even what was typed wrongly is shown again."""

    form: str
    subject: str
    typed: MultiDict[str, str]
    sent: bool
    saved_at: datetime


def resume(form: str, subject: str) -> Draft | None:
    """In a view: keep what is being sent, or give what was kept before when the page is only looked at."""
    if request.method == "POST":
        keep(form, subject, request.form)
        return None
    return kept(form, subject)


def kept(form: str, subject: str) -> Draft | None:
    """What this visitor typed last; None where nothing was kept, or too long ago. One statement at most."""
    who = visitor()
    if who is None:
        return None
    row = db.session.scalars(
        select(FormDraft).where(
            FormDraft.visitor == who,
            FormDraft.form == form,
            FormDraft.subject == subject,
            FormDraft.saved_at > real_now() - KEPT,
        )
    ).one_or_none()
    if row is None:
        return None
    return Draft(form, subject, MultiDict(json.loads(row.typed)), row.sent, row.saved_at)


def keep(form: str, subject: str, typed: MultiDict[str, str]) -> bool:
    """Keep what this visitor has typed in place of what was kept before; False for more than any form has.

    Nothing of it is ever logged, and it lies encrypted: there are document numbers among it.
    """
    assert form in FORMS
    pairs = [(name, value) for name, value in typed.items(multi=True) if name not in NEVER_KEPT]
    if sum(len(name) + len(value) for name, value in pairs) > MOST_LETTERS:
        return False
    who = new_visitor()
    try:
        _keep(who, form, subject, json.dumps(pairs))
    except IntegrityError:  # another tab was first; what was typed here is the newer
        _keep(who, form, subject, json.dumps(pairs))
    return True


def _keep(who: str, form: str, subject: str, typed: str) -> None:
    with transaction() as session:
        mine = {
            (row.form, row.subject): row
            for row in session.scalars(
                select(FormDraft).where(FormDraft.visitor == who).order_by(FormDraft.saved_at).with_for_update()
            )
        }
        row = mine.get((form, subject))
        if row is None:
            for old in list(mine.values())[: max(0, len(mine) - MOST_OF_A_VISITOR + 1)]:
                session.delete(old)
            row = FormDraft(visitor=who, form=form, subject=subject)
            session.add(row)
        row.typed = typed
        row.sent = False
        row.saved_at = real_now()


def mark_sent(form: str, subject: str) -> None:
    """It was taken in; it is kept all the same, for a hold may run out before anything comes of it."""
    with transaction() as session:
        session.execute(
            update(FormDraft)
            .where(FormDraft.visitor == new_visitor(), FormDraft.form == form, FormDraft.subject == subject)
            .values(sent=True)
        )


def discard(form: str, subject: str) -> None:
    """It was sent, or is not wanted any more."""
    who = visitor()
    if who is None:
        return
    with transaction() as session:
        session.execute(
            delete(FormDraft).where(
                FormDraft.visitor == who, FormDraft.form == form, FormDraft.subject == subject
            )
        )


def forget_old_drafts() -> int:
    """Those that nobody came back to for KEPT; how many."""
    with transaction() as session:
        gone = session.execute(delete(FormDraft).where(FormDraft.saved_at < real_now() - KEPT))
    return cast(CursorResult[Any], gone).rowcount


def init_app(app: Flask) -> None:
    @app.errorhandler(CSRFError)
    def stale_form(error: CSRFError) -> ResponseReturnValue:
        """Sent after the session had ended, or one had signed in beside it: nothing is done, but nothing is lost."""
        return render_template("errors/400.html", again=_keep_stale()), 400


def _keep_stale() -> str | None:
    """Where the page can be opened again with all that was typed; None for a form that is not kept."""
    form, _colon, subject = request.form.get("draft", "").partition(":")
    if form not in FORMS or not 0 < len(subject) <= SUBJECT_LETTERS or not _from_here():
        return None
    return request.path if keep(form, subject, request.form) else None


def _from_here() -> bool:
    """Without our token, whether at least a page of ours has sent it: browsers say so of every form."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return site == "same-origin" and (origin is None or urlsplit(origin).netloc == request.host)
