"""What is handed in, or tried to be, by those who should not."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from portal.booking.models import Booking
from portal.booking.services import expire_bookings, name_passengers
from portal.database import db
from portal.files import intake
from portal.files.errors import FileDamaged, TooBusy
from portal.files.intake import MAX_BYTES
from portal.inventory.services import HOLD_TIME
from portal.kernel.clock import now
from portal.visas.services import load_rules
from tests.factories import details, make_account, make_booking, make_hold, make_season
from tests.files.uploads import jpeg

if TYPE_CHECKING:
    from tests.browser import Browser, Page

pytestmark = pytest.mark.usefixtures("rules")


@pytest.fixture
def rules() -> None:
    load_rules(now=now())


def hand_in(browser: Browser, booking: Booking, content: bytes) -> Page:
    token = browser.open("/en/find-booking").form().values["csrf_token"]
    return browser.request(
        f"/en/bookings/{booking.reference}/papers/{booking.passengers[0].reference}-passport",
        method="POST",
        data={"csrf_token": token, "document": (BytesIO(content), "scan.jpg")},
    )


def test_a_strangers_upload_finds_nothing_however_large_it_is(browser: Browser) -> None:
    booking = make_booking(make_season(), now=now())

    assert hand_in(browser, booking, b"0" * (MAX_BYTES + 2**20)).status == 404
    assert hand_in(browser, booking, b"0").status == 404


def test_files_are_unfolded_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "PATIENCE_SECONDS", 0.01)

    with intake.turn, pytest.raises(TooBusy):
        intake.examine(jpeg())

    assert intake.examine(jpeg()).pages == 1


def test_a_file_that_is_refused_lets_the_next_one_in() -> None:
    for _ in range(2):
        with pytest.raises(FileDamaged):
            intake.examine(b"\xff\xd8\xff")


def test_nothing_is_handed_in_for_a_booking_given_up_before_it_was_agreed(browser: Browser) -> None:
    customer = make_account(language="en")
    hold = make_hold(make_season(), party=1, now=now())
    name_passengers(parties={hold.id: [details()]}, customer_id=customer.id, language="en", now=now())
    expire_bookings(now() + HOLD_TIME)
    browser.sign_in(customer)

    answer = hand_in(browser, db.session.scalars(select(Booking)).one(), b"\xff\xd8\xff")

    assert answer.status == 422
    assert "No papers can be handed in" in answer.words
