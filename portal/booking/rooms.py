"""Who of a booking sleeps where, when its cabins are exchanged for others."""

from __future__ import annotations

from collections.abc import Mapping

from portal.booking.models import Booking
from portal.inventory.models import Occupancy


def move_into(booking: Booking, cabins: Mapping[int, Occupancy]) -> None:
    """Give a booking other cabins, with those who sleep in them. cabins: the new one by the id of the booked cabin.

    All at once, so that nobody is taken for one who already sleeps in the other's cabin. Under the lock of the booking.
    """
    moved = {booked.cabin_id: cabins[booked.id].cabin_id for booked in booking.cabins if booked.id in cabins}
    for passenger in booking.passengers:
        if passenger.left_at is None:
            passenger.cabin_id = moved.get(passenger.cabin_id, passenger.cabin_id)
    for booked in booking.cabins:
        if booked.id in cabins:
            booked.occupancy, booked.cabin_id = cabins[booked.id], cabins[booked.id].cabin_id
