"""Papers follow what happened: an invoice the price, a receipt the money; and the cash register hears of receipts."""

from flask import current_app

from portal.booking.models import BookingChange
from portal.database import db
from portal.kernel.clock import now
from portal.outbox.jobs import each_minute
from portal.outbox.services import on
from portal.payments.papers.fiscal import fiscal_receipt, register_of
from portal.payments.papers.models import FiscalSettlement, MoneyPaper
from portal.payments.papers.queries import of_an_agency
from portal.payments.papers.services import bring_invoice_up_to_date, issue_receipt, issue_refund_receipt
from portal.payments.papers.settlements import settle_voyages


@on("booking.confirmed")
@on("booking.cancelled")
def invoice_a_booking(booking_id: int) -> None:
    bring_invoice_up_to_date(booking_id=booking_id, now=now())


@on("booking.changed")
def invoice_a_change(change_id: int) -> None:
    change = db.session.get_one(BookingChange, change_id)
    bring_invoice_up_to_date(booking_id=change.booking_id, now=now())


@on("payments.received")
@on("payments.unallocated")
def give_a_receipt(payment_id: int) -> None:
    issue_receipt(payment_id=payment_id, now=now())


@on("payments.refund_settled")
def give_a_receipt_of_a_return(refund_id: int) -> None:
    issue_refund_receipt(refund_id=refund_id, now=now())


@each_minute
def settle_what_is_over() -> None:
    settle_voyages(now())


@on("payments.voyage_settled")
def tell_the_cash_register_of_a_voyage(settlement_id: int) -> None:
    register = register_of(current_app.config)
    settlement = db.session.get_one(FiscalSettlement, settlement_id)
    if register is not None and settlement.content is not None:
        register.take(settlement.content)


@on("payments.paper_issued")
def tell_the_cash_register(paper_id: int) -> None:
    register = register_of(current_app.config)
    if register is not None:
        paper = db.session.get_one(MoneyPaper, paper_id)
        receipt = None if of_an_agency(paper) else fiscal_receipt(paper)
        if receipt is not None:
            register.take(receipt)
