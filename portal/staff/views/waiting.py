"""The waiting list of a sailing as staff see it: who is in line, and who would be offered what."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts.access import Permission, access
from portal.booking.waiting import labels as waiting_labels
from portal.booking.waiting import queries, services
from portal.catalogue.queries import sailing_with_calls
from portal.kernel.clock import now
from portal.staff.forms import RemoveForm
from portal.staff.views.blueprint import bp
from portal.web.told import told


@bp.get("/sailings/<string:code>/waiting-list")
@access(Permission.BOOKING_READ)
def waiting_list(code: str) -> ResponseReturnValue:
    return _page(code, RemoveForm(formdata=None), None)


def _page(code: str, form: RemoveForm, removing: str | None) -> ResponseReturnValue:
    sailing = sailing_with_calls(code)
    answer = render_template(
        "staff/waiting_list.html",
        sailing=sailing,
        page=queries.line_page(sailing.id, now()),
        form=form,
        removing=removing,
        words=waiting_labels,
    )
    return answer, 422 if form.errors else 200


@bp.post("/sailings/<string:code>/waiting-list/offers")
@access(Permission.SAILING_EDIT)
def offer_now(code: str) -> ResponseReturnValue:
    """What the portal does by itself within a minute, at once."""
    made = services.serve_line(sailing_id=sailing_with_calls(code).id, now=now())
    if made:
        flash(ngettext("%(num)s cabin is offered.", "%(num)s cabins are offered.", made), "good")
    else:
        flash(_("No free cabin suits anybody in line."), "info")
    return redirect(url_for(".waiting_list", code=code))


@bp.post("/sailings/<string:code>/waiting-list/<string:reference>/remove")
@access(Permission.SAILING_EDIT)
def remove_from_line(code: str, reference: str) -> ResponseReturnValue:
    entry_id = queries.waiting_entry_id(reference, sailing_with_calls(code).id)
    form = RemoveForm()
    if form.validate():
        with told(_("The party is off the list and is told so by mail.")):
            services.remove_from_line(entry_id=entry_id, reason=form.reason.data or "", now=now())
        return redirect(url_for(".waiting_list", code=code))
    return _page(code, form, reference)
