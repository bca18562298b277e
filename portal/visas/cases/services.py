"""Open visa cases, note what authorities do with them, freeze lists and issue them anew: the only writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import Account
from portal.audit.services import record
from portal.booking.details import missing_fields
from portal.booking.filing import file_list
from portal.booking.models import BookedCabin, Booking, BookingState, FiledKind, Passenger
from portal.catalogue.models import PortCall, Sailing
from portal.database import db, transaction
from portal.inventory.models import Occupancy
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.outbox.services import announce
from portal.visas.cases.contents import Row, digest_of, row_of, signature_of, written
from portal.visas.cases.expecting import ENOUGH, expected
from portal.visas.cases.grouping import group
from portal.visas.cases.models import (
    AT_WORK,
    BEFORE_FILING,
    CASE_MOVES,
    LIST_MOVES,
    CaseState,
    ListKind,
    ListState,
    VisaCase,
    VisaList,
)
from portal.visas.documents import CATALOGUE, Stage
from portal.visas.errors import (
    CaseNotReady,
    CaseWithoutValidity,
    DayAhead,
    ListWithGaps,
    NobodyToList,
    VisaTooShort,
)
from portal.visas.models import ChecklistItem, ItemState, Submission
from portal.visas.planning import HOME
from portal.visas.rules import Finding, Outcome, findings, requirements, travellers_of, voyage_of
from portal.visas.services import OPEN, RELYING, WITH_VOYAGE, live_rules, move_item
from portal.visas.terms import Regime, Severity, Supplier

ASKED_FOR = (Regime.VISA, Regime.VISA_LOI, Regime.EVISA)
ON_THE_LIST = (CaseState.READY, *AT_WORK, CaseState.APPROVED)
FILED_AS = {ListKind.INVITATION_TM: FiledKind.INVITATION_TM, ListKind.GROUP_IR: FiledKind.GROUP_IR}
PHOTO = "photo_tm_sms"
SPARE_DAYS = 1


def sync_cases(*, booking_id: int, now: datetime) -> None:
    """Have a case for each passenger and country that wants a visa of him; a second time nothing changes.

    Ready is a case whose papers are all accepted. What is not asked for any more is withdrawn, unless it is filed
    already: then a person withdraws it.
    """
    with transaction() as session:
        booking = session.scalars(
            select(Booking).where(Booking.id == booking_id).with_for_update(of=Booking).options(*WITH_VOYAGE)
        ).one()
        cases = {
            (case.passenger_id, case.country): case
            for case in session.scalars(
                select(VisaCase)
                .join(Passenger, Passenger.id == VisaCase.passenger_id)
                .where(Passenger.booking_id == booking.id, VisaCase.state != CaseState.WITHDRAWN)
                .order_by(VisaCase.id)
                .with_for_update(of=VisaCase)
                .execution_options(populate_existing=True)
            )
        }
        wanted = _wanted(booking) if booking.state in OPEN else {}
        for (passenger_id, country), (finding, document, ready) in wanted.items():
            case = cases.pop((passenger_id, country), None)
            if case is None:
                assert finding.regime is not None
                citizenship = next(one.citizenship for one in booking.passengers if one.id == passenger_id)
                case = VisaCase(
                    passenger_id=passenger_id,
                    country=country,
                    citizenship=citizenship,
                    regime=finding.regime,
                    document=document,
                    state=CaseState.COLLECTING,
                    opened_at=now,
                    changed_at=now,
                )
                session.add(case)
                session.flush()
                record("visa_case.opened", subject="visa_case", reference=case.reference, now=now)
            if case.state in BEFORE_FILING and (case.state is CaseState.READY) is not ready:
                _move(case, CaseState.READY if ready else CaseState.COLLECTING, now)
        for case in cases.values():
            if case.state in BEFORE_FILING:
                _move(case, CaseState.WITHDRAWN, now)


def _wanted(booking: Booking) -> dict[tuple[int, str], tuple[Finding, str, bool]]:
    """By passenger and country: by what regime, which document, and whether all that goes with it is accepted."""
    voyage = voyage_of(booking.voyage)
    rules = live_rules(voyage.countries)
    states = {
        (item.passenger_id, item.key): item.state
        for item in db.session.scalars(
            select(ChecklistItem).join(Passenger).where(Passenger.booking_id == booking.id)
        )
    }
    found: dict[tuple[int, str], tuple[Finding, str, bool]] = {}
    for passenger_id, traveller in travellers_of(booking, voyage).items():
        asked = requirements(traveller, voyage, rules)
        for finding in findings(traveller, voyage, rules):
            key = (passenger_id, finding.country)
            if key in found or finding.outcome is not Outcome.NEEDED or finding.regime not in ASKED_FOR:
                continue
            own = [one for one in asked if one.country == finding.country]
            visa = next((one for one in own if CATALOGUE[one.document].stage is Stage.IN_HAND), None)
            if visa is None:
                continue
            before = [
                one
                for one in asked
                if one.supplier is Supplier.GUEST
                and one.severity in (Severity.REQUIRED, Severity.BLOCKING)
                and (one.document == "passport" or (one.country == finding.country and one.key != visa.key))
                and (one.document == "passport" or CATALOGUE[one.document].stage is not Stage.IN_HAND)
            ]
            ready = all(states.get((passenger_id, one.key)) in RELYING for one in before)
            found[key] = (finding, visa.document, ready)
    return found


@dataclass(frozen=True)
class Step:
    """What happened to a case: where it stands from then on, on which day, and what was said."""

    to: CaseState
    on: date
    fee: Money | None = None
    number: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    note: str | None = None


def advance(*, case_id: int, step: Step, now: datetime) -> VisaCase:
    """Note what happened. With the approval what we get ourselves for that country is accepted.

    Raises CaseNotReady, DayAhead, CaseWithoutValidity or VisaTooShort; then nothing is written. Announces
    visas.case_refused, and visas.decision_made upon an answer.
    """
    with transaction() as session:
        case = session.get_one(VisaCase, case_id, with_for_update=True, populate_existing=True)
        if step.to not in CASE_MOVES.get(case.state, frozenset()) or step.to in BEFORE_FILING:
            raise CaseNotReady
        if step.on > day_of(now, OFFICE_ZONE):
            raise DayAhead
        if step.to is CaseState.APPROVED:
            _check_validity(case, step)
            case.number, case.valid_from, case.valid_to = step.number, step.valid_from, step.valid_to
        if step.to is CaseState.FILED:
            case.decided_on = None
            _file(case, step.on)
        if step.to in (CaseState.APPROVED, CaseState.REFUSED):
            case.decided_on = step.on
        if step.fee is not None:
            case.fee_minor, case.fee_currency = step.fee.minor, step.fee.currency
        if step.note and step.note.strip():
            case.note = step.note.strip()
        _move(case, step.to, now)
        if step.to is CaseState.APPROVED:
            _accept_ours(case.passenger_id, case.country, now)
        if step.to in (CaseState.APPROVED, CaseState.REFUSED):
            about = f"{case.passenger.reference}-{case.document}"
            if step.to is CaseState.REFUSED:
                announce("visas.decision_made", booking_id=case.passenger.booking_id, about=about)
                announce("visas.case_refused", case_id=case.id)
    return case


def _check_validity(case: VisaCase, step: Step) -> None:
    if not (step.number and step.number.strip() and step.valid_from and step.valid_to):
        raise CaseWithoutValidity
    voyage = voyage_of(case.passenger.booking.voyage)
    stops = [stop for stop in voyage.stops if stop.country == case.country]
    # A letter of invitation is good for asking for the visa; only the visa itself must cover the call.
    if case.regime is not Regime.VISA_LOI and stops:
        last = stops[-1].last_day + timedelta(SPARE_DAYS)
        if step.valid_from > stops[0].first_day or step.valid_to < last:
            raise VisaTooShort


def _file(case: VisaCase, on: date) -> None:
    """With the day by which the answer is expected."""
    usual = CATALOGUE.processing_of(case.country, case.regime, case.citizenship)
    lead = usual.invitation if usual.invitation.p90 else usual.authority
    case.filed_on = on
    case.expected_on, case.expected_by = expected(
        filed_on=on,
        took_days=_history(case),
        usual_working_days=lead.p90,
        countries=(case.country, HOME),
    )


def _history(case: VisaCase) -> Sequence[int]:
    """Days from filing to the answer, of citizens of the same country if there are enough, else of everybody."""
    rows = db.session.execute(
        select(VisaCase.citizenship, VisaCase.filed_on, VisaCase.decided_on).where(
            VisaCase.country == case.country, VisaCase.decided_on.is_not(None), VisaCase.filed_on.is_not(None)
        )
    ).all()
    took = [(row.citizenship, (row.decided_on - row.filed_on).days) for row in rows if row.decided_on and row.filed_on]
    same = [days for citizenship, days in took if citizenship == case.citizenship]
    return same if len(same) >= ENOUGH else [days for _citizenship, days in took]


def _accept_ours(passenger_id: int, country: str, now: datetime) -> None:
    """What the operator gets for this country is there."""
    for item in db.session.scalars(
        select(ChecklistItem)
        .where(
            ChecklistItem.passenger_id == passenger_id,
            ChecklistItem.country == country,
            ChecklistItem.supplier == Supplier.OPERATOR,
            ChecklistItem.state == ItemState.TODO,
        )
        .order_by(ChecklistItem.id)
        .with_for_update(of=ChecklistItem)
    ):
        move_item(item, ItemState.ACCEPTED, now)


def _move(case: VisaCase, state: CaseState, now: datetime) -> None:
    before = case.state
    case.move_to(state)
    case.changed_at = now
    record(
        f"visa_case.{state}",
        subject="visa_case",
        reference=case.reference,
        now=now,
        from_state=before,
        to_state=state,
    )


# Lists


@dataclass(frozen=True)
class Candidate:
    """Somebody who belongs on a list; verified: by papers that are accepted, so that he may stand on it."""

    passenger: Passenger
    verified: bool
    photo: str | None = None


def candidates(sailing: Sailing, kind: ListKind) -> list[Candidate]:
    """By name. Four statements at most."""
    passengers = db.session.scalars(
        select(Passenger)
        .join(Booking, Booking.id == Passenger.booking_id)
        .where(
            Booking.sailing_id == sailing.id,
            Booking.state == BookingState.CONFIRMED,
            Passenger.left_at.is_(None),
        )
        .order_by(Passenger.surname, Passenger.given_names, Passenger.id)
        .options(
            joinedload(Passenger.booking)
            .selectinload(Booking.cabins)
            .joinedload(BookedCabin.occupancy)
            .joinedload(Occupancy.part)
        )
    ).all()
    if kind is ListKind.INVITATION_TM:
        return _invited(passengers)
    return _in_groups(passengers)


def _invited(passengers: Sequence[Passenger]) -> list[Candidate]:
    states = {
        case.passenger_id: case.state
        for case in db.session.scalars(
            select(VisaCase).where(
                VisaCase.passenger_id.in_([one.id for one in passengers]),
                VisaCase.country == "TM",
                VisaCase.regime == Regime.VISA_LOI,
                VisaCase.state.not_in([CaseState.WITHDRAWN, CaseState.REFUSED]),
            )
        )
    }
    photos = {
        submission.item.passenger_id: submission.file.reference
        for submission in db.session.scalars(
            select(Submission)
            .join(ChecklistItem, ChecklistItem.id == Submission.item_id)
            .where(
                ChecklistItem.passenger_id.in_(list(states)),
                ChecklistItem.document == PHOTO,
                ChecklistItem.state == ItemState.ACCEPTED,
            )
            .order_by(Submission.number)
            .options(joinedload(Submission.file), joinedload(Submission.item))
        )
    }
    return [
        Candidate(one, states[one.id] in ON_THE_LIST, photos.get(one.id)) for one in passengers if one.id in states
    ]


def _in_groups(passengers: Sequence[Passenger]) -> list[Candidate]:
    """Those whose passport opens Iran to a listed group; verified with an accepted passport."""
    asked = set(
        db.session.scalars(
            select(ChecklistItem.passenger_id).where(
                ChecklistItem.passenger_id.in_([one.id for one in passengers]),
                ChecklistItem.document == "group_list_ir",
                ChecklistItem.state != ItemState.NOT_APPLICABLE,
            )
        )
    )
    verified = set(
        db.session.scalars(
            select(ChecklistItem.passenger_id).where(
                ChecklistItem.passenger_id.in_(list(asked)),
                ChecklistItem.document == "passport",
                ChecklistItem.state.in_(RELYING),
            )
        )
    )
    return [Candidate(one, one.id in verified) for one in passengers if one.id in asked]


def standing_lists(sailing_id: int, kind: ListKind, *, lock: bool = False) -> Sequence[VisaList]:
    query = (
        select(VisaList)
        .where(VisaList.sailing_id == sailing_id, VisaList.kind == kind, VisaList.ended_at.is_(None))
        .order_by(VisaList.number)
        .execution_options(populate_existing=lock)
    )
    return db.session.scalars(query.with_for_update() if lock else query).all()


def proposed(kind: ListKind, found: Iterable[Candidate], standing: Sequence[VisaList]) -> dict[int, list[Candidate]]:
    """By number of the list, who would stand on it if it were frozen now."""
    verified = [one for one in found if one.verified]
    if kind is ListKind.INVITATION_TM:
        return {1: verified} if verified else {}
    parties: dict[str, list[Candidate]] = {}
    party_of = {}
    for one in verified:
        reference = one.passenger.booking.reference
        parties.setdefault(reference, []).append(one)
        party_of[one.passenger.reference] = reference
    before: Mapping[int, tuple[str, ...]] = {
        one.number: tuple(dict.fromkeys(party_of[member] for member in one.members if member in party_of))
        for one in standing
    }
    groups = group({reference: len(members) for reference, members in parties.items()}, before)
    return {
        number: sorted(
            (one for reference in members for one in parties[reference]),
            key=lambda one: (one.passenger.surname, one.passenger.given_names, one.passenger.id),
        )
        for number, members in groups.by_number.items()
    }


def freeze(*, sailing_id: int, kind: ListKind, by: Account, now: datetime) -> list[VisaList]:
    """Freeze what the lists of this kind would say now; those that say something else than before, anew.

    Raises NobodyToList or ListWithGaps; then nothing is written. A list that nobody stands on any more ends. Which
    lists are new is answered; none where nothing has changed.
    """
    with transaction() as session:
        sailing = session.scalars(
            select(Sailing)
            .where(Sailing.id == sailing_id)
            .options(selectinload(Sailing.calls).joinedload(PortCall.port))
            .with_for_update(of=Sailing)
        ).one()
        standing = {one.number: one for one in standing_lists(sailing.id, kind, lock=True)}
        wanted = proposed(kind, candidates(sailing, kind), list(standing.values()))
        if not wanted and not standing:
            raise NobodyToList
        listed = [one.passenger for group in wanted.values() for one in group]
        if any(missing_fields(passenger, passenger.booking.voyage) for passenger in listed):
            raise ListWithGaps
        issued = []
        for number in sorted({*wanted, *standing}):
            before = standing.get(number)
            rows = [row_of(one.passenger, one.photo) for one in wanted.get(number, [])]
            text = written(rows)
            if before is not None:
                if rows and before.digest == digest_of(text):
                    continue
                before.ended_at = now
                session.flush()
            if rows:
                issued.append(_issue(sailing, kind, number, rows, text, by, now))
            else:
                assert before is not None
                record("visa_list.ended", subject="visa_list", reference=before.reference, now=now)
    return issued


def _issue(
    sailing: Sailing, kind: ListKind, number: int, rows: Sequence[Row], text: str, by: Account, now: datetime
) -> VisaList:
    versions = select(VisaList.version).where(
        VisaList.sailing_id == sailing.id, VisaList.kind == kind, VisaList.number == number
    )
    issued = VisaList(
        sailing_id=sailing.id,
        kind=kind,
        number=number,
        version=max(db.session.scalars(versions), default=0) + 1,
        state=ListState.FROZEN,
        members=[row.passenger for row in rows],
        rows=text,
        digest=digest_of(text),
        signature="",
        made_at=now,
        made_by_id=by.id,
        changed_at=now,
    )
    issued.signature = signature_of(issued)
    db.session.add(issued)
    try:
        db.session.flush()
    except IntegrityError as frozen_by_another_at_once:
        raise CaseNotReady from frozen_by_another_at_once
    record(
        "visa_list.frozen",
        subject="visa_list",
        reference=issued.reference,
        now=now,
        reason=f"{sailing.code} {kind} {number} v{issued.version}: {len(rows)}",
    )
    return issued


def note_list(*, list_id: int, to: ListState, by: Account, now: datetime) -> VisaList:
    """The list was sent, accepted or came back. With an invitation list sent, the cases on it are filed; with a list of
    a group accepted, its place is there for everybody on it. Raises CaseNotReady."""
    with transaction() as session:
        kept = session.get_one(VisaList, list_id)
        if to is ListState.SENT:  # first, for it locks bookings, and they come before lists
            file_list(sailing=kept.sailing, kind=FILED_AS[kept.kind], by=by, now=now)
        kept = session.get_one(VisaList, list_id, with_for_update=True, populate_existing=True)
        if kept.ended_at is not None or to not in LIST_MOVES.get(kept.state, frozenset()):
            raise CaseNotReady
        before = kept.state
        kept.move_to(to)
        kept.changed_at = now
        record(
            f"visa_list.{to}",
            subject="visa_list",
            reference=kept.reference,
            now=now,
            from_state=before,
            to_state=to,
        )
        members = session.scalars(select(Passenger).where(Passenger.reference.in_(kept.members))).all()
        if to is ListState.SENT and kept.kind is ListKind.INVITATION_TM:
            _file_all([one.id for one in members], now)
        if to is ListState.ACCEPTED and kept.kind is ListKind.GROUP_IR:
            for one in sorted(members, key=lambda member: member.id):
                _accept_ours(one.id, "IR", now)
    return kept


def _file_all(passenger_ids: Sequence[int], now: datetime) -> None:
    for case in db.session.scalars(
        select(VisaCase)
        .where(
            VisaCase.passenger_id.in_(passenger_ids), VisaCase.country == "TM", VisaCase.state == CaseState.READY
        )
        .order_by(VisaCase.id)
        .with_for_update(of=VisaCase)
    ):
        _file(case, day_of(now, OFFICE_ZONE))
        _move(case, CaseState.FILED, now)


def forget_lists(before: datetime, now: datetime) -> int:
    """What lists of cruises that ended before then say of people, and the numbers of visas; how many lists."""
    with transaction() as session:
        sailed = select(Sailing.id).where(Sailing.ends_at < before)
        lists = session.scalars(
            select(VisaList).where(VisaList.sailing_id.in_(sailed), VisaList.rows.is_not(None))
        ).all()
        for one in lists:
            one.rows, one.ended_at = None, one.ended_at or now
        for case in session.scalars(
            select(VisaCase)
            .join(Passenger, Passenger.id == VisaCase.passenger_id)
            .join(Booking, Booking.id == Passenger.booking_id)
            .where(Booking.sailing_id.in_(sailed), VisaCase.number.is_not(None))
        ):
            case.number = None
    return len(lists)


