"""Lists in pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Select

Rows: TypeAlias = Select[*tuple[Any, ...]]
PAGE = 50


@dataclass(frozen=True)
class Paging:
    current: int
    last: int
    total: int

    @property
    def offset(self) -> int:
        return (self.current - 1) * PAGE


def paging(asked: int, total: int) -> Paging:
    """The page asked for, or the nearest there is."""
    last = max(1, -(-total // PAGE))
    return Paging(min(max(asked, 1), last), last, total)
