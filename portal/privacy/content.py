"""Everything that the portal knows of one guest, as data and files; that it was taken is written down."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import Account
from portal.audit.services import record
from portal.booking.details import ending
from portal.booking.documents import voucher
from portal.booking.models import Booking, BookingState, Companion, Passenger
from portal.booking.queries import booking_page
from portal.database import db, transaction
from portal.files.intake import SUFFIXES
from portal.files.services import content_of, note_view
from portal.kernel.money import Money
from portal.payments.models import Payment, Refund
from portal.payments.papers.queries import paper_called, papers_of
from portal.payments.papers.services import printed
from portal.privacy.owners import Owner
from portal.privacy.queries import consents_of, letters_about, views_of
from portal.visas.models import ChecklistItem, Submission

WHERE = "data.json"


def archive(owner: Owner, language: str, version: str, now: datetime, *, whole_numbers: bool) -> bytes:
    """A ZIP of data.json, the documents handed in, vouchers and papers of money.

    whole_numbers: with whole document numbers, for whoever has just shown his password; else with their ends. What a
    passenger handed in through a link of his own is his, and not in the file of the one who booked.
    """
    bookings = _bookings(owner)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        data = known_of(owner, bookings, version, whole_numbers=whole_numbers)
        folder.writestr(WHERE, json.dumps(data, ensure_ascii=False, indent=1, default=_plain))
        for name, content in _files(bookings, language, now):
            folder.writestr(name, content)
    with transaction():
        record("data.exported", subject="account" if owner.account_id else "booking", reference=_whose(owner), now=now)
    return out.getvalue()


def _whose(owner: Owner) -> str:
    return str(owner.account_id or db.session.get_one(Booking, owner.booking_ids[0]).reference)


def known_of(owner: Owner, bookings: Iterable[Booking], version: str, *, whole_numbers: bool) -> dict[str, Any]:
    account = db.session.get_one(Account, owner.account_id) if owner.account_id is not None else None
    return {
        "account": _columns(account, "email", "name", "language", "made_at") if account else None,
        "consents": [
            {"purpose": one.purpose, "version": one.version, "given": one.given_at, "withdrawn": one.withdrawn_at}
            for one in consents_of(owner, version)
        ],
        "bookings": [_booking(booking, whole_numbers) for booking in bookings],
        "companions": [_person(one, whole_numbers) for one in _companions(account)],
        "letters": [_columns(one, "recipient", "subject", "queued_at", "sent_at") for one in letters_about(owner)],
        "looks_at_documents": [
            {"at": one.at, "document": one.document, "passenger": one.passenger, "by": one.who.value}
            for one in views_of(owner)
        ],
    }


def _bookings(owner: Owner) -> list[Booking]:
    return list(
        db.session.scalars(
            select(Booking)
            .where(Booking.id.in_(owner.booking_ids))
            .options(joinedload(Booking.sailing), selectinload(Booking.passengers), selectinload(Booking.charges))
            .order_by(Booking.id)
        ).unique()
    )


def _booking(booking: Booking, whole_numbers: bool) -> dict[str, Any]:
    payments = db.session.scalars(select(Payment).where(Payment.booking_id == booking.id).order_by(Payment.id)).all()
    refunds = db.session.scalars(
        select(Refund).join(Payment).where(Payment.booking_id == booking.id).order_by(Refund.id)
    )
    return {
        **_columns(
            booking,
            "reference",
            "state",
            "language",
            "contact_name",
            "contact_email",
            "contact_phone",
            "made_at",
            "placed_at",
            "confirmed_at",
            "terms_version",
            "terms_accepted_at",
        ),
        "sailing": booking.sailing.code,
        "price": booking.price,
        "passengers": [
            _person(one, whole_numbers)
            | _columns(one, "reference", "email", "language")
            | {"papers": [_paper(item) for item in _papers(one)]}
            for one in booking.passengers
        ],
        "payments": [
            _columns(one, "reference", "method", "state", "amount", "made_at", "received_at") for one in payments
        ],
        "refunds": [_columns(one, "reference", "state", "amount", "requested_at") for one in refunds],
    }


def _person(one: Passenger | Companion, whole_numbers: bool) -> dict[str, Any]:
    number = one.document_number
    return {
        **_columns(
            one,
            "surname",
            "given_names",
            "local_surname",
            "local_given_names",
            "patronymic",
            "birth_date",
            "birth_place",
            "sex",
            "citizenship",
            "document_kind",
            "document_expires",
        ),
        "document_number": number if whole_numbers or not number else f"…{ending(number)}",
    }


def _papers(passenger: Passenger) -> Iterable[ChecklistItem]:
    return db.session.scalars(
        select(ChecklistItem)
        .where(ChecklistItem.passenger_id == passenger.id)
        .options(
            selectinload(ChecklistItem.submissions).joinedload(Submission.review),
            selectinload(ChecklistItem.submissions).joinedload(Submission.file),
        )
        .order_by(ChecklistItem.id)
    )


def _paper(item: ChecklistItem) -> dict[str, Any]:
    return {
        **_columns(item, "document", "country", "state", "due"),
        "handed_in": [
            {
                "at": one.submitted_at,
                "file": _name(item, one) if one.file.readable and not one.by_passenger else None,
                "sha256": one.file.sha256,
                "purged": one.file.purged_at,
                "decision": one.review.decision if one.review else None,
                "reason": one.review.reason if one.review else None,
                "note": one.review.note if one.review else None,
            }
            for one in item.submissions
        ],
    }


def _files(bookings: Iterable[Booking], language: str, now: datetime) -> Iterator[tuple[str, bytes]]:
    for booking in bookings:
        for passenger in booking.passengers:
            for item in _papers(passenger):
                for one in item.submissions:
                    if one.file.readable and not one.by_passenger:
                        yield _name(item, one), content_of(one.file)
                        note_view(file_id=one.file.id, now=now)
        with force_locale(language):
            if booking.state is BookingState.CONFIRMED:
                yield f"{booking.reference}/voucher.pdf", voucher(booking_page(booking.id), language)
            for paper in papers_of(booking.id):
                yield f"{booking.reference}/{paper.name}.pdf", printed(paper_called(paper.name), language, now)


def _name(item: ChecklistItem, one: Submission) -> str:
    passenger = item.passenger
    suffix = SUFFIXES[one.file.media_type]
    return f"{passenger.booking.reference}/{passenger.reference}/{item.key}-{one.number}{suffix}"


def _companions(account: Account | None) -> Iterable[Companion]:
    if account is None:
        return ()
    return db.session.scalars(select(Companion).where(Companion.account_id == account.id).order_by(Companion.id))


def _columns(row: object, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _plain(value: object) -> object:
    if isinstance(value, date):  # moments, too
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    raise TypeError(type(value))
