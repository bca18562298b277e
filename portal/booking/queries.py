"""What the pages and papers of a booking need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import g
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, inspect, select, true
from sqlalchemy.orm import joinedload, selectinload

from portal.booking.details import Missing, ending
from portal.booking.filing import open_request, still_missing
from portal.booking.labels import CHARGES
from portal.booking.models import BookedCabin, Booking, BookingState, Charge, ChargeKind, Passenger, TravelState
from portal.catalogue.models import Cabin, PortCall, Sailing, VoyagePart
from portal.catalogue.queries import SailingView, sailing_view
from portal.database import db
from portal.inventory.models import Occupancy, OccupancyState
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.ledger.queries import Balance, balance_row
from portal.pricing.kept import why_read
from portal.pricing.labels import explained
from portal.pricing.policy import CancelStep, cancel_steps
from portal.pricing.rules import Why


@dataclass(frozen=True)
class PassengerView:
    id: int
    reference: str
    position: int
    surname: str
    given_names: str
    local_name: str | None
    birth_date: date
    citizenship: str
    document_ending: str | None  # the last letters only; the number itself is shown nowhere but to reviewers
    document_expires: date | None
    cabin: str
    missing: tuple[Missing, ...] = ()
    asked: bool = False  # a change of what was filed waits for staff

    @property
    def full_name(self) -> str:
        return f"{self.surname} {self.given_names}"


@dataclass(frozen=True)
class ChargeView:
    kind: ChargeKind
    passenger: str | None
    amount: Money
    why: Why | None = None  # None in bookings of before there were reasons

    @property
    def label(self) -> LazyString:
        return CHARGES[self.kind]

    @property
    def reason(self) -> LazyString | None:
        return explained(self.why) if self.why else None


@dataclass(frozen=True)
class BookedCabinView:
    number: str  # NUMBER_LATER until the operator has chosen the cabin
    category: LocalizedText
    deck: LocalizedText | None  # None while the number comes later
    occupancy_reference: str


NUMBER_LATER = "GTY"  # as the field calls a guarantee cabin


def cabin_views(cabins: Sequence[tuple[Cabin, Occupancy]]) -> tuple[BookedCabinView, ...]:
    """As guests read them: a cabin that is still to be chosen has no number and no deck, only a name to tell it by."""
    later = [occupancy.id for _, occupancy in cabins if occupancy.number_later]
    names = {one: NUMBER_LATER if len(later) == 1 else f"{NUMBER_LATER}-{n}" for n, one in enumerate(later, 1)}
    return tuple(
        BookedCabinView(
            number=names.get(occupancy.id, cabin.number),
            category=cabin.category.name,
            deck=None if occupancy.number_later else cabin.deck.name,
            occupancy_reference=occupancy.reference,
        )
        for cabin, occupancy in cabins
    )


def views_of(booking: Booking) -> dict[int, BookedCabinView]:
    """The cabins of a booking as guests read them, by the cabin's id, in order."""
    views = cabin_views([(cabin.cabin, cabin.occupancy) for cabin in booking.cabins])
    return {cabin.cabin_id: view for cabin, view in zip(booking.cabins, views, strict=True)}


@dataclass(frozen=True)
class BookingPage:
    id: int
    reference: str
    state: BookingState
    travel: TravelState
    language: str
    sailing: SailingView
    ship_name: LocalizedText
    start_day: date
    cabins: tuple[BookedCabinView, ...]
    passengers: tuple[PassengerView, ...]
    charges: tuple[ChargeView, ...]
    price: Money
    balance: Balance
    contact_name: str | None
    contact_email: str | None
    contact_phone: str | None
    customer_id: int | None
    made_at: datetime
    placed_at: datetime | None
    pay_by: datetime | None
    confirmed_at: datetime | None
    terms_version: str | None
    cancel_steps: tuple[CancelStep, ...]

    @property
    def credit(self) -> Money:
        """What came beyond the price of a booking that stands: the guest's, until he has it back or owes more."""
        live = self.state in (BookingState.PENDING, BookingState.CONFIRMED)
        return Money(max(0, self.balance.paid - self.price.minor) if live else 0, self.price.currency)

    @property
    def price_by_passenger(self) -> tuple[tuple[str, Money], ...]:
        """What each costs, discounts taken off, in the order of the charges: the sums make up the price."""
        sums: dict[str, Money] = {}
        for charge in self.charges:
            name = charge.passenger or ""
            sums[name] = sums.get(name, Money(0, charge.amount.currency)) + charge.amount
        return tuple(sums.items())

    def day_at(self, now: datetime) -> date:
        """The day at the port of embarkation, by which the days left to cancel are counted."""
        return day_of(now, self.sailing.embark.zone)

    def payable_at(self, now: datetime) -> bool:
        return self.state is BookingState.PENDING and self.pay_by is not None and now < self.pay_by


# A booking has a cabin or two and a handful of calls: one statement with their product is quicker than three.
WHOLE = (
    joinedload(Booking.sailing).joinedload(Sailing.itinerary),
    joinedload(Booking.sailing).joinedload(Sailing.ship),
    joinedload(Booking.sailing).joinedload(Sailing.calls).joinedload(PortCall.port),
    joinedload(Booking.cabins).joinedload(BookedCabin.cabin).joinedload(Cabin.category),
    joinedload(Booking.cabins).joinedload(BookedCabin.cabin).joinedload(Cabin.deck),
    joinedload(Booking.cabins).joinedload(BookedCabin.occupancy).joinedload(Occupancy.part),
    selectinload(Booking.passengers).joinedload(Passenger.cabin),
    selectinload(Booking.passengers).joinedload(Passenger.changes),
    joinedload(Booking.changes),
    selectinload(Booking.charges).joinedload(Charge.passenger),
)


def whole_booking(condition: ColumnElement[bool]) -> Booking | None:
    """The one booking that `condition` picks, with all that its pages show. Three statements."""
    balance = balance_row(select(Booking.id, Booking.currency).where(condition))
    found = (
        db.session.execute(
            select(Booking, *balance.c).join(balance, true()).where(condition).options(*WHOLE)
        )
        .unique()
        .one_or_none()
    )
    booking = None if found is None else found[0]
    g.whole_booking = booking  # the session alone would forget it, and the next who asks would load it again
    g.whole_balance = None if found is None else Balance.read(found[1:])
    g.whole_transaction = db.session().get_transaction()
    return booking


def known_booking(booking_id: int) -> Booking | None:
    """The booking that `whole_booking` found in this request, unless something was written since."""
    booking: Booking | None = g.get("whole_booking")
    if booking is None or g.whole_transaction is not db.session().get_transaction():
        return None
    state = inspect(booking)
    return booking if state.persistent and not state.expired and state.identity == (booking_id,) else None


def booking_page(booking_id: int) -> BookingPage:
    """Whoever calls has checked whose booking it is. Three statements, none for a known one. Raises NotFound."""
    booking = known_booking(booking_id) or whole_booking(Booking.id == booking_id)
    if booking is None:
        raise NotFound(booking_id)
    sailing = sailing_view(booking.voyage)
    start = booking.voyage.start_day
    price = booking.price
    views = views_of(booking)
    return BookingPage(
        id=booking.id,
        reference=booking.reference,
        state=booking.state,
        travel=booking.travel,
        language=booking.language,
        sailing=sailing,
        ship_name=booking.sailing.ship.sold_as,
        start_day=start,
        cabins=tuple(views.values()),
        passengers=tuple(
            _passenger_view(passenger, booking.voyage, views) for passenger in booking.passengers
        ),
        charges=tuple(
            ChargeView(
                charge.kind,
                charge.passenger.full_name if charge.passenger else None,
                Money(charge.amount_minor, booking.currency),
                why_read(charge.why),
            )
            for charge in booking.charges
        ),
        price=price,
        balance=g.whole_balance,
        contact_name=booking.contact_name,
        contact_email=booking.contact_email,
        contact_phone=booking.contact_phone,
        customer_id=booking.customer_id,
        made_at=booking.made_at,
        placed_at=booking.placed_at,
        pay_by=booking.pay_by,
        confirmed_at=booking.confirmed_at,
        terms_version=booking.terms_version,
        cancel_steps=cancel_steps(booking.policy, price - booking.kept, start),
    )


def named_passengers(booking_id: int) -> Sequence[Passenger]:
    """Who was named, with everything that was typed, and the cabin. One statement."""
    return db.session.scalars(
        select(Passenger)
        .where(Passenger.booking_id == booking_id)
        .order_by(Passenger.position)
        .options(joinedload(Passenger.cabin))
    ).all()


def _passenger_view(
    passenger: Passenger, voyage: Sailing | VoyagePart, cabins: Mapping[int, BookedCabinView]
) -> PassengerView:
    return PassengerView(
        id=passenger.id,
        reference=passenger.reference,
        position=passenger.position,
        surname=passenger.surname,
        given_names=passenger.given_names,
        local_name=passenger.local_name,
        birth_date=passenger.birth_date,
        citizenship=passenger.citizenship,
        document_ending=ending(passenger.document_number),
        document_expires=passenger.document_expires,
        cabin=cabins[passenger.cabin_id].number,
        missing=still_missing(passenger, voyage),
        asked=open_request(passenger) is not None,
    )


@dataclass(frozen=True)
class HeldCabin:
    hold_id: int
    cabin_id: int
    reference: str
    party: int  # persons it is held for, infants counted
    most: int  # persons that may sleep in it, one infant counted
    cabin: BookedCabinView

    @property
    def number(self) -> str:
        return self.cabin.number


@dataclass(frozen=True)
class HoldPage:
    """The way from held cabins to a booking: all that one visitor holds on a sailing and has not agreed yet."""

    reference: str
    held: tuple[HeldCabin, ...]
    expires_at: datetime  # of the first to run out
    sailing: SailingView
    start_day: date
    booking_id: int | None
    booking_reference: str | None
    booking_state: BookingState | None
    named: bool  # the draft has just these cabins
    may_lengthen: bool

    @property
    def cabins(self) -> tuple[BookedCabinView, ...]:
        return tuple(held.cabin for held in self.held)

    @property
    def party(self) -> int:
        return sum(held.party for held in self.held)

    def seconds_left(self, now: datetime) -> int:
        return max(0, int((self.expires_at - now).total_seconds()))


WHOLE_HOLD = (
    joinedload(Occupancy.sailing).joinedload(Sailing.itinerary),
    joinedload(Occupancy.sailing).joinedload(Sailing.calls).joinedload(PortCall.port),
    joinedload(Occupancy.cabin).joinedload(Cabin.category),
    joinedload(Occupancy.cabin).joinedload(Cabin.deck),
    joinedload(Occupancy.part),
)


def hold_page(hold: Occupancy, now: datetime) -> HoldPage:
    """One statement for a hold that was loaded with WHOLE_HOLD."""
    rows = db.session.execute(
        select(Occupancy, Booking)
        .outerjoin(BookedCabin, BookedCabin.occupancy_id == Occupancy.id)
        .outerjoin(Booking, Booking.id == BookedCabin.booking_id)
        .where(
            Occupancy.holder == hold.holder,
            Occupancy.sailing_id == hold.sailing_id,
            Occupancy.part_id.is_not_distinct_from(hold.part_id),  # one booking is for one part of the voyage
            (Occupancy.id == hold.id)
            | ((Occupancy.state == OccupancyState.HELD) & (Occupancy.expires_at > now)),
        )
        .order_by(Occupancy.id)
        .options(
            joinedload(Occupancy.cabin).joinedload(Cabin.category), joinedload(Occupancy.cabin).joinedload(Cabin.deck)
        )
    ).all()
    found: list[tuple[Occupancy, Booking | None]] = [(row[0], row[1]) for row in rows]
    own = next(booking for one, booking in found if one.id == hold.id)
    drafts = [booking for _, booking in found if booking is not None and booking.state is BookingState.DRAFT]
    booking = own or (drafts[0] if drafts else None)
    placed = own is not None and own.state is not BookingState.DRAFT
    together = [
        (one, its)
        for one, its in found
        if (its is booking if placed else its is None or its.state is BookingState.DRAFT)
    ]
    return HoldPage(
        reference=hold.reference,
        held=tuple(
            HeldCabin(one.id, one.cabin_id, one.reference, one.party, one.cabin.sleeps + 1, view)
            for (one, _), view in zip(together, cabin_views([(one.cabin, one) for one, _ in together]), strict=True)
        ),
        expires_at=min(one.expires_at or one.made_at for one, _ in together),
        sailing=sailing_view(hold.voyage),
        start_day=hold.voyage.start_day,
        booking_id=booking.id if booking else None,
        booking_reference=booking.reference if booking else None,
        booking_state=booking.state if booking else None,
        named=booking is not None and all(its is booking for _, its in together),
        may_lengthen=any(one.lengthened_at is None for one, _ in together),
    )


@dataclass(frozen=True)
class BookingRow:
    reference: str
    state: BookingState
    title: LocalizedText
    code: str
    starts_at: datetime
    zone: str
    price: Money


ROWS = 50


def bookings_of(account_id: int) -> tuple[BookingRow, ...]:
    """The newest of an account's bookings. Five statements."""
    bookings = db.session.scalars(
        select(Booking)
        .where(Booking.customer_id == account_id, Booking.state != BookingState.DRAFT)
        .order_by(Booking.made_at.desc())
        .limit(ROWS)
        .options(
            joinedload(Booking.sailing).joinedload(Sailing.itinerary),
            joinedload(Booking.sailing).selectinload(Sailing.calls).joinedload(PortCall.port),
            selectinload(Booking.cabins).joinedload(BookedCabin.occupancy).joinedload(Occupancy.part),
            selectinload(Booking.charges),
        )
    )
    return tuple(
        BookingRow(
            booking.reference,
            booking.state,
            booking.sailing.itinerary.title,
            booking.sailing.code,
            booking.voyage.starts_at,
            booking.voyage.calls[0].port.zone,
            booking.price,
        )
        for booking in bookings
    )
