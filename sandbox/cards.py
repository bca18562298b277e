"""Test cards of Stripe and what each does; the checks a real page makes of any card's number and expiry date."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Behaviour(StrEnum):
    PAY = "pay"
    DECLINE = "decline"
    AUTHENTICATE = "authenticate"  # a page of the bank: the customer approves or refuses there
    SETTLE_LATER = "settle_later"
    FAIL_LATER = "fail_later"


class RefundBehaviour(StrEnum):
    AT_ONCE = "at_once"
    LATER = "later"  # pending, then succeeded
    FAIL_LATER = "fail_later"  # succeeded, then failed


@dataclass(frozen=True)
class Card:
    """Of any provider; `slug` names it in addresses and in the words for people."""

    slug: str
    number: str

    @property
    def spaced(self) -> str:
        return " ".join(re.findall("....", self.number))

    @property
    def last4(self) -> str:
        return self.number[-4:]


@dataclass(frozen=True)
class StripeCard(Card):
    """`code` and `decline_code` are Stripe's."""

    behaviour: Behaviour = Behaviour.PAY
    code: str | None = None
    decline_code: str | None = None
    refunds: RefundBehaviour = RefundBehaviour.AT_ONCE
    disputed: bool = False  # the guest asks his bank to take the payment back, at once
    brand: str = "visa"


# Stripe's numbers with Stripe's behaviour; the two that settle later are the sandbox's own, for Stripe has such cards
# only in methods of payment other than cards.
TEST_CARDS = (
    StripeCard("success", "4242424242424242"),
    StripeCard("mastercard", "5555555555554444", brand="mastercard"),
    StripeCard("authentication", "4000002500003155", Behaviour.AUTHENTICATE),
    StripeCard("declined", "4000000000000002", Behaviour.DECLINE, "card_declined", "generic_decline"),
    StripeCard("funds", "4000000000009995", Behaviour.DECLINE, "card_declined", "insufficient_funds"),
    StripeCard("expired", "4000000000000069", Behaviour.DECLINE, "expired_card", "expired_card"),
    StripeCard("wrong-cvc", "4000000000000127", Behaviour.DECLINE, "incorrect_cvc", "incorrect_cvc"),
    StripeCard("processing", "4000000000000119", Behaviour.DECLINE, "processing_error", "processing_error"),
    StripeCard("later", "4000000000070005", Behaviour.SETTLE_LATER),
    StripeCard("later-failed", "4000000000070013", Behaviour.FAIL_LATER, "card_declined", "generic_decline"),
    StripeCard("refund-later", "4000000000007726", refunds=RefundBehaviour.LATER),
    StripeCard("disputed", "4000000000000259", disputed=True),
    StripeCard("refund-failed", "4000000000005126", refunds=RefundBehaviour.FAIL_LATER),
)
CARDS_BY_NUMBER = {card.number: card for card in TEST_CARDS}
CARDS_BY_SLUG = {card.slug: card for card in TEST_CARDS}


def luhn_valid(number: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, the sum of all digits divides by ten."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def with_check_digit(body: str) -> str:
    """The number that begins with `body` and is one digit longer."""
    return next(body + str(digit) for digit in range(10) if luhn_valid(body + str(digit)))


def expiry(typed: str) -> tuple[int, int] | None:
    """`12/30`, `12 / 2030`, `1230` → (2030, 12); None when it is not a month."""
    match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*[/.\- ]?\s*(20)?([0-9]{2})\s*", typed)
    return (2000 + int(match[3]), int(match[1])) if match else None
