"""Addresses of the built front end: a file's name holds the hash of its content, so it may be kept for ever."""

import json
import re
from functools import cache
from pathlib import Path

from flask import Flask, url_for
from whitenoise import WhiteNoise

BUILT = Path(__file__).parent.parent.parent / "static" / "build"


@cache
def _manifest() -> dict[str, str]:
    try:
        manifest: dict[str, str] = json.loads((BUILT / "manifest.json").read_text())
    except FileNotFoundError:
        raise RuntimeError("The front end has not been built: run `make run`, or scripts/prepare.py.") from None
    return manifest


def asset(name: str) -> str:
    """The address of `name` ("css/site.css"). Raises KeyError for a file that was not built."""
    return url_for("static", filename=f"build/{_manifest()[name]}")


# The build puts eight letters of the content's hash before the ending.
HASHED = re.compile(r"-[0-9A-Z]{8}\.[a-z0-9]+$")


def init_app(app: Flask) -> None:
    app.jinja_env.globals["asset"] = asset
    if BUILT.is_dir():
        # Before Flask sees the request: a picture needs no session, no language and no database.
        app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
            app.wsgi_app,
            root=str(BUILT),
            prefix="static/build/",
            immutable_file_test=lambda path, url: HASHED.search(url) is not None,
        )
