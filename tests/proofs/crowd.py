"""Many at once, in real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def at_once(each: Sequence[T], work: Callable[[T], R]) -> list[R]:
    """What `work` makes of each, all in threads of their own; the first failure of any is raised."""
    results: list[R | None] = [None] * len(each)
    failures: list[BaseException] = []

    def run(place: int, one: T) -> None:
        try:
            results[place] = work(one)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(place, one)) for place, one in enumerate(each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results  # type: ignore[return-value]
