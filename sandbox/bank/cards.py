"""Test cards of the Turkmen bank; every number is the sandbox's own."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.cards import Card, with_check_digit


class Trick(StrEnum):
    """What goes wrong around a payment on demand."""

    NO_ANSWER = "no_answer"  # the money is taken, and the form never says so
    SETTLE_LATER = "settle_later"  # the bank thinks about it
    LESS = "less"  # a manat less than asked is taken
    REVERSED = "reversed"  # the bank takes the money back a little later
    REFUND_REFUSED = "refund_refused"


@dataclass(frozen=True)
class TurkmenCard(Card):
    """`action_code` is the bank's answer to the form; 0 pays."""

    action_code: int = 0
    asks: bool = False  # the bank asks by 3-D Secure
    trick: Trick | None = None

    @property
    def masked(self) -> str:
        return f"{self.number[:6]}**{self.number[-4:]}"


def _own(number: int) -> str:
    return with_check_digit(f"99340099{number:07}")


# Answer codes as the protocol lists them: 116 not enough money, 101 expired, 100 the bank forbids it.
CARDS = (
    TurkmenCard("success", _own(0)),
    TurkmenCard("authentication", _own(1), asks=True),
    TurkmenCard("funds", _own(2), 116),
    TurkmenCard("expired", _own(3), 101),
    TurkmenCard("declined", _own(4), 100),
    *(TurkmenCard(trick.value.replace("_", "-"), _own(10 + number), trick=trick) for number, trick in enumerate(Trick)),
)
CARDS_BY_NUMBER = {card.number: card for card in CARDS}
CARDS_BY_SLUG = {card.slug: card for card in CARDS}
