"""What the rules of paying in parts refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class PlanNotOffered(Refused):
    message = _l("This way of paying in parts is not offered any more. Please look at the choices once more.")


class PlanRefused(Refused):
    """A plan that cannot be offered; the message says what to mend."""


class NothingOpen(Refused):
    message = _l("Nothing of this booking is open any more, so there is nothing to put off.")


class DayTooLate(Refused):
    message = _l("Please choose a day after today and before the cruise begins.")


class NothingPutOff(Refused):
    message = _l("Nothing is due before this day. Please choose a later one.")
