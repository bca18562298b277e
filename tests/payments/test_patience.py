"""A provider that is slow: few requests wait for it, none of them long, and everybody else is served as ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from portal.payments.models import PaymentState
from portal.payments.providers import patience
from portal.payments.providers.base import GatewayBusy, GatewayRefused, GatewayUnavailable
from portal.payments.providers.patience import Places
from portal.payments.providers.registry import provider as provider_named
from portal.payments.providers.stripe import StripeProvider
from tests.payments.channels import make_booking_in, payment_of, start


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where somebody listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 1.0)
    monkeypatch.setattr(patience, "PLACE_SECONDS", 0.1)


def timed(app: Flask, work: Callable[[], object]) -> tuple[type[Exception] | None, float]:
    """What a request that does this comes to, and in how many seconds."""
    began = time.monotonic()
    with app.test_request_context():
        try:
            work()
        except (GatewayUnavailable, GatewayRefused) as said:
            return type(said), time.monotonic() - began
    return None, time.monotonic() - began


def test_of_many_requests_two_wait_for_a_silent_provider_and_the_others_are_told_at_once(app, hurry, silent):
    taker = StripeProvider.configured(app.config | {"STRIPE_API_KEY": "sk_test_x", "STRIPE_API_BASE": silent})
    app.extensions.pop("provider_places", None)

    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(timed, app, lambda: taker.state("cs_test_1")) for _ in range(4)]
        outcomes = sorted((one.result() for one in waiting), key=lambda outcome: outcome[1])

    assert [kind for kind, _seconds in outcomes] == [GatewayBusy, GatewayBusy, GatewayUnavailable, GatewayUnavailable]
    assert outcomes[1][1] < 0.6
    assert outcomes[3][1] < 3


def test_one_request_asks_no_longer_however_often_it_asks(app, hurry, silent):
    taker = StripeProvider.configured(app.config | {"STRIPE_API_KEY": "sk_test_x", "STRIPE_API_BASE": silent})

    def ask_three_times():
        for _ in range(3):
            with pytest.raises(GatewayUnavailable):
                taker.state("cs_test_1")

    assert timed(app, ask_three_times)[1] < 3


@pytest.mark.parametrize(("name", "channel"), [("yookassa", "yookassa"), ("turkmenbank", "bank")])
def test_a_slow_answer_gives_a_clear_page_and_the_next_press_pays(app, hurry, provider, name, channel):
    booking = make_booking_in("RUB" if name == "yookassa" else "TMT")
    provider.fail_next(channel, "slow")

    kind, seconds = timed(app, lambda: start(booking, name))

    assert kind is GatewayUnavailable
    assert seconds < 3
    assert payment_of(booking).state is PaymentState.CREATED
    assert timed(app, lambda: start(booking, name))[0] is None
    assert payment_of(booking).state is PaymentState.OPEN


def test_the_worker_waits_as_long_as_it_takes(app):
    assert patience.timeouts(3.0, 10.0) == (3.0, 10.0)


def test_a_slow_provider_leaves_a_place_to_another_one():
    places = Places(each=1, in_all=2)

    with places.taken("stripe"), places.taken("yookassa"):
        pass

    with places.taken("stripe"), pytest.raises(GatewayBusy), places.taken("stripe"):
        pass


def test_whoever_waits_longest_is_next():
    places, order, first = Places(each=1, in_all=1), [], threading.Event()

    def ask(name):
        with places.taken("stripe"):
            order.append(name)

    with places.taken("stripe"):
        threads = []
        for number in range(3):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            while len(places._line) <= number:
                first.wait(0.001)
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2]


def test_a_provider_that_answers_is_asked_as_ever(app, provider):
    assert timed(app, lambda: provider_named("stripe").state("cs_unknown"))[0] is GatewayRefused
