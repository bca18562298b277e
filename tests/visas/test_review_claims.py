"""Who has which document: one each, none twice, given back by itself."""

from contextvars import Context
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from portal.accounts.models import Account, Role
from portal.database import db
from portal.visas.errors import AlreadyDecided, ClaimedByAnother, NotAReviewer, OwnSubmission
from portal.visas.models import ChecklistItem, ReturnReason, Submission
from portal.visas.review.claims import CLAIM_TIME, Wanted, claim_next, let_go, release_overdue, take
from portal.visas.review.models import ClaimEnd, ReviewClaim
from portal.visas.services import accept, refresh_checklist, send_back, submit_document
from tests.factories import NOON, details, make_account, make_booking, make_season
from tests.files import uploads

pytestmark = pytest.mark.usefixtures("rules", "store")
ALL = Wanted()


def make_submission(key: str = "passport", *, days_ahead: int = 90, customer: Account | None = None) -> Submission:
    season = make_season(days_ahead=days_ahead)
    booking = make_booking(season, passengers=(details(),), customer=customer)
    refresh_checklist(booking_id=booking.id, now=NOON)
    item = db.session.scalars(
        select(ChecklistItem).where(ChecklistItem.passenger_id == booking.passengers[0].id, ChecklistItem.key == key)
    ).one()
    return submit_document(item_id=item.id, content=uploads.jpeg((60, 40)), now=NOON)


def claim(reviewer: Account, wanted: Wanted = ALL, *, after: Submission | None = None, now=NOON) -> str | None:
    return claim_next(reviewer=reviewer, wanted=wanted, after=after.id if after else None, now=now)


@pytest.fixture(autouse=True)
def no_second_looks(app):
    """Nothing is drawn by chance into these tests."""
    before = app.config["SECOND_LOOKS_PERCENT"]
    app.config["SECOND_LOOKS_PERCENT"] = 0
    yield
    app.config["SECOND_LOOKS_PERCENT"] = before


@pytest.fixture
def reviewer() -> Account:
    return make_account(Role.REVIEWER)


def test_the_most_pressing_document_is_given_first(reviewer):
    later, sooner = make_submission(days_ahead=120), make_submission(days_ahead=70)

    assert claim(reviewer) == sooner.reference
    assert claim(make_account(Role.REVIEWER)) == later.reference


def test_a_ship_that_has_left_waits_behind_those_that_have_not(reviewer):
    gone, ahead = make_submission(days_ahead=70), make_submission(days_ahead=120)

    assert claim(reviewer, now=NOON + timedelta(days=80)) == ahead.reference
    assert claim(make_account(Role.REVIEWER), now=NOON + timedelta(days=80)) == gone.reference


def test_asked_twice_a_reviewer_keeps_what_he_has(reviewer):
    make_submission(), make_submission()

    assert claim(reviewer) == claim(reviewer)
    assert len(db.session.scalars(select(ReviewClaim)).all()) == 1


def test_passing_on_walks_through_the_queue_and_gives_back(reviewer):
    first, second, third = (make_submission(days_ahead=days) for days in (70, 80, 90))

    walked = [claim(reviewer), claim(reviewer, after=first), claim(reviewer, after=second)]

    assert walked == [one.reference for one in (first, second, third)]
    assert claim(make_account(Role.REVIEWER)) == first.reference


def test_a_reviewer_works_for_one_sailing_or_country(reviewer):
    passport, visa = make_submission(days_ahead=70), make_submission("visa_tm.TM", days_ahead=120)

    assert claim(reviewer, Wanted(country="TM")) == visa.reference
    let_go(reviewer=reviewer, now=NOON)
    assert claim(reviewer, Wanted(sailing=passport.item.passenger.booking.sailing.code)) == passport.reference
    let_go(reviewer=reviewer, now=NOON)
    assert claim(reviewer, Wanted(country="IR")) is None


def test_nobody_is_given_what_he_handed_in_or_booked(reviewer):
    mine = make_submission(customer=reviewer)

    assert claim(reviewer) is None
    with pytest.raises(OwnSubmission):
        take(submission_id=mine.id, reviewer=reviewer, now=NOON)


def test_what_is_left_lying_comes_back_by_itself(reviewer):
    submission = make_submission()
    claim(reviewer)

    early = claim(make_account(Role.REVIEWER), now=NOON + CLAIM_TIME - timedelta(seconds=1))
    released = release_overdue(NOON + CLAIM_TIME)
    again = claim(make_account(Role.REVIEWER), now=NOON + CLAIM_TIME)

    assert (early, released, again) == (None, 1, submission.reference)
    [ended] = db.session.scalars(select(ReviewClaim).where(ReviewClaim.ended_at.is_not(None))).all()
    assert ended.ending is ClaimEnd.EXPIRED


def test_what_a_colleague_has_can_neither_be_taken_nor_decided(reviewer):
    submission, colleague = make_submission(), make_account(Role.REVIEWER)
    take(submission_id=submission.id, reviewer=colleague, now=NOON)

    with pytest.raises(ClaimedByAnother):
        take(submission_id=submission.id, reviewer=reviewer, now=NOON)
    with pytest.raises(ClaimedByAnother):
        accept(submission_id=submission.id, reviewer=reviewer, now=NOON)
    with pytest.raises(ClaimedByAnother):
        send_back(submission_id=submission.id, reviewer=reviewer, reason=ReturnReason.BLURRED, note=None, now=NOON)
    accept(submission_id=submission.id, reviewer=reviewer, now=NOON + CLAIM_TIME)


def test_a_decision_ends_the_claim_and_nothing_decided_is_taken(reviewer):
    submission = make_submission()
    claim(reviewer)

    accept(submission_id=submission.id, reviewer=reviewer, now=NOON)

    assert db.session.scalars(select(ReviewClaim)).one().ending is ClaimEnd.DECIDED
    assert claim(reviewer) is None
    with pytest.raises(AlreadyDecided):
        take(submission_id=submission.id, reviewer=reviewer, now=NOON)


def test_only_reviewers_are_given_documents():
    make_submission()

    with pytest.raises(NotAReviewer):
        claim(make_account(Role.OPERATOR))


def test_reviewers_who_ask_at_once_never_get_the_same_document(app):
    submissions = [make_submission() for _ in range(3)]
    references = {one.reference for one in submissions}
    reviewers = [make_account(Role.REVIEWER).id for _ in range(6)]
    db.session.commit()
    got: list[str | None] = []
    start = Barrier(len(reviewers))

    def ask(account_id: int) -> None:
        with app.app_context():
            account = db.session.get_one(Account, account_id)
            start.wait()
            got.append(claim(account))
            db.session.remove()

    threads = [Thread(target=Context().run, args=(ask, one)) for one in reviewers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    given = [one for one in got if one]
    assert len(got) == len(reviewers)
    assert sorted(given) == sorted(references)
