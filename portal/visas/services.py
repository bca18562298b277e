"""Load entry rules; keep checklists true; take documents in and decide on them: the only writers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.access import GRANTED, Permission
from portal.accounts.models import Account
from portal.audit.services import record, record_move
from portal.booking.models import BookedCabin, Booking, BookingState, Passenger
from portal.catalogue.models import PortCall, Sailing
from portal.catalogue.versions import CATALOGUE, bump
from portal.database import db, transaction
from portal.files.models import FileState, StoredFile
from portal.files.services import keeping, purge, supersede, take
from portal.inventory.models import Occupancy
from portal.kernel.acting import acting
from portal.outbox.services import announce
from portal.visas.changes import Cause, Stand, differences
from portal.visas.documents import CATALOGUE as DOCUMENTS
from portal.visas.documents import Stage
from portal.visas.errors import (
    AlreadyAccepted,
    AlreadyDecided,
    NewerSubmission,
    NotAReviewer,
    NoteMissing,
    NotFromGuests,
    NotNeededAnyMore,
    NotScannedYet,
    OwnSubmission,
    PapersClosed,
    PassportNotTyped,
    PassportWillNotDo,
)
from portal.visas.keeping import KEPT_AFTER_CANCELLING, RETENTION
from portal.visas.models import (
    ChecklistChange,
    ChecklistItem,
    Decision,
    EntryRule,
    ItemState,
    ReturnReason,
    Review,
    Submission,
)
from portal.visas.programs import forget_found
from portal.visas.review.claims import end_claim, is_own
from portal.visas.review.drawing import draw
from portal.visas.review.models import Waiver
from portal.visas.rule_file import RULES, digest_of, read_rules
from portal.visas.rules import RequiredItem, Rule, Voyage, requirements, travellers_of, voyage_of
from portal.visas.terms import Severity, Supplier

# Bookings whose passengers have a checklist: agreed, and not given up.
OPEN = (BookingState.PENDING, BookingState.CONFIRMED)
RELYING = (ItemState.ACCEPTED, ItemState.WAIVED)  # decided for what the item relied on then


@dataclass(frozen=True)
class RulesLoaded:
    added: int
    withdrawn: int
    kept: int


def load_rules(path: Path = RULES, *, now: datetime) -> RulesLoaded:
    """Make the stored rules those of the file. Raises BadRules, and then nothing is changed.

    A row that says the same as before is kept, so that loading twice changes nothing; what the file no longer says is
    withdrawn and stays for the checklists that were judged by it. What a country asks of a passport on which two
    persons of the staff have decided is theirs, whatever the file says. Announces visas.rules_changed, if anything has.
    """
    read = read_rules(path)
    with transaction() as session:
        theirs = {
            (destination, nationality)
            for destination, nationality in session.execute(
                select(EntryRule.destination, EntryRule.nationality).where(
                    EntryRule.added_by_id.is_not(None) | EntryRule.withdrawn_by_id.is_not(None)
                )
            )
        }
        rules = {digest_of(rule): rule for rule in read if (rule.destination, rule.nationality) not in theirs}
        live = {
            row.digest: row
            for row in session.scalars(select(EntryRule).where(EntryRule.withdrawn_at.is_(None)).with_for_update())
            if (row.destination, row.nationality) not in theirs
        }
        withdrawn = [row for digest, row in live.items() if digest not in rules]
        for row in withdrawn:
            row.withdrawn_at = now
        added = [digest for digest in rules if digest not in live]
        for digest in added:
            session.add(stored_rule(rules[digest], digest, now))
        if added or withdrawn:
            record(
                "rules.loaded",
                subject="rules",
                reference=path.name[:40],
                now=now,
                reason=f"+{len(added)} −{len(withdrawn)}",
            )
            announce("visas.rules_changed", moment=now.isoformat())
            bump(CATALOGUE)
    return RulesLoaded(added=len(added), withdrawn=len(withdrawn), kept=len(live) - len(withdrawn))


def stored_rule(rule: Rule, digest: str, now: datetime) -> EntryRule:
    return EntryRule(
        digest=digest,
        destination=rule.destination,
        nationality=rule.nationality,
        stands_for=rule.stands_for,
        regime=rule.regime,
        max_stay_days=rule.max_stay_days,
        entries=rule.entries,
        usable_by_sea=rule.usable_by_sea,
        conditions=rule.conditions,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
        as_of=rule.as_of,
        confidence=rule.confidence,
        sources=list(rule.sources),
        documents=list(rule.documents),
        group_min=rule.group_min,
        group_max=rule.group_max,
        passport_months=rule.passport_months,
        blank_pages=rule.blank_pages,
        photos_mm=list(rule.photos_mm),
        invitation_p50_days=rule.invitation.p50 if rule.invitation else None,
        invitation_p90_days=rule.invitation.p90 if rule.invitation else None,
        lead_p50_days=rule.authority.p50 if rule.authority else None,
        lead_p90_days=rule.authority.p90 if rule.authority else None,
        fee_minor=rule.fee.minor if rule.fee else None,
        fee_currency=rule.fee.currency if rule.fee else None,
        inferred=list(rule.inferred),
        loaded_at=now,
    )


def live_rules(countries: Collection[str]) -> tuple[Rule, ...]:
    """The rules now in force for entering these countries."""
    rows = db.session.scalars(
        select(EntryRule)
        .where(EntryRule.withdrawn_at.is_(None), EntryRule.destination.in_(sorted(countries)))
        .order_by(EntryRule.id)
    )
    return tuple(row.as_rule() for row in rows)


def refresh_checklist(*, booking_id: int, now: datetime, cause: Cause = Cause.BOOKING) -> None:
    """As refresh_checklists() for one booking."""
    refresh_checklists(booking_ids=(booking_id,), now=now, cause=cause)


def refresh_checklists(*, booking_ids: Collection[int], now: datetime, cause: Cause) -> None:
    """Make the checklists of these bookings what the rules say; a second time nothing changes.

    Papers that are not asked for any more become not applicable, and what was handed in for them is kept. An
    acceptance that relied on what has changed since falls away. A few bookings at once, for others wait meanwhile who
    want to write. Announces visas.checklist_changed for each booking whose passengers are to be told of something.
    """
    with transaction() as session:
        bookings = session.scalars(
            select(Booking)
            .where(Booking.id.in_(booking_ids), Booking.state.in_(OPEN))
            .order_by(Booking.id)
            .with_for_update(of=Booking)
            .options(*WITH_VOYAGE)
        ).all()
        # Whoever was taken off is asked for nothing any more.
        left = {booking.id: set[int]() for booking in bookings}
        items: dict[int, dict[str, ChecklistItem]] = defaultdict(dict)
        for item, booking_id, left_at in session.execute(
            select(ChecklistItem, Passenger.booking_id, Passenger.left_at)
            .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
            .where(Passenger.booking_id.in_(left))
            .order_by(ChecklistItem.id)
            # An acceptance made meanwhile is judged by what it relied on, not overlooked.
            .with_for_update(of=ChecklistItem)
            .execution_options(populate_existing=True)
        ):
            items[item.passenger_id][item.key] = item
            if left_at is not None:
                left[booking_id].add(item.passenger_id)
        voyages = {booking.id: voyage_of(booking.voyage) for booking in bookings}
        rules = live_rules({country for voyage in voyages.values() for country in voyage.countries})
        for booking in bookings:
            voyage = voyages[booking.id]
            changed = 0
            for passenger_id in sorted(left[booking.id]):
                _refresh(passenger_id, (), items[passenger_id], voyage, now)
            for passenger_id, traveller in travellers_of(booking, voyage).items():
                known = items[passenger_id]
                before = _stands(known.values())
                _refresh(passenger_id, requirements(traveller, voyage, rules), known, voyage, now)
                told = differences(before, _stands(known.values())) if before and cause is not Cause.BOOKING else ()
                if told:
                    change = ChecklistChange(
                        passenger_id=passenger_id,
                        made_at=now,
                        cause=cause,
                        sailing_version=voyage.version,
                        items=[one.as_json() for one in told],
                    )
                    session.add(change)
                    session.flush()
                    changed = change.id
            if changed:
                announce("visas.checklist_changed", booking_id=booking.id, change_id=changed)


def _stands(items: Iterable[ChecklistItem]) -> dict[str, Stand]:
    """What passengers know of: not what we get, or what waits for them at a border."""
    return {
        item.key: Stand(
            document=item.document,
            country=item.country,
            entry_number=item.entry_number,
            due=item.due,
            severity=item.severity,
            waits=item.state in (ItemState.TODO, ItemState.CHANGES_REQUESTED),
            accepted=item.state in RELYING,
            reason=item.reasons[0],
        )
        for item in items
        if item.supplier is Supplier.GUEST and item.state is not ItemState.NOT_APPLICABLE
    }


def _refresh(
    passenger_id: int,
    asked: Sequence[RequiredItem],
    items: dict[str, ChecklistItem],
    voyage: Voyage,
    now: datetime,
) -> None:
    """Of one passenger; `items` are then all of them. Rows of which nothing has changed are not written."""
    session = db.session
    dropped = items.keys() - {required.key for required in asked}
    for required in asked:
        item = items.get(required.key)
        if item is None:
            item = ChecklistItem(passenger_id=passenger_id, key=required.key, state=ItemState.TODO)
            items[required.key] = item
            session.add(item)
        elif item.state is ItemState.NOT_APPLICABLE or (item.state in RELYING and item.basis != required.basis):
            move_item(item, ItemState.TODO, now)
        _describe(item, required, voyage.version)
        if session.is_modified(item):
            item.refreshed_at = now
    for key in sorted(dropped):
        if items[key].state is not ItemState.NOT_APPLICABLE:
            move_item(items[key], ItemState.NOT_APPLICABLE, now)
            items[key].refreshed_at = now


def mark_told(*, change_ids: Collection[int], now: datetime) -> None:
    """The letter about these changes is written."""
    with transaction() as session:
        session.execute(
            update(ChecklistChange)
            .where(ChecklistChange.id.in_(change_ids))
            .values(told_at=now)
            .execution_options(synchronize_session=False)
        )


WITH_VOYAGE = (
    joinedload(Booking.sailing).selectinload(Sailing.calls).joinedload(PortCall.port),
    selectinload(Booking.cabins).joinedload(BookedCabin.occupancy).joinedload(Occupancy.part),
    selectinload(Booking.passengers),
)


def _describe(item: ChecklistItem, required: RequiredItem, version: int) -> None:
    item.document = required.document
    item.country = required.country
    item.entry_number = required.entry_number
    item.supplier = required.supplier
    item.severity = required.severity
    item.reasons = [asdict(reason) for reason in required.reasons]
    item.due = required.due
    item.basis = required.basis
    item.rule_id = required.rule_id
    item.sailing_version = version


def submit_document(*, item_id: int, content: bytes, now: datetime, by: str | None = None) -> Submission:
    """Take a document in for an item: examined, made anew, encrypted, and put before a reviewer.

    by: BY_PASSENGER with his reference, for whoever came by a passenger's own link; else whoever acts.

    Raises one of portal.files.errors for a file that is not taken, and AlreadyAccepted, NotNeededAnyMore,
    NotFromGuests or PapersClosed; then nothing is kept. Announces visas.document_submitted.
    """
    examined = take(content)  # before the transaction: it takes time
    kind = db.session.get_one(ChecklistItem, item_id).document
    with keeping(examined, kind=kind, now=now) as file, transaction() as session:
        item = session.get_one(ChecklistItem, item_id, with_for_update=True)
        _check_open(item)
        for before in item.submissions:
            supersede(file_id=before.file_id, now=now)
        session.add(file)
        session.flush()
        submission = Submission(
            item_id=item.id,
            file_id=file.id,
            number=len(item.submissions) + 1,
            submitted_at=now,
            submitted_by=by or acting.get(),
        )
        session.add(submission)
        session.flush()
        record("paper.submitted", subject="submission", reference=submission.reference, now=now)
        if item.state is not ItemState.IN_REVIEW:
            move_item(item, ItemState.IN_REVIEW, now)
        announce("visas.document_submitted", submission_id=submission.id)
    return submission


def _check_open(item: ChecklistItem) -> None:
    if item.passenger.booking.state not in OPEN:
        raise PapersClosed
    if item.supplier is not Supplier.GUEST:
        raise NotFromGuests
    if item.state is ItemState.ACCEPTED:
        raise AlreadyAccepted
    if item.state in (ItemState.NOT_APPLICABLE, ItemState.WAIVED):
        raise NotNeededAnyMore


def accept(*, submission_id: int, reviewer: Account, note: str | None = None, now: datetime) -> Review:
    """The document does. Raises NotAReviewer, OwnSubmission, AlreadyDecided, ClaimedByAnother, NewerSubmission,
    NotNeededAnyMore, NotScannedYet, PassportWillNotDo or PassportNotTyped; then nothing is written.

    Announces visas.document_accepted, and visas.papers_accepted when it was the last that the booking waited for.
    """
    with transaction():
        submission = _open_for_decision(submission_id, reviewer, now)
        if submission.file.state is FileState.RECEIVED:
            raise NotScannedYet
        if submission.item.severity is Severity.BLOCKING:
            raise PassportWillNotDo
        if submission.item.passenger.document_number is None and _stands_for_passport(submission.item):
            raise PassportNotTyped
        review = _decide(submission, reviewer, Decision.ACCEPTED, None, note, now)
        move_item(submission.item, ItemState.ACCEPTED, now)
        announce("visas.document_accepted", submission_id=submission.id)
        if nothing_left(submission.item.passenger.booking_id):
            announce("visas.papers_accepted", submission_id=submission.id)
    return review


def _stands_for_passport(item: ChecklistItem) -> bool:
    """The passport itself, or a visa in it: it is accepted against a number, and falls with another one."""
    return item.document == "passport" or DOCUMENTS[item.document].stage is Stage.IN_HAND


def send_back(
    *, submission_id: int, reviewer: Account, reason: ReturnReason, note: str | None, now: datetime
) -> Review:
    """The document does not do, and why; the guest is told and may hand in another.

    Raises NotAReviewer, OwnSubmission, AlreadyDecided, ClaimedByAnother, NewerSubmission, NotNeededAnyMore or
    NoteMissing; then nothing is written. Announces visas.document_returned.
    """
    with transaction():
        submission = _open_for_decision(submission_id, reviewer, now)
        if reason is ReturnReason.OTHER and not (note and note.strip()):
            raise NoteMissing
        review = _decide(submission, reviewer, Decision.RETURNED, reason, note, now)
        move_item(submission.item, ItemState.CHANGES_REQUESTED, now)
        announce("visas.document_returned", submission_id=submission.id)
    return review


def _open_for_decision(submission_id: int, reviewer: Account, now: datetime) -> Submission:
    """The submission, its item locked, if this reviewer may decide on it now; his claim on it has ended."""
    session = db.session
    if not reviewer.active or Permission.SUBMISSION_REVIEW not in GRANTED[reviewer.role]:
        raise NotAReviewer
    submission = session.get_one(Submission, submission_id)
    item = session.get_one(ChecklistItem, submission.item_id, with_for_update=True)
    session.refresh(submission, ["review"])
    if is_own(submission, reviewer):
        raise OwnSubmission
    if submission.review is not None:
        raise AlreadyDecided
    if submission.number < max(other.number for other in item.submissions):
        raise NewerSubmission
    if item.state is not ItemState.IN_REVIEW:
        raise NotNeededAnyMore
    end_claim(submission.id, reviewer, now)
    return submission


def _decide(
    submission: Submission,
    reviewer: Account,
    decision: Decision,
    reason: ReturnReason | None,
    note: str | None,
    now: datetime,
) -> Review:
    review = Review(
        submission_id=submission.id,
        reviewer_id=reviewer.id,
        decision=decision,
        reason=reason,
        note=(note or "").strip() or None,
        reviewed_at=now,
    )
    db.session.add(review)
    try:
        db.session.flush()
    except IntegrityError as another_reviewer_was_first:
        raise AlreadyDecided from another_reviewer_was_first
    draw(review, submission.reference, now)
    record(
        f"review.{decision}",
        subject="submission",
        reference=submission.reference,
        now=now,
        to_state=decision,
        reason=reason.value if reason else None,
    )
    return review


def ask_again(*, file_id: int, now: datetime) -> None:
    """The virus scanner stopped the file of a submission: its item waits for another one, if it waited for a decision.

    Announces visas.document_stopped.
    """
    with transaction() as session:
        submission = session.scalar(select(Submission).where(Submission.file_id == file_id))
        if submission is None:
            return
        item = session.get_one(ChecklistItem, submission.item_id, with_for_update=True)
        newest = submission.number == max(other.number for other in item.submissions)
        if newest and item.state is ItemState.IN_REVIEW:
            move_item(item, ItemState.CHANGES_REQUESTED, now)
        announce("visas.document_stopped", submission_id=submission.id)


PURGED_AT_ONCE = 100


def keep_shorter(*, booking_id: int, now: datetime) -> None:
    """The booking is over before its cruise: what was handed in for it goes KEPT_AFTER_CANCELLING from now."""
    with transaction() as session:
        handed_in = select(Submission.file_id).join(ChecklistItem).join(Passenger).where(
            Passenger.booking_id == booking_id
        )
        session.execute(
            update(StoredFile)
            .where(StoredFile.id.in_(handed_in), StoredFile.keep_until.is_(None))
            .values(keep_until=now + KEPT_AFTER_CANCELLING)
            .execution_options(synchronize_session=False)
        )


def purge_after_cruise(now: datetime) -> int:
    """Forget the documents whose time of keeping is over; how many. That they existed stays known.

    Until when a document itself is valid plays no part: an expired passport is kept as long as any other.
    """
    due = db.session.scalars(
        select(Submission.file_id)
        .join(StoredFile, StoredFile.id == Submission.file_id)
        .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .join(Booking, Booking.id == Passenger.booking_id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
        .where(
            or_(Sailing.ends_at < now - RETENTION, StoredFile.keep_until < now), StoredFile.state != FileState.PURGED
        )
        .limit(PURGED_AT_ONCE)
    ).all()
    for file_id in due:
        forget_found(file_id=file_id)
        purge(file_id=file_id, now=now)
    return len(due)


def forget_document_numbers(now: datetime) -> int:
    """Of passengers whose cruise ended RETENTION ago; how many. The booking itself is kept for the accounts."""
    with transaction() as session:
        sailed = select(Booking.id).join(Sailing).where(Sailing.ends_at < now - RETENTION)
        forgotten = session.execute(
            update(Passenger)
            .where(Passenger.booking_id.in_(sailed), Passenger.document_fingerprint.is_distinct_from(""))
            .values(document_number="", document_fingerprint="", document_expires=None)
            .execution_options(synchronize_session=False)
        )
    return cast(CursorResult[Any], forgotten).rowcount


def nothing_left(booking_id: int) -> bool:
    """Every paper that the guests of this booking must hand in is accepted."""
    db.session.flush()
    left = db.session.scalar(
        select(func.count())
        .select_from(ChecklistItem)
        .join(Passenger)
        .where(
            Passenger.booking_id == booking_id,
            ChecklistItem.supplier == Supplier.GUEST,
            ChecklistItem.severity.in_([Severity.BLOCKING, Severity.REQUIRED]),
            ChecklistItem.state.not_in(DECIDED),
        )
    )
    return left == 0


# With the first of these accepted, the application for the visa can go out; the second is the visa itself.
APPLICATIONS = {"form_loi": "visa_tm", "form_tm": "visa_tm"}
DECIDED = (ItemState.ACCEPTED, ItemState.WAIVED, ItemState.NOT_APPLICABLE)


def _tell_of_decision(item: ChecklistItem, state: ItemState) -> None:
    """Others wait while a visa is decided on: from the application until the visa, or until neither is asked for.

    Announces visas.decision_awaited and visas.decision_made.
    """
    visa = APPLICATIONS.get(item.document)
    whose = f"{item.passenger.reference}-{visa or item.document}"
    about: dict[str, int | str] = {"booking_id": item.passenger.booking_id, "about": whose}
    if visa is not None and state is ItemState.ACCEPTED:
        open_visa = select(ChecklistItem.id).where(
            ChecklistItem.passenger_id == item.passenger_id,
            ChecklistItem.document == visa,
            ChecklistItem.state.not_in(DECIDED),
        )
        if db.session.scalars(open_visa).first() is not None:
            announce("visas.decision_awaited", **about)
    elif item.document in APPLICATIONS.values() and state in DECIDED:
        announce("visas.decision_made", **about)


def move_item(item: ChecklistItem, state: ItemState, now: datetime) -> None:
    """Within a transaction that has locked the item. A waiver ends when its item is asked for or judged anew."""
    before = item.state
    if before is ItemState.WAIVED:
        standing = select(Waiver).where(Waiver.item_id == item.id, Waiver.ended_at.is_(None))
        for waiver in db.session.scalars(standing):
            waiver.ended_at = now
    item.move_to(state)
    _tell_of_decision(item, state)
    record_move("paper", f"{item.passenger.reference}-{item.key}"[:40], before, state, now=now)
