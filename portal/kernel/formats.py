"""How values are written in a language: money, dates on the clocks of a place, numbers."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision

from portal.kernel.money import Money

# British order of day and month, and a clock of 24 hours: the readers of English here are not Americans.
FORMATTING = {"ru": "ru_RU", "tk": "tk_TM", "en": "en_GB"}


def money(amount: Money, language: str) -> str:
    """12 345 RUB-kopecks as "123,45 ₽"; whole amounts without the zeros, what is taken off with a true minus."""
    digits = get_currency_precision(amount.currency)
    value = Decimal(amount.minor).scaleb(-digits)
    whole = amount.minor % 10**digits == 0
    if amount.currency == "RUB" and language == "en":
        written = f"{format_decimal(value, format='#,##0' if whole else '#,##0.00', locale='en_GB')}\u00a0₽"
    else:
        written = format_currency(
            value,
            amount.currency,
            format="#,##0\u00a0¤" if whole else "#,##0.00\u00a0¤",
            locale=FORMATTING[language],
            currency_digits=False,
        )
    return written.replace("-", "\u2212")


def rate(value: Decimal, language: str) -> str:
    """ "92.4187": six decimal places at most."""
    return str(format_decimal(value, format="#,##0.######", locale=FORMATTING[language]))


def day_of(moment: date | datetime, zone: str | None) -> date:
    """The calendar day of a moment in `zone`; a day is itself."""
    if isinstance(moment, datetime):
        return (moment.astimezone(ZoneInfo(zone)) if zone else moment).date()
    return moment


def day(moment: date | datetime, language: str, zone: str | None = None) -> str:
    """ "7 May 2024"; a moment is first taken to `zone`."""
    pattern = {"ru": "d\u00a0MMMM y\u00a0'г'.", "tk": "d MMMM y", "en": "d MMMM y"}[language]
    return str(format_date(day_of(moment, zone), pattern, locale=FORMATTING[language]))


def short_day(moment: date | datetime, language: str, zone: str | None = None) -> str:
    """ "7 May"."""
    pattern = {"ru": "d\u00a0MMMM", "tk": "d MMMM", "en": "d MMM"}[language]
    return str(format_date(day_of(moment, zone), pattern, locale=FORMATTING[language]))


def period(starts: datetime, from_zone: str, ends: datetime, to_zone: str, language: str) -> str:
    """ "7 May – 12 May 2024"; both years where they differ."""
    one_year = day_of(starts, from_zone).year == day_of(ends, to_zone).year
    first = short_day(starts, language, from_zone) if one_year else day(starts, language, from_zone)
    return f"{first} – {day(ends, language, to_zone)}"


def weekday_short(day: date, language: str) -> str:
    """Mon: the head of a column of a calendar."""
    return str(format_date(day, "EEEEEE" if language == "ru" else "EEE", locale=FORMATTING[language]))


def weekday_day(moment: date | datetime, language: str, zone: str | None = None) -> str:
    """ "Tue, 7 May"."""
    pattern = {"ru": "EEE, d\u00a0MMMM", "tk": "d MMMM, EEE", "en": "EEE, d MMM"}[language]
    return str(format_date(day_of(moment, zone), pattern, locale=FORMATTING[language]))


def month_name(moment: date, language: str) -> str:
    """ "May 2024", standing alone."""
    text = str(format_date(moment, "LLLL y", locale=FORMATTING[language]))
    return text[:1].upper() + text[1:]


def clock_time(moment: datetime, zone: str) -> str:
    """ "13:00" on the clocks of `zone`."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def utc_offset(moment: datetime, zone: str) -> str:
    """ "UTC+4", "UTC+3:30"."""
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")


def moment(value: datetime, language: str, zone: str) -> str:
    """ "7 May 2024, 13:00 (UTC+4)" on the clocks of `zone`."""
    pattern = {"ru": "d\u00a0MMMM y\u00a0'г'., HH:mm", "tk": "d MMMM y, HH:mm", "en": "d MMMM y, HH:mm"}[language]
    local = value.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, pattern, locale=FORMATTING[language])} ({utc_offset(value, zone)})"


def clock_and_offset(value: datetime, zone: str) -> str:
    """ "13:00 (UTC+4)" on the clocks of `zone`."""
    return f"{clock_time(value, zone)} ({utc_offset(value, zone)})"


def number(value: int | float, language: str) -> str:
    return str(format_decimal(value, locale=FORMATTING[language]))
