"""The shape of a hold, and of the question for how many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import BooleanField, RadioField
from wtforms.validators import InputRequired

from portal.kernel.ages import OF_AGE
from portal.kernel.errors import Refused
from portal.kernel.forms import FlaskForm
from portal.pricing.party import MOST_CABINS, MOST_TRAVELLERS, Party, Traveller, parse_party

ADULT = 30  # an age that pays the full fare
NUMBER = re.compile(r"[0-9A-Za-z]{1,8}")  # of a cabin
TYPED = ("adults", "ages", "cabins")  # what the chooser of the party sends; the address keeps `party` instead


@dataclass(frozen=True)
class AskedParty:
    """The party of the address, if it names one; what is wrong with it stands in `refusal`."""

    party: Party | None = None
    refusal: Any = None
    group: int = 0  # which of its cabins is being chosen
    part: str | None = None  # of the voyage: its key, "2-4"
    chosen: tuple[str, ...] = ()  # numbers of the cabins chosen for the groups before this one, without a hold

    @property
    def text(self) -> str | None:
        return str(self.party) if self.party else None

    @property
    def address(self) -> dict[str, str | int]:
        """What a link that goes on with this party, and with this part of the voyage, carries."""
        return self.at(self.group)

    def at(self, group: int, chosen: tuple[str, ...] | None = None) -> dict[str, str | int]:
        """As address, for another of its cabins. chosen: what was chosen before it; None: as far as this one knows."""
        before = (self.chosen if chosen is None else chosen)[:group]
        given = {
            "part": self.part,
            "party": self.text,
            "group": group + 1 if self.text and group else None,
            "chosen": ",".join(before) or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    def with_cabin(self, number: str) -> tuple[str, ...]:
        """A cabin for each of the party's, once this one is the last that was missing; else none."""
        chosen = (*self.chosen, number)
        complete = self.party is not None and len(self.party.cabins) == len(chosen) == len(set(chosen)) > 1
        return chosen if complete else ()

    @property
    def adults(self) -> int | str:
        return sum(one.age >= OF_AGE for one in self.party.travellers) if self.party else ""

    @property
    def ages(self) -> str:
        """Of those under age, as they are typed."""
        return ", ".join(str(one.age) for one in self.party.travellers if one.age < OF_AGE) if self.party else ""

    @property
    def cabins(self) -> int | str:
        return len(self.party.cabins) if self.party and len(self.party.cabins) > 1 else ""

    @property
    def sleepers(self) -> tuple[Traveller, ...]:
        """Who sleeps in the cabin that is being chosen."""
        return self.party.cabins[self.group] if self.party else ()

    @property
    def alone(self) -> Party | None:
        """These as a party of their own."""
        return Party((self.sleepers,)) if self.party else None


def asked_party(address: Mapping[str, str]) -> AskedParty:
    """What the address says of the party."""
    text = address.get("party", "")
    if not text:
        return AskedParty()
    try:
        party = parse_party(text)
    except Refused as refused:
        return AskedParty(refusal=refused.message)
    group = address.get("group", "1")
    place = min(int(group) - 1, len(party.cabins) - 1) if group in "12345678" and group else 0
    chosen = tuple(NUMBER.findall(address.get("chosen", "")))[:place]
    return AskedParty(party, group=place, chosen=chosen if len(chosen) == place else ())


def typed_party(typed: Mapping[str, str]) -> str:
    """What was typed into the chooser, as an address says it; "" for nothing. Whether it can be, parse_party says.

    Adults and children are dealt out over the cabins in turn. Where nothing was changed the party stays as it was,
    with ages and citizenships that the chooser does not ask for.
    """
    asked = asked_party(typed)
    if asked.party and all(str(typed.get(name, "")).strip() == str(getattr(asked, name)) for name in TYPED):
        return str(asked.party)
    adults = int(typed["adults"]) if re.fullmatch(r"\d{1,2}", typed.get("adults", "")) else 0
    ages = [int(age) for age in re.findall(r"\d+", typed.get("ages", ""))[:MOST_TRAVELLERS]]
    cabins = int(typed["cabins"]) if re.fullmatch(r"[1-9]", typed.get("cabins", "")) else 1
    dealt: list[list[str]] = [[] for _ in range(min(cabins, MOST_CABINS))]
    for number, age in enumerate([*([ADULT] * min(adults, MOST_TRAVELLERS + 1)), *ages]):
        dealt[number % len(dealt)].append(str(age))
    return ";".join(",".join(cabin) for cabin in dealt) if any(dealt) else ""


class HoldForm(FlaskForm):
    party = RadioField(
        _l("How many of you will sleep in this cabin?"),
        [InputRequired(_l("Please choose how many of you will sleep in this cabin."))],
        coerce=int,
    )
    infant = BooleanField(_l("and one infant under 2, free of charge, without a berth of its own"))

    def offer(self, sleeps: int) -> None:
        """The choices of a cabin: one person to all its berths."""
        self.party.choices = [(n, ngettext("%(num)s passenger", "%(num)s passengers", n)) for n in range(1, sleeps + 1)]

    @property
    def persons(self) -> int:
        return int(self.party.data) + bool(self.infant.data)
