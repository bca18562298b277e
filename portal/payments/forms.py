"""The choice of a way to pay."""

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, ValidationError
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from portal.payments.labels import METHODS
from portal.payments.models import Method


class PayForm(FlaskForm):
    method = RadioField(
        _l("How would you like to pay?"), [InputRequired(_l("Please choose how you would like to pay."))], coerce=str
    )

    def offer(self, methods: Sequence[Method]) -> None:
        self.method.choices = [(method.value, METHODS[method]) for method in methods]


class CancelForm(FlaskForm):
    returned = IntegerField(widget=HiddenInput())  # minor units that the customer was shown
    sure = BooleanField(_l("Yes, cancel this booking and free its cabin"))

    def validate_sure(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(_("Please tick this box: a cancelled booking cannot be brought back."))
