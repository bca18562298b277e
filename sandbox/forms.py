"""What the payment pages share: the checks of a typed card, and where a form may lead."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

from flask import g

from sandbox.cards import Card, expiry, luhn_valid

PREFILLED = {"expiry": "12/34", "cvc": "123", "name": "TEST CUSTOMER"}
CARD_FIELDS = ("number", "expiry", "cvc", "name")

C = TypeVar("C", bound=Card)


def check_card(typed: dict[str, str], cards: Mapping[str, C]) -> tuple[C | None, dict[str, str]]:
    """The test card that was typed, and the word for what is wrong with each field; a real card is forgotten."""
    errors: dict[str, str] = {}
    number = re.sub(r"[\s-]", "", typed["number"])
    card = cards.get(number)
    if not number:
        errors["number"] = "number_missing"
    elif not (number.isascii() and number.isdecimal() and luhn_valid(number)):
        errors["number"] = "number_wrong"
    elif card is None:
        errors["number"] = "number_real"
        typed["number"] = typed["cvc"] = ""  # whatever real card this is, it is not shown again
    month, today = expiry(typed["expiry"]), datetime.now(UTC)
    if month is None:
        errors["expiry"] = "expiry_wrong"
    elif month < (today.year, today.month):
        errors["expiry"] = "expiry_past"
    if not re.fullmatch(r"[0-9]{3}", typed["cvc"]):
        errors["cvc"] = "cvc_wrong"
    if not typed["name"]:
        errors["name"] = "name_missing"
    return card, errors


def let_forms_lead_to(address: str) -> None:
    """A form may lead to `address` by a redirect: without this the browser's content policy stops it there."""
    parts = urlsplit(address)
    g.forms_lead_to = f"{parts.scheme}://{parts.netloc}"
