"""What the rules of reservations refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class CabinNotFree(Refused):
    def __init__(self, *, number: str) -> None:
        super().__init__(number)
        self.message = _l(
            "Cabin %(number)s is not free, so nothing was reserved. Please take it out of the list.", number=number
        )


class DateRefused(Refused):
    message = _l("The date must lie ahead, and before sales of this sailing end.")


class TooLong(Refused):
    def __init__(self, *, days: int) -> None:
        super().__init__(days)
        self.message = _l("An option lasts %(days)s days at most. For longer, please make it an allotment.", days=days)


class TooManyCabins(Refused):
    def __init__(self, *, most: int) -> None:
        super().__init__(most)
        self.message = _l("At most %(most)s cabins of a sailing can be kept for one agency.", most=most)


class ReservationOver(Refused):
    message = _l("This reservation is over: its cabins have been booked or given back.")
