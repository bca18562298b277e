"""What strangers write into addresses and forms, brought to a shape that the rest of the portal can bear."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1  # no row has a larger number; a database asked for one would answer with a fault


class RowNumber(IntegerConverter):
    """`<int:…>`: an address with a number beyond every row is not there."""

    def __init__(self, map: Map, *arguments: Any, **limits: Any) -> None:
        super().__init__(map, *arguments, **({"max": LARGEST} | limits))


def local_path(target: str | None) -> str | None:
    """`target` if it is a page of this portal, else None: an address from outside must lead nowhere else."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or any(ord(letter) < 32 for letter in target):  # browsers read these as "/" or as nothing
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = RowNumber

    @app.before_request
    def refuse_null_bytes() -> None:
        """Nobody types one, PostgreSQL takes none, and other programs read a text only so far."""
        typed = (request.path, *request.args, *request.args.values(), *request.form, *request.form.values())
        if any("\0" in text for text in typed):
            abort(400)
