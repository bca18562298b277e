"""What the payment pages share: a typed card and its checks, the bank's question, and where a form may lead."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

from flask import g, render_template, request

from sandbox.cards import Card, expiry, luhn_valid

PREFILLED = {"expiry": "12/34", "cvc": "123", "name": "TEST CUSTOMER"}
CARD_FIELDS = ("number", "expiry", "cvc", "name")

C = TypeVar("C", bound=Card)


def new_form(cards: Mapping[str, Card]) -> dict[str, str]:
    """Empty fields, or filled with the one of `cards`, by their slugs, that the address names."""
    chosen = cards.get(request.args.get("card", ""))
    return dict.fromkeys(CARD_FIELDS, "") | (PREFILLED | {"number": chosen.spaced} if chosen else {})


def typed_form(fields: Sequence[str] = CARD_FIELDS) -> dict[str, str]:
    return {field: request.form.get(field, "").strip() for field in fields}


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


def show_question(amount: str, last4: str | None, back: str) -> str:
    """What the bank asks about a card, or without one its application. back: where the answer leads."""
    let_forms_lead_to(back)
    return render_template("bank.html", amount=amount, last4=last4)


def approves() -> bool:
    """The answer to the bank's question."""
    return request.form.get("answer") == "approve"


def let_forms_lead_to(address: str) -> None:
    """A form may lead to `address` by a redirect: without this the browser's content policy stops it there."""
    parts = urlsplit(address)
    g.forms_lead_to = f"{parts.scheme}://{parts.netloc}"
