"""The contract of YooKassa that the portal builds on, and what its page shows."""

import json
import re
import uuid

import httpx
import pytest

from sandbox.cards import luhn_valid
from sandbox.turkmen import TURKMEN
from sandbox.words import WORDS
from sandbox.yookassa.cards import CARDS, CARDS_BY_SLUG
from tests.sandbox.server import words

pytestmark = pytest.mark.once

PAYMENT = {
    "amount": {"value": "125000.00", "currency": "RUB"},
    "capture": True,
    "confirmation": {"type": "redirect", "return_url": "https://portal.example/back", "locale": "ru_RU"},
    "description": "PG-7K2M9",
    "metadata": {"payment": "AB12CD34"},
    "receipt": {
        "customer": {"email": "anna@example.org"},
        "items": [
            {
                "description": "Каюта 312",
                "quantity": "1.0",
                "amount": {"value": "125000.00", "currency": "RUB"},
                "vat_code": 1,
                "payment_subject": "service",
                "payment_mode": "full_prepayment",
            }
        ],
    },
}


@pytest.fixture
def shop(sandbox):
    """shop("POST /payments", {...}) as the documentation shows it with curl."""
    with httpx.Client(base_url=f"{sandbox.url}/v3", auth=("100500", "test_secret")) as client:

        def call(request, body=None, key=None):
            method, _, path = request.partition(" ")
            headers = {"Idempotence-Key": key or str(uuid.uuid4())} if method == "POST" else {}
            return client.request(method, path, json=body, headers=headers)

        yield call


@pytest.fixture
def card(sandbox):
    """card(payment, "success"): type that card into the payment's page."""

    def pay(payment, slug):
        form = {"number": CARDS_BY_SLUG[slug].number, "expiry": "12/34", "cvc": "123", "name": "ANNA"}
        return httpx.post(payment["confirmation"]["confirmation_url"], data=form)

    return pay


def changed(path, value):
    """PAYMENT with the value at `path` replaced, or taken away for None."""
    body = json.loads(json.dumps(PAYMENT))
    *way, last = path.split(".")
    place = body
    for name in way:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


def test_a_payment_waits_for_its_customer_and_then_has_succeeded(shop, card):
    payment = shop("POST /payments", PAYMENT).json()
    waiting = (payment["status"], payment["paid"], payment["confirmation"]["type"])

    back = card(payment, "success")
    paid = shop(f"GET /payments/{payment['id']}").json()

    assert waiting == ("pending", False, "redirect")
    assert (back.status_code, back.headers["Location"]) == (303, "https://portal.example/back")
    assert (paid["status"], paid["paid"], paid["refundable"]) == ("succeeded", True, True)
    assert (paid["amount"], paid["metadata"]) == (PAYMENT["amount"], PAYMENT["metadata"])
    assert paid["payment_method"]["card"]["card_type"] == "Mir"
    assert "confirmation" not in paid


@pytest.mark.parametrize(
    ("path", "value", "parameter"),
    [
        ("amount.value", "125000", "amount.value"),
        ("amount.value", 125000, "amount.value"),
        ("amount.value", "0.00", "amount.value"),
        ("amount.currency", "TMT", "amount.currency"),
        ("confirmation", None, "confirmation"),
        ("confirmation.locale", "tk_TM", "confirmation.locale"),
        ("confirmation.return_url", "portal.example", "confirmation.return_url"),
        ("description", "x" * 129, "description"),
        ("fee", "1.00", "fee"),
        ("metadata", {"k" * 33: "x"}, f"metadata.{'k' * 33}"),
        ("receipt.customer", {"full_name": "Anna"}, "receipt.customer"),
        ("receipt.items.0.description", "x" * 129, "receipt.items[0].description"),
        ("receipt.items.0.vat_code", 13, "receipt.items[0].vat_code"),
        ("receipt.items.0.payment_mode", "later", "receipt.items[0].payment_mode"),
        ("receipt.items.0.payment_subject", None, "receipt.items[0].payment_subject"),
        ("receipt.items.0.quantity", "2.00", "receipt.items"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(app_of_yookassa, path, value, parameter):
    answer = app_of_yookassa(changed(path, value))

    assert answer.status_code == 400
    assert (answer.json["code"], answer.json["parameter"]) == ("invalid_request", parameter)


@pytest.fixture(scope="module")
def app_of_yookassa(tmp_path_factory):
    """One sandbox without a server for requests that change nothing."""
    from sandbox import SandboxConfig, create_sandbox, services

    app = create_sandbox(SandboxConfig(database=tmp_path_factory.mktemp("y") / "sandbox.db", delivery_threads=0))
    yield lambda body: app.test_client().post(
        "/v3/payments", json=body, auth=("100500", "test_x"), headers={"Idempotence-Key": str(uuid.uuid4())}
    )
    services(app).courier.stop()


def test_a_repeated_key_gives_the_first_answer_and_serves_no_other_request(shop):
    first = shop("POST /payments", PAYMENT, key="attempt-1").json()

    again = shop("POST /payments", PAYMENT, key="attempt-1").json()
    other = shop("POST /payments", changed("amount.value", "1.00"), key="attempt-1")
    long = shop("POST /payments", PAYMENT, key="k" * 65)

    assert again["id"] == first["id"]
    assert (other.status_code, long.status_code) == (400, 400)


def test_strangers_are_not_served(sandbox):
    answers = [httpx.get(f"{sandbox.url}/v3/payments/x", auth=who) for who in [None, ("100500", "live_x")]]

    assert [answer.status_code for answer in answers] == [401, 401]


def test_a_declined_payment_is_canceled_for_good(shop, card, sandbox):
    payment = shop("POST /payments", PAYMENT).json()

    back = card(payment, "funds")
    then = card(payment, "success")
    asked = shop(f"GET /payments/{payment['id']}").json()

    assert back.headers["Location"] == then.headers["Location"] == "https://portal.example/back"
    assert (asked["status"], asked["paid"]) == ("canceled", False)
    assert asked["cancellation_details"] == {"party": "payment_network", "reason": "insufficient_funds"}
    assert sandbox.deliver() == 1
    assert [notice["event"] for notice in sandbox.webhook.events()] == ["payment.canceled"]


def test_sbp_asks_in_the_app_of_the_bank(shop):
    payment = shop("POST /payments", PAYMENT).json()
    page = payment["confirmation"]["confirmation_url"]

    asks = httpx.post(page, data={"way": "sbp"}, follow_redirects=True)
    httpx.post(str(asks.url), data={"answer": "approve"})

    paid = shop(f"GET /payments/{payment['id']}").json()
    assert "по СБП" in words(asks.text)
    assert (paid["status"], paid["payment_method"]["type"]) == ("succeeded", "sbp")


def test_an_unpaid_payment_cannot_be_canceled_but_ends_after_an_hour(shop, sandbox):
    payment = shop("POST /payments", PAYMENT).json()

    refused = shop(f"POST /payments/{payment['id']}/cancel", {})
    sandbox.deliver(after_seconds=3700)

    ended = shop(f"GET /payments/{payment['id']}").json()
    assert refused.status_code == 400
    assert ended["cancellation_details"] == {"party": "yoo_money", "reason": "expired_on_confirmation"}


def test_money_that_is_held_is_captured_or_let_go(shop, card):
    held, other = (shop("POST /payments", PAYMENT | {"capture": False}).json() for _ in range(2))
    card(held, "success")
    card(other, "success")

    captured = shop(f"POST /payments/{held['id']}/capture", {}).json()
    canceled = shop(f"POST /payments/{other['id']}/cancel", {}).json()

    assert (captured["status"], canceled["status"]) == ("succeeded", "canceled")
    assert canceled["cancellation_details"]["party"] == "merchant"


def test_refunds_never_exceed_what_was_paid(shop, card, sandbox):
    payment = shop("POST /payments", PAYMENT).json()
    card(payment, "success")
    part = {"payment_id": payment["id"], "amount": {"value": "100000.00", "currency": "RUB"}}

    first = shop("POST /refunds", part).json()
    second = shop("POST /refunds", part)
    listed = shop(f"GET /refunds?payment_id={payment['id']}").json()["items"]

    assert (first["status"], second.status_code) == ("succeeded", 400)
    assert [refund["id"] for refund in listed] == [first["id"]]
    sandbox.deliver()
    assert [notice["event"] for notice in sandbox.webhook.events()] == ["payment.succeeded", "refund.succeeded"]


@pytest.mark.parametrize(
    ("slug", "now", "later"),
    [
        ("notice-lost", [], []),
        ("notice-twice", ["payment.succeeded"] * 2, []),
        ("notice-late", [], ["payment.succeeded"]),
        ("notice-forged", ["payment.succeeded"], []),
    ],
)
def test_notifications_misbehave_on_demand(shop, card, sandbox, slug, now, later):
    payment = shop("POST /payments", PAYMENT).json()
    card(payment, slug)

    sandbox.deliver()
    at_once = [notice["event"] for notice in sandbox.webhook.events()]
    sandbox.deliver(after_seconds=70)

    assert at_once == now
    assert [notice["event"] for notice in sandbox.webhook.events()][len(now) :] == later
    truth = shop(f"GET /payments/{payment['id']}").json()["status"]
    assert truth == ("pending" if slug == "notice-forged" else "succeeded")


def test_the_payment_itself_misbehaves_on_demand(shop, card):
    silent, less, other = (shop("POST /payments", PAYMENT).json() for _ in range(3))

    answer = card(silent, "no-answer")
    card(less, "less")
    card(other, "other-currency")

    assert answer.status_code == 504
    assert shop(f"GET /payments/{silent['id']}").json()["paid"] is True
    assert shop(f"GET /payments/{less['id']}").json()["amount"]["value"] == "124999.00"
    assert shop(f"GET /payments/{other['id']}").json()["amount"]["currency"] == "USD"


def test_the_next_request_fails_on_demand_and_a_lost_answer_has_its_effect(shop, sandbox):
    sandbox.fail_next("yookassa", "fault")
    fault = shop("POST /payments", PAYMENT, key="first")
    sandbox.fail_next("yookassa", "lost")
    lost = shop("POST /payments", PAYMENT, key="second")

    again = shop("POST /payments", PAYMENT, key="second")

    assert (fault.status_code, lost.status_code, again.status_code) == (500, 504, 200)


@pytest.mark.parametrize("language", ["ru", "en", "tk"])
def test_the_page_speaks_the_readers_language_and_says_that_no_money_moves(shop, language):
    body = changed("confirmation.locale", None)
    page = shop("POST /payments", body).json()["confirmation"]["confirmation_url"]

    answer = httpx.get(page, headers={"Accept-Language": language})

    expected = {"ru": "Деньги не списываются", "en": "No real money", "tk": TURKMEN["no_money"]}[language]
    assert f'<html lang="{language}">' in answer.text
    assert expected in words(answer.text)
    assert "script" not in answer.text


def test_every_card_passes_the_check_digit_and_says_what_it_does():
    for card in CARDS:
        assert luhn_valid(card.number)
        assert {f"yookassa_{card.slug}"} <= WORDS.keys() & TURKMEN.keys()


def test_turkmen_sentences_have_the_same_places_to_fill_in():
    for word, sentence in TURKMEN.items():
        assert sorted(re.findall(r"{(\w+)}", sentence)) == sorted(re.findall(r"{(\w+)}", WORDS[word][0])), word
