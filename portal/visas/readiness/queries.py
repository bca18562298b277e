"""The board of a sailing: ready by country, who is late, whom to call next; nothing here writes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.booking.models import BookedCabin, Booking, Passenger
from portal.catalogue.models import Sailing
from portal.catalogue.queries import sailing_with_calls
from portal.database import db
from portal.inventory.models import Occupancy
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.errors import NotFound
from portal.kernel.text import LocalizedText
from portal.visas.documents import CATALOGUE
from portal.visas.models import ChecklistItem, Decision, ItemState, Review, Submission
from portal.visas.planning import BUFFER_DAYS
from portal.visas.readiness.board import (
    WINDOW_DAYS,
    Paper,
    Prediction,
    Ready,
    predict,
    readiness,
    trial,
    unclear_countries,
    without,
)
from portal.visas.rules import Rule, Traveller, Voyage, travellers_of, voyage_of
from portal.visas.services import OPEN, live_rules
from portal.visas.terms import Severity

CALLS_SHOWN = 30


@dataclass(frozen=True)
class CountryRow:
    country: str
    first_day: date
    passengers: int
    by: Mapping[Ready, int]
    late: int  # passengers of whom something was due before today
    prediction: Prediction

    @property
    def ready(self) -> int:
        return self.by.get(Ready.READY, 0)


@dataclass(frozen=True)
class CallRow:
    """A party to speak with: who answers for it, what is missing, and since when."""

    booking: str
    contact: str
    phone: str | None
    email: str | None
    language: str
    missing: tuple[tuple[str, LocalizedText, str | None], ...]  # passenger, document, country
    due: date
    returned: bool  # something came back: they may not know what to do
    blocked: bool


@dataclass(frozen=True)
class PaperCount:
    document: LocalizedText
    country: str | None
    passengers: int
    have: int


@dataclass(frozen=True)
class TrialView:
    port: str
    name: LocalizedText
    dropped: tuple[PaperCount, ...]
    added: tuple[PaperCount, ...]
    cleared: int
    ready_before: int
    ready_after: int


@dataclass(frozen=True)
class BoardPage:
    code: str
    title: LocalizedText
    zone: str
    starts_at: datetime
    cutoff: date
    days: int  # until the cutoff; below zero once it has passed
    passengers: int
    ready: int
    countries: tuple[CountryRow, ...]
    whole: Prediction
    calls: tuple[CallRow, ...]
    more_calls: int
    ports: tuple[tuple[str, LocalizedText], ...]  # that could be left out
    trial: TrialView | None


def board_page(code: str, today: date, *, skip: str | None = None) -> BoardPage:
    """Raises NotFound for a sailing that is not there, and a port that cannot be left out. Nine statements at most."""
    sailing = sailing_with_calls(code)
    bookings = _bookings(sailing.id)
    whole = voyage_of(sailing)
    rules = live_rules(whole.countries)
    travellers: dict[int, tuple[Traveller, Voyage]] = {}
    for booking in bookings:
        voyage = voyage_of(booking.voyage)
        for passenger_id, traveller in travellers_of(booking, voyage).items():
            travellers[passenger_id] = (traveller, voyage)
    papers = _papers(sailing.id)
    cutoff = whole.starts - timedelta(BUFFER_DAYS)
    accepted = _accepted(sailing.id, today)
    unclear = _unclear(travellers, rules)
    to_call = _to_call(bookings, papers, unclear, today)
    ports = _ports(sailing, whole)
    if skip is not None and skip not in dict(ports):
        raise NotFound(skip)
    return BoardPage(
        code=sailing.code,
        title=sailing.itinerary.title,
        zone=sailing.calls[0].port.zone,
        starts_at=sailing.starts_at,
        cutoff=cutoff,
        days=(cutoff - today).days,
        passengers=len(travellers),
        ready=sum(readiness(papers[one], bool(unclear[one])) is Ready.READY for one in travellers),
        countries=tuple(
            _country(country, whole, travellers, papers, unclear, accepted, today, cutoff)
            for country in whole.countries
            if whole.international
        ),
        whole=predict(
            left=sum(paper.left for one in travellers for paper in papers[one]),
            accepted=sum(accepted.values()),
            today=today,
            cutoff=cutoff,
        ),
        calls=tuple(to_call[:CALLS_SHOWN]),
        more_calls=max(0, len(to_call) - CALLS_SHOWN),
        ports=ports,
        trial=_trial(skip, dict(ports)[skip], travellers, papers, rules) if skip is not None else None,
    )


def _bookings(sailing_id: int) -> Sequence[Booking]:
    return db.session.scalars(
        select(Booking)
        .where(Booking.sailing_id == sailing_id, Booking.state.in_(OPEN))
        .order_by(Booking.id)
        .options(
            joinedload(Booking.sailing),
            selectinload(Booking.passengers),
            selectinload(Booking.cabins).joinedload(BookedCabin.occupancy).joinedload(Occupancy.part),
        )
    ).all()


def _papers(sailing_id: int) -> dict[int, list[Paper]]:
    """By passenger, of those who travel. One statement."""
    found: dict[int, list[Paper]] = defaultdict(list)
    for row in db.session.execute(
        select(
            ChecklistItem.passenger_id,
            ChecklistItem.document,
            ChecklistItem.country,
            ChecklistItem.supplier,
            ChecklistItem.severity,
            ChecklistItem.state,
            ChecklistItem.due,
        )
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .join(Booking, Booking.id == Passenger.booking_id)
        .where(
            Booking.sailing_id == sailing_id,
            Booking.state.in_(OPEN),
            Passenger.left_at.is_(None),
            ChecklistItem.state != ItemState.NOT_APPLICABLE,
        )
        .order_by(ChecklistItem.due, ChecklistItem.id)
    ):
        found[row.passenger_id].append(Paper(*row))
    return found


def _accepted(sailing_id: int, today: date) -> Counter[str | None]:
    """Papers accepted in the last WINDOW_DAYS, by country. One statement."""
    since = datetime.combine(today - timedelta(WINDOW_DAYS), time(), ZoneInfo(OFFICE_ZONE))
    rows = db.session.execute(
        select(ChecklistItem.country, func.count())
        .select_from(Review)
        .join(Submission, Submission.id == Review.submission_id)
        .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
        .join(Passenger, Passenger.id == ChecklistItem.passenger_id)
        .join(Booking, Booking.id == Passenger.booking_id)
        .where(Booking.sailing_id == sailing_id, Review.decision == Decision.ACCEPTED, Review.reviewed_at >= since)
        .group_by(ChecklistItem.country)
    )
    return Counter({row[0]: row[1] for row in rows})


def _unclear(
    travellers: Mapping[int, tuple[Traveller, Voyage]], rules: Sequence[Rule]
) -> dict[int, frozenset[str]]:
    """Those who would get the same answer are judged once."""
    known: dict[object, frozenset[str]] = {}
    found = {}
    for passenger_id, (traveller, voyage) in travellers.items():
        alike = (traveller.citizenship, tuple(sorted(traveller.group_lists.items())), voyage)
        if alike not in known:
            known[alike] = unclear_countries(traveller, voyage, rules)
        found[passenger_id] = known[alike]
    return found


def _country(
    country: str,
    whole: Voyage,
    travellers: Mapping[int, tuple[Traveller, Voyage]],
    papers: Mapping[int, Sequence[Paper]],
    unclear: Mapping[int, frozenset[str]],
    accepted: Counter[str | None],
    today: date,
    cutoff: date,
) -> CountryRow:
    """A paper of the person, such as the passport, is counted to every country."""
    who = [one for one, (_traveller, voyage) in travellers.items() if country in voyage.countries]
    asked = {one: [paper for paper in papers[one] if paper.country in (None, country)] for one in who}
    by = Counter(readiness(asked[one], country in unclear[one]) for one in who)
    return CountryRow(
        country=country,
        first_day=next(stop.first_day for stop in whole.stops if stop.country == country),
        passengers=len(who),
        by=by,
        late=sum(any(paper.waits_for_guest and paper.due < today for paper in asked[one]) for one in who),
        prediction=predict(
            left=sum(paper.left for one in who for paper in asked[one]),
            accepted=accepted[country] + accepted[None],
            today=today,
            cutoff=cutoff,
        ),
    )


def _to_call(
    bookings: Sequence[Booking],
    papers: Mapping[int, Sequence[Paper]],
    unclear: Mapping[int, frozenset[str]],
    today: date,
) -> list[CallRow]:
    """Parties of whom we wait for something, by the day on which the first of it is due."""
    rows = []
    for booking in bookings:
        missing = [
            (passenger, paper)
            for passenger in booking.passengers
            for paper in papers[passenger.id]
            if paper.waits_for_guest
        ]
        if not missing:
            continue
        rows.append(
            CallRow(
                booking=booking.reference,
                contact=booking.contact_name or "",
                phone=booking.contact_phone,
                email=booking.contact_email,
                language=booking.language,
                missing=tuple(
                    (passenger.full_name, CATALOGUE[paper.document].name, paper.country)
                    for passenger, paper in missing
                ),
                due=min(paper.due for _passenger, paper in missing),
                returned=any(paper.state is ItemState.CHANGES_REQUESTED for _passenger, paper in missing),
                blocked=any(unclear[passenger.id] for passenger in booking.passengers)
                or any(paper.severity is Severity.BLOCKING for _passenger, paper in missing),
            )
        )
    return sorted(rows, key=lambda row: (row.due, not row.blocked, not row.returned, row.booking))


def _ports(sailing: Sailing, whole: Voyage) -> tuple[tuple[str, LocalizedText], ...]:
    names = {call.port.code: call.port.name for call in sailing.calls}
    return tuple(
        (port, names[port])
        for port in dict.fromkeys(stop.port for stop in whole.stops)
        if without(whole, port) is not None
    )


def _trial(
    port: str,
    name: LocalizedText,
    travellers: Mapping[int, tuple[Traveller, Voyage]],
    papers: Mapping[int, Sequence[Paper]],
    rules: Sequence[Rule],
) -> TrialView:
    tried = trial(port, travellers, papers, rules)
    return TrialView(
        port=port,
        name=name,
        dropped=tuple(
            PaperCount(CATALOGUE[document].name, country, of, have)
            for (document, country), (of, have) in sorted(
                tried.dropped.items(), key=lambda entry: (-entry[1][0], entry[0][0], entry[0][1] or "")
            )
        ),
        added=tuple(
            PaperCount(CATALOGUE[document].name, country, of, 0)
            for (document, country), of in sorted(
                tried.added.items(), key=lambda entry: (-entry[1], entry[0][0], entry[0][1] or "")
            )
        ),
        cleared=tried.cleared,
        ready_before=tried.ready_before,
        ready_after=tried.ready_after,
    )

