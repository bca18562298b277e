"""Russian bank accounts: whether number and bank belong together.

Source: the Bank of Russia's order on the key of account numbers (No. 515 of 8 September 1997).
"""

from __future__ import annotations

import re

NO_CORRESPONDENT = "0"  # of a bank that has none, as GOST R 56042 writes it
_WEIGHTS = (7, 1, 3)


def account_fits(account: str, bic: str) -> bool:
    """Whether the control key of a customer's account of 20 digits is right for the bank with this BIC."""
    return _digits(account, 20) and _digits(bic, 9) and _key_fits(bic[-3:] + account)


def correspondent_fits(correspondent: str, bic: str) -> bool:
    """Whether the correspondent account is the bank's own, or "0" where it has none."""
    if correspondent == NO_CORRESPONDENT:
        return _digits(bic, 9)
    return _digits(correspondent, 20) and _digits(bic, 9) and _key_fits("0" + bic[4:6] + correspondent)


def _digits(text: str, count: int) -> bool:
    return re.fullmatch(rf"[0-9]{{{count}}}", text) is not None


def _key_fits(digits: str) -> bool:
    return sum(int(digit) * _WEIGHTS[place % 3] % 10 for place, digit in enumerate(digits)) % 10 == 0
