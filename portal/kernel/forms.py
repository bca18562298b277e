"""The libraries' forms with what they refuse said in our words, in the reader's language."""

import re
from decimal import Decimal
from typing import Any

import flask_wtf
import wtforms
from babel.numbers import get_currency_precision
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from wtforms.widgets import TextInput

AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d+))?")

# What the fields and validators that we use say by themselves. WTForms has no Turkmen, and few of these help anybody.
WORDS: dict[str, LazyString] = {
    "Date must be at least %(min)s.": _l("Please give a date not before %(min)s."),
    "Date must be at most %(max)s.": _l("Please give a date not after %(max)s."),
    "Date must be between %(min)s and %(max)s.": _l("Please give a date from %(min)s to %(max)s."),
    "Field cannot be longer than %(max)d characters.": _l("Please shorten this: %(max)d characters at most."),
    "Field must be equal to %(other_name)s.": _l("Please type the same in both fields."),
    "Invalid Choice: could not coerce.": _l("Please choose one of the list."),
    "Invalid email address.": _l("Please check the e-mail address: it looks like name@example.com."),
    "Invalid input.": _l("Please check what you typed here."),
    "Not a valid choice.": _l("Please choose one of the list."),
    "Not a valid date value.": _l("Please give a day that is in the calendar."),
    "Not a valid datetime value.": _l("Please give a day and a time."),
    "Not a valid decimal value.": _l("Please give a number."),
    "Not a valid integer value.": _l("Please give a whole number, in digits."),
    "Not a valid time value.": _l("Please give a time, such as 14:30."),
    "Number must be at least %(min)s.": _l("Please give a number of at least %(min)s."),
    "Number must be at most %(max)s.": _l("Please give a number of at most %(max)s."),
    "Number must be between %(min)s and %(max)s.": _l("Please give a number from %(min)s to %(max)s."),
    "This field is required.": _l("Please fill this in."),
}


class _Words:
    """In the place of WTForms' own catalogues. Placeholders stay: the field fills them."""

    def gettext(self, text: str) -> str:
        return str(WORDS.get(text, text))

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(many)


class _Spoken:
    def get_translations(self, form: Any) -> _Words:
        return _Words()


class FlaskForm(flask_wtf.FlaskForm):
    class Meta(_Spoken, flask_wtf.FlaskForm.Meta):
        pass


class Form(wtforms.Form):
    """A part of a form; the whole carries the token."""

    class Meta(_Spoken):
        pass


class AmountField(wtforms.Field):
    """An amount of money in whole units and, of need, their fraction; `data` is in minor units."""

    widget = TextInput()

    def __init__(self, label: Any, validators: Any = (), **settings: Any) -> None:
        super().__init__(label, validators, **settings)
        self.currency = "RUB"

    @property
    def digits(self) -> int:
        return get_currency_precision(self.currency)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        value = Decimal(self.data).scaleb(-self.digits)
        text = f"{value:,.{self.digits}f}" if self.data % 10**self.digits else f"{value:,.0f}"
        return text.replace(",", "\u00a0")

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = "".join(valuelist[0].split()) if valuelist else ""
        self.data = None
        if not typed:
            return
        found = AMOUNT.fullmatch(typed)
        if found is None or len(found[2] or "") > self.digits:
            raise ValueError(_l("Please give an amount, such as 12500 or 12500.50."))
        self.data = int(found[1]) * 10**self.digits + int((found[2] or "").ljust(self.digits, "0"))


def trimmed(text: str | None) -> str | None:
    """A filter of a field: nothing before and nothing after."""
    return text.strip() if text else text


def one_line(text: str | None) -> str | None:
    """A filter of a field: single spaces, and no line ends."""
    return " ".join(text.split()) if text else text
