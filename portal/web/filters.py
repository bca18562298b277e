"""How values are shown on pages: the formats of portal/kernel in the reader's language."""

from datetime import date, datetime
from decimal import Decimal
from unicodedata import category

from flask import Flask
from markupsafe import Markup

from portal.kernel import formats
from portal.kernel.countries import country_name
from portal.kernel.formats import clock_time, utc_offset
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.web.locale import language

LONGEST_CALLED = 60


def money(amount: Money) -> str:
    return formats.money(amount, language())


def localized(text: LocalizedText | None) -> str:
    return "" if text is None else text.within(language())


def day(moment: date | datetime, zone: str | None = None) -> str:
    return formats.day(moment, language(), zone)


def short_day(moment: date | datetime, zone: str | None = None) -> str:
    return formats.short_day(moment, language(), zone)


def weekday_short(day: date) -> str:
    return formats.weekday_short(day, language())


def weekday_day(moment: date | datetime, zone: str | None = None) -> str:
    return formats.weekday_day(moment, language(), zone)


def month_name(moment: date) -> str:
    return formats.month_name(moment, language())


def moment(value: datetime, zone: str) -> str:
    return formats.moment(value, language(), zone)


def country(code: str) -> str:
    return country_name(code, language())


def number(value: int | float) -> str:
    return formats.number(value, language())


def rate(value: Decimal) -> str:
    """An exchange rate, with as many decimal places as it has, six at most."""
    return formats.rate(value, language())


def nowrap(text: str) -> Markup:
    return Markup("<span class=\"nowrap\">{}</span>").format(text)


def called(name: str) -> str:
    """A name as a letter calls its reader: whoever gives somebody else's address must not speak to him through us.

    Nothing is left of which a mailbox would make a link, and no more than a name needs.
    """
    letters = "".join(sign if sign.isalnum() or sign in "-'’." or category(sign) == "Mn" else " " for sign in name)
    return " ".join(letters.replace(".", ". ").split())[:LONGEST_CALLED].strip()


def init_app(app: Flask) -> None:
    for filter_ in (
        money,
        localized,
        day,
        short_day,
        weekday_day,
        weekday_short,
        month_name,
        clock_time,
        utc_offset,
        moment,
        country,
        number,
        rate,
        nowrap,
        called,
    ):
        app.add_template_filter(filter_)
