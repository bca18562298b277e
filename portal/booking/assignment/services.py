"""Try the run, and carry out just what was tried."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from portal.audit.services import record
from portal.booking.assignment.solver import Choice, Party, Place, assign
from portal.booking.models import BookedCabin, Booking, BookingState, Passenger
from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.catalogue.versions import bump, sailing_version
from portal.database import db, transaction
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.queries import cabins_taken
from portal.inventory.services import exchange_cabins
from portal.kernel.ages import age_on
from portal.kernel.errors import Refused
from portal.outbox.services import announce
from portal.pricing.party import CHILD_FARE_AGE


class RunChanged(Refused):
    message = _l("Something has changed since this run was tried. Please look at it again; nothing was assigned.")


@dataclass(frozen=True)
class Run:
    choices: tuple[Choice, ...]
    references: dict[int, str]  # of each booking

    @property
    def seal(self) -> str:
        """Changes with any choice: what staff agree to is compared by it."""
        rows = sorted((choice.party.occupancy_id, choice.place.cabin_id) for choice in self.choices)
        return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def try_run(sailing_id: int, now: datetime) -> Run:
    """Which cabin each confirmed guarantee booking of the sailing would get; nothing is written.

    Those who travel on the same nights choose among each other, the whole voyage before its parts. Two statements, and
    one for each part.
    """
    waiting = db.session.scalars(
        select(BookedCabin)
        .join(Occupancy, Occupancy.id == BookedCabin.occupancy_id)
        .join(Booking, Booking.id == BookedCabin.booking_id)
        .where(
            Occupancy.sailing_id == sailing_id,
            Occupancy.state == OccupancyState.BOOKED,
            Occupancy.guaranteed.is_(True),
            Occupancy.assigned_at.is_(None),
            Booking.state == BookingState.CONFIRMED,
        )
        .order_by(BookedCabin.id)
        .options(
            joinedload(BookedCabin.booking)
            .selectinload(Booking.cabins)
            .options(
                joinedload(BookedCabin.cabin).joinedload(Cabin.deck),
                joinedload(BookedCabin.occupancy),
            ),
            joinedload(BookedCabin.booking).selectinload(Booking.passengers),
        )
    ).all()
    if not waiting:
        return Run((), {})
    sailing = db.session.get_one(Sailing, sailing_id)
    cabins = _cabins(sailing, {entry.cabin.category_id for entry in waiting})
    choices: list[Choice] = []
    given: dict[int, set[date]] = {}  # nights of cabins that were free and are given to others in this run
    for part_id in sorted({entry.occupancy.part_id or 0 for entry in waiting}):
        group = [entry for entry in waiting if (entry.occupancy.part_id or 0) == part_id]
        voyage = group[0].occupancy.voyage
        taken = cabins_taken(sailing.ship_id, voyage.nights, now) - {entry.cabin_id for entry in group}
        taken |= {cabin_id for cabin_id, nights in given.items() if nights & set(voyage.nights)}
        places = [_place(cabin) for cabin in cabins if cabin.id not in taken]
        for choice in assign([_party(entry, voyage) for entry in group], places):
            choices.append(choice)
            given.setdefault(choice.place.cabin_id, set()).update(voyage.nights)
    return Run(tuple(choices), {entry.booking_id: entry.booking.reference for entry in waiting})


def carry_out(*, sailing_id: int, seal: str, now: datetime) -> int:
    """Do what the run of this seal showed, all of it or nothing; how many cabins got their numbers.

    Raises RunChanged where another run would come out now. Announces booking.cabin_assigned for each booking.
    """
    with transaction() as session:
        # Before the sailing, as everywhere: bookings first.
        booking_ids = sorted({choice.party.booking_id for choice in try_run(sailing_id, now).choices})
        session.scalars(
            select(Booking).where(Booking.id.in_(booking_ids)).order_by(Booking.id).with_for_update(of=Booking)
        ).all()
        session.get_one(Sailing, sailing_id, with_for_update=True)
        session.expire_all()
        run = try_run(sailing_id, now)
        if run.seal != seal or not run.choices:
            raise RunChanged
        exchange_cabins(
            cabins={choice.party.occupancy_id: choice.place.cabin_id for choice in run.choices}, now=now
        )
        for choice in run.choices:
            party, place = choice.party, choice.place
            session.execute(
                update(BookedCabin)
                .where(BookedCabin.occupancy_id == party.occupancy_id)
                .values(cabin_id=place.cabin_id)
            )
            record(
                "booking.cabin_assigned",
                subject="booking",
                reference=run.references[party.booking_id],
                now=now,
                reason=" ".join([place.number, choice.why, *([choice.beside] if choice.beside else [])]),
            )
        _move_passengers(run)
        for booking_id in sorted(run.references):
            announce("booking.cabin_assigned", booking_id=booking_id)
        bump(sailing_version(sailing_id))
    return len(run.choices)


def _move_passengers(run: Run) -> None:
    """With their cabin: all at once, so that nobody is taken for one who already sleeps in the other's cabin."""
    sleeping = {
        (choice.party.booking_id, choice.party.kept): choice.place.cabin_id for choice in run.choices
    }
    moved = [
        (passenger, sleeping[passenger.booking_id, passenger.cabin_id])
        for passenger in db.session.scalars(
            select(Passenger).where(Passenger.booking_id.in_({booking for booking, _ in sleeping}))
        )
        if (passenger.booking_id, passenger.cabin_id) in sleeping
    ]
    for passenger, cabin_id in moved:
        passenger.cabin_id = cabin_id


def _cabins(sailing: Sailing, category_ids: set[int]) -> Sequence[Cabin]:
    return db.session.scalars(
        select(Cabin)
        .where(Cabin.ship_id == sailing.ship_id, Cabin.category_id.in_(category_ids))
        .order_by(Cabin.id)
        .options(joinedload(Cabin.deck))
    ).all()


def _place(cabin: Cabin) -> Place:
    return Place(
        cabin_id=cabin.id,
        number=cabin.number,
        category_id=cabin.category_id,
        berths=cabin.sleeps,
        accessible=cabin.accessible,
        connects_to=cabin.connects_to,
        deck_level=cabin.deck.level,
        x=cabin.x,
        y=cabin.y,
    )


def _party(entry: BookedCabin, voyage: Sailing | VoyagePart) -> Party:
    day = voyage.start_day
    return Party(
        occupancy_id=entry.occupancy_id,
        booking_id=entry.booking_id,
        category_id=entry.cabin.category_id,
        sleepers=sum(
            age_on(day, one.birth_date) >= CHILD_FARE_AGE
            for one in entry.booking.passengers
            if one.cabin_id == entry.cabin_id
        ),
        kept=entry.cabin_id,
        known=tuple(
            _place(other.cabin) for other in entry.booking.cabins if not other.occupancy.number_later
        ),
    )
