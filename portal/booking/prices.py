"""What a draft costs today: its charges with their reasons, its promotion code, its currency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from portal.audit.services import record
from portal.booking.errors import NotPayable, TooManyForCabin
from portal.booking.models import (
    USE_MOVES,
    Booking,
    BookingState,
    Charge,
    ChargeKind,
    Passenger,
    PromotionUse,
    QuoteHold,
    QuoteUse,
    UseState,
)
from portal.catalogue.models import Cabin, Sailing, VoyagePart
from portal.database import db, transaction
from portal.kernel.ages import age_on
from portal.kernel.formats import day_of
from portal.kernel.states import move
from portal.pricing.errors import (
    CurrencyNotSold,
    PartyDoesNotFit,
    PromotionGivesNothing,
    PromotionRefused,
    PromotionUsedUp,
)
from portal.pricing.kept import offer_read, why_kept
from portal.pricing.models import Promotion, Quote
from portal.pricing.party import Party, Traveller
from portal.pricing.promotions import discount_of, find_promotion, plain_code
from portal.pricing.queries import currencies_of, prices_of
from portal.pricing.rules import LineKind, Offer, PricedParty, price_party, take_berths


@dataclass(frozen=True)
class DraftPrice:
    """What the guest may choose of the price of his draft, and has chosen."""

    currency: str
    currencies: tuple[str, ...]
    code: str | None
    lost: str | None  # a code that was taken and holds no more
    saved: str | None  # the saved price that it is
    saved_for_others: bool  # a saved price was taken up, for other cabins than these together


def draft_price(booking_id: int) -> DraftPrice:
    """Two statements for a booking that was loaded with its cabins."""
    booking = db.session.get_one(Booking, booking_id)
    used = (
        select(Promotion.code)
        .join(PromotionUse)
        .where(PromotionUse.booking_id == booking_id, PromotionUse.state == UseState.TAKEN)
    )
    holds = [cabin.occupancy_id for cabin in booking.cabins]
    promised = select(QuoteHold.quote_id).where(QuoteHold.occupancy_id.in_(holds)).limit(1)
    code, taken_up = db.session.execute(select(used.scalar_subquery(), promised.scalar_subquery())).one()
    saved = booking.versions.get("quote")
    return DraftPrice(
        booking.currency,
        currencies_of(booking.sailing_id),
        code,
        booking.promotion_lost,
        saved,
        taken_up is not None and saved is None,
    )


def change_price(*, booking_id: int, currency: str, code: str, now: datetime) -> None:
    """Both of what the guest chooses, all or nothing; an empty code takes the present one away.

    Raises NotPayable, CurrencyNotSold or a PromotionRefused.
    """
    with transaction():
        booking = _draft(booking_id)
        if currency != booking.currency:
            choose_currency(booking_id=booking_id, currency=currency, now=now)
        use = _open_use(booking_id)
        if not plain_code(code):
            remove_promotion(booking_id=booking_id, now=now)
        elif use is None or use.promotion.code != plain_code(code):
            apply_promotion(booking_id=booking_id, code=code, now=now)


def price_draft(booking: Booking, now: datetime) -> PricedParty:
    """Today's charges of everybody in the draft, in place of what stood there; with its code while that holds.

    A code that was taken and holds no more is given back, and the booking remembers which (promotion_lost). So it is
    with the code of a saved price, which is taken when the price is first taken up.
    Call it inside a transaction that locked the booking and its promotions. Raises TooManyForCabin or NotFound (no
    fare).
    """
    quoted = _quoted(booking)
    use = _open_use(booking.id)
    promised = use.promotion if use is not None else None
    if quoted is not None and quoted.booking_id is None:  # the first time: from now on it is this draft's
        quoted.booking_id = booking.id
        booking.currency = quoted.quote.currency
        if quoted.quote.promotion is not None:
            if use is not None and use.promotion_id != quoted.quote.promotion_id:
                _give_back(use, now)
            promised = quoted.quote.promotion
    if promised is None:
        return _write(booking, _priced(booking, None, now))
    day = day_of_booking(booking, now)
    if quoted is not None and quoted.quote.promotion_id == promised.id:
        day = quoted.quote.day
    try:
        return _take(booking, find_promotion(promised.code, currency=booking.currency, day=day), now)
    except PromotionRefused:
        give_back_promotion(booking, now)
        booking.promotion_lost = promised.code
        return _write(booking, _priced(booking, None, now))


def apply_promotion(*, booking_id: int, code: str, now: datetime) -> None:
    """Take a promotion for a draft, in place of another; it is the draft's until it ends or becomes a booking.

    Raises NotPayable or a PromotionRefused; then everything stands as before.
    """
    with transaction():
        booking = _draft(booking_id)
        promotion = find_promotion(code, currency=booking.currency, day=day_of_booking(booking, now), lock=True)
        use = _open_use(booking.id)
        if use is not None and use.promotion_id != promotion.id:
            _give_back(use, now)
        _take(booking, promotion, now)
        booking.promotion_lost = None


def remove_promotion(*, booking_id: int, now: datetime) -> None:
    """Give the draft's promotion back, if it has one. Raises NotPayable."""
    with transaction():
        booking = _draft(booking_id)
        lock_promotion(booking)
        give_back_promotion(booking, now)
        booking.promotion_lost = None
        price_draft(booking, now)


def choose_currency(*, booking_id: int, currency: str, now: datetime) -> None:
    """Price a draft by the list of another currency, which it is then paid in. Raises NotPayable, CurrencyNotSold."""
    with transaction():
        booking = _draft(booking_id)
        if currency not in currencies_of(booking.sailing_id):
            raise CurrencyNotSold
        lock_promotion(booking)
        booking.currency = currency
        price_draft(booking, now)


def lock_promotion(*bookings: Booking | None, hold_ids: Iterable[int] = ()) -> None:
    """Lock the promotions that these bookings use, in one order, before any sailing or cabin is locked.

    The bookings are locked already, so nobody else changes which promotions they are. hold_ids: and those of the saved
    prices that these holds took up.
    """
    ids, holds = [booking.id for booking in bookings if booking is not None], list(hold_ids)
    used: set[int] = set()
    if ids:
        used |= set(
            db.session.scalars(
                select(PromotionUse.promotion_id).where(
                    PromotionUse.booking_id.in_(ids), PromotionUse.state == UseState.TAKEN
                )
            )
        )
    if holds:
        promised = select(Quote.promotion_id).join(QuoteHold, QuoteHold.quote_id == Quote.id)
        used |= {
            promotion_id
            for promotion_id in db.session.scalars(promised.where(QuoteHold.occupancy_id.in_(holds)))
            if promotion_id is not None
        }
    if used:
        db.session.scalars(
            select(Promotion).where(Promotion.id.in_(used)).order_by(Promotion.id).with_for_update()
        ).all()


def give_back_promotion(booking: Booking, now: datetime) -> None:
    """What the booking took of a promotion is free for others. A second time nothing happens."""
    use = _open_use(booking.id)
    if use is not None:
        _give_back(use, now)


def retake_promotion(booking: Booking, now: datetime) -> None:
    """A booking whose time had run out is paid after all: its promotion is used again, as far as there is some left.

    The price was agreed and paid, so the booking keeps it in any case; where nothing is left, the trail says so.
    """
    use = db.session.scalars(
        select(PromotionUse)
        .where(PromotionUse.booking_id == booking.id)
        .order_by(PromotionUse.changed_at.desc(), PromotionUse.id.desc())
        .limit(1)
    ).one_or_none()
    # A code that was taken away from the draft left no line in the price.
    if use is None or not any(charge.kind is ChargeKind.PROMOTION for charge in booking.charges):
        return
    db.session.get_one(Promotion, use.promotion_id, with_for_update=True)
    try:
        with _within_limits():
            _open(use, now)
    except PromotionUsedUp:
        code = use.promotion.code
        record("promotion.exceeded", subject="promotion", reference=code, now=now, reason=booking.reference)


def convert_quote(booking: Booking, now: datetime) -> None:
    """The booking is placed: the quote it was priced by is used up."""
    quoted = _quoted(booking)
    if quoted is not None:
        quoted.converted_at = now


def use_promotion(booking: Booking, taken: int, cabins: int, now: datetime) -> None:
    """After a change the booking's promotion takes off `taken` minor units in so many cabins; none: it is given back.

    Raises PromotionUsedUp where that would be more than its limits allow.
    """
    use = _open_use(booking.id)
    if use is None:
        return
    if taken <= 0:
        _give_back(use, now)
        return
    with _within_limits():
        use.cabins, use.amount_minor = cabins, taken


def day_of_booking(booking: Booking, now: datetime) -> date:
    """The day on which it is booked, on the calendar of the port of embarkation."""
    return day_of(now, booking.voyage.calls[0].port.zone)


def _draft(booking_id: int) -> Booking:
    booking = db.session.get_one(Booking, booking_id, with_for_update=True)
    if booking.state is not BookingState.DRAFT:
        raise NotPayable
    return booking


def _priced(booking: Booking, promotion: Promotion | None, now: datetime) -> PricedParty:
    quoted = _quoted(booking)
    cabins = [booked.cabin for booked in booking.cabins]
    party = party_of(booking)
    offer, day = offer_for(booking.voyage, cabins, booking.currency), day_of_booking(booking, now)
    for cabin, kind, travellers in zip(cabins, offer.cabins, party.cabins, strict=True):
        try:
            take_berths(0, kind, travellers)
        except PartyDoesNotFit as too_many:
            raise TooManyForCabin(number=cabin.number) from too_many
    if quoted is not None and quoted.quote.currency == booking.currency:
        promised = offer_read(quoted.quote.offer)
        by_cabin = {one.cabin_id: fares for one, fares in zip(quoted.quote.cabins, promised.cabins, strict=True)}
        offer = replace(promised, cabins=tuple(by_cabin[cabin.id] for cabin in cabins))
        day = quoted.quote.day
    if promotion is not None:
        offer = replace(offer, terms=offer.terms.with_discount(discount_of(promotion)))
    return price_party(offer, party, day=day)


def party_of(booking: Booking) -> Party:
    """Who was named, cabin by cabin. Every cabin has somebody."""
    start = booking.voyage.start_day
    return Party(
        tuple(
            tuple(
                Traveller(max(0, age_on(start, one.birth_date)), one.citizenship)
                for one in _sleepers(booking, booked.cabin_id)
            )
            for booked in booking.cabins
        )
    )


def offer_for(voyage: Sailing | VoyagePart, cabins: Sequence[Cabin], currency: str) -> Offer:
    """What these cabins cost today on a sailing or a part of it. Raises NotFound: a category is not sold."""
    whole = voyage.sailing if isinstance(voyage, VoyagePart) else voyage
    prices = prices_of({whole.id: whole.code}, currency)[whole.id]
    if isinstance(voyage, VoyagePart):
        prices = prices.for_part(voyage.percent, voyage.embark.port.name, voyage.disembark.port.name)
    fares = tuple(
        prices.cabin(cabin.category_id, cabin.category.code, berths=cabin.berths, extra_berths=cabin.extra_berths)
        for cabin in cabins
    )
    return Offer(prices.currency, fares, prices.terms)


def _quoted(booking: Booking) -> QuoteUse | None:
    """The quote that just these cabins were taken up by; for fewer or more another price was never promised."""
    holds = {booked.occupancy_id for booked in booking.cabins}
    found = db.session.scalars(
        select(QuoteUse)
        .where(QuoteUse.quote_id.in_(select(QuoteHold.quote_id).where(QuoteHold.occupancy_id.in_(holds))))
        .options(joinedload(QuoteUse.quote).selectinload(Quote.cabins), selectinload(QuoteUse.holds))
    ).all()
    return next((use for use in found if {hold.occupancy_id for hold in use.holds} == holds), None)


def _sleepers(booking: Booking, cabin_id: int) -> list[Passenger]:
    return [one for one in booking.passengers if one.cabin_id == cabin_id]


def _take(booking: Booking, promotion: Promotion, now: datetime) -> PricedParty:
    """The charges with the promotion, and its use counted. Raises PromotionGivesNothing or PromotionUsedUp."""
    priced = _priced(booking, promotion, now)
    taken = -sum(line.amount for line in priced.lines if line.kind is LineKind.PROMOTION)
    if taken <= 0:
        raise PromotionGivesNothing
    use = db.session.scalars(
        select(PromotionUse).where(PromotionUse.booking_id == booking.id, PromotionUse.promotion_id == promotion.id)
    ).one_or_none()
    with _within_limits():
        if use is None:
            use = PromotionUse(promotion_id=promotion.id, booking_id=booking.id, state=UseState.TAKEN, changed_at=now)
            db.session.add(use)
        use.cabins, use.amount_minor = len(booking.cabins), taken
        _open(use, now)
    return _write(booking, priced)


def _open(use: PromotionUse, now: datetime) -> None:
    if use.state is not UseState.TAKEN:
        use.state = move(use.state, UseState.TAKEN, USE_MOVES)
        use.changed_at = now


@contextmanager
def _within_limits() -> Iterator[None]:
    """The database itself counts, when the row is written. Raises PromotionUsedUp; then the row is as it was."""
    nested = db.session.begin_nested()
    try:
        yield
        db.session.flush()
    except IntegrityError as too_much:
        nested.rollback()
        for use in [row for row in db.session if isinstance(row, PromotionUse)]:
            db.session.expire(use)
        raise PromotionUsedUp from too_much
    nested.commit()


def _open_use(booking_id: int) -> PromotionUse | None:
    return db.session.scalars(
        select(PromotionUse).where(PromotionUse.booking_id == booking_id, PromotionUse.state == UseState.TAKEN)
    ).one_or_none()


def _give_back(use: PromotionUse, now: datetime) -> None:
    use.state = move(use.state, UseState.GIVEN_BACK, USE_MOVES)
    use.changed_at = now
    db.session.flush()


def _write(booking: Booking, priced: PricedParty) -> PricedParty:
    session = db.session
    session.execute(delete(Charge).where(Charge.booking_id == booking.id))
    travellers = [one for booked in booking.cabins for one in _sleepers(booking, booked.cabin_id)]
    # Each passenger's lines stand together, in the order the rules were applied.
    lines = sorted(priced.lines, key=lambda line: line.traveller)
    session.add_all(
        Charge(
            booking_id=booking.id,
            passenger_id=travellers[line.traveller].id,
            position=position,
            kind=ChargeKind(line.kind),
            amount_minor=line.amount,
            why=why_kept(line.why),
        )
        for position, line in enumerate(lines, 1)
    )
    quoted = _quoted(booking)
    kept = {"quote": quoted.quote.code} if quoted and quoted.quote.currency == booking.currency else {}
    booking.versions = {**dict(priced.versions), **kept}
    session.flush()
    session.expire(booking, ["charges"])
    return priced
