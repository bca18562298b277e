"""State machines as plain tables: what may follow what."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import TypeAlias, TypeVar

S = TypeVar("S", bound=StrEnum)
Moves: TypeAlias = Mapping[S, Set[S]]


class IllegalMove(Exception):
    """A bug in the caller: the table does not allow this step."""


def move(current: S, target: S, moves: Moves[S]) -> S:
    """`target`, if `moves` lets `current` go there. Raises IllegalMove."""
    if target not in moves.get(current, frozenset()):
        raise IllegalMove(f"{current} -> {target}")
    return target
