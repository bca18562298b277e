"""Whose place in line it is: opened by its private link, or by the links of one offer."""

from hmac import compare_digest

from flask import current_app
from sqlalchemy import select

from portal.accounts.visitors import granted
from portal.booking.waiting.models import WaitingEntry, WaitingOffer
from portal.database import db
from portal.kernel.errors import NotFound
from portal.kernel.sealing import derive_key, fingerprint

TOKEN_LETTERS = 32  # 128 bits


def _token(of: str) -> str:
    """Worked out from what it opens, so that nothing secret is stored."""
    key = derive_key(current_app.config["SECRET_KEY"], "waiting list links")
    return fingerprint(of, key)[:TOKEN_LETTERS]


def place_token(entry: WaitingEntry) -> str:
    return _token(f"place {entry.reference}")


def offer_token(offer: WaitingOffer) -> str:
    """It answers one offer, and the offer is answered once."""
    return _token(f"offer {offer.reference}")


def check_place_link(reference: str, token: str) -> None:
    """Raises NotFound unless this is the private link of a place in line."""
    entry = _entry(reference)
    if not compare_digest(place_token(entry).encode(), token.encode()):
        raise NotFound(reference)


def visitor_entry(reference: str) -> WaitingEntry:
    """The place in line, for the browser that opened its link. Raises NotFound for every other."""
    if not granted(reference):
        raise NotFound(reference)
    return _entry(reference)


def linked_offer(reference: str, token: str) -> WaitingOffer:
    """Raises NotFound unless this is the link of an offer."""
    offer = db.session.scalars(select(WaitingOffer).where(WaitingOffer.reference == reference)).one_or_none()
    if offer is None or not compare_digest(offer_token(offer).encode(), token.encode()):
        raise NotFound(reference)
    return offer


def _entry(reference: str) -> WaitingEntry:
    entry = db.session.scalars(select(WaitingEntry).where(WaitingEntry.reference == reference)).one_or_none()
    if entry is None:
        raise NotFound(reference)
    return entry
