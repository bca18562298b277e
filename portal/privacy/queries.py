"""What the page about a guest's own data needs; nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, or_, select

from portal.accounts.models import Account, Role
from portal.audit.models import AuditEntry
from portal.booking.models import Booking, Companion, Passenger
from portal.database import db
from portal.files.models import FileState, StoredFile
from portal.kernel.text import LocalizedText
from portal.outbox.models import OutgoingMail
from portal.privacy.models import Consent, Erasure, Purpose
from portal.privacy.owners import Owner
from portal.privacy.services import LIVE, about, due_of, open_erasure
from portal.visas.documents import CATALOGUE
from portal.visas.models import ChecklistItem, Submission

VIEWS_SHOWN = 200


class Viewer(StrEnum):
    YOU = "you"
    STAFF = "staff"
    GUEST = "guest"  # without an account: the owner, or whoever has his link
    PROGRAM = "program"


@dataclass(frozen=True)
class ViewRow:
    at: datetime
    who: Viewer
    role: Role | None
    initials: str  # of a colleague: the trail knows the name
    document: str  # code in documents.json
    name: LocalizedText
    passenger: str


@dataclass(frozen=True)
class ConsentRow:
    purpose: Purpose
    version: str
    given_at: datetime
    withdrawn_at: datetime | None
    booking: str | None
    persons: int | None = None  # who are remembered


@dataclass(frozen=True)
class DataPage:
    consents: tuple[ConsentRow, ...]
    views: tuple[ViewRow, ...]
    documents: int  # that we still have
    purged: int
    erasure: Erasure | None  # asked for and not done
    due_at: datetime  # when an erasure asked for now would be done
    sails: bool  # a booking still holds


def data_page(owner: Owner, version: str, now: datetime) -> DataPage:
    kept, purged = _documents(owner)
    return DataPage(
        consents=consents_of(owner, version),
        views=views_of(owner),
        documents=kept,
        purged=purged,
        erasure=open_erasure(owner),
        due_at=due_of(owner, now),
        sails=bool(
            db.session.scalar(
                select(func.count()).where(Booking.id.in_(owner.booking_ids), Booking.state.in_(LIVE))
            )
        ),
    )


def consents_of(owner: Owner, version: str) -> tuple[ConsentRow, ...]:
    """By purpose and version, the newest first. Who is remembered says itself since when.

    version: of the text that stands beside the consent to remember people.
    """
    mine: ColumnElement[bool] = Consent.booking_id.in_(owner.booking_ids)
    if owner.account_id is not None:
        mine = or_(mine, (Consent.account_id == owner.account_id) & Consent.booking_id.is_(None))
    rows = [
        ConsentRow(consent.purpose, consent.version, consent.given_at, consent.withdrawn_at, reference)
        for consent, reference in db.session.execute(
            select(Consent, Booking.reference).outerjoin(Booking, Booking.id == Consent.booking_id).where(mine)
        )
    ]
    if owner.account_id is not None:
        first, persons = db.session.execute(
            select(func.min(Companion.consented_at), func.count()).where(Companion.account_id == owner.account_id)
        ).one()
        if persons:
            rows.append(ConsentRow(Purpose.COMPANIONS, version, first, None, None, persons))
    return tuple(sorted(rows, key=lambda row: row.given_at, reverse=True))


def letters_about(owner: Owner) -> tuple[OutgoingMail, ...]:
    """Those that name one of these bookings or passengers.

    Never all that went to an address: anybody may type another's address into a booking or a new account.
    """
    return tuple(db.session.scalars(select(OutgoingMail).where(about(owner)).order_by(OutgoingMail.id)))


def views_of(owner: Owner) -> tuple[ViewRow, ...]:
    """Who looked at the documents of these bookings, the latest first."""
    found = db.session.execute(
        select(AuditEntry, StoredFile, Passenger)
        .join(StoredFile, StoredFile.reference == AuditEntry.subject_reference)
        .join(Submission, Submission.file_id == StoredFile.id)
        .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .where(
            AuditEntry.subject == "file",
            AuditEntry.action == "file.viewed",
            Passenger.booking_id.in_(owner.booking_ids),
        )
        .order_by(AuditEntry.id.desc())
        .limit(VIEWS_SHOWN)
    ).all()
    ids = {number for entry, *_rest in found if (number := _account_id(entry.actor)) is not None}
    accounts = {account.id: account for account in db.session.scalars(select(Account).where(Account.id.in_(ids)))}
    return tuple(
        _view(entry, file, passenger, accounts.get(_account_id(entry.actor) or 0), owner)
        for entry, file, passenger in found
    )


def _view(entry: AuditEntry, file: StoredFile, passenger: Passenger, by: Account | None, owner: Owner) -> ViewRow:
    if by is None:
        who = Viewer.GUEST if entry.actor == "guest" else Viewer.PROGRAM
    elif by.id == owner.account_id:
        who = Viewer.YOU
    else:
        who = Viewer.STAFF if by.is_staff else Viewer.GUEST
    return ViewRow(
        at=entry.business_at,
        who=who,
        role=by.role if by and who is Viewer.STAFF else None,
        initials=" ".join(f"{part[0]}." for part in by.name.split()[:2]) if by and who is Viewer.STAFF else "",
        document=file.kind,
        name=CATALOGUE[file.kind].name,
        passenger=passenger.full_name,
    )


def _account_id(actor: str) -> int | None:
    kind, _colon, number = actor.partition(":")
    return int(number) if kind == "account" and number.isdecimal() else None


def _documents(owner: Owner) -> tuple[int, int]:
    """Kept, and purged."""
    counts = db.session.execute(
        select(StoredFile.state, func.count())
        .join(Submission, Submission.file_id == StoredFile.id)
        .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .where(Passenger.booking_id.in_(owner.booking_ids))
        .group_by(StoredFile.state)
    )
    by_state: dict[FileState, int] = {row[0]: row[1] for row in counts}
    gone = by_state.pop(FileState.PURGED, 0)
    return sum(by_state.values()), gone
