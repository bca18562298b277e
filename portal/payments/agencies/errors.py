"""What the rules of agencies refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class AgencyClosed(Refused):
    message = _l("This agency takes no new bookings on credit. Please choose another way to pay.")


class CreditInOtherCurrency(Refused):
    message = _l("The credit of the agency is in another currency than this booking. Please choose another way to pay.")


class OverLimit(Refused):
    message = _l(
        "This is more than the credit that the agency has left. Please pay open invoices first, pay this booking in "
        "another way, or ask us for a higher limit."
    )


class NoSuchAccount(Refused):
    message = _l("There is no customer's account with this address. Whoever acts for the agency signs up first.")


class ActsForAnother(Refused):
    message = _l("This account acts for an agency already. Please take it out there first.")


class NoSuchBooking(Refused):
    message = _l("There is no booking with this reference.")


class NothingToPayOut(Refused):
    message = _l("Nothing of this booking stands in the agency's favour any more.")
