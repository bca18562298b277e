"""Checklists follow bookings, sailings and passengers, and are decided by people."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.models import Booking, BookingState
from portal.catalogue.models import CallState, Sailing
from portal.database import db, transaction
from portal.files.errors import FileDamaged, KindNotTaken
from portal.files.models import FileState, StoredFile
from portal.kernel.acting import acting
from portal.outbox.models import OutboxMessage, OutgoingMail
from portal.outbox.services import announce, follow_up
from portal.visas import tasks
from portal.visas.errors import (
    AlreadyAccepted,
    AlreadyDecided,
    NewerSubmission,
    NotAReviewer,
    NoteMissing,
    NotFromGuests,
    NotNeededAnyMore,
    OwnSubmission,
    PapersClosed,
    PassportNotTyped,
    PassportWillNotDo,
)
from portal.visas.models import ChecklistItem, Decision, ItemState, ReturnReason, Review, Submission
from portal.visas.services import (
    APPLICATIONS,
    RETENTION,
    accept,
    forget_document_numbers,
    purge_after_cruise,
    refresh_checklist,
    send_back,
    submit_document,
)
from tests.factories import NOON, announced, details, make_account, make_booking, make_season
from tests.files import uploads

pytestmark = pytest.mark.usefixtures("rules", "store")


def make_checked_booking(**given) -> Booking:
    booking = make_booking(make_season(), passengers=(details(**given),))
    refresh_checklist(booking_id=booking.id, now=NOON)
    return booking


def items_of(booking: Booking) -> dict[str, ChecklistItem]:
    db.session.expire_all()
    return {item.key: item for item in db.session.scalars(select(ChecklistItem).order_by(ChecklistItem.id))}


def item_of(booking: Booking, key: str = "passport") -> ChecklistItem:
    return items_of(booking)[key]


def hand_in(item: ChecklistItem, content: bytes = b"") -> Submission:
    return submit_document(item_id=item.id, content=content or uploads.jpeg((300, 200)), now=NOON)


def make_reviewer():
    return make_account(Role.REVIEWER)


def entries_of(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def mails(template: str) -> list[OutgoingMail]:
    return list(db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith(template))))


# The checklist


def test_a_placed_booking_gets_its_checklist_from_the_worker():
    booking = make_booking(make_season())

    follow_up()

    keys = [item.key for item in db.session.scalars(select(ChecklistItem)) if item.passenger.position == 1]
    assert {"passport", "visa_tm.TM", "loi.TM"} <= set(keys)
    assert all(item.state is ItemState.TODO for item in db.session.scalars(select(ChecklistItem)))
    assert booking.state is BookingState.PENDING


def test_refreshing_twice_changes_nothing():
    booking = make_checked_booking()
    before = {key: (item.id, item.state, item.due, item.basis) for key, item in items_of(booking).items()}

    refresh_checklist(booking_id=booking.id, now=NOON + timedelta(hours=1))

    assert {key: (item.id, item.state, item.due, item.basis) for key, item in items_of(booking).items()} == before
    assert entries_of("paper.todo") == []


def test_a_cancelled_call_makes_its_papers_not_applicable_and_keeps_what_was_handed_in():
    booking = make_checked_booking()
    submission = hand_in(item_of(booking, "visa_tm.TM"))
    with transaction():
        booking.sailing.calls[1].state = CallState.CANCELLED

    refresh_checklist(booking_id=booking.id, now=NOON)

    assert item_of(booking, "visa_tm.TM").state is ItemState.NOT_APPLICABLE
    assert item_of(booking, "form_loi.TM").state is ItemState.NOT_APPLICABLE
    assert db.session.get(Submission, submission.id) is not None
    assert db.session.get_one(StoredFile, submission.file_id).readable


def test_a_call_that_comes_back_asks_for_its_papers_again():
    booking = make_checked_booking()
    with transaction():
        booking.sailing.calls[1].state = CallState.CANCELLED
    refresh_checklist(booking_id=booking.id, now=NOON)
    with transaction():
        booking.sailing.calls[1].state = CallState.PLANNED

    refresh_checklist(booking_id=booking.id, now=NOON)

    assert item_of(booking, "visa_tm.TM").state is ItemState.TODO


def test_another_passport_undoes_the_acceptance_of_the_old_one():
    booking = make_checked_booking()
    accept(submission_id=hand_in(item_of(booking)).id, reviewer=make_reviewer(), now=NOON)
    with transaction():
        booking.passengers[0].document_fingerprint = "another"

    refresh_checklist(booking_id=booking.id, now=NOON)

    assert item_of(booking).state is ItemState.TODO
    assert [(e.from_state, e.to_state) for e in entries_of("paper.todo")] == [("accepted", "todo")]


def test_a_later_sailing_undoes_what_was_accepted_for_its_dates_but_not_a_photo():
    booking = make_checked_booking()
    reviewer = make_reviewer()
    for key in ("visa_tm.TM", "photo_tm_visa.TM"):
        accept(submission_id=hand_in(item_of(booking, key)).id, reviewer=reviewer, now=NOON)
    with transaction():
        sailing = booking.sailing
        for call in sailing.calls:
            call.arrives_at = call.arrives_at and call.arrives_at + timedelta(days=3)
            call.departs_at = call.departs_at and call.departs_at + timedelta(days=3)
        sailing.starts_at += timedelta(days=3)
        sailing.ends_at += timedelta(days=3)

    refresh_checklist(booking_id=booking.id, now=NOON)

    assert item_of(booking, "visa_tm.TM").state is ItemState.TODO
    assert item_of(booking, "photo_tm_visa.TM").state is ItemState.ACCEPTED


@pytest.mark.parametrize("batch", [1, 10])
def test_a_change_of_the_sailing_reaches_every_booking_of_it(monkeypatch, batch):
    """However many are done in one transaction."""
    monkeypatch.setattr(tasks, "BATCH", batch)
    season = make_season()
    bookings = [make_booking(season, cabin=cabin) for cabin in (0, 1)]
    follow_up()
    with transaction():
        season.sailing.calls[1].state = CallState.CANCELLED
        announce("catalogue.sailing_changed", sailing_id=season.sailing.id)

    follow_up()

    visas = db.session.scalars(select(ChecklistItem).where(ChecklistItem.key == "visa_tm.TM")).all()
    assert len(visas) == sum(len(booking.passengers) for booking in bookings)
    assert {item.state for item in visas} == {ItemState.NOT_APPLICABLE}


# Handing in


def test_a_document_is_kept_encrypted_and_waits_for_a_reviewer(store):
    item = item_of(make_checked_booking())

    submission = hand_in(item)

    assert item.state is ItemState.IN_REVIEW
    assert (submission.number, submission.submitted_by) == (1, acting.get())
    [path] = [path for path in store.rglob("*") if path.is_file()]
    assert not path.read_bytes().startswith(b"\xff\xd8")
    assert "visas.document_submitted" in announced()
    assert len(entries_of("paper.submitted")) == 1


@pytest.mark.parametrize(
    ("content", "refusal"), [(b"not a picture", KindNotTaken), (uploads.jpeg()[:3000], FileDamaged)]
)
def test_a_file_that_is_refused_leaves_nothing_behind(store, content, refusal):
    item = item_of(make_checked_booking())

    with pytest.raises(refusal):
        hand_in(item, content)

    assert [path for path in store.rglob("*") if path.is_file()] == []
    assert db.session.scalars(select(StoredFile)).all() == []
    assert item.state is ItemState.TODO


def test_a_newer_document_takes_the_place_of_one_that_still_waits():
    booking = make_checked_booking()
    first = hand_in(item_of(booking))

    second = hand_in(item_of(booking))

    assert second.number == 2
    assert db.session.get_one(StoredFile, first.file_id).state is FileState.SUPERSEDED
    with pytest.raises(NewerSubmission):
        accept(submission_id=first.id, reviewer=make_reviewer(), now=NOON)


def test_nothing_is_handed_in_for_what_is_accepted_arranged_by_us_or_no_longer_needed(store):
    booking = make_checked_booking()
    accept(submission_id=hand_in(item_of(booking)).id, reviewer=make_reviewer(), now=NOON)
    kept = len([path for path in store.rglob("*") if path.is_file()])

    with pytest.raises(AlreadyAccepted):
        hand_in(item_of(booking))
    with pytest.raises(NotFromGuests):
        hand_in(item_of(booking, "loi.TM"))
    with transaction():
        item_of(booking, "form_tm.TM").state = ItemState.NOT_APPLICABLE
    with pytest.raises(NotNeededAnyMore):
        hand_in(item_of(booking, "form_tm.TM"))
    with transaction():
        booking.state = BookingState.CANCELLED
    with pytest.raises(PapersClosed):
        hand_in(item_of(booking, "visa_tm.TM"))
    assert len([path for path in store.rglob("*") if path.is_file()]) == kept


# Deciding


def test_an_accepted_document_settles_its_item():
    submission = hand_in(item_of(make_checked_booking()))
    reviewer = make_reviewer()

    review = accept(submission_id=submission.id, reviewer=reviewer, now=NOON)

    assert (review.decision, review.reviewer_id) == (Decision.ACCEPTED, reviewer.id)
    assert submission.item.state is ItemState.ACCEPTED
    assert "visas.document_accepted" in announced()


def test_the_guest_reads_the_reason_in_his_own_language_and_hands_in_again():
    booking = make_booking(make_season(), passengers=(details(),), language="ru")
    refresh_checklist(booking_id=booking.id, now=NOON)
    submission = hand_in(item_of(booking))

    send_back(
        submission_id=submission.id,
        reviewer=make_reviewer(),
        reason=ReturnReason.BLURRED,
        note="Снимите при дневном свете",
        now=NOON,
    )
    follow_up()
    again = hand_in(item_of(booking))

    [mail] = mails("visas.returned")
    assert (mail.recipient, mail.language) == ("anna@example.org", "ru")
    assert "Паспорт" in mail.subject
    assert "Снимите при дневном свете" in mail.text
    assert "Снимите при дневном свете" in mail.html
    assert booking.passengers[0].document_number not in mail.text + mail.html
    assert again.number == 2
    assert item_of(booking).state is ItemState.IN_REVIEW


def test_the_last_acceptance_is_told_once():
    booking = make_checked_booking()
    reviewer = make_reviewer()
    asked = [i for i in items_of(booking).values() if i.supplier == "guest" and i.severity == "required"]
    for item in asked:
        accept(submission_id=hand_in(item).id, reviewer=reviewer, now=NOON)

    follow_up()
    follow_up()

    assert announced().count("visas.papers_accepted") == 1
    assert len(mails("visas.all_accepted")) == 1


def test_only_a_reviewer_decides_and_never_on_his_own():
    booking = make_checked_booking()
    reviewer = make_reviewer()
    acting_before = acting.set(f"account:{reviewer.id}")
    submission = hand_in(item_of(booking))
    acting.reset(acting_before)

    with pytest.raises(OwnSubmission):
        accept(submission_id=submission.id, reviewer=reviewer, now=NOON)
    for role in (Role.CUSTOMER, Role.OPERATOR, Role.FINANCE):
        with pytest.raises(NotAReviewer):
            accept(submission_id=submission.id, reviewer=make_account(role), now=NOON)
    assert submission.item.state is ItemState.IN_REVIEW


def test_the_database_itself_keeps_a_reviewer_from_his_own_submission():
    reviewer = make_reviewer()
    acting_before = acting.set(f"account:{reviewer.id}")
    submission = hand_in(item_of(make_checked_booking()))
    acting.reset(acting_before)

    with pytest.raises(IntegrityError), transaction() as session:
        session.add(
            Review(
                submission_id=submission.id, reviewer_id=reviewer.id, decision=Decision.ACCEPTED, reviewed_at=NOON
            )
        )


def test_a_reviewer_who_travels_on_the_booking_does_not_decide_on_it():
    reviewer = make_reviewer()
    booking = make_booking(make_season(), passengers=(details(),), customer=reviewer)
    refresh_checklist(booking_id=booking.id, now=NOON)

    with pytest.raises(OwnSubmission):
        accept(submission_id=hand_in(item_of(booking)).id, reviewer=reviewer, now=NOON)


def test_the_second_of_two_reviewers_is_told_that_it_is_decided():
    submission = hand_in(item_of(make_checked_booking()))
    accept(submission_id=submission.id, reviewer=make_reviewer(), now=NOON)

    with pytest.raises(AlreadyDecided):
        send_back(
            submission_id=submission.id, reviewer=make_reviewer(), reason=ReturnReason.BLURRED, note=None, now=NOON
        )

    assert submission.item.state is ItemState.ACCEPTED
    assert len(db.session.scalars(select(Review)).all()) == 1


def test_a_decision_is_never_changed():
    submission = hand_in(item_of(make_checked_booking()))
    accept(submission_id=submission.id, reviewer=make_reviewer(), now=NOON)

    for statement in ("UPDATE review SET note = 'other'", "DELETE FROM review"):
        with pytest.raises(IntegrityError, match="append-only"), transaction() as session:
            session.execute(text(statement))


def test_a_reason_without_words_needs_a_note():
    submission = hand_in(item_of(make_checked_booking()))

    with pytest.raises(NoteMissing):
        send_back(submission_id=submission.id, reviewer=make_reviewer(), reason=ReturnReason.OTHER, note=" ", now=NOON)

    assert submission.item.state is ItemState.IN_REVIEW


def test_a_passport_that_expires_too_early_cannot_be_accepted():
    booking = make_checked_booking(document_expires=date(2024, 6, 1))
    submission = hand_in(item_of(booking))

    with pytest.raises(PassportWillNotDo):
        accept(submission_id=submission.id, reviewer=make_reviewer(), now=NOON)


def test_a_passport_is_not_accepted_before_its_number_was_typed():
    booking = make_checked_booking(document_number=None)
    submission = hand_in(item_of(booking))

    with pytest.raises(PassportNotTyped):
        accept(submission_id=submission.id, reviewer=make_reviewer(), now=NOON)

    assert submission.item.state is ItemState.IN_REVIEW


def test_documents_are_forgotten_some_time_after_the_cruise_and_not_before(rules, store):
    booking = make_checked_booking()
    submission = hand_in(item_of(booking))
    ends = db.session.get_one(Sailing, booking.sailing_id).ends_at

    assert purge_after_cruise(ends + RETENTION) == 0
    assert purge_after_cruise(ends + RETENTION + timedelta(days=1)) == 1
    assert purge_after_cruise(ends + RETENTION + timedelta(days=1)) == 0

    assert [path for path in store.rglob("*") if path.is_file()] == []
    assert db.session.get_one(Submission, submission.id).file.state is FileState.PURGED


def test_document_numbers_are_forgotten_with_the_documents(rules, store):
    booking = make_checked_booking(document_number="758123456")
    ends = db.session.get_one(Sailing, booking.sailing_id).ends_at

    assert forget_document_numbers(ends + RETENTION) == 0
    assert forget_document_numbers(ends + RETENTION + timedelta(days=1)) == 1
    assert forget_document_numbers(ends + RETENTION + timedelta(days=1)) == 0

    db.session.expire_all()
    assert [passenger.document_number for passenger in booking.passengers] == [""]


def test_others_wait_from_the_application_for_a_visa_until_the_visa_is_there():
    booking = make_checked_booking()
    reviewer = make_reviewer()
    about = f"{booking.passengers[0].reference}-visa_tm"
    form = next(item for item in items_of(booking).values() if item.document in APPLICATIONS)
    accept(submission_id=hand_in(item_of(booking)).id, reviewer=reviewer, now=NOON)
    accept(submission_id=hand_in(form).id, reviewer=reviewer, now=NOON)
    assert told("visas.decision_awaited") == [{"booking_id": booking.id, "about": about}]

    visa = next(item for item in items_of(booking).values() if item.document == "visa_tm")
    accept(submission_id=hand_in(visa).id, reviewer=reviewer, now=NOON)

    assert told("visas.decision_made") == [{"booking_id": booking.id, "about": about}]


def told(topic: str) -> list[dict[str, object]]:
    return list(db.session.scalars(select(OutboxMessage.payload).where(OutboxMessage.topic == topic)))
