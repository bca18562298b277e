"""Whose place in line it is: opened by its private link, or by the links of one offer."""

from sqlalchemy import select

from portal.accounts.links import is_token, link_token_of
from portal.accounts.visitors import granted
from portal.booking.waiting.models import WaitingEntry, WaitingOffer
from portal.database import db, the_one
from portal.kernel.errors import NotFound


def _token(of: str) -> str:
    """Worked out from what it opens, so that nothing secret is stored."""
    return link_token_of("waiting list links", of)


def place_token(entry: WaitingEntry) -> str:
    return _token(f"place {entry.reference}")


def offer_token(offer: WaitingOffer) -> str:
    """It answers one offer, and the offer is answered once."""
    return _token(f"offer {offer.reference}")


def check_place_link(reference: str, token: str) -> None:
    """Raises NotFound unless this is the private link of a place in line."""
    entry = _entry(reference)
    if not is_token(token, place_token(entry)):
        raise NotFound(reference)


def visitor_entry(reference: str) -> WaitingEntry:
    """The place in line, for the browser that opened its link. Raises NotFound for every other."""
    if not granted(reference):
        raise NotFound(reference)
    return _entry(reference)


def linked_offer(reference: str, token: str) -> WaitingOffer:
    """Raises NotFound unless this is the link of an offer."""
    offer = db.session.scalars(select(WaitingOffer).where(WaitingOffer.reference == reference)).one_or_none()
    if offer is None or not is_token(token, offer_token(offer)):
        raise NotFound(reference)
    return offer


def _entry(reference: str) -> WaitingEntry:
    return the_one(select(WaitingEntry).where(WaitingEntry.reference == reference), reference)
