"""What the inventory rules refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class SailingClosed(Refused):
    message = _l("This sailing is not on sale now.")


class PartyTooLarge(Refused):
    message = _l("This cabin has fewer berths than your party needs. Please choose a larger one.")


class ShipFull(Refused):
    message = _l("The ship may not carry more people on this sailing. Please choose a smaller party or another date.")


class CabinTaken(Refused):
    message = _l("Someone has just taken this cabin. Please choose another one.")


class TooManyHolds(Refused):
    message = _l("You are already holding as many cabins as one visitor may. Please finish or release one of them.")


class HoldOver(Refused):
    message = _l("The time to hold this cabin has run out. If it is still free, you can take it again.")


class AlreadyLengthened(Refused):
    message = _l("You have had more time already. The cabin can be kept until the time shown.")


class CabinSold(Refused):
    message = _l("This cabin is held or booked by a guest and cannot be closed.")


class KeptForOthers(Refused):
    message = _l(
        "This cabin has just become free, and guests who have been waiting for one are offered it first. "
        "Please choose another cabin, or put yourself on the waiting list."
    )


class CategorySoldOut(Refused):
    message = _l("Somebody has just taken the last cabin of this category. Please choose another category.")
