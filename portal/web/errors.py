"""What a person sees when something cannot be shown or done."""

import logging
import traceback

from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from portal.database import db
from portal.extensions import login_manager
from portal.kernel.errors import NotFound, Refused

log = logging.getLogger(__name__)

SHOWN = {400, 403, 404, 405, 409, 413, 429}


def init_app(app: Flask) -> None:
    @app.errorhandler(NotFound)
    def not_found(error: Exception) -> ResponseReturnValue:
        return render_template("errors/404.html"), 404

    @app.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        return render_template("errors/409.html", message=error.message), 409

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        if code < 400 or error.response is not None:
            return error
        if code not in SHOWN:
            code = 404 if code < 500 else 500
        return render_template(f"errors/{code}.html", again=None), code

    @app.errorhandler(OperationalError)
    @app.errorhandler(DBAPIError)
    @app.errorhandler(PoolTimeout)
    def database_away(error: Exception) -> ResponseReturnValue:
        """Away, not broken: the next request tries again by itself."""
        log.error("database: %s at %s", type(error).__name__, request.endpoint)
        db.session.rollback()
        _know_nobody()
        if isinstance(error, DBAPIError) and not isinstance(error, OperationalError):
            return render_template("errors/500.html"), 500
        return render_template("errors/503.html"), 503, {"Retry-After": "10"}

    @app.errorhandler(Exception)
    def broken(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException):
            return error
        # The type and the place, never the text: it may quote what a guest typed.
        way = "".join(traceback.format_tb(error.__traceback__))
        log.error("%s at %s\n%s", type(error).__name__, request.endpoint, way)
        _know_nobody()
        return render_template("errors/500.html"), 500


def _know_nobody() -> None:
    """Every template is given the account that is signed in, and that stands in the database which may be away."""
    g._login_user = login_manager.anonymous_user()
