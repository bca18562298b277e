"""Cancel or postpone a sailing, carry it out booking by booking, and take the guests' choices.

Rows are locked in the order case, booking, sailing, cabins.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.exc import OperationalError

from portal.accounts.models import Account
from portal.audit.services import record, record_move
from portal.booking.models import Booking, BookingChange, BookingChangeState, BookingState, ChangeKind
from portal.booking.services import let_go
from portal.catalogue.models import PortCall, Sailing, SailingState
from portal.catalogue.services import CallEdit, stop_sailing
from portal.database import after_commit, db, transaction
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.rescheduling import reschedule
from portal.inventory.services import release
from portal.kernel.money import Money
from portal.kernel.states import move
from portal.kernel.text import LocalizedText
from portal.outbox.services import announce, wake_worker
from portal.payments.errors import AmountsChanged
from portal.payments.operations.errors import ChangedSincePreview, ChoiceOver, CodeDiffers, NotOffered
from portal.payments.operations.models import (
    CASE_MOVES,
    OPEN_CHOICE,
    CaseState,
    Operation,
    OperationCase,
    OperationKind,
)
from portal.payments.operations.queries import Standing, alternatives_for, standings, voyages_of
from portal.payments.refunds import cancel_whole

log = logging.getLogger(__name__)

LIVE = (BookingState.DRAFT, BookingState.PENDING, BookingState.CONFIRMED)
AT_ONCE = 50


def seal(sailing: Sailing, affected: Sequence[Standing]) -> str:
    """Changes with the sailing, its bookings or their money: what was confirmed is compared by it."""
    rows = sorted((one.booking_id, one.state.value, one.paid.minor, one.paid.currency) for one in affected)
    return hashlib.sha256(repr((sailing.version, rows)).encode()).hexdigest()[:16]


def shifted(calls: Sequence[PortCall], days: int) -> list[CallEdit]:
    """Every call so many days later, at the same hour of its port's clocks."""
    return [
        CallEdit(
            position=call.position,
            arrives_at=_later(call.arrives_at, call, days),
            departs_at=_later(call.departs_at, call, days),
            state=call.state,
            notes=call.notes,
        )
        for call in calls
    ]


def _later(moment: datetime | None, call: PortCall, days: int) -> datetime | None:
    """On the clocks of the port: where they are put forward meanwhile, the hour stays."""
    return None if moment is None else moment.astimezone(ZoneInfo(call.port.zone)) + timedelta(days=days)


def stop(
    *,
    sailing_id: int,
    kind: OperationKind,
    typed_code: str,
    seen: str,
    reason: LocalizedText,
    days: int,
    decide_days: int,
    account: Account,
    now: datetime,
) -> Operation:
    """Cancel or postpone a sailing, in one transaction with one case for each booking; the worker does the rest.

    typed_code: what staff typed to be sure. seen: seal() of what the preview showed. days: by how many the sailing is
    postponed; decide_days: for how many guests may choose. Cabins that are only held are given back at once, so that
    nobody books what does not sail; of a sailing cancelled, those reserved for agencies or closed by staff, too.
    Raises CodeDiffers, ChangedSincePreview, SailingOver, and what reschedule() raises; then nothing is written.
    Announces catalogue.sailing_changed.
    """
    with transaction() as session:
        before = _lock_bookings(sailing_id)
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        affected = standings(sailing_id)
        if typed_code.strip().upper() != sailing.code.upper():
            raise CodeDiffers
        if seal(sailing, affected) != seen or before != _live(sailing_id):
            raise ChangedSincePreview
        old = sailing.starts_at, sailing.ends_at
        began = {
            booking_id: voyage.starts_at
            for booking_id, voyage in voyages_of(sailing, [one.booking_id for one in affected]).items()
        }
        _free(sailing_id, OccupancyState.HELD, now)
        new: tuple[datetime | None, datetime | None] = (None, None)
        if kind is OperationKind.CANCEL:
            for state in (OccupancyState.RESERVED, OccupancyState.CLOSED):
                _free(sailing_id, state, now)
            stop_sailing(sailing_id=sailing_id, state=SailingState.CANCELLED, status_text=reason, now=now)
        else:
            reschedule(
                sailing_id=sailing_id,
                version_seen=sailing.version,
                calls=shifted(sailing.calls, days),
                status_text=reason,
                now=now,
            )
            stop_sailing(sailing_id=sailing_id, state=SailingState.POSTPONED, status_text=reason, now=now)
            new = sailing.starts_at, sailing.ends_at
        operation = Operation(
            kind=kind,
            sailing_id=sailing_id,
            reason=reason,
            made_at=now,
            made_by_id=account.id,
            old_starts_at=old[0],
            old_ends_at=old[1],
            new_starts_at=new[0],
            new_ends_at=new[1],
            decide_by=now + timedelta(days=decide_days) if kind is OperationKind.POSTPONE else None,
            cases=[
                OperationCase(
                    booking_id=one.booking_id,
                    old_starts_at=began[one.booking_id],
                    paid_minor=one.paid.minor,
                    changed_at=now,
                )
                for one in affected
            ],
        )
        session.add(operation)
        session.flush()
        record(
            "operation.made",
            subject="operation",
            reference=operation.reference,
            now=now,
            to_state=kind,
            reason=f"{sailing.code}; {len(affected)}",
        )
        after_commit(wake_worker)
    return operation


def _lock_bookings(sailing_id: int) -> list[int]:
    return [booking.id for booking in db.session.scalars(_of(sailing_id).with_for_update())]


def _live(sailing_id: int) -> list[int]:
    return list(db.session.scalars(_of(sailing_id).with_only_columns(Booking.id)))


def _of(sailing_id: int) -> Select[Booking]:
    return select(Booking).where(Booking.sailing_id == sailing_id, Booking.state.in_(LIVE)).order_by(Booking.id)


def _free(sailing_id: int, state: OccupancyState, now: datetime) -> None:
    """Give back what is held without an agreement, reserved or closed."""
    found = db.session.scalars(
        select(Occupancy.id)
        .where(Occupancy.sailing_id == sailing_id, Occupancy.state == state)
        .order_by(Occupancy.id)
    ).all()
    for occupancy_id in found:
        if state is OccupancyState.HELD:
            let_go(hold_id=occupancy_id, now=now)
        else:
            release(occupancy_id=occupancy_id, now=now)


def carry_out(now: datetime) -> int:
    """Do the step of every booking that waits for it, each in a transaction of its own; how many were done.

    Killed at any moment and started again, each is done once. One that fails keeps no other from being done; staff see
    it and try it again.
    """
    waiting = db.session.scalars(
        select(OperationCase.id)
        .where(OperationCase.state == CaseState.WAITING)
        .order_by(OperationCase.id)
        .limit(AT_ONCE)
    ).all()
    return sum(_carry_out(case_id, now) for case_id in waiting)


def _carry_out(case_id: int, now: datetime) -> bool:
    try:
        with transaction() as session:
            case = session.scalars(
                select(OperationCase)
                .where(OperationCase.id == case_id, OperationCase.state == CaseState.WAITING)
                .with_for_update(skip_locked=True)
                .execution_options(populate_existing=True)
            ).one_or_none()
            if case is None:  # another worker has it
                return False
            booking = session.get_one(Booking, case.booking_id, with_for_update=True, populate_existing=True)
            if booking.state not in (BookingState.PENDING, BookingState.CONFIRMED):
                _move(case, CaseState.OVER, now)
                return True
            if case.operation.kind is OperationKind.CANCEL:
                case.returned_minor = cancel_whole(booking_id=booking.id, now=now).minor
                _move(case, CaseState.CANCELLED, now)
            else:
                _move(case, CaseState.TOLD, now)
            announce("payments.case_carried_out", case_id=case.id)
    except OperationalError:
        raise
    except Exception as failure:
        log.exception("the step of case %s failed", case_id)
        why = type(failure).__name__
    else:
        return True
    with transaction() as session:
        case = session.get_one(OperationCase, case_id, with_for_update=True)
        if case.state is CaseState.WAITING:
            case.attempts += 1
            case.failure = why
            _move(case, CaseState.FAILED, now, reason=why)
    return False


def try_again(*, case_id: int, now: datetime) -> None:
    """Staff let the worker do a step that failed once more. Raises ChoiceOver for any other."""
    with transaction():
        case = _locked(case_id)
        if case.state is not CaseState.FAILED:
            raise ChoiceOver
        case.failure = None
        _move(case, CaseState.WAITING, now)
        after_commit(wake_worker)


def accept_dates(*, case_id: int, now: datetime) -> None:
    """The guest travels on the new dates. Raises ChoiceOver."""
    with transaction():
        _move(_choosing(case_id, now), CaseState.ACCEPTED, now)


def take_refund(*, case_id: int, agreed: Money, now: datetime) -> None:
    """The guest would rather have his money: all of it. Raises ChoiceOver, or AmountsChanged where `agreed` differs."""
    with transaction() as session:
        case = _choosing(case_id, now)
        returned = cancel_whole(booking_id=case.booking_id, now=now)
        if returned != agreed:
            raise AmountsChanged
        case.returned_minor = returned.minor
        _move(case, CaseState.CANCELLED, now)
        session.flush()


def ask_to_move(*, case_id: int, code: str, now: datetime) -> None:
    """The guest would take another sailing, one of those offered; staff see to it. Raises ChoiceOver, NotOffered."""
    with transaction():
        case = _choosing(case_id, now)
        wanted = next((one for one in alternatives_for(case.booking, now) if one.sailing.code == code), None)
        if wanted is None:
            raise NotOffered
        case.wanted_sailing_id = wanted.sailing.id
        if case.state is not CaseState.MOVE_ASKED:
            _move(case, CaseState.MOVE_ASKED, now, reason=code)


def note_move(*, change_id: int, now: datetime) -> None:
    """The guest has moved to another sailing by himself: there is nothing to choose any more."""
    with transaction() as session:
        change = session.get_one(BookingChange, change_id)
        if change.kind is not ChangeKind.SAILING or change.state is not BookingChangeState.APPLIED:
            return
        here = select(Sailing.id).where(Sailing.code == change.before["sailing"]).scalar_subquery()
        there = session.scalars(select(Sailing).where(Sailing.code == change.after["sailing"])).one()
        for case in session.scalars(
            select(OperationCase)
            .join(Operation)
            .where(
                OperationCase.booking_id == change.booking_id,
                OperationCase.state.in_(OPEN_CHOICE),
                Operation.sailing_id == here,
            )
            .with_for_update(of=OperationCase)
        ):
            case.wanted_sailing_id = there.id
            _move(case, CaseState.MOVED, now, reason=there.code)


def mark_moved(*, case_id: int, now: datetime) -> None:
    """Staff have moved the guest to the sailing he asked for. Raises ChoiceOver."""
    with transaction():
        case = _locked(case_id)
        if case.state is not CaseState.MOVE_ASKED:
            raise ChoiceOver
        _move(case, CaseState.MOVED, now)


def close_choices(now: datetime) -> int:
    """Where nobody answered in time the new dates stand; how many."""
    late = db.session.scalars(
        select(OperationCase.id)
        .join(Operation)
        .where(OperationCase.state == CaseState.TOLD, Operation.decide_by <= now)
        .order_by(OperationCase.id)
    ).all()
    for case_id in late:
        with transaction():
            case = _locked(case_id)
            if case.state is CaseState.TOLD:
                _move(case, CaseState.KEPT, now)
    return len(late)


def follow_booking(*, booking_id: int, now: datetime) -> None:
    """A booking ended in another way while its guest could choose: there is nothing to choose any more."""
    with transaction() as session:
        for case in session.scalars(
            select(OperationCase)
            .where(OperationCase.booking_id == booking_id, OperationCase.state.in_(OPEN_CHOICE))
            .with_for_update()
        ):
            _move(case, CaseState.OVER, now)


def _locked(case_id: int) -> OperationCase:
    return db.session.get_one(OperationCase, case_id, with_for_update=True, populate_existing=True)


def _choosing(case_id: int, now: datetime) -> OperationCase:
    case = _locked(case_id)
    decide_by = case.operation.decide_by
    if case.state not in OPEN_CHOICE or decide_by is None or decide_by <= now:
        raise ChoiceOver
    return case


def _move(case: OperationCase, state: CaseState, now: datetime, reason: str | None = None) -> None:
    before = case.state
    case.state = move(before, state, CASE_MOVES)
    case.changed_at = now
    record_move("case", case.booking.reference, before, state, now=now, reason=reason)
