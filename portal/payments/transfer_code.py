"""The QR code of a bank transfer, GOST R 56042-2014: what a bank's app reads from an invoice."""

from __future__ import annotations

import re
from collections.abc import Mapping

from portal.kernel.codes import qr_svg
from portal.kernel.money import Money

HEAD = "ST00012"  # version 1 of the standard, values in UTF-8
CURRENCY = "RUB"  # the standard knows no other
SEPARATORS = "|~^#;"
LONGEST = {"Name": 160, "BankName": 45, "Purpose": 210}
SUM_DIGITS = 18


class NotCodable(Exception):
    """What cannot be written in this code; the transfer itself is possible all the same."""


def payment_qr_text(payee: Mapping[str, str], amount: Money, purpose: str) -> str:
    """What the code holds: `payee` of the settings, `amount` in roubles (written in kopecks), `purpose` in words.

    Values are separated by a character that none of them has. Raises NotCodable for another currency, a value that is
    too long, and values that leave no separator.
    """
    if amount.currency != CURRENCY or not 0 < amount.minor < 10**SUM_DIGITS:
        raise NotCodable(f"{amount.minor} {amount.currency}")
    values = {
        "Name": payee["name"],
        "PersonalAcc": payee["account"],
        "BankName": payee["bank"],
        "BIC": payee["bic"],
        "CorrespAcc": payee["correspondent"],
        "Sum": str(amount.minor),
        "Purpose": purpose,
        "PayeeINN": payee["inn"],
    }
    values = {key: " ".join(value.split()) for key, value in values.items()}
    for key, most in LONGEST.items():
        if len(values[key]) > most:
            raise NotCodable(f"{key} is longer than {most} characters")
    separator = next((sign for sign in SEPARATORS if not any(sign in value for value in values.values())), None)
    if separator is None:
        raise NotCodable("the values leave no separator")
    return separator.join([HEAD, *(f"{key}={value}" for key, value in values.items())])


def qr_file(text: str) -> str:
    """As qr_svg(), as a file of its own."""
    return re.sub("^<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', qr_svg(text))
