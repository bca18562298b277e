"""The page of an agency's option or allotment, by its private link: take cabins up, give them back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts.access import public
from portal.accounts.links import is_token, link_token_of
from portal.accounts.visitors import grant, granted, new_visitor
from portal.extensions import limiter
from portal.inventory.models import Reservation
from portal.inventory.reservations import queries, services
from portal.inventory.services import HOLDS_PER_VISITOR, hand_over
from portal.kernel.clock import now
from portal.kernel.errors import NotFound, Refused
from portal.web.locale import PREFIX

bp = Blueprint("reservations", __name__, url_prefix=f"{PREFIX}/reservations/<string:reference>")


def reservation_token(reservation: Reservation) -> str:
    """What the private link carries: worked out from the reservation, so that nothing secret is stored."""
    return link_token_of("reservation links", f"{reservation.reference}:{reservation.link_version}")


def _granted(reference: str) -> Reservation:
    """Raises NotFound for everyone who has not come by the link."""
    if not granted(f"reservation:{reference}"):
        raise NotFound(reference)
    return queries.reservation_by_reference(reference)


@bp.get("/open/<string:token>")
@public
@limiter.limit("20 per minute")
def open_reservation(reference: str, token: str) -> ResponseReturnValue:
    """The private link: it lets this browser in, and leaves no token in the address."""
    reservation = queries.reservation_by_reference(reference)
    if not is_token(token, reservation_token(reservation)):
        raise NotFound(reference)
    grant(f"reservation:{reference}")
    return redirect(url_for(".reservation", reference=reference))


@bp.get("")
@public
def reservation(reference: str) -> ResponseReturnValue:
    return _page(_granted(reference))


def _page(reservation: Reservation, problem: str | None = None) -> ResponseReturnValue:
    page = queries.reservation_page(reservation.id, now())
    answer = render_template("inventory/reservation.html", page=page, problem=problem)
    return answer, 409 if problem else 200


@bp.post("/take-up")
@public
def take_up(reference: str) -> ResponseReturnValue:
    """The cabins ticked become holds of this visitor, whose passengers are then named together."""
    reservation = _granted(reference)
    numbers = request.form.getlist("cabin")
    if not numbers:
        return _page(reservation, _("Please tick the cabins first."))
    if len(numbers) > HOLDS_PER_VISITOR:
        most = _("A booking has %(most)s cabins at most. Please take the others up afterwards.", most=HOLDS_PER_VISITOR)
        return _page(reservation, most)
    holds = []
    try:
        for number in numbers:
            occupancy_id = queries.reserved_occupancy(reservation.id, number)
            holds.append(hand_over(occupancy_id=occupancy_id, holder=new_visitor(), now=now()))
    except Refused as refusal:
        if not holds:
            return _page(reservation, str(refusal.message))
    return redirect(url_for("booking.passengers", reference=holds[0].reference))


@bp.post("/give-back")
@public
def give_back(reference: str) -> ResponseReturnValue:
    reservation = _granted(reference)
    numbers = request.form.getlist("cabin")
    if not numbers:
        return _page(reservation, _("Please tick the cabins first."))
    given = services.give_back(reservation_id=reservation.id, numbers=numbers, reason="by link", now=now())
    flash(ngettext("%(num)s cabin is given back.", "%(num)s cabins are given back.", given), "info")
    return redirect(url_for(".reservation", reference=reference))
