"""Options and allotments of a sailing: give them, move their date, put their cabins back on sale."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from wtforms import SelectChoice

from portal.accounts.access import Permission, access
from portal.catalogue.queries import parts_of, sailing_with_calls
from portal.inventory.models import Reservation, ReservationKind
from portal.inventory.reservations import queries, services
from portal.kernel.clock import now
from portal.kernel.errors import NotFound, Refused
from portal.kernel.text import LANGUAGE_NAMES
from portal.staff.forms import ReservationDateForm, ReservationForm
from portal.staff.labels import CABIN_TONES, RESERVATION_KINDS, STATES
from portal.staff.views.blueprint import bp
from portal.web.locale import language


def _form(code: str, zone: str) -> ReservationForm:
    form = ReservationForm(formdata=request.form if request.method == "POST" else None)
    form.kind.choices = list(RESERVATION_KINDS.items())
    form.language.choices = [SelectChoice(code, name, {"lang": code}) for code, name in LANGUAGE_NAMES.items()]
    offered = [one.part for one in parts_of(sailing_with_calls(code).id) if one.part]
    here = language()
    form.part.choices = [
        ("", _("the whole voyage")),
        *((part.key, f"{part.embark.within(here)} – {part.disembark.within(here)}") for part in offered),
    ]
    form.until.zone = zone
    return form


def _page(code: str, form: ReservationForm | None = None, problem: str = "") -> ResponseReturnValue:
    sailing = sailing_with_calls(code)
    zone = sailing.calls[0].port.zone
    form = form or _form(code, zone)
    answer = render_template(
        "staff/reservations.html",
        sailing=sailing,
        zone=zone,
        at_port=lambda moment: moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"),
        rows=queries.reservations_of(sailing.id, now()),
        form=form,
        problem=problem,
        states=STATES["occupancy"],
        tones=CABIN_TONES,
        kinds=RESERVATION_KINDS,
    )
    return answer, 422 if form.errors or problem else 200


@bp.get("/sailings/<string:code>/reservations")
@access(Permission.BOOKING_READ)
def reservations(code: str) -> ResponseReturnValue:
    return _page(code)


@bp.post("/sailings/<string:code>/reservations")
@access(Permission.SAILING_EDIT)
def reserve(code: str) -> ResponseReturnValue:
    sailing = sailing_with_calls(code)
    form = _form(code, sailing.calls[0].port.zone)
    if form.validate() and form.until.moment is not None:
        try:
            made = services.reserve(
                sailing_id=sailing.id,
                kind=ReservationKind(form.kind.data),
                numbers=form.cabins,
                name=form.name.data or "",
                email=form.email.data or "",
                language=form.language.data,
                until=form.until.moment,
                note=form.note.data or None,
                now=now(),
                part=form.part.data or None,
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("Reservation %(reference)s is made, and its link is on its way.", reference=made.reference), "good")
            return redirect(url_for(".reservations", code=code))
    return _page(code, form)


def _of_sailing(code: str, reference: str) -> Reservation:
    """Raises NotFound for a reservation of another sailing."""
    reservation = queries.reservation_by_reference(reference)
    if reservation.sailing_id != sailing_with_calls(code).id:
        raise NotFound(reference)
    return reservation


@bp.post("/sailings/<string:code>/reservations/<string:reference>/date")
@access(Permission.SAILING_EDIT)
def set_reservation_date(code: str, reference: str) -> ResponseReturnValue:
    reservation = _of_sailing(code, reference)
    form = ReservationDateForm()
    form.until.zone = sailing_with_calls(code).calls[0].port.zone
    if not form.validate() or form.until.moment is None:
        return _page(code, problem=" ".join(str(error) for error in form.until.errors))
    try:
        services.set_until(reservation_id=reservation.id, until=form.until.moment, now=now())
    except Refused as refusal:
        return _page(code, problem=str(refusal.message))
    flash(_("Saved. A letter with the new date is on its way."), "good")
    return redirect(url_for(".reservations", code=code))


@bp.post("/sailings/<string:code>/reservations/<string:reference>/give-back")
@access(Permission.SAILING_EDIT)
def give_reservation_back(code: str, reference: str) -> ResponseReturnValue:
    reservation = _of_sailing(code, reference)
    given = services.give_back(reservation_id=reservation.id, numbers=None, reason="by staff", now=now())
    flash(ngettext("%(num)s cabin is given back.", "%(num)s cabins are given back.", given), "good")
    return redirect(url_for(".reservations", code=code))
