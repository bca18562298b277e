"""Where staff begin: what waits for whom."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.access import Permission, access, may
from portal.kernel.clock import OFFICE_ZONE, now
from portal.payments import labels as payment_labels
from portal.payments.statements import labels as statement_labels
from portal.staff import home_page, labels
from portal.staff.views.blueprint import bp


@bp.context_processor
def words() -> dict[str, object]:
    """What every template of staff may ask for."""
    return {"labels": labels, "payments": payment_labels, "bank": statement_labels, "OFFICE": OFFICE_ZONE}


@bp.get("/")
@access(Permission.STAFF)
def home() -> ResponseReturnValue:
    page = home_page.attention(
        papers=may(Permission.SUBMISSION_REVIEW),
        money=may(Permission.PAYMENT_RECEIVE),
        changes=may(Permission.PASSENGER_LIST),
        sailings=may(Permission.SAILING_READ),
        now=now(),
    )
    return render_template("staff/home.html", page=page)
