"""Pages kept ready for visitors who are not signed in: as long as what they show has not changed.

A page is keyed by its address, the theme and the versions of the data it shows, which one statement reads from the
database on each request; so a change made by any process is seen by the next request of every process. A page also
goes stale by itself at `fresh_until`, when the next hold runs out.
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from flask import Response, g, make_response, request, session
from flask.typing import ResponseReturnValue

from portal.kernel.clock import now

CAPACITY = 400  # pages of some 60 KB: about 25 MB a process

# What the session of a stranger holds: by it he opens his holds and bookings, of which no page tells that is kept here.
SHOWN_NOWHERE = frozenset({"visitor", "grants", "csrf_token", "_permanent"})

Key = tuple[object, ...]


@dataclass(frozen=True)
class _Kept:
    body: bytes
    packed: bytes
    fresh_until: datetime | None


class Shelf:
    """The most recently asked for pages."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._pages: OrderedDict[Key, _Kept] = OrderedDict()
        self._capacity = capacity
        self._lock = Lock()

    def take(self, key: Key, moment: datetime) -> _Kept | None:
        with self._lock:
            kept = self._pages.get(key)
            if kept is None:
                return None
            if kept.fresh_until is not None and kept.fresh_until <= moment:
                del self._pages[key]
                return None
            self._pages.move_to_end(key)
            return kept

    def put(self, key: Key, kept: _Kept) -> None:
        with self._lock:
            self._pages[key] = kept
            while len(self._pages) > self._capacity:
                self._pages.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()


shelf = Shelf()


def visitor_unknown() -> bool:
    """Nothing on the page may depend on who looks at it: nobody is signed in, and nothing is to be told once."""
    return session.keys() <= SHOWN_NOWHERE


def kept_ready(versions: Key, render: Callable[[], tuple[str, datetime | None]]) -> ResponseReturnValue:
    """The page that `render` makes, with the moment until which it is true; for the unknown visitor from the shelf."""
    if not visitor_unknown():
        return render()[0]
    moment = now()
    # All of the address that links on the page are made of; what no page knows makes one of its own and falls off.
    key = (request.script_root, request.full_path, request.cookies.get("theme"), versions)
    kept = shelf.take(key, moment)
    if kept is None:
        text, fresh_until = render()
        body = text.encode()
        token: str | None = g.get("csrf_token")
        if not visitor_unknown() or (token and token in text):  # a form that is his own
            return text
        kept = _Kept(body, gzip.compress(body, 6, mtime=0), fresh_until)
        shelf.put(key, kept)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response: Response = make_response(kept.packed if packed else kept.body)
    response.mimetype = "text/html"
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = "private, no-cache"
    return response
