"""The choice of a way to pay."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import InputRequired

from portal.payments.labels import METHODS
from portal.payments.models import Method


class PayForm(FlaskForm):
    method = RadioField(
        _l("How would you like to pay?"), [InputRequired(_l("Please choose how you would like to pay."))], coerce=str
    )

    def offer(self, methods: Sequence[Method]) -> None:
        self.method.choices = [(method.value, METHODS[method]) for method in methods]
