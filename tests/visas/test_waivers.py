"""A lead lets a passenger go without a paper, for reasons that are kept."""

from datetime import date

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.models import Passenger
from portal.database import db
from portal.files.models import FileState, StoredFile
from portal.visas.errors import (
    NotALead,
    NothingToWaive,
    NotNeededAnyMore,
    OwnDecision,
    OwnSubmission,
    WaiverWithoutGrounds,
)
from portal.visas.keeping import RETENTION
from portal.visas.models import ChecklistItem, ItemState, ReturnReason
from portal.visas.queries import papers_summary
from portal.visas.review.models import Waiver
from portal.visas.review.services import purge_evidence, waive
from portal.visas.services import accept, refresh_checklist, send_back, submit_document
from tests.factories import NOON, announced, details, make_account, make_booking, make_season
from tests.files import uploads

pytestmark = pytest.mark.usefixtures("rules", "store")


def make_item(key: str = "visa_tm.TM", customer=None, **given) -> ChecklistItem:
    booking = make_booking(make_season(), passengers=(details(**given),), customer=customer)
    refresh_checklist(booking_id=booking.id, now=NOON)
    return db.session.scalars(
        select(ChecklistItem).where(ChecklistItem.passenger_id == booking.passengers[0].id, ChecklistItem.key == key)
    ).one()


def let_go(item: ChecklistItem, lead=None, **given) -> Waiver:
    return waive(
        **{
            "item_id": item.id,
            "lead": lead or make_account(Role.LEAD),
            "reason": "Crew member of a sister ship.",
            "evidence": "Letter of the Migration Service, 12 February 2024",
            "now": NOON,
        }
        | given
    )


def test_a_waived_paper_is_asked_for_no_more_and_the_guest_is_told():
    item = make_item()
    before = papers_summary(item.passenger.booking_id)[0].done

    let_go(item)

    assert item.state is ItemState.WAIVED
    assert announced()[-1] == "visas.paper_waived"
    assert papers_summary(item.passenger.booking_id)[0].done == before + 1
    with pytest.raises(NotNeededAnyMore):
        submit_document(item_id=item.id, content=uploads.jpeg(), now=NOON)


def test_a_waived_passport_blocks_the_booking_no_more():
    item = make_item("passport", document_expires=date(2024, 6, 1))
    before = papers_summary(item.passenger.booking_id)[0].worst

    let_go(item)

    assert (before, papers_summary(item.passenger.booking_id)[0].worst) == ("blocking", "required")


def test_it_needs_a_lead_a_reason_and_what_it_rests_on():
    item = make_item()

    with pytest.raises(NotALead):
        let_go(item, lead=make_account(Role.REVIEWER))
    for missing in ("reason", "evidence"):
        with pytest.raises(WaiverWithoutGrounds):
            let_go(item, **{missing: "  "})
    assert item.state is ItemState.TODO


def test_never_ones_own_and_never_by_whoever_decided_on_the_paper():
    lead = make_account(Role.LEAD)
    mine, judged = make_item(customer=lead), make_item()
    submission = submit_document(item_id=judged.id, content=uploads.jpeg(), now=NOON)
    send_back(submission_id=submission.id, reviewer=lead, reason=ReturnReason.BLURRED, note=None, now=NOON)

    with pytest.raises(OwnSubmission):
        let_go(mine, lead=lead)
    with pytest.raises(OwnDecision):
        let_go(judged, lead=lead)


def test_what_is_accepted_or_waived_is_not_waived():
    item = make_item()
    submission = submit_document(item_id=item.id, content=uploads.jpeg(), now=NOON)
    accept(submission_id=submission.id, reviewer=make_account(Role.REVIEWER), now=NOON)
    waived = make_item()
    let_go(waived)

    for one in (item, waived):
        with pytest.raises(NothingToWaive):
            let_go(one)


def test_a_waiver_falls_with_what_it_was_given_for():
    item = make_item()
    waiver = let_go(item)
    db.session.get_one(Passenger, item.passenger_id).document_fingerprint = "another passport"
    db.session.commit()

    refresh_checklist(booking_id=item.passenger.booking_id, now=NOON)

    assert (item.state, waiver.ended_at) == (ItemState.TODO, NOON)
    let_go(item)


def test_the_evidence_is_kept_like_a_document_and_forgotten_with_the_others(store):
    item = make_item()

    waiver = let_go(item, content=uploads.jpeg())
    kept = [path for path in store.rglob("*") if path.is_file()]
    purged = purge_evidence(item.passenger.booking.sailing.ends_at + RETENTION * 2)

    assert (len(kept), purged) == (1, 1)
    assert db.session.get_one(StoredFile, waiver.file_id).state is FileState.PURGED
    assert [path for path in store.rglob("*") if path.is_file()] == []
