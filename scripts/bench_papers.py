"""How long it takes to say what can still be done for a party, and to work out the papers of a full ship anew."""

from __future__ import annotations

import statistics
import time
from datetime import date, timedelta

from flask import current_app
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from portal.booking.models import Booking, BookingState, DocumentKind, Passenger
from portal.catalogue.models import Cabin, Sailing
from portal.database import db
from portal.outbox.services import announce, follow_up
from portal.visas.services import load_rules
from scripts.bench_transfers import NOON, small_portal

ROUNDS = 21
CHANCES_GOAL = 30  # milliseconds
CHECKLIST_GOAL = 5  # seconds
PASSPORTS = ("RU", "RU", "KZ", "DE", "TM")
PARTY = (("RU", "05.2031", ""), ("RU", "17.11.2024", ""), ("DE", "01.2030", "41"), ("KZ", "", "7"))


def chances_milliseconds() -> float:
    """Processor time of a whole request that asks for 16 sailings and a party of four: the median of rounds."""
    client = current_app.test_client()
    asked = MultiDict(("s", code) for code in db.session.scalars(select(Sailing.code).order_by(Sailing.code).limit(16)))
    for citizenship, expires, age in PARTY:
        for name, value in (("citizenship", citizenship), ("expires", expires), ("age", age)):
            asked.add(name, value)
    took = []
    for number in range(ROUNDS + 3):
        language = ("ru", "tk", "en")[number % 3]
        begun = time.process_time()
        answer = client.post(f"/{language}/passports/answers", data=asked)
        took.append((time.process_time() - begun) * 1000)
        assert len((answer.json or {})["sailings"]) == 16
    return statistics.median(took[3:])  # the first of each language reads catalogues, rules and calendars


def checklist_seconds() -> float:
    """Processor time to make the checklists of 310 passengers of the round through five countries true again.

    In batches as the worker does it, after its day of departure has moved, so that every paper is written anew.
    """
    sailing = db.session.scalars(select(Sailing).filter_by(code="PV24-03")).one()
    _fill(sailing)
    _refresh(sailing.id)
    for call in sailing.calls:
        call.arrives_at = call.arrives_at and call.arrives_at + timedelta(days=1)
        call.departs_at = call.departs_at and call.departs_at + timedelta(days=1)
    sailing.version += 1
    db.session.commit()
    begun = time.process_time()
    _refresh(sailing.id)
    return time.process_time() - begun


def _refresh(sailing_id: int) -> None:
    announce("catalogue.sailing_changed", sailing_id=sailing_id)
    db.session.commit()
    follow_up()


def _fill(sailing: Sailing) -> None:
    cabins = list(db.session.scalars(select(Cabin.id).order_by(Cabin.id)))
    for number, cabin_id in enumerate(cabins):
        booking = Booking(
            sailing_id=sailing.id, state=BookingState.PENDING, language="ru", currency="RUB", made_at=NOON,
            placed_at=NOON, pay_by=NOON, contact_name="Bench", contact_email="bench@example.org", terms_version="1",
            consent_version="1",
        )
        booking.passengers = [
            Passenger(
                cabin_id=cabin_id, position=place, surname=f"BENCH{number}", given_names="ANNA",
                birth_date=date(1985, 5, 17), citizenship=PASSPORTS[(number + place) % len(PASSPORTS)],
                document_kind=DocumentKind.PASSPORT, document_number="", document_fingerprint=f"{number}-{place}",
                document_expires=date(2031, 1, 1),
            )
            for place in range(2)
        ]
        db.session.add(booking)
    db.session.commit()


def measure() -> tuple[float, float]:
    """Milliseconds of the request, seconds of the full ship."""
    with small_portal():
        load_rules(now=NOON)
        db.session.commit()
        return chances_milliseconds(), checklist_seconds()
