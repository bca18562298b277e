"""Who looks at which document now: taken one at a time, given back by itself after CLAIM_TIME."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from portal.accounts.access import GRANTED, Permission
from portal.accounts.models import Account
from portal.booking.models import Booking, Passenger
from portal.catalogue.models import Sailing
from portal.database import db, transaction
from portal.files.models import FileState, StoredFile
from portal.visas.errors import AlreadyDecided, ClaimedByAnother, NotAReviewer, OwnSubmission
from portal.visas.models import ChecklistItem, ItemState, Review, Submission
from portal.visas.review.models import ClaimEnd, LookState, ReviewClaim, SecondLook

CLAIM_TIME = timedelta(minutes=10)  # proposed: a practised reviewer needs two for a passport
MOST_TRIED = 200


@dataclass(frozen=True)
class Wanted:
    """Of which sailing and for which country a reviewer works now; None: of any."""

    sailing: str | None = None
    country: str | None = None


def waiting() -> ColumnElement[bool]:
    """The newest submission of an item in review, not decided."""
    newer, decided = aliased(Submission), aliased(Review)
    return and_(
        ChecklistItem.state == ItemState.IN_REVIEW,
        ~exists().where(decided.submission_id == Submission.id),
        ~exists().where(newer.item_id == Submission.item_id, newer.number > Submission.number),
    )


def in_order(now: datetime) -> tuple[Any, ...]:
    """By risk: what must be in order soonest comes first, but a ship that has left is not waited for."""
    return (Sailing.starts_at <= now, ChecklistItem.due, Submission.submitted_at, Submission.id)


def whole_way(query: Any) -> Any:
    """Of a query of submissions: joined as far as their sailings."""
    return (
        query.join(ChecklistItem, ChecklistItem.id == Submission.item_id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .join(Booking, Booking.id == Passenger.booking_id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
    )


def claim_next(*, reviewer: Account, wanted: Wanted, after: int | None = None, now: datetime) -> str | None:
    """The reference of the most pressing document for this reviewer, taken for CLAIM_TIME; None where nothing waits.

    after: the submission to go on from, which is given back; without it a document that the reviewer has already is
    given again. Documents that wait come first, then second looks. Never one that the reviewer handed in, whose
    booking is his, or that he has decided on himself. Raises NotAReviewer.
    """
    if not reviewer.active or Permission.SUBMISSION_REVIEW not in GRANTED[reviewer.role]:
        raise NotAReviewer
    with transaction() as session:
        release_overdue(now)
        own = _open(ReviewClaim.reviewer_id == reviewer.id)
        if own is not None and after is None and _undecided(own.submission_id):
            own.expires_at = now + CLAIM_TIME
            return own.submission.reference
        if own is not None:
            own.end(ClaimEnd.RELEASED, now)
            session.flush()
        for submission_id, reference in _candidates(reviewer, wanted, after, now):
            try:
                with session.begin_nested():
                    session.add(_claim(submission_id, reviewer, now))
            except IntegrityError:  # a colleague was first
                continue
            return reference
    return None


def take(*, submission_id: int, reviewer: Account, now: datetime) -> None:
    """Take this very document; another one that the reviewer had is given back.

    Raises NotAReviewer, OwnSubmission, AlreadyDecided or ClaimedByAnother.
    """
    if not reviewer.active or Permission.SUBMISSION_REVIEW not in GRANTED[reviewer.role]:
        raise NotAReviewer
    with transaction() as session:
        release_overdue(now)
        submission = session.get_one(Submission, submission_id)
        if is_own(submission, reviewer):
            raise OwnSubmission
        mine = submission.review is not None and submission.review.reviewer_id == reviewer.id
        if mine or not _undecided(submission_id):
            raise AlreadyDecided
        own = _open(ReviewClaim.reviewer_id == reviewer.id)
        if own is not None:
            if own.submission_id == submission_id:
                own.expires_at = now + CLAIM_TIME
                return
            own.end(ClaimEnd.RELEASED, now)
            session.flush()
        session.add(_claim(submission_id, reviewer, now))
        try:
            session.flush()
        except IntegrityError as a_colleague_was_first:
            raise ClaimedByAnother from a_colleague_was_first


def let_go(*, reviewer: Account, now: datetime) -> None:
    """Give back what the reviewer has; colleagues may take it at once."""
    with transaction():
        own = _open(ReviewClaim.reviewer_id == reviewer.id)
        if own is not None:
            own.end(ClaimEnd.RELEASED, now)


def release_overdue(now: datetime) -> int:
    """Give back what was taken CLAIM_TIME ago; how many."""
    with transaction() as session:
        ended = session.execute(
            update(ReviewClaim)
            .where(ReviewClaim.ended_at.is_(None), ReviewClaim.expires_at <= now)
            .values(ended_at=ReviewClaim.expires_at, ending=ClaimEnd.EXPIRED)
            .execution_options(synchronize_session="fetch")
        )
    return cast(CursorResult[Any], ended).rowcount


def end_claim(submission_id: int, reviewer: Account, now: datetime) -> None:
    """Within the transaction of a decision. Raises ClaimedByAnother while a colleague looks at the document."""
    claim = _open(ReviewClaim.submission_id == submission_id)
    if claim is None:
        return
    if claim.reviewer_id != reviewer.id and claim.expires_at > now:
        raise ClaimedByAnother
    claim.end(ClaimEnd.DECIDED if claim.reviewer_id == reviewer.id else ClaimEnd.EXPIRED, now)


def is_own(submission: Submission, reviewer: Account) -> bool:
    """Handed in by the reviewer, or of his own booking."""
    return (
        submission.submitted_by == f"account:{reviewer.id}"
        or submission.item.passenger.booking.customer_id == reviewer.id
    )


def _claim(submission_id: int, reviewer: Account, now: datetime) -> ReviewClaim:
    return ReviewClaim(
        submission_id=submission_id, reviewer_id=reviewer.id, claimed_at=now, expires_at=now + CLAIM_TIME
    )


def _open(condition: ColumnElement[bool]) -> ReviewClaim | None:
    return db.session.scalars(select(ReviewClaim).where(ReviewClaim.ended_at.is_(None), condition)).one_or_none()


def _undecided(submission_id: int) -> bool:
    """A first or a second decision is still to be made."""
    found = db.session.scalar(
        select(Submission.id)
        .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
        .where(Submission.id == submission_id, or_(waiting(), _to_look_at()))
    )
    return found is not None


def _to_look_at() -> ColumnElement[bool]:
    return exists().where(
        Review.submission_id == Submission.id,
        SecondLook.review_id == Review.id,
        SecondLook.state == LookState.WAITING,
        StoredFile.id == Submission.file_id,
        StoredFile.state != FileState.PURGED,
    )


def _candidates(
    reviewer: Account, wanted: Wanted, after: int | None, now: datetime
) -> Sequence[tuple[int, str]]:
    """What may be taken, in order; after a document that was passed over, those behind it first."""
    found = _free(waiting(), reviewer, wanted, now, in_order(now))
    places = [place for place, (submission_id, _reference) in enumerate(found) if submission_id == after]
    if places:
        found = [*found[places[0] + 1 :], *found[: places[0]]]
    if found:
        return found
    decided_by_another = ~exists().where(Review.submission_id == Submission.id, Review.reviewer_id == reviewer.id)
    looks = _free(and_(_to_look_at(), decided_by_another), reviewer, wanted, now, (Submission.id,))
    return [one for one in looks if one[0] != after]


def _free(
    condition: ColumnElement[bool],
    reviewer: Account,
    wanted: Wanted,
    now: datetime,
    order: tuple[Any, ...],
) -> list[tuple[int, str]]:
    taken = exists().where(ReviewClaim.submission_id == Submission.id, ReviewClaim.ended_at.is_(None))
    query = (
        whole_way(select(Submission.id, Submission.reference))
        .join(StoredFile, StoredFile.id == Submission.file_id)
        .where(
            condition,
            StoredFile.state != FileState.RECEIVED,  # shown to nobody until it is scanned
            ~taken,
            Submission.submitted_by != f"account:{reviewer.id}",
            Booking.customer_id.is_distinct_from(reviewer.id),
        )
        .order_by(*order)
        .limit(MOST_TRIED)
    )
    if wanted.sailing:
        query = query.where(Sailing.code == wanted.sailing)
    if wanted.country:
        query = query.where(ChecklistItem.country == wanted.country)
    return [(submission_id, reference) for submission_id, reference in db.session.execute(query)]
