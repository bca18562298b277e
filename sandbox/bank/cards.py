"""Test cards of the Turkmen bank; every number is the sandbox's own."""

import re
from dataclasses import dataclass
from enum import StrEnum

from sandbox.cards import luhn_valid


class Trick(StrEnum):
    """What goes wrong around a payment on demand."""

    NO_ANSWER = "no_answer"  # the money is taken, and the form never says so
    SETTLE_LATER = "settle_later"  # the bank thinks about it
    LESS = "less"  # a manat less than asked is taken
    REVERSED = "reversed"  # the bank takes the money back a little later
    REFUND_REFUSED = "refund_refused"


@dataclass(frozen=True)
class Card:
    """`action_code` is the bank's answer to the form; 0 pays."""

    slug: str
    number: str
    action_code: int = 0
    asks: bool = False  # the bank asks by 3-D Secure
    trick: Trick | None = None

    @property
    def spaced(self) -> str:
        return " ".join(re.findall("....", self.number))

    @property
    def masked(self) -> str:
        return f"{self.number[:6]}**{self.number[-4:]}"

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _own(number: int) -> str:
    body = f"99340099{number:07}"
    return next(body + str(digit) for digit in range(10) if luhn_valid(body + str(digit)))


# Answer codes as the protocol lists them: 116 not enough money, 101 expired, 100 the bank forbids it.
CARDS = (
    Card("success", _own(0)),
    Card("authentication", _own(1), asks=True),
    Card("funds", _own(2), 116),
    Card("expired", _own(3), 101),
    Card("declined", _own(4), 100),
    *(Card(trick.value.replace("_", "-"), _own(10 + number), trick=trick) for number, trick in enumerate(Trick)),
)
CARDS_BY_NUMBER = {card.number: card for card in CARDS}
CARDS_BY_SLUG = {card.slug: card for card in CARDS}
