"""What the customer meets on the hosted page, without a script in sight."""

import re
from urllib.parse import urlsplit

import html5lib
import httpx
import pytest

from sandbox.cards import TEST_CARDS, luhn_valid
from sandbox.words import LANGUAGES, WORDS
from tests.sandbox.server import words

pytestmark = pytest.mark.once

DECLINED, NO_FUNDS, BANK_ASKS, PAYS_LATER = (
    "4000 0000 0000 0002",
    "4000000000009995",
    "4000002500003155",
    "4000000000070005",
)


@pytest.fixture
def page(api, form):
    """The address of the page of a new session."""
    return api("POST /v1/checkout/sessions", form).json()["url"]


@pytest.fixture
def state(api, page):
    """state() → (status, payment_status) of that session."""

    def ask():
        session = api(f"GET /v1/checkout/sessions/{page.rpartition('/')[2]}").json()
        return session["status"], session["payment_status"]

    return ask


def test_the_page_says_what_is_bought_and_that_no_money_moves(page):
    answer = httpx.get(page)

    text = words(answer.text)
    assert "Деньги не списываются" in text
    assert "Каюта 312, категория DLX" in text
    assert "2 × 179 000,00 ₽" in text.replace("\xa0", " ")
    assert "Итого 358 000,00 ₽" in text.replace("\xa0", " ")
    assert 'href="https://portal.example/ru/bookings/PG-7K2M9/pay"' in answer.text


@pytest.mark.parametrize(
    ("locale", "accepts", "language"),
    [("ru", "en", "ru"), ("en", "ru", "en"), ("tr", "ru", "en"), ("auto", "ru-RU,ru", "ru"), ("auto", "tk", "en")],
)
def test_the_page_is_in_the_sessions_language(api, form, locale, accepts, language):
    page = api("POST /v1/checkout/sessions", form | {"locale": locale}).json()["url"]

    answer = httpx.get(page, headers={"Accept-Language": accepts})

    assert f'<html lang="{language}">' in answer.text


def test_every_page_is_valid_and_runs_no_script(sandbox, page):
    pages = [
        httpx.get(sandbox.url),
        httpx.get(page),
        httpx.get(page + "?card=success"),
        sandbox.pay(page, "1", cvc=""),
        httpx.get(sandbox.url + "/mail"),
        httpx.get(sandbox.url + "/nowhere"),
    ]

    for answer in pages:
        html5lib.HTMLParser(strict=True).parse(answer.text)
        assert answer.text.count("<h1") == 1
        assert "<script" not in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        ids = re.findall(r'\bid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids))


def test_a_form_may_lead_back_to_the_shop_and_nowhere_else(page):
    answer = httpx.get(page)

    assert answer.headers["Content-Security-Policy"].endswith("form-action 'self' https://portal.example")


def test_a_good_card_pays_and_leads_back_with_the_sessions_id(sandbox, page, state):
    answer = sandbox.pay(page)

    session_id = urlsplit(page).path.rpartition("/")[2]
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"https://portal.example/ru/bookings/PG-7K2M9?session={session_id}"
    assert state() == ("complete", "paid")


def test_a_choice_from_the_list_fills_in_the_form_and_pays_nothing(page, state):
    answer = httpx.get(page + "?card=success")

    assert 'value="4242 4242 4242 4242"' in answer.text
    assert state() == ("open", "unpaid")


@pytest.mark.parametrize(("number", "reason"), [(DECLINED, "Банк отклонил карту"), (NO_FUNDS, "недостаточно средств")])
def test_a_declined_card_is_explained_and_another_one_still_pays(sandbox, page, state, number, reason):
    refused = sandbox.pay(page, number)
    declined = state()
    sandbox.pay(page)
    sandbox.deliver()

    assert refused.status_code == 422
    assert reason in words(refused.text)
    assert f'value="{number}"' in refused.text
    assert declined == ("open", "unpaid")
    assert state() == ("complete", "paid")
    assert sandbox.webhook.types() == ["payment_intent.payment_failed", "checkout.session.completed"]


@pytest.mark.parametrize(
    ("typed", "wrong", "explained"),
    [
        ({"number": "4242 4242 4242 4241"}, "number", "контрольная цифра"),
        ({"number": "forty-two"}, "number", "контрольная цифра"),
        ({"number": ""}, "number", "Введите номер"),
        ({"expiry": "13/34"}, "expiry", "месяц и год"),
        ({"expiry": "01/24"}, "expiry", "уже прошёл"),
        ({"cvc": "12"}, "cvc", "3 цифры"),
        ({"name": " "}, "name", "Введите имя"),
        ({"email": "anna"}, "email", "адрес полностью"),
    ],
)
def test_a_mistyped_field_is_explained_and_nothing_is_attempted(sandbox, page, state, typed, wrong, explained):
    answer = sandbox.pay(page, **{"number": "4242424242424242", **typed})

    sandbox.deliver()
    assert answer.status_code == 422
    assert re.search(rf'id="{wrong}-error">[^<]*{explained}', answer.text)
    assert re.search(rf'id="{wrong}"[^>]*aria-invalid="true"', answer.text)
    assert state() == ("open", "unpaid")
    assert sandbox.webhook.received == []


@pytest.mark.parametrize("expiry", ["12/34", "12 / 2034", "1234", "12.34"])
def test_an_expiry_date_may_be_typed_as_people_do(sandbox, page, expiry):
    assert sandbox.pay(page, expiry=expiry).status_code == 303


def test_a_real_card_is_refused_and_not_shown_again(sandbox, page, state):
    real = "4111111111111111"

    answer = sandbox.pay(page, real)

    assert "настоящие карты сюда вводить нельзя" in words(answer.text)
    assert real not in answer.text
    assert state() == ("open", "unpaid")


@pytest.mark.parametrize(
    ("said", "status", "types"),
    [
        ("approve", ("complete", "paid"), ["checkout.session.completed"]),
        ("refuse", ("open", "unpaid"), ["payment_intent.payment_failed"]),
    ],
)
def test_the_bank_asks_and_the_customer_decides(sandbox, page, state, said, status, types):
    asked = sandbox.pay(page, BANK_ASKS)
    bank = sandbox.url + asked.headers["Location"]
    question = httpx.get(bank)

    httpx.post(bank, data={"answer": said})

    sandbox.deliver()
    assert "3155" in words(question.text)
    assert state() == status
    assert sandbox.webhook.types() == types


def test_a_refusal_at_the_bank_is_explained_on_the_page(sandbox, page):
    asked = sandbox.pay(page, BANK_ASKS)

    answer = httpx.post(sandbox.url + asked.headers["Location"], data={"answer": "refuse"}, follow_redirects=True)

    assert "Банк не подтвердил" in words(answer.text)


def test_the_bank_asks_nothing_when_nobody_pays(sandbox, page, state):
    answer = httpx.post(page + "/bank", data={"answer": "approve"})

    assert answer.status_code == 303
    assert state() == ("open", "unpaid")


def test_pressing_twice_pays_once(sandbox, page):
    first, second = sandbox.pay(page), sandbox.pay(page)
    sandbox.deliver()

    assert second.headers["Location"] == first.headers["Location"]
    assert sandbox.webhook.types() == ["checkout.session.completed"]


def test_a_closed_page_takes_no_card(api, sandbox, page, state):
    api(f"POST /v1/checkout/sessions/{page.rpartition('/')[2]}/expire")

    shown, paid = httpx.get(page), sandbox.pay(page)

    assert (shown.status_code, paid.status_code) == (410, 410)
    assert "Ничего не списано" in words(shown.text)
    assert state() == ("expired", "unpaid")


def test_accepted_is_not_paid(sandbox, page, state):
    sandbox.pay(page, PAYS_LATER)
    accepted = state()

    sandbox.deliver(after_seconds=61)

    assert accepted == ("complete", "unpaid")
    assert state() == ("complete", "paid")
    assert sandbox.webhook.types() == ["checkout.session.completed", "checkout.session.async_payment_succeeded"]


def test_a_given_address_is_not_asked_again(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form | {"customer_email": "maral@example.org"}).json()

    shown = httpx.get(page["url"])
    sandbox.pay(page["url"], email="somebody@else.org")

    assert 'name="email"' not in shown.text
    session = api(f"GET /v1/checkout/sessions/{page['id']}").json()
    assert session["customer_details"]["email"] == "maral@example.org"


def test_an_unknown_page_is_not_found(sandbox):
    assert httpx.get(sandbox.url + "/c/pay/cs_test_nobody").status_code == 404


def test_the_first_page_tells_what_happened(sandbox, page):
    sandbox.pay(page)
    sandbox.deliver()

    text = words(httpx.get(sandbox.url, headers={"Accept-Language": "en"}).text)

    assert "Paid PG-7K2M9" in text
    assert "checkout.session.completed" in text
    assert "Delivered" in text


def test_every_test_card_passes_its_check_digit_and_is_explained():
    for card in TEST_CARDS:
        assert luhn_valid(card.number)
        assert f"card_{card.slug}" in WORDS
        assert card.decline_code is None or card.decline_code in WORDS


def test_every_sentence_is_there_in_each_language():
    for word, sentences in WORDS.items():
        assert len(sentences) == len(LANGUAGES), word
        assert len({tuple(sorted(re.findall(r"{(\w+)}", sentence))) for sentence in sentences}) == 1, word
