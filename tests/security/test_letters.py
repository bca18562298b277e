"""Letters that somebody has us send to somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from portal.booking.services import name_passengers, place_booking
from portal.database import db
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.web.filters import called
from tests.factories import NOON, details, make_hold, make_season

if TYPE_CHECKING:
    from tests.browser import Browser

LURE = "You have won http://evil.example/prize www.evil.example <b>a@evil.example</b> " + "now " * 8


def letter() -> OutgoingMail:
    follow_up()
    return db.session.scalars(select(OutgoingMail)).one()


def test_a_new_account_sends_no_links_of_a_strangers_choice(browser: Browser) -> None:
    browser.open("/en/sign-up").submit(name=LURE, email="victim@example.org", password="four quiet words here")

    assert "evil.example" not in letter().text
    assert "evil.example" not in letter().html
    assert "<b>a" not in letter().html


def test_a_booking_sends_no_links_of_a_strangers_choice() -> None:
    hold = make_hold(make_season(), party=1)
    booking = name_passengers(parties={hold.id: [details()]}, customer_id=None, language="en", now=NOON)
    place_booking(
        booking_id=booking.id,
        contact_name=LURE,
        contact_email="victim@example.org",
        contact_phone="+7 900 1234567",
        terms_version="t1",
        consent_version="c1",
        now=NOON,
    )

    assert "evil.example" not in letter().text
    assert "evil.example" not in letter().html


@pytest.mark.parametrize(
    "name",
    [
        "Anna-Maria O'Neill",
        "Гурбангулы Сәпәрмырадов",
        "J. R. R. Tolkien",
        "Žemal Öwezowa",
        "Йо\u0301сиф Ильич",
        "St. John 3rd",
    ],
)
def test_a_name_stays_a_name(name: str) -> None:
    assert called(name) == name
