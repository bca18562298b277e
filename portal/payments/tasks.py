"""What follows money, and what is asked of the provider in the background."""

from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import select

from portal.accounts.access import GRANTED, Permission
from portal.accounts.models import Account
from portal.booking.documents import voucher_of
from portal.booking.labels import BOOKING_CHANGES
from portal.booking.letters import write_to_booker
from portal.booking.models import Booking, BookingChange, BookingState
from portal.booking.queries import booking_page
from portal.database import db
from portal.kernel.clock import now
from portal.outbox.jobs import each_minute, each_time
from portal.outbox.letters import write_letter
from portal.outbox.services import Attachment, on
from portal.payments.books import check_daily, read_check
from portal.payments.change_pages import change_view
from portal.payments.inbox import handle_events
from portal.payments.invoices import invoice
from portal.payments.labels import DIFFERENCES, transfer_purpose
from portal.payments.late import end_offers, offer_other_cabins, return_what_nobody_needs
from portal.payments.models import BooksCheck, LateOffer, Payment
from portal.payments.operations.queries import told_otherwise
from portal.payments.queries import booking_refunds, kept_cabins, payment_view
from portal.payments.reconciliation import compare_days, watch_received
from portal.payments.refunds import return_counted, return_homeless_shares, send_refunds
from portal.payments.services import close_transfers, close_unwanted, reconcile


@each_time
def look_into_events() -> None:
    handle_events(now())


@each_time
def return_what_is_owed() -> None:
    send_refunds(now())


@each_time
def close_pages_of_what_ended() -> None:
    close_unwanted(now())


@each_minute
def ask_the_provider() -> None:
    reconcile(now())


@each_minute
def compare_with_the_books_of_providers() -> None:
    compare_days(now())
    watch_received(now())


@each_minute
def stop_waiting_for_transfers() -> None:
    close_transfers(now())


@each_time
def offer_cabins_for_late_money() -> None:
    offer_other_cabins(now())
    return_what_nobody_needs(now())


@each_time
def return_shares_that_found_no_place() -> None:
    return_homeless_shares(now())


@each_minute
def end_offers_for_late_money() -> None:
    end_offers(now())


@each_minute
def check_the_books() -> None:
    check_daily(now())


@on("payments.books_differ")
def tell_finance(check_id: int) -> None:
    """Whoever may read the books, each in his language."""
    check = read_check(db.session.get_one(BooksCheck, check_id))
    readers = [role for role, permissions in GRANTED.items() if Permission.LEDGER_READ in permissions]
    for account in db.session.scalars(
        select(Account).where(Account.role.in_(readers), Account.active.is_(True)).order_by(Account.id)
    ):
        write_letter(
            "payments/books_differ",
            key=f"payments/books_differ:{check_id}:{account.id}",
            recipient=account.email,
            language=account.language,
            account=account,
            check=check,
            words=DIFFERENCES,
        )


@on("booking.expired")
def return_what_was_paid_of_it(booking_id: int) -> None:
    return_counted(booking_id=booking_id, now=now())


@on("payments.late_offer")
def tell_of_other_cabins(payment_id: int) -> None:
    offer = db.session.scalars(select(LateOffer).filter_by(payment_id=payment_id)).one()
    if offer.expires_at is not None:
        _write("payments/late_offer", payment_id, cabins=kept_cabins(offer), until=offer.expires_at)


@on("payments.unallocated")
def tell_of_late_money(payment_id: int) -> None:
    _write("payments/late", payment_id)


@on("booking.cancelled")
def tell_of_cancellation(booking_id: int) -> None:
    booking = db.session.get_one(Booking, booking_id)
    if booking.placed_at and not told_otherwise(booking_id):
        key = f"payments/cancelled:{booking.reference}"
        write_to_booker("payments/cancelled", booking, key=key, refunds=booking_refunds(booking_id))


@on("booking.changed")
def tell_of_change(change_id: int) -> None:
    """Old and new, the money, and a voucher of what the booking is now."""
    change = db.session.get_one(BookingChange, change_id)
    page = booking_page(change.booking_id)
    attachments = [voucher_of(page, page.language)] if page.state is BookingState.CONFIRMED else []
    _write_of_change("payments/changed", change, attachments)


@on("booking.change_dropped")
def tell_of_dropped_change(change_id: int) -> None:
    change = db.session.get_one(BookingChange, change_id)
    if change.booking.state is BookingState.CONFIRMED:  # a cancelled booking has its own letter
        _write_of_change("payments/change_dropped", change, [])


def _write_of_change(template: str, change: BookingChange, attachments: Sequence[Attachment]) -> None:
    write_to_booker(
        template,
        change.booking,
        key=f"{template}:{change.reference}",
        attachments=attachments,
        change=change_view(change),
        kind=BOOKING_CHANGES[change.kind],
    )


@on("payments.transfer_awaited")
def send_invoice(payment_id: int) -> None:
    payment = db.session.get_one(Payment, payment_id)
    purpose = transfer_purpose(payment.reference, payment.booking.reference)
    _write("payments/invoice", payment_id, with_invoice=True, purpose=purpose)


@on("payments.desk_awaited")
def tell_of_the_desk(payment_id: int) -> None:
    language = db.session.get_one(Payment, payment_id).booking.language
    place = current_app.config["DESK_PLACE"]
    if place is not None:
        _write("payments/desk", payment_id, place=place[language])


def _write(template: str, payment_id: int, *, with_invoice: bool = False, **more: Any) -> None:
    payment = db.session.get_one(Payment, payment_id)
    booking = db.session.get_one(Booking, payment.booking_id)
    page = booking_page(booking.id)
    view = payment_view(payment)
    if payment.share_id is not None:
        return  # other payers have letters of their own
    attachments = []
    if with_invoice:
        paper = invoice(page, view, booking.language)
        attachments.append(Attachment(f"invoice-{view.reference}.pdf", "application/pdf", paper))
    key = f"{template}:{view.reference}"
    write_to_booker(template, booking, key=key, page=page, attachments=attachments, payment=view, **more)
