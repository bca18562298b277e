"""Whose booking it is: opened by its owner's account, by the browser that made it, or by the private link."""

from sqlalchemy import select

from portal.accounts.access import signed_in
from portal.accounts.links import is_token, link_token_of
from portal.accounts.visitors import grant, granted, visitor
from portal.booking.models import Booking, BookingState, Passenger
from portal.booking.passenger_pages import WHOLE_PASSENGER
from portal.booking.queries import WHOLE_HOLD, whole_booking
from portal.database import db
from portal.inventory.models import Occupancy
from portal.kernel.errors import NotFound


def visitor_booking(reference: str) -> Booking:
    """The booking, for someone who may open it. Raises NotFound for everyone else, as for one that is not there."""
    booking = whole_booking(Booking.reference == reference)
    if booking is None:
        raise NotFound(reference)
    account = signed_in()
    own = account is not None and booking.customer_id == account.id
    made_here = booking.holder is not None and booking.holder == visitor()
    if not (own or made_here or granted(_booking_grant(booking))):
        raise NotFound(reference)
    return booking


def let_in(booking: Booking) -> None:
    """This browser may open the booking from now on, until its link is made anew."""
    grant(_booking_grant(booking))


def _booking_grant(booking: Booking) -> str:
    return f"{booking.reference}.{booking.link_version}"


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
    return link_token_of("booking links", f"{booking.reference}:{booking.link_version}")


def open_by_link(reference: str, token: str) -> None:
    """Let in whoever shows the private link of a booking, of its present version. Raises NotFound otherwise."""
    booking = db.session.scalars(select(Booking).where(Booking.reference == reference)).one_or_none()
    if booking is None or not is_token(token, link_token(booking)):
        raise NotFound(reference)
    let_in(booking)


def own_passenger(reference: str) -> Passenger:
    """The passenger, for whoever came by this passenger's own link; for everyone else, the booker too, NotFound."""
    passenger = _passenger(reference)
    if not granted(_passenger_grant(passenger)):
        raise NotFound(reference)
    return passenger


def booked_passenger(reference: str, number: int) -> Passenger:
    """A passenger of a booking that this visitor may open. Raises NotFound."""
    booking = visitor_booking(reference)
    for passenger in booking.passengers:
        if passenger.position == number:
            return passenger
    raise NotFound(reference)


def passenger_token(passenger: Passenger) -> str:
    """What a passenger's private link carries: worked out, so that nothing secret is stored."""
    return link_token_of("passenger links", f"{passenger.reference}:{passenger.link_version}")


def open_by_passenger_link(reference: str, token: str) -> Passenger:
    """Let in whoever shows a passenger's private link, of its present version. Raises NotFound otherwise."""
    passenger = _passenger(reference)
    if not is_token(token, passenger_token(passenger)):
        raise NotFound(reference)
    grant(_passenger_grant(passenger))
    return passenger


def _passenger(reference: str) -> Passenger:
    """Of a booking that was agreed: nobody is asked anything for a draft. Raises NotFound."""
    passenger = db.session.scalars(
        select(Passenger).where(Passenger.reference == reference).options(*WHOLE_PASSENGER)
    ).unique().one_or_none()
    if passenger is None or passenger.left_at is not None or passenger.booking.state is BookingState.DRAFT:
        raise NotFound(reference)
    return passenger


def _passenger_grant(passenger: Passenger) -> str:
    return f"passenger.{passenger.reference}.{passenger.link_version}"
