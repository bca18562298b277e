"""Second looks at what was decided, and what follows where two reviewers differ."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Account, Role
from portal.database import db
from portal.visas.errors import (
    AlreadyDecided,
    NotALead,
    NoteMissing,
    NothingToAskAgain,
    NothingToSettle,
    OwnDecision,
    OwnSubmission,
)
from portal.visas.models import Decision, ItemState, ReturnReason, Submission
from portal.visas.review.claims import Wanted, claim_next
from portal.visas.review.drawing import OF, drawn_number
from portal.visas.review.models import LookState, SecondLook
from portal.visas.review.queries import load_page
from portal.visas.review.services import ask_again, look_again, settle
from portal.visas.services import accept, send_back, submit_document
from tests.factories import NOON, announced, make_account
from tests.files import uploads
from tests.visas.test_review_claims import make_submission

pytestmark = pytest.mark.usefixtures("rules", "store")


@pytest.fixture(autouse=True)
def every_one(app):
    """Every decision is drawn, unless a test says otherwise."""
    before = app.config["SECOND_LOOKS_PERCENT"]
    app.config["SECOND_LOOKS_PERCENT"] = 100
    yield
    app.config["SECOND_LOOKS_PERCENT"] = before


def decided(decision: Decision = Decision.ACCEPTED, reviewer: Account | None = None, **given) -> Submission:
    submission, reviewer = make_submission(**given), reviewer or make_account(Role.REVIEWER)
    if decision is Decision.ACCEPTED:
        accept(submission_id=submission.id, reviewer=reviewer, now=NOON)
    else:
        send_back(submission_id=submission.id, reviewer=reviewer, reason=ReturnReason.BLURRED, note=None, now=NOON)
    return submission


def second(submission: Submission, decision: Decision, reason: ReturnReason | None = None) -> SecondLook:
    return look_again(
        submission_id=submission.id,
        reviewer=make_account(Role.REVIEWER),
        decision=decision,
        reason=reason,
        now=NOON,
    )


def differing(decision: Decision = Decision.ACCEPTED) -> Submission:
    submission = decided(decision)
    if decision is Decision.ACCEPTED:
        second(submission, Decision.RETURNED, ReturnReason.CROPPED)
    else:
        second(submission, Decision.ACCEPTED)
    return submission


def test_about_one_in_twenty_is_drawn_and_the_draw_can_be_repeated(app):
    numbers = [drawn_number(f"REF{number}") for number in range(4000)]

    assert numbers == [drawn_number(f"REF{number}") for number in range(4000)]
    assert 0.03 < sum(number < OF * 5 // 100 for number in numbers) / 4000 < 0.07


def test_nothing_is_drawn_where_no_share_is_set(app):
    app.config["SECOND_LOOKS_PERCENT"] = 0

    decided()

    assert db.session.scalars(select(SecondLook)).all() == []


def test_a_draw_keeps_its_number():
    submission = decided()

    look = db.session.scalars(select(SecondLook)).one()

    assert (look.draw, look.share) == (drawn_number(submission.reference), OF)


def test_a_second_look_comes_when_nothing_else_waits_and_never_to_the_first_reviewer():
    first = make_account(Role.REVIEWER)
    looked_at = decided(reviewer=first)
    urgent = make_submission()
    colleague = make_account(Role.REVIEWER)

    given = [
        claim_next(reviewer=colleague, wanted=Wanted(), now=NOON),
        claim_next(reviewer=colleague, wanted=Wanted(), after=urgent.id, now=NOON),
    ]
    accept(submission_id=urgent.id, reviewer=first, now=NOON)

    assert given == [urgent.reference, looked_at.reference]
    assert claim_next(reviewer=first, wanted=Wanted(), now=NOON) is None


def test_where_both_agree_nothing_happens():
    look = second(decided(), Decision.ACCEPTED)

    assert look.state is LookState.AGREED


def test_neither_the_first_reviewer_nor_the_guest_looks_again():
    guest, first = make_account(Role.LEAD), make_account(Role.REVIEWER)
    submission = decided(reviewer=first, customer=guest)

    for account, refusal in ((first, OwnDecision), (guest, OwnSubmission)):
        with pytest.raises(refusal):
            look_again(submission_id=submission.id, reviewer=account, decision=Decision.ACCEPTED, now=NOON)


def test_one_second_look_is_enough():
    submission = decided()
    second(submission, Decision.ACCEPTED)

    with pytest.raises(AlreadyDecided):
        second(submission, Decision.RETURNED, ReturnReason.BLURRED)


def test_something_else_needs_a_note_in_a_second_look_too():
    with pytest.raises(NoteMissing):
        second(decided(), Decision.RETURNED, ReturnReason.OTHER)


def test_a_lead_who_sides_with_the_second_has_the_paper_asked_for_again():
    submission = differing()

    settle(submission_id=submission.id, lead=make_account(Role.LEAD), decision=Decision.RETURNED, now=NOON)

    assert submission.item.state is ItemState.CHANGES_REQUESTED
    assert submission.asked_again.reason is ReturnReason.CROPPED
    assert announced()[-1] == "visas.asked_again"


def test_a_lead_who_sides_with_the_first_changes_nothing():
    submission = differing()

    look = settle(submission_id=submission.id, lead=make_account(Role.LEAD), decision=Decision.ACCEPTED, now=NOON)

    assert (look.state, submission.item.state) == (LookState.SETTLED, ItemState.ACCEPTED)
    assert submission.asked_again is None


def test_what_was_sent_back_wrongly_is_accepted_after_all():
    submission = differing(Decision.RETURNED)

    settle(submission_id=submission.id, lead=make_account(Role.LEAD), decision=Decision.ACCEPTED, now=NOON)

    assert submission.item.state is ItemState.ACCEPTED


def test_what_the_guest_handed_in_since_is_not_touched():
    submission = differing(Decision.RETURNED)
    submit_document(item_id=submission.item_id, content=uploads.jpeg((50, 40)), now=NOON)

    settle(submission_id=submission.id, lead=make_account(Role.LEAD), decision=Decision.ACCEPTED, now=NOON)

    assert submission.item.state is ItemState.IN_REVIEW


def test_only_a_lead_who_has_not_decided_settles():
    lead = make_account(Role.LEAD)
    submission = decided(reviewer=lead)
    second(submission, Decision.RETURNED, ReturnReason.BLURRED)

    with pytest.raises(NotALead):
        settle(
            submission_id=submission.id, lead=make_account(Role.REVIEWER), decision=Decision.ACCEPTED, now=NOON
        )
    with pytest.raises(OwnDecision):
        settle(submission_id=submission.id, lead=lead, decision=Decision.ACCEPTED, now=NOON)
    with pytest.raises(NothingToSettle):
        settle(
            submission_id=decided().id, lead=make_account(Role.LEAD), decision=Decision.ACCEPTED, now=NOON
        )


def test_an_accepted_document_is_asked_for_again_and_the_guest_hands_in_another():
    submission = decided()

    ask_again(
        submission_id=submission.id,
        reviewer=make_account(Role.REVIEWER),
        reason=ReturnReason.OTHER,
        note="A newer one.",
        now=NOON,
    )
    newer = submit_document(item_id=submission.item_id, content=uploads.jpeg((50, 40)), now=NOON)

    assert newer.item.state is ItemState.IN_REVIEW
    with pytest.raises(NothingToAskAgain):
        ask_again(
            submission_id=newer.id, reviewer=make_account(Role.REVIEWER), reason=ReturnReason.BLURRED, now=NOON
        )


def test_the_load_counts_who_did_what_and_how_long_it_took():
    reviewer = make_account(Role.REVIEWER, name="Rena")
    submission = make_submission()
    claim_next(reviewer=reviewer, wanted=Wanted(), now=NOON)
    accept(submission_id=submission.id, reviewer=reviewer, now=NOON + timedelta(minutes=2))
    second(submission, Decision.RETURNED, ReturnReason.BLURRED)
    settle(submission_id=submission.id, lead=make_account(Role.LEAD), decision=Decision.RETURNED, now=NOON)
    make_submission(days_ahead=120)

    page = load_page(NOON + timedelta(hours=30))

    [row] = page.reviewers
    assert (row.name, row.week, row.returned, row.minutes, row.looked_at, row.overruled) == ("Rena", 1, 0, 2, 1, 1)
    assert page.ages == (0, 0, 1, 0, 0)
    assert [(one.waiting, one.late) for one in page.sailings] == [(1, 0)]
    assert (page.looks_waiting, page.disagreements) == (0, ())
