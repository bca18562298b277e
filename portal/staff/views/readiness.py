"""How ready the passengers of a sailing are, whom to call, and what would be without a call."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from portal.accounts.access import Permission, access
from portal.kernel.clock import today
from portal.kernel.text import LANGUAGE_NAMES
from portal.staff.views.blueprint import bp
from portal.visas.readiness import labels, queries


@bp.get("/sailings/<string:code>/readiness")
@access(Permission.READINESS)
def readiness(code: str) -> ResponseReturnValue:
    page = queries.board_page(code, today(), skip=request.args.get("skip") or None)
    return render_template(
        "staff/readiness.html", page=page, words=labels, today=today(), languages=LANGUAGE_NAMES
    )
