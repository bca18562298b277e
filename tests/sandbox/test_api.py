"""The contract of Stripe that the portal builds on."""

import base64
import threading

import httpx
import pytest
import stripe

from sandbox.events import API_VERSION
from tests.sandbox.server import KEY

pytestmark = pytest.mark.once


def test_a_new_session_is_open_and_has_a_page(api, form):
    answer = api("POST /v1/checkout/sessions", form)

    session = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Request-Id"].startswith("req_")
    assert session["id"].startswith("cs_test_")
    assert session["url"].endswith(session["id"])
    assert (session["status"], session["payment_status"], session["payment_intent"]) == ("open", "unpaid", None)
    assert (session["amount_total"], session["currency"]) == (35_800_000, "rub")
    assert (session["client_reference_id"], session["metadata"]) == ("PG-7K2M9", {"booking": "PG-7K2M9"})
    assert session["ui_mode"] == "hosted_page"


def test_a_session_is_retrieved_with_what_is_asked_to_be_expanded(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form).json()
    sandbox.pay(page["url"])

    plain = api(f"GET /v1/checkout/sessions/{page['id']}").json()
    whole = api(
        f"GET /v1/checkout/sessions/{page['id']}?expand[]=line_items&expand[]=payment_intent.latest_charge"
    ).json()

    assert "line_items" not in plain
    assert plain["payment_intent"] == whole["payment_intent"]["id"]
    assert [(line["description"], line["amount_total"]) for line in whole["line_items"]["data"]] == [
        ("Каюта 312, категория DLX", 35_800_000)
    ]
    assert whole["payment_intent"]["latest_charge"]["payment_method_details"]["card"]["last4"] == "4242"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"payment_method_types[0]": "card"}, "parameter_unknown", "payment_method_types"),
        ({"line_items[0][price_data][vat]": "1"}, "parameter_unknown", "line_items[0][price_data][vat]"),
        ({"ui_mode": "hosted"}, None, "ui_mode"),
        ({"mode": None}, "parameter_missing", "mode"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        (
            {"line_items[0][price_data][currency]": None},
            "parameter_missing",
            "line_items[0][price_data][currency]",
        ),
        ({"line_items[0][price_data][currency]": "tmt"}, None, "line_items[0][price_data][currency]"),
        ({"line_items[0][price_data][currency]": "irr"}, None, "line_items[0][price_data][currency]"),
        (
            {"line_items[0][price_data][unit_amount]": "179.00"},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"line_items[0][price_data][unit_amount]": "-1"},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        ({"line_items[0][quantity]": "0"}, "parameter_invalid_integer", "line_items[0][quantity]"),
        ({"line_items[0][price_data][unit_amount]": "10"}, "amount_too_small", None),
        ({"line_items[0][price_data][unit_amount]": "99999999"}, "amount_too_large", None),
        ({"locale": "tk"}, None, "locale"),
        ({"success_url": "portal.example/back"}, "url_invalid", "success_url"),
        ({"customer_email": "anna"}, "email_invalid", "customer_email"),
        ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
        ({f"metadata[key{number}]": "x" for number in range(50)}, None, "metadata"),
        ({f"metadata[{'k' * 41}]": "x"}, None, f"metadata[{'k' * 41}]"),
        ({"metadata[note]": "x" * 501}, None, "metadata[note]"),
        ({"expand[0]": "customer.everything"}, None, "expand[0]"),
        ({"line_items": "one"}, None, "line_items"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused_by_name(api, form, change, code, param):
    changed = {name: value for name, value in (form | change).items() if value is not None}
    if "line_items" in change:
        changed = {name: value for name, value in changed.items() if not name.startswith("line_items[")}

    answer = api("POST /v1/checkout/sessions", changed)

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert (error.get("code"), error.get("param")) == (code, param)


@pytest.mark.parametrize(("minutes", "accepted"), [(29, False), (31, True), (23 * 60 + 59, True), (24 * 60 + 1, False)])
def test_a_session_lives_from_half_an_hour_to_a_day(api, form, minutes, accepted):
    begins = int(form["expires_at"]) - 35 * 60

    answer = api("POST /v1/checkout/sessions", form | {"expires_at": str(begins + minutes * 60)})

    assert (answer.status_code == 200) is accepted
    assert accepted or answer.json()["error"]["param"] == "expires_at"


def test_two_currencies_do_not_mix(api, form):
    second = {
        "line_items[1][price_data][currency]": "usd",
        "line_items[1][price_data][unit_amount]": "5000",
        "line_items[1][price_data][product_data][name]": "Visa support",
        "line_items[1][quantity]": "1",
    }

    answer = api("POST /v1/checkout/sessions", form | second)

    assert "same currency" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}, 200),
        ({}, 401),
        ({"Authorization": "Bearer sk_live_real"}, 401),
        ({"Authorization": "Basic ???"}, 401),
        ({"Authorization": f"Bearer {KEY}", "Stripe-Version": API_VERSION}, 200),
        ({"Authorization": f"Bearer {KEY}", "Stripe-Version": "2019-05-16"}, 400),
    ],
)
def test_only_a_secret_test_key_and_the_known_version_are_taken(sandbox, headers, status):
    answer = httpx.get(f"{sandbox.url}/v1/events", headers=headers)

    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /v1/checkout/sessions/cs_test_nobody",
        "POST /v1/checkout/sessions/cs_test_nobody/expire",
        "GET /v1/payment_intents/pi_nobody",
        "GET /v1/refunds/re_nobody",
        "GET /v1/events/evt_nobody",
    ],
)
def test_an_unknown_object_is_missing(api, request_line):
    answer = api(request_line)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


def test_an_address_that_the_sandbox_does_not_speak_is_named(api):
    answer = api("POST /v1/customers", {"email": "anna@example.org"})

    assert answer.status_code == 404
    assert "Unrecognized request URL (POST: /v1/customers)" in answer.json()["error"]["message"]


def test_json_is_not_what_stripe_reads(sandbox):
    answer = httpx.post(
        f"{sandbox.url}/v1/refunds", json={"payment_intent": "pi_1"}, headers={"Authorization": f"Bearer {KEY}"}
    )

    assert answer.status_code == 400
    assert "x-www-form-urlencoded" in answer.json()["error"]["message"]


def test_the_same_key_and_body_get_the_first_answer_again(api, form):
    first = api("POST /v1/checkout/sessions", form, Idempotency_Key="once")
    second = api("POST /v1/checkout/sessions", form, Idempotency_Key="once")

    assert second.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]


def test_the_same_key_with_another_body_or_address_is_refused(api, form):
    api("POST /v1/checkout/sessions", form, Idempotency_Key="once")

    for answer in (
        api("POST /v1/checkout/sessions", form | {"locale": "en"}, Idempotency_Key="once"),
        api("POST /v1/refunds", {"payment_intent": "pi_1"}, Idempotency_Key="once"),
    ):
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_a_request_that_never_began_leaves_its_key_free(api, form):
    api("POST /v1/checkout/sessions", form | {"locale": "tk"}, Idempotency_Key="once")

    answer = api("POST /v1/checkout/sessions", form, Idempotency_Key="once")

    assert answer.status_code == 200


def test_a_refusal_is_given_again_too(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form).json()
    sandbox.pay(page["url"])
    payment_intent = api(f"GET /v1/checkout/sessions/{page['id']}").json()["payment_intent"]
    too_much = {"payment_intent": payment_intent, "amount": "35800001"}

    first = api("POST /v1/refunds", too_much, Idempotency_Key="once")
    second = api("POST /v1/refunds", too_much, Idempotency_Key="once")

    assert first.json()["error"]["code"] == second.json()["error"]["code"] == "amount_too_large"
    assert second.headers["Idempotent-Replayed"] == "true"


def test_many_at_once_with_one_key_make_one_session(api, form):
    answers: list[str] = []

    def click():
        answers.append(api("POST /v1/checkout/sessions", form, Idempotency_Key="once").json()["id"])

    clicks = [threading.Thread(target=click) for _ in range(8)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()

    assert len(answers) == 8
    assert len(set(answers)) == 1


def test_an_open_session_is_expired_once(api, form):
    page = api("POST /v1/checkout/sessions", form).json()

    first = api(f"POST /v1/checkout/sessions/{page['id']}/expire")
    second = api(f"POST /v1/checkout/sessions/{page['id']}/expire")

    assert (first.json()["status"], first.json()["url"]) == ("expired", None)
    assert second.status_code == 400
    assert "status of `expired`" in second.json()["error"]["message"]


def test_a_session_expires_by_itself_when_its_time_is_over(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form).json()

    sandbox.deliver(after_seconds=36 * 60)

    assert api(f"GET /v1/checkout/sessions/{page['id']}").json()["status"] == "expired"
    assert sandbox.webhook.types() == ["checkout.session.expired"]


def test_refunds_add_up_to_the_charge_and_no_further(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form).json()
    sandbox.pay(page["url"])
    payment = {"payment_intent": api(f"GET /v1/checkout/sessions/{page['id']}").json()["payment_intent"]}

    part = api("POST /v1/refunds", payment | {"amount": "10000000", "reason": "requested_by_customer"})
    too_much = api("POST /v1/refunds", payment | {"amount": "25800001"})
    rest = api("POST /v1/refunds", payment)
    nothing_left = api("POST /v1/refunds", payment)
    sandbox.deliver()

    assert (part.json()["status"], part.json()["amount"]) == ("succeeded", 10_000_000)
    assert api(f"GET /v1/refunds/{part.json()['id']}").json() == part.json()
    assert too_much.json()["error"]["code"] == "amount_too_large"
    assert rest.json()["amount"] == 25_800_000
    assert nothing_left.json()["error"]["code"] == "charge_already_refunded"
    charges = [event["data"]["object"] for event in sandbox.webhook.events() if event["type"] == "charge.refunded"]
    assert [(charge["amount_refunded"], charge["refunded"]) for charge in charges] == [
        (10_000_000, False),
        (35_800_000, True),
    ]


@pytest.mark.parametrize("payment", [{}, {"payment_intent": "pi_1", "charge": "ch_1"}])
def test_a_refund_names_one_payment(api, payment):
    answer = api("POST /v1/refunds", payment)

    assert answer.json()["error"]["code"] == "parameter_missing"


def test_what_was_not_paid_is_not_refunded(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form).json()
    sandbox.pay(page["url"], "4000000000000002")
    payment_intent = api(f"GET /v1/checkout/sessions/{page['id']}").json()["payment_intent"]

    answer = api("POST /v1/refunds", {"payment_intent": payment_intent})

    assert answer.json()["error"]["code"] == "payment_intent_unexpected_state"


def test_the_sessions_metadata_stays_with_the_session(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form | {"payment_intent_data[metadata][own]": "1"}).json()
    sandbox.pay(page["url"])

    payment_intent = api(f"GET /v1/checkout/sessions/{page['id']}").json()["payment_intent"]

    assert api(f"GET /v1/payment_intents/{payment_intent}").json()["metadata"] == {"own": "1"}


def test_events_are_listed_newest_first_in_pages(api, form, sandbox):
    for _ in range(3):
        page = api("POST /v1/checkout/sessions", form).json()
        api(f"POST /v1/checkout/sessions/{page['id']}/expire")
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"])

    first = api("GET /v1/events?limit=2").json()
    second = api(f"GET /v1/events?limit=2&starting_after={first['data'][-1]['id']}").json()
    back = api(f"GET /v1/events?limit=2&ending_before={second['data'][0]['id']}").json()
    expired = api("GET /v1/events?type=checkout.session.exp*").json()
    undelivered = api("GET /v1/events?delivery_success=false&created[gte]=1").json()

    assert [event["type"] for event in first["data"]] == ["checkout.session.completed", "checkout.session.expired"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert back["data"] == first["data"]
    assert len(expired["data"]) == 3
    assert len(undelivered["data"]) == 4
    assert first["data"][0]["api_version"] == API_VERSION


def test_an_event_names_the_request_that_caused_it(api, form):
    page = api("POST /v1/checkout/sessions", form).json()

    expired = api(f"POST /v1/checkout/sessions/{page['id']}/expire", Idempotency_Key="close")

    event = api("GET /v1/events").json()["data"][0]
    assert event["request"] == {"id": expired.headers["Request-Id"], "idempotency_key": "close"}


def test_the_version_spoken_is_the_one_of_the_installed_package():
    assert stripe._api_version._ApiVersion.CURRENT == API_VERSION
