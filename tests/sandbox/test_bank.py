"""The contract of the Turkmen bank's gateway that the portal builds on, and what its form shows."""

import time

import httpx
import pytest

from sandbox.bank import orders
from sandbox.bank.cards import CARDS, CARDS_BY_SLUG
from sandbox.cards import luhn_valid
from sandbox.turkmen import TURKMEN
from sandbox.words import WORDS
from tests.sandbox.server import words

pytestmark = pytest.mark.once

ORDER = {
    "orderNumber": "AB12CD34",
    "amount": "1250000",
    "currency": "934",
    "returnUrl": "https://portal.example/back?x=1",
    "language": "tk",
    "description": "PG-7K2M9",
}


@pytest.fixture
def bank(sandbox):
    """bank("register.do", ...) as the bank's manual shows it."""

    def call(request, **form):
        who = {"userName": "sandbox-api", "password": "sandbox"}
        return httpx.post(f"{sandbox.url}/payment/rest/{request}", data=who | form).json()

    return call


@pytest.fixture
def order(bank):
    return bank("register.do", **ORDER)


def pay(order, slug):
    form = {"number": CARDS_BY_SLUG[slug].number, "expiry": "12/34", "cvc": "123", "name": "ANNA"}
    return httpx.post(order["formUrl"], data=form)


def test_an_order_is_paid_on_the_banks_form(bank, order):
    before = bank("getOrderStatusExtended.do", orderId=order["orderId"])

    back = pay(order, "success")

    after = bank("getOrderStatusExtended.do", orderId=order["orderId"])
    short = bank("getOrderStatus.do", orderId=order["orderId"])
    assert (before["orderStatus"], after["orderStatus"], short["OrderStatus"]) == (0, 2, 2)
    assert back.headers["Location"] == f"https://portal.example/back?x=1&orderId={order['orderId']}&lang=tk"
    assert (after["amount"], after["currency"], after["orderNumber"]) == (1250000, "934", "AB12CD34")
    assert after["paymentAmountInfo"]["depositedAmount"] == 1250000
    assert short["ErrorCode"] == "0"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"userName": "somebody"}, "5"),
        ({"currency": "643"}, "3"),
        ({"amount": ""}, "4"),
        ({"amount": "12.50"}, "5"),
        ({"orderNumber": ""}, "4"),
        ({"orderNumber": "x" * 33}, "4"),
        ({"returnUrl": "portal.example"}, "4"),
        ({"language": "fr"}, "5"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_protocols_code(bank, change, code):
    assert bank("register.do", **ORDER | change)["errorCode"] == code


def test_a_number_is_registered_once(bank, order):
    assert bank("register.do", **ORDER)["errorCode"] == "1"
    assert bank("getOrderStatusExtended.do", orderNumber="AB12CD34")["attributes"] == [
        {"name": "mdOrder", "value": order["orderId"]}
    ]


def test_unknown_orders_are_said_to_be_unknown(bank):
    assert bank("getOrderStatusExtended.do", orderId="none")["errorCode"] == "6"
    assert bank("getOrderStatus.do", orderId="none")["ErrorCode"] == "6"


def test_another_card_may_be_tried_twice(bank, order):
    first, second, third = pay(order, "funds"), pay(order, "declined"), pay(order, "funds")

    asked = bank("getOrderStatusExtended.do", orderId=order["orderId"])
    assert "payment.html" in first.headers["Location"]
    assert "payment.html" in second.headers["Location"]
    assert third.headers["Location"].startswith("https://portal.example/back")
    assert (asked["orderStatus"], asked["actionCode"]) == (6, 116)


def test_the_bank_asks_and_takes_a_no(bank, order):
    asks = pay(order, "authentication")
    at_the_bank = bank("getOrderStatusExtended.do", orderId=order["orderId"])["orderStatus"]

    page = str(httpx.URL(order["formUrl"]).join(asks.headers["Location"]))
    httpx.post(page, data={"answer": "refuse"})

    assert at_the_bank == 5
    assert bank("getOrderStatusExtended.do", orderId=order["orderId"])["orderStatus"] == 0


def test_an_order_that_nobody_pays_ends_with_its_time(bank, order, sandbox):
    with sandbox.services.store.writing() as db:
        orders.let_time_pass(db, now=time.time() + 21 * 60)

    asked = bank("getOrderStatusExtended.do", orderId=order["orderId"])
    assert (asked["orderStatus"], asked["actionCode"]) == (6, -2007)


def test_a_repeated_refund_is_a_second_one_unless_the_merchant_says_what_he_expects(bank, order):
    pay(order, "success")
    part = {"orderId": order["orderId"], "amount": "500000"}

    plain = [bank("refund.do", **part)["errorCode"] for _ in range(2)]
    guarded = bank("refund.do", **part, expectedDepositedAmount="1250000")["errorCode"]

    about = bank("getOrderStatusExtended.do", orderId=order["orderId"])
    assert (plain, guarded) == (["0", "0"], "7")
    assert about["orderStatus"] == 4
    assert about["paymentAmountInfo"]["refundedAmount"] == 1000000


def test_a_payment_is_reversed_whole_and_once(bank, order):
    pay(order, "success")

    first, second = (bank("reverse.do", orderId=order["orderId"])["errorCode"] for _ in range(2))

    assert (first, second) == ("0", "7")
    assert bank("getOrderStatusExtended.do", orderId=order["orderId"])["orderStatus"] == 3


def test_the_bank_misbehaves_on_demand(bank, sandbox):
    silent, less, refused = (bank("register.do", **ORDER | {"orderNumber": name}) for name in ("a", "b", "c"))

    answer = pay(silent, "no-answer")
    pay(less, "less")
    pay(refused, "refund-refused")
    sandbox.fail_next("bank", "lost")
    lost = httpx.post(
        f"{sandbox.url}/payment/rest/register.do",
        data=ORDER | {"orderNumber": "d", "userName": "sandbox-api", "password": "sandbox"},
    )

    assert (answer.status_code, lost.status_code) == (504, 504)
    assert bank("getOrderStatusExtended.do", orderId=silent["orderId"])["orderStatus"] == 2
    assert (
        bank("getOrderStatusExtended.do", orderId=less["orderId"])["paymentAmountInfo"]["depositedAmount"] == 1249900
    )
    assert bank("refund.do", orderId=refused["orderId"], amount="100")["errorCode"] == "7"
    assert bank("register.do", **ORDER | {"orderNumber": "d"})["errorCode"] == "1"


@pytest.mark.parametrize("language", ["ru", "en", "tk"])
def test_the_form_speaks_the_orders_language(bank, language):
    order = bank("register.do", **ORDER | {"language": language})

    page = httpx.get(order["formUrl"])

    assert f'<html lang="{language}">' in page.text
    assert "PG-7K2M9" in words(page.text)
    assert "script" not in page.text


def test_every_card_passes_the_check_digit_and_says_what_it_does():
    for card in CARDS:
        assert luhn_valid(card.number)
        assert {f"bankcard_{card.slug}"} <= WORDS.keys() & TURKMEN.keys()
