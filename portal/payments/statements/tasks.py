"""What follows a statement: payments are received, guests are told, files that nobody took are forgotten."""

from __future__ import annotations

from typing import Any

from portal.booking.letters import write_to_booker
from portal.database import db
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.outbox.jobs import each_minute
from portal.outbox.services import on
from portal.payments.labels import transfer_purpose
from portal.payments.models import Payment
from portal.payments.queries import payment_view
from portal.payments.services import RECEIVED, WAITING
from portal.payments.statements.models import BankLine, LineState
from portal.payments.statements.queries import came_for
from portal.payments.statements.services import complete_transfers, forget_previews


@each_minute
def receive_what_came() -> None:
    complete_transfers(now())


@each_minute
def forget_what_was_only_looked_at() -> None:
    forget_previews(now())


@on("payments.statement_taken")
def use_statement(statement_id: int) -> None:
    complete_transfers(now())


@on("payments.transfer_short")
def tell_what_is_missing(payment_id: int, line_id: int) -> None:
    """Only while the rest can still make the payment whole; another line may have done so meanwhile."""
    payment = db.session.get_one(Payment, payment_id)
    came = Money(came_for(payment_id), payment.currency)
    if payment.state in WAITING and came < payment.amount:
        _write("payments/transfer_short", payment_id, line_id, came=came, missing=payment.amount - came)


@on("payments.transfer_over")
def tell_what_is_left(line_id: int) -> None:
    line = db.session.get_one(BankLine, line_id)
    if line.payment_id is not None and line.state in (LineState.WAITING, LineState.SUSPENSE) and line.left_minor:
        complete_transfers(now())
        payment = db.session.get_one(Payment, line.payment_id)
        _write(
            "payments/transfer_over",
            payment.id,
            line_id,
            came=line.amount,
            left=line.left,
            used=payment.state in RECEIVED,
        )


def _write(template: str, payment_id: int, line_id: int, **more: Any) -> None:
    payment = db.session.get_one(Payment, payment_id)
    if payment.share_id is not None or payment.settles_id is not None:
        return  # other payers read it on their own page
    line = db.session.get_one(BankLine, line_id)
    write_to_booker(
        template,
        payment.booking,
        key=f"{template}:{line.reference}",
        payment=payment_view(payment),
        purpose=transfer_purpose(payment.reference, payment.booking.reference),
        **more,
    )
