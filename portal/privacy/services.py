"""Note and withdraw consents; ask to be forgotten, and forget: the only writers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, false, or_, select, update
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.passwords import hash_password, unguessable
from portal.audit.services import record
from portal.booking.models import (
    Booking,
    BookingChange,
    BookingState,
    ChangeRequest,
    ChangeState,
    Companion,
    Passenger,
)
from portal.catalogue.models import Sailing
from portal.database import db, transaction
from portal.files.models import FileState, StoredFile
from portal.files.services import purge
from portal.kernel.clock import real_now
from portal.kernel.references import new_reference
from portal.outbox.models import MailState, OutgoingMail
from portal.payments.models import Payment, Refund, RefundState
from portal.payments.shares.models import PaymentShare
from portal.privacy.errors import BelongsToAccount, NotForStaff, NothingAsked
from portal.privacy.models import Consent, Erasure, ErasureState, Purpose
from portal.privacy.owners import Owner, owner_of_account
from portal.visas.cases.models import VisaCase
from portal.visas.keeping import KEPT_AFTER_CANCELLING, RETENTION
from portal.visas.models import ChecklistItem, Review, Submission
from portal.visas.programs import forget_found
from portal.visas.review.models import SecondLook, Waiver

LIVE = (BookingState.PENDING, BookingState.CONFIRMED)
ON_THE_WAY = (RefundState.REQUESTED, RefundState.SENT)
ERASED_SURNAME = "ERASED"  # with the passenger's reference: a pseudonym that tells nothing
NOTHING = "—"  # in place of a text that must stand there
NOWHERE = "invalid"  # no mail is ever delivered under this domain
ERASED_AT_ONCE = 20


def note_consent(
    *,
    purpose: Purpose,
    version: str,
    given_at: datetime,
    booking_id: int | None = None,
    account_id: int | None = None,
) -> None:
    """Somebody agreed; a second time nothing changes."""
    with transaction() as session:
        known = session.scalar(
            select(Consent.id).where(
                Consent.booking_id.is_not_distinct_from(booking_id),
                Consent.account_id.is_not_distinct_from(account_id),
                Consent.purpose == purpose,
                Consent.version == version,
                Consent.withdrawn_at.is_(None),
            )
        )
        if known is None:
            session.add(
                Consent(
                    booking_id=booking_id, account_id=account_id, purpose=purpose, version=version, given_at=given_at
                )
            )


def forget_companions(*, account: Account, version: str, now: datetime) -> int:
    """Withdraw the consent to remember people with whom one travels: all are forgotten at once; how many.

    version: of the text that stands beside that consent now.
    """
    with transaction() as session:
        kept = session.scalars(
            select(Companion).where(Companion.account_id == account.id).order_by(Companion.id)
        ).all()
        if kept:
            first = min(one.consented_at for one in kept)
            note_consent(purpose=Purpose.COMPANIONS, version=version, given_at=first, account_id=account.id)
        session.execute(delete(Companion).where(Companion.account_id == account.id))
        session.flush()
        session.execute(
            update(Consent)
            .where(
                Consent.account_id == account.id,
                Consent.purpose == Purpose.COMPANIONS,
                Consent.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=real_now())
        )
        record("consent.withdrawn", subject="consent", reference=Purpose.COMPANIONS, now=now)
    return len(kept)


def ask_to_be_forgotten(*, owner: Owner, now: datetime) -> Erasure:
    """Raises NotForStaff, or BelongsToAccount for a booking that an account owns. Asked twice, it is the same wish."""
    with transaction() as session:
        if owner.account_id is not None:
            if session.get_one(Account, owner.account_id).is_staff:
                raise NotForStaff
        elif session.get_one(Booking, owner.booking_ids[0]).customer_id is not None:
            raise BelongsToAccount
        wish = open_erasure(owner)
        if wish is None:
            wish = Erasure(
                account_id=owner.account_id, booking_id=owner.alone, asked_at=now, due_at=due_of(owner, now)
            )
            session.add(wish)
            session.flush()
            record("erasure.asked", subject="erasure", reference=wish.reference, now=now)
    return wish


def take_back(*, owner: Owner, now: datetime) -> None:
    """Raises NothingAsked."""
    with transaction():
        wish = open_erasure(owner)
        if wish is None:
            raise NothingAsked
        wish.move_to(ErasureState.TAKEN_BACK)
        record("erasure.taken_back", subject="erasure", reference=wish.reference, now=now)


def open_erasure(owner: Owner) -> Erasure | None:
    return db.session.scalar(
        select(Erasure).where(
            Erasure.account_id.is_not_distinct_from(owner.account_id),
            Erasure.booking_id.is_not_distinct_from(owner.alone),
            Erasure.state == ErasureState.ASKED,
        )
    )


def due_of(owner: Owner, now: datetime) -> datetime:
    """When the data are needed no more: RETENTION after the last cruise, and once money on its way has arrived."""
    ends = db.session.scalars(
        select(Sailing.ends_at)
        .join(Booking, Booking.sailing_id == Sailing.id)
        .where(Booking.id.in_(owner.booking_ids), Booking.state.in_(LIVE))
    ).all()
    moving = db.session.scalar(
        select(
            exists().where(
                Refund.payment_id == Payment.id,
                Payment.booking_id.in_(owner.booking_ids),
                Refund.state.in_(ON_THE_WAY),
            )
        )
    )
    days = [now, *(moment + RETENTION for moment in ends)]
    return max([*days, now + KEPT_AFTER_CANCELLING] if moving else days)


def erase_due(now: datetime) -> int:
    """Forget those whose day has come; how many. What still sails is waited for, however long ago it was asked."""
    done = 0
    wishes = db.session.scalars(
        select(Erasure.id).where(Erasure.state == ErasureState.ASKED).order_by(Erasure.id).limit(ERASED_AT_ONCE * 10)
    ).all()
    for erasure_id in wishes:
        wish = db.session.get_one(Erasure, erasure_id)
        owner = _owner(wish)
        due = due_of(owner, now)
        if due > now:
            _wait_until(erasure_id, due)
        elif done < ERASED_AT_ONCE:
            _erase(erasure_id, owner, now)
            done += 1
    return done


def _owner(wish: Erasure) -> Owner:
    if wish.account is not None:
        return owner_of_account(wish.account)
    assert wish.booking_id is not None  # the table has a wish of either
    return Owner(None, (wish.booking_id,))


def _wait_until(erasure_id: int, due: datetime) -> None:
    with transaction() as session:
        session.get_one(Erasure, erasure_id).due_at = due


def _erase(erasure_id: int, owner: Owner, now: datetime) -> None:
    """Documents first, each with its proof in the trail; then, in one transaction, the person behind the rows.

    Run again after a crash in between, it goes on where it stopped.
    """
    files = _files_of(owner)
    for file_id in files:
        forget_found(file_id=file_id)
        purge(file_id=file_id, now=now)
    with transaction() as session:
        bookings = session.scalars(
            select(Booking)
            .where(Booking.id.in_(owner.booking_ids))
            .order_by(Booking.id)
            .with_for_update(of=Booking)
            .execution_options(populate_existing=True)
        ).all()
        wish = session.get_one(Erasure, erasure_id, populate_existing=True)
        if wish.state is not ErasureState.ASKED:
            return
        _empty_letters(session, owner)
        for booking in bookings:
            _pseudonymise(session, booking, now)
        if wish.account is not None:
            session.execute(delete(Companion).where(Companion.account_id == wish.account.id))
            _close(wish.account)
        wish.move_to(ErasureState.DONE)
        wish.done_at = now
        wish.documents += len(files)
        record(
            "erasure.done", subject="erasure", reference=wish.reference, now=now, reason=f"{len(files)} documents"
        )


def _files_of(owner: Owner) -> Sequence[int]:
    """What was handed in, and what waivers rest on."""
    items = (
        select(ChecklistItem.id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .where(Passenger.booking_id.in_(owner.booking_ids))
    )
    handed_in = select(Submission.file_id).where(Submission.item_id.in_(items))
    evidence = select(Waiver.file_id).where(Waiver.item_id.in_(items), Waiver.file_id.is_not(None))
    return db.session.scalars(
        select(StoredFile.id)
        .where(
            StoredFile.id.in_(handed_in) | StoredFile.id.in_(evidence),
            StoredFile.state != FileState.PURGED,
        )
        .order_by(StoredFile.id)
    ).all()


def _pseudonymise(session: Session, booking: Booking, now: datetime) -> None:
    """The sums, days and states of the booking stay for the books; who it was is gone."""
    passengers = session.scalars(select(Passenger).where(Passenger.booking_id == booking.id)).all()
    names = {}
    for passenger in passengers:
        names[passenger.full_name] = f"{ERASED_SURNAME} {passenger.reference}"
        passenger.surname, passenger.given_names = ERASED_SURNAME, passenger.reference
        passenger.local_surname = passenger.local_given_names = passenger.patronymic = passenger.birth_place = None
        passenger.birth_date = passenger.birth_date.replace(month=1, day=1)  # the age that the fare was for
        passenger.document_number = passenger.document_fingerprint = ""
        passenger.document_expires = passenger.email = passenger.sex = None
        passenger.link_version += 1
    ids = [passenger.id for passenger in passengers]
    for wanted in session.scalars(select(ChangeRequest).where(ChangeRequest.passenger_id.in_(ids))):
        if wanted.state is ChangeState.ASKED:
            wanted.state, wanted.decided_at, wanted.wanted = ChangeState.WITHDRAWN, now, None
    for change in session.scalars(select(BookingChange).where(BookingChange.booking_id == booking.id)):
        change.before, change.after = _renamed(change.before, names), _renamed(change.after, names)
    for share in session.scalars(select(PaymentShare).where(PaymentShare.booking_id == booking.id)):
        share.name, share.email = ERASED_SURNAME, _nobody(share.reference)
        share.link_version += 1
    _empty_notes(session, ids)
    booking.contact_name = booking.contact_email = booking.contact_phone = booking.holder = None
    booking.link_version += 1


def _empty_notes(session: Session, passenger_ids: Sequence[int]) -> None:
    """What colleagues wrote of the papers may name the person; that they decided, and how, stays."""
    items = select(ChecklistItem.id).where(ChecklistItem.passenger_id.in_(passenger_ids))
    reviews = (
        select(Review.id)
        .join(Submission, Submission.id == Review.submission_id)
        .where(Submission.item_id.in_(items))
    )
    for statement in (
        update(Review).where(Review.note.is_not(None), Review.id.in_(reviews)).values(note=NOTHING),
        update(SecondLook).where(SecondLook.note.is_not(None), SecondLook.review_id.in_(reviews)).values(note=NOTHING),
        update(Waiver).where(Waiver.item_id.in_(items)).values(reason=NOTHING, evidence=NOTHING),
        update(VisaCase).where(VisaCase.passenger_id.in_(passenger_ids)).values(number=None, note=None),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    """The same with every name in a text replaced."""
    if isinstance(content, dict):
        return {key: _renamed(value, names) for key, value in content.items()}
    if isinstance(content, list):
        return [_renamed(value, names) for value in content]
    if isinstance(content, str) and names:
        anyone = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
        return anyone.sub(lambda found: names[found.group()], content)
    return content


def _close(account: Account) -> None:
    """What was done from it keeps its number in the trail; nobody signs in to it any more."""
    account.email, account.name = _nobody(new_reference()), ERASED_SURNAME
    account.password_hash = hash_password(unguessable())
    account.session_key = new_reference()
    account.active = False


def _nobody(reference: str) -> str:
    return f"erased-{reference.lower()}@{NOWHERE}"


def about(owner: Owner) -> ColumnElement[bool]:
    """Of a statement that names OutgoingMail: letters about these bookings, their passengers, or the account itself."""
    references = db.session.scalars(
        select(Booking.reference)
        .where(Booking.id.in_(owner.booking_ids))
        .union_all(select(Passenger.reference).where(Passenger.booking_id.in_(owner.booking_ids)))
    ).all()
    named: list[ColumnElement[bool]] = []
    for reference in references:
        named += [OutgoingMail.text.contains(reference), OutgoingMail.key.contains(reference)]
    if owner.account_id is not None:
        named += [OutgoingMail.key.like(f"accounts.%:{owner.account_id}{more}") for more in ("", ":%")]
    return or_(false(), *named)


def _empty_letters(session: Session, owner: Owner) -> None:
    """What was written about them; a letter that has not left yet is not sent any more."""
    theirs = session.scalars(select(OutgoingMail).where(about(owner))).all()
    for letter in theirs:
        letter.recipient, letter.subject, letter.text, letter.html, letter.attachments = NOWHERE, "", "", "", []
        if letter.state is MailState.QUEUED:
            letter.state = MailState.FAILED
