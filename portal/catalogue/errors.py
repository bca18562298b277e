"""What the rules of sailings refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.kernel.errors import Refused


class ChangedMeanwhile(Refused):
    message = _l(
        "Someone else has changed this meanwhile. What you typed is still here; compare it with the present "
        "state below, then save again."
    )


class SailingOver(Refused):
    message = _l("This sailing has left or been cancelled and cannot go on sale.")


class PartImpossible(Refused):
    """What is wrong with a part of a voyage that is to be offered; `field` says where it was typed."""

    def __init__(self, field: str, message: LazyString) -> None:
        super().__init__(field)
        self.field = field
        self.message = message


class SalesEndTooLate(Refused):
    message = _l("Sales must end before the ship departs.")


@dataclass(frozen=True)
class Problem:
    """What is wrong with one call, and with which of its fields: "arrives", "departs" or "state"."""

    position: int
    field: str
    message: LazyString


class CallsRefused(Refused):
    """The calls cannot be sailed as they stand; all that is wrong with them at once."""

    message = _l("The ship cannot sail like this. Please look at the calls marked below.")

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)
