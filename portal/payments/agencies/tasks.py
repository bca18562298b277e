"""Letters to agencies: what they answer for, with the invoice."""

from __future__ import annotations

from portal.booking.queries import booking_page
from portal.database import db
from portal.outbox.letters import write_letter
from portal.outbox.services import Attachment, on
from portal.payments.agencies.models import Agency
from portal.payments.invoices import agency_invoice
from portal.payments.labels import transfer_purpose
from portal.payments.models import Payment, PaymentState
from portal.payments.queries import payment_view


@on("payments.agency_invoiced")
def send_invoice(payment_id: int) -> None:
    """Unless another one has taken its place meanwhile."""
    payment = db.session.get_one(Payment, payment_id)
    agency = db.session.get_one(Agency, payment.agency_id)
    if payment.state is not PaymentState.OPEN:
        return
    paper = agency_invoice(payment, agency.language)
    write_letter(
        "payments/agency_invoice",
        key=f"payments/agency_invoice:{payment.reference}",
        recipient=agency.email,
        language=agency.language,
        attachments=[Attachment(f"invoice-{payment.reference}.pdf", "application/pdf", paper)],
        agency=agency,
        page=booking_page(payment.booking_id),
        payment=payment_view(payment),
        purpose=transfer_purpose(payment.reference, payment.booking.reference),
    )
