"""Make, move and end reservations; remind those they are kept for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from portal.audit.services import record
from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.database import db, transaction
from portal.inventory.errors import CabinSold
from portal.inventory.models import Occupancy, OccupancyState, Reservation, ReservationKind
from portal.inventory.reservations.errors import CabinNotFree, DateRefused, ReservationOver, TooLong, TooManyCabins
from portal.inventory.services import keep_reserved, release, reserve_cabin
from portal.kernel.errors import NotFound
from portal.outbox.services import announce

# Proposed: a fifth of the ship for one agency, and a fortnight to think.
MOST_CABINS = 31
LONGEST_OPTION = timedelta(days=14)
REMINDERS = (24, 2)  # hours before the end


def reserve(
    *,
    sailing_id: int,
    kind: ReservationKind,
    numbers: Sequence[str],
    name: str,
    email: str,
    language: str,
    until: datetime,
    note: str | None,
    now: datetime,
    part: str | None = None,
) -> Reservation:
    """Keep the cabins of these numbers for an agency until `until`: all of them or none.

    part: the key of the part of the voyage that they are kept for; None: the whole.
    Raises DateRefused, TooLong, TooManyCabins, CabinNotFree (also for a number that the ship does not have), ShipFull,
    or NotFound for a part that is not offered. Announces reservation.made.
    """
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        _check_date(sailing, kind, until, made_at=now, now=now)
        of_part = _part(sailing, part, now) if part else None
        wanted = sorted(set(numbers))
        if len(wanted) + _kept_for(sailing_id, email) > MOST_CABINS:
            raise TooManyCabins(most=MOST_CABINS)
        known = select(Cabin).where(Cabin.ship_id == sailing.ship_id, Cabin.number.in_(wanted))
        cabins = {cabin.number: cabin.id for cabin in session.scalars(known)}
        reservation = Reservation(
            sailing_id=sailing_id,
            kind=kind,
            name=name,
            email=email.lower(),
            language=language,
            until=until,
            note=note,
            made_at=now,
        )
        session.add(reservation)
        session.flush()
        for number in wanted:
            if number not in cabins:
                raise CabinNotFree(number=number)
            try:
                reserve_cabin(reservation=reservation, cabin_id=cabins[number], now=now, part=of_part)
            except CabinSold as sold:
                raise CabinNotFree(number=number) from sold
        _record("reservation.made", reservation, now, f"{kind}: {', '.join(wanted)}")
        announce("reservation.made", reservation_id=reservation.id)
    return reservation


def set_until(*, reservation_id: int, until: datetime, now: datetime) -> None:
    """Keep what is still reserved until another moment. Raises DateRefused, TooLong, ReservationOver.

    Announces reservation.made: the agency is told of its new date.
    """
    with transaction() as session:
        sailing_id = session.get_one(Reservation, reservation_id).sailing_id
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        reservation = session.get_one(Reservation, reservation_id, with_for_update=True)
        _check_date(sailing, reservation.kind, until, made_at=reservation.made_at, now=now)
        kept = _reserved(reservation_id, now)
        if not kept:
            raise ReservationOver
        for occupancy_id in kept:
            keep_reserved(occupancy_id=occupancy_id, until=until, now=now)
        reservation.until = until
        _record("reservation.date_set", reservation, now, until.isoformat(timespec="minutes"))
        announce("reservation.made", reservation_id=reservation.id)


def give_back(*, reservation_id: int, numbers: Sequence[str] | None, reason: str, now: datetime) -> int:
    """Put reserved cabins back on sale, all or those of `numbers`; how many. Taken up or booked ones stay."""
    with transaction() as session:
        reservation = session.get_one(Reservation, reservation_id)
        given = 0
        for occupancy_id in _reserved(reservation_id, now, numbers):
            release(occupancy_id=occupancy_id, now=now)
            given += 1
        if given:
            _record("reservation.released", reservation, now, reason)
    return given


def remind(now: datetime) -> None:
    """Say what ends soon: announce reservation.ending 24 and 2 hours before, once for each date that was set."""
    with transaction() as session:
        soon = session.scalars(
            select(Reservation)
            .where(
                Reservation.until > now,
                Reservation.until <= now + timedelta(hours=REMINDERS[0]),
                Reservation.id.in_(
                    select(Occupancy.reservation_id).where(Occupancy.state == OccupancyState.RESERVED)
                ),
            )
            .order_by(Reservation.id)
            .with_for_update(skip_locked=True)
        ).all()
        for reservation in soon:
            hours = min(hours for hours in REMINDERS if reservation.until - now <= timedelta(hours=hours))
            told = reservation.reminded_for == reservation.until and (reservation.reminded_hours or 0) <= hours
            short = reservation.until - reservation.made_at <= timedelta(hours=hours)
            if not told and not short:
                reservation.reminded_for, reservation.reminded_hours = reservation.until, hours
                announce("reservation.ending", reservation_id=reservation.id, hours=hours)


def _part(sailing: Sailing, key: str, now: datetime) -> VoyagePart:
    for part in sailing.parts:
        if part.key == key and part.on_sale_at(now):
            return part
    raise NotFound(sailing.code, key)


def _check_date(sailing: Sailing, kind: ReservationKind, until: datetime, *, made_at: datetime, now: datetime) -> None:
    if not now < until <= sailing.sales_close_at:
        raise DateRefused
    if kind is ReservationKind.OPTION and until - made_at > LONGEST_OPTION:
        raise TooLong(days=LONGEST_OPTION.days)


def _kept_for(sailing_id: int, email: str) -> int:
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Occupancy)
            .join(Reservation, Reservation.id == Occupancy.reservation_id)
            .where(
                Occupancy.sailing_id == sailing_id,
                Occupancy.state == OccupancyState.RESERVED,
                Reservation.email == email.lower(),
            )
        )
        or 0
    )


def _reserved(reservation_id: int, now: datetime, numbers: Sequence[str] | None = None) -> Sequence[int]:
    found = (
        select(Occupancy.id)
        .where(
            Occupancy.reservation_id == reservation_id,
            Occupancy.state == OccupancyState.RESERVED,
            Occupancy.expires_at > now,
        )
        .order_by(Occupancy.id)
    )
    if numbers is not None:
        found = found.join(Cabin, Cabin.id == Occupancy.cabin_id).where(Cabin.number.in_(numbers))
    return db.session.scalars(found).all()


def _record(action: str, reservation: Reservation, now: datetime, reason: str) -> None:
    record(action, subject="reservation", reference=reservation.reference, now=now, reason=reason)
