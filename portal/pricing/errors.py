"""What the rules of prices refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.kernel.errors import Refused


class FaresChanged(Refused):
    message = _l(
        "Someone else has changed these fares meanwhile. What you typed is still here; compare it with the "
        "present fares, then save again."
    )


@dataclass(frozen=True)
class FareProblem:
    """What is wrong with one fare, and with which: "adult", "single", "child" or "extra"."""

    category: str
    field: str
    message: LazyString


class FaresRefused(Refused):
    message = _l("These fares contradict each other. Please look at the ones marked below.")

    def __init__(self, problems: Sequence[FareProblem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)
