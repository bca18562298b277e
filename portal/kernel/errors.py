"""What can be said to a person when something cannot be done."""

from flask_babel.speaklater import LazyString


class Refused(Exception):
    """A rule of the business says no; `message` is shown to the person who asked."""

    message: LazyString


class NotFound(Exception):
    """No such thing, or not for this person: the same 404 for both."""
