"""What the bench serves beside the portal: a plain page of any size, and the portal with its statements counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from flask import Flask, render_template

AFRESH = "HTTP_X_AFRESH"  # as WSGI names the header X-Afresh
STATEMENTS = "X-Statements"

LAYOUT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{% block title %}{% endblock %}</title></head>
<body><main>{% block main %}{% endblock %}</main></body>
</html>
"""
# A row as pages have them: some 60 bytes of mark-up for each value that is put in and escaped.
PAGE = """{% extends "layout.html" %}
{% block title %}{{ title }}{% endblock %}
{% block main %}
<h1>{{ title }}</h1>
<table class="table table--wide">
{% for row in rows %}
  <tr class="departures__row{% if row.free %} departures__row--free{% endif %}">
    <th scope="row" class="departures__name">
      <a class="link link--quiet" href="/en/departures/{{ row.code }}">{{ row.name }}</a>
    </th>
    <td class="departures__day"><time class="moment" datetime="{{ row.day }}">{{ row.day }}</time></td>
    <td class="departures__price departures__price--number"><span class="money">{{ row.price }}&nbsp;₽</span></td>
  </tr>
{% endfor %}
</table>
<p>{{ rest }}</p>
{% endblock %}
"""


def plain() -> Flask:
    """Flask and Jinja, and nothing else: /page/<bytes> is rendered afresh each time from rows in memory."""
    from jinja2 import DictLoader

    app = Flask(__name__)
    app.jinja_loader = DictLoader({"layout.html": LAYOUT, "page.html": PAGE})
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    first = date(2024, 5, 1)
    rows = [
        {
            "code": f"PV24-{number:04d}",
            "name": f"Volga & Caspian {number:04d}",
            "day": first + timedelta(days=number),
            "price": 1000 + number,
            "free": number % 3,
        }
        for number in range(4000)
    ]
    fitting: dict[int, tuple[int, str]] = {}

    def render(count: int, rest: str) -> str:
        return render_template("page.html", title="Departures", rows=rows[:count], rest=rest)

    def fit(size: int) -> tuple[int, str]:
        """How many rows make almost `size` bytes, and the words that make up the rest."""
        count = 0
        while len(render(count + 1, "").encode()) <= size:
            count += 1
        return count, "x" * (size - len(render(count, "").encode()))

    @app.get("/page/<int:size>")
    def page(size: int) -> str:
        if size not in fitting:
            fitting[size] = fit(size)
        return render(*fitting[size])

    @app.get("/bytes/<int:size>")
    def constant(size: int) -> bytes:
        """What the load generator and the server can do when nothing is rendered."""
        return b"x" * size

    return app


def counted() -> Callable[..., Iterable[bytes]]:
    """The portal; each answer says how many statements it took, and a request with X-Afresh finds no page ready."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from portal.web.ready import shelf
    from wsgi import app

    seen = threading.local()

    @event.listens_for(Engine, "before_cursor_execute")
    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.statements = getattr(seen, "statements", 0) + 1

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if AFRESH in environ:
            shelf.clear()
        seen.statements = 0

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (STATEMENTS, str(seen.statements))], *rest)

        return app(environ, start)

    return serve
