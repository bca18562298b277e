"""What the rules of shares refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class NothingToDivide(Refused):
    message = _l("Nothing of this booking is open, so there is nothing to divide.")


class MoreThanOwed(Refused):
    message = _l("This is more than what is still open and asked of nobody else. Please take a smaller sum.")


class ShareClosed(Refused):
    message = _l("This share is paid or withdrawn already. The page shows how it stands now.")


class RemindedAlready(Refused):
    message = _l("This payer has had a letter within the last day. Please wait until tomorrow, or call him.")


class TooManyReminders(Refused):
    message = _l("This payer was reminded five times. Please talk to him, or pay his share yourself.")


class NobodyChosen(Refused):
    message = _l("Please tick for whom this payer pays.")
