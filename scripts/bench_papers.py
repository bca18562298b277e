"""How long it takes to say what can still be done for the passports of a party."""

from __future__ import annotations

import statistics
import time

from flask import current_app
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from portal.catalogue.models import Sailing
from portal.database import db
from portal.visas.services import load_rules
from scripts.bench_transfers import NOON, small_portal

ROUNDS = 21
CHANCES_GOAL = 30  # milliseconds
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


def measure() -> float:
    with small_portal():
        load_rules(now=NOON)
        db.session.commit()
        return chances_milliseconds()
