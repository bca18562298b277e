"""The shape of joining the line and of answers to an offer."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import (
    BooleanField,
    EmailField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.validators import Email, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from portal.kernel.forms import FlaskForm, one_line

ANY = "any"


class TicksField(SelectMultipleField):
    """Several of several, each with its tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class JoinLineForm(FlaskForm):
    party = SelectField(_l("Who needs a berth"), [InputRequired(_l("Please choose."))], coerce=int)
    infant = BooleanField(_l("and one infant under 2, free of charge, without a berth of its own"))
    category = SelectField(_l("Category of the cabin"), [InputRequired(_l("Please choose."))])
    also = TicksField(_l("We would take one of these instead, too"))
    name = StringField(_l("Your name"), [InputRequired(), Length(max=120)], filters=[one_line])
    email = EmailField(
        _l("E-mail"),
        [
            InputRequired(),
            Length(max=254),
            Email(_l("Please check the address: mail could not be sent to it.")),
        ],
        filters=[one_line],
    )
    consent = BooleanField(_l("I agree that my name and address are used to offer me a cabin"))

    def offer(self, most: int, categories: list[tuple[str, str]], sailings: list[tuple[str, str]]) -> None:
        """What can be chosen: how many sleep in the largest cabin, categories, other sailings; (value, words)."""
        self.party.choices = [
            (number, ngettext("%(num)s passenger", "%(num)s passengers", number)) for number in range(1, most + 1)
        ]
        self.category.choices = [(ANY, _("Any category")), *categories]
        self.also.choices = sailings

    @property
    def persons(self) -> int:
        return int(self.party.data) + self.infants

    @property
    def infants(self) -> int:
        return int(bool(self.infant.data))

    @property
    def code(self) -> str | None:
        """The code of the category; none where any will do."""
        return None if self.category.data == ANY else str(self.category.data)

    def validate_consent(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(_("Without this consent we may not keep your address, and could not write to you."))


class AnswerForm(FlaskForm):
    """Nothing to type: the answer is the button."""


class DeclineForm(FlaskForm):
    stay = RadioField(
        _l("What would you like?"),
        [InputRequired(_l("Please choose."))],
        choices=[
            SelectChoice("stay", _l("Keep my place: I wait for another cabin")),
            SelectChoice("leave", _l("Take me off the waiting list")),
        ],
        default="stay",
    )
