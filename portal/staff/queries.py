"""What the screens of staff show, each fetched in a few statements however many rows there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal.accounts.models import Account, Role
from portal.audit.models import AuditEntry
from portal.booking.models import (
    BookedCabin,
    Booking,
    BookingState,
    ChangeRequest,
    ChangeState,
    Charge,
    ChargeKind,
    DocumentKind,
    Passenger,
    PromotionUse,
    TravelState,
    UseState,
)
from portal.catalogue.models import Cabin, Category, Deck, Itinerary, PortCall, Sailing, SailingState, VoyagePart
from portal.database import db
from portal.inventory.models import FOR_A_TIME, Occupancy, OccupancyState, Reservation
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.ledger.queries import Balance, balance_columns
from portal.payments.cancellations.models import Cancellation
from portal.payments.cancellations.queries import CancellationView, cancellation_view
from portal.payments.errors import NotCancellable
from portal.payments.models import (
    DISPUTE_OPEN,
    Dispute,
    Method,
    Mismatch,
    Payment,
    PaymentState,
    Refund,
    RefundState,
)
from portal.payments.plans.live import live_plan, overdue_column, port_day
from portal.payments.plans.models import BookingPlan, FitReason, PaymentPlan
from portal.payments.plans.queries import PlanView, late_plans, plan_view
from portal.payments.plans.schedule import Step
from portal.payments.refunds import CancelPreview, cancel_preview, paid_for
from portal.payments.standing import MoneyStanding, standing
from portal.pricing.models import Fare, PriceList, Promotion
from portal.pricing.party import Party
from portal.pricing.queries import CURRENCY, currencies_of, fares_in, price_lists_of, terms_for
from portal.pricing.services import FareEdit
from portal.pricing.simulation import Trial, simulate
from portal.visas.models import ChecklistItem, ItemState
from portal.visas.standing import PapersCount
from portal.visas.standing import standing as papers_standing
from portal.visas.terms import PapersStanding, Severity, Supplier

Rows: TypeAlias = Select[*tuple[Any, ...]]

PAGE = 50
TRAIL_SHOWN = 12
SAILINGS_AHEAD = 5


@dataclass(frozen=True)
class Paging:
    current: int
    last: int
    total: int

    @property
    def offset(self) -> int:
        return (self.current - 1) * PAGE


def paging(asked: int, total: int) -> Paging:
    """The page asked for, or the nearest there is."""
    last = max(1, -(-total // PAGE))
    return Paging(min(max(asked, 1), last), last, total)


# ---------- Sailings ----------


@dataclass(frozen=True)
class Load:
    """Cabins of a sailing by what they are; together they are all cabins of the ship."""

    free: int
    held: int
    booked: int
    closed: int

    @property
    def cabins(self) -> int:
        return self.free + self.held + self.booked + self.closed

    @property
    def booked_percent(self) -> int:
        return round(100 * self.booked / self.cabins) if self.cabins else 0


@dataclass(frozen=True)
class SailingRow:
    code: str
    title: LocalizedText
    embark: LocalizedText
    embark_zone: str
    disembark: LocalizedText
    starts_at: datetime
    ends_at: datetime
    state: SailingState
    departed: bool
    on_sale: bool
    sales_close_at: datetime
    load: Load


@dataclass(frozen=True)
class SailingFilters:
    """As they stand in the address: state one of "on_sale", "closed", "departed", "draft", "postponed", "cancelled"."""

    state: str | None = None
    month: str | None = None  # "2024-05"


@dataclass(frozen=True)
class SailingsPage:
    rows: tuple[SailingRow, ...]
    paging: Paging
    filters: SailingFilters
    months: tuple[date, ...]


def sailings_page(filters: SailingFilters, page: int, now: datetime) -> SailingsPage:
    """Six statements. Months are those of the calendar where the operator sits."""
    starts = db.session.scalars(select(Sailing.starts_at).order_by(Sailing.starts_at)).all()
    months = tuple(dict.fromkeys(_month(moment) for moment in starts))
    chosen = _sailings_where(select(Sailing), filters, now)
    total = db.session.scalar(_sailings_where(select(func.count(Sailing.id)), filters, now)) or 0
    at = paging(page, total)
    rows = _sailing_rows(chosen.order_by(Sailing.starts_at, Sailing.id).limit(PAGE).offset(at.offset), now)
    return SailingsPage(rows, at, filters, months)


def _sailings_where(query: Rows, filters: SailingFilters, now: datetime) -> Rows:
    if filters.month:
        first = datetime.fromisoformat(f"{filters.month}-01").replace(tzinfo=ZoneInfo(OFFICE_ZONE))
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        query = query.where(Sailing.starts_at >= first, Sailing.starts_at < after)
    match filters.state:
        case "departed":
            return query.where(Sailing.starts_at <= now, Sailing.state != SailingState.CANCELLED)
        case "on_sale":
            return query.where(Sailing.state == SailingState.ON_SALE, Sailing.sales_close_at > now)
        case "closed":
            over = and_(Sailing.state == SailingState.ON_SALE, Sailing.sales_close_at <= now)
            return query.where(or_(Sailing.state == SailingState.CLOSED, over), Sailing.starts_at > now)
        case "draft" | "postponed" | "cancelled":
            return query.where(Sailing.state == SailingState(filters.state))
    return query


def _month(moment: datetime) -> date:
    return day_of(moment, OFFICE_ZONE).replace(day=1)


def _sailing_rows(query: Select[Sailing], now: datetime) -> tuple[SailingRow, ...]:
    """Four statements: sailings, calls, cabins of ships, cabins taken."""
    sailings = db.session.scalars(
        query.options(joinedload(Sailing.itinerary), selectinload(Sailing.calls).joinedload(PortCall.port))
    ).all()
    loads = _loads(sailings, now)
    return tuple(_sailing_row(sailing, loads[sailing.id], now) for sailing in sailings)


def _sailing_row(sailing: Sailing, load: Load, now: datetime) -> SailingRow:
    first, last = sailing.calls[0].port, sailing.calls[-1].port
    return SailingRow(
        code=sailing.code,
        title=sailing.itinerary.title,
        embark=first.name,
        embark_zone=first.zone,
        disembark=last.name,
        starts_at=sailing.starts_at,
        ends_at=sailing.ends_at,
        state=sailing.state,
        departed=sailing.departed_at(now),
        on_sale=sailing.on_sale_at(now),
        sales_close_at=sailing.sales_close_at,
        load=load,
    )


WEIGHTS = (OccupancyState.BOOKED, OccupancyState.CLOSED, OccupancyState.RESERVED, OccupancyState.HELD)


def _loads(sailings: Sequence[Sailing], now: datetime) -> dict[int, Load]:
    """Two statements. A hold whose time is over counts as free, whether or not it has been swept up yet."""
    cabins = dict(db.session.execute(select(Cabin.ship_id, func.count()).group_by(Cabin.ship_id)).all())
    taken: dict[tuple[int, OccupancyState], int] = {}
    # A cabin may be taken by several parts of the voyage: it counts once, as what weighs most.
    weighs_most = func.min(case({state: weight for weight, state in enumerate(WEIGHTS)}, value=Occupancy.state))
    by_cabin = (
        select(Occupancy.sailing_id, weighs_most.label("weight"))
        .where(Occupancy.sailing_id.in_([sailing.id for sailing in sailings]), _taken_at(now))
        .group_by(Occupancy.sailing_id, Occupancy.cabin_id)
        .subquery()
    )
    rows = db.session.execute(
        select(by_cabin.c.sailing_id, by_cabin.c.weight, func.count()).group_by(
            by_cabin.c.sailing_id, by_cabin.c.weight
        )
    )
    for sailing_id, weight, count in rows:
        taken[sailing_id, WEIGHTS[weight]] = count
    loads = {}
    for sailing in sailings:
        held, booked, closed = (
            sum(taken.get((sailing.id, state), 0) for state in states)
            for states in (FOR_A_TIME, {OccupancyState.BOOKED}, {OccupancyState.CLOSED})
        )
        loads[sailing.id] = Load(cabins.get(sailing.ship_id, 0) - held - booked - closed, held, booked, closed)
    return loads


def _taken_at(now: datetime) -> Any:
    return and_(Occupancy.over_at.is_(None), or_(Occupancy.expires_at.is_(None), Occupancy.expires_at > now))


@dataclass(frozen=True)
class SailingPage:
    sailing: Sailing  # with calls, ports, itinerary and ship
    row: SailingRow
    bookings: int  # confirmed
    passengers: int  # of these
    trail: tuple[TrailEntry, ...]


def sailing_page(code: str, now: datetime) -> SailingPage:
    """Raises NotFound. Seven statements."""
    sailing = sailing_with_calls(code)
    bookings, passengers = db.session.execute(
        select(func.count(Booking.id.distinct()), func.count(Passenger.id))
        .outerjoin(Passenger, and_(Passenger.booking_id == Booking.id, Passenger.left_at.is_(None)))
        .where(Booking.sailing_id == sailing.id, Booking.state == BookingState.CONFIRMED)
    ).one()
    trail = _trail(select(AuditEntry).where(AuditEntry.subject == "sailing", AuditEntry.subject_reference == code))
    row = _sailing_row(sailing, _loads([sailing], now)[sailing.id], now)
    return SailingPage(sailing, row, bookings, passengers, trail)


def sailing_with_calls(code: str) -> Sailing:
    """Any sailing, drafts too. Raises NotFound. Two statements."""
    sailing = db.session.scalars(
        select(Sailing)
        .where(Sailing.code == code)
        .options(
            joinedload(Sailing.itinerary),
            joinedload(Sailing.ship),
            selectinload(Sailing.calls).joinedload(PortCall.port),
        )
    ).one_or_none()
    if sailing is None:
        raise NotFound(code)
    return sailing


@dataclass(frozen=True)
class FaresPage:
    sailing: Sailing
    fares: tuple[tuple[Category, Fare], ...]  # from the simplest category
    currency: str
    currencies: tuple[str, ...]
    versions: tuple[PriceList, ...]  # of this currency, the newest first


def fares_page(code: str, currency: str = CURRENCY) -> FaresPage:
    """Raises NotFound. Five statements."""
    sailing = sailing_with_calls(code)
    rows = db.session.execute(
        select(Category, Fare)
        .join(Fare, Fare.category_id == Category.id)
        .where(Fare.sailing_id == sailing.id, Fare.currency == currency)
        .order_by(Category.position)
    )
    return FaresPage(
        sailing,
        tuple((category, fare) for category, fare in rows),
        currency,
        currencies_of(sailing.id),
        tuple(price_lists_of(sailing.id, currency)),
    )


@dataclass(frozen=True)
class SimulatedFares:
    """What the parties of a trial pay now and would pay, by the code of the category."""

    categories: tuple[Category, ...]
    rows: tuple[tuple[Party, Mapping[str, Trial]], ...]


def simulated_fares(
    page: FaresPage, edits: Sequence[FareEdit], port_dues: int, parties: Sequence[Party], now: datetime
) -> SimulatedFares:
    """Nothing is written. One statement."""
    sailing = page.sailing
    prices = terms_for(
        {sailing.id: sailing.code}, {sailing.id: {fare.category_id: fare for _, fare in page.fares}}, page.currency
    )[sailing.id]
    present = [
        fares_in(fare, category.code, berths=category.berths, extra_berths=category.extra_berths)
        for category, fare in page.fares
    ]
    thought = {edit.category: edit for edit in edits}
    then = [
        replace(
            one,
            adult=thought[one.category].adult_minor,
            single=thought[one.category].single_minor,
            child=thought[one.category].child_minor,
            extra=thought[one.category].extra_minor,
        )
        for one in present
        if one.category in thought
    ]
    day = day_of(now, sailing.calls[0].port.zone)
    rows = simulate(parties, present, then, currency=page.currency, terms=prices.terms, port_dues=port_dues, day=day)
    return SimulatedFares(tuple(category for category, _ in page.fares), rows)


@dataclass(frozen=True)
class PromotionRow:
    promotion: Promotion
    uses: int
    cabins: int
    taken_minor: int  # off in all; of the promotion's currency, if it has one

    def sum_of(self, minor: int) -> Money | None:
        return Money(minor, self.promotion.currency) if self.promotion.currency else None


@dataclass(frozen=True)
class PromotionsPage:
    rows: tuple[PromotionRow, ...]
    paging: Paging


def promotions_page(page: int) -> PromotionsPage:
    """The newest first, with what is in use. Two statements."""
    at = paging(page, db.session.scalar(select(func.count(Promotion.id))) or 0)
    taken = PromotionUse.state == UseState.TAKEN
    rows = db.session.execute(
        select(
            Promotion,
            func.count(PromotionUse.id),
            func.coalesce(func.sum(PromotionUse.cabins), 0),
            func.coalesce(func.sum(PromotionUse.amount_minor), 0),
        )
        .outerjoin(PromotionUse, (PromotionUse.promotion_id == Promotion.id) & taken)
        .group_by(Promotion.id)
        .order_by(Promotion.id.desc())
        .limit(PAGE)
        .offset(at.offset)
    )
    return PromotionsPage(tuple(PromotionRow(one, uses, int(cabins), int(off)) for one, uses, cabins, off in rows), at)


def sold_parts(sailing_id: int) -> dict[int, int]:
    """In how many cabins each part of a voyage is held or booked, by its id. One statement."""
    rows = db.session.execute(
        select(VoyagePart.id, func.count())
        .join(Occupancy, Occupancy.part_id == VoyagePart.id)
        .where(VoyagePart.sailing_id == sailing_id, Occupancy.over_at.is_(None))
        .group_by(VoyagePart.id)
    )
    return dict(rows.all())


# ---------- Cabins ----------


@dataclass(frozen=True)
class CabinRow:
    id: int
    number: str
    category: str
    category_name: LocalizedText
    berths: int
    extra_berths: int
    state: str  # free, held, reserved, booked, closed
    occupancy_id: int | None
    expires_at: datetime | None
    reason: str | None
    kept_for: str | None
    booking: str | None  # its reference
    part: VoyagePart | None  # a cabin has a row for each part of the voyage that is taken


@dataclass(frozen=True)
class CabinsPage:
    sailing: Sailing
    decks: tuple[Deck, ...]
    deck: Deck
    rows: tuple[CabinRow, ...]
    state: str | None
    load: Load


def cabins_page(code: str, deck: str | None, state: str | None, now: datetime) -> CabinsPage:
    """One deck of a sailing: its cabins are a page. Raises NotFound. Six statements."""
    sailing = sailing_with_calls(code)
    decks = tuple(db.session.scalars(select(Deck).filter_by(ship_id=sailing.ship_id).order_by(Deck.level.desc())))
    with_cabins = set(db.session.scalars(select(Cabin.deck_id).filter_by(ship_id=sailing.ship_id).distinct()))
    decks = tuple(entry for entry in decks if entry.id in with_cabins)
    if not decks:
        raise NotFound(code)
    chosen = next((entry for entry in decks if entry.code == deck), decks[0])
    found = db.session.execute(
        select(Cabin, Category, Occupancy, Booking.reference, Reservation.name)
        .join(Category, Category.id == Cabin.category_id)
        .outerjoin(Occupancy, and_(Occupancy.cabin_id == Cabin.id, Occupancy.sailing_id == sailing.id, _taken_at(now)))
        .outerjoin(BookedCabin, BookedCabin.occupancy_id == Occupancy.id)
        .outerjoin(Booking, Booking.id == BookedCabin.booking_id)
        .outerjoin(Reservation, Reservation.id == Occupancy.reservation_id)
        .outerjoin(VoyagePart, VoyagePart.id == Occupancy.part_id)
        .options(contains_eager(Occupancy.part))
        .where(Cabin.deck_id == chosen.id)
        .order_by(Cabin.number, VoyagePart.embark_position, Occupancy.id)
    )
    rows = tuple(_cabin_row(*row) for row in found)
    return CabinsPage(
        sailing=sailing,
        decks=decks,
        deck=chosen,
        rows=tuple(row for row in rows if not state or row.state == state),
        state=state,
        load=_loads([sailing], now)[sailing.id],
    )


def _cabin_row(
    cabin: Cabin, category: Category, taken: Occupancy | None, booking: str | None, kept_for: str | None
) -> CabinRow:
    return CabinRow(
        id=cabin.id,
        number=cabin.number,
        category=category.code,
        category_name=category.name,
        berths=cabin.berths,
        extra_berths=cabin.extra_berths,
        state=taken.state.value if taken else "free",
        occupancy_id=taken.id if taken else None,
        expires_at=taken.expires_at if taken else None,
        reason=taken.reason if taken else None,
        kept_for=kept_for,
        booking=booking,
        part=taken.part if taken else None,
    )


# ---------- Bookings ----------


@dataclass(frozen=True)
class Papers:
    accepted: int
    asked: int
    standing: PapersStanding = PapersStanding.READY

    @property
    def ready(self) -> bool:
        return self.accepted == self.asked


@dataclass(frozen=True)
class BookingRow:
    reference: str
    sailing: str
    state: BookingState
    cabins: tuple[str, ...]
    passengers: int
    contact_name: str | None
    contact_email: str | None
    placed_at: datetime | None
    pay_by: datetime | None
    price: Money
    paid: Money
    money: MoneyStanding
    papers: Papers
    travel: TravelState

    @property
    def owed(self) -> Money:
        """Nothing for a booking that is over."""
        live = self.state in (BookingState.DRAFT, BookingState.PENDING, BookingState.CONFIRMED)
        return self.price - self.paid if live else Money(0, self.price.currency)


@dataclass(frozen=True)
class BookingFilters:
    """As they stand in the address. `q`: a reference, a surname, or part of a contact's name or e-mail address."""

    q: str | None = None
    state: str | None = None
    sailing: str | None = None


@dataclass(frozen=True)
class BookingsPage:
    rows: tuple[BookingRow, ...]
    paging: Paging
    filters: BookingFilters
    sailings: tuple[str, ...]


def bookings_page(filters: BookingFilters, page: int, now: datetime) -> BookingsPage:
    """Drafts only when asked for. Five statements."""
    codes = tuple(db.session.scalars(select(Sailing.code).order_by(Sailing.starts_at)))
    total = db.session.scalar(_bookings_where(select(func.count(Booking.id)), filters)) or 0
    at = paging(page, total)
    persons = _sum_of(func.count(Passenger.id), Passenger.booking_id, Passenger.left_at.is_(None))
    owed = _sum_of(func.sum(Charge.amount_minor), Charge.booking_id)
    balance = balance_columns(Booking.id, Booking.currency, Booking)
    bookings = db.session.execute(
        _bookings_where(
            select(Booking, Sailing.code, persons, owed, overdue_column(Booking.id, now), *balance),
            filters,
        )
        .order_by(Booking.placed_at.desc().nulls_first(), Booking.id.desc())
        .limit(PAGE)
        .offset(at.offset)
    ).all()
    ids = [row[0].id for row in bookings]
    cabins: dict[int, list[str]] = {}
    for booking_id, number in db.session.execute(
        select(BookedCabin.booking_id, Cabin.number)
        .join(Cabin, Cabin.id == BookedCabin.cabin_id)
        .where(BookedCabin.booking_id.in_(ids))
        .order_by(Cabin.number)
    ):
        cabins.setdefault(booking_id, []).append(number)
    papers = _papers(ids, now.date())
    return BookingsPage(
        rows=tuple(
            BookingRow(
                reference=booking.reference,
                sailing=code,
                state=booking.state,
                cabins=tuple(cabins.get(booking.id, ())),
                passengers=travellers,
                contact_name=booking.contact_name,
                contact_email=booking.contact_email,
                placed_at=booking.placed_at,
                pay_by=booking.pay_by,
                price=Money(int(price), booking.currency),
                paid=Money(sums.paid, booking.currency),
                money=standing(booking.state, int(price), sums, booking.pay_by, now, int(due)),
                papers=papers.get(booking.id, Papers(0, 0)),
                travel=booking.travel,
            )
            for booking, code, travellers, price, due, sums in (
                (*row[:5], Balance.read(row[5:])) for row in bookings
            )
        ),
        paging=at,
        filters=filters,
        sailings=codes,
    )


def _bookings_where(query: Rows, filters: BookingFilters) -> Rows:
    query = query.join(Sailing, Sailing.id == Booking.sailing_id)
    if filters.sailing:
        query = query.where(Sailing.code == filters.sailing)
    if filters.state:
        query = query.where(Booking.state == BookingState(filters.state))
    else:
        query = query.where(Booking.state != BookingState.DRAFT)
    if filters.q:
        part = filters.q.strip().lower()
        named = select(Passenger.booking_id).where(func.lower(Passenger.surname).startswith(part, autoescape=True))
        query = query.where(
            or_(
                Booking.reference == part.upper(),
                Booking.contact_email.contains(part, autoescape=True),
                # SQLite lowers no Cyrillic letters: what was typed is looked for as it is and as a name, too.
                func.lower(Booking.contact_name).contains(part, autoescape=True),
                Booking.contact_name.contains(filters.q.strip(), autoescape=True),
                Booking.contact_name.contains(part.title(), autoescape=True),
                Booking.id.in_(named),
            )
        )
    return query


def _sum_of(amount: Any, booking_id: Any, *which: Any) -> Any:
    """`amount` over the rows of each booking, 0 where there are none; part of the statement that lists bookings."""
    rows = select(func.coalesce(amount, 0)).where(booking_id == Booking.id, *which)
    return rows.correlate(Booking).scalar_subquery()


def _papers(booking_ids: Sequence[int], today: date) -> dict[int, Papers]:
    """How far the papers asked for are, by booking. One statement."""

    def counted(*which: Any) -> Any:
        return func.sum(case((and_(*which), 1), else_=0))

    state, waits = ChecklistItem.state, ChecklistItem.state.in_([ItemState.TODO, ItemState.CHANGES_REQUESTED])
    from_guest = and_(
        ChecklistItem.supplier == Supplier.GUEST, ChecklistItem.severity.in_([Severity.REQUIRED, Severity.BLOCKING])
    )
    rows = db.session.execute(
        select(
            Passenger.booking_id,
            counted(state == ItemState.ACCEPTED),
            func.count(),
            counted(from_guest),
            counted(from_guest, state == ItemState.ACCEPTED),
            counted(from_guest, state == ItemState.IN_REVIEW),
            counted(from_guest, state == ItemState.CHANGES_REQUESTED),
            func.min(case((and_(from_guest, waits), ChecklistItem.due))),
            counted(from_guest, ChecklistItem.severity == Severity.BLOCKING),
        )
        .join(ChecklistItem, ChecklistItem.passenger_id == Passenger.id)
        .where(Passenger.booking_id.in_(booking_ids), state != ItemState.NOT_APPLICABLE)
        .group_by(Passenger.booking_id)
    )
    return {
        booking_id: Papers(
            int(accepted),
            asked,
            papers_standing(
                PapersCount(int(total), int(done), int(in_review), int(returned), due, bool(blocked)), today
            ),
        )
        for booking_id, accepted, asked, total, done, in_review, returned, due, blocked in rows
    }


@dataclass(frozen=True)
class PassengerRow:
    reference: str
    name: str
    local_name: str | None
    birth_date: date
    citizenship: str
    document_kind: DocumentKind | None
    document_masked: str
    document_expires: date | None
    cabin: str


@dataclass(frozen=True)
class ChargeRow:
    kind: ChargeKind
    passenger: str
    amount: Money


@dataclass(frozen=True)
class PaymentRow:
    id: int
    reference: str
    booking: str
    contact_name: str | None
    sailing: str
    method: Method
    provider: str | None
    state: PaymentState
    amount: Money
    made_at: datetime
    received_at: datetime | None
    expires_at: datetime | None
    receipt: str | None
    disputes: tuple[Dispute, ...] = ()  # only on the page of its booking


@dataclass(frozen=True)
class BookingPage:
    booking: Booking
    sailing: str
    title: LocalizedText
    voyage: Sailing | VoyagePart  # what was booked of it
    customer: str | None  # the e-mail address of the account it is in
    cabins: tuple[str, ...]
    passengers: tuple[PassengerRow, ...]
    charges: tuple[ChargeRow, ...]
    payments: tuple[PaymentRow, ...]
    price: Money
    paid: Money
    money: MoneyStanding
    in_parts: bool
    papers: Papers
    trail: tuple[TrailEntry, ...]


IN_PARTS = exists().where(BookingPlan.booking_id == Booking.id, BookingPlan.ended_at.is_(None))


def booking_page(reference: str, now: datetime) -> BookingPage:
    """Raises NotFound. Eight statements."""
    balance = balance_columns(Booking.id, Booking.currency, Booking)
    found = db.session.execute(
        select(
            Booking,
            Sailing.code,
            Itinerary.title,
            Account.email,
            IN_PARTS,
            overdue_column(Booking.id, now),
            *balance,
        )
        .join(Sailing, Sailing.id == Booking.sailing_id)
        .join(Itinerary, Itinerary.id == Sailing.itinerary_id)
        .outerjoin(Account, Account.id == Booking.customer_id)
        .where(Booking.reference == reference)
        .options(
            joinedload(Booking.sailing).joinedload(Sailing.calls).joinedload(PortCall.port),
            joinedload(Booking.cabins).joinedload(BookedCabin.occupancy).joinedload(Occupancy.part),
        )
    ).unique().one_or_none()
    if found is None:
        raise NotFound(reference)
    booking, code, title, customer, in_parts, due, *figures = found
    sums = Balance.read(figures)
    cabins = db.session.execute(
        select(Cabin.number, Occupancy.reference)
        .join(BookedCabin, BookedCabin.cabin_id == Cabin.id)
        .join(Occupancy, Occupancy.id == BookedCabin.occupancy_id)
        .where(BookedCabin.booking_id == booking.id)
        .order_by(Cabin.number)
    ).all()
    people = db.session.execute(
        select(Passenger, Cabin.number)
        .join(Cabin, Cabin.id == Passenger.cabin_id)
        .where(Passenger.booking_id == booking.id, Passenger.left_at.is_(None))
        .order_by(Passenger.position)
    ).all()
    names = {passenger.id: passenger.full_name for passenger, _ in people}
    charges = db.session.scalars(select(Charge).where(Charge.booking_id == booking.id).order_by(Charge.position)).all()
    paid: dict[Payment, list[Dispute]] = {}
    for payment, dispute in db.session.execute(
        select(Payment, Dispute)
        .outerjoin(Dispute, Dispute.payment_id == Payment.id)
        .where(Payment.booking_id == booking.id)
        .order_by(Payment.id, Dispute.id)
    ):
        paid.setdefault(payment, []).extend([dispute] if dispute is not None else [])
    subjects = [
        ("booking", [reference]),
        ("occupancy", [occupancy for _, occupancy in cabins]),
        ("passenger", [passenger.reference for passenger, _ in people]),
        ("payment", [payment.reference for payment in paid]),
        ("dispute", [dispute.reference for disputes in paid.values() for dispute in disputes]),
    ]
    about = or_(
        *(
            and_(AuditEntry.subject == subject, AuditEntry.subject_reference.in_(references))
            for subject, references in subjects
        )
    )
    price = sum(charge.amount_minor for charge in charges)
    return BookingPage(
        booking=booking,
        sailing=code,
        title=title,
        voyage=booking.voyage,
        customer=customer,
        cabins=tuple(number for number, _ in cabins),
        passengers=tuple(_passenger_row(passenger, number) for passenger, number in people),
        charges=tuple(
            ChargeRow(
                charge.kind, names.get(charge.passenger_id or 0, ""), Money(charge.amount_minor, booking.currency)
            )
            for charge in charges
        ),
        payments=tuple(
            replace(_payment_row(payment, reference, booking.contact_name, code), disputes=tuple(disputes))
            for payment, disputes in paid.items()
        ),
        price=Money(price, booking.currency),
        paid=Money(sums.paid, booking.currency),
        money=standing(booking.state, price, sums, booking.pay_by, now, int(due)),
        in_parts=in_parts,
        papers=_papers([booking.id], now.date()).get(booking.id, Papers(0, 0)),
        trail=_trail(select(AuditEntry).where(about), limit=PAGE),
    )


def _passenger_row(passenger: Passenger, cabin: str) -> PassengerRow:
    return PassengerRow(
        reference=passenger.reference,
        name=passenger.full_name,
        local_name=passenger.local_name,
        birth_date=passenger.birth_date,
        citizenship=passenger.citizenship,
        document_kind=passenger.document_kind,
        document_masked=masked(passenger.document_number or ""),
        document_expires=passenger.document_expires,
        cabin=cabin,
    )


def masked(number: str) -> str:
    """All but the last four characters as dots; a short number shows fewer, never all."""
    shown = number[-4:] if len(number) > 6 else number[-2:] if len(number) > 3 else ""
    return "•" * (len(number) - len(shown)) + shown


# ---------- Payments ----------


# Money that came and found no cabin, as long as nobody has sent it back.
WITHOUT_CABIN = and_(
    Payment.state == PaymentState.UNALLOCATED,
    ~exists().where(Refund.payment_id == Payment.id, Refund.state != RefundState.FAILED),
)


def payment_id(reference: str) -> int:
    """Raises NotFound."""
    return _id_by_reference(Payment, reference)


def booking_by_reference(reference: str) -> Booking:
    """Raises NotFound. One statement."""
    booking = db.session.scalars(select(Booking).where(Booking.reference == reference)).one_or_none()
    if booking is None:
        raise NotFound(reference)
    return booking


def cancellation(reference: str) -> CancellationView:
    """Of the booking of this reference. Raises NotFound where nothing is kept of it."""
    found = db.session.scalar(
        select(Cancellation.id).join(Booking).where(Booking.reference == reference, Cancellation.limit_minor > 0)
    )
    if found is None:
        raise NotFound(reference)
    return cancellation_view(found)


def refund_id(reference: str) -> int:
    """Raises NotFound."""
    return _id_by_reference(Refund, reference)


def _id_by_reference(model: type[Payment] | type[Refund], reference: str) -> int:
    found = db.session.scalar(select(model.id).where(model.reference == reference))
    if found is None:
        raise NotFound(reference)
    return found


@dataclass(frozen=True)
class PaymentsPage:
    expected: tuple[PaymentRow, ...]
    expected_sum: dict[str, Money]  # by currency
    unallocated: tuple[PaymentRow, ...]
    wanted: str | None
    paging: Paging  # of the transfers expected


def payments_page(wanted: str | None, page: int) -> PaymentsPage:
    """Two statements. By its reference or its booking's, a transfer is found that is no longer expected, too:
    money may come late."""
    waiting = and_(Payment.method == Method.TRANSFER, Payment.state == PaymentState.OPEN)
    if wanted:
        late = Payment.state.in_([PaymentState.OPEN, PaymentState.EXPIRED])
        of_booking = Payment.booking_id.in_(select(Booking.id).where(Booking.reference == wanted))
        waiting = and_(Payment.method == Method.TRANSFER, late, or_(Payment.reference == wanted, of_booking))
    sums = db.session.execute(
        select(Payment.currency, func.count(), func.sum(Payment.amount_minor)).where(waiting).group_by(Payment.currency)
    ).all()
    at = paging(page, sum(count for _, count, _ in sums))
    awaited = select(Payment.id, literal(0).label("loose")).where(waiting).order_by(Payment.made_at)
    loose = select(Payment.id, literal(1).label("loose")).where(WITHOUT_CABIN).order_by(Payment.received_at)
    listed = union_all(
        select(awaited.limit(PAGE).offset(at.offset).subquery()), select(loose.limit(PAGE).subquery())
    ).subquery()
    rows = db.session.execute(
        _payments()
        .add_columns(listed.c.loose)
        .join(listed, listed.c.id == Payment.id)
        .order_by(listed.c.loose, func.coalesce(Payment.received_at, Payment.made_at), Payment.id)
    ).all()
    return PaymentsPage(
        expected=tuple(_payment_row(*row) for *row, is_loose in rows if not is_loose),
        expected_sum={currency: Money(int(amount), currency) for currency, _, amount in sums},
        unallocated=tuple(_payment_row(*row) for *row, is_loose in rows if is_loose),
        wanted=wanted,
        paging=at,
    )


def expected_transfer(reference: str) -> PaymentRow:
    """A transfer that is still waited for. Raises NotFound."""
    rows = _payment_rows(_payments().where(Payment.reference == reference, Payment.method == Method.TRANSFER))
    if not rows:
        raise NotFound(reference)
    return rows[0]


def _payments() -> Rows:
    return (
        select(Payment, Booking.reference, Booking.contact_name, Sailing.code)
        .join(Booking, Booking.id == Payment.booking_id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
    )


def _payment_rows(query: Rows) -> tuple[PaymentRow, ...]:
    return tuple(_payment_row(*row) for row in db.session.execute(query))


def _payment_row(payment: Payment, booking: str, contact_name: str | None, sailing: str) -> PaymentRow:
    return PaymentRow(
        id=payment.id,
        reference=payment.reference,
        booking=booking,
        contact_name=contact_name,
        sailing=sailing,
        method=payment.method,
        provider=payment.provider,
        state=payment.state,
        amount=payment.amount,
        made_at=payment.made_at,
        received_at=payment.received_at,
        expires_at=payment.expires_at,
        receipt=payment.receipt,
    )


# ---------- The trail ----------


@dataclass(frozen=True)
class TrailEntry:
    id: int
    recorded_at: datetime
    business_at: datetime
    actor: str  # as recorded: "account:17", "guest", "worker", "provider:stripe"
    actor_name: str | None  # of an account
    action: str
    subject: str
    reference: str
    from_state: str | None
    to_state: str | None
    reason: str | None

    @property
    def shifted(self) -> bool:
        """Whether business time was not the world's when this was recorded, as in the demonstration."""
        return abs(self.recorded_at - self.business_at) > timedelta(days=1)


@dataclass(frozen=True)
class AuditFilters:
    subject: str | None = None
    reference: str | None = None
    actor: str | None = None


@dataclass(frozen=True)
class AuditPage:
    rows: tuple[TrailEntry, ...]
    filters: AuditFilters
    subjects: tuple[str, ...]
    before: int | None  # older rows come before this id


def audit_page(filters: AuditFilters, before: int | None) -> AuditPage:
    """The newest first; paged by id, so that rows written meanwhile shift nothing. Two statements."""
    query = select(AuditEntry)
    if filters.subject:
        query = query.where(AuditEntry.subject == filters.subject)
    if filters.reference:
        query = query.where(AuditEntry.subject_reference == filters.reference)
    if filters.actor:
        query = query.where(AuditEntry.actor == filters.actor)
    if before:
        query = query.where(AuditEntry.id < before)
    rows = _trail(query, limit=PAGE + 1)
    more = len(rows) > PAGE
    return AuditPage(rows[:PAGE], filters, SUBJECTS, rows[PAGE - 1].id if more else None)


SUBJECTS = ("sailing", "occupancy", "booking", "payment", "paper", "submission", "file", "rules", "account")


def _trail(query: Select[AuditEntry], limit: int = TRAIL_SHOWN) -> tuple[TrailEntry, ...]:
    """Two statements: the entries, and the names of the accounts that acted."""
    entries = db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()
    ids = {int(entry.actor[8:]) for entry in entries if entry.actor.startswith("account:")}
    names: dict[int, str] = {}
    if ids:
        names = dict(db.session.execute(select(Account.id, Account.name).where(Account.id.in_(ids))).all())
    return tuple(
        TrailEntry(
            id=entry.id,
            recorded_at=entry.recorded_at,
            business_at=entry.business_at,
            actor=entry.actor,
            actor_name=names.get(int(entry.actor[8:])) if entry.actor.startswith("account:") else None,
            action=entry.action,
            subject=entry.subject,
            reference=entry.subject_reference,
            from_state=entry.from_state,
            to_state=entry.to_state,
            reason=entry.reason,
        )
        for entry in entries
    )


# ---------- The start page ----------


@dataclass(frozen=True)
class Attention:
    """What waits for somebody; None where the reader may not see it."""

    papers: int | None
    papers_overdue: int | None
    transfers: int | None
    transfers_sum: dict[str, Money]
    unallocated: int | None
    unclear: int | None  # disputes that the bank has not decided, and differences from the providers' books
    changes: int | None
    overdue_parts: int | None
    sailings: tuple[SailingRow, ...]


def attention(*, papers: bool, money: bool, changes: bool, sailings: bool, now: datetime) -> Attention:
    """Seven statements at most."""
    waiting = overdue = transfers = unallocated = None
    sums: dict[str, Money] = {}
    if papers:
        waiting, overdue = db.session.execute(
            select(
                func.count(ChecklistItem.id),
                func.count(case((ChecklistItem.due < day_of(now, OFFICE_ZONE), 1))),
            ).where(ChecklistItem.state == ItemState.IN_REVIEW)
        ).one()
    if money:
        transfers = unallocated = 0
        for state, currency, count, amount in db.session.execute(
            select(Payment.state, Payment.currency, func.count(), func.sum(Payment.amount_minor))
            .where(
                or_(
                    and_(Payment.method == Method.TRANSFER, Payment.state == PaymentState.OPEN),
                    WITHOUT_CABIN,
                )
            )
            .group_by(Payment.state, Payment.currency)
        ):
            if state is PaymentState.UNALLOCATED:
                unallocated += count
            else:
                transfers += count
                sums[currency] = Money(int(amount), currency)
    ahead: tuple[SailingRow, ...] = ()
    if sailings:
        ahead = _sailing_rows(
            select(Sailing)
            .where(Sailing.ends_at > now, Sailing.state != SailingState.CANCELLED)
            .order_by(Sailing.starts_at)
            .limit(SAILINGS_AHEAD),
            now,
        )
    asked = late = unclear = None
    if changes or money:
        requests = select(func.count(ChangeRequest.id)).where(ChangeRequest.state == ChangeState.ASKED)
        disputes = select(func.count(Dispute.id)).where(Dispute.state.in_(DISPUTE_OPEN))
        mismatches = select(func.count(Mismatch.id)).where(Mismatch.closed_at.is_(None))
        asked, late, unclear = db.session.execute(
            select(
                requests.scalar_subquery(),
                late_plans(now).scalar_subquery(),
                disputes.scalar_subquery() + mismatches.scalar_subquery(),
            )
        ).one()
    return Attention(
        papers=waiting,
        papers_overdue=overdue,
        transfers=transfers,
        transfers_sum=sums,
        unallocated=unallocated,
        unclear=unclear if money else None,
        changes=asked if changes else None,
        overdue_parts=late if money else None,
        sailings=ahead,
    )


# ---------- Payment in parts ----------


def sailing_id(code: str) -> int:
    """Raises NotFound."""
    found = db.session.scalar(select(Sailing.id).where(Sailing.code == code))
    if found is None:
        raise NotFound(code)
    return found


@dataclass(frozen=True)
class OfferedPlan:
    id: int
    code: str
    version: int
    sailing: str | None
    mark: str
    percent: int | None
    per_person: Money | None
    steps: tuple[Step, ...]
    lock_percent: int


def offered_plans() -> tuple[OfferedPlan, ...]:
    """Those of the season first. One statement."""
    rows = db.session.execute(
        select(PaymentPlan, Sailing.code)
        .outerjoin(Sailing, Sailing.id == PaymentPlan.sailing_id)
        .where(PaymentPlan.ended_at.is_(None))
        .order_by(Sailing.code.nulls_first(), PaymentPlan.code)
    )
    return tuple(
        OfferedPlan(
            id=plan.id,
            code=plan.code,
            version=plan.version,
            sailing=code,
            mark=plan.mark,
            percent=plan.percent,
            per_person=Money(plan.per_person_minor, plan.currency) if plan.per_person_minor and plan.currency else None,
            steps=plan.terms.steps,
            lock_percent=plan.lock_percent,
        )
        for plan, code in rows
    )


@dataclass(frozen=True)
class PlanVersion:
    version: int
    reason: FitReason
    note: str | None
    made_at: datetime
    parts: tuple[tuple[date, Money], ...]


@dataclass(frozen=True)
class PartsPage:
    booking_id: int
    reference: str
    currency: str
    contact_name: str | None
    contact_email: str | None
    contact_phone: str | None
    plan: PlanView
    history: tuple[PlanVersion, ...]
    cancel: CancelPreview | None  # None where it cannot be cancelled any more


def parts_page(reference: str, now: datetime) -> PartsPage:
    """Raises NotFound for a booking that is not paid in parts."""
    booking = db.session.scalars(select(Booking).where(Booking.reference == reference)).one_or_none()
    plan = live_plan(booking.id) if booking is not None else None
    if booking is None or plan is None:
        raise NotFound(reference)
    versions = db.session.scalars(
        select(BookingPlan)
        .where(BookingPlan.booking_id == booking.id)
        .order_by(BookingPlan.version.desc())
        .options(selectinload(BookingPlan.rows))
    )
    try:
        cancel = cancel_preview(booking.id, now)
    except NotCancellable:
        cancel = None
    return PartsPage(
        booking_id=booking.id,
        reference=reference,
        currency=booking.currency,
        contact_name=booking.contact_name,
        contact_email=booking.contact_email,
        contact_phone=booking.contact_phone,
        plan=plan_view(plan, paid_for(booking).minor, booking.currency, port_day(booking, now)),
        history=tuple(
            PlanVersion(
                one.version,
                one.reason,
                one.note,
                one.made_at,
                tuple((part.due, Money(part.minor, booking.currency)) for part in one.parts),
            )
            for one in versions
        ),
        cancel=cancel,
    )


# ---------- Accounts ----------


@dataclass(frozen=True)
class AccountsPage:
    rows: tuple[Account, ...]
    paging: Paging


def accounts_page(page: int) -> AccountsPage:
    """Colleagues, those shut out last. Two statements."""
    staff = Account.role != Role.CUSTOMER
    at = paging(page, db.session.scalar(select(func.count(Account.id)).where(staff)) or 0)
    rows = db.session.scalars(
        select(Account)
        .where(staff)
        .order_by(Account.active.desc(), Account.name, Account.id)
        .limit(PAGE)
        .offset(at.offset)
    ).all()
    return AccountsPage(tuple(rows), at)


# ---------- The passenger list ----------


@dataclass(frozen=True)
class ListedPassenger:
    passenger: Passenger
    cabin: str
    booking: str
    voyage: Sailing | VoyagePart  # from where to where


def passenger_list(sailing_id: int) -> list[ListedPassenger]:
    """Everyone in a confirmed booking, by name. One statement for a sailing that is known."""
    rows = db.session.execute(
        select(Passenger, Cabin.number, Booking.reference, Occupancy)
        .join(Booking, Booking.id == Passenger.booking_id)
        .join(Cabin, Cabin.id == Passenger.cabin_id)
        .join(BookedCabin, and_(BookedCabin.booking_id == Booking.id, BookedCabin.cabin_id == Cabin.id))
        .join(Occupancy, Occupancy.id == BookedCabin.occupancy_id)
        .options(joinedload(Occupancy.part))
        .where(
            Booking.sailing_id == sailing_id, Booking.state == BookingState.CONFIRMED, Passenger.left_at.is_(None)
        )
        .order_by(Passenger.surname, Passenger.given_names, Passenger.id)
    )
    return [
        ListedPassenger(passenger, cabin, booking, occupancy.voyage) for passenger, cabin, booking, occupancy in rows
    ]
