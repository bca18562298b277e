"""What changes on a deck plan while it is looked at.

Each process keeps the states of the cabins of every plan that somebody has open, and asks the database for them at
most twice a second, however many look: those whose connection stays open are told only what is new, the others ask for
all of it and mostly hear that nothing is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from portal.catalogue.versions import Versions, versions_of_sailings
from portal.inventory.queries import DeckPlanStates, deck_plan_states
from portal.kernel.clock import now
from portal.kernel.errors import NotFound

AGE = timedelta(seconds=0.4)  # what is younger is true enough for a plan; the cabin's own page asks the database
MOST_BOARDS = 500


@dataclass(frozen=True)
class Board:
    states: DeckPlanStates
    versions: Versions
    read_at: datetime


def topic_of(code: str, part: str | None) -> str:
    """What a plan is followed by: the sailing's code, and of a part of the voyage its key, "PV24-02/2-4"."""
    return code if part is None else f"{code}/{part}"


def _sailing_and_part(topic: str) -> tuple[str, str | None]:
    code, _, part = topic.partition("/")
    return code, part or None


class Boards:
    """The states of the cabins of those voyages whose plans were asked for last, by topic."""

    def __init__(self) -> None:
        self._boards: OrderedDict[str, Board] = OrderedDict()
        self._told: dict[str, DeckPlanStates] = {}  # what those were told last whose connection stays open
        self._lock = Lock()

    def states(self, code: str) -> DeckPlanStates:
        """Not older than AGE. Raises NotFound."""
        board = self._boards.get(code)
        moment = now()
        if board is None or not moment - AGE <= board.read_at <= moment or board.states.over_at(moment):
            with self._lock:
                self._read([code], moment)
            board = self._boards.get(code)
        if board is None:
            raise NotFound(code)
        return board.states

    def whole(self, codes: Collection[str]) -> dict[str, Any]:
        """Everything, for those who have just opened these plans: as those know it who had them open before."""
        with self._lock:
            self._read([code for code in codes if code not in self._told], now())
            for code in codes:
                if code not in self._told and code in self._boards:
                    self._told[code] = self._boards[code].states
            return {
                code: {"free": told.free, "taken": told.taken} for code in codes if (told := self._told.get(code))
            }

    def news(self, codes: Collection[str]) -> dict[str, Any]:
        """Of these plans, the cabins whose state is another one than was told last."""
        with self._lock:
            self._read(codes, now())
            before, self._told = self._told, {code: self._boards[code].states for code in codes if code in self._boards}
        return {
            code: {"free": told.free, "changed": _changed(before[code].taken, told.taken)}
            for code, told in self._told.items()
            if code in before and before[code].taken != told.taken
        }

    def clear(self) -> None:
        with self._lock:
            self._boards.clear()
            self._told.clear()

    def _read(self, codes: Collection[str], moment: datetime) -> None:
        """One statement where nothing has changed."""
        if not codes:
            return
        versions_by_sailing = versions_of_sailings({_sailing_and_part(topic)[0] for topic in codes})
        for topic in codes:
            sailing, part = _sailing_and_part(topic)
            versions = versions_by_sailing[sailing]
            board = self._boards.get(topic)
            if board is not None and board.versions == versions and not board.states.over_at(moment):
                states = board.states
            else:
                try:
                    states = deck_plan_states(sailing, moment, part)
                except NotFound:
                    self._boards.pop(topic, None)
                    continue
            self._boards[topic] = Board(states, versions, moment)
            self._boards.move_to_end(topic)
        while len(self._boards) > max(MOST_BOARDS, len(codes)):
            self._boards.popitem(last=False)


def _changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    return {
        number: after.get(number, "free")
        for number in before.keys() | after.keys()
        if before.get(number) != after.get(number)
    }


boards = Boards()
