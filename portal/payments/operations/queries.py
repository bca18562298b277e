"""Whom stopping a sailing touches, what it costs, what is offered instead; the board of an operation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.booking.models import BookedCabin, Booking, BookingState, ChargeKind, Passenger, PromotionUse
from portal.booking.prices import day_of_booking
from portal.booking.waiting.models import WaitingEntry, WaitingWish
from portal.catalogue.models import Cabin, Sailing, SailingState, VoyagePart
from portal.catalogue.queries import SailingView, parts_like, sailing_view, sailings_by_code
from portal.database import db, the_one
from portal.inventory.finding import all_cards
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.queries import FreeCabins, SailingCard, free_cabins_of
from portal.kernel.ages import age_on
from portal.kernel.errors import NotFound, Refused
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.kernel.text import LocalizedText
from portal.ledger.queries import held_column
from portal.outbox.models import MailState, OutgoingMail
from portal.payments.models import Payment, PaymentState, Refund, RefundState
from portal.payments.operations.models import OPEN_CHOICE, CaseState, Operation, OperationCase, OperationKind
from portal.pricing.errors import PromotionRefused
from portal.pricing.models import Promotion
from portal.pricing.party import Party, Traveller
from portal.pricing.promotions import check_promotion, discount_of
from portal.pricing.queries import SailingPrices, prices_of
from portal.pricing.rules import LineKind, Offer, PricedParty, price_party

AFFECTED = (BookingState.PENDING, BookingState.CONFIRMED)
CAME = (PaymentState.SUCCEEDED, PaymentState.UNALLOCATED)
AWAITED = (PaymentState.CREATED, PaymentState.OPEN)
OFFERED = 3  # other sailings shown to a guest


@dataclass(frozen=True)
class Standing:
    """A booking that would be touched, with the money it holds."""

    booking_id: int
    reference: str
    state: BookingState
    language: str
    contact_name: str | None
    persons: int
    paid: Money  # came and has not gone back
    awaited: bool  # a payment is open


def standings(sailing_id: int) -> tuple[Standing, ...]:
    """Every booking of a sailing that is agreed. Four statements, however many."""
    bookings = db.session.scalars(
        select(Booking).where(Booking.sailing_id == sailing_id, Booking.state.in_(AFFECTED)).order_by(Booking.id)
    ).all()
    ids = [booking.id for booking in bookings]
    persons = dict(
        db.session.execute(
            select(Passenger.booking_id, func.count())
            .where(Passenger.booking_id.in_(ids), Passenger.left_at.is_(None))
            .group_by(Passenger.booking_id)
        ).all()
    )
    paid: dict[int, int] = {}
    awaited: set[int] = set()
    for booking_id, state, held in db.session.execute(
        select(Payment.booking_id, Payment.state, held_column(Payment.id, Payment.currency, Payment)).where(
            Payment.booking_id.in_(ids), Payment.state.in_([*CAME, *AWAITED])
        )
    ):
        if state in CAME:
            paid[booking_id] = paid.get(booking_id, 0) + int(held)
        else:
            awaited.add(booking_id)
    return tuple(
        Standing(
            booking_id=booking.id,
            reference=booking.reference,
            state=booking.state,
            language=booking.language,
            contact_name=booking.contact_name,
            persons=persons.get(booking.id, 0),
            paid=Money(paid.get(booking.id, 0), booking.currency),
            awaited=booking.id in awaited,
        )
        for booking in bookings
    )


def voyages_of(sailing: Sailing, booking_ids: Collection[int]) -> dict[int, Sailing | VoyagePart]:
    """What each of these bookings of a sailing is for, the whole voyage or a part. One statement, two with parts."""
    part_of_booking: dict[int, int | None] = {}
    for booking_id, part_id in db.session.execute(
        select(BookedCabin.booking_id, Occupancy.part_id)
        .join(Occupancy, Occupancy.id == BookedCabin.occupancy_id)
        .where(BookedCabin.booking_id.in_(booking_ids))
    ):
        part_of_booking[booking_id] = part_id
    parts = {part.id: part for part in sailing.parts}
    return {
        booking_id: sailing if (part_id := part_of_booking.get(booking_id)) is None else parts[part_id]
        for booking_id in booking_ids
    }


@dataclass(frozen=True)
class Alternative:
    """What was booked, on another sailing: with cabins of the same categories for the whole party."""

    sailing: SailingView  # the whole of it, or the same part
    same_route: bool
    price: Money
    difference: Money  # to what was agreed; below zero it is cheaper
    code: str | None  # of the promotion that the price counts with


@dataclass(frozen=True)
class Candidate:
    """A voyage that could be offered to guests of another, with all that is free in it and today's prices."""

    sailing: SailingView  # the whole of it, or a part
    free: FreeCabins
    same_route: bool
    prices: Mapping[str, SailingPrices]  # by currency


def candidates(voyage: Sailing | VoyagePart, currencies: Collection[str], now: datetime) -> tuple[Candidate, ...]:
    """Voyages on sale, those of the same route first, then the nearest in time; a few. Of a part the same part.

    Statements do not grow with bookings.
    """
    here = sailing_view(voyage)

    def nearest(one: SailingView | SailingCard) -> tuple[bool, timedelta, str]:
        return one.itinerary != here.itinerary, abs(one.starts_at - here.starts_at), one.code

    if isinstance(voyage, VoyagePart):
        near = sorted(parts_like(voyage, now, 2 * OFFERED), key=nearest)[: 2 * OFFERED]
    else:
        cards = [card for card in all_cards(now) if card.state == "on_sale" and card.code != here.code]
        near = list(sailings_by_code([card.code for card in sorted(cards, key=nearest)[: 2 * OFFERED]]))
    prices = {currency: prices_of({one.id: one.code for one in near}, currency) for currency in currencies}
    return tuple(
        Candidate(
            one,
            free_cabins_of(one.code, now),
            one.itinerary == here.itinerary,
            {currency: _of_part(found[one.id], one) for currency, found in prices.items()},
        )
        for one in near
    )


def _of_part(prices: SailingPrices, sailing: SailingView) -> SailingPrices:
    part = sailing.part
    return prices if part is None else prices.for_part(part.percent, part.embark, part.disembark)


WITH_PARTY = (
    selectinload(Booking.cabins).joinedload(BookedCabin.cabin).joinedload(Cabin.category),
    selectinload(Booking.passengers),
    selectinload(Booking.charges),
)


def promotions_of(bookings: Sequence[Booking], now: datetime, *, anew: bool) -> dict[int, Promotion]:
    """The promotion that was agreed, by booking; a booking keeps its code when it moves, whatever became of the code.

    anew: they will have to book again, so that only a code counts that new bookings still get. One statement.
    """
    found: dict[int, Promotion] = {}
    with_code = {
        booking.id: booking
        for booking in bookings
        if any(charge.kind is ChargeKind.PROMOTION for charge in booking.charges)
    }
    for use in db.session.scalars(
        select(PromotionUse)
        .where(PromotionUse.booking_id.in_(with_code))
        .order_by(PromotionUse.changed_at, PromotionUse.id)
        .options(joinedload(PromotionUse.promotion))
    ):
        found[use.booking_id] = use.promotion
    if not anew:
        return found
    return {booking_id: one for booking_id, one in found.items() if _still_holds(one, with_code[booking_id], now)}


def _still_holds(promotion: Promotion, booking: Booking, now: datetime) -> bool:
    try:
        check_promotion(promotion, currency=booking.currency, day=day_of_booking(booking, now))
    except PromotionRefused:
        return False
    return True


def offered(
    booking: Booking, among: Sequence[Candidate], promotion: Promotion | None, now: datetime
) -> tuple[Alternative, ...]:
    """The candidates that have free cabins of the same categories for this party, at today's price."""
    found = []
    for candidate in among:
        priced = _priced(booking, candidate, promotion, now)
        if priced is not None:
            with_code = any(line.kind is LineKind.PROMOTION for line in priced.lines)
            found.append(
                Alternative(
                    sailing=candidate.sailing,
                    same_route=candidate.same_route,
                    price=priced.total,
                    difference=priced.total - booking.price,
                    code=promotion.code if promotion is not None and with_code else None,
                )
            )
    return tuple(found[:OFFERED])


def _priced(
    booking: Booking, candidate: Candidate, promotion: Promotion | None, now: datetime
) -> PricedParty | None:
    """What the party pays there today, cabin by cabin as it is booked; none where it cannot be taken."""
    sailing, prices = candidate.sailing, candidate.prices[booking.currency]
    if len(booking.passengers) > candidate.free.room_on(sailing.night_dates):
        return None
    left = candidate.free.free_on(sailing.night_dates)
    day = day_of(sailing.starts_at, sailing.embark.zone)
    fares, party = [], []
    for booked in booking.cabins:
        code = booked.cabin.category.code
        cabin = next((one for one in left if one.category.code == code and one.category_id in prices.fares), None)
        if cabin is None:
            return None
        left.remove(cabin)
        fares.append(prices.cabin(cabin.category_id, code, berths=cabin.berths, extra_berths=cabin.extra_berths))
        party.append(
            tuple(
                Traveller(max(0, age_on(day, one.birth_date)), one.citizenship)
                for one in booking.passengers
                if one.cabin_id == booked.cabin_id
            )
        )
    terms = prices.terms if promotion is None else prices.terms.with_discount(discount_of(promotion))
    offer = Offer(prices.currency, tuple(fares), terms)
    try:
        return price_party(offer, Party(tuple(party)), day=day_of(now, sailing.embark.zone))
    except Refused:
        return None


def alternatives_for(booking: Booking, now: datetime) -> tuple[Alternative, ...]:
    """For one that is cancelled already: what its guest could book anew."""
    among = candidates(booking.voyage, {booking.currency}, now)
    promotions = promotions_of([booking], now, anew=booking.state is BookingState.CANCELLED)
    return offered(booking, among, promotions.get(booking.id), now)


@dataclass(frozen=True)
class Preview:
    """What stopping a sailing would mean; nothing of it is written."""

    affected: tuple[Standing, ...]
    by_state: dict[BookingState, int]
    persons: int
    paid: tuple[Money, ...]  # by currency: all of it would go back if the sailing were cancelled
    awaited: int  # payments that are open
    held: int  # cabins held without an agreement
    waiting: int  # parties in line
    alternatives: dict[int, tuple[Alternative, ...]]  # by booking
    without_alternative: int


def preview(sailing_id: int, kind: OperationKind, now: datetime) -> Preview:
    """Statements grow with the parts of the voyage that are booked, not with bookings."""
    sailing = db.session.get_one(Sailing, sailing_id)
    affected = standings(sailing_id)
    bookings = db.session.scalars(
        select(Booking).where(Booking.id.in_([one.booking_id for one in affected])).options(*WITH_PARTY)
    ).all()
    currencies = {booking.currency for booking in bookings}
    voyages = voyages_of(sailing, [booking.id for booking in bookings])
    among = {voyage: candidates(voyage, currencies, now) for voyage in set(voyages.values())}
    promotions = promotions_of(bookings, now, anew=kind is OperationKind.CANCEL)
    sums: dict[str, int] = {}
    for one in affected:
        if one.paid.minor:
            sums[one.paid.currency] = sums.get(one.paid.currency, 0) + one.paid.minor
    alternatives = {
        booking.id: offered(booking, among[voyages[booking.id]], promotions.get(booking.id), now)
        for booking in bookings
    }
    booked = exists().where(BookedCabin.occupancy_id == Occupancy.id, BookedCabin.booking_id.in_(list(alternatives)))
    return Preview(
        affected=affected,
        by_state={state: sum(one.state is state for one in affected) for state in AFFECTED},
        persons=sum(one.persons for one in affected),
        paid=tuple(Money(minor, currency) for currency, minor in sorted(sums.items())),
        awaited=sum(one.awaited for one in affected),
        held=db.session.scalar(
            select(func.count()).where(
                Occupancy.sailing_id == sailing_id, Occupancy.state == OccupancyState.HELD, ~booked
            )
        )
        or 0,
        waiting=db.session.scalar(
            select(func.count())
            .select_from(WaitingWish)
            .join(WaitingEntry)
            .where(WaitingWish.sailing_id == sailing_id, WaitingEntry.over_at.is_(None))
        )
        or 0,
        alternatives=alternatives,
        without_alternative=sum(not found for found in alternatives.values()),
    )


# ---------- For guests ----------


@dataclass(frozen=True)
class CaseView:
    """What happened to the sailing of a booking, and what its guest may choose."""

    id: int
    kind: OperationKind
    state: CaseState
    reason: LocalizedText
    old_starts_at: datetime  # of what was booked, the whole voyage or a part
    new_starts_at: datetime | None
    new_ends_at: datetime | None
    decide_by: datetime | None
    returned: Money
    wanted: str | None  # the code of the sailing that was asked for

    def open_at(self, now: datetime) -> bool:
        return self.state in OPEN_CHOICE and self.decide_by is not None and now < self.decide_by


@part_of("booking", "case")
def case_of(booking_id: int) -> CaseView | None:
    """The latest case of a booking. One statement for a booking that was loaded with its cabins."""
    case = db.session.scalars(
        select(OperationCase)
        .join(Operation)
        .join(Booking, Booking.id == OperationCase.booking_id)
        .where(OperationCase.booking_id == booking_id, Operation.sailing_id == Booking.sailing_id)
        .order_by(OperationCase.id.desc())
        .limit(1)
        .options(
            joinedload(OperationCase.operation),
            joinedload(OperationCase.wanted_sailing),
            joinedload(OperationCase.booking),
        )
    ).one_or_none()
    if case is None:
        return None
    operation, voyage = case.operation, case.booking.voyage
    postponed = operation.kind is OperationKind.POSTPONE
    return CaseView(
        id=case.id,
        kind=operation.kind,
        state=case.state,
        reason=operation.reason,
        old_starts_at=case.old_starts_at,
        new_starts_at=voyage.starts_at if postponed else None,
        new_ends_at=voyage.ends_at if postponed else None,
        decide_by=operation.decide_by,
        returned=Money(case.returned_minor or 0, case.booking.currency),
        wanted=case.wanted_sailing.code if case.wanted_sailing else None,
    )


@dataclass(frozen=True)
class ChangePage:
    """A guest's choices."""

    case: CaseView
    paid: Money  # what would go back now
    alternatives: tuple[Alternative, ...]


def change_page(booking_id: int, now: datetime) -> ChangePage:
    """Raises NotFound where nothing happened to the booking's sailing."""
    case = case_of(booking_id)
    if case is None:
        raise NotFound(booking_id)
    booking = db.session.get_one(Booking, booking_id)
    paid = next((one.paid for one in standings(booking.sailing_id) if one.booking_id == booking_id), None)
    return ChangePage(case, paid or Money(0, booking.currency), alternatives_for(booking, now))


@dataclass(frozen=True)
class Stopped:
    """Why a sailing was cancelled or postponed, and what sails instead: for everyone."""

    kind: OperationKind
    reason: LocalizedText
    old_starts_at: datetime
    same_route: tuple[str, ...]  # codes of other sailings of the itinerary that are sold


@part_of("cruise", "stopped")
def stopped(sailing: SailingView) -> Stopped | None:
    """Nothing is asked for a sailing that goes as planned. Two statements for another."""
    if sailing.state not in (SailingState.CANCELLED, SailingState.POSTPONED):
        return None
    operation = db.session.scalars(
        select(Operation).where(Operation.sailing_id == sailing.id).order_by(Operation.id.desc()).limit(1)
    ).one_or_none()
    if operation is None:
        return None
    return Stopped(operation.kind, operation.reason, operation.old_starts_at, _same_route(sailing.id))


def _same_route(sailing_id: int) -> tuple[str, ...]:
    here = select(Sailing.itinerary_id).where(Sailing.id == sailing_id).scalar_subquery()
    return tuple(
        db.session.scalars(
            select(Sailing.code)
            .where(Sailing.itinerary_id == here, Sailing.id != sailing_id, Sailing.state == SailingState.ON_SALE)
            .order_by(Sailing.starts_at)
        )
    )


# ---------- For staff ----------


@dataclass(frozen=True)
class CaseRow:
    id: int
    booking: str
    contact_name: str | None
    language: str
    state: CaseState
    paid: Money
    returned: Money | None
    back: str  # none, asked, sent, done, failed: how far the money is
    letter: MailState | None  # none: not written yet
    failure: str | None
    wanted: str | None
    changed_at: datetime


@dataclass(frozen=True)
class Board:
    operation: Operation
    rows: tuple[CaseRow, ...]
    counts: dict[CaseState, int]
    paid: tuple[Money, ...]
    returned: tuple[Money, ...]
    done: int  # cases that wait for nobody any more
    state: CaseState | None  # the filter

    @property
    def total(self) -> int:
        return sum(self.counts.values())


DONE = (CaseState.ACCEPTED, CaseState.KEPT, CaseState.MOVED, CaseState.CANCELLED, CaseState.OVER)


def letter_key(reference: str) -> str:
    """The key of the one letter of a case."""
    return f"operation:{reference}"


def board(reference: str, state: CaseState | None) -> Board:
    """Raises NotFound. Five statements, however many cases."""
    whole = (joinedload(Operation.sailing).joinedload(Sailing.itinerary), joinedload(Operation.made_by))
    operation = the_one(select(Operation).where(Operation.reference == reference).options(*whole), reference)
    cases = db.session.scalars(
        select(OperationCase)
        .where(OperationCase.operation_id == operation.id)
        .order_by(OperationCase.id)
        .options(joinedload(OperationCase.booking), joinedload(OperationCase.wanted_sailing))
    ).all()
    letters: dict[str, MailState] = {}
    for key, mail in db.session.execute(
        select(OutgoingMail.key, OutgoingMail.state).where(
            OutgoingMail.key.in_([letter_key(case.reference) for case in cases])
        )
    ):
        letters[key] = mail
    back = _money_back([case.booking_id for case in cases], operation.made_at)
    rows = tuple(
        CaseRow(
            id=case.id,
            booking=case.booking.reference,
            contact_name=case.booking.contact_name,
            language=case.booking.language,
            state=case.state,
            paid=Money(case.paid_minor, case.booking.currency),
            returned=None if case.returned_minor is None else Money(case.returned_minor, case.booking.currency),
            back=_how_far(back.get(case.booking_id, [])) if case.state is CaseState.CANCELLED else "none",
            letter=letters.get(letter_key(case.reference)),
            failure=case.failure,
            wanted=case.wanted_sailing.code if case.wanted_sailing else None,
            changed_at=case.changed_at,
        )
        for case in cases
    )
    return Board(
        operation=operation,
        rows=tuple(row for row in rows if state is None or row.state is state),
        counts={each: count for each in CaseState if (count := sum(row.state is each for row in rows))},
        paid=_sums(row.paid for row in rows),
        returned=_sums(row.returned for row in rows if row.returned is not None),
        done=sum(row.state in DONE for row in rows),
        state=state,
    )


def _money_back(booking_ids: Collection[int], since: datetime) -> dict[int, list[RefundState]]:
    found: dict[int, list[RefundState]] = {}
    for booking_id, state in db.session.execute(
        select(Payment.booking_id, Refund.state)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Payment.booking_id.in_(booking_ids), Refund.requested_at >= since)
    ):
        found.setdefault(booking_id, []).append(state)
    return found


def _how_far(refunds: Sequence[RefundState]) -> str:
    """The least that is true of all of them."""
    for state, word in (
        (RefundState.FAILED, "failed"),
        (RefundState.REQUESTED, "asked"),
        (RefundState.SENT, "sent"),
        (RefundState.SUCCEEDED, "done"),
    ):
        if state in refunds:
            return word
    return "none"


def _sums(amounts: Iterable[Money]) -> tuple[Money, ...]:
    sums: dict[str, int] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()) if minor)


def operations_of(sailing_id: int) -> tuple[Operation, ...]:
    """The newest first. One statement."""
    return tuple(
        db.session.scalars(
            select(Operation).where(Operation.sailing_id == sailing_id).order_by(Operation.id.desc())
        )
    )


def told_otherwise(booking_id: int) -> bool:
    """Whether the guest learns from the letter about his sailing that the booking is cancelled."""
    case = select(OperationCase.id).join(Operation).where(
        OperationCase.booking_id == booking_id, Operation.kind == OperationKind.CANCEL
    )
    return db.session.scalar(case.limit(1)) is not None


def case_id(operation: str, booking: str) -> int:
    """Raises NotFound."""
    query = select(OperationCase.id).join(Operation).join(Booking, Booking.id == OperationCase.booking_id)
    return the_one(query.where(Operation.reference == operation, Booking.reference == booking), operation, booking)
