"""What guests type stays out of the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.database import db

if TYPE_CHECKING:
    from flask import Flask

TYPED = "75 1234567"


def test_a_fault_is_logged_with_its_place_and_without_what_was_typed(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.test_request_context("/en/"):
        try:
            raise ValueError(TYPED)
        except ValueError as fault:
            app.handle_user_exception(fault)

    assert "ValueError" in caplog.text
    assert __file__ in caplog.text
    assert TYPED not in caplog.text


def test_an_error_of_the_database_does_not_quote_what_was_sent() -> None:
    with pytest.raises(DBAPIError) as refused:
        db.session.execute(text("SELECT * FROM nowhere WHERE number = :typed"), {"typed": TYPED})

    assert TYPED not in str(refused.value)
