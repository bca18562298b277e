"""What the rules of prices refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.kernel.errors import Refused


class FaresChanged(Refused):
    message = _l(
        "Someone else has changed these fares meanwhile. What you typed is still here; compare it with the "
        "present fares, then save again."
    )


@dataclass(frozen=True)
class FareProblem:
    """What is wrong with one fare, and with which: "adult", "single", "child" or "extra"."""

    category: str
    field: str
    message: LazyString


class FaresRefused(Refused):
    message = _l("These fares contradict each other. Please look at the ones marked below.")

    def __init__(self, problems: Sequence[FareProblem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)


class PartyRefused(Refused):
    """Whatever is wrong with a party; each reason is a class of its own."""


class NobodyTravels(PartyRefused):
    message = _l("Say how old each traveller is on the first day of the cruise, for example 34, 32 and 7.")


class PartyUnreadable(PartyRefused):
    message = _l("Ages are whole years from 0 to 120, with a comma between people and a semicolon between cabins.")


class TooManyTravellers(PartyRefused):
    message = _l("Up to 20 people book together here. For a larger group please write to us: it has its own price.")


class TooManyCabins(PartyRefused):
    message = _l("Up to 8 cabins are booked together here. For more please write to us: a group has its own price.")


class EmptyCabin(PartyRefused):
    message = _l("One of the cabins has nobody in it. Put somebody in it or take the cabin away.")


class InfantsAlone(PartyRefused):
    message = _l("A child under 2 cannot have a cabin alone. Put the child in the cabin of an adult.")


class PartyDoesNotFit(PartyRefused):
    """More berths needed than the cabin has."""

    message = _l("These travellers need more berths than the cabin has. Choose a larger cabin or one cabin more.")
