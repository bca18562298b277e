"""The choice of a way to pay, and of what to change in a booking."""

from collections.abc import Sequence
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from portal.booking.forms import FIRST, OLDEST, DayField, latin
from portal.kernel.countries import countries_by_name
from portal.kernel.forms import FlaskForm, one_line
from portal.payments.cancellations.models import CancelReason
from portal.payments.labels import CANCEL_REASONS, method_label
from portal.payments.plans.choices import Choice
from portal.payments.services import Way


class PayForm(FlaskForm):
    method = RadioField(
        _l("How would you like to pay?"), [InputRequired(_l("Please choose how you would like to pay."))], coerce=str
    )

    much = RadioField(_l("How much would you like to pay now?"), [Optional()], coerce=str)

    def offer(self, ways: Sequence[Way], much: Sequence[Choice] = ()) -> None:
        self.method.choices = [(way.key, method_label(way.method, way.provider)) for way in ways]
        self.much.choices = [(choice.key, choice.label) for choice in much]
        if much:
            self.much.validators = [InputRequired(_l("Please choose how much you would like to pay now."))]


class CancelForm(FlaskForm):
    returned = IntegerField(widget=HiddenInput())  # minor units that the customer was shown
    reason = RadioField(
        _l("Why do you cancel?"),
        [InputRequired(_l("Please choose a reason: what we return may depend on it."))],
        choices=[
            SelectChoice(reason.value, CANCEL_REASONS[reason])
            for reason in (
                CancelReason.PLANS,
                CancelReason.VISA_REFUSED,
                CancelReason.ILLNESS,
                CancelReason.OTHER,
            )
        ],
    )
    sure = BooleanField(_l("Yes, cancel this booking and free its cabin"))

    def validate_sure(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(_("Please tick this box: a cancelled booking cannot be brought back."))


class AgreeForm(FlaskForm):
    """One press: what the customer was shown, as a digest, must still be so."""

    agreed = HiddenField()


class NewPriceForm(FlaskForm):
    """One press: the new price that the customer was shown, in minor units."""

    agreed = IntegerField(widget=HiddenInput())


class NameForm(FlaskForm):
    surname = StringField(_l("Surname in Latin letters"), [InputRequired(), Length(max=60), latin], filters=[one_line])
    given_names = StringField(
        _l("Given names in Latin letters"), [InputRequired(), Length(max=60), latin], filters=[one_line]
    )


class NewcomerForm(NameForm):
    """Who joins; the digest is there once the sums were shown."""

    cabin = SelectField(_l("Sleeps in"), [InputRequired()], coerce=str)
    birth_date = DayField(_l("Date of birth"), [InputRequired()])
    citizenship = SelectField(_l("Citizenship"), [InputRequired()], coerce=str)
    agreed = HiddenField()

    today: date = date.max

    def prepare(self, cabins: Sequence[str], language: str, today: date) -> None:
        names = dict(countries_by_name(language))
        self.cabin.choices = [(number, _("Cabin %(number)s", number=number)) for number in cabins]
        self.citizenship.choices = [
            ("", _("Please choose")),
            *((code, names[code]) for code in FIRST),
            *((code, name) for code, name in names.items() if code not in FIRST),
        ]
        self.today = today

    def validate_birth_date(self, field: DayField) -> None:
        if field.data and not OLDEST <= field.data <= self.today:
            raise ValidationError(_("Please check the date: it must lie in the past."))


class CreditForm(FlaskForm):
    returned = IntegerField(widget=HiddenInput())  # minor units that the customer was shown
