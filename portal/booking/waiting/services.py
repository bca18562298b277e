"""Stand in line, be offered a cabin, answer: the only writers of the waiting list.

Rows are locked in the order parties, sailing, cabins; the parties by id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import and_, exists, or_, select, update

from portal.audit.services import record, record_move
from portal.booking.waiting.errors import CabinIsFree, NoCabinSleepsSoMany, NotInLine, OfferOver
from portal.booking.waiting.matching import InLine, why_not
from portal.booking.waiting.models import (
    IN_LINE,
    OFFER_MOVES,
    WAITING_MOVES,
    OfferState,
    WaitingEntry,
    WaitingOffer,
    WaitingSkip,
    WaitingState,
    WaitingWish,
)
from portal.booking.waiting.queries import line_of
from portal.catalogue.models import Cabin, Category, Sailing, SailingState, VoyagePart
from portal.database import db, transaction
from portal.inventory.errors import CabinTaken, HoldOver, SailingClosed, ShipFull
from portal.inventory.line import keeps_a_line
from portal.inventory.models import Occupancy
from portal.inventory.services import hand_over, hold_cabin, release
from portal.kernel.clock import real_now
from portal.kernel.states import move
from portal.outbox.services import announce

# For how long a cabin is kept for the party it is offered to, by the time left to sell it: far ahead a day, so that
# everyone reads his mail once; towards the end hours, so that the cabin is not lost to the next in line.
OFFER_TIMES = (
    (timedelta(days=5), timedelta(hours=24)),
    (timedelta(days=1), timedelta(hours=6)),
    (timedelta(0), timedelta(hours=2)),
)
LEAST_OFFER = timedelta(minutes=30)  # in less nobody can answer, name the passengers and pay
UNANSWERED = 2  # so many offers may run out without a word; then the party is thought to wait no more
SAILINGS_AT_ONCE = 6
KEPT_AFTER = timedelta(days=30)  # names and addresses of those who wait no more, for questions about it


def offered_until(sailing: Sailing, now: datetime) -> datetime | None:
    """Until when a cabin offered now is kept; none where sales end too soon for an offer."""
    ahead = sailing.sales_close_at - now
    time = next((time for least, time in OFFER_TIMES if ahead >= least), None)
    if time is None:
        return None
    until = min(now + time, sailing.sales_close_at)
    return until if until - now >= LEAST_OFFER else None


def join_line(
    *,
    sailing_ids: Sequence[int],
    part_ids: Mapping[int, int] | None = None,
    party: int,
    infants: int,
    category: str | None,
    name: str,
    email: str,
    language: str,
    consent_version: str,
    now: datetime,
) -> WaitingEntry:
    """Put a party at the end of the line for these sailings; the first that has a cabin for it is offered.

    part_ids: by sailing, the part of the voyage that is wanted, where it is not the whole. party: persons, infants
    counted; infants: those of them who sleep with their parents. category: a code, or none for any. An address that
    waits for one of these voyages already keeps its place and gets its letter again.
    Raises SailingClosed, NoCabinSleepsSoMany or CabinIsFree; then nothing is written. Announces booking.line_joined.
    """
    address = email.strip().lower()
    wanted = {sailing_id: (part_ids or {}).get(sailing_id) for sailing_id in sorted(set(sailing_ids))}
    with transaction() as session:
        known = session.scalars(
            select(WaitingEntry)
            .join(WaitingWish)
            .where(
                WaitingEntry.email == address,
                WaitingEntry.over_at.is_(None),
                or_(
                    *(
                        and_(WaitingWish.sailing_id == sailing_id, WaitingWish.part_id.is_not_distinct_from(part_id))
                        for sailing_id, part_id in wanted.items()
                    )
                ),
            )
            .order_by(WaitingEntry.id)
        ).first()
        if known is not None:
            _tell_joined(known)
            return known
        for sailing_id, part_id in wanted.items():
            sailing = session.get_one(Sailing, sailing_id)
            voyage = sailing if part_id is None else session.get_one(VoyagePart, part_id)
            if not voyage.on_sale_at(now):
                raise SailingClosed
            _check_waiting_helps(sailing, voyage.nights, party, infants, category, now)
        entry = WaitingEntry(
            party=party,
            infants=infants,
            category=category,
            name=name,
            email=address,
            language=language,
            consent_version=consent_version,
            consent_given_at=real_now(),
            made_at=now,
            wishes=[
                WaitingWish(sailing_id=sailing_id, part_id=part_id) for sailing_id, part_id in wanted.items()
            ],
        )
        session.add(entry)
        session.flush()
        record("waiting.joined", subject="waiting", reference=entry.reference, now=now, to_state=entry.state)
        _tell_joined(entry)
    return entry


def _tell_joined(entry: WaitingEntry) -> None:
    announce("booking.line_joined", entry_id=entry.id, hour=f"{real_now():%Y%m%d%H}")


def _check_waiting_helps(
    sailing: Sailing, nights: Sequence[date], party: int, infants: int, category: str | None, now: datetime
) -> None:
    """Nobody waits for a cabin that is free, nor for one that the ship does not have."""
    sizes = select(Cabin.berths + Cabin.extra_berths).where(Cabin.ship_id == sailing.ship_id)
    if category is not None:
        sizes = sizes.join(Category).where(Category.code == category)
    if party - infants > max(db.session.scalars(sizes), default=0):
        raise NoCabinSleepsSoMany
    line = line_of(sailing.id, now)
    newcomer = InLine(0, party, party - infants, category, frozenset(nights))
    for cabin in line.cabins:
        if why_not(newcomer, cabin, line.room) is None and not line.wants(cabin.id, nights):
            raise CabinIsFree


def serve_lines(now: datetime) -> int:
    """Offer every cabin that is free to the first in line whom it suits; how many offers were made.

    Safe for two workers at once and at any time: an offer is made under the lock of the parties in line.
    """
    waiting = db.session.scalars(
        select(Sailing.id)
        .where(
            exists().where(
                WaitingWish.sailing_id == Sailing.id,
                WaitingWish.entry_id == WaitingEntry.id,
                WaitingEntry.state == WaitingState.WAITING,
            ),
            Sailing.state == SailingState.ON_SALE,
            Sailing.sales_close_at > now,
        )
        .order_by(Sailing.starts_at, Sailing.id)
    ).all()
    return sum(serve_line(sailing_id=sailing_id, now=now) for sailing_id in waiting)


def serve_line(*, sailing_id: int, now: datetime) -> int:
    """As serve_lines(), for one sailing."""
    made, refused = 0, set[int]()
    while True:
        chosen: list[int] = []
        try:
            if not _offer_next(sailing_id, refused, chosen, now):
                return made
            made += 1
        except ShipFull:
            refused.update(chosen)
        except (CabinTaken, SailingClosed):  # another sailing over the same nights was quicker, or staff were
            return made


def _offer_next(sailing_id: int, refused: set[int], chosen: list[int], now: datetime) -> bool:
    """One offer in one transaction; `chosen` tells whom it was for, should it be refused."""
    with transaction() as session:
        entries = {
            entry.id: entry
            for entry in session.scalars(
                select(WaitingEntry)
                .join(WaitingWish)
                .where(WaitingWish.sailing_id == sailing_id, WaitingEntry.over_at.is_(None))
                .order_by(WaitingEntry.id)
                .with_for_update(of=WaitingEntry)
                .execution_options(populate_existing=True)
            )
        }
        if not any(entry.state is WaitingState.WAITING for entry in entries.values()):
            return False
        # Held from here, so that what is seen free below is free until it is offered.
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        until = offered_until(sailing, now)
        if until is None or not sailing.on_sale_at(now):
            return False
        plan = line_of(sailing_id, now).plan(without=refused)
        if not plan:
            return False
        proposal = plan[0]
        entry = entries[proposal.entry_id]
        [wish] = [one for one in entry.wishes if one.sailing_id == sailing_id]
        chosen.append(entry.id)
        hold = hold_cabin(
            sailing_id=sailing_id,
            cabin_id=proposal.cabin.id,
            party=entry.party,
            holder=f"waiting:{entry.reference}",
            now=now,
            offered_until=until,
            part_id=wish.part_id,
        )
        offer = WaitingOffer(
            entry_id=entry.id,
            sailing_id=sailing_id,
            cabin_id=proposal.cabin.id,
            occupancy_id=hold.id,
            made_at=now,
            expires_at=until,
        )
        session.add(offer)
        session.flush()
        session.add_all(
            WaitingSkip(entry_id=passed.entry_id, offer_id=offer.id, reason=passed.reason, made_at=now)
            for passed in proposal.passed
        )
        _move(entry, WaitingState.OFFERED, now, reason=proposal.cabin.number)
        announce("booking.cabin_offered", offer_id=offer.id)
    return True


@keeps_a_line
def someone_waits(sailing: Sailing, cabin: Cabin, nights: Collection[date], now: datetime) -> bool:
    """Whether this cabin, were it free, would be offered to somebody in line now who needs one of these nights."""
    in_line = exists().where(
        WaitingWish.sailing_id == sailing.id,
        WaitingWish.entry_id == WaitingEntry.id,
        WaitingEntry.state == WaitingState.WAITING,
    )
    if not db.session.scalar(select(in_line)) or offered_until(sailing, now) is None:
        return False
    return line_of(sailing.id, now).wants(cabin.id, nights)


def accept_offer(*, offer_id: int, holder: str, now: datetime) -> Occupancy:
    """The party takes the cabin: its hold becomes the visitor's own. Pressed twice, it is the same hold.

    Raises OfferOver.
    """
    with transaction():
        entry, offer = _locked(offer_id)
        if offer.state is OfferState.ACCEPTED and offer.occupancy.holder == holder:
            return offer.occupancy
        if offer.state is not OfferState.OPEN or offer.expires_at <= now:
            raise OfferOver
        try:
            hold = hand_over(occupancy_id=offer.occupancy_id, holder=holder, now=now)
        except HoldOver as gone:
            raise OfferOver from gone
        _close(offer, OfferState.ACCEPTED, now)
        _move(entry, WaitingState.ACCEPTED, now, reason=offer.cabin.number)
    return hold


def decline_offer(*, offer_id: int, leave: bool, now: datetime) -> None:
    """The party does not want this cabin; it keeps its place, unless it leaves. Raises OfferOver."""
    with transaction():
        entry, offer = _locked(offer_id)
        if offer.state is not OfferState.OPEN:
            raise OfferOver
        _close(offer, OfferState.DECLINED, now)
        _move(entry, WaitingState.LEFT if leave else WaitingState.WAITING, now, reason=offer.cabin.number)
        release(occupancy_id=offer.occupancy_id, now=now)


def expire_offers(now: datetime) -> int:
    """End every offer that ran out; how many. The party keeps its place the first time, and lapses at UNANSWERED.

    Announces booking.offer_expired for each.
    """
    overdue = db.session.scalars(
        select(WaitingOffer.id)
        .where(WaitingOffer.state == OfferState.OPEN, WaitingOffer.expires_at <= now)
        .order_by(WaitingOffer.id)
    ).all()
    return sum(_expire(offer_id, now) for offer_id in overdue)


def _expire(offer_id: int, now: datetime) -> bool:
    with transaction():
        entry, offer = _locked(offer_id)
        if offer.state is not OfferState.OPEN:
            return False
        entry.unanswered += 1
        _close(offer, OfferState.EXPIRED, now)
        lapsed = entry.unanswered >= UNANSWERED
        _move(entry, WaitingState.LAPSED if lapsed else WaitingState.WAITING, now, reason=offer.cabin.number)
        release(occupancy_id=offer.occupancy_id, now=now, expired=True)
        announce("booking.offer_expired", offer_id=offer.id)
    return True


def withdraw_lost_offers(now: datetime) -> int:
    """End offers whose cabin was taken back, as of a sailing that was stopped; the party keeps its place. How many."""
    lost = db.session.scalars(
        select(WaitingOffer.id)
        .join(Occupancy)
        .where(WaitingOffer.state == OfferState.OPEN, Occupancy.over_at.is_not(None), WaitingOffer.expires_at > now)
        .order_by(WaitingOffer.id)
    ).all()
    return sum(_withdraw(offer_id, now) for offer_id in lost)


def _withdraw(offer_id: int, now: datetime) -> bool:
    with transaction():
        entry, offer = _locked(offer_id)
        if offer.state is not OfferState.OPEN:
            return False
        _close(offer, OfferState.WITHDRAWN, now)
        _move(entry, WaitingState.WAITING, now, reason=offer.cabin.number)
    return True


def leave_line(*, entry_id: int, now: datetime) -> None:
    """The party waits no more; a cabin kept for it goes to the next. A second time nothing happens."""
    _take_out(entry_id, WaitingState.LEFT, now)


def remove_from_line(*, entry_id: int, reason: str, now: datetime) -> None:
    """Staff take a party off the list. Raises NotInLine. Announces booking.line_removed."""
    if not _take_out(entry_id, WaitingState.REMOVED, now, reason):
        raise NotInLine


def end_lines(now: datetime) -> int:
    """Let those go who wait for nothing that will still sail; how many. Announces booking.line_ended for each."""
    ahead = exists().where(
        WaitingWish.entry_id == WaitingEntry.id,
        WaitingWish.sailing_id == Sailing.id,
        Sailing.starts_at > now,
        Sailing.state != SailingState.CANCELLED,
    )
    done = db.session.scalars(
        select(WaitingEntry.id).where(WaitingEntry.over_at.is_(None), ~ahead).order_by(WaitingEntry.id)
    ).all()
    return sum(_take_out(entry_id, WaitingState.ENDED, now) for entry_id in done)


def forget_lines(now: datetime) -> None:
    """Names and addresses of those who wait no more are kept for KEPT_AFTER."""
    with transaction() as session:
        session.execute(
            update(WaitingEntry)
            .where(WaitingEntry.over_at <= now - KEPT_AFTER, WaitingEntry.email != "")
            .values(name="", email="")
        )


def _take_out(entry_id: int, state: WaitingState, now: datetime, reason: str | None = None) -> bool:
    with transaction() as session:
        entry = session.get_one(WaitingEntry, entry_id, with_for_update=True, populate_existing=True)
        if entry.state not in IN_LINE:
            return False
        offer = session.scalars(
            select(WaitingOffer).where(WaitingOffer.entry_id == entry_id, WaitingOffer.state == OfferState.OPEN)
        ).one_or_none()
        _move(entry, state, now, reason=reason)
        if offer is not None:
            _close(offer, OfferState.WITHDRAWN, now)
            release(occupancy_id=offer.occupancy_id, now=now)
        if state in (WaitingState.REMOVED, WaitingState.ENDED):
            announce(f"booking.line_{state}", entry_id=entry.id)
    return True


def _locked(offer_id: int) -> tuple[WaitingEntry, WaitingOffer]:
    """An offer as it is now, under the lock of its party."""
    session = db.session
    entry_id = session.get_one(WaitingOffer, offer_id).entry_id
    entry = session.get_one(WaitingEntry, entry_id, with_for_update=True, populate_existing=True)
    return entry, session.get_one(WaitingOffer, offer_id, populate_existing=True)


def _close(offer: WaitingOffer, state: OfferState, now: datetime) -> None:
    offer.state = move(offer.state, state, OFFER_MOVES)
    offer.over_at = now


def _move(entry: WaitingEntry, state: WaitingState, now: datetime, reason: str | None = None) -> None:
    before = entry.state
    entry.state = move(before, state, WAITING_MOVES)
    if state not in IN_LINE:
        entry.over_at = now
    record_move("waiting", entry.reference, before, state, now=now, reason=reason)
