"""What pages about papers need; nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, func, select, true, union
from sqlalchemy.orm import contains_eager, joinedload

from portal.accounts.models import Account
from portal.booking.details import ending
from portal.booking.models import Booking, BookingState, Passenger, Sex
from portal.booking.queries import known_booking, whole_booking
from portal.catalogue.models import Sailing
from portal.catalogue.queries import SailingView
from portal.database import db
from portal.files.models import READABLE, FileState, StoredFile
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.countries import country_name
from portal.kernel.errors import NotFound
from portal.kernel.parts import part_of
from portal.kernel.text import LocalizedText
from portal.visas.changes import Cause, ItemChange
from portal.visas.comparison import Compared, Typed, Verdict, compare
from portal.visas.documents import CATALOGUE, SOURCES
from portal.visas.keeping import kept_until
from portal.visas.labels import AT_THE_BORDER, BORDERS, ITEM_STATES, ITEM_TONES, REGIMES, WE_ARRANGE
from portal.visas.models import (
    BY_PASSENGER,
    AskedAgain,
    ChecklistChange,
    ChecklistItem,
    Decision,
    ItemState,
    PassportReading,
    ReadingState,
    ReturnReason,
    Review,
    Submission,
)
from portal.visas.mrz import Format
from portal.visas.photo import PHOTO_RULES
from portal.visas.photos import PhotoView, photo_view
from portal.visas.planning import SOON_DAYS, Deadline, deadline
from portal.visas.readings import mrz_of
from portal.visas.review.claims import in_order, waiting
from portal.visas.rules import (
    Border,
    Entry,
    Finding,
    Outcome,
    Reason,
    RequiredItem,
    Rule,
    Traveller,
    ValidityCheck,
    Voyage,
    entries,
    findings,
    judge,
    requirements,
    travellers_of,
    validity_checks,
    voyage_of,
)
from portal.visas.season import USUAL_PASSPORTS, anyone
from portal.visas.services import OPEN, RELYING, live_rules
from portal.visas.terms import Confidence, Regime, Severity, Supplier

# Of whom the cruise page speaks: the passports met most often on the Caspian.
RETRY_DAYS = 3  # proposed: what a guest needs at least to hand in anew what was sent back
QUEUE_ROWS = 100


@dataclass(frozen=True)
class Source:
    key: str
    address: str

    @property
    def site(self) -> str:
        return self.address.split("/")[2].removeprefix("www.")


@dataclass(frozen=True)
class SubmissionView:
    reference: str
    number: int
    submitted_at: datetime
    file_state: FileState
    by_passenger: bool
    decision: Decision | None
    reason: ReturnReason | None
    note: str | None
    reviewed_at: datetime | None

    @property
    def readable(self) -> bool:
        return self.file_state in READABLE

    @property
    def unscanned(self) -> bool:
        """The virus scanner is still to look at it."""
        return self.file_state is FileState.RECEIVED

    @property
    def stopped(self) -> bool:
        """The virus scanner did not let it through."""
        return self.file_state is FileState.REJECTED


@dataclass(frozen=True)
class PaperView:
    """One paper of one passenger as its owner sees it."""

    slug: str
    document: str  # code in documents.json
    passenger: str
    name: LocalizedText
    guidance: LocalizedText
    country: str | None
    entry_number: int | None
    supplier: Supplier
    severity: Severity
    state: ItemState
    reasons: tuple[Reason, ...]
    due: date
    latest: date  # the last day of all
    boards: date
    apply_by: date | None
    as_of: date
    certain: bool
    sources: tuple[Source, ...]
    submissions: tuple[SubmissionView, ...]
    expires: date | None  # of the document itself, where it was typed

    @property
    def from_guest(self) -> bool:
        return self.supplier is Supplier.GUEST

    @property
    def waits_for_guest(self) -> bool:
        return self.from_guest and self.state in (ItemState.TODO, ItemState.CHANGES_REQUESTED)

    @property
    def last_return(self) -> SubmissionView | None:
        """The decision that waits for an answer, if the last document was sent back."""
        last = self.submissions[-1] if self.submissions else None
        return last if last and last.decision is Decision.RETURNED else None

    @property
    def stopped(self) -> bool:
        """The virus scanner stopped the last document."""
        return bool(self.submissions) and self.submissions[-1].stopped

    def deadline_on(self, today: date) -> Deadline | None:
        """None while it waits for nobody."""
        return deadline(self.due, self.latest, self.boards, today) if self.waits_for_guest else None


@dataclass(frozen=True)
class FindingView:
    """What a country asks for; `entries` that ask for the same are told together."""

    entries: tuple[Entry, ...]
    outcome: Outcome
    regime: Regime | None
    border: Border
    certain: bool
    stale: bool
    unknown_because: str | None  # the key of the reason, where a person must decide
    by_analogy: bool
    max_stay_days: int | None
    conditions: LocalizedText | None
    as_of: date | None
    confidence: Confidence | None
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class CountryView:
    country: str
    findings: tuple[FindingView, ...]
    papers: tuple[PaperView, ...]


@dataclass(frozen=True)
class PassengerView:
    reference: str
    name: str
    citizenship: str
    general: tuple[PaperView, ...]
    countries: tuple[CountryView, ...]
    changes: tuple[ChangeView, ...]

    @property
    def papers(self) -> tuple[PaperView, ...]:
        return (*self.general, *(paper for country in self.countries for paper in country.papers))


@dataclass(frozen=True)
class PapersPage:
    booking: str
    sailing: str
    title: LocalizedText
    start_day: date
    open: bool  # papers can be handed in
    kept_until: date  # the last day on which we have what is handed in
    passengers: tuple[PassengerView, ...]


@dataclass(frozen=True)
class PassengerPapers:
    """How far one passenger's papers are: for the page of the booking."""

    booking: str
    reference: str
    passenger_name: str
    total: int  # of what is required of the passenger
    done: int  # of it, accepted
    in_review: int
    returned: int
    next_due: date | None  # of what the passenger must still hand in
    worst: str  # "blocking": something is known to be wrong, or nobody knows yet; else "required"

    @property
    def url(self) -> str:
        return url_for("visas.papers", reference=self.booking, _anchor=f"passenger-{self.reference}")


@dataclass(frozen=True)
class CountryPapers:
    """What a country asks of the usual passports: for the page of a cruise."""

    country: str
    summary: str
    confidence: str  # the least of its rules
    as_of: date  # the oldest of its rules
    source: str
    sources: tuple[Source, ...]


def papers_page(booking_id: int, today: date) -> PapersPage:
    """Whoever calls has checked whose booking it is. Three statements for a known one. Raises NotFound for a draft.

    What is asked is worked out now, from the rules; how far it is stands in the stored items. So the page is right
    even before the worker has written a new booking's checklist.
    """
    booking, voyage, rules = _judged(booking_id)
    items = _items(Passenger.booking_id == booking_id)
    changes = _changes(booking_id)
    return PapersPage(
        booking=booking.reference,
        sailing=booking.sailing.code,
        title=booking.sailing.itinerary.title,
        start_day=voyage.starts,
        open=booking.state in OPEN,
        kept_until=kept_until(booking.sailing.ends_at),
        passengers=tuple(
            _passenger(passenger, traveller, voyage, rules, items, changes.get(passenger.id, ()), today)
            for passenger, traveller in _with_travellers(booking, voyage)
        ),
    )


def paper_of(page: PapersPage, slug: str) -> PaperView:
    """Raises NotFound."""
    for passenger in page.passengers:
        for paper in passenger.papers:
            if paper.slug == slug:
                return paper
    raise NotFound(slug)


def last_photo(paper: PaperView) -> PhotoView | None:
    """How the portrait that was handed in last looks to the program. One statement; none for other papers."""
    if not paper.submissions or paper.document not in PHOTO_RULES or not paper.submissions[-1].readable:
        return None
    last = select(Submission.id).where(Submission.reference == paper.submissions[-1].reference)
    return photo_view(db.session.scalars(last).one(), paper.document)


def item_id_of(booking_id: int, slug: str) -> int | None:
    """The stored item, if the checklist is written already."""
    reference, _dash, key = slug.partition("-")
    return db.session.scalar(
        select(ChecklistItem.id)
        .join(Passenger)
        .where(Passenger.booking_id == booking_id, Passenger.reference == reference, ChecklistItem.key == key)
    )


def submitted_file(booking_id: int, slug: str, number: int, *, to_passenger: bool = False) -> StoredFile:
    """The file of one submission of this booking. Raises NotFound.

    to_passenger: shown to the passenger himself; the one who booked is not shown what came by the passenger's link.
    """
    reference, _dash, key = slug.partition("-")
    file = db.session.scalar(
        select(StoredFile)
        .join(Submission, Submission.file_id == StoredFile.id)
        .join(ChecklistItem)
        .join(Passenger)
        .where(
            Passenger.booking_id == booking_id,
            Passenger.reference == reference,
            ChecklistItem.key == key,
            Submission.number == number,
            true() if to_passenger else ~Submission.submitted_by.startswith(BY_PASSENGER),
        )
    )
    if file is None:
        raise NotFound(slug)
    return file


CHANGES_SHOWN = 20


def untold_changes(booking_id: int, change_id: int) -> Sequence[ChecklistChange]:
    """Of one booking, up to this one, in their order. One statement."""
    return db.session.scalars(
        select(ChecklistChange)
        .join(ChecklistChange.passenger)
        .where(
            Passenger.booking_id == booking_id, ChecklistChange.id <= change_id, ChecklistChange.told_at.is_(None)
        )
        .order_by(Passenger.position, ChecklistChange.id)
        .options(contains_eager(ChecklistChange.passenger))
    ).all()


@dataclass(frozen=True)
class ChangeView:
    """What one working out of a checklist has changed."""

    made_at: datetime
    cause: Cause
    changes: tuple[ItemChange, ...]


def _changes(booking_id: int) -> dict[int, tuple[ChangeView, ...]]:
    """By passenger, the latest first. One statement."""
    found: dict[int, list[ChangeView]] = {}
    for change in db.session.scalars(
        select(ChecklistChange)
        .join(Passenger)
        .where(Passenger.booking_id == booking_id)
        .order_by(ChecklistChange.id.desc())
        .limit(CHANGES_SHOWN)
    ):
        found.setdefault(change.passenger_id, []).append(ChangeView(change.made_at, change.cause, change.changes))
    return {passenger_id: tuple(views) for passenger_id, views in found.items()}


@part_of("booking", "papers")
def papers_summary(booking_id: int) -> tuple[PassengerPapers, ...]:
    """Two statements for a known booking; nothing for a draft or a booking that was given up."""
    try:
        booking, voyage, rules = _judged(booking_id)
    except NotFound:
        return ()
    if booking.state not in OPEN:
        return ()
    states = {
        (item.passenger_id, item.key): item.state
        for item in db.session.scalars(select(ChecklistItem).join(Passenger).where(Passenger.booking_id == booking_id))
    }
    return tuple(
        _summary(passenger, traveller, voyage, rules, states)
        for passenger, traveller in _with_travellers(booking, voyage)
    )


@dataclass(frozen=True)
class OwnPaper:
    """One paper as the passenger's own page lists it."""

    slug: str | None  # where it can be handed in
    name: LocalizedText
    country: str | None
    due: date | None  # while it waits for the passenger
    label: LazyString
    tone: str


@part_of("passenger", "papers")
def own_papers(passenger_id: int) -> tuple[OwnPaper, ...]:
    """What the countries ask of one passenger; nothing for a booking that was given up. Three statements.

    For a passenger whose booking and sailing are loaded already.
    """
    passenger = db.session.get_one(Passenger, passenger_id)
    booking = passenger.booking
    if booking.state not in OPEN:
        return ()
    voyage = voyage_of(booking.sailing)
    items = db.session.scalars(select(ChecklistItem).where(ChecklistItem.passenger_id == passenger_id))
    states = {item.key: item.state for item in items}
    asked = requirements(travellers_of(booking, voyage)[passenger_id], voyage, live_rules(voyage.countries))
    return tuple(_own_paper(passenger, required, states.get(required.key, ItemState.TODO)) for required in asked)


def _own_paper(passenger: Passenger, required: RequiredItem, known: ItemState) -> OwnPaper:
    state = ItemState.TODO if known is ItemState.NOT_APPLICABLE else known  # asked for again
    from_guest, at_border = required.supplier is Supplier.GUEST, required.supplier is Supplier.BORDER
    waits = from_guest and state in (ItemState.TODO, ItemState.CHANGES_REQUESTED)
    return OwnPaper(
        slug=f"{passenger.reference}-{required.key}" if from_guest else None,
        name=CATALOGUE[required.document].name,
        country=required.country,
        due=required.due if waits else None,
        label=ITEM_STATES[state] if from_guest else AT_THE_BORDER if at_border else WE_ARRANGE,
        tone=ITEM_TONES[state] if from_guest else "info",
    )


def _summary(
    passenger: Passenger,
    traveller: Traveller,
    voyage: Voyage,
    rules: Sequence[Rule],
    states: Mapping[tuple[int, str], ItemState],
) -> PassengerPapers:
    asked = [
        (required, states.get((passenger.id, required.key), ItemState.TODO))
        for required in requirements(traveller, voyage, rules)
        if required.supplier is Supplier.GUEST and required.severity in (Severity.REQUIRED, Severity.BLOCKING)
    ]
    waiting = [required.due for required, state in asked if state in (ItemState.TODO, ItemState.CHANGES_REQUESTED)]
    unclear = any(
        finding.outcome in (Outcome.IMPOSSIBLE, Outcome.UNKNOWN) for finding in findings(traveller, voyage, rules)
    )
    blocked = unclear or any(
        required.severity is Severity.BLOCKING and state is not ItemState.WAIVED for required, state in asked
    )
    return PassengerPapers(
        booking=passenger.booking.reference,
        reference=passenger.reference,
        passenger_name=passenger.full_name,
        total=len(asked),
        done=sum(state in RELYING for _required, state in asked),
        in_review=sum(state is ItemState.IN_REVIEW for _required, state in asked),
        returned=sum(state is ItemState.CHANGES_REQUESTED for _required, state in asked),
        next_due=min(waiting, default=None),
        worst=(Severity.BLOCKING if blocked else Severity.REQUIRED).value,
    )


@part_of("cruise", "papers")
def country_papers(sailing: SailingView, citizenship: str | None = None) -> tuple[CountryPapers, ...]:
    """What each country of a sailing asks of the usual passports, or of one. One statement."""
    voyage = voyage_of(sailing)
    if not voyage.international:
        return ()
    rules = live_rules(voyage.countries)
    stays = entries(voyage)
    passports = (citizenship,) if citizenship else USUAL_PASSPORTS
    stays_in = {country: [stay for stay in stays if stay.country == country] for country in voyage.countries}
    papers = (_country_papers(stays_in[country], passports, rules) for country in voyage.countries)
    return tuple(paper for paper in papers if paper)


def _country_papers(stays: Sequence[Entry], passports: Sequence[str], rules: Sequence[Rule]) -> CountryPapers | None:
    """The last stay speaks for the country: where a voyage begins, that is the entry by sea."""
    stay = stays[-1]
    found = [judge(stay, anyone(passport), rules) for passport in passports]
    found = [finding for finding in found if finding.regime is not Regime.OWN_NATIONAL and finding.rule]
    used = [finding.rule for finding in found if finding.rule]
    if not used:
        return None
    by_regime: dict[Regime, list[str]] = {}
    for finding in found:
        if finding.regime:
            by_regime.setdefault(finding.regime, []).append(finding.rule.nationality if finding.rule else "")
    language = str(get_locale().language)
    sentences = [
        _("%(regime)s: citizens of %(countries)s.", regime=REGIMES[regime], countries=_listed(countries, language))
        for regime, countries in by_regime.items()
    ]
    if len(stays) > 1:
        sentences.append(_("You enter it twice on this cruise."))
    sentences += dict.fromkeys(str(BORDERS[finding.border]) for finding in found if finding.border is not Border.OPEN)
    sources = sources_of(key for rule in used for key in rule.sources)
    weakest = max(used, key=lambda rule: list(Confidence).index(rule.confidence))
    return CountryPapers(
        country=stay.country,
        summary=" ".join(sentences),
        confidence=weakest.confidence.value,
        as_of=min(rule.as_of for rule in used),
        source=sources[0].address if sources else str(_("worked out, without a published source")),
        sources=sources,
    )


def _listed(countries: Sequence[str], language: str) -> str:
    return ", ".join(country_name(country, language) for country in countries)


def _judged(booking_id: int) -> tuple[Booking, Voyage, tuple[Rule, ...]]:
    """A booking that was agreed, with the rules of its voyage. One statement for a known booking, else four."""
    booking = known_booking(booking_id) or whole_booking(Booking.id == booking_id)
    if booking is None or booking.state is BookingState.DRAFT:
        raise NotFound(booking_id)
    voyage = voyage_of(booking.voyage)
    return booking, voyage, live_rules(voyage.countries)


def _with_travellers(booking: Booking, voyage: Voyage) -> Iterable[tuple[Passenger, Traveller]]:
    travellers = travellers_of(booking, voyage)
    return ((passenger, travellers[passenger.id]) for passenger in booking.passengers)


def _items(condition: ColumnElement[bool]) -> dict[tuple[int, str], ChecklistItem]:
    """With all that was handed in and decided: one statement."""
    found = db.session.scalars(
        select(ChecklistItem)
        .join(Passenger)
        .where(condition)
        .options(
            joinedload(ChecklistItem.submissions).joinedload(Submission.review),
            joinedload(ChecklistItem.submissions).joinedload(Submission.file),
        )
    ).unique()
    return {(item.passenger_id, item.key): item for item in found}


def _passenger(
    passenger: Passenger,
    traveller: Traveller,
    voyage: Voyage,
    rules: Sequence[Rule],
    items: Mapping[tuple[int, str], ChecklistItem],
    changes: tuple[ChangeView, ...],
    today: date,
) -> PassengerView:
    papers = [
        _paper(passenger, required, items.get((passenger.id, required.key)), voyage.starts)
        for required in requirements(traveller, voyage, rules)
    ]
    found = findings(traveller, voyage, rules)
    return PassengerView(
        reference=passenger.reference,
        name=passenger.full_name,
        citizenship=passenger.citizenship,
        general=tuple(paper for paper in papers if paper.country is None),
        countries=tuple(
            CountryView(
                country=country,
                findings=_together(_finding(finding, today) for finding in found if finding.country == country),
                papers=tuple(paper for paper in papers if paper.country == country),
            )
            for country in voyage.countries
        ),
        changes=changes,
    )


def _paper(passenger: Passenger, required: RequiredItem, item: ChecklistItem | None, boards: date) -> PaperView:
    document = CATALOGUE[required.document]
    state = item.state if item else ItemState.TODO
    return PaperView(
        slug=f"{passenger.reference}-{required.key}",
        document=required.document,
        passenger=passenger.full_name,
        name=document.name,
        guidance=document.guidance,
        country=required.country,
        entry_number=required.entry_number,
        supplier=required.supplier,
        severity=required.severity,
        # Asked for again, though the stored item has not heard of it yet.
        state=ItemState.TODO if state is ItemState.NOT_APPLICABLE else state,
        reasons=required.reasons,
        due=required.due,
        latest=required.latest,
        boards=boards,
        apply_by=required.apply_by,
        as_of=required.as_of,
        certain=required.certain,
        sources=sources_of(required.sources),
        submissions=tuple(_submission(one) for one in item.submissions) if item else (),
        expires=passenger.document_expires if required.document == "passport" else None,
    )


def _submission(submission: Submission) -> SubmissionView:
    review, asked_again = submission.review, submission.asked_again
    why: Review | AskedAgain | None = asked_again or review
    decision = Decision.RETURNED if asked_again else review.decision if review else None
    when = asked_again.asked_at if asked_again else review.reviewed_at if review else None
    return SubmissionView(
        reference=submission.reference,
        number=submission.number,
        submitted_at=submission.submitted_at,
        file_state=submission.file.state,
        by_passenger=submission.by_passenger,
        decision=decision,
        reason=why.reason if why else None,
        note=why.note if why else None,
        reviewed_at=when,
    )


def _finding(finding: Finding, today: date) -> FindingView:
    rule = finding.rule
    return FindingView(
        entries=(finding.entry,),
        outcome=finding.outcome,
        regime=finding.regime,
        border=finding.border,
        certain=finding.certain,
        stale=finding.stale_on(today),
        unknown_because=_unknown_because(finding),
        by_analogy=finding.by_analogy,
        max_stay_days=rule.max_stay_days if rule else None,
        conditions=rule.conditions if rule else None,
        as_of=rule.as_of if rule else None,
        confidence=rule.confidence if rule else None,
        sources=sources_of(rule.sources if rule else ()),
    )


def _unknown_because(finding: Finding) -> str | None:
    if finding.outcome is not Outcome.UNKNOWN:
        return None
    keys = {reason.key for reason in finding.why}
    return next((key for key in ("stays_too_long", "entered_too_often", "list_too_small") if key in keys), "no_rule")


def _together(found: Iterable[FindingView]) -> tuple[FindingView, ...]:
    told: dict[FindingView, tuple[Entry, ...]] = {}
    for view in found:
        same = replace(view, entries=())
        told[same] = (*told.get(same, ()), *view.entries)
    return tuple(replace(view, entries=stays) for view, stays in told.items())


def sources_of(keys: Iterable[str]) -> tuple[Source, ...]:
    """One for each site, in the order of the keys."""
    by_site: dict[str, Source] = {}
    for key in keys:
        source = Source(key, SOURCES.get(key, key))
        by_site.setdefault(source.site, source)
    return tuple(by_site.values())


# The review bench


@dataclass(frozen=True)
class QueueRow:
    reference: str
    document: LocalizedText
    country: str | None
    passenger: str
    citizenship: str
    sailing: str
    starts_at: datetime
    due: date
    submitted_at: datetime
    number: int
    decision: Decision | None

    def risk_on(self, today: date) -> str:
        """ "late", "tight" (sent back today, there is hardly time for another), "soon" or "" """
        if self.due < today:
            return "late"
        if self.due <= today + timedelta(RETRY_DAYS):
            return "tight"
        return "soon" if self.due <= today + timedelta(SOON_DAYS) else ""


@dataclass(frozen=True)
class QueueFilters:
    sailing: str | None = None
    country: str | None = None
    state: str = "waiting"  # "waiting", "accepted", "returned", "all"


@dataclass(frozen=True)
class QueuePage:
    rows: tuple[QueueRow, ...]
    total: int
    filters: QueueFilters
    unscanned: int  # documents that nobody may open before the virus scanner has looked at them
    sailings: tuple[str, ...]
    countries: tuple[str, ...]


@dataclass(frozen=True)
class ReadingView:
    """What a program read in the passport, beside what was typed."""

    state: ReadingState
    rows: tuple[Compared, ...]
    expires: date | None  # as read for certain, and other than typed
    validity: tuple[ValidityCheck, ...]  # by that date
    is_card: bool = False  # of the size of a card, and no passport

    @property
    def differing(self) -> int:
        return sum(row.verdict is Verdict.DIFFERENT for row in self.rows)


@dataclass(frozen=True)
class OtherBooking:
    """Another booking in which a passport of this number was typed or read."""

    reference: str
    sailing: str
    start_day: date
    end_day: date
    at_once: bool  # on days of this cruise, when nobody can sail twice


@dataclass(frozen=True)
class BenchPage:
    """One document beside what was typed and what the rules want."""

    submission: SubmissionView
    submission_id: int
    document: LocalizedText
    guidance: LocalizedText
    is_passport: bool
    country: str | None
    reasons: tuple[Reason, ...]
    severity: Severity
    state: ItemState
    due: date
    pages: int
    media_type: str
    booking: str
    sailing: str
    title: LocalizedText
    start_day: date
    end_day: date
    passenger: str
    local_name: str | None
    birth_date: date
    sex: Sex | None
    citizenship: str
    document_kind: str | None
    document_number: str | None  # whole for the passport alone: other papers are judged without it
    document_ending: str | None
    document_expires: date | None
    validity: tuple[ValidityCheck, ...]
    finding: FindingView | None
    history: tuple[SubmissionView, ...]
    reviewer: str | None
    same_file_elsewhere: int
    reading: ReadingView | None  # of a passport alone
    same_passport: tuple[OtherBooking, ...]  # of a passport alone
    photo: PhotoView | None  # of a portrait alone
    kept_until: date

    @property
    def open(self) -> bool:
        """A decision can be made: none was, and nothing newer came."""
        return (
            self.submission.decision is None
            and self.state is ItemState.IN_REVIEW
            and self.submission.number == self.history[-1].number
        )


def _condition(filters: QueueFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.state == "waiting":
        conditions.append(waiting())
    elif filters.state in ("accepted", "returned"):
        conditions.append(Review.decision == Decision(filters.state))
    if filters.sailing:
        conditions.append(Sailing.code == filters.sailing)
    if filters.country:
        conditions.append(ChecklistItem.country == filters.country)
    return conditions


def queue_page(filters: QueueFilters, now: datetime) -> QueuePage:
    """What waits for a reviewer, the most pressing first. Four statements."""
    whole = (
        select(Submission)
        .join(Submission.item)
        .join(ChecklistItem.passenger)
        .join(Passenger.booking)
        .join(Booking.sailing)
        .outerjoin(Submission.review)
        .where(*_condition(filters))
    )
    total = db.session.scalar(select(func.count()).select_from(whole.subquery())) or 0
    found = db.session.scalars(
        whole.options(
            contains_eager(Submission.item)
            .contains_eager(ChecklistItem.passenger)
            .contains_eager(Passenger.booking)
            .contains_eager(Booking.sailing),
            contains_eager(Submission.review),
        )
        .order_by(*in_order(now))
        .limit(QUEUE_ROWS)
    )
    choices = db.session.execute(
        select(Sailing.code, ChecklistItem.country)
        .select_from(Submission)
        .join(Submission.item)
        .join(ChecklistItem.passenger)
        .join(Passenger.booking)
        .join(Booking.sailing)
        .distinct()
    ).all()
    return QueuePage(
        rows=tuple(_row(submission) for submission in found),
        total=total,
        filters=filters,
        unscanned=db.session.scalar(select(func.count()).where(StoredFile.state == FileState.RECEIVED)) or 0,
        sailings=tuple(sorted({code for code, _country in choices})),
        countries=tuple(sorted({country for _code, country in choices if country})),
    )


def _row(submission: Submission) -> QueueRow:
    item = submission.item
    booking = item.passenger.booking
    return QueueRow(
        reference=submission.reference,
        document=CATALOGUE[item.document].name,
        country=item.country,
        passenger=item.passenger.full_name,
        citizenship=item.passenger.citizenship,
        sailing=booking.sailing.code,
        starts_at=booking.sailing.starts_at,
        due=item.due,
        submitted_at=submission.submitted_at,
        number=submission.number,
        decision=submission.review.decision if submission.review else None,
    )


def submission_of(reference: str) -> Submission:
    """Raises NotFound."""
    submission = db.session.scalar(
        select(Submission).where(Submission.reference == reference).options(joinedload(Submission.file))
    )
    if submission is None:
        raise NotFound(reference)
    return submission


def bench_page(reference: str, today: date) -> BenchPage:
    """Raises NotFound. Thirteen statements at most, however many papers wait."""
    submission = submission_of(reference)
    item = submission.item
    passenger = item.passenger
    booking, voyage, rules = _judged(passenger.booking_id)
    traveller = travellers_of(booking, voyage)[passenger.id]
    found = findings(traveller, voyage, rules)
    history = db.session.scalars(
        select(Submission)
        .where(Submission.item_id == item.id)
        .order_by(Submission.number)
        .options(
            joinedload(Submission.review).joinedload(Review.reviewer), joinedload(Submission.file)
        )
    ).all()
    reviewer: Account | None = submission.review.reviewer if submission.review else None
    asking = next(
        (
            finding
            for finding in found
            if finding.country == item.country and item.entry_number in (None, finding.entry.number)
        ),
        None,
    )
    read = select(PassportReading).where(PassportReading.submission_id == submission.id)
    reading = db.session.scalar(read) if item.document == "passport" else None
    document = CATALOGUE[item.document]
    return BenchPage(
        submission=_submission(submission),
        submission_id=submission.id,
        document=document.name,
        guidance=document.guidance,
        is_passport=item.document == "passport",
        country=item.country,
        reasons=tuple(Reason(**reason) for reason in item.reasons),
        severity=item.severity,
        state=item.state,
        due=item.due,
        pages=submission.file.pages,
        media_type=submission.file.media_type,
        booking=booking.reference,
        sailing=booking.sailing.code,
        title=booking.sailing.itinerary.title,
        start_day=voyage.starts,
        end_day=voyage.ends,
        passenger=passenger.full_name,
        local_name=passenger.local_name,
        birth_date=passenger.birth_date,
        sex=passenger.sex,
        citizenship=passenger.citizenship,
        document_kind=passenger.document_kind,
        document_number=passenger.document_number if item.document == "passport" else None,
        document_ending=ending(passenger.document_number),
        document_expires=passenger.document_expires,
        validity=validity_checks(traveller, voyage, found),
        finding=_finding(asking, today) if asking else None,
        history=tuple(_submission(one) for one in history),
        reviewer=reviewer.name if reviewer else None,
        same_file_elsewhere=_same_file_elsewhere(submission),
        reading=_reading(reading, submission, traveller, voyage, found),
        same_passport=_same_passport(passenger, reading) if item.document == "passport" else (),
        photo=photo_view(submission.id, item.document),
        kept_until=kept_until(booking.sailing.ends_at, submission.file.keep_until),
    )


def _reading(
    reading: PassportReading | None,
    submission: Submission,
    traveller: Traveller,
    voyage: Voyage,
    found: Sequence[Finding],
) -> ReadingView | None:
    if reading is None or reading.state is ReadingState.FORGOTTEN:
        return None
    mrz = mrz_of(reading)
    if mrz is None:
        return ReadingView(reading.state, (), None, ())
    passenger = submission.item.passenger
    rows = compare(
        mrz,
        Typed(
            surname=passenger.surname,
            given_names=passenger.given_names,
            local_surname=passenger.local_surname,
            local_given_names=passenger.local_given_names,
            birth_date=passenger.birth_date,
            sex=passenger.sex,
            citizenship=passenger.citizenship,
            number=passenger.document_number,
            expires=passenger.document_expires,
        ),
    )
    expires = date.fromisoformat(mrz.expires.text) if mrz.expires.text and mrz.expires.certainty.certain else None
    if expires == passenger.document_expires:
        expires = None
    checks = validity_checks(replace(traveller, document_expires=expires), voyage, found) if expires else ()
    return ReadingView(reading.state, rows, expires, checks, is_card=mrz.format is not Format.TD3)


def _same_passport(passenger: Passenger, reading: PassportReading | None) -> tuple[OtherBooking, ...]:
    """Found by the keyed digests of what was typed and of what was read; no number is opened. One statement."""
    digests = {passenger.document_fingerprint, reading.number_fingerprint if reading else None} - {None, ""}
    if not digests:
        return ()
    typed = select(Passenger.booking_id).where(Passenger.document_fingerprint.in_(digests))
    read = (
        select(Passenger.booking_id)
        .join(ChecklistItem, ChecklistItem.passenger_id == Passenger.id)
        .join(Submission, Submission.item_id == ChecklistItem.id)
        .join(PassportReading, PassportReading.submission_id == Submission.id)
        .where(PassportReading.number_fingerprint.in_(digests))
    )
    mine = passenger.booking.sailing
    others = db.session.execute(
        select(Booking.reference, Sailing.code, Sailing.starts_at, Sailing.ends_at)
        .join(Booking.sailing)
        .where(
            Booking.id.in_(union(typed, read).scalar_subquery()),
            Booking.id != passenger.booking_id,
            Booking.state.in_(OPEN),
        )
        .order_by(Sailing.starts_at, Booking.reference)
    )
    office = ZoneInfo(OFFICE_ZONE)
    return tuple(
        OtherBooking(
            reference=reference,
            sailing=code,
            start_day=starts_at.astimezone(office).date(),
            end_day=ends_at.astimezone(office).date(),
            at_once=starts_at <= mine.ends_at and mine.starts_at <= ends_at,
        )
        for reference, code, starts_at, ends_at in others
    )


def _same_file_elsewhere(submission: Submission) -> int:
    """How many other passengers handed in the very same picture: often a mistake, sometimes worse."""
    return (
        db.session.scalar(
            select(func.count(func.distinct(ChecklistItem.passenger_id)))
            .select_from(Submission)
            .join(StoredFile, StoredFile.id == Submission.file_id)
            .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
            .where(
                StoredFile.sha256 == submission.file.sha256,
                ChecklistItem.passenger_id != submission.item.passenger_id,
            )
        )
        or 0
    )


@dataclass(frozen=True)
class PapersBegun:
    """Work on papers that a change of the sailing would touch."""

    passengers: int  # who have handed in at least one document
    submissions: int


@part_of("stop", "papers")
def papers_begun(sailing_id: int) -> PapersBegun:
    """Of the bookings of a sailing that are agreed. One statement."""
    passengers, submissions = db.session.execute(
        select(func.count(Passenger.id.distinct()), func.count(Submission.id.distinct()))
        .select_from(Submission)
        .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .join(Booking, Booking.id == Passenger.booking_id)
        .where(Booking.sailing_id == sailing_id, Booking.state.in_(OPEN))
    ).one()
    return PapersBegun(passengers, submissions)
