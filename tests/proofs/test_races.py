"""Crowds over real HTTP, against the server with its own settings."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, text

from portal.booking.models import Booking
from portal.database import db
from portal.inventory.models import CabinNight, Occupancy, OccupancyState
from portal.payments.models import Payment
from tests.factories import make_season
from tests.proofs.crowd import at_once
from tests.proofs.customer import Answer, Customer, Unexpected
from tests.proofs.processes import Portal

VISITORS, WANTED = 40, ("301", "302", "303")
REFUSAL = "Someone has just taken this cabin"
PATIENCE_SECONDS = 60
Leaving = Callable[[Any], Any]  # as the fixture of this name


class Together(Customer):
    """Opens his page, then waits for all others before he presses the button."""

    def __init__(self, portal: str, start: threading.Barrier) -> None:
        super().__init__(portal)
        self._start = start

    def post(self, url: str, fields: dict[str, str]) -> Answer:
        self._start.wait(PATIENCE_SECONDS)
        return super().post(url, fields)


def deadlocks(database_name: str) -> int:
    if database_name == "sqlite":
        return 0
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with db.engine.connect() as connection:
        return int(connection.scalar(text(query)) or 0)


def test_of_forty_visitors_who_want_three_cabins_three_get_them(
    running: Portal, database_name: str, leaving: Leaving
) -> None:
    season = make_season()
    code, nights_aboard = season.sailing.code, season.sailing.nights
    running.start(worker=False, sandbox=False)
    start = threading.Barrier(VISITORS)
    visitors = [leaving(Together(running.url, start)) for _ in range(VISITORS)]

    def want(visitor: Together) -> str:
        try:
            return visitor.hold(code, WANTED[visitor.number % len(WANTED)], 1 + visitor.number % 2)
        except Unexpected as refused:
            return str(refused.answer.status) if REFUSAL in refused.answer.words else str(refused)

    outcomes = at_once(visitors, want)

    db.session.rollback()
    winners = {outcome for outcome in outcomes if outcome != "422"}
    assert Counter(outcomes)["422"] == VISITORS - len(WANTED), Counter(outcomes)
    holds = {hold.reference: hold for hold in db.session.scalars(select(Occupancy))}
    assert set(holds) == winners
    assert {hold.state for hold in holds.values()} == {OccupancyState.HELD}
    nights = db.session.execute(select(CabinNight.cabin_id, CabinNight.night, CabinNight.occupancy_id)).all()
    owned = {(hold.cabin_id, night, hold.id) for hold in holds.values() for night in nights_aboard}
    assert {tuple(row) for row in nights} == owned
    assert deadlocks(database_name) == 0


def test_one_visitor_in_many_tabs_is_never_met_by_a_fault(
    running: Portal, database_name: str, leaving: Leaving
) -> None:
    """Each tab does something else with the same hold at the same moment."""
    code = make_season().sailing.code
    running.start(worker=False, sandbox=False)
    first = leaving(Customer(running.url))
    hold = first.hold(code, "301", 2)

    def tab(place: int) -> list[int]:
        mine = leaving(Customer(running.url))
        mine.cookies = dict(first.cookies)
        mine.number = first.number
        for _ in range(8):
            with contextlib.suppress(Unexpected):  # refused, which is as good
                if place % 2:
                    mine.name(hold, 2)
                else:
                    mine.hold(code, "301", 1 + place % 4 // 2)
        return [answer.status for answer in mine.trail]

    db.session.rollback()
    statuses = Counter(status for tab_saw in at_once(range(6), tab) for status in tab_saw)

    assert {status for status in statuses if status >= 500} == set(), statuses
    assert deadlocks(database_name) == 0
    assert len(db.session.scalars(select(Occupancy)).all()) == 1
    assert len(db.session.scalars(select(Booking)).all()) == 1


def test_a_button_pressed_many_times_at_once_places_one_booking_and_opens_one_payment(
    running: Portal, leaving: Leaving
) -> None:
    code = make_season().sailing.code
    running.start(worker=False)
    first = leaving(Customer(running.url))
    hold = first.hold(code, "301", 1)
    first.name(hold, 1)
    start = threading.Barrier(4)

    def tab() -> Any:
        mine = leaving(Together(running.url, start))
        mine.cookies = dict(first.cookies)
        return mine

    def press_place(mine: Together) -> int:
        with contextlib.suppress(Unexpected):  # the other tabs were quicker
            mine.place(hold)
        return mine.trail[-1].status

    placed = at_once([tab() for _ in range(4)], press_place)
    db.session.rollback()
    booking = db.session.scalars(select(Booking)).one()
    opened = at_once([tab() for _ in range(4)], lambda mine: mine.open_checkout(booking.reference))

    db.session.rollback()
    assert max(placed) < 500
    assert len(set(opened)) == 1
    assert len(db.session.scalars(select(Payment)).all()) == 1
