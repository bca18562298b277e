"""Ask for a paper again, look at a decision a second time, settle what two see differently, and waive a paper."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.accounts.access import GRANTED, Permission
from portal.accounts.models import Account
from portal.audit.services import record
from portal.booking.models import Booking, Passenger
from portal.catalogue.models import Sailing
from portal.database import db, transaction
from portal.files.models import FileState, StoredFile
from portal.files.services import keeping, purge, take
from portal.outbox.services import announce
from portal.visas.errors import (
    AlreadyDecided,
    NewerSubmission,
    NotALead,
    NotAReviewer,
    NoteMissing,
    NothingToAskAgain,
    NothingToSettle,
    NothingToWaive,
    OwnDecision,
    OwnSubmission,
    WaiverWithoutGrounds,
)
from portal.visas.keeping import RETENTION
from portal.visas.models import (
    ITEM_MOVES,
    AskedAgain,
    ChecklistItem,
    Decision,
    ItemState,
    ReturnReason,
    Review,
    Submission,
)
from portal.visas.review.claims import end_claim, is_own
from portal.visas.review.models import LookState, SecondLook, Waiver
from portal.visas.services import PURGED_AT_ONCE, move_item, nothing_left


def ask_again(
    *, submission_id: int, reviewer: Account, reason: ReturnReason, note: str | None = None, now: datetime
) -> AskedAgain:
    """An accepted document does not do after all: the guest is told why and hands in another.

    Raises NotAReviewer, OwnSubmission, NewerSubmission, NothingToAskAgain or NoteMissing; then nothing is written.
    Announces visas.asked_again.
    """
    _check_reviewer(reviewer)
    if reason is ReturnReason.OTHER and not (note and note.strip()):
        raise NoteMissing
    with transaction() as session:
        submission = _locked(submission_id)
        if is_own(submission, reviewer):
            raise OwnSubmission
        if submission.number < max(other.number for other in submission.item.submissions):
            raise NewerSubmission
        if submission.item.state is not ItemState.ACCEPTED:
            raise NothingToAskAgain
        asked = AskedAgain(
            submission_id=submission.id,
            asked_by_id=reviewer.id,
            reason=reason,
            note=(note or "").strip() or None,
            asked_at=now,
        )
        session.add(asked)
        session.flush()
        record(
            "review.asked_again", subject="submission", reference=submission.reference, now=now, reason=reason.value
        )
        move_item(submission.item, ItemState.CHANGES_REQUESTED, now)
        announce("visas.asked_again", submission_id=submission.id)
    return asked


def look_again(
    *,
    submission_id: int,
    reviewer: Account,
    decision: Decision,
    reason: ReturnReason | None = None,
    note: str | None = None,
    now: datetime,
) -> SecondLook:
    """What a second reviewer would have decided; nothing changes for the guest. Where both differ a lead settles it.

    Raises NotAReviewer, OwnSubmission, OwnDecision, AlreadyDecided, ClaimedByAnother or NoteMissing; then nothing is
    written.
    """
    _check_reviewer(reviewer)
    if decision is Decision.RETURNED and reason is ReturnReason.OTHER and not (note and note.strip()):
        raise NoteMissing
    with transaction():
        submission = _locked(submission_id)
        look = _look_at(submission)
        if look is None or look.state is not LookState.WAITING:
            raise AlreadyDecided
        if is_own(submission, reviewer):
            raise OwnSubmission
        if look.review.reviewer_id == reviewer.id:
            raise OwnDecision
        end_claim(submission.id, reviewer, now)
        look.reviewer_id, look.decision, look.looked_at = reviewer.id, decision, now
        if decision is Decision.RETURNED:
            look.reason, look.note = reason, (note or "").strip() or None
        look.move_to(LookState.AGREED if decision is look.review.decision else LookState.DISAGREED)
        record(f"second_look.{look.state}", subject="submission", reference=submission.reference, now=now)
    return look


def settle(*, submission_id: int, lead: Account, decision: Decision, now: datetime) -> SecondLook:
    """A lead says which of two reviewers is right, and that holds, unless the guest has handed in anew since.

    Raises NotALead, OwnSubmission, OwnDecision or NothingToSettle; then nothing is written. Announces
    visas.asked_again or visas.document_accepted where the first decision does not stand.
    """
    if not lead.active or Permission.REVIEW_LEAD not in GRANTED[lead.role]:
        raise NotALead
    with transaction():
        submission = _locked(submission_id)
        look = _look_at(submission)
        if look is None or look.state is not LookState.DISAGREED:
            raise NothingToSettle
        if is_own(submission, lead):
            raise OwnSubmission
        if lead.id in (look.review.reviewer_id, look.reviewer_id):
            raise OwnDecision
        look.lead_id, look.settled, look.settled_at = lead.id, decision, now
        look.move_to(LookState.SETTLED)
        record("second_look.settled", subject="submission", reference=submission.reference, now=now, to_state=decision)
        if decision is not look.review.decision:
            _overrule(submission, look, lead, now)
    return look


def _overrule(submission: Submission, look: SecondLook, lead: Account, now: datetime) -> None:
    item = submission.item
    newest = submission.number == max(other.number for other in item.submissions)
    if look.settled is Decision.RETURNED and newest and item.state is ItemState.ACCEPTED:
        reason = look.reason or ReturnReason.OTHER
        ask_again(submission_id=submission.id, reviewer=lead, reason=reason, note=look.note, now=now)
    elif look.settled is Decision.ACCEPTED and newest and item.state is ItemState.CHANGES_REQUESTED:
        move_item(item, ItemState.ACCEPTED, now)
        announce("visas.document_accepted", submission_id=submission.id)
        if nothing_left(item.passenger.booking_id):
            announce("visas.papers_accepted", submission_id=submission.id)


def waive(
    *, item_id: int, lead: Account, reason: str, evidence: str, content: bytes = b"", now: datetime
) -> Waiver:
    """Let the passenger go without this paper, until what it was asked for changes.

    evidence: what the waiver rests on; content: the evidence itself, if there is a file of it. Raises NotALead,
    WaiverWithoutGrounds, OwnSubmission, OwnDecision (a lead who decided on the paper himself), NothingToWaive, or
    one of portal.files.errors; then nothing is kept. Announces visas.paper_waived.
    """
    if not lead.active or Permission.REVIEW_LEAD not in GRANTED[lead.role]:
        raise NotALead
    if not reason.strip() or not evidence.strip():
        raise WaiverWithoutGrounds
    if not content:
        return _waive(item_id, lead, reason, evidence, None, now)
    with keeping(take(content), kind="waiver", now=now) as file, transaction() as session:
        session.add(file)
        session.flush()
        return _waive(item_id, lead, reason, evidence, file.id, now)


def purge_evidence(now: datetime) -> int:
    """Forget the evidence of waivers of cruises that ended RETENTION ago; how many. Reason and day are kept."""
    due = db.session.scalars(
        select(Waiver.file_id)
        .join(StoredFile, StoredFile.id == Waiver.file_id)
        .join(ChecklistItem, ChecklistItem.id == Waiver.item_id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .join(Booking, Booking.id == Passenger.booking_id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
        .where(Sailing.ends_at < now - RETENTION, StoredFile.state != FileState.PURGED)
        .limit(PURGED_AT_ONCE)
    ).all()
    for file_id in due:
        assert file_id is not None
        purge(file_id=file_id, now=now)
    return len(due)


def _waive(item_id: int, lead: Account, reason: str, evidence: str, file_id: int | None, now: datetime) -> Waiver:
    with transaction() as session:
        item = session.get_one(ChecklistItem, item_id, with_for_update=True)
        if item.passenger.booking.customer_id == lead.id or any(
            is_own(submission, lead) for submission in item.submissions
        ):
            raise OwnSubmission
        if any(one.review is not None and one.review.reviewer_id == lead.id for one in item.submissions):
            raise OwnDecision
        if ItemState.WAIVED not in ITEM_MOVES[item.state]:
            raise NothingToWaive
        waiver = Waiver(
            item_id=item.id,
            lead_id=lead.id,
            reason=reason.strip(),
            evidence=evidence.strip(),
            file_id=file_id,
            made_at=now,
        )
        session.add(waiver)
        try:
            session.flush()
        except IntegrityError as another_lead_was_first:
            raise NothingToWaive from another_lead_was_first
        move_item(item, ItemState.WAIVED, now)
        announce("visas.paper_waived", waiver_id=waiver.id)
    return waiver


def _check_reviewer(reviewer: Account) -> None:
    if not reviewer.active or Permission.SUBMISSION_REVIEW not in GRANTED[reviewer.role]:
        raise NotAReviewer


def _locked(submission_id: int) -> Submission:
    """Its item locked and read anew."""
    submission = db.session.get_one(Submission, submission_id)
    db.session.get_one(ChecklistItem, submission.item_id, with_for_update=True, populate_existing=True)
    return submission


def _look_at(submission: Submission) -> SecondLook | None:
    return db.session.scalar(
        select(SecondLook)
        .join(Review, Review.id == SecondLook.review_id)
        .where(Review.submission_id == submission.id)
        .execution_options(populate_existing=True)
    )
