"""Letters to payers and to the one who asked them; and shares of what is over end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.booking.letters import write_to_booker
from portal.database import db
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.outbox.letters import write_letter
from portal.outbox.services import Attachment, on
from portal.payments.invoices import share_invoice
from portal.payments.labels import transfer_purpose
from portal.payments.models import Payment, Refund
from portal.payments.queries import payment_view, refund_view
from portal.payments.services import WAITING
from portal.payments.shares.access import share_token
from portal.payments.shares.models import PaymentShare, ShareState
from portal.payments.shares.queries import share_page, shares_of
from portal.payments.shares.services import end_shares, rest_of
from portal.payments.statements.queries import came_for


@on("payments.share_asked")
def ask_for_a_share(share_id: int) -> None:
    """With the private link; a reminder is the same letter, and says that it is one."""
    share = db.session.get_one(PaymentShare, share_id)
    if share.state is ShareState.OPEN:
        _write("share_asked", share, f"{share.link_version}:{share.reminders}", again=share.reminders > 0)


@on("payments.share_changed")
def tell_of_another_sum(share_id: int) -> None:
    share = db.session.get_one(PaymentShare, share_id)
    if share.state is ShareState.OPEN:
        _write("share_changed", share, str(share.version))


@on("payments.share_ended")
def tell_that_nothing_is_asked(share_id: int) -> None:
    share = db.session.get_one(PaymentShare, share_id)
    if share.state in (ShareState.WITHDRAWN, ShareState.ENDED):
        _write("share_ended", share, "once")


@on("payments.share_paid")
def tell_of_a_paid_share(share_id: int) -> None:
    """The payer, and the holder with what is still open."""
    share = db.session.get_one(PaymentShare, share_id)
    _write("share_paid", share, str(share.version))
    [shown] = [one for one in shares_of(share.booking, now()) if one.reference == share.reference]
    key = f"payments/share_came:{share.reference}:{share.version}"
    write_to_booker("payments/share_came", share.booking, key=key, share=shown, rest=rest_of(share.booking))


@on("payments.transfer_awaited")
def send_invoice(payment_id: int) -> None:
    payment = db.session.get_one(Payment, payment_id)
    if payment.share is not None:
        view = payment_view(payment)
        paper = share_invoice(payment.share, view, payment.share.language)
        _write(
            "share_invoice",
            payment.share,
            view.reference,
            [Attachment(f"invoice-{view.reference}.pdf", "application/pdf", paper)],
            payment=view,
            purpose=transfer_purpose(view.reference, payment.booking.reference),
        )


@on("payments.transfer_short")
def tell_what_is_missing(payment_id: int, line_id: int) -> None:
    payment = db.session.get_one(Payment, payment_id)
    came = Money(came_for(payment_id), payment.currency)
    if payment.share is not None and payment.state in WAITING and came < payment.amount:
        _write(
            "share_short",
            payment.share,
            f"{payment.reference}:{line_id}",
            came=came,
            missing=payment.amount - came,
            purpose=transfer_purpose(payment.reference, payment.booking.reference),
        )


@on("payments.refund_requested")
def tell_of_a_return(refund_id: int) -> None:
    refund = db.session.get_one(Refund, refund_id)
    share = refund.payment.share
    if share is not None:
        _write("share_returned", share, refund.reference, refund=refund_view(refund))


@on("booking.cancelled")
@on("booking.expired")
def ask_nobody_any_more(booking_id: int) -> None:
    end_shares(booking_id=booking_id, now=now())


def _write(
    template: str, share: PaymentShare, occasion: str, attachments: Sequence[Attachment] = (), **more: Any
) -> None:
    write_letter(
        f"payments/{template}",
        key=f"payments/{template}:{share.reference}:{occasion}",
        recipient=share.email,
        language=share.language,
        attachments=attachments,
        page=share_page(share, now()),
        token=share_token(share),
        **more,
    )
