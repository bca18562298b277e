"""Bookings in a list, and one with all that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Account
from portal.audit.models import AuditEntry
from portal.booking.models import (
    BookedCabin,
    Booking,
    BookingState,
    Charge,
    ChargeKind,
    DocumentKind,
    Passenger,
    TravelState,
)
from portal.catalogue.models import Cabin, Itinerary, PortCall, Sailing, VoyagePart
from portal.database import db, the_one
from portal.inventory.models import Occupancy
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.ledger.queries import Balance, balance_columns
from portal.payments.models import Dispute, Payment
from portal.payments.plans.live import overdue_column
from portal.payments.plans.models import BookingPlan
from portal.payments.standing import MoneyStanding, standing
from portal.staff.audit_pages import TrailEntry, trail_of
from portal.staff.paging import PAGE, Paging, Rows, paging
from portal.staff.payment_pages import PaymentRow, payment_row
from portal.visas.models import ChecklistItem, ItemState
from portal.visas.services import RELYING
from portal.visas.standing import PapersCount
from portal.visas.standing import standing as papers_standing
from portal.visas.terms import PapersStanding, Severity, Supplier


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
            for booking, code, travellers, price, due, sums in ((*row[:5], Balance.read(row[5:])) for row in bookings)
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
            counted(state.in_(RELYING)),
            func.count(),
            counted(from_guest),
            counted(from_guest, state.in_(RELYING)),
            counted(from_guest, state == ItemState.IN_REVIEW),
            counted(from_guest, state == ItemState.CHANGES_REQUESTED),
            func.min(case((and_(from_guest, waits), ChecklistItem.due))),
            counted(from_guest, ChecklistItem.severity == Severity.BLOCKING, state != ItemState.WAIVED),
        )
        .join(ChecklistItem, ChecklistItem.passenger_id == Passenger.id)
        .where(
            Passenger.booking_id.in_(booking_ids),
            state != ItemState.NOT_APPLICABLE,
            ChecklistItem.supplier != Supplier.BORDER,
        )
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
    found = (
        db.session.execute(
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
        )
        .unique()
        .one_or_none()
    )
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
            replace(payment_row(payment, reference, booking.contact_name, code), disputes=tuple(disputes))
            for payment, disputes in paid.items()
        ),
        price=Money(price, booking.currency),
        paid=Money(sums.paid, booking.currency),
        money=standing(booking.state, price, sums, booking.pay_by, now, int(due)),
        in_parts=in_parts,
        papers=_papers([booking.id], now.date()).get(booking.id, Papers(0, 0)),
        trail=trail_of(select(AuditEntry).where(about), limit=PAGE),
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


def booking_by_reference(reference: str) -> Booking:
    """Raises NotFound. One statement."""
    return the_one(select(Booking).where(Booking.reference == reference), reference)
