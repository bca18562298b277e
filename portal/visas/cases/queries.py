"""What the pages of visa cases and lists need; nothing here writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from portal.booking.models import Booking, Passenger
from portal.catalogue.models import Sailing
from portal.catalogue.queries import sailing_with_calls
from portal.database import db
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.visas.cases.contents import Difference, Row, difference, genuine, read, row_of
from portal.visas.cases.grouping import LEAST, MOST
from portal.visas.cases.models import (
    AT_WORK,
    BEFORE_FILING,
    CASE_MOVES,
    LIST_MOVES,
    CaseState,
    ExpectedBy,
    ListKind,
    ListState,
    VisaCase,
    VisaList,
)
from portal.visas.cases.services import Candidate, candidates, proposed, standing_lists
from portal.visas.documents import CATALOGUE

COUNTRIES = {ListKind.INVITATION_TM: "TM", ListKind.GROUP_IR: "IR"}


@dataclass(frozen=True)
class CaseRow:
    reference: str
    passenger: str
    citizenship: str
    booking: str
    country: str
    state: CaseState
    filed_on: date | None
    expected_on: date | None
    expected_by: ExpectedBy | None
    decided_on: date | None
    fee: Money | None

    def late_on(self, today: date) -> bool:
        """Still without an answer after the day on which one was expected."""
        return self.state in AT_WORK and self.expected_on is not None and self.expected_on < today


@dataclass(frozen=True)
class VersionView:
    reference: str
    number: int
    version: int
    state: ListState
    persons: int
    digest: str
    genuine: bool
    forgotten: bool
    made_at: datetime
    made_by: str
    ended_at: datetime | None
    next: tuple[ListState, ...]
    since: Difference | None  # the version before


@dataclass(frozen=True)
class ListView:
    """One number of a kind: what stands, what would be frozen now, and earlier versions."""

    number: int
    standing: VersionView | None
    earlier: tuple[VersionView, ...]
    would_be: int  # persons
    differs: Difference  # from what stands


@dataclass(frozen=True)
class KindView:
    kind: ListKind
    verified: int
    waiting: tuple[str, ...]  # names of those whose papers are not accepted yet
    alone: tuple[str, ...]  # verified, but of whom no legal group can be made
    lists: tuple[ListView, ...]
    least: int
    most: int

    @property
    def changed(self) -> bool:
        return any(bool(one.differs) for one in self.lists)


@dataclass(frozen=True)
class VisasPage:
    code: str
    title: LocalizedText
    zone: str
    countries: tuple[str, ...]
    country: str | None
    state: CaseState | None
    counts: dict[CaseState, int]
    rows: tuple[CaseRow, ...]
    kinds: tuple[KindView, ...]


def visas_page(code: str, *, country: str | None, state: CaseState | None) -> VisasPage:
    """Raises NotFound."""
    sailing = sailing_with_calls(code)
    cases = db.session.scalars(
        select(VisaCase)
        .join(VisaCase.passenger)
        .join(Passenger.booking)
        .where(Booking.sailing_id == sailing.id)
        .order_by(VisaCase.country, Passenger.surname, Passenger.given_names, VisaCase.id)
        .options(contains_eager(VisaCase.passenger).contains_eager(Passenger.booking))
    ).all()
    of_country = [case for case in cases if country in (None, case.country)]
    called = {call.port.country for call in sailing.calls}
    return VisasPage(
        code=sailing.code,
        title=sailing.itinerary.title,
        zone=sailing.calls[0].port.zone,
        countries=tuple(sorted({case.country for case in cases})),
        country=country,
        state=state,
        counts=dict(Counter(case.state for case in of_country)),
        rows=tuple(
            _row(case)
            for case in of_country
            if case.state is state or (state is None and case.state is not CaseState.WITHDRAWN)
        ),
        kinds=tuple(_kind(sailing, kind) for kind in ListKind if COUNTRIES[kind] in called),
    )


def _row(case: VisaCase) -> CaseRow:
    return CaseRow(
        reference=case.reference,
        passenger=case.passenger.full_name,
        citizenship=case.citizenship,
        booking=case.passenger.booking.reference,
        country=case.country,
        state=case.state,
        filed_on=case.filed_on,
        expected_on=case.expected_on,
        expected_by=case.expected_by,
        decided_on=case.decided_on,
        fee=case.fee,
    )


def _kind(sailing: Sailing, kind: ListKind) -> KindView:
    found = candidates(sailing, kind)
    versions = db.session.scalars(
        select(VisaList)
        .where(VisaList.sailing_id == sailing.id, VisaList.kind == kind)
        .order_by(VisaList.number, VisaList.version)
        .options(joinedload(VisaList.made_by))
    ).all()
    wanted = proposed(kind, found, standing_lists(sailing.id, kind))
    placed = {one.passenger.id for group in wanted.values() for one in group}
    numbers = sorted({*wanted, *(one.number for one in versions)})
    return KindView(
        kind=kind,
        verified=sum(one.verified for one in found),
        waiting=tuple(one.passenger.full_name for one in found if not one.verified),
        alone=tuple(one.passenger.full_name for one in found if one.verified and one.passenger.id not in placed),
        lists=tuple(
            _list([one for one in versions if one.number == number], number, wanted.get(number, []))
            for number in numbers
        ),
        least=LEAST,
        most=MOST,
    )


def _list(versions: Sequence[VisaList], number: int, wanted: Sequence[Candidate]) -> ListView:
    views = []
    before: tuple[Row, ...] | None = None
    rows: tuple[Row, ...] = ()
    for version in versions:
        rows = read(version.rows) if version.rows is not None else ()
        views.append(_version(version, before, rows))
        before = rows
    standing = views[-1] if views and views[-1].ended_at is None else None
    now = [row_of(one.passenger, one.photo) for one in wanted]
    return ListView(
        number=number,
        standing=standing,
        earlier=tuple(view for view in reversed(views) if view is not standing),
        would_be=len(now),
        differs=difference(rows if standing else (), now),
    )


def _version(version: VisaList, before: tuple[Row, ...] | None, rows: tuple[Row, ...]) -> VersionView:
    return VersionView(
        reference=version.reference,
        number=version.number,
        version=version.version,
        state=version.state,
        persons=len(version.members),
        digest=version.digest,
        genuine=genuine(version),
        forgotten=version.rows is None,
        made_at=version.made_at,
        made_by=version.made_by.name,
        ended_at=version.ended_at,
        next=tuple(sorted(LIST_MOVES.get(version.state, ()))) if version.ended_at is None else (),
        since=difference(before, rows) if before is not None and rows else None,
    )


def list_of(reference: str) -> VisaList:
    """With its sailing. Raises NotFound for one that is not there, or that was forgotten after the cruise."""
    found = db.session.scalar(
        select(VisaList)
        .where(VisaList.reference == reference)
        .options(joinedload(VisaList.sailing).joinedload(Sailing.ship), joinedload(VisaList.made_by))
    )
    if found is None or found.rows is None:
        raise NotFound(reference)
    return found


@dataclass(frozen=True)
class CasePage:
    id: int
    row: CaseRow
    sailing: str
    document: LocalizedText
    opened_at: datetime
    number_ending: str | None
    valid_from: date | None
    valid_to: date | None
    note: str | None
    next: tuple[CaseState, ...]


def case_page(reference: str) -> CasePage:
    """Raises NotFound. Of the number only the end is shown."""
    case = db.session.scalar(
        select(VisaCase)
        .join(VisaCase.passenger)
        .where(VisaCase.reference == reference)
        .options(contains_eager(VisaCase.passenger).joinedload(Passenger.booking).joinedload(Booking.sailing))
    )
    if case is None:
        raise NotFound(reference)
    return CasePage(
        id=case.id,
        row=_row(case),
        sailing=case.passenger.booking.sailing.code,
        document=CATALOGUE[case.document].name,
        opened_at=case.opened_at,
        number_ending=case.number[-3:] if case.number else None,
        valid_from=case.valid_from,
        valid_to=case.valid_to,
        note=case.note,
        next=tuple(
            one for one in CaseState if one in CASE_MOVES.get(case.state, ()) and one not in BEFORE_FILING
        ),
    )


def refused(booking_id: int) -> tuple[tuple[str, str], ...]:
    """Passenger and country of each visa of a booking that was refused. One statement."""
    rows = db.session.execute(
        select(Passenger.surname, Passenger.given_names, VisaCase.country)
        .join(Passenger, Passenger.id == VisaCase.passenger_id)
        .where(
            Passenger.booking_id == booking_id,
            Passenger.left_at.is_(None),
            VisaCase.state == CaseState.REFUSED,
        )
        .order_by(Passenger.position, VisaCase.country)
    )
    return tuple((f"{row.surname} {row.given_names}", row.country) for row in rows)
