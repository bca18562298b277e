"""What a customer may change in an agreed booking: what it would mean, worked out before; and the change itself.

`plan` reads and decides, and writes nothing; `begin`, `apply_change` and `drop_change` are the only writers. What is
paid and returned is not known here: payments calls these with the sums.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload

from portal.booking.errors import (
    AdultNeeded,
    ChangeUnderWay,
    NobodyLeft,
    NotChangeable,
    NothingChanges,
    PartStays,
    TooManyForCabin,
)
from portal.booking.models import (
    BOOKING_CHANGE_MOVES,
    BookedCabin,
    Booking,
    BookingChange,
    BookingChangeState,
    BookingState,
    ChangeKind,
    Charge,
    ChargeKind,
    Passenger,
    PromotionUse,
    UseState,
)
from portal.booking.names import announce_change, record_change
from portal.booking.prices import lock_promotion, use_promotion
from portal.booking.queries import views_of
from portal.booking.rooms import move_into
from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.database import db, transaction
from portal.inventory.errors import CabinTaken, PartyTooLarge, SailingClosed
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.queries import cabins_taken
from portal.inventory.services import Take, carry, extend_hold, hold_for_change, release, swap_cabins
from portal.kernel.ages import OF_AGE, age_on
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.states import move
from portal.ledger.services import post_price_change
from portal.outbox.services import announce
from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.kept import why_kept
from portal.pricing.models import Promotion
from portal.pricing.party import Party, Traveller
from portal.pricing.policy import kept_of_change, kept_percent
from portal.pricing.promotions import discount_of
from portal.pricing.queries import SailingPrices, agreed_prices, prices_of
from portal.pricing.rules import Offer, price_party, take_berths

CHANGE_TIME = timedelta(hours=2)  # so long a change waits for its money before a payment is begun
NEWCOMER = 0  # stands for the id of a passenger who is not written yet


@dataclass(frozen=True)
class Newcomer:
    """A passenger to be added, in the shape the form has checked; the rest is told later, as by everyone."""

    booked_cabin_id: int
    surname: str
    given_names: str
    birth_date: date
    citizenship: str


@dataclass(frozen=True)
class Wish:
    """What is to change. cabins: the cabin to take by the booked cabin that is given up for it."""

    kind: ChangeKind
    sailing_id: int | None = None  # None: the same
    cabins: Mapping[int, int] = field(default_factory=dict)
    leaving: frozenset[int] = frozenset()
    joining: Newcomer | None = None


@dataclass(frozen=True)
class Line:
    """One charge as it would stand after the change."""

    passenger_id: int
    kind: ChargeKind
    minor: int
    why: dict[str, Any] | None = None


@dataclass(frozen=True)
class Sleeper:
    passenger_id: int
    name: str
    birth_date: date
    citizenship: str


@dataclass(frozen=True)
class Room:
    """A booked cabin and what becomes of it; nobody sleeps in one that is given up."""

    booked_id: int
    occupancy_id: int
    old: Cabin
    new: Cabin
    taken: bool  # the cabin is not the booking's yet
    sleepers: tuple[Sleeper, ...]
    before: frozenset[int]


@dataclass(frozen=True)
class Share:
    """What one passenger pays; None where he is not in the booking before, or after."""

    name: str
    cabin_before: str | None
    cabin_after: str | None
    before: Money | None
    after: Money | None


@dataclass(frozen=True)
class Plan:
    """A change with all its sums, before anybody agrees. `after` includes what is `kept`."""

    kind: ChangeKind
    sailing: Sailing
    voyage: Sailing | VoyagePart  # what of it
    rooms: tuple[Room, ...]
    wish: Wish
    shares: tuple[Share, ...]
    lines: tuple[Line, ...]
    before: Money
    after: Money
    kept: Money  # by this change, of what is cheaper after it
    percent: int  # that a cancellation would keep now; 0 where nothing is kept
    moves: bool  # to another sailing

    @property
    def difference(self) -> Money:
        return self.after - self.before

    @property
    def digest(self) -> str:
        """What is agreed to: the same again as long as nothing that was shown has moved."""
        shown = [
            self.kind,
            self.sailing.code,
            [
                (room.booked_id, room.new.number, sorted(one.passenger_id for one in room.sleepers))
                for room in self.rooms
            ],
            [(line.passenger_id, line.kind, line.minor) for line in self.lines],
            [share.name for share in self.shares],
            self.before.minor,
            self.after.minor,
            self.kept.minor,
        ]
        return sha256(json.dumps(shown).encode()).hexdigest()[:32]


def changeable(booking: Booking, now: datetime) -> bool:
    return booking.state is BookingState.CONFIRMED and not booking.voyage.departed_at(now)


def awaiting_change(booking_id: int) -> BookingChange | None:
    """The change that waits for its money, if any. One statement."""
    return db.session.scalars(
        select(BookingChange).where(
            BookingChange.booking_id == booking_id, BookingChange.state == BookingChangeState.AWAITING
        )
    ).one_or_none()


def plan(booking: Booking, wish: Wish, now: datetime, *, waived: bool = False) -> Plan:
    """What the wish would mean now; nothing is written.

    The same sailing costs what it cost on the day it was booked; another one what it costs today. What is cheaper
    afterwards is given up, and of that the operator keeps what the pinned conditions say for a cancellation today;
    nothing where that is waived.
    Raises NotChangeable, ChangeUnderWay, NothingChanges, PartStays, NobodyLeft, AdultNeeded, TooManyForCabin,
    PartyTooLarge, CabinTaken or SailingClosed.
    """
    if not changeable(booking, now):
        raise NotChangeable
    if awaiting_change(booking.id) is not None:
        raise ChangeUnderWay
    moves = wish.sailing_id is not None and wish.sailing_id != booking.sailing_id
    sailing = db.session.get_one(Sailing, wish.sailing_id) if moves else booking.sailing
    voyage = voyage_on(booking, sailing)
    if moves and (not voyage.on_sale_at(now) or voyage.departed_at(now)):
        raise SailingClosed
    rooms = tuple(_room(booked, wish, moves) for booked in booking.cabins)
    kept_rooms = [room for room in rooms if room.sleepers]
    if not kept_rooms:
        raise NobodyLeft
    if not moves and not wish.leaving and wish.joining is None and not any(room.taken for room in rooms):
        raise NothingChanges
    _check_free(booking, sailing, kept_rooms, now)
    _check_people(booking, sailing, kept_rooms)
    lines = _lines(booking, sailing, rooms, moves, now)
    before_by = _sums((charge.passenger_id or NEWCOMER, charge.amount_minor) for charge in _fares(booking))
    after_by = _sums((line.passenger_id, line.minor) for line in lines)
    fares_before, fares_after = sum(before_by.values()), sum(after_by.values())
    days = days_left(booking, now)
    kept = kept_of_change(
        booking.policy,
        days,
        Money(fares_before, booking.currency),
        Money(fares_after, booking.currency),
        moves=moves,
    )
    if waived:
        kept = Money(0, booking.currency)
    kept_before = booking.price.minor - fares_before
    return Plan(
        kind=wish.kind,
        sailing=sailing,
        voyage=voyage,
        rooms=rooms,
        wish=wish,
        shares=tuple(_shares(booking, rooms, before_by, after_by)),
        lines=tuple(lines),
        before=booking.price,
        after=Money(fares_after + kept_before + kept.minor, booking.currency),
        kept=kept,
        percent=kept_percent(booking.policy, days) if kept.minor else 0,
        moves=moves,
    )


def plan_todays_price(booking: Booking, now: datetime) -> Plan:
    """What the booking would cost by today's lists, for the same people in the same cabins; nothing is written.

    Early booking is judged by the day on which it was placed. Raises NotChangeable, ChangeUnderWay, TooManyForCabin, or
    SailingClosed where today's lists have no price for a cabin.
    """
    if not changeable(booking, now):
        raise NotChangeable
    if awaiting_change(booking.id) is not None:
        raise ChangeUnderWay
    wish = Wish(ChangeKind.REPRICED)
    rooms = tuple(_room(booked, wish, False) for booked in booking.cabins)
    places = [(room.new, room.sleepers) for room in rooms if room.sleepers]
    placed, voyage = booking.placed_at or booking.made_at, booking.voyage
    lines = _priced(_todays(voyage, booking.currency), voyage, places, _promotion_of(booking), placed)
    before_by = _sums((charge.passenger_id or NEWCOMER, charge.amount_minor) for charge in _fares(booking))
    after_by = _sums((line.passenger_id, line.minor) for line in lines)
    kept_before = booking.price.minor - sum(before_by.values())
    return Plan(
        kind=wish.kind,
        sailing=booking.sailing,
        voyage=voyage,
        rooms=rooms,
        wish=wish,
        shares=tuple(_shares(booking, rooms, before_by, after_by)),
        lines=tuple(lines),
        before=booking.price,
        after=Money(sum(after_by.values()) + kept_before, booking.currency),
        kept=Money(0, booking.currency),
        percent=0,
        moves=False,
    )


def priced_by_todays_lists(booking: Booking) -> bool:
    """Whether the versions that the booking pins are those that are sold by today. Two statements."""
    todays = dict(_todays(booking.voyage, booking.currency).terms.versions)
    return all(booking.versions.get(name) == version for name, version in todays.items())


def take_todays_price(booking: Booking, planned: Plan, now: datetime) -> BookingChange:
    """The guest agreed to what plan_todays_price() showed. Call it under the lock of the booking.

    Announces booking.changed.
    """
    nothing = Money(0, booking.currency)
    with transaction():
        change = begin(booking, planned, to_pay=nothing, returned=nothing, pay_by=None, now=now)
        versions = dict(_todays(booking.voyage, booking.currency).terms.versions)
        booking.versions = {**booking.versions, **versions}
    return change


def days_left(booking: Booking, now: datetime) -> int:
    """Before the first day, on the calendar of the port of embarkation."""
    voyage = booking.voyage
    return (voyage.start_day - now.astimezone(ZoneInfo(voyage.calls[0].port.zone)).date()).days


def _room(booked: BookedCabin, wish: Wish, moves: bool) -> Room:
    target = wish.cabins.get(booked.id, booked.cabin_id)
    new = db.session.get_one(Cabin, target)
    here = _sleepers(booked.booking, booked.cabin_id)
    sleepers = [one for one in here if one.passenger_id not in wish.leaving]
    joining = wish.joining
    if joining is not None and joining.booked_cabin_id == booked.id:
        name = f"{joining.surname.upper()} {joining.given_names.upper()}"
        sleepers.append(Sleeper(NEWCOMER, name, joining.birth_date, joining.citizenship))
    return Room(
        booked_id=booked.id,
        occupancy_id=booked.occupancy_id,
        old=booked.cabin,
        new=new,
        taken=moves or new.id != booked.cabin_id,
        sleepers=tuple(sleepers),
        before=frozenset(one.passenger_id for one in here),
    )


def _check_free(booking: Booking, sailing: Sailing, rooms: Sequence[Room], now: datetime) -> None:
    """As far as can be seen without taking it: the taking itself decides."""
    wanted = [room.new.id for room in rooms if room.taken]
    if any(room.new.ship_id != sailing.ship_id for room in rooms) or len(set(wanted)) < len(wanted):
        raise CabinTaken
    if set(wanted) & taken_for(booking, sailing, now):
        raise CabinTaken


def taken_for(booking: Booking, sailing: Sailing, now: datetime) -> set[int]:
    """Cabins that this booking cannot change to on `sailing`: others have a night of them. One statement."""
    # On its own sailing a booking changes to another cabin; elsewhere its own number is as good as free.
    own = [booked.occupancy_id for booked in booking.cabins] if sailing.id != booking.sailing_id else []
    return cabins_taken(sailing.ship_id, voyage_on(booking, sailing).nights, now, besides=own)


def voyage_on(booking: Booking, sailing: Sailing) -> Sailing | VoyagePart:
    """What the booking is for on `sailing`; of another the part between the same ports, if it was for a part.

    Raises PartStays where that is not offered there.
    """
    voyage = booking.voyage
    if sailing.id == booking.sailing_id:
        return voyage
    if not isinstance(voyage, VoyagePart):
        return sailing
    part = voyage.like_on(sailing)
    if part is None:
        raise PartStays
    return part


def _check_people(booking: Booking, sailing: Sailing, rooms: Sequence[Room]) -> None:
    """An adult in the booking and in each cabin with a minor, unless that was answered for; and berths for all."""
    day = voyage_on(booking, sailing).start_day
    if not any(age_on(day, one.birth_date) >= OF_AGE for room in rooms for one in room.sleepers):
        raise AdultNeeded
    for room in rooms:
        if len(room.sleepers) > room.new.sleeps + 1:
            raise PartyTooLarge
        grown = any(age_on(day, one.birth_date) >= OF_AGE for one in room.sleepers)
        if not grown and booking.minors_waiver_at is None:
            raise AdultNeeded


def _fares(booking: Booking) -> list[Charge]:
    """What is paid to travel, without what was kept by earlier changes."""
    return [charge for charge in booking.charges if charge.kind is not ChargeKind.KEPT]


def _lines(booking: Booking, sailing: Sailing, rooms: Sequence[Room], moves: bool, now: datetime) -> list[Line]:
    """The charges after the change, of everybody: a discount for the group may hang on one who leaves.

    The same sailing is priced by the versions that the booking pins, on the day it was placed; another one by today's.
    Where the pinned versions do not give what was agreed, as with a price that was made by hand, what was agreed
    stands for every cabin that does not change.
    """
    kept_rooms = [room for room in rooms if room.sleepers]
    promotion = _promotion_of(booking)
    codes = {room.new.category_id: room.new.category.code for room in rooms}
    codes |= {room.old.category_id: room.old.category.code for room in rooms}
    if moves:
        there = voyage_on(booking, sailing)
        prices = _todays(there, booking.currency)
        return _priced(prices, there, [(room.new, room.sleepers) for room in kept_rooms], promotion, now)
    placed, voyage = booking.placed_at or booking.made_at, booking.voyage
    prices = agreed_prices(sailing.id, sailing.code, booking.currency, booking.versions, codes)
    if isinstance(voyage, VoyagePart):
        agreed_percent = int(booking.versions.get("part", voyage.percent))
        prices = prices.for_part(agreed_percent, voyage.embark.port.name, voyage.disembark.port.name)
    before = [(room.old, _sleepers(booking, room.old.id)) for room in rooms]
    agreed = _sums((charge.passenger_id or NEWCOMER, charge.amount_minor) for charge in _fares(booking))
    again = _sums((line.passenger_id, line.minor) for line in _priced(prices, voyage, before, promotion, placed))
    if again == agreed:
        return _priced(prices, voyage, [(room.new, room.sleepers) for room in kept_rooms], promotion, placed)
    lines = []
    for room in kept_rooms:
        if {one.passenger_id for one in room.sleepers} == room.before and _kind_of(room.old) == _kind_of(room.new):
            lines += [
                Line(charge.passenger_id or NEWCOMER, charge.kind, charge.amount_minor, charge.why)
                for charge in _fares(booking)
                if charge.passenger_id in room.before
            ]
        else:
            lines += _priced(prices, voyage, [(room.new, room.sleepers)], promotion, placed)
    return lines


def _todays(voyage: Sailing | VoyagePart, currency: str) -> SailingPrices:
    sailing = voyage.sailing if isinstance(voyage, VoyagePart) else voyage
    prices = prices_of({sailing.id: sailing.code}, currency)[sailing.id]
    if isinstance(voyage, VoyagePart):
        return prices.for_part(voyage.percent, voyage.embark.port.name, voyage.disembark.port.name)
    return prices


def _priced(
    prices: SailingPrices,
    voyage: Sailing | VoyagePart,
    places: Sequence[tuple[Cabin, Sequence[Sleeper]]],
    promotion: Promotion | None,
    moment: datetime,
) -> list[Line]:
    """What these people pay in these cabins when they book at `moment`. Raises TooManyForCabin or SailingClosed."""
    day = voyage.start_day
    try:
        fares = tuple(
            prices.cabin(cabin.category_id, cabin.category.code, berths=cabin.berths, extra_berths=cabin.extra_berths)
            for cabin, _people in places
        )
    except NotFound as not_sold:
        raise SailingClosed from not_sold
    cabins = [
        [Traveller(max(0, age_on(day, one.birth_date)), one.citizenship) for one in people] for _cabin, people in places
    ]
    for (cabin, _people), kind, travellers in zip(places, fares, cabins, strict=True):
        try:
            take_berths(0, kind, travellers)
        except PartyDoesNotFit as too_many:
            raise TooManyForCabin(number=cabin.number) from too_many
    terms = prices.terms if promotion is None else prices.terms.with_discount(discount_of(promotion))
    priced = price_party(
        Offer(prices.currency, fares, terms),
        Party(tuple(tuple(travellers) for travellers in cabins)),
        day=day_of(moment, voyage.calls[0].port.zone),
    )
    people = [one for _cabin, sleepers in places for one in sleepers]
    return [
        Line(people[line.traveller].passenger_id, ChargeKind(line.kind), line.amount, why_kept(line.why))
        for line in sorted(priced.lines, key=lambda line: line.traveller)
    ]


def _sleepers(booking: Booking, cabin_id: int) -> tuple[Sleeper, ...]:
    return tuple(
        Sleeper(one.id, one.full_name, one.birth_date, one.citizenship)
        for one in booking.passengers
        if one.cabin_id == cabin_id
    )


def _promotion_of(booking: Booking) -> Promotion | None:
    """That was agreed: a booking keeps its code, even once no new one gets it."""
    return db.session.scalars(
        select(Promotion)
        .join(PromotionUse, PromotionUse.promotion_id == Promotion.id)
        .where(PromotionUse.booking_id == booking.id, PromotionUse.state == UseState.TAKEN)
    ).one_or_none()


def _kind_of(cabin: Cabin) -> tuple[int, int, int]:
    return cabin.category_id, cabin.berths, cabin.extra_berths


def _sums(amounts: Iterable[tuple[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for passenger_id, minor in amounts:
        sums[passenger_id] = sums.get(passenger_id, 0) + minor
    return sums


def _shares(
    booking: Booking, rooms: Sequence[Room], before_by: Mapping[int, int], after_by: Mapping[int, int]
) -> Iterable[Share]:
    names = {cabin_id: view.number for cabin_id, view in views_of(booking).items()}
    places = {
        one.passenger_id: (room.new.number if room.taken else names[room.old.id], one.name)
        for room in rooms
        for one in room.sleepers
    }
    for passenger in booking.passengers:
        stays = passenger.id in places
        yield Share(
            name=passenger.full_name,
            cabin_before=names[passenger.cabin_id],
            cabin_after=places[passenger.id][0] if stays else None,
            before=Money(before_by.get(passenger.id, 0), booking.currency),
            after=Money(after_by.get(passenger.id, 0), booking.currency) if stays else None,
        )
    if NEWCOMER in places:
        number, name = places[NEWCOMER]
        yield Share(name, None, number, None, Money(after_by.get(NEWCOMER, 0), booking.currency))


# ---------- Writing ----------


def begin(
    booking: Booking, planned: Plan, *, to_pay: Money, returned: Money, pay_by: datetime | None, now: datetime
) -> BookingChange:
    """Write down what was agreed. Nothing to pay: it is made at once; else its cabins are held until `pay_by`.

    Call it under the lock of the booking. Raises CabinTaken, KeptForOthers or ShipFull; then nothing is written.
    """
    with transaction() as session:
        change = BookingChange(
            reference=new_reference(),  # posted under it, before its row is written
            booking=booking,
            kind=planned.kind,
            state=BookingChangeState.AWAITING if to_pay.minor else BookingChangeState.APPLIED,
            before=_described(booking, planned, after=False),
            after=_described(booking, planned, after=True) | {"steps": _steps(planned)},
            to_pay_minor=to_pay.minor,
            returned_minor=returned.minor,
            kept_minor=planned.kept.minor,
            agreed_at=now,
            pay_by=pay_by if to_pay.minor else None,
            applied_at=None if to_pay.minor else now,
            closed_at=None if to_pay.minor else now,
        )
        if to_pay.minor:
            assert pay_by is not None
            _hold(booking, change, pay_by, now)
        else:
            _make(booking, change, now)
        session.add(change)
        session.flush()
        record_change(change, booking, None, now)
        if change.state is BookingChangeState.APPLIED:
            announce_change(booking, change)
    return change


def apply_change(*, change_id: int, now: datetime) -> None:
    """The money is here: the change is made. A second time nothing happens.

    Raises NotChangeable for one that was dropped, and CabinTaken, KeptForOthers or ShipFull where its time was over
    and others were quicker; then nothing is written. Announces booking.changed and booking.passenger_changed.
    """
    with transaction() as session:
        change = session.get_one(BookingChange, change_id)
        booking = session.get_one(Booking, change.booking_id, with_for_update=True)
        session.refresh(change)
        if change.state is BookingChangeState.APPLIED:
            return
        if change.state is not BookingChangeState.AWAITING or booking.state is not BookingState.CONFIRMED:
            raise NotChangeable
        _make(booking, change, now)
        _close(change, booking, BookingChangeState.APPLIED, now)
        announce_change(booking, change)


def drop_change(change: BookingChange, booking: Booking, now: datetime) -> None:
    """Give up what was held for a change; the booking stays as it was. Call it under the lock of the booking."""
    with transaction() as session:
        parties = {booked.occupancy_id: len(_sleeping(booked)) for booked in booking.cabins}
        still = session.scalars(
            select(Occupancy.id).where(Occupancy.id.in_(parties), Occupancy.state == OccupancyState.BOOKED)
        ).all()
        carry(parties={one: parties[one] for one in still}, now=now)
        for hold_id in _holds(change):
            release(occupancy_id=hold_id, now=now, expired=True)
        _close(change, booking, BookingChangeState.DROPPED, now)
        announce("booking.change_dropped", change_id=change.id)


def drop_changes(now: datetime) -> int:
    """Drop every change whose time to pay is over; how many."""
    dropped = 0
    for booking_id in db.session.scalars(
        select(BookingChange.booking_id)
        .where(BookingChange.state == BookingChangeState.AWAITING, BookingChange.pay_by <= now)
        .order_by(BookingChange.booking_id)
    ).all():
        with transaction() as session:
            booking = session.get_one(Booking, booking_id, with_for_update=True)
            change = awaiting_change(booking_id)
            if change is not None and change.pay_by is not None and change.pay_by <= now:
                drop_change(change, booking, now)
                dropped += 1
    return dropped


def keep_change(*, change_id: int, until: datetime, now: datetime) -> None:
    """Keep what is held for a change while a payment is under way. Raises NotChangeable or HoldOver."""
    with transaction() as session:
        change = session.get_one(BookingChange, change_id)
        session.get_one(Booking, change.booking_id, with_for_update=True)
        session.refresh(change)
        if change.state is not BookingChangeState.AWAITING or change.pay_by is None or change.pay_by <= now:
            raise NotChangeable
        for hold_id in _holds(change):
            extend_hold(occupancy_id=hold_id, until=until, now=now)
        change.pay_by = max(change.pay_by, until)


def _steps(planned: Plan) -> dict[str, Any]:
    joining = planned.wish.joining
    return {
        "sailing_id": planned.sailing.id,
        "part_id": planned.voyage.id if isinstance(planned.voyage, VoyagePart) else None,
        "rooms": [
            {
                "booked": room.booked_id,
                "cabin": room.new.id if room.sleepers else None,
                "taken": room.taken,
                "hold": None,
                "passengers": [one.passenger_id for one in room.sleepers],
            }
            for room in planned.rooms
        ],
        "leaving": sorted(planned.wish.leaving),
        "joining": joining
        and {
            "booked": joining.booked_cabin_id,
            "surname": joining.surname.upper(),
            "given_names": joining.given_names.upper(),
            "birth_date": joining.birth_date.isoformat(),
            "citizenship": joining.citizenship,
        },
        "lines": [
            {"passenger": line.passenger_id, "kind": line.kind, "minor": line.minor, "why": line.why}
            for line in planned.lines
        ],
    }


def _described(booking: Booking, planned: Plan, *, after: bool) -> dict[str, Any]:
    """What stood in the booking, or will: for the history, the letter and the page."""
    sailing = planned.sailing if after else booking.sailing
    names = {cabin_id: view.number for cabin_id, view in views_of(booking).items()}
    shown = [
        (share.name, share.cabin_after if after else share.cabin_before, share.after if after else share.before)
        for share in planned.shares
    ]
    price = planned.after if after else planned.before
    return {
        "sailing": sailing.code,
        "price": price.minor,
        "cabins": [
            room.new.number if after and room.taken else names[room.old.id]
            for room in planned.rooms
            if room.sleepers or not after
        ],
        "passengers": [
            {"name": name, "cabin": cabin, "minor": share.minor} for name, cabin, share in shown if share is not None
        ],
    }


def _hold(booking: Booking, change: BookingChange, until: datetime, now: datetime) -> None:
    steps = change.after["steps"]
    booked = {one.id: one for one in booking.cabins}
    keep, take, holding = {}, [], []
    for room in steps["rooms"]:
        if room["cabin"] is None:
            continue
        if room["taken"]:
            take.append(_take_of(steps, room, booking))
            holding.append(room)
        else:
            keep[booked[room["booked"]].occupancy_id] = len(room["passengers"])
    holds = hold_for_change(
        keep=keep,
        take=take,
        aboard={booking.sailing_id: sum(one.occupancy.party for one in booking.cabins)},
        until=until,
        now=now,
    )
    for room, hold in zip(holding, holds, strict=True):
        room["hold"] = hold.id
    change.after = {**change.after, "steps": steps}


def _take_of(steps: Mapping[str, Any], room: Mapping[str, Any], booking: Booking) -> Take:
    # Not the visitor's own key: what is held for a change is no cabin of a booking that he is about to make.
    holder = f"change:{booking.reference}"
    return Take(steps["sailing_id"], room["cabin"], len(room["passengers"]), holder, room["hold"], steps["part_id"])


def _make(booking: Booking, change: BookingChange, now: datetime) -> None:
    session = db.session
    steps = change.after["steps"]
    lock_promotion(booking)
    booked = {one.id: one for one in booking.cabins}
    give, keep, take, taking = [], {}, [], []
    for room in steps["rooms"]:
        occupancy_id = booked[room["booked"]].occupancy_id
        if room["cabin"] is None or room["taken"]:
            give.append(occupancy_id)
        else:
            keep[occupancy_id] = len(room["passengers"])
        if room["cabin"] is not None and room["taken"]:
            take.append(_take_of(steps, room, booking))
            taking.append(room)
    taken = swap_cabins(give=give, keep=keep, take=take, now=now)
    people = {one.id: one for one in booking.passengers}
    for passenger_id in steps["leaving"]:
        people[passenger_id].left_at = now
        people[passenger_id].link_version += 1  # his own link opens nothing any more
    move_into(booking, {room["booked"]: occupancy for room, occupancy in zip(taking, taken, strict=True)})
    if booking.sailing_id != steps["sailing_id"]:
        booking.sailing_id = steps["sailing_id"]
        booking.versions = _pinned_anew(booking, steps)
    newcomer = _join(booking, steps["joining"], booked) if steps["joining"] else None
    session.flush()
    for room in steps["rooms"]:
        if room["cabin"] is None:
            session.delete(booked[room["booked"]])
    _charge(booking, change, newcomer, now)
    session.flush()
    session.expire(booking)


def _pinned_anew(booking: Booking, steps: Mapping[str, Any]) -> dict[str, Any]:
    """The versions of the lists of another sailing, in place of those that the booking was priced by."""
    part_id = steps["part_id"]
    session = db.session
    whole = session.get_one(Sailing, steps["sailing_id"])
    voyage = whole if part_id is None else session.get_one(VoyagePart, part_id)
    kept = {name: version for name, version in booking.versions.items() if name in ("policy", "terms")}
    return {**kept, **dict(_todays(voyage, booking.currency).terms.versions)}


def _join(booking: Booking, joining: Mapping[str, Any], booked: Mapping[int, BookedCabin]) -> Passenger:
    last = db.session.scalar(select(func.max(Passenger.position)).where(Passenger.booking_id == booking.id)) or 0
    passenger = Passenger(
        booking_id=booking.id,
        cabin_id=booked[joining["booked"]].cabin_id,
        position=last + 1,
        surname=joining["surname"],
        given_names=joining["given_names"],
        birth_date=date.fromisoformat(joining["birth_date"]),
        citizenship=joining["citizenship"],
    )
    db.session.add(passenger)
    db.session.flush()
    return passenger


def _charge(booking: Booking, change: BookingChange, newcomer: Passenger | None, now: datetime) -> None:
    """The price anew. What it was before stands in the change."""
    session = db.session
    price_before = booking.price
    kept = [charge.amount_minor for charge in booking.charges if charge.kind is ChargeKind.KEPT]
    if change.kept_minor:
        kept.append(change.kept_minor)
    session.execute(delete(Charge).where(Charge.booking_id == booking.id))
    session.expire(booking, ["charges"])
    lines = change.after["steps"]["lines"]
    rows: list[tuple[int | None, ChargeKind, int, dict[str, Any] | None]] = [
        (
            newcomer.id if newcomer is not None and line["passenger"] == NEWCOMER else line["passenger"],
            ChargeKind(line["kind"]),
            line["minor"],
            line["why"],
        )
        for line in lines
    ]
    rows += [(None, ChargeKind.KEPT, minor, None) for minor in kept]
    session.add_all(
        Charge(
            booking_id=booking.id, passenger_id=passenger_id, position=position, kind=kind, amount_minor=minor, why=why
        )
        for position, (passenger_id, kind, minor, why) in enumerate(rows, 1)
    )
    post_price_change(
        booking_id=booking.id,
        change=change.reference,
        before=price_before,
        after=Money(sum(minor for _id, _kind, minor, _why in rows), booking.currency),
        kept=Money(change.kept_minor, booking.currency),
        now=now,
    )
    taken = -sum(minor for _id, kind, minor, _why in rows if kind is ChargeKind.PROMOTION)
    use_promotion(booking, taken, len([room for room in change.after["steps"]["rooms"] if room["cabin"]]), now)


def _holds(change: BookingChange) -> list[int]:
    return [room["hold"] for room in change.after["steps"]["rooms"] if room["hold"] is not None]


def _sleeping(booked: BookedCabin) -> list[Passenger]:
    return [one for one in booked.booking.passengers if one.cabin_id == booked.cabin_id]


def _close(change: BookingChange, booking: Booking, state: BookingChangeState, now: datetime) -> None:
    before = change.state
    change.state = move(before, state, BOOKING_CHANGE_MOVES)
    change.closed_at = now
    if state is BookingChangeState.APPLIED:
        change.applied_at = now
    record_change(change, booking, before, now)


WITH_ROOMS = (
    joinedload(Booking.cabins).joinedload(BookedCabin.cabin).joinedload(Cabin.category),
    joinedload(Booking.cabins).joinedload(BookedCabin.occupancy),
)
