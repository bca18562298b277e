"""Bookings as staff see them."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.access import Permission, access
from portal.booking.labels import (
    BOOKING_STATES,
    BOOKING_TONES,
    CHARGES,
    DOCUMENT_KINDS,
    TRAVEL_STATES,
    TRAVEL_TONES,
)
from portal.booking.models import BookingState
from portal.kernel.clock import now
from portal.payments.labels import STANDING_TONES as MONEY_TONES
from portal.payments.labels import STANDINGS as MONEY_STATES
from portal.staff import booking_pages
from portal.staff.booking_pages import BookingFilters
from portal.staff.views.blueprint import bp
from portal.visas.labels import STANDING_TONES as PAPERS_TONES
from portal.visas.labels import STANDINGS as PAPERS_STATES

# The words and tones of the three axes that stand beside the commercial state.
AXES: dict[str, Any] = {
    "money_states": MONEY_STATES,
    "money_tones": MONEY_TONES,
    "papers_states": PAPERS_STATES,
    "papers_tones": PAPERS_TONES,
    "travel_states": TRAVEL_STATES,
    "travel_tones": TRAVEL_TONES,
}


@bp.get("/bookings")
@access(Permission.BOOKING_READ)
def bookings() -> ResponseReturnValue:
    asked = request.args
    state = asked.get("state", "")
    filters = BookingFilters(
        q=asked.get("q", "")[:60].strip() or None,
        state=state if state in set(BookingState) else None,
        sailing=asked.get("sailing", "")[:12] or None,
    )
    page = booking_pages.bookings_page(filters, asked.get("page", 1, int), now())
    if filters.q and len(page.rows) == 1 and page.rows[0].reference == filters.q.upper():
        return redirect(url_for(".booking", reference=page.rows[0].reference))
    return render_template("staff/bookings.html", page=page, states=BOOKING_STATES, tones=BOOKING_TONES, **AXES)


@bp.get("/bookings/<string:reference>")
@access(Permission.BOOKING_READ)
def booking(reference: str) -> ResponseReturnValue:
    page = booking_pages.booking_page(reference, now())
    return render_template(
        "staff/booking.html",
        page=page,
        states=BOOKING_STATES,
        tones=BOOKING_TONES,
        charges=CHARGES,
        **AXES,
        documents=DOCUMENT_KINDS,
    )
