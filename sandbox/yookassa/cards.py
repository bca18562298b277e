"""Test cards of YooKassa, and the sandbox's own ones that misbehave."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.cards import Card, with_check_digit


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
class MirCard(Card):
    """`reason` is YooKassa's word for why a payment was canceled; None pays."""

    reason: str | None = None
    asks: bool = False  # the bank asks by 3-D Secure
    trick: Trick | None = None


def _own(number: int) -> str:
    """The sandbox's own numbers: Mir's range, and a last digit that fits."""
    return with_check_digit(f"22009999{number:07}")


# The first ones are YooKassa's: yookassa.ru/developers/payment-acceptance/testing-and-going-live/testing.
CARDS = (
    MirCard("success", "2202474301322987"),
    MirCard("authentication", "2200000000000004", asks=True),
    MirCard("funds", "2200000000000053", "insufficient_funds"),
    MirCard("declined", "2202202212312379", "general_decline"),
    MirCard("expired", "2200000000000038", "card_expired"),
    MirCard("secure", "2200000000000012", "3d_secure_failed"),
    *(MirCard(trick.value.replace("_", "-"), _own(number), trick=trick) for number, trick in enumerate(Trick)),
)
CARDS_BY_NUMBER = {card.number: card for card in CARDS}
CARDS_BY_SLUG = {card.slug: card for card in CARDS}
