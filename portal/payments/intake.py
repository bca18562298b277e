"""The door for what providers tell us, in front of all that pages need: sessions, languages, limits and policies."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from portal.database import db
from portal.kernel.acting import acting
from portal.payments.inbox import store_event
from portal.payments.providers.base import BadSignature
from portal.payments.providers.registry import providers

log = logging.getLogger(__name__)

ADDRESS = "/webhooks/"
LONGEST = 1024 * 1024  # bytes; the largest events of Stripe have a tenth of it

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Intake:
    """Takes each POST to /webhooks/<provider>; everything else, and providers that are not set up, go on to `inner`.

    An event is stored and acknowledged at once: on the disk before its sender is told so. The worker looks into it.
    Nobody is known by a session here: what counts is the proof that the provider itself knows how to read.
    """

    def __init__(self, app: Flask, inner: Wsgi) -> None:
        self._app, self._inner = app, inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] == "POST" and path.startswith(ADDRESS):
            answer = self._take(path.removeprefix(ADDRESS), environ)
            if answer is not None:
                return answer(environ, start_response)
        return self._inner(environ, start_response)

    def _take(self, name: str, environ: dict[str, Any]) -> Response | None:
        with self._app.app_context():
            taker = providers().get(name)
            if taker is None:
                return None
            before = acting.set(f"provider:{name}")
            try:
                request = Request(environ)
                request.max_content_length = LONGEST
                store_event(taker.read_event(request.get_data(cache=False), _headers(environ)))
            except BadSignature:
                return Response("bad signature", 400)
            except HTTPException as refused:  # too long, or broken off
                return Response("", refused.code or 400)
            except (DBAPIError, PoolTimeout) as away:
                log.error("an event of %s could not be stored: %s", name, type(away).__name__)
                db.session.rollback()
                return Response("", 503, {"Retry-After": "10"})
            except Exception:
                log.exception("an event of %s could not be stored", name)
                return Response("", 500)
            finally:
                acting.reset(before)
            return Response("", 200)


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """By their names as they are written: `Stripe-Signature`."""
    return {
        key.removeprefix("HTTP_").replace("_", "-").title(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
