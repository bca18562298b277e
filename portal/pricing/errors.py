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


class PromotionRefused(Refused):
    """Why a promotion code lowers nothing here; each reason is a class of its own."""


class PromotionUnknown(PromotionRefused):
    message = _l("There is no such promotion code. Please check how it is written.")


class PromotionNotYet(PromotionRefused):
    message = _l("This promotion has not begun yet. Book without the code, or come back when it has.")


class PromotionOver(PromotionRefused):
    message = _l("This promotion is over. The price stays as it is without the code.")


class PromotionElsewhere(PromotionRefused):
    message = _l("This code does not hold for prices in this currency. Choose another currency or leave the code out.")


class PromotionUsedUp(PromotionRefused):
    message = _l(
        "This code has been used as often as it may be. If another guest gives his cabin back, it works again: "
        "you can try it later, or book without it."
    )


class PromotionGivesNothing(PromotionRefused):
    message = _l("This code takes nothing off here: it is for other cabins, or your other reductions save you more.")


class CodeExists(Refused):
    message = _l("There is a promotion with this code already. Please choose another.")


class CurrencyNotSold(Refused):
    message = _l("This sailing has no prices in that currency. Please choose one of those that are offered.")
