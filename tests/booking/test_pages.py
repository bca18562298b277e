"""From the held cabin to the page of the booking, as a visitor without JavaScript sees them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from portal.booking.access import link_token
from portal.booking.models import Booking, BookingState, Passenger
from portal.booking.services import confirm_booking, expire_bookings
from portal.database import db
from portal.extensions import limiter
from portal.inventory.services import HOLD_TIME
from portal.kernel.clock import now
from portal.outbox.services import follow_up
from portal.pricing.policy import DEFAULT_POLICY
from tests.browser import Browser, Page
from tests.factories import SmallSeason, announced, details, make_account, make_booking, make_season

ANNA = {
    "surname": "Ivanova",
    "given_names": "Anna",
    "local_surname": "Иванова",
    "local_given_names": "Анна",
    "birth_date": "1985-05-17",
    "sex": "F",
    "citizenship": "RU",
    "document_kind": "passport",
    "document_number": "75 1234567",
    "document_expires": "2031-01-01",
}
BERDI = ANNA | {
    "surname": "Berdiyev",
    "given_names": "Berdi",
    "local_surname": "Berdiýew",
    "local_given_names": "Berdi",
    "sex": "M",
    "citizenship": "TM",
    "document_number": "A1234567",
}
CONTACT = {
    "contact_name": "Anna Ivanova",
    "contact_email": "anna@example.org",
    "contact_phone": "+7 900 1234567",
    "terms": "y",
    "consent": "y",
}


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> None:
    limiter.reset()


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app.test_client())


def typed(*people: dict[str, str]) -> dict[str, str]:
    return {f"passengers-{n}-{name}": value for n, one in enumerate(people) for name, value in one.items()}


def hold(browser: Browser, season: SmallSeason, language: str = "en", party: int = 2) -> Page:
    """The page of the passengers, after a cabin for so many has been chosen."""
    cabin = browser.open(f"/{language}/cruises/{season.sailing.code}/cabins/301")
    return cabin.submit("cabins/301" if "cabins/301" in [form.action for form in cabin.forms] else None, party=party).follow()


def review(browser: Browser, season: SmallSeason, language: str = "en") -> Page:
    return hold(browser, season, language).submit("", **typed(ANNA, BERDI)).follow()


def place(browser: Browser, season: SmallSeason, language: str = "en") -> Booking:
    form_of(review(browser, season, language)).submit(**CONTACT)
    return db.session.query(Booking).one()


def problem_beside(page: Page, name: str) -> str:
    """What stands beside the input, tied to it by aria-describedby."""
    [control] = [element for tag in ("input", "select") for element in page.find(tag, name=name)]
    assert control.get("aria-invalid") == "true"
    described = (control.get("aria-describedby") or "").split()
    return " ".join("".join(part.itertext()) for part in page.find("div") if part.get("id") in described)
