"""The web server's worker, which lets an answer that stays open go on without a thread."""

import errno
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from portal.web.streams import TAKEABLE

_request = threading.local()


class StreamingWorker(ThreadWorker):
    """As its parent, but whoever is named under TAKEABLE while a request is answered gets the connection afterwards."""

    def load_wsgi(self) -> None:
        super().load_wsgi()
        application: Any = self.wsgi
        self.wsgi: Any = _offering(application)

    def handle(self, conn: Any) -> Any:
        _request.takers = []
        kept = super().handle(conn)
        for take in _request.takers:
            # The worker closes what it finds here; the connection itself stays open in other hands.
            taken, conn.sock = conn.sock, socket.socket()
            take(taken)
        return kept


def _offering(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        whole = environ["SERVER_PROTOCOL"] == "HTTP/1.1" and environ["wsgi.url_scheme"] in ("http", "https")
        if not whole or environ["REQUEST_METHOD"] != "GET" or not isinstance(environ["gunicorn.socket"], socket.socket):
            return application(environ, start_response)
        environ[TAKEABLE] = takers = _request.takers
        body = application(environ, start_response)
        return _unfinished(body) if takers else body

    return serve


def _unfinished(body: Any) -> Iterator[bytes]:
    """What the answer begins with; then the worker is told, as by a reader who has gone, that it has no more to do."""
    with closing(body):
        yield from body
    raise OSError(errno.EPIPE, "the connection is in other hands")
