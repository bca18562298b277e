"""What the rules of statements refuse."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.kernel.errors import Refused


class BadStatement(Refused):
    """A file that cannot be right is refused whole; `line` is that of the file, 0 where it is about all of it."""

    def __init__(self, line: int, reason: LazyString) -> None:
        super().__init__(line)
        self.line = line
        self.reason = reason
        self.message = _l("Line %(line)d: %(reason)s Nothing was taken from the file.", line=line, reason=reason)
        if not line:
            self.message = _l("%(reason)s Nothing was taken from the file.", reason=reason)


class StatementKnown(Refused):
    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference
        self.message = _l("This very file was taken already, as statement %(reference)s.", reference=reference)


class LineDecided(Refused):
    message = _l("Somebody else has decided about this money. Please look at its present state.")


class NoSuchPayment(Refused):
    message = _l("No transfer has this reference. Please check it: that of the payment or of the booking will do.")


class SeveralPayments(Refused):
    message = _l("This booking has several transfers. Please type the reference of the payment instead.")


class TooMuch(Refused):
    message = _l("This is more than is left of the money, or more than the payment lacks. Please type a smaller sum.")


class OtherCurrency(Refused):
    message = _l("The payment is in another currency. Please find the payment in the currency of the statement.")
