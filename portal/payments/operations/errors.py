"""What the rules of cancelling and postponing a sailing refuse."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class CodeDiffers(Refused):
    message = _l("This is not the code of the sailing. Please type it as it stands above.")


class ChangedSincePreview(Refused):
    message = _l(
        "Bookings or payments of this sailing have changed since you saw them. Please look at the figures once more, "
        "then confirm again."
    )


class ChoiceOver(Refused):
    message = _l("This choice is no longer open. The page shows what holds now.")


class NotOffered(Refused):
    message = _l("This cruise cannot be offered to you any more. Please choose another one.")
