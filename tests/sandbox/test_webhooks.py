"""Events reach the webhook: signed, at least once, again after a failure and after a restart."""

import threading
import time

import httpx
import pytest
import stripe

from sandbox.courier import LEASE_SECONDS
from sandbox.webhooks import MOST_WAITING, EventCourier
from tests.sandbox.server import KEY, SECRET, running_sandbox, wait_until

pytestmark = pytest.mark.once


def test_stripes_own_library_accepts_the_signature(api, form, sandbox):
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"])
    sandbox.deliver()

    body, signature = sandbox.webhook.received[0]
    event = stripe.Webhook.construct_event(body, signature, SECRET)

    assert event.type == "checkout.session.completed"
    assert event.data.object.client_reference_id == "PG-7K2M9"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_another")


@pytest.mark.parametrize("answer", [301, 400, 500])
def test_anything_but_success_is_tried_again_later(api, form, sandbox, answer):
    sandbox.webhook.answers[:] = [answer, answer, 204]
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"])

    delivered = [sandbox.deliver(), sandbox.deliver(), sandbox.deliver(2), sandbox.deliver(10), sandbox.deliver(600)]

    assert delivered == [0, 0, 0, 1, 0]
    assert len({event["id"] for event in sandbox.webhook.events()}) == 1
    assert len(sandbox.webhook.received) == 3


def test_each_attempt_is_signed_at_its_own_time(api, form, sandbox):
    sandbox.webhook.answers[:] = [500]
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"])

    sandbox.deliver()
    sandbox.deliver(5)

    for body, signature in sandbox.webhook.received:
        stripe.Webhook.construct_event(body, signature, SECRET)


def test_pauses_grow_and_end_after_three_days(api, form, sandbox):
    sandbox.webhook.answers[:] = [500] * 100
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"])

    for seconds in (0, 1.5, 2, 4, 8):
        sandbox.deliver(seconds)
    early = len(sandbox.webhook.received)
    sandbox.deliver(EventCourier.give_up_after_seconds + 10)
    last = len(sandbox.webhook.received)
    sandbox.deliver(2 * EventCourier.give_up_after_seconds)

    assert early < 5
    assert last == early + 1
    assert len(sandbox.webhook.received) == last


def test_what_was_taken_and_not_finished_is_taken_again(api, form, sandbox):
    sandbox.pay(api("POST /v1/checkout/sessions", form).json()["url"])
    now = time.time()

    taken = sandbox.services.courier._take(now)  # as by a process that is killed before it delivers
    at_once = sandbox.services.courier.deliver_due(now)
    later = sandbox.services.courier.deliver_due(now + LEASE_SECONDS + 1)

    assert taken is not None
    assert (at_once, later) == (0, 1)


def test_state_and_queue_survive_a_restart(tmp_path, form):
    with running_sandbox(tmp_path) as before:
        headers = {"Authorization": f"Bearer {KEY}"}
        page = httpx.post(f"{before.url}/v1/checkout/sessions", data=form, headers=headers).json()
        before.pay(page["url"])

    with running_sandbox(tmp_path) as after:
        session = httpx.get(f"{after.url}/v1/checkout/sessions/{page['id']}", headers=headers).json()
        delivered = after.deliver()

        assert session["payment_status"] == "paid"
        assert delivered == 1
        assert after.webhook.types() == ["checkout.session.completed"]


def test_couriers_deliver_by_themselves_and_before_the_customer_is_back(tmp_path, form):
    with running_sandbox(tmp_path, delivery_threads=2, settle_after_seconds=0) as sandbox:
        headers = {"Authorization": f"Bearer {KEY}"}
        page = httpx.post(f"{sandbox.url}/v1/checkout/sessions", data=form, headers=headers).json()

        sandbox.pay(page["url"], "4000000000070005")
        told_at_return = sandbox.webhook.types()
        wait_until(lambda: len(sandbox.webhook.received) > 1)

        assert told_at_return[:1] == ["checkout.session.completed"]
        assert sorted(sandbox.webhook.types()) == [
            "checkout.session.async_payment_succeeded",
            "checkout.session.completed",
        ]


def test_customers_who_wait_leave_threads_for_the_one_they_wait_for(tmp_path, form):
    with running_sandbox(tmp_path, delivery_threads=1) as sandbox:
        headers = {"Authorization": f"Bearer {KEY}"}
        pages = [httpx.post(f"{sandbox.url}/v1/checkout/sessions", data=form, headers=headers).json() for _ in range(4)]
        sandbox.webhook.hold()

        customers = [threading.Thread(target=sandbox.pay, args=(page["url"],)) for page in pages]
        for customer in customers:
            customer.start()
        wait_until(lambda: sum(customer.is_alive() for customer in customers) == MOST_WAITING)
        sandbox.webhook.release()
        for customer in customers:
            customer.join()

        wait_until(lambda: len(sandbox.webhook.received) == 4)


def test_many_couriers_deliver_each_event_once(tmp_path, form):
    with running_sandbox(tmp_path, delivery_threads=4) as sandbox:
        headers = {"Authorization": f"Bearer {KEY}"}
        for _ in range(12):
            page = httpx.post(f"{sandbox.url}/v1/checkout/sessions", data=form, headers=headers).json()
            httpx.post(f"{sandbox.url}/v1/checkout/sessions/{page['id']}/expire", headers=headers)
        wait_until(lambda: len(sandbox.webhook.received) >= 12)

        assert len({event["id"] for event in sandbox.webhook.events()}) == 12
        assert len(sandbox.webhook.received) == 12
