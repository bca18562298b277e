"""What keeps checklists true after something changed, and the mails about papers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from portal.booking.access import link_token, passenger_token
from portal.booking.models import Booking, Passenger
from portal.catalogue.models import Sailing
from portal.database import db
from portal.files.services import remove_orphans
from portal.kernel.clock import now, real_now
from portal.outbox.jobs import each_minute, each_time
from portal.outbox.letters import write_letter
from portal.outbox.services import announce, forget_old_mails, on
from portal.visas.changes import Cause
from portal.visas.documents import CATALOGUE
from portal.visas.labels import CHANGE_CAUSES, GUEST_REASONS
from portal.visas.models import ChecklistChange, ChecklistItem, PassportReading, PhotoCheck, ReturnReason, Submission
from portal.visas.photo import PHOTO_RULES
from portal.visas.photos import check_waiting
from portal.visas.programs import put_before
from portal.visas.queries import untold_changes
from portal.visas.readings import read_waiting
from portal.visas.review.claims import release_overdue
from portal.visas.review.models import Waiver
from portal.visas.review.services import purge_evidence
from portal.visas.services import (
    OPEN,
    ask_again,
    forget_document_numbers,
    keep_shorter,
    mark_told,
    purge_after_cruise,
    refresh_checklist,
    refresh_checklists,
)

SWEEP_MINUTE = 17
BATCH = 10  # bookings whose checklists are written in one transaction


@each_minute
def sweep() -> None:
    """Once an hour is enough: what a crash left lies unreadable meanwhile."""
    if real_now().minute == SWEEP_MINUTE:
        remove_orphans()
        purge_after_cruise(now())
        purge_evidence(now())
        forget_document_numbers(now())
        forget_old_mails()


@each_minute
def give_documents_back() -> None:
    release_overdue(now())


@on("visas.document_submitted")
def put_before_programs(submission_id: int) -> None:
    document = db.session.get_one(Submission, submission_id).item.document
    if document == "passport":
        put_before(PassportReading, submission_id)
    elif document in PHOTO_RULES:
        put_before(PhotoCheck, submission_id)


@on("files.rejected")
def ask_for_another(file_id: int) -> None:
    ask_again(file_id=file_id, now=now())


@each_time
def read_passports() -> None:
    read_waiting(now())


@each_time
def measure_photos() -> None:
    check_waiting(now())


@on("booking.placed")
@on("booking.confirmed")
def refresh_booking(booking_id: int) -> None:
    refresh_checklist(booking_id=booking_id, now=now())


@on("booking.passenger_changed")
def refresh_passengers(booking_id: int) -> None:
    refresh_checklist(booking_id=booking_id, now=now(), cause=Cause.PASSENGER)


@on("booking.cancelled")
@on("booking.expired")
def forget_sooner(booking_id: int) -> None:
    keep_shorter(booking_id=booking_id, now=now())


@on("catalogue.sailing_changed")
def refresh_sailing(sailing_id: int) -> None:
    refresh_next_of_sailing(sailing_id, 0)


@on("visas.sailing_stale")
def refresh_next_of_sailing(sailing_id: int, after: int) -> None:
    """BATCH bookings in one transaction, and the next ones in the next: a full ship keeps nobody from writing."""
    left = _refresh_next(Cause.SAILING, after, Booking.sailing_id == sailing_id)
    if left is not None:
        announce("visas.sailing_stale", sailing_id=sailing_id, after=left)


@on("visas.rules_changed")
def refresh_all(moment: str) -> None:
    """Every booking that has not sailed yet."""
    refresh_next_of_all(0)


@on("visas.all_stale")
def refresh_next_of_all(after: int) -> None:
    left = _refresh_next(Cause.RULES, after, Booking.sailing_id == Sailing.id, Sailing.starts_at > now())
    if left is not None:
        announce("visas.all_stale", after=left)


def _refresh_next(cause: Cause, after: int, *which: ColumnElement[bool]) -> int | None:
    """The booking after which it goes on; None at the end."""
    booking_ids = db.session.scalars(
        select(Booking.id)
        .where(Booking.id > after, Booking.state.in_(OPEN), *which)
        .order_by(Booking.id)
        .limit(BATCH)
    ).all()
    refresh_checklists(booking_ids=booking_ids, now=now(), cause=cause)
    return booking_ids[-1] if len(booking_ids) == BATCH else None


@on("visas.checklist_changed")
def tell_of_changes(booking_id: int, change_id: int) -> None:
    """One letter for each reader, with all that is not told yet: a passenger with an address of his own gets his."""
    untold = untold_changes(booking_id, change_id)
    if not untold:
        return
    booking = untold[0].passenger.booking
    by_reader: dict[Passenger | None, list[ChecklistChange]] = {}
    for change in untold:
        own = change.passenger if change.passenger.email and change.passenger.link_sent_at else None
        by_reader.setdefault(own, []).append(change)
    for reader, changes in by_reader.items():
        recipient = reader.email if reader else booking.contact_email
        if recipient:
            write_letter(
                "visas/changed",
                key=f"visas.changed:{change_id}:{reader.reference if reader else booking.reference}",
                recipient=recipient,
                language=(reader.language if reader else None) or booking.language,
                own=reader is not None,
                reference=reader.reference if reader else booking.reference,
                token=passenger_token(reader) if reader else link_token(booking),
                changes=changes,
                documents=CATALOGUE,
                causes=CHANGE_CAUSES,
                title=booking.sailing.itinerary.title,
            )
    mark_told(change_ids=[change.id for change in untold], now=now())


@on("visas.document_returned")
@on("visas.asked_again")
def send_reason(submission_id: int) -> None:
    submission = db.session.get_one(Submission, submission_id)
    why = submission.asked_again or submission.review
    if why is None or why.reason is None:
        return
    _write(
        "visas/returned",
        submission.item,
        about=f"{submission.reference}-again" if submission.asked_again else submission.reference,
        to_passenger=submission.by_passenger,
        reason=GUEST_REASONS[why.reason],
        note=why.note,
        only_note=why.reason is ReturnReason.OTHER,
    )


@on("visas.document_stopped")
def send_stopped(submission_id: int) -> None:
    submission = db.session.get_one(Submission, submission_id)
    _write("visas/stopped", submission.item, about=submission.reference, to_passenger=submission.by_passenger)


@on("visas.papers_accepted")
def send_all_accepted(submission_id: int) -> None:
    submission = db.session.get_one(Submission, submission_id)
    _write("visas/all_accepted", submission.item, about=submission.reference)


@on("visas.paper_waived")
def tell_of_waiver(waiver_id: int) -> None:
    _write("visas/waived", db.session.get_one(Waiver, waiver_id).item, about=f"waiver-{waiver_id}")


def _write(template: str, item: ChecklistItem, *, about: str, to_passenger: bool = False, **context: Any) -> None:
    """To the one who booked, or the passenger who handed it in himself; no document's number is ever in a mail."""
    passenger = item.passenger
    booking = passenger.booking
    own = to_passenger and passenger.email is not None
    recipient = passenger.email if own else booking.contact_email
    if not recipient:
        return
    write_letter(
        template,
        key=f"{template.replace('/', '.')}:{about}",
        recipient=recipient,
        language=(passenger.language if own else None) or booking.language,
        own=own,
        reference=passenger.reference if own else booking.reference,
        token=passenger_token(passenger) if own else link_token(booking),
        passenger=passenger.full_name,
        document=CATALOGUE[item.document].name,
        country=item.country,
        slug=f"{passenger.reference}-{item.key}",
        **context,
    )
