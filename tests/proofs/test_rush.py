"""The first minute of a sale: ten thousand holds of one sailing in a rush, over real HTTP, as from behind a proxy."""

from __future__ import annotations

import http.client
import random
import re
import shutil
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import chain
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask, session
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select

from portal.accounts.visitors import new_visitor
from portal.audit.models import AuditEntry
from portal.catalogue.models import Cabin, Sailing
from portal.database import db
from portal.inventory.models import CabinNight, Occupancy, OccupancyState
from portal.kernel.clock import now
from portal.pricing.season import FACTS, load_season
from tests.proofs.crowd import at_once
from tests.proofs.processes import Portal, portal
from tests.proofs.test_races import REFUSAL, deadlocks

SAILING = "PV24-05"
HOLDS, CABINS = 10_000, 155
VISITORS = 2_000  # five attempts each, fewer than one visitor may hold cabins
AT_ONCE = 32  # four times as many as the server has threads
SAME_CABIN = 8  # attempts at one cabin that follow one another: all threads of the server have it to decide at once
GIVEN_BACK = 0.3  # of the holds of the first half
SEED = 2024
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Visitor:
    """Somebody with a session that the portal signed, and an address of his own."""

    address: str
    cookie: str
    token: str
    holder: str


@dataclass(frozen=True)
class Wish:
    visitor: Visitor
    cabin: str
    party: int
    gives_back: bool  # at once, if he gets it


@dataclass(frozen=True)
class Outcome:
    """What a wish came to: the reference of a hold, or the words of the refusal."""

    wish: Wish
    status: int
    hold: str | None
    words: str
    released: int | None  # the status of the answer to giving the cabin back


@pytest.fixture
def rushed(app: Flask, database: None, tmp_path: Path) -> Iterator[Portal]:
    """The whole ship on sale, served with every limit on, behind one proxy."""
    load_season(FACTS / "season_2024.json", now=now())
    for kept in ("secrets.json", "clock.json"):
        shutil.copy(app.config["PORTAL_DATA"] / kept, tmp_path / kept)
    with portal(tmp_path, RATELIMIT_ENABLED="1", PROXIES="1") as running:
        running.start(worker=False, sandbox=False)
        yield running


def arrive(app: Flask, number: int) -> Visitor:
    """Signed by the portal's own key, as if the visitor had opened a page: only quicker."""
    with app.app_context(), app.test_request_context():  # a token is remembered for as long as the former
        holder, token = new_visitor(), generate_csrf()
        response = app.response_class()
        app.session_interface.save_session(app, session, response)
        cookie = response.headers["Set-Cookie"].partition(";")[0]
    return Visitor(f"10.0.{number >> 8}.{number & 255}", cookie, token, holder)


class Proxy:
    """One connection to the portal, kept open for one request after the other, whoever they are from."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)

    def post(self, visitor: Visitor, path: str, fields: dict[str, str]) -> tuple[int, str, str]:
        """Status, location and text of the answer."""
        headers = {
            "Accept": "text/html",
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": visitor.cookie,
            "X-Forwarded-For": visitor.address,
        }
        self._connection.request("POST", path, urlencode(fields | {"csrf_token": visitor.token}), headers)
        response = self._connection.getresponse()
        return response.status, response.headers.get("Location", ""), response.read().decode()

    def close(self) -> None:
        self._connection.close()


def want(proxy: Proxy, wish: Wish) -> Outcome:
    path = f"/en/cruises/{SAILING}/cabins/{wish.cabin}"
    status, location, page = proxy.post(wish.visitor, path, {"party": str(wish.party)})
    held = re.search(r"/holds/(\w+)/passengers", location)
    if status != 302 or held is None:
        alert = re.search(r'role="alert".*?</div>', page, re.S)
        return Outcome(wish, status, None, unescape(alert[0] if alert else page[:300]), None)
    released = proxy.post(wish.visitor, f"/en/holds/{held[1]}/release", {})[0] if wish.gives_back else None
    return Outcome(wish, status, held[1], "", released)


def rush(running: Portal, wishes: list[Wish]) -> list[Outcome]:
    """All wishes in their order, AT_ONCE of them at the same time."""
    waiting = deque(wishes)

    def serve(_: int) -> list[Outcome]:
        proxy = Proxy(running.port)
        outcomes = []
        try:
            while True:
                outcomes.append(want(proxy, waiting.popleft()))
        except IndexError:
            return outcomes
        finally:
            proxy.close()

    return list(chain.from_iterable(at_once(range(AT_ONCE), serve)))


def wishes_of(visitors: list[Visitor], cabins: list[str], chance: random.Random) -> list[Wish]:
    """First all go for one cabin after the other; then each for one that is long gone, or has just been given back."""
    wanted = [cabin for cabin in chance.sample(cabins, len(cabins)) for _ in range(SAME_CABIN)]
    later = [cabins[place % len(cabins)] for place in range(HOLDS - len(wanted))]
    chance.shuffle(later)
    return [
        Wish(
            visitor=visitors[place % len(visitors)],
            cabin=cabin,
            party=chance.choice((1, 2)),  # so that all of them fit aboard
            gives_back=place < HOLDS // 2 and chance.random() < GIVEN_BACK,
        )
        for place, cabin in enumerate([*wanted, *later])
    ]


def check_answers(outcomes: list[Outcome]) -> None:
    """Each visitor has a cabin or was told politely that somebody else has it; no other word was said to anyone."""
    others = [outcome for outcome in outcomes if outcome.hold is None and REFUSAL not in outcome.words]
    assert others == [], (Counter(outcome.status for outcome in outcomes), others[:3])
    assert Counter(outcome.status for outcome in outcomes).keys() == {302, 422}
    assert {outcome.released for outcome in outcomes} == {302, None}


def check_cabins(outcomes: list[Outcome], cabins: list[str]) -> None:
    """What visitors were told, what the audit trail says and who owns which night are one and the same."""
    db.session.rollback()
    nights = db.session.scalars(select(Sailing).filter_by(code=SAILING)).one().nights
    occupancies = db.session.scalars(select(Occupancy)).all()
    told = {outcome.hold: outcome.wish.visitor.holder for outcome in outcomes if outcome.hold}
    assert told == {occupancy.reference: occupancy.holder for occupancy in occupancies}
    released = {outcome.hold for outcome in outcomes if outcome.released}
    assert released == {row.reference for row in occupancies if row.state is OccupancyState.RELEASED}

    held = [occupancy for occupancy in occupancies if occupancy.state is OccupancyState.HELD]
    assert Counter(occupancy.cabin.number for occupancy in held) == dict.fromkeys(cabins, 1)
    owners = db.session.execute(select(CabinNight.cabin_id, CabinNight.night, CabinNight.occupancy_id)).all()
    assert {tuple(owner) for owner in owners} == {(row.cabin_id, night, row.id) for row in held for night in nights}

    trail = Counter(db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "occupancy")))
    assert trail == {"cabin.held": len(occupancies), "cabin.released": len(released)}


@pytest.mark.only("postgresql")
def test_of_ten_thousand_holds_at_once_each_cabin_has_one_and_everybody_an_answer(
    app: Flask, rushed: Portal, database_name: str
) -> None:
    cabins = list(db.session.scalars(select(Cabin.number).order_by(Cabin.number)))
    visitors = [arrive(app, number) for number in range(VISITORS)]
    db.session.rollback()

    outcomes = rush(rushed, wishes_of(visitors, cabins, random.Random(SEED)))

    assert (len(outcomes), len(cabins)) == (HOLDS, CABINS)
    check_answers(outcomes)
    check_cabins(outcomes, cabins)
    assert deadlocks(database_name) == 0
