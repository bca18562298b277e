"""The payment code of GOST R 56042-2014, and the account that it names."""

import pytest

from portal.config import DEMONSTRATION_PAYEE
from portal.kernel.bank_accounts import account_fits, correspondent_fits
from portal.kernel.codes import qr_svg
from portal.kernel.money import Money
from portal.payments.transfer_code import NotCodable, payment_qr_text

pytestmark = pytest.mark.once
SUM = Money(125_000_00, "RUB")
VECTOR = (
    "ST00012|Name=ООО «Пример Круиз»|PersonalAcc=40702810138250123017|BankName=ПАО СБЕРБАНК|BIC=044525225"
    "|CorrespAcc=30101810400000000225|Sum=12500000|Purpose=Оплата брони PG-7K2M9|PayeeINN=7700000000"
)


def test_the_code_is_that_of_the_standard():
    assert payment_qr_text(DEMONSTRATION_PAYEE, SUM, "Оплата брони PG-7K2M9") == VECTOR


def test_another_separator_is_taken_where_a_value_has_the_usual_one():
    text = payment_qr_text(DEMONSTRATION_PAYEE | {"name": "А|Б~В"}, SUM, "x")

    assert text.startswith("ST00012^Name=А|Б~В^PersonalAcc=")


def test_line_breaks_in_a_value_become_spaces():
    assert "|Purpose=a b|" in payment_qr_text(DEMONSTRATION_PAYEE, SUM, " a\r\nb ")


@pytest.mark.parametrize(
    ("payee", "amount", "purpose"),
    [
        ({}, Money(125_000_00, "USD"), "x"),
        ({}, Money(0, "RUB"), "x"),
        ({}, Money(10**18, "RUB"), "x"),
        ({}, SUM, "x" * 211),
        ({"name": "x" * 161}, SUM, "x"),
        ({"bank": "x" * 46}, SUM, "x"),
        ({}, SUM, "|~^#;"),
    ],
)
def test_what_does_not_fit_into_a_code_is_refused(payee, amount, purpose):
    with pytest.raises(NotCodable):
        payment_qr_text(DEMONSTRATION_PAYEE | payee, amount, purpose)


def test_the_drawing_obeys_the_policy_of_pages():
    drawing = qr_svg(VECTOR)

    assert drawing.startswith("<svg viewBox=")
    assert "style" not in drawing
    assert "class" not in drawing


@pytest.mark.parametrize("place", range(20))
def test_one_wrong_digit_of_an_account_is_noticed(place):
    right = DEMONSTRATION_PAYEE["account"]
    wrong = [right[:place] + digit + right[place + 1 :] for digit in "0123456789" if digit != right[place]]

    assert account_fits(right, DEMONSTRATION_PAYEE["bic"])
    assert not any(account_fits(account, DEMONSTRATION_PAYEE["bic"]) for account in wrong)


def test_accounts_belong_to_their_bank():
    assert correspondent_fits("30101810400000000225", "044525225")
    assert correspondent_fits("0", "044525225")
    assert not correspondent_fits("30101810400000000225", "044030653")
    assert not correspondent_fits("0", "44525225")
    assert not account_fits("4070281013825012301٧", "044525225")
