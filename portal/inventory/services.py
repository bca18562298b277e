"""Take cabins out of sale and give them back: the only writers of occupancies and their nights."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from portal.audit.services import record
from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.catalogue.versions import bump, sailing_version
from portal.database import after_commit, db, transaction
from portal.inventory.errors import (
    AlreadyLengthened,
    CabinSold,
    CabinTaken,
    HoldOver,
    KeptForOthers,
    PartyTooLarge,
    SailingClosed,
    ShipFull,
    TooManyHolds,
)
from portal.inventory.line import someone_waits
from portal.inventory.models import FOR_A_TIME, OVER, CabinNight, Occupancy, OccupancyState, Reservation
from portal.outbox.services import wake_worker

HOLD_TIME = timedelta(minutes=20)
LONGEST_HOLD = timedelta(hours=2)
HOLDS_PER_VISITOR = 8  # a party of twenty, and too few to empty a deck


def hold_cabin(
    *,
    sailing_id: int,
    cabin_id: int,
    party: int,
    holder: str,
    now: datetime,
    offered_until: datetime | None = None,
    part_id: int | None = None,
) -> Occupancy:
    """Keep a cabin for the visitor `holder` until `now` + HOLD_TIME: on all nights, or on those of a part.

    party: all who will travel in it, infants counted, at least 1. A visitor's own hold of the same cabin is renewed
    with the new party and keeps its time. His other holds of this sailing last as long as the new one, as far as
    LONGEST_HOLD allows: one party names all its passengers at once. offered_until: the cabin is offered to a guest in
    line and kept so long; every other visitor comes after those in line.
    Raises SailingClosed, PartyTooLarge, ShipFull, TooManyHolds, KeptForOthers or CabinTaken; then nothing is written.
    """
    if _somebody_has(sailing_id, cabin_id, part_id, besides=holder, now=now):
        raise CabinTaken
    with transaction() as session:
        # The sailing's row is the lock of its persons aboard: two holds are counted one after the other.
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        cabin = session.get_one(Cabin, cabin_id)
        part = None if part_id is None else session.get_one(VoyagePart, part_id, populate_existing=True)
        voyage = part or sailing
        if not voyage.on_sale_at(now) or cabin.ship_id != sailing.ship_id:
            raise SailingClosed
        if part is not None and part.sailing_id != sailing_id:
            raise SailingClosed
        if not 1 <= party <= cabin.sleeps + 1:  # one infant may sleep with its parents
            raise PartyTooLarge
        _expire(sailing_id=sailing_id, cabin_id=cabin_id, now=now)
        open_holds = session.scalars(
            select(Occupancy)
            .where(
                Occupancy.holder == holder,
                Occupancy.state == OccupancyState.HELD,
                Occupancy.expires_at > now,
            )
            .order_by(Occupancy.id)
        ).all()
        for hold in open_holds:
            if hold.sailing_id == sailing_id and hold.cabin_id == cabin_id and hold.part_id == part_id:
                _carry(hold, party, now)
                return hold
        if len(open_holds) >= HOLDS_PER_VISITOR:
            raise TooManyHolds
        if offered_until is None and someone_waits(sailing, cabin, voyage.nights, now):
            raise KeptForOthers
        _check_persons(voyage, sailing, party, now)
        hold = Occupancy(
            sailing_id=sailing_id,
            part_id=part_id,
            cabin_id=cabin_id,
            state=OccupancyState.HELD,
            party=party,
            holder=holder,
            made_at=now,
            expires_at=offered_until or now + HOLD_TIME,
        )
        for other in open_holds:
            if other.sailing_id == sailing_id:
                _last_until(other, now + HOLD_TIME)
        _take_nights(hold)
        _changed(hold, sailing.id, "cabin.held", None, now)
    return hold


def _somebody_has(sailing_id: int, cabin_id: int, part_id: int | None, *, besides: str, now: datetime) -> bool:
    """Whether somebody else surely has the cabin: without a lock, so that who comes too late makes nobody wait.

    It is not said of other sailings on the same nights, nor of other parts of the voyage: the key of the nights is the
    judge of those, as of all who come at once.
    """
    taken = select(Occupancy.id).where(
        Occupancy.sailing_id == sailing_id,
        Occupancy.cabin_id == cabin_id,
        Occupancy.over_at.is_(None),
        Occupancy.expires_at.is_(None) | (Occupancy.expires_at > now),
        Occupancy.holder.is_distinct_from(besides),
    )
    if part_id is not None:
        taken = taken.where(Occupancy.part_id.is_(None) | (Occupancy.part_id == part_id))
    return db.session.scalar(taken.limit(1)) is not None


def _last_until(hold: Occupancy, until: datetime) -> None:
    """Let a hold that still stands last until `until`, and never beyond LONGEST_HOLD in all."""
    db.session.refresh(hold, with_for_update=True)
    if hold.state is OccupancyState.HELD and hold.expires_at is not None:
        hold.expires_at = max(hold.expires_at, min(until, hold.made_at + LONGEST_HOLD))


def close_cabin(*, sailing_id: int, cabin_id: int, reason: str, now: datetime) -> Occupancy:
    """Take a free cabin out of sale. Raises CabinSold where a guest has it."""
    with transaction() as session:
        session.get_one(Sailing, sailing_id, with_for_update=True)
        _expire(sailing_id=sailing_id, cabin_id=cabin_id, now=now)
        closed = Occupancy(
            sailing_id=sailing_id,
            cabin_id=cabin_id,
            state=OccupancyState.CLOSED,
            party=0,
            made_at=now,
            reason=reason,
        )
        try:
            _take_nights(closed)
        except CabinTaken as taken:
            raise CabinSold from taken
        _changed(closed, sailing_id, "cabin.closed", None, now, reason=reason)
    return closed


def reserve_cabin(
    *, reservation: Reservation, cabin_id: int, now: datetime, part: VoyagePart | None = None
) -> Occupancy:
    """Keep a free cabin for a reservation until its date, with room aboard for all its lower berths; or only for the
    nights of a part of the voyage.

    Within the caller's transaction. Raises CabinSold where somebody has it, ShipFull.
    """
    session = db.session
    sailing = session.get_one(Sailing, reservation.sailing_id, with_for_update=True)
    cabin = session.get_one(Cabin, cabin_id)
    _expire(sailing_id=sailing.id, cabin_id=cabin_id, now=now)
    _check_persons(part or sailing, sailing, cabin.berths, now)
    reserved = Occupancy(
        sailing_id=sailing.id,
        part_id=part.id if part else None,
        cabin_id=cabin_id,
        state=OccupancyState.RESERVED,
        party=cabin.berths,
        made_at=now,
        expires_at=reservation.until,
        reservation_id=reservation.id,
    )
    try:
        _take_nights(reserved)
    except CabinTaken as taken:
        raise CabinSold from taken
    _changed(reserved, sailing.id, "cabin.reserved", None, now, reason=reservation.reference)
    return reserved


def keep_reserved(*, occupancy_id: int, until: datetime, now: datetime) -> None:
    """Let a reserved cabin be kept until another moment; one that is no longer reserved stays as it is."""
    with transaction() as session:
        occupancy = session.get_one(Occupancy, occupancy_id, with_for_update=True)
        if occupancy.state is OccupancyState.RESERVED and not occupancy.overdue_at(now):
            occupancy.expires_at = until
            bump(sailing_version(occupancy.sailing_id))


def release(*, occupancy_id: int, now: datetime, expired: bool = False) -> None:
    """Give the cabin back, if it is not given back already."""
    with transaction() as session:
        occupancy = session.get_one(Occupancy, occupancy_id, with_for_update=True)
        if occupancy.state not in OVER:
            _give_back(occupancy, OccupancyState.EXPIRED if expired else OccupancyState.RELEASED, now)


def name_party(*, occupancy_id: int, party: int, now: datetime) -> None:
    """As many travel in a held cabin as were named, infants counted. Raises HoldOver or ShipFull."""
    with transaction():
        hold = _locked(occupancy_id)
        if hold.state is not OccupancyState.HELD or hold.overdue_at(now):
            raise HoldOver
        _carry(hold, party, now)


def extend_hold(*, occupancy_id: int, until: datetime, now: datetime) -> None:
    """Keep a hold while a payment is under way. Raises HoldOver where it is over already."""
    with transaction() as session:
        occupancy = session.get_one(Occupancy, occupancy_id, with_for_update=True)
        if occupancy.state is not OccupancyState.HELD or occupancy.overdue_at(now):
            raise HoldOver
        if occupancy.expires_at is not None and until > occupancy.expires_at:
            occupancy.expires_at = until
            bump(sailing_version(occupancy.sailing_id))


def lengthen_hold(*, occupancy_id: int, now: datetime) -> None:
    """The visitor asks for more time: once HOLD_TIME more, and never beyond LONGEST_HOLD in all.

    Raises HoldOver or AlreadyLengthened.
    """
    with transaction() as session:
        occupancy = session.get_one(Occupancy, occupancy_id, with_for_update=True)
        if occupancy.state is not OccupancyState.HELD or occupancy.expires_at is None or occupancy.overdue_at(now):
            raise HoldOver
        if occupancy.lengthened_at is not None:
            raise AlreadyLengthened
        occupancy.lengthened_at = now
        occupancy.expires_at = min(occupancy.expires_at + HOLD_TIME, occupancy.made_at + LONGEST_HOLD)
        before = occupancy.state
        _changed(occupancy, occupancy.sailing_id, "cabin.held_longer", before, now)


def hand_over(*, occupancy_id: int, holder: str, now: datetime) -> Occupancy:
    """A hold that was offered, or a reserved cabin, becomes the hold of the visitor who took it up.

    HOLD_TIME is left of it at the least. Its time was long enough, so it cannot be lengthened. Raises HoldOver.
    """
    with transaction() as session:
        occupancy = session.get_one(Occupancy, occupancy_id, with_for_update=True)
        if occupancy.state not in FOR_A_TIME or occupancy.expires_at is None or occupancy.overdue_at(now):
            raise HoldOver
        before = occupancy.state
        if before is OccupancyState.RESERVED:
            occupancy.move_to(OccupancyState.HELD, now)
        occupancy.holder = holder
        occupancy.lengthened_at = now
        occupancy.expires_at = max(occupancy.expires_at, now + HOLD_TIME)
        _changed(occupancy, occupancy.sailing_id, "cabin.handed_over", before, now)
    return occupancy


def book_held_cabin(*, occupancy_id: int, party: int, now: datetime) -> None:
    """Make a hold the cabin of a booking for `party` persons: money has come. A second time nothing happens.

    A hold that has run out will do while nobody has swept it up. Raises CabinTaken for one that is over, ShipFull.
    """
    with transaction():
        occupancy = _locked(occupancy_id)
        if occupancy.state is OccupancyState.BOOKED:
            return
        if occupancy.state is not OccupancyState.HELD:
            raise CabinTaken
        _carry(occupancy, party, now)
        before = occupancy.state
        occupancy.move_to(OccupancyState.BOOKED, now)
        _changed(occupancy, occupancy.sailing_id, "cabin.booked", before, now)


def exchange_cabins(*, cabins: Mapping[int, int], now: datetime) -> None:
    """Give booked occupancies other cabins, all at once: their numbers are known from now on.

    cabins: by the occupancy's id, the id of its new cabin. Within the caller's transaction, which has locked the
    sailing. Raises CabinTaken where somebody else has one of the cabins on one of the nights.
    """
    session = db.session
    occupancies = session.scalars(
        select(Occupancy).where(Occupancy.id.in_(cabins)).order_by(Occupancy.id).with_for_update()
    ).all()
    nights = session.execute(
        select(CabinNight.occupancy_id, CabinNight.night).where(CabinNight.occupancy_id.in_(cabins))
    ).all()
    for cabin_id in sorted(set(cabins.values())):
        for sailing_id in {occupancy.sailing_id for occupancy in occupancies}:
            _expire(sailing_id=sailing_id, cabin_id=cabin_id, now=now)
    session.execute(delete(CabinNight).where(CabinNight.occupancy_id.in_(cabins)))
    for occupancy in occupancies:
        if occupancy.state is not OccupancyState.BOOKED:
            raise CabinTaken
        occupancy.cabin_id, occupancy.assigned_at = cabins[occupancy.id], now
    session.add_all(
        CabinNight(cabin_id=cabins[occupancy_id], night=night, occupancy_id=occupancy_id)
        for occupancy_id, night in nights
    )
    try:
        session.flush()
    except IntegrityError as another_was_first:
        raise CabinTaken from another_was_first


def retake_cabin(*, occupancy_id: int, party: int, now: datetime) -> Occupancy:
    """A new, booked occupancy in place of one that is over, if the cabin is still free. Raises CabinTaken, ShipFull."""
    with transaction() as session:
        lost = session.get_one(Occupancy, occupancy_id)
        sailing = session.get_one(Sailing, lost.sailing_id, with_for_update=True)
        _expire(sailing_id=lost.sailing_id, cabin_id=lost.cabin_id, now=now)
        _check_persons(lost.voyage, sailing, party, now)
        taken = Occupancy(
            sailing_id=lost.sailing_id,
            part_id=lost.part_id,
            cabin_id=lost.cabin_id,
            state=OccupancyState.BOOKED,
            party=party,
            holder=lost.holder,
            made_at=now,
        )
        _take_nights(taken)
        _changed(taken, sailing.id, "cabin.booked", None, now)
    return taken


@dataclass(frozen=True)
class Take:
    """A cabin that a booking changes to, for `party` persons, infants counted; `hold_id` where it is held for that."""

    sailing_id: int
    cabin_id: int
    party: int
    holder: str
    hold_id: int | None = None
    part_id: int | None = None  # None: for the whole voyage


def swap_cabins(
    *, give: Sequence[int], keep: Mapping[int, int], take: Sequence[Take], now: datetime
) -> list[Occupancy]:
    """Change what a booking has in one step: no moment in which it has both cabins, or none.

    give: occupancies whose cabins become free; keep: persons by occupancy that stays; take: cabins to book, in the
    order of the answer. A hold that has run out is taken anew while its cabin is free.
    Raises CabinTaken, KeptForOthers or ShipFull; then nothing is written.
    """
    with transaction():
        sailings = _lock_sailings([*give, *keep], take)
        given, kept = _lock_occupancies(give), _lock_occupancies(keep)
        held = {hold.id: hold for hold in _lock_occupancies([one.hold_id for one in take if one.hold_id is not None])}
        for occupancy in given:
            _give_back(occupancy, OccupancyState.RELEASED, now)
        # Fewer before more: who leaves one cabin may be the one who comes to another.
        for occupancy in sorted(kept, key=lambda one: keep[one.id] - one.party):
            _carry(occupancy, keep[occupancy.id], now)
        taken = []
        for one in take:
            hold = held.get(one.hold_id or 0)
            if hold is not None and hold.state is OccupancyState.HELD:
                _carry(hold, one.party, now)
                before = hold.state
                hold.move_to(OccupancyState.BOOKED, now)
                _changed(hold, one.sailing_id, "cabin.booked", before, now)
            else:
                own = {occupancy.cabin_id for occupancy in given}
                hold = _take(one, sailings[one.sailing_id], None, one.party, now, own=own)
            taken.append(hold)
    return taken


def hold_for_change(
    *, keep: Mapping[int, int], take: Sequence[Take], aboard: Mapping[int, int], until: datetime, now: datetime
) -> list[Occupancy]:
    """Hold what a booking is to change to until it is paid for; its own cabins stay as they are.

    keep: persons by occupancy, as many as there will be if there will be more. aboard: persons of the booking by
    sailing, who need no second place on the ship. Raises CabinTaken, KeptForOthers or ShipFull.
    """
    with transaction():
        sailings = _lock_sailings(list(keep), take)
        for occupancy in _lock_occupancies(keep):
            _carry(occupancy, max(keep[occupancy.id], occupancy.party), now)
        left = dict(aboard)
        held = []
        for one in take:
            known = min(one.party, left.get(one.sailing_id, 0))
            left[one.sailing_id] = left.get(one.sailing_id, 0) - known
            held.append(_take(one, sailings[one.sailing_id], until, one.party - known, now, own=set()))
    return held


def carry(*, parties: Mapping[int, int], now: datetime) -> None:
    """As many persons as said in cabins that a booking has. Raises ShipFull."""
    with transaction():
        _lock_sailings(list(parties), ())
        for occupancy in _lock_occupancies(parties):
            _carry(occupancy, parties[occupancy.id], now)


def _lock_sailings(occupancy_ids: Sequence[int], take: Sequence[Take]) -> dict[int, Sailing]:
    """In one order, each the lock of its persons aboard; before any occupancy."""
    ids = {one.sailing_id for one in take} | set(
        db.session.scalars(select(Occupancy.sailing_id).where(Occupancy.id.in_(occupancy_ids)))
    )
    rows = db.session.scalars(select(Sailing).where(Sailing.id.in_(ids)).order_by(Sailing.id).with_for_update())
    return {sailing.id: sailing for sailing in rows}


def _lock_occupancies(ids: Iterable[int]) -> Sequence[Occupancy]:
    return db.session.scalars(
        select(Occupancy)
        .where(Occupancy.id.in_(list(ids)))
        .order_by(Occupancy.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _take(
    one: Take, sailing: Sailing, until: datetime | None, counted: int, now: datetime, *, own: Collection[int]
) -> Occupancy:
    """Take a cabin anew, held `until` or booked for good; the cabins in `own` were the booking's until now."""
    cabin = db.session.get_one(Cabin, one.cabin_id)
    _expire(sailing_id=one.sailing_id, cabin_id=one.cabin_id, now=now)
    part = None if one.part_id is None else db.session.get_one(VoyagePart, one.part_id)
    voyage = part or sailing
    if one.cabin_id not in own and someone_waits(sailing, cabin, voyage.nights, now):
        raise KeptForOthers
    _check_persons(voyage, sailing, counted, now)
    taken = Occupancy(
        sailing_id=one.sailing_id,
        part_id=one.part_id,
        cabin_id=one.cabin_id,
        state=OccupancyState.BOOKED if until is None else OccupancyState.HELD,
        party=counted,
        holder=one.holder,
        made_at=now,
        expires_at=until,
    )
    _take_nights(taken)
    _changed(taken, sailing.id, "cabin.booked" if until is None else "cabin.held", None, now)
    return taken


def expire_holds(now: datetime) -> int:
    """Give back every cabin whose hold has run out; how many. Readers judge by the time, so this may be late."""
    with transaction():
        return _expire(now=now)


def _expire(*, now: datetime, sailing_id: int | None = None, cabin_id: int | None = None) -> int:
    overdue = select(Occupancy).where(Occupancy.state.in_(FOR_A_TIME), Occupancy.expires_at <= now)
    if sailing_id is not None:
        overdue = overdue.where(Occupancy.sailing_id == sailing_id, Occupancy.cabin_id == cabin_id)
    # By sailing: so two workers at once bump the sailings' versions in the same order.
    overdue = overdue.order_by(Occupancy.sailing_id, Occupancy.id).with_for_update(skip_locked=True)
    found = db.session.scalars(overdue).all()
    for occupancy in found:
        _give_back(occupancy, OccupancyState.EXPIRED, now)
    return len(found)


def _locked(occupancy_id: int) -> Occupancy:
    """An occupancy, locked after its sailing, whose row is the lock of the persons aboard and is taken first."""
    session = db.session
    sailing_id = session.get_one(Occupancy, occupancy_id).sailing_id
    session.get_one(Sailing, sailing_id, with_for_update=True)
    return session.get_one(Occupancy, occupancy_id, with_for_update=True)


def _carry(occupancy: Occupancy, party: int, now: datetime) -> None:
    """Let the occupancy be for `party` persons; one whose time is over counted nobody any more. Raises ShipFull."""
    counted = 0 if occupancy.overdue_at(now) else occupancy.party
    if party > counted:
        _check_persons(occupancy.voyage, occupancy.sailing, party - counted, now)
    occupancy.party = party


def _check_persons(voyage: Sailing | VoyagePart, sailing: Sailing, more: int, now: datetime) -> None:
    """Persons aboard never exceed the ship's limit on any night, infants counted, whatever sailing they are of."""
    if most_aboard(sailing.ship_id, voyage.nights, now) + more > sailing.ship.persons_limit:
        raise ShipFull


def most_aboard(ship_id: int, nights: Sequence[date], now: datetime) -> int:
    """How many persons are aboard on the fullest of these nights. One statement."""
    aboard = (
        select(func.sum(Occupancy.party).label("persons"))
        .join(CabinNight, CabinNight.occupancy_id == Occupancy.id)
        .join(Cabin, Cabin.id == CabinNight.cabin_id)
        .where(
            Cabin.ship_id == ship_id,
            CabinNight.night >= nights[0],
            CabinNight.night <= nights[-1],
            (Occupancy.expires_at.is_(None)) | (Occupancy.expires_at > now),
        )
        .group_by(CabinNight.night)
        .subquery()
    )
    return db.session.scalar(select(func.coalesce(func.max(aboard.c.persons), 0))) or 0


def _take_nights(occupancy: Occupancy) -> None:
    """The primary key of cabin_night decides between two who come at once."""
    session = db.session
    session.add(occupancy)
    session.flush()
    session.add_all(
        CabinNight(cabin_id=occupancy.cabin_id, night=night, occupancy_id=occupancy.id)
        for night in occupancy.voyage.nights
    )
    try:
        session.flush()
    except IntegrityError as another_was_first:
        raise CabinTaken from another_was_first


def _give_back(occupancy: Occupancy, state: OccupancyState, now: datetime) -> None:
    before = occupancy.state
    occupancy.move_to(state, now)
    db.session.execute(delete(CabinNight).where(CabinNight.occupancy_id == occupancy.id))
    _changed(occupancy, occupancy.sailing_id, f"cabin.{state}", before, now)
    after_commit(wake_worker)  # somebody may wait for it


def _changed(
    occupancy: Occupancy,
    sailing_id: int,
    action: str,
    before: OccupancyState | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    db.session.flush()
    bump(sailing_version(sailing_id))
    record(
        action,
        subject="occupancy",
        reference=occupancy.reference,
        now=now,
        from_state=before,
        to_state=occupancy.state,
        reason=" · ".join(part for part in (occupancy.cabin.number, reason) if part),
    )
