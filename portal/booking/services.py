"""Make, place, confirm and end bookings: the only writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from portal.audit.services import record, record_move
from portal.booking.changes import awaiting_change, drop_change
from portal.booking.details import LaterDetails
from portal.booking.errors import (
    DifferentParts,
    MinorsAlone,
    NoAdult,
    NobodyInCabin,
    NotPayable,
    SamePassengerTwice,
)
from portal.booking.models import (
    BOOKING_MOVES,
    TRAVEL_MOVES,
    BookedCabin,
    Booking,
    BookingState,
    Charge,
    Passenger,
    TravelState,
)
from portal.booking.prices import convert_quote, give_back_promotion, lock_promotion, price_draft, retake_promotion
from portal.database import column_key, db, transaction
from portal.inventory.errors import HoldOver
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.services import book_held_cabin, extend_hold, name_party, release, retake_cabin
from portal.kernel.ages import OF_AGE, age_on
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.kernel.sealing import fingerprint
from portal.kernel.states import IllegalMove, move
from portal.ledger.services import post_cancellation, post_charge, post_charge_ended
from portal.outbox.services import announce
from portal.pricing.policy import DEFAULT_POLICY, POLICY_VERSION
from portal.pricing.queries import CURRENCY


@dataclass(frozen=True, kw_only=True)
class PassengerDetails(LaterDetails):
    """What was typed about one passenger, in the shape the form has checked; what may come later is None."""

    surname: str
    given_names: str
    birth_date: date
    citizenship: str


def plain_number(number: str | None) -> str | None:
    """A document's number as it is kept: capital letters, no spaces; None where none was given."""
    return "".join(number.split()).upper() or None if number else None


def document_digest(number: str | None) -> str | None:
    """By which the same document is found in another booking, without reading any number."""
    plain = plain_number(number)
    return fingerprint(plain, column_key()) if plain else None


Parties = Mapping[int, Sequence[PassengerDetails]]  # who sleeps in each cabin, by the id of its hold


def name_passengers(
    *,
    parties: Parties,
    customer_id: int | None,
    language: str,
    now: datetime,
    minors_waiver: bool = False,
) -> Booking:
    """Write who travels in which held cabin, with today's price of each; a second time in place of the first.

    parties: the holds of one visitor on one sailing, all for the same part of it, each with at least one passenger.
    minors_waiver: the adult who books answers for minors who sleep in a cabin of their own, next to another of the
    same booking.
    Raises NobodyInCabin, HoldOver, DifferentParts, ShipFull, NoAdult, TooManyForCabin, SamePassengerTwice; then nothing
    is written.
    """
    try:
        return _name(parties, customer_id, language, now, minors_waiver)
    except _DraftedMeanwhile:
        # Another tab was first. Its draft is there now, and is locked before the holds like any other.
        return _name(parties, customer_id, language, now, minors_waiver)


class _DraftedMeanwhile(Exception):
    """A hold had no booking when we looked, and has one now."""


def _name(
    parties: Parties, customer_id: int | None, language: str, now: datetime, minors_waiver: bool
) -> Booking:
    with transaction() as session:
        known = _booking_of(parties)
        lock_promotion(known, hold_ids=parties)
        for hold_id in sorted(parties):
            if not parties[hold_id]:
                raise NobodyInCabin(number=session.get_one(Occupancy, hold_id).cabin.number)
            name_party(occupancy_id=hold_id, party=len(parties[hold_id]), now=now)
        holds = [session.get_one(Occupancy, hold_id) for hold_id in parties]
        if len({hold.part_id for hold in holds}) > 1:
            raise DifferentParts
        everybody = [details for party in parties.values() for details in party]
        alone = _check_adults(holds, parties, waived=minors_waiver)
        digests = [document_digest(details.document_number) for details in everybody]
        known_digests = [digest for digest in digests if digest]
        if len(set(known_digests)) < len(known_digests):
            raise SamePassengerTwice
        booking = _draft_of(holds, known, customer_id, language, now)
        booking.minors_waiver_at = real_now() if alone else None
        session.execute(delete(Charge).where(Charge.booking_id == booking.id))
        session.execute(delete(Passenger).where(Passenger.booking_id == booking.id))
        session.expire(booking, ["passengers", "charges"])
        cabins = [hold.cabin_id for hold in holds for _ in parties[hold.id]]
        session.add_all(
            Passenger(
                booking_id=booking.id,
                cabin_id=cabin_id,
                position=position,
                surname=details.surname.upper(),
                given_names=details.given_names.upper(),
                local_surname=details.local_surname,
                local_given_names=details.local_given_names,
                patronymic=details.patronymic,
                birth_date=details.birth_date,
                birth_place=details.birth_place,
                sex=details.sex,
                citizenship=details.citizenship,
                document_kind=details.document_kind,
                document_number=plain_number(details.document_number),
                document_fingerprint=digest,
                document_expires=details.document_expires,
            )
            for position, (details, cabin_id, digest) in enumerate(zip(everybody, cabins, digests, strict=True), 1)
        )
        session.flush()
        price_draft(booking, now)
    return booking


def _check_adults(holds: Sequence[Occupancy], parties: Parties, *, waived: bool) -> bool:
    """Whether minors sleep in a cabin without an adult, which needs the waiver. Raises NoAdult."""
    day = holds[0].voyage.start_day
    grown = {hold.id: any(age_on(day, one.birth_date) >= OF_AGE for one in parties[hold.id]) for hold in holds}
    if not any(grown.values()):
        raise NoAdult
    alone = [hold for hold in holds if not grown[hold.id]]
    if alone and not waived:
        raise MinorsAlone(number=alone[0].cabin.number)
    return bool(alone)


def _booking_of(hold_ids: Iterable[int]) -> Booking | None:
    """The booking that these holds already have, locked."""
    return db.session.scalars(
        select(Booking)
        .where(Booking.id.in_(select(BookedCabin.booking_id).where(BookedCabin.occupancy_id.in_(hold_ids))))
        .order_by(Booking.id)
        .with_for_update(of=Booking)
        .execution_options(populate_existing=True)
    ).first()


def _draft_of(
    holds: Sequence[Occupancy],
    booking: Booking | None,
    customer_id: int | None,
    language: str,
    now: datetime,
) -> Booking:
    """The draft `booking` that one of these holds already has, or a new one; with just these cabins in it."""
    session = db.session
    if booking is None:
        booking = Booking(
            sailing_id=holds[0].sailing_id,
            customer_id=customer_id,
            holder=holds[0].holder,
            language=language,
            currency=CURRENCY,
            made_at=now,
        )
        session.add(booking)
        session.flush()
        record("booking.drafted", subject="booking", reference=booking.reference, now=now, to_state=booking.state)
    elif booking.state is not BookingState.DRAFT:
        raise NotPayable
    booking.language = language
    booking.customer_id = customer_id or booking.customer_id
    in_it = {cabin.occupancy_id for cabin in booking.cabins}
    wanted = {hold.id for hold in holds}
    if in_it != wanted:
        session.execute(
            delete(BookedCabin).where(BookedCabin.booking_id == booking.id, BookedCabin.occupancy_id.not_in(wanted))
        )
        session.add_all(
            BookedCabin(booking_id=booking.id, occupancy_id=hold.id, cabin_id=hold.cabin_id)
            for hold in holds
            if hold.id not in in_it
        )
        try:
            session.flush()
        except IntegrityError as another_was_first:
            raise _DraftedMeanwhile from another_was_first
        session.expire(booking, ["cabins"])
    return booking


def place_booking(
    *,
    booking_id: int,
    contact_name: str,
    contact_email: str,
    contact_phone: str,
    terms_version: str,
    consent_version: str,
    now: datetime,
) -> Booking:
    """The customer agrees: price, conditions and consent are pinned. Raises HoldOver, ShipFull, NotPayable.

    Money is awaited until the hold ends; starting a payment makes that later.
    Announces booking.placed.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        holds = [cabin.occupancy for cabin in booking.cabins]
        if any(hold.state is not OccupancyState.HELD or hold.overdue_at(now) for hold in holds):
            raise HoldOver
        if booking.state is not BookingState.DRAFT:
            raise NotPayable
        _keep_room(booking, now)
        booking.contact_name = contact_name
        booking.contact_email = contact_email.lower()
        booking.contact_phone = contact_phone
        booking.terms_version = terms_version
        booking.consent_version = consent_version
        booking.terms_accepted_at = booking.consent_given_at = real_now()
        booking.placed_at = now
        booking.pay_by = min(hold.expires_at for hold in holds if hold.expires_at is not None)
        convert_quote(booking, now)
        booking.policy = list(DEFAULT_POLICY)
        booking.versions = {**booking.versions, "policy": POLICY_VERSION, "terms": terms_version}
        _move(booking, BookingState.PENDING, now)
        _charge(booking, "placed", now)
        announce("booking.placed", booking_id=booking.id)
    return booking


def keep_for_payment(*, booking_id: int, until: datetime, now: datetime) -> None:
    """Keep the cabins while a payment is under way. Raises NotPayable, HoldOver or ShipFull."""
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.state is not BookingState.PENDING or booking.pay_by is None:
            raise NotPayable
        _keep_room(booking, now)  # before any money moves
        for cabin in booking.cabins:
            extend_hold(occupancy_id=cabin.occupancy_id, until=until, now=now)
        booking.pay_by = max(booking.pay_by, until)


def confirm_booking(*, booking_id: int, now: datetime) -> None:
    """Money has come: the cabins become the booking's. A second time nothing happens.

    Late money takes the same cabins again while they are free. Raises CabinTaken or ShipFull otherwise, and
    NotPayable for a booking that was cancelled. Announces booking.confirmed.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.state is BookingState.CONFIRMED:
            return
        if booking.state not in (BookingState.PENDING, BookingState.EXPIRED):
            raise NotPayable
        if booking.state is BookingState.EXPIRED:
            retake_promotion(booking, now)
            _charge(booking, "taken again", now)
        for cabin in booking.cabins:
            party = _party(cabin)
            if cabin.occupancy.state is OccupancyState.HELD:
                book_held_cabin(occupancy_id=cabin.occupancy_id, party=party, now=now)
            else:
                cabin.occupancy_id = retake_cabin(occupancy_id=cabin.occupancy_id, party=party, now=now).id
        booking.confirmed_at = now
        _move(booking, BookingState.CONFIRMED, now)
        announce("booking.confirmed", booking_id=booking.id)


def cancel_booking(*, booking_id: int, now: datetime, kept: Money | None = None) -> None:
    """End an agreed booking and free its cabins; what is returned, payments decide. Announces booking.cancelled.

    kept: of its price, with what earlier changes kept; None is nothing. Raises IllegalMove for a booking that is over
    already.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        lock_promotion(booking)
        change = awaiting_change(booking_id)
        if change is not None:
            drop_change(change, booking, now)
        _move(booking, BookingState.CANCELLED, now)
        post_cancellation(
            booking_id=booking.id, reference=booking.reference, kept=kept or Money(0, booking.currency), now=now
        )
        for cabin in booking.cabins:
            release(occupancy_id=cabin.occupancy_id, now=now)
        announce("booking.cancelled", booking_id=booking.id)


def move_travel(*, booking_id: int, state: TravelState, now: datetime, reason: str | None = None) -> None:
    """Say where the party of a confirmed booking is now. Raises IllegalMove."""
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.state is not BookingState.CONFIRMED:
            raise IllegalMove(f"{booking.state}: nobody travels")
        before = booking.travel
        booking.travel = move(before, state, TRAVEL_MOVES)
        record_move("travel", booking.reference, before, state, now=now, reason=reason)


def claim_booking(*, booking_id: int, account_id: int, now: datetime) -> None:
    """Put a booking that was opened by its private link into the reader's account, if it is in none yet."""
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.customer_id is None:
            booking.customer_id = account_id
            record("booking.claimed", subject="booking", reference=booking.reference, now=now)


def ask_for_link(*, reference: str, email: str) -> None:
    """Send the private link to the booking's own address, if that is what was typed; nobody learns whether it was."""
    with transaction() as session:
        booking = session.scalars(
            select(Booking).where(
                Booking.reference == reference.strip().upper(),
                Booking.contact_email == email.strip().lower(),
                Booking.state != BookingState.DRAFT,
            )
        ).one_or_none()
        if booking is not None:
            announce("booking.link_requested", booking_id=booking.id, moment=real_now().isoformat(timespec="minutes"))


def let_go(*, hold_id: int, now: datetime) -> None:
    """The visitor gives a held cabin back, and with it what he had typed for it; his other cabins stay his."""
    with transaction() as session:
        booking = _booking_of([hold_id])
        if booking is not None and booking.state is BookingState.DRAFT:
            lock_promotion(booking)
            if len(booking.cabins) > 1:
                [cabin] = [cabin for cabin in booking.cabins if cabin.occupancy_id == hold_id]
                gone = [one for one in booking.passengers if one.cabin_id == cabin.cabin_id]
                booking.charges = [charge for charge in booking.charges if charge.passenger not in gone]
                session.flush()
                booking.passengers = [one for one in booking.passengers if one not in gone]
                session.delete(cabin)
                session.flush()
                session.expire(booking, ["cabins", "passengers"])
                if booking.passengers:
                    price_draft(booking, now)
                booking = None
            else:
                _move(booking, BookingState.CANCELLED, now)
        if booking is None or booking.state is BookingState.CANCELLED:
            release(occupancy_id=hold_id, now=now)


def expire_bookings(now: datetime) -> int:
    """End every booking whose hold ran out unpaid; how many. Announces booking.expired for each."""
    with transaction() as session:
        overdue = session.scalars(
            select(Booking)
            .join(BookedCabin)
            .join(Occupancy)
            .where(
                Booking.state.in_([BookingState.DRAFT, BookingState.PENDING]),
                (Occupancy.over_at.is_not(None)) | (Occupancy.expires_at <= now),
            )
            .order_by(Booking.sailing_id, Booking.id)
            .with_for_update(of=Booking, skip_locked=True)
        ).unique().all()
        lock_promotion(*overdue)
        for booking in overdue:
            for cabin in booking.cabins:
                release(occupancy_id=cabin.occupancy_id, now=now, expired=True)
            if booking.state is BookingState.PENDING:
                post_charge_ended(
                    booking_id=booking.id, key=booking.reference, currency=booking.currency, now=now
                )
            _move(booking, BookingState.EXPIRED, now)
            announce("booking.expired", booking_id=booking.id)
    return len(overdue)


def _keep_room(booking: Booking, now: datetime) -> None:
    """For all who were named, whatever the hold was told in another window since. Raises HoldOver or ShipFull."""
    for cabin in booking.cabins:
        name_party(occupancy_id=cabin.occupancy_id, party=_party(cabin), now=now)


def _charge(booking: Booking, occasion: str, now: datetime) -> None:
    post_charge(
        booking_id=booking.id,
        key=f"{booking.reference}:{occasion}",
        price=booking.price,
        kept=booking.kept,
        now=now,
    )


def _party(cabin: BookedCabin) -> int:
    return sum(1 for passenger in cabin.booking.passengers if passenger.cabin_id == cabin.cabin_id)


def _move(booking: Booking, state: BookingState, now: datetime) -> None:
    before = booking.state
    booking.state = move(before, state, BOOKING_MOVES)
    if state in (BookingState.EXPIRED, BookingState.CANCELLED):
        give_back_promotion(booking, now)
    record_move("booking", booking.reference, before, state, now=now)


