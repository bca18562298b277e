"""What the rules of a booking refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class NoAdult(Refused):
    message = _l("A passenger under 18 needs an adult in the same cabin. Please check the birth dates.")


class TooManyForCabin(Refused):
    message = _l(
        "These passengers need more berths than the cabin has: only a child under 2 travels without a berth of its own."
        " Please check the birth dates or choose a larger cabin."
    )


class SamePassengerTwice(Refused):
    message = _l("Two passengers have the same document. Please check the numbers.")


class PassengersClosed(Refused):
    message = _l("Nothing can be changed here any more: the booking was given up, or the cruise has begun.")


class NotPayable(Refused):
    message = _l("This booking does not wait for a payment now.")
