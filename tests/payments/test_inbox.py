"""The inbox of events: each stored once, together where they come together, and looked into until none is left."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from sqlalchemy import select, text

from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.payments import inbox
from portal.payments.inbox import handle_events, store_event
from portal.payments.intake import LONGEST
from portal.payments.models import ProviderEvent
from portal.payments.providers.base import Event
from tests.factories import NOON
from tests.sandbox.server import SECRET


def event(name: str, **about: str) -> Event:
    return Event(provider="stripe", id=name, type="checkout.session.completed", created=datetime.now(UTC), **about)


def stored() -> list[ProviderEvent]:
    db.session.expire_all()
    return list(db.session.scalars(select(ProviderEvent).order_by(ProviderEvent.id)))


@pytest.fixture
def woken(app):
    """How often the worker was told to look."""
    before, calls = app.extensions.get("wake_worker"), []
    app.extensions["wake_worker"] = lambda: calls.append(1)
    yield calls
    app.extensions["wake_worker"] = before


def test_an_event_is_stored_once():
    assert store_event(event("evt_1", session_id="cs_1"))
    assert not store_event(event("evt_1", session_id="cs_1"))

    assert [one.event_id for one in stored()] == ["evt_1"]


def test_the_worker_is_woken_for_the_first_of_those_that_wait(woken):
    store_event(event("evt_1", session_id="cs_1"))
    store_event(event("evt_2", session_id="cs_2"))

    assert len(woken) == 1


def test_an_event_that_points_to_nothing_is_done_at_once(woken):
    store_event(event("evt_1"))

    assert stored()[0].handled_at is not None
    assert woken == []


def test_events_that_come_together_are_all_there(app):
    names = [f"evt_{number}" for number in range(8)]
    new: list[bool] = []

    def come(name: str) -> None:
        with app.app_context():
            new.append(store_event(event(name, session_id=f"cs_{name}")))

    threads = [threading.Thread(target=come, args=(name,)) for name in [*names, *names]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(new) == [False] * 8 + [True] * 8
    assert sorted(one.event_id for one in stored()) == names
    assert inbox._queue == []


def test_looking_goes_on_until_none_is_left(monkeypatch):
    monkeypatch.setattr(inbox, "AT_ONCE", 2)
    for number in range(5):
        store_event(event(f"evt_{number}", session_id=f"cs_of_others_{number}"))

    assert handle_events(NOON) == 5
    assert all(one.handled_at for one in stored())


@pytest.mark.usefixtures("provider")
def test_an_event_whose_provider_is_gone_comes_again_later_and_less_and_less_often(app):
    store_event(Event("nobody", "evt_1", "x", datetime.now(UTC), dispute_id="du_1"))
    handle_events(NOON)
    first = stored()[0].next_try_at - real_now()
    with transaction():
        stored()[0].next_try_at = real_now()

    handle_events(NOON)

    again = stored()[0]
    assert (again.tries, again.handled_at) == (2, None)
    assert timedelta(0) < first < again.next_try_at - real_now()
    assert handle_events(NOON) == 0


def test_the_door_of_events_keeps_no_session_and_takes_no_novel(provider, browser):
    unsigned = browser.client.post("/webhooks/stripe", data=b"{}")
    endless = browser.client.post("/webhooks/stripe", data=b"x" * (LONGEST + 1))

    assert (unsigned.status_code, endless.status_code) == (400, 413)
    assert "Set-Cookie" not in unsigned.headers
    assert stored() == []


def test_whoever_tells_of_an_event_that_cannot_be_stored_is_asked_to_come_again(provider, browser):
    told = {"id": "evt_1", "type": "charge.updated", "created": 1, "data": {"object": {"id": "ch_1"}}}
    body = json.dumps(told)
    signed = {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body, SECRET)}
    rename("provider_event", "elsewhere")
    try:
        refused = browser.client.post("/webhooks/stripe", data=body, headers=signed)
    finally:
        rename("elsewhere", "provider_event")

    again = browser.client.post("/webhooks/stripe", data=body, headers=signed)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert again.status_code == 200
    assert [one.event_id for one in stored()] == ["evt_1"]


def rename(table: str, name: str) -> None:
    db.session.commit()
    with db.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))
