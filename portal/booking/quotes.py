"""Save the price of a party's cabins for a while, show it, take it up: a promise that becomes at most one booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload, selectinload

from portal.audit.services import record
from portal.booking.errors import NotPayable, QuoteDoesNotFit, QuoteOver, QuoteUsed
from portal.booking.models import Booking, BookingState, QuoteHold, QuoteUse
from portal.booking.prices import draft_price, offer_for, party_of
from portal.catalogue.models import Cabin, PortCall, Sailing, VoyagePart
from portal.catalogue.queries import SailingView, sailing_view
from portal.database import db, transaction
from portal.inventory.errors import SailingClosed
from portal.inventory.models import Occupancy
from portal.inventory.queries import cabins_taken
from portal.inventory.services import hold_cabin
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.pricing.errors import PartyDoesNotFit, PromotionGivesNothing
from portal.pricing.kept import lines_kept, offer_kept, offer_read
from portal.pricing.models import Promotion, Quote, QuotedCabin
from portal.pricing.party import Party, parse_party
from portal.pricing.promotions import discount_of, find_promotion, plain_code
from portal.pricing.rules import LineKind, Offer, PricedParty, price_party

QUOTE_TIME = timedelta(hours=72)


def save_quote(
    *,
    sailing_id: int,
    cabin_ids: Sequence[int],
    party: Party,
    currency: str,
    now: datetime,
    part_id: int | None = None,
    code: str = "",
) -> Quote:
    """Promise today's price of cabins for `party` for QUOTE_TIME, and never beyond the end of sales.

    cabin_ids: a cabin for each of the party's, in its order. part_id: for that part of the voyage alone. code: of a
    promotion, or empty; of its limits nothing is taken before the price is taken up.
    It keeps no cabin: another guest may take it meanwhile.
    Raises SailingClosed, QuoteDoesNotFit, PromotionRefused or NotFound.
    """
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id)
        part = None if part_id is None else session.get_one(VoyagePart, part_id)
        cabins = [session.get_one(Cabin, cabin_id) for cabin_id in cabin_ids]
        voyage = part or sailing
        if not voyage.on_sale_at(now) or (part is not None and part.sailing_id != sailing_id):
            raise SailingClosed
        if any(cabin.ship_id != sailing.ship_id for cabin in cabins):
            raise SailingClosed
        if len(set(cabin_ids)) != len(party.cabins) or len(cabin_ids) != len(party.cabins):
            raise QuoteDoesNotFit
        offer = offer_for(voyage, cabins, currency)
        day = day_of(now, voyage.calls[0].port.zone)
        promotion = find_promotion(code, currency=currency, day=day) if plain_code(code) else None
        try:
            priced = price_party(_with(offer, promotion), party, day=day)
        except PartyDoesNotFit as too_many:
            raise QuoteDoesNotFit from too_many
        if promotion is not None and not any(line.kind is LineKind.PROMOTION for line in priced.lines):
            raise PromotionGivesNothing
        quote = Quote(
            sailing_id=sailing.id,
            part_id=part_id,
            promotion_id=promotion.id if promotion else None,
            cabins=[QuotedCabin(position=place, cabin_id=cabin_id) for place, cabin_id in enumerate(cabin_ids, 1)],
            party=str(party),
            currency=currency,
            day=day,
            offer=offer_kept(offer),
            lines=lines_kept(priced.lines),
            versions=dict(priced.versions),
            total_minor=priced.total.minor,
            made_at=now,
            expires_at=min(now + QUOTE_TIME, sailing.sales_close_at),
        )
        session.add(quote)
        session.flush()
        record("quote.saved", subject="quote", reference=_short(quote), now=now)
    return quote


def save_draft(*, booking_id: int, now: datetime) -> Quote:
    """Promise what a draft costs today, with its cabins, all who were named, its currency and its promotion code.

    Raises NotPayable where it is no draft any more, and what save_quote raises.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        if booking.state is not BookingState.DRAFT:
            raise NotPayable
        return save_quote(
            sailing_id=booking.sailing_id,
            part_id=booking.cabins[0].occupancy.part_id,
            cabin_ids=[booked.cabin_id for booked in booking.cabins],
            party=party_of(booking),
            currency=booking.currency,
            code=draft_price(booking_id).code or "",
            now=now,
        )


def take_up(*, code: str, holder: str, now: datetime) -> tuple[Occupancy, ...]:
    """Hold the quote's cabins for the visitor, at the quoted price: all of them or none, in their order.

    Asked twice by one visitor, they are the same holds.
    Raises NotFound, QuoteOver, QuoteUsed, and what hold_cabin raises: a quote keeps no cabin.
    """
    with transaction() as session:
        quote = session.scalars(
            select(Quote).where(Quote.code == code).with_for_update().execution_options(populate_existing=True)
        ).one_or_none()
        if quote is None:
            raise NotFound(code)
        use = session.get(QuoteUse, quote.id, populate_existing=True)
        if use is not None and use.converted_at is not None:
            raise QuoteUsed
        if not quote.valid_at(now):
            raise QuoteOver
        holds = tuple(
            hold_cabin(
                sailing_id=quote.sailing_id,
                cabin_id=quoted.cabin_id,
                party=len(sleepers),
                holder=holder,
                now=now,
                part_id=quote.part_id,
            )
            for quoted, sleepers in zip(quote.cabins, parse_party(quote.party).cabins, strict=True)
        )
        ids = {hold.id for hold in holds}
        # Of two quotes for a cabin that he holds already, the last one that he took up counts.
        before = session.scalars(
            select(QuoteUse).where(
                QuoteUse.quote_id != quote.id,
                QuoteUse.converted_at.is_(None),
                QuoteUse.quote_id.in_(select(QuoteHold.quote_id).where(QuoteHold.occupancy_id.in_(ids))),
            )
        ).all()
        for other in before:
            session.delete(other)
        session.flush()
        if use is None:
            use = QuoteUse(quote_id=quote.id)
            session.add(use)
        if {hold.occupancy_id for hold in use.holds} != ids:
            session.execute(delete(QuoteHold).where(QuoteHold.quote_id == quote.id))
            session.flush()
            session.expire(use)
            use.booking_id = None
            session.add_all(QuoteHold(quote_id=quote.id, occupancy_id=hold_id) for hold_id in ids)
        session.flush()
        session.expire(use)
        record("quote.taken_up", subject="quote", reference=_short(quote), now=now)
    return holds


def _short(quote: Quote) -> str:
    """What a trail may show: not the code, which opens the quote."""
    return quote.code[:4]


def _with(offer: Offer, promotion: Promotion | None) -> Offer:
    if promotion is None:
        return offer
    return replace(offer, terms=offer.terms.with_discount(discount_of(promotion)))


@dataclass(frozen=True)
class QuotedCabinView:
    number: str
    category: LocalizedText
    deck: LocalizedText
    taken: bool  # somebody has it now


@dataclass(frozen=True)
class QuotePage:
    code: str
    sailing: SailingView
    ship_name: LocalizedText
    cabins: tuple[QuotedCabinView, ...]
    priced: PricedParty
    promotion: str | None  # the code that is taken with it, while there is some left
    made_at: datetime
    expires_at: datetime
    used: bool

    @property
    def total(self) -> Money:
        return self.priced.total

    @property
    def numbers(self) -> str:
        return ", ".join(cabin.number for cabin in self.cabins)

    @property
    def taken(self) -> str:
        """The numbers of the cabins that somebody has now."""
        return ", ".join(cabin.number for cabin in self.cabins if cabin.taken)

    def open_at(self, now: datetime) -> bool:
        return not self.used and now < self.expires_at and self.sailing.on_sale_at(now)


def quote_page(code: str, now: datetime) -> QuotePage:
    """Raises NotFound."""
    quote = (
        db.session.scalars(
            select(Quote)
            .where(Quote.code == code)
            .options(
                joinedload(Quote.sailing).joinedload(Sailing.itinerary),
                joinedload(Quote.sailing).joinedload(Sailing.ship),
                joinedload(Quote.sailing).joinedload(Sailing.calls).joinedload(PortCall.port),
                joinedload(Quote.part),
                joinedload(Quote.promotion),
                selectinload(Quote.cabins).joinedload(QuotedCabin.cabin).joinedload(Cabin.category),
                selectinload(Quote.cabins).joinedload(QuotedCabin.cabin).joinedload(Cabin.deck),
            )
        )
        .unique()
        .one_or_none()
    )
    if quote is None:
        raise NotFound(code)
    use = db.session.get(QuoteUse, quote.id)
    taken = cabins_taken(quote.sailing.ship_id, quote.voyage.nights, now)
    return QuotePage(
        code=quote.code,
        sailing=sailing_view(quote.voyage),
        ship_name=quote.sailing.ship.sold_as,
        cabins=tuple(
            QuotedCabinView(one.cabin.number, one.cabin.category.name, one.cabin.deck.name, one.cabin_id in taken)
            for one in quote.cabins
        ),
        priced=price_party(
            _with(offer_read(quote.offer), quote.promotion), parse_party(quote.party), day=quote.day
        ),
        promotion=quote.promotion.code if quote.promotion else None,
        made_at=quote.made_at,
        expires_at=quote.expires_at,
        used=use is not None and use.converted_at is not None,
    )
