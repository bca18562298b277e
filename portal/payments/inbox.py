"""Events that providers send: stored and acknowledged at once, looked into by the worker, believed never."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.outbox.services import wake_worker
from portal.payments.disputes import look_into_dispute
from portal.payments.models import Payment, ProviderEvent
from portal.payments.providers.base import Event, GatewayRefused, GatewayUnavailable
from portal.payments.refunds import look_into_refund
from portal.payments.services import settle_checkout

log = logging.getLogger(__name__)

AT_ONCE = 200
# Not looked into, and never tried in vain.
WAITING = (ProviderEvent.handled_at.is_(None), ProviderEvent.next_try_at.is_(None))
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)


# Built once: what is the same for every event is not worked out for each.
OLDEST = select(ProviderEvent.provider, ProviderEvent.event_id).where(*WAITING).order_by(ProviderEvent.id).limit(1)
INSERTS = {
    of.dialect.name: of.insert(ProviderEvent.__table__)
    .on_conflict_do_nothing()
    .returning(ProviderEvent.provider, ProviderEvent.event_id)
    for of in (postgresql, sqlite)
}


@dataclass
class _Ticket:
    """An event on its way into the inbox; `new` is known once it is there."""

    event: Event
    new: bool | None = None


_queue: list[_Ticket] = []
_queued, _writing = threading.Lock(), threading.Lock()


def store_event(event: Event) -> bool:
    """Keep the provider's event for the worker; False where it was here before, or proves nothing and is not about us.

    What anybody may send is kept for a payment of ours alone, and once until the worker has looked into it. Events that
    come while another is being written are written together, by whoever is next: each is on the disk on return.
    """
    if not event.proved and not _worth_asking(event):
        return False
    ticket = _Ticket(event)
    with _queued:
        _queue.append(ticket)
    with _writing:
        if ticket.new is None:
            with _queued:
                batch = _queue[:]
                _queue.clear()
            try:
                _write(batch)
            except BaseException:
                with _queued:  # whoever waits writes his own
                    _queue[:0] = [other for other in batch if other is not ticket and other.new is None]
                raise
    assert ticket.new is not None
    return ticket.new


def _write(batch: list[_Ticket]) -> None:
    """One statement for all; the worker is woken unless an older event waits, after which it will find these, too."""
    moment = real_now()
    values = [_values(ticket.event, moment) for ticket in batch]
    # Without a session: there is nothing to remember of what is written.
    with db.engine.connect().execution_options(writes=True) as connection:
        with connection.begin():
            rows = connection.execute(INSERTS[connection.dialect.name], values)
            written = {(row.provider, row.event_id) for row in rows}
        for ticket in batch:
            name = ticket.event.provider, ticket.event.id
            ticket.new = name in written
            written.discard(name)  # of two that came together, the first was new
        oldest = connection.execution_options(writes=False).execute(OLDEST).one_or_none()
    if oldest is not None and any((one.event.provider, one.event.id) == tuple(oldest) for one in batch):
        wake_worker()


def _values(event: Event, moment: datetime) -> dict[str, Any]:
    worth_a_look = event.session_id or event.refund_id or event.dispute_id
    return {
        "provider": event.provider,
        "event_id": event.id,
        "type": event.type,
        "session_id": event.session_id,
        "refund_id": event.refund_id,
        "dispute_id": event.dispute_id,
        "received_at": moment,
        "tries": 0,
        "next_try_at": None,
        "handled_at": None if worth_a_look else moment,
    }


def _worth_asking(event: Event) -> bool:
    ours = select(Payment.id).where(
        Payment.provider == event.provider,
        or_(Payment.payment_intent == event.payment_intent, Payment.session_id == event.session_id),
    )
    looked_for = select(ProviderEvent.id).where(
        ProviderEvent.provider == event.provider,
        ProviderEvent.session_id.is_not_distinct_from(event.session_id),
        ProviderEvent.refund_id.is_not_distinct_from(event.refund_id),
        ProviderEvent.handled_at.is_(None),
    )
    return db.session.scalars(ours).first() is not None and db.session.scalars(looked_for).first() is None


@dataclass(frozen=True)
class _Waiting:
    id: int
    provider: str
    session_id: str | None
    refund_id: str | None
    dispute_id: str | None
    tries: int


def handle_events(now: datetime) -> int:
    """Look into every event that waits: ask its provider how the object stands now, and act on that; how many.

    Of several events of one object the answer is asked for once. An event whose provider is away, or on which we fail,
    comes again after a pause and keeps no other waiting. It ends only when none is left: who stores an event while
    others wait relies on it.
    """
    done = 0
    while some := _handle_some(now):
        done += some
    return done


def _handle_some(now: datetime) -> int:
    db.session.commit()  # ends what reading began: events that came since are to be seen
    rows = db.session.execute(
        select(
            ProviderEvent.id,
            ProviderEvent.provider,
            ProviderEvent.session_id,
            ProviderEvent.refund_id,
            ProviderEvent.dispute_id,
            ProviderEvent.tries,
        )
        .where(
            ProviderEvent.handled_at.is_(None),
            or_(ProviderEvent.next_try_at.is_(None), ProviderEvent.next_try_at <= real_now()),
        )
        .order_by(ProviderEvent.id)
        .limit(AT_ONCE)
    ).all()
    db.session.commit()  # no transaction stays open while a provider is asked
    events = [_Waiting(*row) for row in rows]
    away: set[str] = set()
    handled: list[int] = []
    asked: set[tuple[str, str | None, str | None, str | None]] = set()
    for event in events:
        about = (event.provider, event.session_id, event.refund_id, event.dispute_id)
        done = True
        if event.provider in away:
            done = False
        elif about not in asked:
            done = _look_into(event, away, now)
        if done:
            asked.add(about)
            handled.append(event.id)
        else:
            _postpone(event)
    if handled:
        with transaction() as session:  # told twice after a crash, an event only leads to one more question
            session.execute(update(ProviderEvent).where(ProviderEvent.id.in_(handled)).values(handled_at=real_now()))
    return len(events)


def _look_into(event: _Waiting, away: set[str], now: datetime) -> bool:
    try:
        if event.session_id is not None:
            settle_checkout(name=event.provider, session_id=event.session_id, now=now)
        if event.refund_id is not None:
            look_into_refund(name=event.provider, provider_id=event.refund_id, now=now)
        if event.dispute_id is not None:
            look_into_dispute(name=event.provider, provider_id=event.dispute_id, now=now)
    except GatewayUnavailable:
        away.add(event.provider)
        return False
    except GatewayRefused:
        log.error("the provider does not know the object of its own event %s", event.id)
    except Exception:
        db.session.rollback()
        log.exception("event %s could not be looked into", event.id)
        return False
    return True


def _postpone(event: _Waiting) -> None:
    with transaction() as session:
        row = session.get_one(ProviderEvent, event.id)
        row.tries = event.tries + 1
        row.next_try_at = real_now() + min(FIRST_PAUSE * 2 ** min(event.tries, 20), LONGEST_PAUSE)
