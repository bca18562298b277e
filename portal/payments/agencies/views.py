"""The agency's own page: its credit, its bookings, its invoices and its account."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from portal.accounts.access import Permission, access, current_account
from portal.kernel.clock import OFFICE_ZONE, now
from portal.kernel.errors import NotFound
from portal.payments.agencies import queries
from portal.payments.agencies.models import Agency
from portal.payments.agencies.services import agency_of
from portal.payments.invoices import agency_invoice
from portal.payments.papers.queries import of_an_agency, paper_called
from portal.payments.papers.services import printed
from portal.web.locale import PREFIX, language

bp = Blueprint("agencies", __name__, url_prefix=f"{PREFIX}/agency")


def _own() -> Agency:
    """Raises NotFound for whoever acts for none."""
    agency = agency_of(current_account())
    if agency is None:
        raise NotFound("agency")
    return agency


@bp.get("")
@access(Permission.ACCOUNT)
def agency() -> ResponseReturnValue:
    return render_template("payments/agency.html", page=queries.agency_page(_own()), zone=OFFICE_ZONE)


@bp.get("/invoices/<string:reference>.pdf")
@access(Permission.ACCOUNT)
def invoice(reference: str) -> ResponseReturnValue:
    payment = queries.invoice_of(_own(), reference)
    answer = Response(agency_invoice(payment, language()), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="invoice-{reference}.pdf"'
    return answer


@bp.get("/receipts/<string:name>.pdf")
@access(Permission.ACCOUNT)
def receipt(name: str) -> ResponseReturnValue:
    """Of a transfer of the agency."""
    paper = paper_called(name)
    if not of_an_agency(paper, _own().id):
        raise NotFound(name)
    return Response(
        printed(paper, language(), now()),
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{paper.name}.pdf"'},
    )
