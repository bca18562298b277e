"""The shape of what a passenger may tell after the booking; every field may stay empty for now."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, SelectChoice, SelectField, StringField, ValidationError
from wtforms.validators import Email, InputRequired, Length, Optional

from portal.booking.details import LaterDetails
from portal.booking.forms import FIRST, NUMBER, OLDEST, DayField, latin
from portal.booking.labels import DOCUMENT_KINDS, SEXES
from portal.booking.models import DocumentKind, Sex
from portal.booking.services import PassengerDetails
from portal.kernel.countries import countries_by_name
from portal.kernel.forms import FlaskForm, one_line
from portal.kernel.text import LANGUAGE_NAMES

LONGEST = 60


class DetailsForm(FlaskForm):
    document_kind = SelectField(_l("Document for this cruise"), [Optional()], coerce=str)
    document_number = StringField(_l("Series and number"), [Optional(), Length(max=20)], filters=[one_line])
    document_expires = DayField(_l("Valid until"), [Optional()])
    sex = SelectField(_l("Sex"), [Optional()], coerce=str)
    birth_place = StringField(_l("Place of birth"), [Optional(), Length(max=LONGEST)], filters=[one_line])
    local_surname = StringField(_l("Surname as you write it"), [Optional(), Length(max=LONGEST)], filters=[one_line])
    local_given_names = StringField(
        _l("First name as you write it"), [Optional(), Length(max=LONGEST)], filters=[one_line]
    )
    patronymic = StringField(_l("Patronymic, if you have one"), [Optional(), Length(max=LONGEST)], filters=[one_line])

    today: date = date.max  # set by the view: business time decides what has expired

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        please = [("", _("Please choose"))]
        self.sex.choices = please + [(sex.value, label) for sex, label in SEXES.items()]
        self.document_kind.choices = please + [(kind.value, label) for kind, label in DOCUMENT_KINDS.items()]

    def validate_document_number(self, field: StringField) -> None:
        if field.data and not NUMBER.fullmatch(field.data.replace(" ", "")):
            raise ValidationError(_("Letters and digits only, 4 to 20 of them, as printed in the document."))

    def validate_document_expires(self, field: DayField) -> None:
        if field.data and field.data < self.today:
            raise ValidationError(_("This passport has expired. Please give the data of the new one."))

    @property
    def told(self) -> LaterDetails:
        return LaterDetails(
            local_surname=self.local_surname.data or None,
            local_given_names=self.local_given_names.data or None,
            patronymic=self.patronymic.data or None,
            birth_place=self.birth_place.data or None,
            sex=Sex(self.sex.data) if self.sex.data else None,
            document_kind=DocumentKind(self.document_kind.data) if self.document_kind.data else None,
            document_number=self.document_number.data or None,
            document_expires=self.document_expires.data,
        )


class CompanionForm(DetailsForm):
    """Somebody in the customer's own list, whole."""

    surname = StringField(
        _l("Surname in Latin letters"), [InputRequired(), Length(max=LONGEST), latin], filters=[one_line]
    )
    given_names = StringField(
        _l("Given names in Latin letters"), [InputRequired(), Length(max=LONGEST), latin], filters=[one_line]
    )
    birth_date = DayField(_l("Date of birth"), [InputRequired()])
    citizenship = SelectField(_l("Citizenship"), [InputRequired()], coerce=str)
    agreed = BooleanField(_l("This person agrees that these data are kept in my account for further bookings"))

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict(countries_by_name(language))
        self.citizenship.choices = [
            ("", _("Please choose")),
            *((code, names[code]) for code in FIRST),
            *((code, name) for code, name in names.items() if code not in FIRST),
        ]

    def validate_birth_date(self, field: DayField) -> None:
        if field.data and not OLDEST <= field.data <= self.today:
            raise ValidationError(_("Please check the date: it must lie in the past."))

    def validate_agreed(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(_("Without this consent we may not keep anybody's data in your account."))

    @property
    def person(self) -> PassengerDetails:
        return PassengerDetails(
            surname=self.surname.data or "",
            given_names=self.given_names.data or "",
            birth_date=self.birth_date.data or OLDEST,
            citizenship=self.citizenship.data,
            **asdict(self.told),
        )


class SendLinkForm(FlaskForm):
    email = EmailField(
        _l("E-mail of the passenger"),
        [
            InputRequired(),
            Length(max=254),
            Email(_l("Please check the address: mail could not be sent to it.")),
        ],
        filters=[one_line],
    )
    language = SelectField(
        _l("Language of the letter and the page"),
        choices=[SelectChoice(code, name, {"lang": code}) for code, name in LANGUAGE_NAMES.items()],
    )
