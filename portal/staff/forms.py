"""The shape of what staff type. Times are typed and shown on the clocks of the port they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    EmailField,
    Field,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Email, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import TextInput

from portal.catalogue.errors import CallsRefused
from portal.catalogue.labels import CALL_STATES
from portal.catalogue.models import CallState, Category, PortCall, Sailing, VoyagePart
from portal.catalogue.services import CallEdit
from portal.kernel.forms import AmountField, FlaskForm, Form, trimmed
from portal.kernel.money import Money
from portal.kernel.text import LANGUAGE_NAMES, LANGUAGES, LocalizedText
from portal.payments.labels import TENDERS
from portal.payments.plans.schedule import MOST_STEPS
from portal.pricing.errors import FaresRefused, PartyRefused
from portal.pricing.models import Fare
from portal.pricing.party import Party, parse_party
from portal.pricing.promotions import CODE, plain_code
from portal.pricing.queries import CURRENCIES, CURRENCY
from portal.pricing.services import FareEdit, fares_seal
from portal.pricing.simulation import MOST_PARTIES, USUAL
from portal.visas.labels import RETURN_REASONS

REQUIRED = InputRequired()
ALL_NAMES = InputRequired(_l("Please write the name in this language, too."))
ALL_LANGUAGES = _l("Guests read in three languages: please write it in this one, too.")
LOCAL = "%Y-%m-%dT%H:%M"


class LocalTimeField(DateTimeLocalField):
    """A time on the clocks of `zone`, which is set before anything is read; `moment` is what it means."""

    def __init__(self, label: Any, validators: Any = (), **settings: Any) -> None:
        super().__init__(label, validators, format=[LOCAL, "%Y-%m-%dT%H:%M:%S"], **settings)
        self.zone = "UTC"

    def show(self, moment: datetime | None, zone: str) -> None:
        self.zone = zone
        if not self.raw_data:
            self.data = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if moment else None

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_l("Please give a date and a time, such as 2024-05-07 13:00.")) from None

    @property
    def moment(self) -> datetime | None:
        return None if self.data is None else self.data.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def pre_validate(self, form: Any) -> None:
        """Where clocks are put forward, an hour of the year does not exist."""
        if self.data is not None and self.moment is not None:
            back = self.moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
            if back != self.data:
                raise ValidationError(_l("This time does not exist there on that day: clocks are put forward."))


class CallForm(Form):
    arrives = LocalTimeField(_l("Arrives"), [Optional()])
    departs = LocalTimeField(_l("Departs"), [Optional()])
    state = SelectField(
        _l("State"), [REQUIRED], choices=[SelectChoice(state.value, CALL_STATES[state]) for state in CallState]
    )
    note_ru = TextAreaField(_l("Note in Russian"), [Length(max=500)], filters=[trimmed])
    note_tk = TextAreaField(_l("Note in Turkmen"), [Length(max=500)], filters=[trimmed])
    note_en = TextAreaField(_l("Note in English"), [Length(max=500)], filters=[trimmed])

    def validate(self, extra_validators: Any = None) -> bool:
        right = bool(super().validate(extra_validators))
        texts = {code: self[f"note_{code}"] for code in LANGUAGES}
        if any(text.data for text in texts.values()):
            for text in texts.values():
                if not text.data:
                    text.errors = [*text.errors, ALL_LANGUAGES]
                    right = False
        return right

    @property
    def notes(self) -> LocalizedText | None:
        texts = {code: self[f"note_{code}"].data for code in LANGUAGES}
        return LocalizedText(texts) if all(texts.values()) else None


class SailingForm(FlaskForm):
    version = IntegerField(_l("Version"), [InputRequired()])
    status_ru = StringField(_l("Status text in Russian"), [REQUIRED, Length(max=300)], filters=[trimmed])
    status_tk = StringField(_l("Status text in Turkmen"), [REQUIRED, Length(max=300)], filters=[trimmed])
    status_en = StringField(_l("Status text in English"), [REQUIRED, Length(max=300)], filters=[trimmed])
    calls = FieldList(FormField(CallForm))

    @classmethod
    def of(cls, sailing: Sailing) -> SailingForm:
        """With the sailing as it is, under what was typed; without that where it is not about these calls."""
        present: dict[str, Any] = {
            "version": sailing.version,
            **{f"status_{code}": sailing.status_text.by_locale.get(code, "") for code in LANGUAGES},
            "calls": [
                {"state": call.state.value}
                | {f"note_{code}": call.notes.by_locale.get(code, "") if call.notes else "" for code in LANGUAGES}
                for call in sailing.calls
            ],
        }
        form = cls(**present)
        if len(form.calls) != len(sailing.calls):
            form = cls(formdata=None, **present)
        for entry, call in zip(form.calls, sailing.calls, strict=True):
            entry.label.text = f"{call.position}. {call.port.name.within(get_locale().language)}"
            entry.form.arrives.show(call.arrives_at, call.port.zone)
            entry.form.departs.show(call.departs_at, call.port.zone)
            # The service asks for them; only the last departure may be left out.
            entry.form.arrives.flags.required = True
            entry.form.departs.flags.required = call is not sailing.calls[-1]
        return form

    @property
    def status_text(self) -> LocalizedText:
        return LocalizedText({code: self[f"status_{code}"].data for code in LANGUAGES})

    def edits(self, calls: Sequence[PortCall]) -> list[CallEdit]:
        return [
            CallEdit(
                position=call.position,
                arrives_at=entry.form.arrives.moment,
                departs_at=entry.form.departs.moment,
                state=CallState(entry.form.state.data),
                notes=entry.form.notes,
            )
            for entry, call in zip(self.calls, calls, strict=True)
        ]

    def mark(self, refusal: CallsRefused, calls: Sequence[PortCall]) -> None:
        """Say each problem beside the field it is about."""
        entries = {call.position: entry.form for entry, call in zip(self.calls, calls, strict=True)}
        for problem in refusal.problems:
            input_ = entries[problem.position][problem.field]
            input_.errors = [*input_.errors, problem.message]
        self.calls.errors = [entry.errors for entry in self.calls]

    def take_version(self, version: int) -> None:
        """The next attempt is made in knowledge of this version."""
        self.version.data, self.version.raw_data = version, None


class SaleForm(FlaskForm):
    until = LocalTimeField(_l("Sell until"), [REQUIRED])


class CloseSalesForm(FlaskForm):
    reason = StringField(_l("Reason"), [REQUIRED, Length(max=200)], filters=[trimmed])


class PartForm(FlaskForm):
    embark = SelectField(_l("Guests embark at"), [REQUIRED], coerce=int)
    disembark = SelectField(_l("They leave at"), [REQUIRED], coerce=int)
    percent = IntegerField(_l("Percentage of the whole fare"), [REQUIRED], widget=TextInput())
    mark = RadioField(
        _l("This percentage is"),
        [REQUIRED],
        choices=[
            SelectChoice("proposed", _l("a proposal")),
            SelectChoice("confirmed", _l("set by the operator")),
        ],
        default="proposed",
    )
    on_sale = BooleanField(_l("On sale"))

    @classmethod
    def of(cls, part: VoyagePart | None, calls: Sequence[PortCall]) -> PartForm:
        """With the part as it is, under what was typed, and the calls to choose from."""
        present: dict[str, Any] = {}
        if part is not None:
            present = {
                "embark": part.embark_position,
                "disembark": part.disembark_position,
                "percent": part.percent,
                "mark": part.mark,
                "on_sale": part.on_sale,
            }
        form = cls(**present)
        language = get_locale().language
        named = [(call.position, f"{call.position}. {call.port.name.within(language)}") for call in calls]
        form.embark.choices, form.disembark.choices = named[:-1], named[1:]
        return form


class FareForm(Form):
    category = HiddenField()
    adult = AmountField(_l("Adult, two in the cabin"), [REQUIRED])
    single = AmountField(_l("Alone in the cabin"), [REQUIRED])
    child = AmountField(_l("Child"), [REQUIRED])
    extra = AmountField(_l("Extra berth"), [Optional()])


class FaresForm(FlaskForm):
    seen = HiddenField()
    mark = RadioField(
        _l("These fares are"),
        [REQUIRED],
        choices=[
            SelectChoice("proposed", _l("proposed")),
            SelectChoice("confirmed", _l("confirmed by the operator")),
        ],
    )
    fares = FieldList(FormField(FareForm))
    port_dues = AmountField(_l("Port dues for each person"), [REQUIRED])
    parties = TextAreaField(_l("Parties to try"), [Length(max=2000)])

    @classmethod
    def of(cls, fares: Sequence[tuple[Category, Fare]]) -> FaresForm:
        """With the fares as they are, under what was typed; without that where it is not about these fares."""
        present: dict[str, Any] = {
            "seen": fares_seal(fare for _, fare in fares),
            "mark": "confirmed" if all(fare.mark == "confirmed" for _, fare in fares) else "proposed",
            "fares": [
                {
                    "category": category.code,
                    "adult": fare.adult_minor,
                    "single": fare.single_minor,
                    "child": fare.child_minor,
                    "extra": fare.extra_minor,
                }
                for category, fare in fares
            ],
        }
        present["port_dues"] = fares[0][1].price_list.port_dues_minor if fares else 0
        present["parties"] = "\n".join(USUAL)
        form = cls(**present)
        if len(form.fares) != len(fares):
            form = cls(formdata=None, **present)
        form.port_dues.currency = fares[0][1].currency if fares else CURRENCY
        for entry, (category, fare) in zip(form.fares, fares, strict=True):
            entry.label.text = category.name.within(get_locale().language)
            for name in ("adult", "single", "child", "extra"):
                entry.form[name].currency = fare.currency
        return form

    def validate_parties(self, field: TextAreaField) -> None:
        """One in a line; what cannot be read is named."""
        self.tried: list[Party] = []
        lines = [line for line in (field.data or "").splitlines() if line.strip()]
        for line in lines[:MOST_PARTIES]:
            try:
                self.tried.append(parse_party(line))
            except PartyRefused as refusal:
                raise ValidationError(f"{line}: {refusal.message}") from None

    def edits(self) -> list[FareEdit]:
        return [
            FareEdit(
                category=entry.form.category.data,
                adult_minor=entry.form.adult.data,
                single_minor=entry.form.single.data,
                child_minor=entry.form.child.data,
                extra_minor=entry.form.extra.data,
            )
            for entry in self.fares
        ]

    def mark_problems(self, refusal: FaresRefused) -> None:
        entries = {entry.form.category.data: entry.form for entry in self.fares}
        for problem in refusal.problems:
            input_ = entries[problem.category][problem.field]
            input_.errors = [*input_.errors, problem.message]
        self.fares.errors = [entry.errors for entry in self.fares]

    def take_seal(self, seal: str) -> None:
        self.seen.data, self.seen.raw_data = seal, None


class CabinsForm(FlaskForm):
    """Cabins are chosen by their tick; `reason` is asked for closing only."""

    reason = StringField(_l("Reason for closing"), [Length(max=200)], filters=[trimmed])


class StopForm(FlaskForm):
    """Cancel or postpone a sailing: typed first, then carried through the preview to the confirmation."""

    kind = RadioField(
        _l("What shall happen?"),
        [InputRequired(_l("Please choose."))],
        choices=[
            SelectChoice("cancel", _l("Cancel the sailing")),
            SelectChoice("postpone", _l("Postpone it to other days")),
        ],
    )
    days = IntegerField(_l("By how many days"), [Optional(), NumberRange(-365, 365)])
    decide_days = IntegerField(_l("Days in which guests may choose"), [Optional(), NumberRange(3, 90)], default=14)
    reason_ru = StringField(_l("Reason in Russian"), [REQUIRED, Length(max=300)], filters=[trimmed])
    reason_tk = StringField(_l("Reason in Turkmen"), [REQUIRED, Length(max=300)], filters=[trimmed])
    reason_en = StringField(_l("Reason in English"), [REQUIRED, Length(max=300)], filters=[trimmed])
    seen = HiddenField()
    code = StringField(_l("Code of the sailing"), [Optional(), Length(max=20)], filters=[trimmed])

    @property
    def reason(self) -> LocalizedText:
        return LocalizedText({code: self[f"reason_{code}"].data for code in LANGUAGES})

    @property
    def postponed(self) -> bool:
        return bool(self.kind.data == "postpone")

    def validate(self, extra_validators: Any = None) -> bool:
        right = bool(super().validate(extra_validators))
        if self.postponed:
            for field in (self.days, self.decide_days):
                if not field.data and not field.errors:
                    field.errors = [*field.errors, _l("Please give a number of days.")]
                    right = False
        return right


class RemoveForm(FlaskForm):
    """Why a party is taken off the waiting list."""

    reason = StringField(_l("Reason"), [REQUIRED, Length(max=200)], filters=[trimmed])


class ReceivedForm(FlaskForm):
    """The amount is typed once more from the bank's statement: a slip of the eye is caught here."""

    amount = AmountField(_l("Amount received"), [REQUIRED])


class DeskForm(FlaskForm):
    """Money taken by hand; the cash register has printed the receipt already."""

    amount = AmountField(_l("Amount taken"), [REQUIRED])
    tender = RadioField(
        _l("What was handed over?"),
        [InputRequired(_l("Please choose what was handed over."))],
        choices=[SelectChoice(tender.value, label) for tender, label in TENDERS.items()],
    )
    receipt = StringField(_l("Number of the receipt"), [REQUIRED, Length(max=40)])


class SettledForm(FlaskForm):
    note = StringField(_l("What you found and did"), [REQUIRED, Length(max=500)], filters=[trimmed])


class StatementForm(FlaskForm):
    """One file; what is in it is judged by portal.payments.statements."""

    statement = FileField(_l("File of the bank"), [FileRequired(_l("Please choose a file."))])


class AssignForm(FlaskForm):
    """For which payment money is, and how much of it: less than all splits it."""

    reference = StringField(_l("Reference of the payment or of the booking"), [REQUIRED, Length(max=20)])
    amount = AmountField(_l("How much of it"), [REQUIRED])


RATE = re.compile(r"\d{1,7}(?:[.,]\d{1,6})?")
# Beside the currencies of our prices, those of the countries of call.
RATED = (*CURRENCIES, "EUR", "KZT", "AZN")


class RateForm(FlaskForm):
    """An exchange rate of a day, as its source has it."""

    day = DateField(_l("Day"), [REQUIRED])
    currency = SelectField(_l("1 unit of"), [REQUIRED], choices=[SelectChoice(code, code) for code in RATED])
    rate = StringField(_l("is so many"), [REQUIRED], filters=[trimmed])
    against = SelectField(_l("units of"), [REQUIRED], choices=[SelectChoice(code, code) for code in RATED])
    source = StringField(_l("Source"), [REQUIRED, Length(max=200)], filters=[trimmed])

    def validate_rate(self, field: Field) -> None:
        if not RATE.fullmatch(field.data or "") or not self.value:
            raise ValidationError(_l("Please type a number above zero with six decimal places at most, like 92.4187."))

    def validate_against(self, field: Field) -> None:
        if field.data == self.currency.data:
            raise ValidationError(_l("Please choose two different currencies."))

    @property
    def value(self) -> Decimal:
        return Decimal((self.rate.data or "0").replace(",", "."))


class AcceptForm(FlaskForm):
    """Nothing to type: the decision is the button."""


class ReturnForm(FlaskForm):
    reason = RadioField(
        _l("What is wrong with it?"),
        [InputRequired(_l("Please choose a reason."))],
        choices=[SelectChoice(reason.value, label) for reason, label in RETURN_REASONS.items()],
    )
    note = TextAreaField(_l("Note to the guest"), [Length(max=500)])  # as long as its column


class WaiverForm(FlaskForm):
    """Why a passenger may go without a paper; kept with the trail for as long as the booking."""

    reason = TextAreaField(_l("Why may the passenger go without it?"), [REQUIRED, Length(max=500)])
    evidence = TextAreaField(_l("What does that rest on?"), [REQUIRED, Length(max=500)])
    file = FileField(_l("The evidence as a file"))


FEE_CURRENCIES = ("USD", "EUR", "RUB", "TMT", "KZT")  # in which consulates take their fees


class CaseForm(FlaskForm):
    """What happened to a visa case."""

    to = RadioField(_l("What happened?"), [InputRequired(_l("Please choose what happened."))])
    on = DateField(_l("On which day"), [REQUIRED])
    fee = AmountField(_l("Fee"), [Optional()])  # all of FEE_CURRENCIES have hundredths
    currency = SelectField(_l("Currency of the fee"), choices=[SelectChoice(one, one) for one in FEE_CURRENCIES])
    number = StringField(_l("Number of the visa or the letter"), [Optional(), Length(max=40)], filters=[trimmed])
    valid_from = DateField(_l("Valid from"), [Optional()])
    valid_to = DateField(_l("Valid until"), [Optional()])
    note = TextAreaField(_l("Note for colleagues"), [Optional(), Length(max=500)])

    @property
    def money(self) -> Money | None:
        return None if self.fee.data is None else Money(self.fee.data, self.currency.data)


CABIN_NUMBERS = re.compile(r"[\s,;]+")


class ReservationForm(FlaskForm):
    """Cabins for an agency until a date, by the clocks of the first port."""

    kind = RadioField(_l("What is it?"), [REQUIRED])
    part = SelectField(_l("For which part of the voyage"))
    numbers = StringField(_l("Cabins"), [REQUIRED, Length(max=300)], filters=[trimmed])
    name = StringField(_l("Kept for"), [REQUIRED, Length(max=120)], filters=[trimmed])
    email = EmailField(
        _l("E-mail"),
        [REQUIRED, Length(max=254), Email(_l("Please check the address: mail could not be sent to it."))],
        filters=[trimmed],
    )
    language = SelectField(_l("Language of the letters"), [REQUIRED])
    until = LocalTimeField(_l("Kept until"), [REQUIRED])
    note = StringField(_l("Note"), [Optional(), Length(max=200)], filters=[trimmed])

    @property
    def cabins(self) -> list[str]:
        return [number for number in CABIN_NUMBERS.split(self.numbers.data or "") if number]


class ReservationDateForm(FlaskForm):
    until = LocalTimeField(_l("Kept until"), [REQUIRED])


class RefuseChangeForm(FlaskForm):
    reason = TextAreaField(_l("Why it cannot be changed"), [REQUIRED, Length(max=500)], filters=[trimmed])


class PromotionForm(FlaskForm):
    """Either a percentage or a sum; limits are for all bookings together, and none is asked for."""

    code = StringField(_l("Code"), [REQUIRED], filters=[trimmed])
    percent = IntegerField(_l("Per cent off"), [Optional(), NumberRange(1, 100)])
    amount = AmountField(_l("Or a sum off the whole booking"), [Optional()])
    currency = SelectField(_l("Currency"), [Optional()], choices=[SelectChoice("", _l("every currency"))])
    starts_on = DateField(_l("First day to book"), [Optional()])
    ends_on = DateField(_l("Last day to book"), [Optional()])
    combinable = BooleanField(_l("May be combined with early booking and the group tariff"))
    uses = IntegerField(_l("At most so many bookings"), [Optional(), NumberRange(1, 100000)])
    cabins = IntegerField(_l("At most so many cabins"), [Optional(), NumberRange(1, 100000)])
    budget = AmountField(_l("At most so much taken off in all"), [Optional()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency.choices = [
            SelectChoice("", _l("every currency")),
            *(SelectChoice(code, code) for code in CURRENCIES),
        ]

    def validate_code(self, field: StringField) -> None:
        if CODE.fullmatch(plain_code(field.data or "")) is None:
            raise ValidationError(_l("A code has 3 to 20 Latin letters and digits."))

    def validate(self, extra_validators: Any = None) -> bool:
        """What belongs together is looked at together, also where nothing was typed."""
        right = bool(super().validate(extra_validators))
        typed_wrong = self.percent.errors or self.amount.errors
        if not typed_wrong and (self.percent.data is None) == (self.amount.data is None):
            self.percent.errors = [_l("Give either a percentage or a sum.")]
            right = False
        if not self.currency.data and (self.amount.data is not None or self.budget.data is not None):
            self.currency.errors = [_l("A sum needs its currency.")]
            right = False
        return right

    def validate_ends_on(self, field: DateField) -> None:
        if field.data and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError(_l("The last day is before the first."))


STEP = re.compile(r"(?:(\d{1,3})|(\d{4}-\d\d-\d\d))(?:\s*[x×]\s*([1-9]\d{0,2}))?")


def plan_steps(text: str) -> list[dict[str, Any]]:
    """The later parts of a plan, one a line: "45", "2024-03-01" or "45 x2". Raises ValueError with the line."""
    steps = []
    for line in filter(None, map(str.strip, text.splitlines())):
        found = STEP.fullmatch(line)
        if found is None:
            raise ValueError(line)
        try:
            when = {"days": int(found[1])} if found[1] else {"on": date.fromisoformat(found[2]).isoformat()}
        except ValueError:
            raise ValueError(line) from None
        steps.append({**when, "weight": int(found[3] or 1)})
    return steps


class PlanForm(FlaskForm):
    """A plan to pay in parts: either a percentage or a sum for each person at booking, and the days of the rest."""

    code = StringField(_l("Name in short"), [REQUIRED, Length(max=20)], filters=[trimmed])
    percent = IntegerField(_l("Per cent of the price at booking"), [Optional(), NumberRange(1, 99)])
    amount = AmountField(_l("Or a sum for each person"), [Optional()])
    currency = SelectField(
        _l("Currency of the sum"), choices=[SelectChoice(code, code) for code in CURRENCIES], default=CURRENCY
    )
    steps = TextAreaField(_l("Later parts, one in a line"), [REQUIRED])
    lock_percent = IntegerField(
        _l("The price is locked once so many per cent are paid"), [InputRequired(), NumberRange(0, 100)], default=30
    )
    sailing = StringField(_l("Only for this sailing"), [Optional(), Length(max=12)], filters=[trimmed])
    mark = RadioField(
        _l("These terms are"),
        [REQUIRED],
        choices=[SelectChoice("proposed", _l("proposed")), SelectChoice("confirmed", _l("confirmed"))],
        default="proposed",
    )

    def validate_code(self, field: StringField) -> None:
        if re.fullmatch(r"[a-z0-9-]{2,20}", field.data or "") is None:
            raise ValidationError(_l("A name in short has 2 to 20 small Latin letters, digits and hyphens."))

    def validate_steps(self, field: TextAreaField) -> None:
        try:
            steps = plan_steps(field.data or "")
        except ValueError as wrong:
            line = str(wrong)
            raise ValidationError(
                _l("“%(line)s” is neither a number of days before the cruise nor a day like 2024-03-01.", line=line)
            ) from None
        if not 1 <= len(steps) <= MOST_STEPS:
            raise ValidationError(_l("A plan has 1 to 24 later parts."))

    def validate(self, extra_validators: Any = None) -> bool:
        """The two kinds of a first part are looked at together, also where nothing was typed."""
        right = bool(super().validate(extra_validators))
        typed_wrong = self.percent.errors or self.amount.errors
        if not typed_wrong and (self.percent.data is None) == (not self.amount.data):
            self.percent.errors = [_l("Give either a percentage or a sum.")]
            right = False
        return right


class MoreTimeForm(FlaskForm):
    until = DateField(_l("Nothing is due before"), [REQUIRED])
    note = TextAreaField(_l("Why, for colleagues"), [REQUIRED, Length(max=500)], filters=[trimmed])


class ArrearsForm(FlaskForm):
    """Cancelling for parts that did not come: upon the sums that were shown."""

    returned = HiddenField()
    sure = BooleanField(_l("I have spoken with the guest, or tried to; cancel this booking"))

    def validate_sure(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(_l("Please tick this box: a cancelled booking cannot be brought back."))


class CostsForm(FlaskForm):
    costs = AmountField(_l("Costs actually incurred"), [InputRequired(_l("Please type the costs; 0 where none."))])
    note = TextAreaField(
        _l("What was spent, and the papers that show it"), [REQUIRED, Length(max=500)], filters=[trimmed]
    )


class AgencyForm(FlaskForm):
    """Whom we give credit. The currency and the commission stay as they are made: what was booked by them stands."""

    name_ru = StringField(_l("Name in Russian"), [ALL_NAMES, Length(max=120)], filters=[trimmed])
    name_tk = StringField(_l("Name in Turkmen"), [ALL_NAMES, Length(max=120)], filters=[trimmed])
    name_en = StringField(_l("Name in English"), [ALL_NAMES, Length(max=120)], filters=[trimmed])
    email = EmailField(_l("E-mail for invoices"), [REQUIRED, Length(max=254), Email()], filters=[trimmed])
    language = SelectField(_l("Language of letters"), [REQUIRED])
    currency = SelectField(
        _l("Currency of the credit"),
        [REQUIRED],
        choices=[SelectChoice(code, code) for code in CURRENCIES],
        default=CURRENCY,
    )
    limit = AmountField(_l("Credit limit"), [InputRequired(_l("Please type the limit; 0 where there is none."))])
    percent = DecimalField(_l("Commission, per cent of the price"), [InputRequired(), NumberRange(0, 50)], places=2)
    settling = RadioField(
        _l("How the commission is settled"),
        [REQUIRED],
        choices=[
            SelectChoice("net", _l("Net: the agency takes it off and pays the rest")),
            SelectChoice("gross", _l("The agency pays the whole price and is credited the commission afterwards")),
        ],
        default="net",
    )

    def prepare(self) -> None:
        self.language.choices = [SelectChoice(code, name, {"lang": code}) for code, name in LANGUAGE_NAMES.items()]

    @property
    def points(self) -> int:
        """The commission in hundredths of a per cent."""
        return int((self.percent.data or Decimal(0)) * 100)


class AgencyTermsForm(FlaskForm):
    limit = AmountField(_l("Credit limit"), [InputRequired(_l("Please type the limit; 0 where there is none."))])
    active = BooleanField(_l("It may take new bookings on credit"))


class AgencyMemberForm(FlaskForm):
    member_email = EmailField(_l("Address of the account"), [REQUIRED, Length(max=254), Email()], filters=[trimmed])


class CreditForm(FlaskForm):
    booking = StringField(_l("Reference of the booking"), [REQUIRED, Length(max=20)], filters=[trimmed])
