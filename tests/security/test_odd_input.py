"""What no person would send is answered as a mistake of the sender, never as a fault of ours."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

import pytest

from portal.accounts.models import Role
from tests.factories import make_account

if TYPE_CHECKING:
    from tests.browser import Browser

NULLS = ["/en/cruises/%00", "/en/cruises?month=%00", "/en/bookings/A%00", "/en/staff/bookings/%00"]
NUMBERS = ["/en/staff/audit?before={}", "/en/staff/accounts?page={}", "/en/bookings/ABCDEFGH/papers/ABC-passport/{}"]


@pytest.mark.parametrize("path", NULLS)
def test_a_null_byte_is_refused(browser: Browser, path: str) -> None:
    assert browser.open(path).status == 400


def test_a_null_byte_typed_into_a_form_is_refused(browser: Browser) -> None:
    answer = browser.open("/en/find-booking").submit(reference="A\0B", email="a@example.org")

    assert answer.status == 400


@pytest.mark.parametrize("path", NUMBERS)
def test_a_number_beyond_every_row_is_not_a_fault(browser: Browser, path: str) -> None:
    browser.sign_in(make_account(Role.ADMINISTRATOR))

    answer = Context().run(browser.client.get, path.format(10**30))

    assert answer.status_code in (200, 404)
