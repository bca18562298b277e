"""The reader's language stands in the address; links carry it on."""

from typing import Any
from urllib.parse import urlencode

from babel import Locale
from flask import Flask, g, has_request_context, request, url_for
from flask_babel import get_locale

from portal.kernel.text import LANGUAGE_NAMES, LANGUAGES

PREFIX = "/<any(ru,tk,en):language>"
COOKIE = "language"


def choose_locale() -> str:
    """The language of the address; outside the language folders the reader's own choice, else the browser's."""
    if not has_request_context():
        return str(getattr(g, "language", "ru"))
    return str(getattr(g, "language", None) or preferred_language())


def preferred_language() -> str:
    """What was chosen before, else what the browser asks for, else Russian."""
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else (request.accept_languages.best_match(LANGUAGES) or "ru")


def language() -> str:
    """The code of the language this text is for."""
    locale: Locale = get_locale()
    return str(locale.language)


def switch_language(code: str) -> str:
    """The address of this same page in another language; the start page where there is no such page."""
    if request.endpoint is None or getattr(g, "language", None) is None or request.method != "GET":
        return url_for("catalogue.home", language=code)
    page = url_for(request.endpoint, **(request.view_args or {}), language=code)
    # Never as arguments of url_for(): it would take `_external` or `endpoint` for orders to itself.
    asked = urlencode(list(request.args.items(multi=True)))
    return f"{page}?{asked}" if asked else page


def init_app(app: Flask) -> None:
    @app.url_value_preprocessor
    def take_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.language = values.pop("language", None) if values else None

    @app.url_defaults
    def give_language(endpoint: str, values: dict[str, Any]) -> None:
        if "language" not in values and app.url_map.is_endpoint_expecting(endpoint, "language"):
            values["language"] = choose_locale()

    @app.after_request
    def remember_language(response: Any) -> Any:
        chosen = getattr(g, "language", None)
        if chosen and request.cookies.get(COOKIE) != chosen:
            response.set_cookie(
                COOKIE, chosen, max_age=365 * 24 * 3600, samesite="Lax", secure=app.config["SESSION_COOKIE_SECURE"]
            )
        return response

    app.jinja_env.globals.update(switch_language=switch_language, LOCALES=LANGUAGE_NAMES, get_locale=get_locale)

