"""What packages further on show on a page of an earlier one, which may not import them.

As with topics, the later package says what it adds: its query registers by `part_of`, the page's view asks `parts`.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

Query = TypeVar("Query", bound=Callable[..., Any])
_parts: dict[str, dict[str, Callable[..., Any]]] = defaultdict(dict)


def part_of(page: str, name: str) -> Callable[[Query], Query]:
    """Register a query whose answer the template of `page` finds under `name`."""

    def register(query: Query) -> Query:
        _parts[page][name] = query
        return query

    return register


def parts(page: str, about: object) -> dict[str, Any]:
    """Everything that was added to `page`, asked with what the page is about: for its template, by name."""
    return {name: query(about) for name, query in _parts[page].items()}
