"""Pages that belong to no package: the way in, terms, privacy, the theme, and the truth about our health."""

import logging

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.database import db
from portal.extensions import MIGRATIONS
from portal.kernel.clock import real_now
from portal.web.addresses import local_path
from portal.web.locale import PREFIX, preferred_language
from portal.web.public import public
from portal.web.versions import CONSENT_VERSION, TERMS_VERSION

log = logging.getLogger(__name__)

bp = Blueprint("web", __name__, url_prefix=PREFIX)
root = Blueprint("root", __name__)

THEMES = ("auto", "light", "dark")
WORKER_SILENCE_SECONDS = 150  # the worker signs each minute


@root.get("/")
@public
def start() -> ResponseReturnValue:
    answer = redirect(url_for("catalogue.home", language=preferred_language()))
    answer.headers["Vary"] = "Accept-Language, Cookie"
    return answer


@root.get("/tm/", defaults={"rest": ""})
@root.get("/tm/<path:rest>")
@public
def turkmen_alias(rest: str) -> ResponseReturnValue:
    """Turkmen sites often use the country's code for the language."""
    return redirect(f"/tk/{rest}", 301)


@bp.get("/terms")
@public
def terms() -> ResponseReturnValue:
    return render_template("web/terms.html", version=TERMS_VERSION)


@bp.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    return render_template("web/privacy.html", version=CONSENT_VERSION)


@bp.get("/about")
@public
def about() -> ResponseReturnValue:
    return render_template("web/about.html")


@bp.get("/theme/<any(auto,light,dark):theme>")
@public
def theme(theme: str) -> ResponseReturnValue:
    """Remember light or dark and go back to where the reader was."""
    answer = redirect(local_path(request.args.get("next")) or url_for("catalogue.home"))
    if theme == "auto":
        answer.delete_cookie("theme")
    else:
        answer.set_cookie(
            "theme",
            theme,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return answer


def chosen_theme() -> str:
    theme = request.cookies.get("theme", "auto")
    return theme if theme in THEMES else "auto"


@root.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """This process answers."""
    return jsonify(status="ok")


@root.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """The database answers, its schema is ours, the worker has been seen."""
    parts = {"database": False, "migrations": False, "worker": False}
    try:
        db.session.execute(text("SELECT 1"))
        parts["database"] = True
        heads = set(ScriptDirectory(str(MIGRATIONS)).get_heads())
        parts["migrations"] = set(MigrationContext.configure(db.session.connection()).get_current_heads()) == heads
        parts["worker"] = _worker_seen()
    except Exception as error:  # whatever it is, we are not ready
        log.warning("not ready: %s", type(error).__name__)
        db.session.rollback()
    ready = all(parts.values())
    return jsonify(status="ready" if ready else "not ready", **parts), 200 if ready else 503


def _worker_seen() -> bool:
    seen = db.session.execute(text("SELECT seen_at FROM worker_sign ORDER BY seen_at DESC LIMIT 1")).scalar()
    return seen is not None and real_now().timestamp() - float(seen) < WORKER_SILENCE_SECONDS


@root.get("/robots.txt")
@public
def robots() -> ResponseReturnValue:
    private = ("staff", "bookings", "holds")
    rules = "".join(f"Disallow: /*/{part}/\n" for part in private)
    return Response(f"User-agent: *\n{rules}", mimetype="text/plain")


@root.get("/favicon.ico")
@public
def favicon() -> ResponseReturnValue:
    return redirect(url_for("static", filename="img/favicon.svg"))


