"""Lines as rules, guests and staff need to see them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal.booking.waiting.matching import FreeCabin, InLine, Proposal, propose, why_not
from portal.booking.waiting.models import (
    OfferState,
    SkipReason,
    WaitingEntry,
    WaitingOffer,
    WaitingSkip,
    WaitingState,
    WaitingWish,
)
from portal.catalogue.models import Cabin, Category, Sailing, VoyagePart
from portal.catalogue.queries import PartView, SailingView, sailing_view, sailings_by_code
from portal.database import db, the_one
from portal.inventory.finding import card_of, sold_out_besides
from portal.inventory.queries import SailingCard, cabins_taken, card_of_part, free_cabins_of
from portal.kernel.errors import NotFound
from portal.kernel.formats import day_of
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.pricing.cheapest import price_in_cabin
from portal.pricing.party import Party
from portal.pricing.queries import prices_of

ADULT = 30  # an age that pays the full fare
INFANT = 0


@dataclass(frozen=True)
class Line:
    """The parties in line for a sailing in their order, and what could be offered to them."""

    sailing: SailingView
    parties: tuple[InLine, ...]
    cabins: tuple[FreeCabin, ...]  # free on some night at least
    held: tuple[FreeCabin, ...]  # kept by somebody who has not booked: as they would be if he gave them back
    room: Mapping[date, int]  # persons, infants counted; by night

    @property
    def least_room(self) -> int:
        """For how many persons there is room on every night."""
        return min(self.room.values())

    def wanting(self, nights: Collection[date]) -> list[InLine]:
        """Who is in line for some of these nights."""
        return [one for one in self.parties if one.wants_some_of(nights)]

    def plan(self, without: Collection[int] = ()) -> tuple[Proposal, ...]:
        """What would be offered to whom now; `without` these parties."""
        return propose([one for one in self.parties if one.entry_id not in without], self.cabins, self.room)

    def wants(self, cabin_id: int, nights: Collection[date]) -> bool:
        """Whether the cabin suits somebody in line who needs one of these nights."""
        cabin = next((each for each in self.cabins if each.id == cabin_id), None)
        return cabin is not None and any(why_not(one, cabin, self.room) is None for one in self.wanting(nights))


def line_of(sailing_id: int, now: datetime) -> Line:
    """Nine statements, however long the line is; one more where the sailing has parts."""
    code = db.session.scalar(select(Sailing.code).where(Sailing.id == sailing_id))
    free = free_cabins_of(code or "", now)
    entries = db.session.execute(
        select(WaitingEntry, WaitingWish)
        .join(WaitingWish)
        .where(WaitingWish.sailing_id == sailing_id, WaitingEntry.over_at.is_(None))
        .order_by(WaitingEntry.id)
        .options(joinedload(WaitingWish.part))
    ).all()
    refused: dict[int, set[int]] = {}
    for entry_id, cabin_id in db.session.execute(
        select(WaitingOffer.entry_id, WaitingOffer.cabin_id).where(
            WaitingOffer.sailing_id == sailing_id,
            WaitingOffer.state != OfferState.OPEN,
            WaitingOffer.entry_id.in_([entry.id for entry, _wish in entries]),
        )
    ):
        refused.setdefault(entry_id, set()).add(cabin_id)
    return Line(
        sailing=free.sailing,
        parties=tuple(
            InLine(
                entry_id=entry.id,
                party=entry.party,
                sleepers=entry.sleepers,
                category=entry.category,
                nights=frozenset(free.sailing.night_dates if wish.part is None else wish.part.nights),
                has_offer=entry.state is WaitingState.OFFERED,
                sold=wish.part is None or (wish.part.on_sale and wish.part.certain),
                refused=frozenset(refused.get(entry.id, ())),
            )
            for entry, wish in entries
        ),
        cabins=tuple(_free(one.cabin, one.free) for one in free.cabins if one.free),
        held=tuple(_free(one.cabin, one.may_come) for one in free.cabins if one.held),
        room=free.room,
    )


def _free(cabin: Cabin, nights: frozenset[date]) -> FreeCabin:
    return FreeCabin(cabin.id, cabin.number, cabin.sleeps, cabin.category.code, nights, cabin.category.position)


# ---------- For guests ----------


@dataclass(frozen=True)
class JoinPage:
    """What can be waited for."""

    card: SailingCard  # of the sailing, or of a part of it
    wish: Wish
    categories: tuple[tuple[str, LocalizedText, int], ...]  # code, name, the most that a cabin of it sleeps
    most: int  # the most that any cabin sleeps
    others: tuple[SailingView, ...]  # other sailings that are full, too, or the same part of them
    waiting: int  # parties in line for some of the same nights

    @property
    def full(self) -> bool:
        return self.card.state == "sold_out"


@dataclass(frozen=True)
class Wish:
    """A sailing that somebody would wait for, or a part of it."""

    sailing_id: int
    part_id: int | None


def join_page(code: str, now: datetime, part: str | None = None) -> JoinPage:
    """part: its key, to wait for that part of the voyage alone. Raises NotFound."""
    card = card_of(code, now) if part is None else card_of_part(code, part, now)
    sailing = db.session.scalars(select(Sailing).where(Sailing.code == code)).one()
    voyage = next((one for one in sailing.parts if one.key == part), sailing)
    sleeps = db.session.execute(
        select(Category, func.max(Cabin.berths + Cabin.extra_berths))
        .join(Cabin, Cabin.category_id == Category.id)
        .where(Cabin.ship_id == sailing.ship_id)
        .group_by(Category.id)
        .order_by(Category.position)
    ).all()
    return JoinPage(
        card=card,
        wish=Wish(sailing.id, card.part.id if card.part else None),
        categories=tuple((category.code, category.name, most) for category, most in sleeps),
        most=max((most for _, most in sleeps), default=1),
        others=_others(voyage, card, now),
        waiting=len(line_of(sailing.id, now).wanting(voyage.nights)),
    )


def _others(voyage: Sailing | VoyagePart, card: SailingCard, now: datetime) -> tuple[SailingView, ...]:
    """Other sailings that are full, or where this part is; a few statements for each that offers it."""
    sold_out = [other.code for other in sold_out_besides(voyage.code, now)]
    if isinstance(voyage, Sailing):
        return sailings_by_code(sold_out)
    sailings = db.session.scalars(
        select(Sailing).where(Sailing.code.in_(sold_out)).order_by(Sailing.starts_at, Sailing.id)
    )
    views = [sailing_view(part) for sailing in sailings if (part := voyage.like_on(sailing)) is not None]
    return tuple(
        view for view in views if len(cabins_taken(view.ship_id, view.night_dates, now)) >= card.cabins
    )


def wishes_for(wish: Wish, codes: Collection[str]) -> tuple[Wish, ...]:
    """This wish, and the same of other sailings; of a part only where it is offered there."""
    part = None if wish.part_id is None else db.session.get_one(VoyagePart, wish.part_id)
    found = [wish]
    for sailing in db.session.scalars(select(Sailing).where(Sailing.code.in_(codes)).order_by(Sailing.id)):
        if part is None:
            found.append(Wish(sailing.id, None))
        elif (like := part.like_on(sailing)) is not None:
            found.append(Wish(sailing.id, like.id))
    return tuple(found)


@dataclass(frozen=True)
class SkipView:
    cabin: str
    sleeps: int
    reason: SkipReason
    made_at: datetime


@dataclass(frozen=True)
class WishView:
    """One sailing that a party waits for, or a part of one."""

    sailing: SailingView
    place: int  # from 1, among those who wait for some of the same nights
    waiting: int  # how many they are, this party among them
    why: str  # none_free, some_nights, too_small, no_room, refused, soon, not_sold, over
    may_come: int  # suitable cabins that are only held now
    skips: tuple[SkipView, ...]


@dataclass(frozen=True)
class OfferView:
    id: int
    reference: str
    state: OfferState
    sailing: SailingView
    cabin: str
    category: LocalizedText
    deck: LocalizedText
    sleeps: int
    party: int
    infants: int
    price: Money | None  # for the party, all of them adults but the infants; none where it is not sold any more
    expires_at: datetime
    entry: str  # the reference of the place in line


@dataclass(frozen=True)
class PlacePage:
    id: int
    reference: str
    state: WaitingState
    name: str
    email: str
    party: int
    infants: int
    category: LocalizedText | None
    made_at: datetime
    wishes: tuple[WishView, ...]
    offer: OfferView | None


def place_page(entry_id: int, now: datetime) -> PlacePage:
    """A party's own view of its place; statements grow with its sailings, which are few."""
    entry = db.session.get_one(WaitingEntry, entry_id)
    in_line = entry.over_at is None
    offer = db.session.scalars(
        select(WaitingOffer).where(WaitingOffer.entry_id == entry.id, WaitingOffer.state == OfferState.OPEN)
    ).one_or_none()
    return PlacePage(
        id=entry.id,
        reference=entry.reference,
        state=entry.state,
        name=entry.name,
        email=entry.email,
        party=entry.party,
        infants=entry.infants,
        category=_category_name(entry),
        made_at=entry.made_at,
        wishes=tuple(_wish_view(entry, wish, now) for wish in entry.wishes) if in_line else (),
        offer=offer_view(offer) if offer else None,
    )


def _category_name(entry: WaitingEntry) -> LocalizedText | None:
    if entry.category is None:
        return None
    return db.session.scalar(
        select(Category.name)
        .join(Sailing, Sailing.ship_id == Category.ship_id)
        .join(WaitingWish, WaitingWish.sailing_id == Sailing.id)
        .where(WaitingWish.entry_id == entry.id, Category.code == entry.category)
        .limit(1)
    )


def _wish_view(entry: WaitingEntry, wish: WaitingWish, now: datetime) -> WishView:
    line = line_of(wish.sailing_id, now)
    me = next(one for one in line.parties if one.entry_id == entry.id)
    rivals = line.wanting(me.nights)
    skips = db.session.scalars(
        select(WaitingSkip)
        .join(WaitingOffer)
        .where(WaitingSkip.entry_id == entry.id, WaitingOffer.sailing_id == wish.sailing_id)
        .order_by(WaitingSkip.id.desc())
        .options(joinedload(WaitingSkip.offer).joinedload(WaitingOffer.cabin))
    )
    enough = dict.fromkeys(line.room, entry.party)
    return WishView(
        sailing=line.sailing if wish.part is None else sailing_view(wish.part),
        place=rivals.index(me) + 1,
        waiting=len(rivals),
        why=_why(me, line, now),
        may_come=sum(why_not(me, cabin, enough) is None for cabin in line.held),
        skips=tuple(
            SkipView(skip.offer.cabin.number, skip.offer.cabin.sleeps, skip.reason, skip.made_at) for skip in skips
        ),
    )


def _why(one: InLine, line: Line, now: datetime) -> str:
    """In one word why the party has no cabin yet; the words for it are on its page."""
    if not line.sailing.on_sale_at(now):
        return "over"
    if not one.sold:
        return "not_sold"
    reasons = {why_not(one, cabin, line.room) for cabin in line.cabins if one.wants_some_of(cabin.nights)}
    for reason, word in (
        (None, "soon"),
        (SkipReason.NO_ROOM, "no_room"),
        (SkipReason.OTHER_NIGHTS, "some_nights"),
        (SkipReason.TOO_SMALL, "too_small"),
        (SkipReason.REFUSED_BEFORE, "refused"),
    ):
        if reason in reasons:
            return word
    return "none_free"


def offer_page(offer_id: int) -> OfferView:
    return offer_view(db.session.get_one(WaitingOffer, offer_id))


def _price_now(offer: WaitingOffer) -> Money | None:
    """What the party would pay if it booked when the cabin was offered, everything included; None without a fare."""
    entry, cabin, sailing = offer.entry, offer.cabin, offer.sailing
    party = Party.of([ADULT] * entry.sleepers + [INFANT] * entry.infants)
    prices = prices_of({sailing.id: sailing.code})[sailing.id]
    part = offer.occupancy.part
    if part is not None:
        prices = prices.for_part(part.percent, part.embark.port.name, part.disembark.port.name)
    day = day_of(offer.made_at, sailing.calls[0].port.zone)
    try:
        fares = prices.cabin(
            cabin.category_id, cabin.category.code, berths=cabin.berths, extra_berths=cabin.extra_berths
        )
    except NotFound:
        return None
    priced = price_in_cabin(party, fares, currency=prices.currency, terms=prices.terms, day=day)
    return priced.total if priced else None


def offer_view(offer: WaitingOffer) -> OfferView:
    entry, cabin = offer.entry, offer.cabin
    price = _price_now(offer)
    return OfferView(
        id=offer.id,
        reference=offer.reference,
        state=offer.state,
        sailing=sailing_view(offer.occupancy.voyage),
        cabin=cabin.number,
        category=cabin.category.name,
        deck=cabin.deck.name,
        sleeps=cabin.sleeps,
        party=entry.party,
        infants=entry.infants,
        price=price,
        expires_at=offer.expires_at,
        entry=entry.reference,
    )


# ---------- For staff ----------


@dataclass(frozen=True)
class EntryRow:
    id: int
    reference: str
    place: int  # 0 for one who waits no more
    place_by_nights: int  # among those who wait for some of the same nights, as the guest is told it
    part: PartView | None  # of the voyage; None: the whole
    name: str
    email: str
    language: str
    party: int
    infants: int
    category: str | None
    state: WaitingState
    made_at: datetime
    cabin: str | None  # offered now
    expires_at: datetime | None
    skips: tuple[SkipView, ...]


@dataclass(frozen=True)
class DryRun:
    """One cabin and whom it would be offered to now, with everyone passed over."""

    cabin: FreeCabin
    entry: EntryRow
    passed: tuple[tuple[EntryRow, SkipReason], ...]


@dataclass(frozen=True)
class LinePage:
    line: Line
    rows: tuple[EntryRow, ...]  # in line, in their order
    over: tuple[EntryRow, ...]  # who wait no more, the newest first
    runs: tuple[DryRun, ...]
    left: tuple[FreeCabin, ...]  # free for the whole voyage, and of no use to anybody in line


OVER_SHOWN = 30


def line_page(sailing_id: int, now: datetime) -> LinePage:
    """Staff's view of a line, with what would be offered to whom now; nothing is written. Fifteen statements."""
    line = line_of(sailing_id, now)
    of_sailing = (
        select(WaitingEntry, WaitingWish)
        .join(WaitingWish)
        .where(WaitingWish.sailing_id == sailing_id)
        .options(joinedload(WaitingWish.part))
    )
    in_line = db.session.execute(of_sailing.where(WaitingEntry.over_at.is_(None)).order_by(WaitingEntry.id)).all()
    over = db.session.execute(
        of_sailing.where(WaitingEntry.over_at.is_not(None)).order_by(WaitingEntry.over_at.desc()).limit(OVER_SHOWN)
    ).all()
    ids = [entry.id for entry, _wish in (*in_line, *over)]
    nights = {one.entry_id: one.nights for one in line.parties}
    offers = {
        offer.entry_id: offer
        for offer in db.session.scalars(
            select(WaitingOffer)
            .where(WaitingOffer.entry_id.in_(ids), WaitingOffer.state == OfferState.OPEN)
            .options(joinedload(WaitingOffer.cabin))
        )
    }
    skips: dict[int, list[SkipView]] = {}
    for skip in db.session.scalars(
        select(WaitingSkip)
        .join(WaitingOffer)
        .where(WaitingSkip.entry_id.in_(ids), WaitingOffer.sailing_id == sailing_id)
        .order_by(WaitingSkip.id.desc())
        .options(joinedload(WaitingSkip.offer).joinedload(WaitingOffer.cabin))
    ):
        cabin = skip.offer.cabin
        skips.setdefault(skip.entry_id, []).append(SkipView(cabin.number, cabin.sleeps, skip.reason, skip.made_at))

    def row(place: int, entry: WaitingEntry, wish: WaitingWish) -> EntryRow:
        offer = offers.get(entry.id)
        rivals = [one.entry_id for one in line.wanting(nights.get(entry.id, ()))]
        return EntryRow(
            id=entry.id,
            reference=entry.reference,
            place=place,
            place_by_nights=rivals.index(entry.id) + 1 if rivals else 0,
            part=None if wish.part is None else sailing_view(wish.part).part,
            name=entry.name,
            email=entry.email,
            language=entry.language,
            party=entry.party,
            infants=entry.infants,
            category=entry.category,
            state=entry.state,
            made_at=entry.made_at,
            cabin=offer.cabin.number if offer else None,
            expires_at=offer.expires_at if offer else None,
            skips=tuple(skips.get(entry.id, ())),
        )

    rows = tuple(row(place, entry, wish) for place, (entry, wish) in enumerate(in_line, 1))
    by_id = {one.id: one for one in rows}
    plan = line.plan() if line.sailing.on_sale_at(now) else ()
    taken = {proposal.cabin.id for proposal in plan}
    return LinePage(
        line=line,
        rows=rows,
        over=tuple(row(0, entry, wish) for entry, wish in over),
        runs=tuple(
            DryRun(
                proposal.cabin,
                by_id[proposal.entry_id],
                tuple((by_id[passed.entry_id], passed.reason) for passed in proposal.passed),
            )
            for proposal in plan
        ),
        left=tuple(cabin for cabin in line.cabins if cabin.id not in taken and cabin.nights.issuperset(line.room)),
    )


def waiting_entry_id(reference: str, sailing_id: int) -> int:
    """Raises NotFound."""
    query = select(WaitingEntry.id).join(WaitingWish)
    return the_one(query.where(WaitingEntry.reference == reference, WaitingWish.sailing_id == sailing_id), reference)
