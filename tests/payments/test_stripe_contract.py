"""Every request that we send to Stripe keeps to what its OpenAPI description knows, written down with its version."""

from __future__ import annotations

import importlib
import json
import re
import types
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
import stripe
from typing_extensions import is_typeddict

from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.payments.providers.base import CheckoutLine
from portal.payments.providers.stripe import API_VERSION, CURRENCIES, StripeProvider
from tests.payments.test_gateway import wanted
from tests.sandbox.server import Asked, RunningSandbox

pytestmark = pytest.mark.once

CONTRACT = json.loads((Path(__file__).parent / "stripe_contract.json").read_text())
REQUESTS: dict[str, dict[str, Any]] = CONTRACT["requests"]
DISPUTED, REFUND_FAILS = "4000 0000 0000 0259", "4000 0000 0000 5126"


def everything(taker: StripeProvider, sandbox: RunningSandbox) -> None:
    """Each call that the portal makes, with what is most likely to be too long, too large or of a strange kind."""
    for number, (language, currency) in enumerate((language, "RUB") for language in ("ru", "tk", "en")):
        taker.open_checkout(wanted(language=language, idempotency_key=f"language-{number}"))
        assert currency in CURRENCIES
    for currency in sorted(CURRENCIES):
        price = Money(10_000_000, currency)
        lines = [CheckoutLine("Каюта " * 60, price)]
        taker.open_checkout(wanted(amount=price, lines=lines, idempotency_key=f"in-{currency}"))
    closed = taker.open_checkout(wanted(idempotency_key="closed"))
    taker.expire(closed.id)
    bought = taker.open_checkout(wanted(idempotency_key="bought"))
    sandbox.pay(bought.url, REFUND_FAILS)
    money = taker.state(bought.id).payment_intent
    assert money is not None
    refund = taker.refund(money, Money(100, "RUB"), "refund-ABCDEFGH-1")
    taker.refund_state(refund.id)
    assert taker.find_refund(money, "refund-ABCDEFGH-1") is not None
    disputed = taker.open_checkout(wanted(idempotency_key="disputed"))
    sandbox.pay(disputed.url, DISPUTED)
    with sandbox.services.store.reading() as books:
        [dispute_id] = [row["id"] for row in books.execute("SELECT id FROM dispute")]
    taker.dispute_state(dispute_id)
    assert taker.movements(real_now() - timedelta(hours=1), real_now() + timedelta(hours=1))


def test_every_request_keeps_to_the_contract(taker, sandbox):
    everything(taker, sandbox)

    asked = [one for one in sandbox.asked if one.path.startswith("/v1/")]
    problems = [problem for one in asked for problem in breaches(one)]
    assert problems == []
    assert {named(one) for one in asked} == set(REQUESTS)


def test_a_breach_is_seen(sandbox):
    long = Asked("POST", "/v1/refunds", (("payment_intent", "pi_1"), ("metadata[key]", "x" * 501)), {})
    unknown = Asked("POST", "/v1/refunds", (("payment_intent", "pi_1"), ("amount", "ten"), ("colour", "red")), {})

    assert [problem.partition(":")[0] for problem in breaches(long)] == ["metadata[*]", "Stripe-Version", "key"]
    assert [problem.partition(":")[0] for problem in breaches(unknown)] == [
        "amount",
        "colour",
        "Stripe-Version",
        "key",
    ]


def test_the_contract_is_that_of_the_package_and_of_the_version_that_we_ask_for():
    strange = [
        f"{request}: {name}"
        for request, rules in REQUESTS.items()
        for name in rules["parameters"]
        if not known(rules["type"], name)
    ]

    assert strange == []
    assert CONTRACT["api_version"] == API_VERSION == stripe.api_version
    assert not known("stripe.params.RefundCreateParams", "colour")


def named(asked: Asked) -> str:
    """As the contract names a request."""
    path = re.sub(r"/(cs_test|re|du)_\w+", "/{id}", asked.path)
    return f"{asked.method} {path}"


def breaches(asked: Asked) -> list[str]:
    """What of a request the contract does not allow, in words."""
    rules = REQUESTS.get(named(asked))
    if rules is None:
        return [f"{named(asked)}: unknown"]
    found, seen = [], set()
    for name, value in asked.parameters:
        general = re.sub(r"\[\d+\]", "[]", name)
        general = re.sub(r"(metadata\]?)\[\w+\]$", r"\1[*]", general)
        seen.add(general)
        found += [f"{general}: {what}" for what in wrong(rules["parameters"].get(general), value)]
    found += [f"{name}: missing" for name in rules.get("required", ()) if name not in seen]
    if asked.headers.get("Stripe-Version") != CONTRACT["api_version"]:
        found.append("Stripe-Version: not the one that is written down")
    if asked.method == "POST" and not 1 <= len(asked.headers.get("Idempotency-Key", "")) <= 255:
        found.append("key: every writing request has one")
    return found


def wrong(rule: dict[str, Any] | None, value: str) -> Iterator[str]:
    if rule is None:
        yield "unknown"
        return
    if "enum" in rule and value not in rule["enum"]:
        yield f"{value!r} is not one of {rule['enum']}"
    if len(value) > rule.get("maxLength", 5000):
        yield "too long"
    if "pattern" in rule and not re.fullmatch(rule["pattern"], value):
        yield f"{value!r} has another form"
    if rule.get("type") == "integer":
        if not re.fullmatch("[0-9]+", value):
            yield f"{value!r} is no whole number"
        elif not rule.get("minimum", 0) <= int(value) <= rule.get("maximum", 10**12):
            yield f"{value} is out of bounds"


def known(dotted: str, parameter: str) -> bool:
    """Whether the package's type of a request has a parameter that is written like `a[][b][*]`."""
    module, _, name = dotted.rpartition(".")
    places: list[Any] = [getattr(importlib.import_module(module), name)]
    for step in re.findall(r"\w+", parameter.replace("[*]", "")):
        hints = [get_type_hints(place, names_for(place)) for place in places]
        places = [inner for hint in hints if step in hint for inner in dictionaries(hint[step])]
        if not any(step in hint for hint in hints):
            return False
    return True


def names_for(kind: Any) -> dict[str, Any]:
    """What the annotations of a type, and of the options that all requests share, may name."""
    return vars(stripe._request_options) | vars(importlib.import_module(kind.__module__)) | {"StripeContext": Any}


def dictionaries(kind: Any) -> list[Any]:
    """The typed dictionaries in a type: alone, in a list, or as one of several."""
    if is_typeddict(kind):
        return [kind]
    if get_origin(kind) in (list, Union, types.UnionType):
        return [found for inner in get_args(kind) for found in dictionaries(inner)]
    return []
