"""Save the price of a cabin for a while, show it, take it up: a promise that becomes at most one booking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from portal.audit.services import record
from portal.booking.errors import QuoteDoesNotFit, QuoteOver, QuoteUsed
from portal.booking.models import QuoteUse
from portal.catalogue.models import Cabin, PortCall, Sailing
from portal.catalogue.queries import SailingView, sailing_view
from portal.database import db, transaction
from portal.inventory.errors import SailingClosed
from portal.inventory.models import Occupancy, OccupancyState
from portal.inventory.services import hold_cabin
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.kept import lines_kept, offer_kept, offer_read
from portal.pricing.models import Quote
from portal.pricing.party import Party, parse_party
from portal.pricing.queries import prices_of
from portal.pricing.rules import Offer, PricedParty, price_party

QUOTE_TIME = timedelta(hours=72)


def save_quote(*, sailing_id: int, cabin_id: int, party: Party, currency: str, now: datetime) -> Quote:
    """Promise today's price of one cabin for `party` for QUOTE_TIME, and never beyond the end of sales.

    It keeps no cabin: another guest may take it meanwhile. Raises SailingClosed, QuoteDoesNotFit or NotFound.
    """
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id)
        cabin = session.get_one(Cabin, cabin_id)
        if not sailing.on_sale_at(now) or cabin.ship_id != sailing.ship_id:
            raise SailingClosed
        prices = prices_of({sailing.id: sailing.code}, currency)[sailing.id]
        fares = prices.cabin(
            cabin.category_id, cabin.category.code, berths=cabin.berths, extra_berths=cabin.extra_berths
        )
        offer = Offer(currency, (fares,), prices.terms)
        day = day_of(now, sailing.calls[0].port.zone)
        try:
            priced = price_party(offer, party, day=day)
        except (PartyDoesNotFit, ValueError) as too_many:
            raise QuoteDoesNotFit from too_many
        quote = Quote(
            sailing_id=sailing.id,
            cabin_id=cabin.id,
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


def take_up(*, code: str, holder: str, now: datetime) -> Occupancy:
    """Hold the quote's cabin for the visitor, at the quoted price. Asked twice by one visitor, it is the same hold.

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
        party = parse_party(quote.party)
        hold = hold_cabin(
            sailing_id=quote.sailing_id,
            cabin_id=quote.cabin_id,
            party=len(party.travellers),
            holder=holder,
            now=now,
        )
        # Of two quotes for the cabin he holds already, the last one that he took up counts.
        session.execute(
            delete(QuoteUse).where(
                QuoteUse.occupancy_id == hold.id, QuoteUse.quote_id != quote.id, QuoteUse.converted_at.is_(None)
            )
        )
        if use is None:
            session.add(QuoteUse(quote_id=quote.id, occupancy_id=hold.id))
        elif use.occupancy_id != hold.id:
            use.occupancy_id = hold.id
            use.booking_id = None
        record("quote.taken_up", subject="quote", reference=_short(quote), now=now)
    return hold


def _short(quote: Quote) -> str:
    """What a trail may show: not the code, which opens the quote."""
    return quote.code[:4]


@dataclass(frozen=True)
class QuotePage:
    code: str
    sailing: SailingView
    ship_name: LocalizedText
    cabin: str
    category: LocalizedText
    deck: LocalizedText
    priced: PricedParty
    made_at: datetime
    expires_at: datetime
    used: bool
    taken: bool  # somebody has the cabin now

    @property
    def total(self) -> Money:
        return self.priced.total

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
                joinedload(Quote.cabin).joinedload(Cabin.category),
                joinedload(Quote.cabin).joinedload(Cabin.deck),
            )
        )
        .unique()
        .one_or_none()
    )
    if quote is None:
        raise NotFound(code)
    use = db.session.get(QuoteUse, quote.id)
    taken = db.session.scalar(
        select(Occupancy.id).where(
            Occupancy.sailing_id == quote.sailing_id,
            Occupancy.cabin_id == quote.cabin_id,
            Occupancy.over_at.is_(None),
            (Occupancy.state != OccupancyState.HELD) | (Occupancy.expires_at > now),
        )
    )
    return QuotePage(
        code=quote.code,
        sailing=sailing_view(quote.sailing),
        ship_name=quote.sailing.ship.sold_as,
        cabin=quote.cabin.number,
        category=quote.cabin.category.name,
        deck=quote.cabin.deck.name,
        priced=price_party(offer_read(quote.offer), parse_party(quote.party), day=quote.day),
        made_at=quote.made_at,
        expires_at=quote.expires_at,
        used=use is not None and use.converted_at is not None,
        taken=taken is not None,
    )
