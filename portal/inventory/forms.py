"""The shape of a hold."""

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField
from wtforms.validators import InputRequired


class HoldForm(FlaskForm):
    party = RadioField(
        _l("How many of you will sleep in this cabin?"),
        [InputRequired(_l("Please choose how many of you will sleep in this cabin."))],
        coerce=int,
    )
    infant = BooleanField(_l("and one infant under 2, free of charge, without a berth of its own"))

    def offer(self, sleeps: int) -> None:
        """The choices of a cabin: one person to all its berths."""
        self.party.choices = [
            (n, ngettext("%(num)s passenger", "%(num)s passengers", n)) for n in range(1, sleeps + 1)
        ]

    @property
    def persons(self) -> int:
        return int(self.party.data) + bool(self.infant.data)
