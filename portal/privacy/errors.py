"""What the rules about a guest's own data refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class NotForStaff(Refused):
    message = _l("Accounts of colleagues are closed by an administrator.")


class BelongsToAccount(Refused):
    message = _l("This booking belongs to an account. Please sign in: all that we know of you is erased from there.")


class NothingAsked(Refused):
    message = _l("Nothing is being erased: it was done already, or taken back.")
