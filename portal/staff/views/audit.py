"""The trail of everything that was done."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from portal.accounts.access import Permission, access
from portal.staff import audit_pages
from portal.staff.audit_pages import SUBJECTS, AuditFilters
from portal.staff.views.blueprint import bp
from portal.web.addresses import LARGEST


@bp.get("/audit")
@access(Permission.AUDIT_READ)
def audit() -> ResponseReturnValue:
    asked = request.args
    subject = asked.get("subject", "")
    filters = AuditFilters(
        subject=subject if subject in SUBJECTS else None,
        reference=asked.get("reference", "")[:40].strip() or None,
        actor=asked.get("actor", "")[:60].strip() or None,
    )
    before = asked.get("before", 0, int)
    page = audit_pages.audit_page(filters, before if 0 < before <= LARGEST else None)
    return render_template("staff/audit.html", page=page)
