"""Numbers for guarantee cabins: the run is looked at first, then done just as it was shown."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from portal.accounts.access import Permission, access
from portal.booking.assignment import services
from portal.catalogue.queries import sailing_with_calls
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.staff.labels import ASSIGNMENT_REASONS
from portal.staff.views.blueprint import bp


@bp.get("/sailings/<string:code>/guarantee-cabins")
@access(Permission.BOOKING_READ)
def assignment(code: str) -> ResponseReturnValue:
    return _page(code)


def _page(code: str, problem: str = "") -> ResponseReturnValue:
    sailing = sailing_with_calls(code)
    run = services.try_run(sailing.id, now())
    answer = render_template(
        "staff/assignment.html", sailing=sailing, run=run, reasons=ASSIGNMENT_REASONS, problem=problem
    )
    return answer, 409 if problem else 200


@bp.post("/sailings/<string:code>/guarantee-cabins")
@access(Permission.SAILING_EDIT)
def assign_cabins(code: str) -> ResponseReturnValue:
    sailing = sailing_with_calls(code)
    try:
        done = services.carry_out(sailing_id=sailing.id, seal=request.form.get("seal", ""), now=now())
    except Refused as refusal:
        return _page(code, str(refusal.message))
    flash(
        ngettext(
            "%(num)s cabin has its number, and the letter is on its way.",
            "%(num)s cabins have their numbers, and the letters are on their way.",
            done,
        ),
        "good",
    )
    return redirect(url_for(".assignment", code=code))
