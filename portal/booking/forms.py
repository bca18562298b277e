"""The shape of passengers, contact and consent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    FieldList,
    FormField,
    RadioField,
    SelectField,
    StringField,
    TelField,
    ValidationError,
)
from wtforms.validators import Email, InputRequired, Length, Optional

from portal.booking.labels import DOCUMENT_KINDS, SEXES
from portal.booking.models import DocumentKind
from portal.booking.prices import DraftPrice
from portal.inventory.forms import HoldForm
from portal.kernel.countries import countries_by_name
from portal.kernel.forms import FlaskForm, Form, one_line
from portal.pricing.labels import CURRENCIES

LATIN = re.compile(r"[A-Za-z][A-Za-z' -]*")
NUMBER = re.compile(r"[A-Za-zА-ЯЁа-яё0-9-]{4,20}")
PHONE = re.compile(r"\+?[0-9 ()-]{7,30}")
OLDEST = date(1900, 1, 1)
# The citizenships met most often here stand first; all others follow by name.
FIRST = ("RU", "TM", "KZ", "AZ", "IR", "BY", "UZ")


def _chosen(form: Form, field: SelectField) -> None:
    """Given, or the only choice there is."""
    if not field.data:
        raise ValidationError(_("Please fill this in."))


class DayField(DateField):
    """A day as browsers send it, or as it is written here; left empty it is none."""

    def __init__(self, label: Any = None, validators: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, format=["%Y-%m-%d", "%d.%m.%Y"], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError:
            example = "17.05.1985"
            raise ValueError(_("There is no such day. Please write it like %(example)s.", example=example)) from None


def latin(form: Form, field: StringField) -> None:
    if field.data and not LATIN.fullmatch(field.data):
        raise ValidationError(_("Use Latin letters as in the passport, for example %(example)s.", example="ANNA-MARIA"))


class PassengerForm(Form):
    """One passenger; a part of a larger form, which carries the CSRF token."""

    cabin = SelectField(_l("Sleeps in"), [_chosen], coerce=str)
    surname = StringField(_l("Surname in Latin letters"), [InputRequired(), Length(max=60), latin], filters=[one_line])
    given_names = StringField(
        _l("Given names in Latin letters"), [InputRequired(), Length(max=60), latin], filters=[one_line]
    )
    local_surname = StringField(_l("Surname as you write it"), [Optional(), Length(max=60)], filters=[one_line])
    local_given_names = StringField(_l("First name as you write it"), [Optional(), Length(max=60)], filters=[one_line])
    patronymic = StringField(_l("Patronymic, if you have one"), [Optional(), Length(max=60)], filters=[one_line])
    birth_date = DayField(_l("Date of birth"), [InputRequired()])
    birth_place = StringField(_l("Place of birth"), [Optional(), Length(max=60)], filters=[one_line])
    sex = SelectField(_l("Sex"), [Optional()], coerce=str)
    citizenship = SelectField(_l("Citizenship"), [InputRequired()], coerce=str)
    document_kind = SelectField(_l("Document for this cruise"), [InputRequired()], coerce=str)
    document_number = StringField(_l("Series and number"), [Optional(), Length(max=20)], filters=[one_line])
    document_expires = DayField(_l("Valid until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sex.choices = [("", _("Please choose")), *((sex.value, label) for sex, label in SEXES.items())]
        self.document_kind.choices = [(kind.value, label) for kind, label in DOCUMENT_KINDS.items()]

    def offer_countries(self, language: str) -> None:
        names = dict(countries_by_name(language))
        self.citizenship.choices = [
            ("", _("Please choose")),
            *((code, names[code]) for code in FIRST),
            *((code, name) for code, name in names.items() if code not in FIRST),
        ]

    def fill(self, known: Mapping[str, Any]) -> None:
        """Put what is known into the fields; those of which nothing is known keep what was typed."""
        for name, value in known.items():
            if value is not None:
                self[name].process_data(value)
                self[name].raw_data = None

    def validate_birth_date(self, field: DateField) -> None:
        if field.data and not OLDEST <= field.data <= self.today:
            raise ValidationError(_("Please check the date: it must lie in the past."))

    def validate_document_number(self, field: StringField) -> None:
        if field.data and not NUMBER.fullmatch(field.data.replace(" ", "")):
            raise ValidationError(_("Letters and digits only, 4 to 20 of them, as printed in the document."))

    def validate_document_expires(self, field: DateField) -> None:
        if field.data is None:
            told = self.document_number.data and self.document_kind.data == DocumentKind.PASSPORT
            if told and not field.process_errors:
                raise ValidationError(_("Please give the passport's last day: some countries ask for months more."))
        elif field.data < self.today:
            raise ValidationError(_("This passport has expired. Please give the data of the new one."))

    LATER = ("local_surname", "local_given_names", "patronymic", "sex", "birth_place", "document_number")

    @property
    def has_later(self) -> bool:
        """Whether something was typed, or typed wrongly, of what may come after the booking."""
        return any(self[name].data or self[name].errors for name in (*self.LATER, "document_expires"))

    today: date = date.max  # set by the whole form: business time decides what lies in the past


MOST_PASSENGERS = 20


class PassengersForm(FlaskForm):
    passengers = FieldList(FormField(PassengerForm), max_entries=MOST_PASSENGERS)
    minors_waiver = BooleanField(
        _l("Minors may sleep in a cabin without an adult: I am of age, travel with them and answer for them")
    )

    def prepare(self, cabins: Sequence[tuple[str, str]], language: str, today: date) -> None:
        """Parts in the reader's language. cabins: reference of the hold and number of each cabin, to sleep in."""
        if not self.passengers.entries:
            self.passengers.append_entry()
        references = [reference for reference, _number in cabins]
        for number, entry in enumerate(self.passengers, 1):
            if entry.form.document_kind.data is None:
                entry.form.document_kind.data = DocumentKind.PASSPORT
            entry.label.text = _("Passenger %(number)s", number=number)
            entry.form.cabin.choices = [(reference, _("Cabin %(number)s", number=cabin)) for reference, cabin in cabins]
            if entry.form.cabin.data not in references and (len(references) == 1 or not self.is_submitted()):
                entry.form.cabin.data = references[0]
            entry.form.offer_countries(language)
            entry.form.today = today

    def make_room(self, parties: Sequence[tuple[str, int]]) -> None:
        """A part for each person that a cabin is held for: those of cabins that ran out move into these.

        parties: reference of the hold and number of persons of each cabin; known before `prepare`.
        """
        for reference, party in parties:
            homeless = [entry for entry in self.passengers if entry.form.cabin.data not in dict(parties)]
            for entry in homeless[: max(0, party - self.count_in(reference))]:
                entry.form.cabin.data = reference
        for reference, party in parties:
            for _more in range(party - self.count_in(reference)):
                self.add(reference)

    def count_in(self, cabin: str) -> int:
        return sum(entry.form.cabin.data == cabin for entry in self.passengers)

    def add(self, cabin: str) -> None:
        """One more passenger, in this cabin."""
        if len(self.passengers) < MOST_PASSENGERS:
            self.passengers.append_entry({"cabin": cabin})

    def remove(self, place: int) -> None:
        """Without the passenger at `place`, counted from 0; the last one stays."""
        kept = [entry.data for i, entry in enumerate(self.passengers) if i != place]
        if kept and len(kept) < len(self.passengers):
            while len(self.passengers):
                self.passengers.pop_entry()
            for data in kept:
                self.passengers.append_entry(data)


class ReviewForm(FlaskForm):
    contact_name = StringField(_l("Your name"), [InputRequired(), Length(max=120)], filters=[one_line])
    contact_email = EmailField(
        _l("E-mail"),
        [InputRequired(), Length(max=254), Email(_l("Please check the address: mail could not be sent to it."))],
        filters=[one_line],
    )
    contact_phone = TelField(_l("Telephone"), [InputRequired(), Length(max=40)], filters=[one_line])
    terms = BooleanField(_l("I have read and accept the conditions of carriage and cancellation"))
    consent = BooleanField(_l("I agree that the passengers' personal data are used to carry out this booking"))

    remember = BooleanField(_l("Keep these passengers in my account for further bookings; they agree"))

    def validate_contact_phone(self, field: TelField) -> None:
        if field.data and not PHONE.fullmatch(field.data):
            raise ValidationError(_("Digits with the country code, for example +993 12 345678."))

    def validate_terms(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(_("Please read the conditions and tick this box: we cannot book without it."))

    def validate_consent(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(_("Without this consent we may not keep the data that the voyage needs."))


class FindBookingForm(FlaskForm):
    reference = StringField(_l("Booking number"), [InputRequired(), Length(max=20)], filters=[one_line])
    email = EmailField(_l("E-mail of the booking"), [InputRequired(), Length(max=254)], filters=[one_line])


class PriceForm(FlaskForm):
    """What changes the price of a draft: nothing has to be filled in."""

    currency = RadioField(_l("Pay in"), [InputRequired()])
    code = StringField(_l("Promotion code"), [Optional(), Length(max=40)], filters=[one_line])

    @classmethod
    def of(cls, present: DraftPrice, **options: Any) -> PriceForm:
        form = cls(data={"currency": present.currency, "code": present.code or ""}, **options)
        form.currency.choices = [(code, label) for code, label in CURRENCIES.items() if code in present.currencies]
        form.lost, form.saved, form.saved_for_others = present.lost, present.saved, present.saved_for_others
        return form

    lost: str | None = None  # a code that was taken and holds no more
    saved: str | None = None  # it is the price of this quote
    saved_for_others: bool = False


class SavePriceForm(HoldForm):
    """Save a price: for so many adults, where the address names no party that sleeps in the cabin."""

    code = StringField(_l("Promotion code"), [Optional(), Length(max=40)], filters=[one_line])

    def for_party(self) -> None:
        """Who travels is known already."""
        del self.party
        del self.infant
