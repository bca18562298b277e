"""What the pages need on which a customer chooses a change: free cabins and sailings, each with its difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.booking.changes import Wish, changeable, taken_for, voyage_on
from portal.booking.errors import PartStays
from portal.booking.models import BookedCabin, Booking, BookingChange, BookingChangeState, BookingState, ChangeKind
from portal.booking.queries import known_booking, views_of
from portal.catalogue.models import Cabin, PortCall, Sailing, SailingState
from portal.catalogue.queries import SailingView, sailing_view, ship_layout
from portal.database import db, the_one
from portal.kernel import clock
from portal.kernel.errors import NotFound, Refused
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.kernel.text import LocalizedText
from portal.payments.changes import ChangePreview, change_preview
from portal.payments.services import debt_of


@dataclass(frozen=True)
class FreeCabin:
    number: str
    deck: LocalizedText
    area: int
    balcony: str
    accessible: bool
    connects_to: str | None


@dataclass(frozen=True)
class CabinChoice:
    """Free cabins of one kind, and what changing to any of them means for the party."""

    category: LocalizedText
    preview: ChangePreview
    cabins: tuple[FreeCabin, ...]


def booked_cabin(booking: Booking, number: str) -> BookedCabin:
    """Raises NotFound."""
    for booked, view in zip(booking.cabins, views_of(booking).values(), strict=True):
        if view.number == number:
            return booked
    raise NotFound(number)


def cabin_choices(booking: Booking, booked: BookedCabin, now: datetime) -> tuple[CabinChoice, ...]:
    """What is free on the same sailing and sleeps those of one cabin, the cheapest first.

    The difference is worked out once for each kind of cabin, however many there are.
    """
    layout = ship_layout(booking.sailing.ship_id)
    decks = {deck.id: deck.name for deck in layout.decks}
    taken = taken_for(booking, booking.sailing, now)
    kinds: dict[tuple[int, int, int], list[Cabin]] = {}
    for cabin in layout.cabins:
        if cabin.id not in taken:
            kinds.setdefault((cabin.category_id, cabin.berths, cabin.extra_berths), []).append(cabin)
    choices = []
    for cabins in kinds.values():
        try:
            preview = change_preview(booking.id, Wish(ChangeKind.CABIN, cabins={booked.id: cabins[0].id}), now)
        except Refused:  # the party does not fit, or this kind is not sold
            continue
        choices.append(
            CabinChoice(cabins[0].category.name, preview, tuple(_free(cabin, decks[cabin.deck_id]) for cabin in cabins))
        )
    return tuple(sorted(choices, key=lambda one: one.preview.plan.difference.minor))


def _free(cabin: Cabin, deck: LocalizedText) -> FreeCabin:
    return FreeCabin(cabin.number, deck, cabin.area, cabin.balcony, cabin.accessible, cabin.connects_to)


@dataclass(frozen=True)
class SailingChoice:
    sailing: SailingView
    preview: ChangePreview | None  # None: nothing free there sleeps the party
    cabins: tuple[str, ...]


SAILINGS = 12  # so many are shown with their prices: the next ones after the earliest


def sailing_choices(booking: Booking, now: datetime) -> tuple[SailingChoice, ...]:
    """The sailings on sale that the party could move to, nearest to its own first, with the cabins it would have."""
    sailings = db.session.scalars(
        select(Sailing)
        .where(
            Sailing.state == SailingState.ON_SALE,
            Sailing.sales_close_at > now,
            Sailing.id != booking.sailing_id,
            Sailing.ship_id == booking.sailing.ship_id,
        )
        .order_by(Sailing.starts_at)
        .options(
            joinedload(Sailing.itinerary),
            joinedload(Sailing.ship),
            selectinload(Sailing.calls).joinedload(PortCall.port),
            selectinload(Sailing.parts),
        )
    ).all()
    there = [one for one in sailings if _goes_there(booking, one)]
    near = sorted(there, key=lambda one: abs(one.starts_at - booking.sailing.starts_at))[:SAILINGS]
    return tuple(_sailing_choice(booking, sailing, now) for sailing in sorted(near, key=lambda one: one.starts_at))


def _goes_there(booking: Booking, sailing: Sailing) -> bool:
    """Whether it offers what was booked: the whole voyage, or the part between the same ports."""
    try:
        voyage_on(booking, sailing)
    except PartStays:
        return False
    return True


def _sailing_choice(booking: Booking, sailing: Sailing, now: datetime) -> SailingChoice:
    places = likeliest_cabins(booking, sailing, now)
    preview = None
    if places is not None:
        wish = Wish(
            ChangeKind.SAILING, sailing_id=sailing.id, cabins={booked: cabin.id for booked, cabin in places.items()}
        )
        try:
            preview = change_preview(booking.id, wish, now)
        except Refused:
            preview = None
    numbers = tuple(cabin.number for cabin in (places or {}).values())
    return SailingChoice(sailing_view(voyage_on(booking, sailing)), preview, numbers if preview is not None else ())


def likeliest_cabins(booking: Booking, sailing: Sailing, now: datetime) -> dict[int, Cabin] | None:
    """A free cabin for each booked one: the same number, else one of the same kind, else any that sleeps them.

    By the id of the booked cabin; None where there are not enough. Raises PartStays.
    """
    layout = ship_layout(sailing.ship_id)
    taken = taken_for(booking, sailing, now)
    free = [cabin for cabin in layout.cabins if cabin.id not in taken]
    chosen: dict[int, Cabin] = {}
    for booked in booking.cabins:
        old = booked.cabin
        people = sum(one.cabin_id == old.id for one in booking.passengers)
        fitting = [cabin for cabin in free if cabin not in chosen.values() and cabin.sleeps >= min(people, old.sleeps)]
        if not fitting:
            return None
        chosen[booked.id] = min(
            fitting,
            key=lambda cabin: (
                cabin.id != old.id,
                cabin.category_id != old.category_id,
                cabin.berths != old.berths,
                abs(cabin.category.position - old.category.position),
                cabin.number,
            ),
        )
    return chosen


@dataclass(frozen=True)
class CabinSelect:
    """The choice of a cabin on another sailing, in place of one that is booked."""

    booked: str
    chosen: str
    options: tuple[tuple[str, LocalizedText], ...]  # number and category


def cabin_selects(
    booking: Booking, sailing: Sailing, chosen: Mapping[int, Cabin], now: datetime
) -> tuple[CabinSelect, ...]:
    layout = ship_layout(sailing.ship_id)
    taken = taken_for(booking, sailing, now)
    names = views_of(booking)
    return tuple(
        CabinSelect(
            names[booked.cabin_id].number,
            chosen[booked.id].number,
            tuple(
                (cabin.number, cabin.category.name)
                for cabin in layout.cabins
                if cabin.id not in taken and cabin.sleeps >= min(booked.occupancy.party, booked.cabin.sleeps)
            ),
        )
        for booked in booking.cabins
    )


def sailing_by_code(code: str) -> Sailing:
    """Raises NotFound."""
    return the_one(select(Sailing).filter_by(code=code), code)


def cabin_by_number(ship_id: int, number: str) -> Cabin:
    """Raises NotFound."""
    return the_one(select(Cabin).filter_by(ship_id=ship_id, number=number), number)


@dataclass(frozen=True)
class ChangeView:
    """A change as the history of a booking, and its letter, tell it."""

    kind: ChangeKind
    state: BookingChangeState
    reference: str
    agreed_at: datetime
    applied_at: datetime | None
    pay_by: datetime | None
    to_pay: Money
    returned: Money
    kept: Money
    before: str  # what stood there, in short: names, cabins or the sailing
    after: str
    price_before: Money | None
    price_after: Money | None


def change_view(change: BookingChange) -> ChangeView:
    currency = change.booking.currency
    before, after = _told(change)
    return ChangeView(
        kind=change.kind,
        state=change.state,
        reference=change.reference,
        agreed_at=change.agreed_at,
        applied_at=change.applied_at,
        pay_by=change.pay_by,
        to_pay=change.to_pay,
        returned=Money(change.returned_minor, currency),
        kept=Money(change.kept_minor, currency),
        before=before,
        after=after,
        price_before=Money(change.before["price"], currency) if "price" in change.before else None,
        price_after=Money(change.after["price"], currency) if "price" in change.after else None,
    )


def _told(change: BookingChange) -> tuple[str, str]:
    before, after = change.before, change.after
    if change.kind is ChangeKind.NAME:
        return " ".join(before["name"]), " ".join(after["name"])
    if change.kind is ChangeKind.SAILING:
        return _place(before), _place(after)
    if change.kind is ChangeKind.CABIN:
        return _listed(before["cabins"]), _listed(after["cabins"])
    return _people(before["passengers"]), _people(after["passengers"])


def _place(side: Mapping[str, object]) -> str:
    cabins = side["cabins"]
    assert isinstance(cabins, list)
    return f"{side['sailing']} · {_listed(cabins)}"


def _listed(numbers: Sequence[str]) -> str:
    return ", ".join(numbers)


def _people(people: Sequence[Mapping[str, str]]) -> str:
    return ", ".join(f"{one['name']} ({one['cabin']})" for one in people)


@dataclass(frozen=True)
class ChangesPart:
    """What the page of a booking tells of its changes."""

    possible: bool
    awaiting: ChangeView | None
    payable: bool
    done: tuple[ChangeView, ...]


@part_of("booking", "changes")
def booking_changes(booking_id: int) -> ChangesPart:
    """The newest last. No statement for a known booking."""
    booking = known_booking(booking_id) or db.session.get_one(Booking, booking_id)
    views = [change_view(change) for change in booking.changes]
    awaiting = next((view for view in views if view.state is BookingChangeState.AWAITING), None)
    return ChangesPart(
        possible=booking.state is BookingState.CONFIRMED and changeable(booking, clock.now()),
        awaiting=awaiting,
        payable=awaiting is not None and debt_of(booking, clock.now()) is not None,
        done=tuple(view for view in views if view.state is not BookingChangeState.AWAITING),
    )
