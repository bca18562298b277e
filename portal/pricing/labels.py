"""What the lines of a price are called, and their reasons in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.kernel.countries import country_name
from portal.kernel.formats import day
from portal.kernel.money import Money
from portal.pricing.rules import LineKind, PricedParty, Why

LINES: dict[LineKind, LazyString] = {
    LineKind.ADULT: _l("Adult, place in a double cabin"),
    LineKind.SINGLE: _l("Cabin for single use"),
    LineKind.SINGLE_SUPPLEMENT: _l("Single supplement"),
    LineKind.CHILD: _l("Child of 2 to 14 years"),
    LineKind.INFANT: _l("Infant under 2, without a berth"),
    LineKind.EXTRA_BERTH: _l("Extra berth"),
    LineKind.PART: _l("Part of the voyage"),
    LineKind.FOREIGN_TARIFF: _l("Tariff for foreign citizens"),
    LineKind.EARLY_BOOKING: _l("Early booking"),
    LineKind.GROUP: _l("Group tariff"),
    LineKind.PROMOTION: _l("Promotion code"),
    LineKind.PORT_DUES: _l("Port dues"),
}


CURRENCIES: dict[str, LazyString] = {
    "RUB": _l("Roubles (₽)"),
    "USD": _l("US dollars (USD)"),
    "TMT": _l("Turkmen manats (TMT)"),
}


@dataclass(frozen=True)
class TraceRow:
    """A line of a price, in words."""

    passenger: str
    label: LazyString
    reason: LazyString
    amount: Money


def trace_rows(priced: PricedParty, names: Sequence[str]) -> tuple[TraceRow, ...]:
    """The lines of a price, each traveller's together. names: what the travellers are called, in their order."""
    return tuple(
        TraceRow(names[line.traveller], LINES[line.kind], explained(line.why), Money(line.amount, priced.currency))
        for line in sorted(priced.lines, key=lambda line: line.traveller)
    )


def traveller_names(priced: PricedParty) -> tuple[str, ...]:
    """For travellers without names yet: "Traveller 1, 30 years"."""
    return tuple(
        str(ngettext("Traveller %(place)s, %(num)s year", "Traveller %(place)s, %(num)s years", one.age, place=place))
        for place, one in enumerate(priced.party.travellers, 1)
    )


def explained(why: Why) -> LazyString:
    """Why a line of the price is there, in the reader's language."""
    return LazyString(_explained, why)


def left_out(why: Why) -> LazyString:
    """Why a discount that would apply did not, in the reader's language."""
    return LazyString(_left_out, why)


def _params(why: Why) -> dict[str, int | str]:
    """As they are read: dates and countries in the reader's language."""
    language = get_locale().language
    shown = dict(why.params)
    if "until" in shown:
        shown["until"] = day(date.fromisoformat(str(shown["until"])), language)
    if "country" in shown:
        shown["country"] = country_name(str(shown["country"]), language)
    for port in ("embark", "disembark"):
        if f"{port}_{language}" in shown:
            shown[port] = shown[f"{port}_{language}"]
    return shown


def _explained(why: Why) -> Any:
    given = _params(why)
    match why.code:
        case "fare_adult":
            return _("The fare of this category for one place in double use.")
        case "fare_child":
            return _("Age on the first day: %(age)s. From 2 to 14 years the child's fare applies.", **given)
        case "child_as_adult":
            return _("Age on the first day: %(age)s. This category has no lower fare for children.", **given)
        case "fare_infant":
            return _("Age on the first day: %(age)s. Under 2 years a child sleeps with its parents, free.", **given)
        case "fare_extra_berth":
            return _("The beds of the cabin are taken; the sofa is an extra berth with a fare of its own.")
        case "single_supplement":
            return _("One person has the whole cabin: the other bed stays empty.")
        case "part":
            return _(
                "Part of the voyage: %(embark)s – %(disembark)s, %(percent)s%% of the whole fare.",
                embark=given.get("embark", ""),
                disembark=given.get("disembark", ""),
                percent=given["percent"],
            )
        case "foreign_tariff":
            return _("The fare is for residents; citizens of other countries pay %(percent)s%% more.", **given)
        case "early_booking":
            return _("Booked by %(until)s: %(percent)s%% off.", **given)
        case "group":
            return _("A group of %(travellers)s or more: %(percent)s%% off.", **given)
        case "promotion" if "percent" in given:
            return _("Code %(code)s: %(percent)s%% off.", **given)
        case "promotion":
            return _("Code %(code)s: this traveller's share of the sum taken off.", **given)
        case "port_dues":
            return _("What the ports of this voyage charge for each person aboard.")
        case "port_dues_part":
            return _(
                "%(percent)s%% of what the ports of the whole voyage charge for each person aboard, as of the fare.",
                **given,
            )
    raise KeyError(why.code)


def _left_out(why: Why) -> Any:
    given = _params(why)
    if why.code == LineKind.PROMOTION:
        return _("The code %(code)s cannot be combined with the reductions above, which save you more.", **given)
    name = LINES[LineKind(why.code)]
    return _("%(name)s: cannot be combined with the reductions above, which save you more.", name=name)
