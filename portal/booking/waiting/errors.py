"""What the rules of the waiting list refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class CabinIsFree(Refused):
    message = _l("There is a free cabin for you now: you need not wait. Please choose it on the deck plan.")


class NoCabinSleepsSoMany(Refused):
    message = _l(
        "No cabin of this category sleeps so many. Please choose any category, or put yourselves on the list as two "
        "smaller parties."
    )


class OfferOver(Refused):
    message = _l("This offer is over. The waiting list shows your place.")


class NotInLine(Refused):
    message = _l("This party is no longer on the waiting list.")
