"""The shape of asking another payer, and of his own answers."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, RadioField, SelectChoice, SelectField, StringField, ValidationError
from wtforms.validators import Email, InputRequired, Length

from portal.booking.waiting.forms import TicksField
from portal.kernel.forms import AmountField, FlaskForm, one_line
from portal.kernel.text import LANGUAGE_NAMES
from portal.payments.forms import PayForm

BY_SUM = "sum"
BY_PASSENGERS = "passengers"
MAIL = Email(_l("Please check the address: mail could not be sent to it."))


class AskPayerForm(FlaskForm):
    name = StringField(_l("Name of the payer"), [InputRequired(), Length(max=120)], filters=[one_line])
    email = EmailField(_l("E-mail"), [InputRequired(), Length(max=254), MAIL], filters=[one_line])
    language = SelectField(_l("Language of the letters"), [InputRequired()])
    how = RadioField(
        _l("What does this payer pay?"),
        [InputRequired(_l("Please choose what this payer pays."))],
        choices=[
            SelectChoice(BY_SUM, _l("A sum")),
            SelectChoice(BY_PASSENGERS, _l("The price of some passengers")),
        ],
    )
    amount = AmountField(_l("Sum"))
    passengers = TicksField(_l("For whom"), coerce=int)
    gift = BooleanField(_l("It is a gift: the payer is told nothing of who travels"))

    def prepare(self, currency: str, passengers: Sequence[tuple[int, str]]) -> None:
        self.amount.currency = currency
        self.passengers.choices = [SelectChoice(one, name) for one, name in passengers]
        self.language.choices = [SelectChoice(code, name, {"lang": code}) for code, name in LANGUAGE_NAMES.items()]

    def validate_amount(self, field: AmountField) -> None:
        if self.how.data == BY_SUM and not field.data:
            raise ValidationError(_("Please type the sum."))

    def validate_passengers(self, field: TicksField) -> None:
        if self.how.data == BY_PASSENGERS and not field.data:
            raise ValidationError(_("Please tick for whom this payer pays."))


class ChangeShareForm(FlaskForm):
    amount = AmountField(_l("Sum"), [InputRequired()])
    email = EmailField(_l("E-mail"), [InputRequired(), Length(max=254), MAIL], filters=[one_line])


class PayShareForm(PayForm):
    sum_shown = BooleanField(_l("Show my sum to whoever booked, beside my name"))
