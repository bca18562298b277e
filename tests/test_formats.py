"""How values are written in the three languages."""

import pytest

from portal.kernel.formats import money
from portal.kernel.money import Money

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("amount", "language", "written"),
    [
        (Money(-4_900_00, "RUB"), "ru", "−4 900 ₽"),
        (Money(-79_45, "USD"), "ru", "−79,45 $"),
        (Money(-4_900_50, "RUB"), "en", "−4,900.50 ₽"),
        (Money(12_345, "RUB"), "ru", "123,45 ₽"),
    ],
)
def test_what_is_taken_off_has_a_true_minus(amount: Money, language: str, written: str) -> None:
    assert money(amount, language).replace("\u00a0", " ") == written
