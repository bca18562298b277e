"""What the rules of accounts refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class WrongCredentials(Refused):
    message = _l("This e-mail address and password do not belong together. Please check both.")


class WrongPassword(Refused):
    message = _l("This is not your present password.")


class PasswordTooWeak(Refused):
    message = _l("This password is too easy to guess. A few words that only you would put together are a good one.")


class LinkExpired(Refused):
    message = _l("This link has expired or has been used already. Ask for a new one.")


class AddressTaken(Refused):
    message = _l("There is an account with this e-mail address already.")


class OwnAccount(Refused):
    message = _l("You cannot shut out yourself.")


class LastAdministrator(Refused):
    message = _l("Nobody else could manage accounts then. Name another administrator first.")
