"""Cabins that somebody wants to keep from others without paying."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from portal.database import db
from portal.inventory.models import Occupancy
from portal.kernel.clock import real_now
from portal.payments.errors import MethodNotOffered
from portal.payments.gateway import CHECKOUT_TIME, CheckoutLine
from portal.payments.services import CARD_PATIENCE, GRACE, start_card_payment
from tests.factories import NOON, make_booking, make_season
from tests.payments.conftest import provider  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from portal.booking.models import Booking

BACK = "http://portal.example/back"


def start(booking: Booking, now: datetime) -> str:
    return start_card_payment(
        booking_id=booking.id,
        lines=[CheckoutLine("Cabin 301", booking.price)],
        success_url=BACK,
        cancel_url=BACK,
        now=now,
    )


def kept_until(booking: Booking) -> datetime | None:
    db.session.expire_all()
    return db.session.get_one(Occupancy, booking.cabins[0].occupancy_id).expires_at


@pytest.mark.usefixtures("provider")
def test_asking_again_for_the_page_keeps_the_cabin_no_longer_than_the_page_is_open() -> None:
    later = timedelta(minutes=30)
    booking = make_booking(make_season())
    with time_machine.travel(real_now(), tick=False) as clock:
        page = start(booking, NOON)
        clock.shift(later)

        assert start(booking, NOON + later) == page

    assert kept_until(booking) == booking.pay_by == NOON + CHECKOUT_TIME + GRACE


@pytest.mark.usefixtures("provider")
def test_beginning_to_pay_again_and_again_keeps_no_cabin_for_ever() -> None:
    booking = make_booking(make_season())
    now, between = NOON, CHECKOUT_TIME + timedelta(minutes=1)
    with time_machine.travel(real_now(), tick=False) as clock:
        for _ in range(3):
            start(booking, now)
            now += between
            clock.shift(between)

        with pytest.raises(MethodNotOffered):
            start(booking, now)

    assert NOON + CHECKOUT_TIME < (kept_until(booking) or NOON) <= NOON + CARD_PATIENCE
