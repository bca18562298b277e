"""What the bench shows besides the document: who has it, what differs, and how much waits for whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from portal.accounts.models import Account
from portal.booking.models import Booking, Passenger
from portal.catalogue.models import Sailing
from portal.database import db
from portal.files.models import StoredFile
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.text import LocalizedText
from portal.visas.comparison import Verdict
from portal.visas.documents import CATALOGUE
from portal.visas.models import ITEM_MOVES, ChecklistItem, Decision, ItemState, ReadingState, ReturnReason, Review
from portal.visas.models import Submission as Submitted
from portal.visas.queries import RETRY_DAYS, BenchPage, SubmissionView, submission_of
from portal.visas.review.claims import waiting, whole_way
from portal.visas.review.models import ClaimEnd, LookState, ReviewClaim, SecondLook, Waiver

MOST_SUGGESTED = 2
SPELLED = ("surname", "given_names", "number")  # where single letters that differ are marked
MOST_SHOWN = 50


@dataclass(frozen=True)
class ClaimView:
    reviewer: str
    mine: bool
    until: datetime


@dataclass(frozen=True)
class Piece:
    """Some letters of what was read, and whether what was typed has others there."""

    text: str
    differs: bool


@dataclass(frozen=True)
class BenchRow:
    """One field: what was typed, and beside it what was read; texts, country codes and dates in ISO 8601."""

    name: str
    typed: str | None
    read: str | None
    pieces: tuple[Piece, ...]
    verdict: Verdict | None  # None where nothing was read at all


@dataclass(frozen=True)
class LookView:
    """What two reviewers see differently."""

    first: str
    decision: Decision
    reason: ReturnReason | None
    note: str | None
    second: str
    other_decision: Decision
    other_reason: ReturnReason | None
    other_note: str | None


@dataclass(frozen=True)
class Desk:
    """How a document lies before this reviewer."""

    claim: ClaimView | None
    second: bool  # a second look: what the first reviewer said is not shown
    open: bool  # this reviewer may decide now
    waiting: int  # other documents
    suggestions: tuple[ReturnReason, ...]
    guest_language: str
    beside: SubmissionView | None
    rows: tuple[BenchRow, ...]
    slug: str
    waivable: bool
    can_ask_again: bool
    disagreement: LookView | None


def desk(page: BenchPage, reviewer: Account, *, beside: str | None, now: datetime) -> Desk:
    """Four statements at most, beyond those of the page. Raises NotFound for a document of another paper to compare."""
    submission = submission_of(page.submission.reference)
    passenger = submission.item.passenger
    claim = db.session.scalar(
        select(ReviewClaim)
        .where(
            ReviewClaim.submission_id == submission.id,
            ReviewClaim.ended_at.is_(None),
            ReviewClaim.expires_at > now,
        )
        .options(joinedload(ReviewClaim.reviewer))
    )
    look = db.session.scalar(
        select(SecondLook)
        .join(SecondLook.review)
        .where(Review.submission_id == submission.id)
        .options(contains_eager(SecondLook.review).joinedload(Review.reviewer), joinedload(SecondLook.reviewer))
    )
    second = look is not None and look.state is LookState.WAITING and look.review.reviewer_id != reviewer.id
    others = db.session.scalar(
        select(func.count())
        .select_from(Submitted)
        .join(ChecklistItem, ChecklistItem.id == Submitted.item_id)
        .where(waiting(), Submitted.id != submission.id)
    )
    newest = page.submission.number == page.history[-1].number
    return Desk(
        claim=ClaimView(claim.reviewer.name, claim.reviewer_id == reviewer.id, claim.expires_at) if claim else None,
        second=second,
        open=(page.open or second) and (claim is None or claim.reviewer_id == reviewer.id),
        waiting=others or 0,
        suggestions=suggested(page, day_of(now, OFFICE_ZONE)),
        guest_language=passenger.language or passenger.booking.language,
        beside=_beside(page, beside),
        rows=rows_of(page, _typed(passenger)),
        slug=f"{passenger.reference}-{submission.item.key}",
        waivable=ItemState.WAIVED in ITEM_MOVES[submission.item.state],
        can_ask_again=newest and not second and submission.item.state is ItemState.ACCEPTED,
        disagreement=_look_view(look) if look is not None and look.state is LookState.DISAGREED else None,
    )


def _beside(page: BenchPage, reference: str | None) -> SubmissionView | None:
    if reference is None:
        return None
    for one in page.history:
        if one.reference == reference != page.submission.reference:
            return one
    raise NotFound(reference)


def _look_view(look: SecondLook) -> LookView:
    assert look.reviewer is not None
    assert look.decision is not None
    return LookView(
        first=look.review.reviewer.name,
        decision=look.review.decision,
        reason=look.review.reason,
        note=look.review.note,
        second=look.reviewer.name,
        other_decision=look.decision,
        other_reason=look.reason,
        other_note=look.note,
    )


def _typed(passenger: Passenger) -> dict[str, str | None]:
    return {
        "surname": passenger.surname,
        "given_names": passenger.given_names,
        "local_name": passenger.local_name,
        "birth_date": passenger.birth_date.isoformat(),
        "sex": passenger.sex.value if passenger.sex else None,
        "citizenship": passenger.citizenship,
        "document_kind": passenger.document_kind.value if passenger.document_kind else None,
        "number": passenger.document_number,
        "expires": passenger.document_expires.isoformat() if passenger.document_expires else None,
    }


def rows_of(page: BenchPage, typed: Mapping[str, str | None]) -> tuple[BenchRow, ...]:
    """Every field that was typed, in order, with what was read beside it. For other papers the number is masked."""
    read = {row.name: row for row in page.reading.rows} if page.reading else {}
    rows = []
    for name, text in typed.items():
        if name == "local_name" and text is None:
            continue
        found = read.get(name)
        shown = text
        if name == "number" and not page.is_passport:
            shown = f"••••{page.document_ending}" if page.document_ending else None
        different = found is not None and found.verdict is Verdict.DIFFERENT and name in SPELLED
        rows.append(
            BenchRow(
                name=name,
                typed=shown,
                read=found.read if found else None,
                pieces=marked(shown or "", found.read or "") if different and found else (),
                verdict=found.verdict if found else None,
            )
        )
    return tuple(rows)


def marked(typed: str, read: str) -> tuple[Piece, ...]:
    """`read` in pieces, those that are not in `typed` marked; spaces and the case of letters do not count."""
    plain = "".join(typed.upper().split())
    places = SequenceMatcher(None, plain, read.upper(), autojunk=False).get_opcodes()
    return tuple(Piece(read[start:end], kind != "equal") for kind, _i, _j, start, end in places if end > start)


def suggested(page: BenchPage, today: date) -> tuple[ReturnReason, ...]:
    """For what a document like this would be sent back, the likeliest first: what is known to be wrong, else what
    most often is."""
    found: list[ReturnReason] = []
    expiries = [page.document_expires, page.reading.expires if page.reading else None]
    checks = [*page.validity, *(page.reading.validity if page.reading else ())]
    if page.is_passport:
        if any(day is not None and day < today for day in expiries):
            found.append(ReturnReason.EXPIRED)
        elif any(check.met is False for check in checks):
            found.append(ReturnReason.EXPIRES_TOO_EARLY)
        if page.reading and page.reading.differing:
            found.append(ReturnReason.NAME_MISMATCH)
        if page.reading and page.reading.state is ReadingState.NOTHING:
            found.append(ReturnReason.UNREADABLE_MRZ)
    found += [ReturnReason.BLURRED, ReturnReason.CROPPED]
    return tuple(found[:MOST_SUGGESTED])


def taken(references: Sequence[str], reviewer: Account, now: datetime) -> dict[str, ClaimView]:
    """Of these documents those that somebody looks at now. One statement."""
    claims = db.session.scalars(
        select(ReviewClaim)
        .join(ReviewClaim.submission)
        .where(
            ReviewClaim.ended_at.is_(None), ReviewClaim.expires_at > now, Submitted.reference.in_(list(references))
        )
        .options(contains_eager(ReviewClaim.submission), joinedload(ReviewClaim.reviewer))
    )
    return {
        claim.submission.reference: ClaimView(
            claim.reviewer.name, claim.reviewer_id == reviewer.id, claim.expires_at
        )
        for claim in claims
    }


@dataclass(frozen=True)
class ItemHead:
    """A paper of a passenger, as the page of its waiver names it."""

    id: int
    slug: str
    document: LocalizedText
    country: str | None
    passenger: str
    booking: str
    sailing: str
    due: date
    state: ItemState
    waivable: bool


def item_head(slug: str) -> ItemHead:
    """slug: "<passenger>-<key>". Raises NotFound."""
    reference, _dash, key = slug.partition("-")
    item = db.session.scalar(
        select(ChecklistItem)
        .join(ChecklistItem.passenger)
        .where(Passenger.reference == reference, ChecklistItem.key == key)
        .options(contains_eager(ChecklistItem.passenger).joinedload(Passenger.booking).joinedload(Booking.sailing))
    )
    if item is None:
        raise NotFound(slug)
    booking = item.passenger.booking
    return ItemHead(
        id=item.id,
        slug=slug,
        document=CATALOGUE[item.document].name,
        country=item.country,
        passenger=item.passenger.full_name,
        booking=booking.reference,
        sailing=booking.sailing.code,
        due=item.due,
        state=item.state,
        waivable=ItemState.WAIVED in ITEM_MOVES[item.state],
    )


# How much waits, for how long, and who does it

AGES_HOURS = (4, 24, 48, 120)  # bounds of the classes of age; the last is open
DAYS_LOOKED_AT = 7


@dataclass(frozen=True)
class ReviewerLoad:
    name: str
    has_one: bool  # a document is before him now
    today: int
    week: int
    returned: int  # of the week's
    minutes: float | None  # from taking a document to deciding on it, the median
    looked_at: int  # of all his decisions, looked at a second time
    overruled: int  # of them, settled against him


@dataclass(frozen=True)
class SailingLoad:
    code: str
    starts_at: datetime
    waiting: int
    late: int
    tight: int
    first_due: date


@dataclass(frozen=True)
class Disagreement:
    reference: str
    document: LocalizedText
    passenger: str
    look: LookView


@dataclass(frozen=True)
class WaiverRow:
    document: LocalizedText
    country: str | None
    passenger: str
    sailing: str
    lead: str
    reason: str
    evidence: str
    made_at: datetime
    pages: int  # of the evidence as a file; 0 where there is none that can be shown
    id: int


@dataclass(frozen=True)
class LoadPage:
    reviewers: tuple[ReviewerLoad, ...]
    ages: tuple[int, ...]  # how many wait, by AGES_HOURS
    sailings: tuple[SailingLoad, ...]
    looks_waiting: int
    disagreements: tuple[Disagreement, ...]
    waivers: tuple[WaiverRow, ...]

    @property
    def waiting(self) -> int:
        return sum(self.ages)


def load_page(now: datetime) -> LoadPage:
    """Eight statements, however much waits."""
    rows = db.session.execute(
        whole_way(select(Sailing.code, Sailing.starts_at, ChecklistItem.due, Submitted.submitted_at)).where(waiting())
    ).all()
    looks = db.session.scalar(
        select(func.count()).select_from(SecondLook).where(SecondLook.state == LookState.WAITING)
    )
    return LoadPage(
        reviewers=_reviewers(now),
        ages=ages(now - row.submitted_at for row in rows),
        sailings=_by_sailing([(row.code, row.starts_at, row.due) for row in rows], day_of(now, OFFICE_ZONE)),
        looks_waiting=looks or 0,
        disagreements=_disagreements(),
        waivers=_waivers(),
    )


def ages(waited: Iterable[timedelta]) -> tuple[int, ...]:
    """How many in each class of AGES_HOURS."""
    counts = [0] * (len(AGES_HOURS) + 1)
    for time in waited:
        counts[sum(time >= timedelta(hours=bound) for bound in AGES_HOURS)] += 1
    return tuple(counts)


def _by_sailing(rows: Sequence[tuple[str, datetime, date]], today: date) -> tuple[SailingLoad, ...]:
    by_code: dict[tuple[str, datetime], list[date]] = defaultdict(list)
    for code, starts_at, due in rows:
        by_code[code, starts_at].append(due)
    return tuple(
        SailingLoad(
            code=code,
            starts_at=starts_at,
            waiting=len(dues),
            late=sum(due < today for due in dues),
            tight=sum(today <= due <= today + timedelta(RETRY_DAYS) for due in dues),
            first_due=min(dues),
        )
        for (code, starts_at), dues in sorted(by_code.items(), key=lambda entry: min(entry[1]))
    )


def _reviewers(now: datetime) -> tuple[ReviewerLoad, ...]:
    """Whoever has decided anything in DAYS_LOOKED_AT days, or has a document now. Five statements."""
    since, today = now - timedelta(DAYS_LOOKED_AT), day_of(now, OFFICE_ZONE)
    week: dict[int, Counter[str]] = defaultdict(Counter)
    for reviewer_id, decision, reviewed_at in db.session.execute(
        select(Review.reviewer_id, Review.decision, Review.reviewed_at).where(Review.reviewed_at >= since)
    ):
        week[reviewer_id]["all"] += 1
        week[reviewer_id]["returned"] += decision is Decision.RETURNED
        week[reviewer_id]["today"] += day_of(reviewed_at, OFFICE_ZONE) == today
    minutes: dict[int, list[float]] = defaultdict(list)
    for reviewer_id, claimed_at, ended_at in db.session.execute(
        select(ReviewClaim.reviewer_id, ReviewClaim.claimed_at, ReviewClaim.ended_at).where(
            ReviewClaim.ending == ClaimEnd.DECIDED, ReviewClaim.ended_at >= since
        )
    ):
        assert ended_at is not None
        minutes[reviewer_id].append((ended_at - claimed_at).total_seconds() / 60)
    busy = set(
        db.session.scalars(
            select(ReviewClaim.reviewer_id).where(ReviewClaim.ended_at.is_(None), ReviewClaim.expires_at > now)
        )
    )
    judged: dict[int, list[bool]] = defaultdict(list)
    for reviewer_id, decision, settled in db.session.execute(
        select(Review.reviewer_id, Review.decision, SecondLook.settled)
        .join(SecondLook, SecondLook.review_id == Review.id)
        .where(SecondLook.state != LookState.WAITING)
    ):
        judged[reviewer_id].append(settled is not None and settled is not decision)
    accounts = db.session.execute(
        select(Account.id, Account.name).where(Account.id.in_(set(week) | busy)).order_by(Account.name, Account.id)
    )
    return tuple(
        ReviewerLoad(
            name=name,
            has_one=account_id in busy,
            today=week[account_id]["today"],
            week=week[account_id]["all"],
            returned=week[account_id]["returned"],
            minutes=median(minutes[account_id]) if minutes[account_id] else None,
            looked_at=len(judged[account_id]),
            overruled=sum(judged[account_id]),
        )
        for account_id, name in accounts
    )


def _disagreements() -> tuple[Disagreement, ...]:
    second = aliased(Account)
    looks = db.session.scalars(
        select(SecondLook)
        .join(SecondLook.review)
        .join(Review.submission)
        .join(Submitted.item)
        .join(ChecklistItem.passenger)
        .join(second, second.id == SecondLook.reviewer_id)
        .where(SecondLook.state == LookState.DISAGREED)
        .order_by(SecondLook.looked_at, SecondLook.id)
        .limit(MOST_SHOWN)
        .options(
            contains_eager(SecondLook.review)
            .contains_eager(Review.submission)
            .contains_eager(Submitted.item)
            .contains_eager(ChecklistItem.passenger),
            contains_eager(SecondLook.review).joinedload(Review.reviewer),
            contains_eager(SecondLook.reviewer.of_type(second)),
        )
    )
    found = []
    for look in looks:
        item = look.review.submission.item
        found.append(
            Disagreement(
                reference=look.review.submission.reference,
                document=CATALOGUE[item.document].name,
                passenger=item.passenger.full_name,
                look=_look_view(look),
            )
        )
    return tuple(found)


def evidence_of(waiver_id: int) -> StoredFile:
    """Raises NotFound where there is no file, or none any more."""
    file = db.session.scalar(
        select(StoredFile).join(Waiver, Waiver.file_id == StoredFile.id).where(Waiver.id == waiver_id)
    )
    if file is None:
        raise NotFound(waiver_id)
    return file


def _waivers() -> tuple[WaiverRow, ...]:
    """Those that stand, the newest first."""
    standing = db.session.scalars(
        select(Waiver)
        .where(Waiver.ended_at.is_(None))
        .order_by(Waiver.made_at.desc(), Waiver.id.desc())
        .limit(MOST_SHOWN)
        .options(
            joinedload(Waiver.lead),
            joinedload(Waiver.file),
            joinedload(Waiver.item)
            .joinedload(ChecklistItem.passenger)
            .joinedload(Passenger.booking)
            .joinedload(Booking.sailing),
        )
    )
    return tuple(
        WaiverRow(
            document=CATALOGUE[waiver.item.document].name,
            country=waiver.item.country,
            passenger=waiver.item.passenger.full_name,
            sailing=waiver.item.passenger.booking.sailing.code,
            lead=waiver.lead.name,
            reason=waiver.reason,
            evidence=waiver.evidence,
            made_at=waiver.made_at,
            pages=waiver.file.pages if waiver.file and waiver.file.readable else 0,
            id=waiver.id,
        )
        for waiver in standing
    )
