"""What keeps the lines moving, and the letters to those in them."""

from __future__ import annotations

from typing import Any

from portal.booking.waiting.access import offer_token, place_token
from portal.booking.waiting.models import OfferState, WaitingEntry, WaitingOffer
from portal.booking.waiting.queries import offer_view, place_page
from portal.booking.waiting.services import end_lines, expire_offers, forget_lines, serve_lines, withdraw_lost_offers
from portal.catalogue.queries import sailing_view
from portal.database import db
from portal.kernel.clock import now, real_now
from portal.outbox.jobs import each_minute, each_time
from portal.outbox.letters import write_letter
from portal.outbox.services import on

FORGET_MINUTE = 23


@each_minute
def look_after_lines() -> None:
    moment = now()
    expire_offers(moment)
    withdraw_lost_offers(moment)
    end_lines(moment)
    if real_now().minute == FORGET_MINUTE:
        forget_lines(moment)


@each_time
def offer_free_cabins() -> None:
    """Whenever a cabin may have become free: before the next visitor finds it."""
    serve_lines(now())


@on("booking.line_joined")
def confirm_place(entry_id: int, hour: str) -> None:
    """Asked again and again, at most once an hour: whoever types in somebody's address must not fill his mailbox."""
    entry = db.session.get_one(WaitingEntry, entry_id)
    if entry.over_at is None:
        _write("joined", entry, f"{entry.reference}:{hour}", page=place_page(entry_id, now()))


@on("booking.cabin_offered")
def send_offer(offer_id: int) -> None:
    offer = db.session.get_one(WaitingOffer, offer_id)
    if offer.state is OfferState.OPEN:
        _write("offer", offer.entry, offer.reference, offer=offer_view(offer), offer_token=offer_token(offer))


@on("booking.offer_expired")
def tell_of_expiry(offer_id: int) -> None:
    offer = db.session.get_one(WaitingOffer, offer_id)
    _write("expired", offer.entry, offer.reference, offer=offer_view(offer), in_line=offer.entry.over_at is None)


@on("booking.line_removed")
def tell_of_removal(entry_id: int) -> None:
    entry = db.session.get_one(WaitingEntry, entry_id)
    _write("removed", entry, entry.reference, sailings=_sailings(entry))


@on("booking.line_ended")
def tell_of_end(entry_id: int) -> None:
    entry = db.session.get_one(WaitingEntry, entry_id)
    _write("ended", entry, entry.reference, sailings=_sailings(entry))


def _sailings(entry: WaitingEntry) -> list[Any]:
    return [sailing_view(wish.voyage) for wish in entry.wishes]


def _write(letter: str, entry: WaitingEntry, about: str, **context: Any) -> None:
    if not entry.email:
        return
    write_letter(
        f"waiting/{letter}",
        key=f"waiting.{letter}:{about}",
        recipient=entry.email,
        language=entry.language,
        entry=entry,
        token=place_token(entry),
        **context,
    )
