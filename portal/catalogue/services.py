"""Change a sailing: its calls and times, and whether it is on sale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from flask_babel import format_decimal
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.services import record, record_move
from portal.catalogue.errors import (
    CallsRefused,
    ChangedMeanwhile,
    PartImpossible,
    Problem,
    SailingOver,
    SalesEndTooLate,
)
from portal.catalogue.models import SAILING_MOVES, CallState, PortCall, Sailing, SailingState, VoyagePart
from portal.catalogue.versions import CATALOGUE, bump, sailing_version
from portal.database import transaction
from portal.kernel.states import move
from portal.kernel.text import LocalizedText
from portal.outbox.services import announce

MAX_KNOTS = 12  # the ship is never scheduled above it: its sister's contract speed
PART_MARKS = ("proposed", "confirmed")
MAX_RIVER_KMH = 25  # on trials in calm water; going down the Volga the current makes up for wear


@dataclass(frozen=True)
class CallEdit:
    """What a call shall be; `position` says which one. Times are aware."""

    position: int
    arrives_at: datetime | None
    departs_at: datetime | None
    state: CallState
    notes: LocalizedText | None


def edit_sailing(
    *,
    sailing_id: int,
    version_seen: int,
    calls: Sequence[CallEdit],
    status_text: LocalizedText,
    now: datetime,
) -> Sailing:
    """Give a sailing new times, call states, notes and status text; what follows from the calls follows.

    Where cabins may be taken already, portal.inventory.rescheduling is the way here: it moves their nights, too.
    version_seen: the version on whose page this was typed. calls: every call of the sailing. The sailing starts with
    the first call's departure and ends with the last thing known of the last call; sales that would end after the
    new start end with it.
    Raises ChangedMeanwhile where another edit came first, CallsRefused with all that is wrong; then nothing changes.
    Announces catalogue.sailing_changed, if anything has.
    """
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        if sailing.version != version_seen:
            raise ChangedMeanwhile
        by_position = {edit.position: edit for edit in calls}
        if set(by_position) != {call.position for call in sailing.calls}:
            raise ChangedMeanwhile
        problems = [*_problems(sailing.calls, by_position)]
        if not problems:
            problems += _overlaps(session, sailing, by_position)
        if problems:
            raise CallsRefused(problems)
        changes = [change for call in sailing.calls for change in _apply(call, by_position[call.position])]
        if sailing.status_text != status_text:
            sailing.status_text = status_text
            changes.append("status text")
        if not changes:
            return sailing
        _follow_calls(sailing)
        sailing.version += 1
        session.flush()
        record(
            "sailing.edited",
            subject="sailing",
            reference=sailing.code,
            now=now,
            from_state=f"v{version_seen}",
            to_state=f"v{sailing.version}",
            reason="; ".join(changes),
        )
        _show(sailing)
        announce("catalogue.sailing_changed", sailing_id=sailing.id)
    return sailing


def set_on_sale(*, sailing_id: int, sales_close_at: datetime, now: datetime) -> Sailing:
    """Sell the sailing until `sales_close_at`. Raises SailingOver or SalesEndTooLate."""
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        if sailing.state is SailingState.CANCELLED or sailing.departed_at(now):
            raise SailingOver
        if sales_close_at > sailing.starts_at:
            raise SalesEndTooLate
        if sailing.state is SailingState.ON_SALE and sailing.sales_close_at == sales_close_at:
            return sailing
        sailing.sales_close_at = sales_close_at
        before = sailing.state
        if before is not SailingState.ON_SALE:
            sailing.state = move(before, SailingState.ON_SALE, SAILING_MOVES)
        _record_sale(sailing, before, f"until {_moment(sales_close_at)}", now)
    return sailing


def close_sales(*, sailing_id: int, reason: str, now: datetime) -> Sailing:
    """Sell nothing more; what is held or booked stays."""
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        if sailing.state is not SailingState.ON_SALE:
            return sailing
        before = sailing.state
        sailing.state = move(before, SailingState.CLOSED, SAILING_MOVES)
        _record_sale(sailing, before, reason, now)
    return sailing


def offer_part(
    *, sailing_id: int, embark: int, disembark: int, percent: int, mark: str, on_sale: bool, now: datetime
) -> VoyagePart:
    """Let guests embark at one call and leave at a later one, or say anew what that costs and whether it is sold.

    embark, disembark: positions of calls. percent: of the whole voyage's fares. mark: "proposed" or "confirmed".
    What was booked before keeps its price. Raises PartImpossible; then nothing changes.
    """
    assert mark in PART_MARKS
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        part = next(
            (
                one
                for one in sailing.parts
                if (one.embark_position, one.disembark_position) == (embark, disembark)
            ),
            None,
        )
        before = _offered(part) if part else None
        if not 1 <= percent <= 100:
            raise PartImpossible("percent", _l("Please give a percentage from 1 to 100."))
        if part is None:
            _check_part(sailing, embark, disembark)
            part = VoyagePart(embark_position=embark, disembark_position=disembark)
        part.percent, part.mark, part.on_sale = percent, mark, on_sale
        if before is None:
            part.sailing = sailing
            session.add(part)
        if on_sale and not part.certain:
            raise PartImpossible(
                "on_sale",
                _l("One of its two calls is cancelled or waits for a permission, so this part cannot be sold yet."),
            )
        if not part.nights:
            raise PartImpossible("disembark", _l("There is no night between these calls. Please choose others."))
        if _offered(part) == before:
            return part
        session.flush()
        record(
            "sailing.part_set",
            subject="sailing",
            reference=sailing.code,
            now=now,
            from_state=before,
            to_state=_offered(part),
            reason=part.key,
        )
        _show(sailing)
    return part


def _check_part(sailing: Sailing, embark: int, disembark: int) -> None:
    """Whether there can be such a part at all. Raises PartImpossible."""
    positions = [call.position for call in sailing.calls]
    if embark not in positions[:-1]:
        raise PartImpossible("embark", _l("Nobody can embark at this call. Please choose another."))
    if disembark not in positions or disembark <= embark:
        raise PartImpossible("disembark", _l("Guests leave after they have embarked. Please choose a later call."))
    if (embark, disembark) == (positions[0], positions[-1]):
        raise PartImpossible("disembark", _l("That is the whole voyage. Please choose another call."))


def _offered(part: VoyagePart) -> str:
    return f"{part.percent} % · {part.mark} · {'on_sale' if part.on_sale else 'off_sale'}"


def stop_sailing(
    *, sailing_id: int, state: SailingState, status_text: LocalizedText, now: datetime
) -> Sailing:
    """Cancel a sailing, or mark one postponed that has its new times already; `status_text` tells guests why.

    state: CANCELLED or POSTPONED. Its bookings are left as they are: portal.payments.operations is the way here where
    there are any. Raises SailingOver where it has left or is cancelled. Announces catalogue.sailing_changed.
    """
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        if sailing.state in (SailingState.CANCELLED, SailingState.DRAFT) or sailing.departed_at(now):
            raise SailingOver
        before = sailing.state
        sailing.state = move(before, state, SAILING_MOVES)
        sailing.status_text = status_text
        sailing.version += 1
        record_move("sailing", sailing.code, before, state, now=now)
        _show(sailing)
        announce("catalogue.sailing_changed", sailing_id=sailing.id)
    return sailing


def _record_sale(sailing: Sailing, before: SailingState, reason: str, now: datetime) -> None:
    record(
        "sailing.on_sale" if sailing.state is SailingState.ON_SALE else "sailing.closed",
        subject="sailing",
        reference=sailing.code,
        now=now,
        from_state=before,
        to_state=sailing.state,
        reason=reason,
    )
    _show(sailing)
    announce("catalogue.sailing_changed", sailing_id=sailing.id)


def _show(sailing: Sailing) -> None:
    bump(CATALOGUE)
    bump(sailing_version(sailing.id))


def _problems(calls: Sequence[PortCall], edits: dict[int, CallEdit]) -> Iterator[Problem]:
    """What no ship could sail: in order along the route, each with the field to mend."""
    first, last = calls[0].position, calls[-1].position
    if edits[first].departs_at is None:
        yield Problem(first, "departs", _l("The cruise begins when the ship departs: give that time."))
    if edits[last].arrives_at is None:
        yield Problem(last, "arrives", _l("The cruise ends when the ship arrives: give that time."))
    for position in (first, last):
        if edits[position].state is CallState.CANCELLED:
            yield Problem(position, "state", _l("The first and the last call cannot be cancelled."))
    for call in calls[1:-1]:
        edit = edits[call.position]
        if edit.arrives_at is None:
            yield Problem(call.position, "arrives", _l("Give the time of arrival."))
        if edit.departs_at is None:
            yield Problem(call.position, "departs", _l("Give the time of departure."))
    for call in calls:
        edit = edits[call.position]
        if edit.arrives_at and edit.departs_at and edit.departs_at <= edit.arrives_at:
            yield Problem(call.position, "departs", _l("The ship departs after it arrives."))
    # A cancelled call is sailed past: its times bind nobody, and the way around it is not known to the mile.
    sailed = [call for call in calls if edits[call.position].state is not CallState.CANCELLED]
    for here, there in pairwise(sailed):
        left, arrives = edits[here.position].departs_at, edits[there.position].arrives_at
        if left is None or arrives is None:
            continue
        if arrives <= left:
            yield Problem(there.position, "arrives", _l("The ship arrives after it has left the port before."))
        elif there.position == here.position + 1 and arrives - left < (least := least_time(there)):
            yield Problem(
                there.position,
                "arrives",
                _l(
                    "The ship needs at least %(hours)s h for this leg of %(nm)s nm; it is never planned above "
                    "%(knots)s knots.",
                    hours=_hours_up(least),
                    nm=there.leg_nm,
                    knots=MAX_KNOTS,
                )
                if there.leg_nm
                else _l(
                    "The ship needs at least %(hours)s h for this leg of %(km)s km on the river.",
                    hours=_hours_up(least),
                    km=there.leg_river_km,
                ),
            )


def least_time(call: PortCall) -> timedelta:
    """The least time in which the ship can come to this call from the one before. Source: ship's planning speed."""
    return timedelta(hours=call.leg_nm / MAX_KNOTS + call.leg_river_km / MAX_RIVER_KMH)


def _hours_up(span: timedelta) -> str:
    """In hours with one decimal, rounded up: what is said to be enough is enough."""
    tenths = -(-span // timedelta(minutes=6))
    return str(format_decimal(tenths / 10, format="0.0"))


def _overlaps(session: Session, sailing: Sailing, edits: dict[int, CallEdit]) -> list[Problem]:
    """One ship, one place: two of its sailings never share a night."""
    first, last = edits[sailing.calls[0].position], edits[sailing.calls[-1].position]
    starts, ends = first.departs_at, last.departs_at or last.arrives_at
    others = session.execute(
        select(Sailing.code, Sailing.starts_at).where(
            Sailing.ship_id == sailing.ship_id,
            Sailing.id != sailing.id,
            Sailing.state != SailingState.CANCELLED,
            Sailing.starts_at < ends,
            Sailing.ends_at > starts,
        )
    ).all()
    assert starts is not None
    at_end = (last.position, "departs" if last.departs_at else "arrives")
    at_start = (first.position, "departs")
    return [
        Problem(
            *(at_end if begins > starts else at_start), _l("The ship is on sailing %(code)s then.", code=code)
        )
        for code, begins in others
    ]


def _apply(call: PortCall, edit: CallEdit) -> Iterator[str]:
    """Write the edit; what changed, for the trail."""
    where = f"call {call.position}"
    if call.arrives_at != edit.arrives_at:
        yield f"{where} arrives {_moment(call.arrives_at)} → {_moment(edit.arrives_at)}"
        call.arrives_at = edit.arrives_at
    if call.departs_at != edit.departs_at:
        yield f"{where} departs {_moment(call.departs_at)} → {_moment(edit.departs_at)}"
        call.departs_at = edit.departs_at
    if call.state is not edit.state:
        yield f"{where} {call.state} → {edit.state}"
        call.state = edit.state
    if call.notes != edit.notes:
        yield f"{where} notes"
        call.notes = edit.notes


def _follow_calls(sailing: Sailing) -> None:
    """The sailing's own dates repeat those of its first and last call."""
    first, last = sailing.calls[0], sailing.calls[-1]
    starts, ends = first.departs_at, last.departs_at or last.arrives_at
    assert starts is not None
    assert ends is not None
    sailing.sales_close_at += min(starts - sailing.starts_at, timedelta(0))  # earlier with an earlier start
    sailing.starts_at, sailing.ends_at = starts, ends


def _moment(moment: datetime | None) -> str:
    return "none" if moment is None else f"{moment:%Y-%m-%d %H:%MZ}"
