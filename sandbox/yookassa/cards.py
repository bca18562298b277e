"""Test cards of YooKassa, and the sandbox's own ones that misbehave."""

import re
from dataclasses import dataclass
from enum import StrEnum

from sandbox.cards import luhn_valid


class Trick(StrEnum):
    """What goes wrong around a payment on demand."""

    NO_ANSWER = "no_answer"  # the money is taken, and the page never says so
    NOTICE_LOST = "notice_lost"
    NOTICE_TWICE = "notice_twice"
    NOTICE_LATE = "notice_late"
    NOTICE_FORGED = "notice_forged"  # nothing is paid, and somebody claims it was
    LESS = "less"  # a ruble less than asked is paid
    OTHER_CURRENCY = "other_currency"
    REFUND_LATER = "refund_later"
    REFUND_REFUSED = "refund_refused"  # pending, then canceled


@dataclass(frozen=True)
class Card:
    """`reason` is YooKassa's word for why a payment was canceled; None pays."""

    slug: str
    number: str
    reason: str | None = None
    asks: bool = False  # the bank asks by 3-D Secure
    trick: Trick | None = None

    @property
    def spaced(self) -> str:
        return " ".join(re.findall("....", self.number))

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _own(number: int) -> str:
    """The sandbox's own numbers: Mir's range, and a last digit that fits."""
    body = f"22009999{number:07}"
    return next(body + str(digit) for digit in range(10) if luhn_valid(body + str(digit)))


# The first ones are YooKassa's: yookassa.ru/developers/payment-acceptance/testing-and-going-live/testing.
CARDS = (
    Card("success", "2202474301322987"),
    Card("authentication", "2200000000000004", asks=True),
    Card("funds", "2200000000000053", "insufficient_funds"),
    Card("declined", "2202202212312379", "general_decline"),
    Card("expired", "2200000000000038", "card_expired"),
    Card("secure", "2200000000000012", "3d_secure_failed"),
    *(Card(trick.value.replace("_", "-"), _own(number), trick=trick) for number, trick in enumerate(Trick)),
)
CARDS_BY_NUMBER = {card.number: card for card in CARDS}
CARDS_BY_SLUG = {card.slug: card for card in CARDS}
