"""Reads the JSON of a request as YooKassa's documentation describes it: every field known, every limit kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from sandbox.yookassa.errors import YooKassaError, invalid

Rule = Callable[[Any, str], Any]

CURRENCY = "RUB"
LONGEST_DESCRIPTION, LONGEST_REFUND_DESCRIPTION, LONGEST_ITEM = 128, 250, 128
MOST_ITEMS = 100
METADATA_KEYS, METADATA_NAME, METADATA_VALUE = 16, 32, 512
SUBJECTS = ("commodity", "job", "service", "payment", "intellectual_activity", "composite", "another")
MODES = ("full_prepayment", "partial_prepayment", "advance", "full_payment", "partial_payment", "credit")
LOCALES = ("ru_RU", "en_US")


def structure(known: Mapping[str, Rule], required: Sequence[str] = ()) -> Rule:
    def rule(value: Any, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid(at or "body", "Expected an object")
        for name in value:
            if name not in known:
                raise invalid(_inside(at, name), "Unknown parameter")
        for name in required:
            if value.get(name) is None:
                raise invalid(_inside(at, name), "Parameter is required")
        return {name: known[name](inner, _inside(at, name)) for name, inner in value.items() if inner is not None}

    return rule


def text(longest: int) -> Rule:
    def rule(value: Any, at: str) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise invalid(at, f"Expected a text of 1 to {longest} characters")
        return value

    return rule


def choice(*allowed: str) -> Rule:
    def rule(value: Any, at: str) -> str:
        if value not in allowed:
            raise invalid(at, f"Expected one of {', '.join(allowed)}")
        return str(value)

    return rule


def boolean(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(at, "Expected true or false")
    return value


def kopecks(value: Any, at: str) -> int:
    """`"125000.00"` → 12500000; another number of decimals is refused."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,10}\.[0-9]{2}", value) or Decimal(value) == 0:
        raise invalid(at, "Expected a positive amount with two decimals")
    return int(Decimal(value) * 100)


def web_address(value: Any, at: str) -> str:
    parts = urlsplit(value if isinstance(value, str) else "")
    if parts.scheme not in ("http", "https") or not parts.hostname or len(value) > 2048:
        raise invalid(at, "Expected a web address of at most 2048 characters")
    return str(value)


def email(value: Any, at: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", value):
        raise invalid(at, "Expected an e-mail address")
    return value


def phone(value: Any, at: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4,15}", value):
        raise invalid(at, "Expected a telephone number of digits in ITU-T E.164")
    return value


def quantity(value: Any, at: str) -> Decimal:
    if not isinstance(value, str | int | float) or not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", str(value)):
        raise invalid(at, "Expected a quantity")
    return Decimal(str(value))


def vat_code(value: Any, at: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 12:
        raise invalid(at, "Expected a number from 1 to 12")
    return value


def metadata(value: Any, at: str) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > METADATA_KEYS:
        raise invalid(at, f"Expected at most {METADATA_KEYS} pairs")
    for name, item in value.items():
        if len(name) > METADATA_NAME or not isinstance(item, str) or len(item) > METADATA_VALUE:
            raise invalid(f"{at}.{name}", "A name has at most 32 characters, a value is a text of at most 512")
    return value


def listed(of: Rule, least: int, most: int) -> Rule:
    def rule(value: Any, at: str) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise invalid(at, f"Expected a list of {least} to {most}")
        return [of(item, f"{at}[{number}]") for number, item in enumerate(value)]

    return rule


AMOUNT = structure({"value": kopecks, "currency": choice(CURRENCY)}, ["value", "currency"])
ITEM = structure(
    {
        "description": text(LONGEST_ITEM),
        "quantity": quantity,
        "amount": AMOUNT,
        "vat_code": vat_code,
        "payment_subject": choice(*SUBJECTS),
        "payment_mode": choice(*MODES),
    },
    ["description", "quantity", "amount", "vat_code", "payment_subject", "payment_mode"],
)
RECEIPT = structure(
    {
        "customer": structure({"email": email, "phone": phone, "full_name": text(256)}),
        "items": listed(ITEM, 1, MOST_ITEMS),
        "tax_system_code": vat_code,
    },
    ["customer", "items"],
)
NOTHING = listed(text(1), 0, 0)
PAYMENT = structure(
    {
        "amount": AMOUNT,
        "capture": boolean,
        "confirmation": structure(
            {"type": choice("redirect"), "return_url": web_address, "locale": choice(*LOCALES)}, ["type", "return_url"]
        ),
        "description": text(LONGEST_DESCRIPTION),
        "metadata": metadata,
        "payment_method_data": structure({"type": choice("bank_card", "sbp")}, ["type"]),
        "receipt": RECEIPT,
        # The package of YooKassa sends these two empty.
        "statements": NOTHING,
        "transfers": NOTHING,
    },
    ["amount", "confirmation"],
)
CAPTURE = structure({"amount": AMOUNT, "receipt": RECEIPT, "transfers": NOTHING})
REFUND = structure(
    {
        "payment_id": text(36),
        "amount": AMOUNT,
        "description": text(LONGEST_REFUND_DESCRIPTION),
        "receipt": RECEIPT,
        "metadata": metadata,
        "sources": NOTHING,
    },
    ["payment_id", "amount"],
)


def read_payment(given: Any) -> dict[str, Any]:
    """A request for a payment; amounts are kopecks. Raises YooKassaError."""
    values: dict[str, Any] = PAYMENT(given, "")
    _check_receipt(values)
    return values


def read_refund(given: Any) -> dict[str, Any]:
    values: dict[str, Any] = REFUND(given, "")
    _check_receipt(values)
    return values


def _check_receipt(values: dict[str, Any]) -> None:
    """The receipt names whom it goes to, and its lines add up to what is paid."""
    receipt = values.get("receipt")
    if receipt is None:
        return
    if not receipt["customer"].get("email") and not receipt["customer"].get("phone"):
        raise invalid("receipt.customer", "The receipt has neither an e-mail address nor a telephone number")
    total = sum(item["quantity"] * item["amount"]["value"] for item in receipt["items"])
    if total != values["amount"]["value"]:
        raise YooKassaError("invalid_request", "The lines of the receipt do not add up", parameter="receipt.items")


def _inside(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
