"""What the rules of payments refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class MethodNotOffered(Refused):
    message = _l("This way of paying is not possible for this booking. Please choose another one.")


class NotCancellable(Refused):
    message = _l("This booking cannot be cancelled any more.")


class AmountsChanged(Refused):
    message = _l("The sums have changed since you saw them. Please look at them once more.")


class NotExpected(Refused):
    message = _l("This payment is not awaited any more. Please look at its present state.")


class AmountNotExpected(Refused):
    message = _l("This is not the amount expected. If the bank shows another one, do not mark it; ask the customer.")


class WrongAmount(Refused):
    message = _l("Take what is due now at least, and all that is open at most, in the currency of the booking.")


class OfferOver(Refused):
    message = _l("The cabin could be kept only until the time shown. Your money is safe: we write to you about it.")


class CostsTooHigh(Refused):
    message = _l("More than the conditions allow cannot be kept. Please type the costs, or the limit at most.")


class NoCredit(Refused):
    message = _l("There is no credit on this booking any more. The page shows its present state.")


class SecondPersonNeeded(Refused):
    message = _l("This sum is above the limit for one person: a colleague who did not ask for it must approve it.")
