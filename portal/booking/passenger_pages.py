"""What the pages and letters of one passenger need: his own data and no others'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.booking.details import ASKED_FIELDS, VISA_DAYS, Field, LaterDetails, Missing, NameField, deadline, ending
from portal.booking.filing import Wanted, filed_since, still_missing, wanted_of
from portal.booking.models import BookedCabin, Booking, BookingState, ChangeRequest, ChangeState, Passenger
from portal.booking.passengers import open_at
from portal.booking.queries import views_of
from portal.catalogue.models import Cabin, PortCall, Sailing
from portal.catalogue.queries import SailingView, sailing_view
from portal.database import db
from portal.inventory.models import Occupancy
from portal.kernel.text import LocalizedText

REMIND_DAYS = (3, 7, 14)  # before the deadline, the nearest first

WHOLE_CABINS = selectinload(Booking.cabins).options(
    joinedload(BookedCabin.cabin).options(joinedload(Cabin.category), joinedload(Cabin.deck)),
    joinedload(BookedCabin.occupancy).joinedload(Occupancy.part),
)
WHOLE_PASSENGER = (
    joinedload(Passenger.booking).options(WHOLE_CABINS),
    joinedload(Passenger.booking).joinedload(Booking.sailing).joinedload(Sailing.itinerary),
    joinedload(Passenger.booking).joinedload(Booking.sailing).joinedload(Sailing.ship),
    joinedload(Passenger.booking).joinedload(Booking.sailing).joinedload(Sailing.calls).joinedload(PortCall.port),
)


@dataclass(frozen=True)
class ChangeView:
    """A request as it is shown on both sides; `wanted` is empty once it is decided."""

    id: int
    reference: str
    state: ChangeState
    fields: tuple[NameField | Field, ...]
    wanted: tuple[Wanted, ...]
    asked_at: datetime
    decided_at: datetime | None
    reason: str | None


def change_view(request: ChangeRequest) -> ChangeView:
    return ChangeView(
        id=request.id,
        reference=request.reference,
        state=request.state,
        fields=tuple(field for field in ASKED_FIELDS if field in request.fields),
        wanted=wanted_of(request),
        asked_at=request.asked_at,
        decided_at=request.decided_at,
        reason=request.reason,
    )


@dataclass(frozen=True)
class PassengerPage:
    id: int
    reference: str
    position: int
    surname: str
    given_names: str
    birth_date: date
    citizenship: str
    cabin: str
    told: dict[str, Any]  # what may come later, for the form; without the document's number
    document_ending: str | None
    missing: tuple[Missing, ...]
    language: str
    email: str | None
    link_sent_at: datetime | None
    open: bool
    filed_at: datetime | None  # since when a change is a request
    change: ChangeView | None  # the last one
    sailing: SailingView
    ship_name: LocalizedText

    @property
    def full_name(self) -> str:
        return f"{self.surname} {self.given_names}"

    @property
    def until(self) -> date | None:
        return deadline(self.missing)


def passenger_page(passenger: Passenger, now: datetime) -> PassengerPage:
    """From a passenger loaded with WHOLE_PASSENGER; whoever calls has checked whose page it is."""
    booking = passenger.booking
    return PassengerPage(
        id=passenger.id,
        reference=passenger.reference,
        position=passenger.position,
        surname=passenger.surname,
        given_names=passenger.given_names,
        birth_date=passenger.birth_date,
        citizenship=passenger.citizenship,
        cabin=views_of(booking)[passenger.cabin_id].number,
        told={
            one.name: getattr(passenger, one.name)
            for one in fields(LaterDetails)
            if one.name != Field.DOCUMENT_NUMBER
        },
        document_ending=ending(passenger.document_number),
        missing=still_missing(passenger, booking.voyage),
        language=passenger.language or booking.language,
        email=passenger.email,
        link_sent_at=passenger.link_sent_at,
        open=open_at(booking, now),
        filed_at=filed_since(passenger),
        change=change_view(passenger.changes[-1]) if passenger.changes else None,
        sailing=sailing_view(booking.voyage),
        ship_name=booking.sailing.ship.sold_as,
    )


@dataclass(frozen=True)
class Reminder:
    """Who is to be reminded of what: a passenger by his own address, or the booker of several."""

    key: str
    booking: Booking
    passenger: Passenger | None  # None: to the one who booked
    lacking: tuple[PassengerPage, ...]
    until: date


def due_reminders(now: datetime, today: date) -> list[Reminder]:
    """For whom a deadline comes near on `today`, each step of REMIND_DAYS once. Three statements.

    A step that had passed already when the booking was made is left out: whoever has just been told is not reminded.
    """
    last = today + timedelta(max(VISA_DAYS.values()) + max(REMIND_DAYS) + 1)
    lacks = Booking.passengers.any(or_(*(getattr(Passenger, field.value).is_(None) for field in Field)))
    bookings = db.session.scalars(
        select(Booking)
        .join(Sailing)
        .where(
            Booking.state == BookingState.CONFIRMED,
            Sailing.ends_at > now,  # a part of it may begin later
            Sailing.starts_at < datetime.combine(last, now.timetz()),
            lacks,
        )
        .order_by(Booking.id)
        .options(
            joinedload(Booking.sailing).joinedload(Sailing.itinerary),
            joinedload(Booking.sailing).joinedload(Sailing.ship),
            joinedload(Booking.sailing).joinedload(Sailing.calls).joinedload(PortCall.port),
            selectinload(Booking.passengers),
            selectinload(Booking.passengers).joinedload(Passenger.changes),
            WHOLE_CABINS,
        )
    ).unique()
    return [reminder for booking in bookings for reminder in _reminders(booking, now, today)]


def _reminders(booking: Booking, now: datetime, today: date) -> Iterable[Reminder]:
    for_booker: dict[tuple[date, int], list[PassengerPage]] = {}
    for passenger in booking.passengers:
        page = passenger_page(passenger, now)
        step = _step(page.until, booking, today)
        if page.until is None or step is None:
            continue
        if passenger.email:
            key = f"passenger.reminder:{passenger.reference}:{page.until}:{step}"
            yield Reminder(key, booking, passenger, (page,), page.until)
        else:
            for_booker.setdefault((page.until, step), []).append(page)
    for (until, step), pages in for_booker.items():
        yield Reminder(f"booking.reminder:{booking.reference}:{until}:{step}", booking, None, tuple(pages), until)


def _step(until: date | None, booking: Booking, today: date) -> int | None:
    """The nearest step that has come by `today`; None when none has, or the deadline has passed."""
    if until is None or not today <= until:
        return None
    made = (booking.confirmed_at or booking.made_at).date()
    steps = [days for days in REMIND_DAYS if made < until - timedelta(days) <= today]
    return min(steps, default=None)


def own_address(path: str) -> str:
    """An address of this portal in full, for a reader to copy."""
    return f"{current_app.config['PUBLIC_URL']}{path}"
