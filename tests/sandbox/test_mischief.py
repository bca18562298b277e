"""What goes wrong on demand, and the provider's own books."""

import httpx
import pytest
import stripe

from sandbox.events import LAST_SECONDS, LATE_SECONDS
from sandbox.mischief import Mischief
from tests.sandbox.server import SECRET

pytestmark = pytest.mark.once

PAID = "checkout.session.completed"
DECLINED = "4000 0000 0000 0002"


def test_an_event_comes_twice(api, form, sandbox):
    sandbox.plan(Mischief.TWICE)
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"])

    sandbox.deliver()
    sandbox.deliver(10)
    sandbox.deliver(1000)

    assert sandbox.webhook.types() == [PAID, PAID]
    assert len({event["id"] for event in sandbox.webhook.events()}) == 1


@pytest.mark.parametrize(
    ("what", "seconds"), [(Mischief.LAST, LAST_SECONDS), (Mischief.LATE, LATE_SECONDS), (Mischief.LOST, None)]
)
def test_an_event_comes_after_later_ones_or_late_or_never(api, form, sandbox, what, seconds):
    sandbox.plan(what)
    page = api("POST /v1/checkout/sessions", form).json()["url"]
    sandbox.pay(page, DECLINED)
    sandbox.pay(page)

    sandbox.deliver()
    soon = sandbox.webhook.types()
    sandbox.deliver(2 * LATE_SECONDS)

    assert soon == [PAID]
    assert sandbox.webhook.types() == [PAID] + (["payment_intent.payment_failed"] if seconds else [])


def test_somebody_else_says_that_a_session_is_paid(api, form, sandbox):
    sandbox.plan(Mischief.FORGED)
    sandbox.webhook.answers[:] = [200, 400]
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"], DECLINED)

    sandbox.deliver()
    sandbox.deliver(1000)

    assert sandbox.webhook.types() == ["payment_intent.payment_failed", PAID]
    body, signature = sandbox.webhook.received[1]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, SECRET)


@pytest.mark.parametrize(
    ("what", "amount", "currency"), [(Mischief.AMOUNT, 35_799_900, "rub"), (Mischief.CURRENCY, 35_800_000, "usd")]
)
def test_something_else_is_taken_than_was_asked_for(api, form, sandbox, what, amount, currency):
    sandbox.plan(what)
    page = api("POST /v1/checkout/sessions", form).json()

    sandbox.pay(page["url"])

    session = api(f"GET /v1/checkout/sessions/{page['id']}").json()
    assert (session["payment_status"], session["amount_total"], session["currency"]) == ("paid", amount, currency)


def test_a_call_is_carried_out_and_its_answer_is_lost(api, form, sandbox):
    sandbox.plan(Mischief.NO_ANSWER)

    with pytest.raises(httpx.RemoteProtocolError):
        api("POST /v1/checkout/sessions", form, Idempotency_Key="key-1")
    again = api("POST /v1/checkout/sessions", form, Idempotency_Key="key-1")

    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_dispute_withholds_the_money_until_the_bank_decides(api, form, sandbox):
    page = api("POST /v1/checkout/sessions", form).json()
    sandbox.pay(page["url"], "4000 0000 0000 0259")
    payment = api(f"GET /v1/checkout/sessions/{page['id']}").json()["payment_intent"]
    refused = api("POST /v1/refunds", {"payment_intent": payment}).json()["error"]["code"]
    with sandbox.services.store.reading() as db:
        [dispute_id] = [row["id"] for row in db.execute("SELECT id FROM dispute")]
    httpx.post(f"{sandbox.url}/disputes/{dispute_id}", data={"outcome": "won"})

    lines = api("GET /v1/balance_transactions?expand[0]=data.source").json()["data"]

    assert refused == "charge_disputed"
    assert api(f"GET /v1/disputes/{dispute_id}").json()["status"] == "won"
    assert [(line["type"], line["amount"], line["source"]["object"]) for line in lines] == [
        ("adjustment", 35_800_000, "dispute"),
        ("adjustment", -35_800_000, "dispute"),
        ("charge", 35_800_000, "charge"),
    ]


def test_mischief_is_planned_on_the_page(sandbox):
    httpx.post(f"{sandbox.url}/mischief", data={"kind": "lost", "times": "2"})

    assert "planned: 2" in httpx.get(sandbox.url).text
    assert httpx.post(f"{sandbox.url}/mischief", data={"kind": "nonsense"}).status_code == 400
