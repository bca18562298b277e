"""Whose booking it is: opened by its owner's account, by the browser that made it, or by the private link."""

from hmac import compare_digest

from flask import current_app
from sqlalchemy import select

from portal.accounts.access import signed_in
from portal.accounts.visitors import granted, visitor
from portal.booking.models import Booking
from portal.booking.queries import WHOLE_HOLD, whole_booking
from portal.database import db
from portal.inventory.models import Occupancy
from portal.kernel.errors import NotFound
from portal.kernel.sealing import derive_key, fingerprint

TOKEN_LETTERS = 32  # 128 bits


def visitor_booking(reference: str) -> Booking:
    """The booking, for someone who may open it. Raises NotFound for everyone else, as for one that is not there."""
    booking = whole_booking(Booking.reference == reference)
    if booking is None:
        raise NotFound(reference)
    account = signed_in()
    own = account is not None and booking.customer_id == account.id
    made_here = booking.holder is not None and booking.holder == visitor()
    if not (own or made_here or granted(reference)):
        raise NotFound(reference)
    return booking


def visitor_hold(reference: str) -> Occupancy:
    """The hold of this very visitor. Raises NotFound."""
    hold = db.session.scalars(
        select(Occupancy).where(Occupancy.reference == reference).options(*WHOLE_HOLD)
    ).unique().one_or_none()
    if hold is None or hold.holder is None or hold.holder != visitor():
        raise NotFound(reference)
    return hold


def link_token(booking: Booking) -> str:
    """What the private link carries: worked out from the booking, so that nothing secret is stored."""
    key = derive_key(current_app.config["SECRET_KEY"], "booking links")
    return fingerprint(f"{booking.reference}:{booking.link_version}", key)[:TOKEN_LETTERS]


def check_link(reference: str, token: str) -> None:
    """Raises NotFound unless this is the private link of a booking, and of its present version."""
    booking = db.session.scalars(select(Booking).where(Booking.reference == reference)).one_or_none()
    if booking is None or not compare_digest(link_token(booking).encode(), token.encode()):
        raise NotFound(reference)
