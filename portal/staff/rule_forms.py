"""The shape of entry rules as staff type them; what is right is judged by portal.visas.rule_file."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, IntegerField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.kernel.countries import countries_by_name
from portal.kernel.forms import FlaskForm
from portal.visas.labels import CONFIDENCES, REGIMES, RULE_COLUMNS, SEA_ACCESSES, STANDS_FOR
from portal.visas.rule_file import SHORT_MOST, TEXT_MOST, WHOLE_COLUMNS, RowFault

REQUIRED = InputRequired(_l("Please fill this in."))
FILE_MOST = 1024 * 1024


def _whole(column: str, least: int = 0) -> IntegerField:
    return IntegerField(RULE_COLUMNS[column], [Optional(), NumberRange(least, 999)])


def _line(column: str, most: int = TEXT_MOST) -> StringField:
    return StringField(RULE_COLUMNS[column], [Length(max=most)])


def _day(column: str, *, needed: bool = False) -> DateField:
    return DateField(RULE_COLUMNS[column], [REQUIRED if needed else Optional()])


class RuleForm(FlaskForm):
    """One rule, its fields named as the columns of the file; and why it is to be so."""

    dest = SelectField(RULE_COLUMNS["dest"], [REQUIRED])
    nationality = SelectField(RULE_COLUMNS["nationality"], [REQUIRED])
    stands_for = SelectField(RULE_COLUMNS["stands_for"], [Optional()])
    regime = SelectField(RULE_COLUMNS["regime"], [REQUIRED])
    max_stay_days = _whole("max_stay_days", 1)
    entries = _line("entries", SHORT_MOST)
    usable_by_sea = SelectField(RULE_COLUMNS["usable_by_sea"], [REQUIRED])
    conditions_ru = _line("conditions_ru")
    conditions_tk = _line("conditions_tk")
    conditions_en = _line("conditions_en")
    valid_from = _day("valid_from")
    valid_to = _day("valid_to")
    as_of = _day("as_of", needed=True)
    confidence = SelectField(RULE_COLUMNS["confidence"], [REQUIRED])
    sources = _line("sources", 1000)
    documents = _line("documents")
    group_min = _whole("group_min", 1)
    group_max = _whole("group_max", 1)
    passport_months = _whole("passport_months")
    blank_pages = _whole("blank_pages")
    photo_mm = _line("photo_mm")
    invitation_p50_days = _whole("invitation_p50_days")
    invitation_p90_days = _whole("invitation_p90_days")
    lead_p50_days = _whole("lead_p50_days")
    lead_p90_days = _whole("lead_p90_days")
    fee = _line("fee", 12)
    fee_currency = _line("fee_currency", 3)
    inferred = _line("inferred")
    why = TextAreaField(_l("Why, for whoever approves it"), [REQUIRED, Length(max=500)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        countries = [SelectChoice(code, name) for code, name in countries_by_name(str(get_locale().language))]
        self.dest.choices = self.nationality.choices = [SelectChoice("", _l("Please choose")), *countries]
        self.stands_for.choices = [SelectChoice("", _l("No")), *_choices(STANDS_FOR)]
        self.regime.choices = _choices(REGIMES)
        self.usable_by_sea.choices = _choices(SEA_ACCESSES)
        self.confidence.choices = _choices(CONFIDENCES)

    def row(self) -> dict[str, str]:
        """As a row of the file."""
        return {column: _text(self[column].data) for column in WHOLE_COLUMNS}

    def blame(self, fault: RowFault) -> None:
        """Show beside its field what is wrong."""
        if fault.column in self:
            self[fault.column].errors = [fault.message]
        else:
            self.form_errors.append(fault.message)


def _choices(names: Any) -> list[SelectChoice]:
    return [SelectChoice(value, name) for value, name in names.items()]


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value).strip()


class WithdrawForm(FlaskForm):
    why = TextAreaField(_l("Why it should no longer hold"), [REQUIRED, Length(max=500)])


class DeclineForm(FlaskForm):
    answer = TextAreaField(_l("Why not"), [REQUIRED, Length(max=500)])


class RuleFileForm(FlaskForm):
    """A file of rules; each of its rows is judged by portal.visas.rule_file."""

    rules = FileField(_l("File of rules (CSV)"), [FileRequired(_l("Please choose a file."))])
    whole = BooleanField(_l("The file is complete: rules that it does not name shall go"))
    why = TextAreaField(_l("Why, for whoever approves it"), [REQUIRED, Length(max=500)])
