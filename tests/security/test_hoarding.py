"""Cabins that somebody wants to keep from others without paying."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy import select

from portal.database import db
from portal.inventory.models import Occupancy
from portal.inventory.services import release
from portal.kernel.clock import now, real_now
from portal.payments.errors import MethodNotOffered
from portal.payments.providers.base import CheckoutLine
from portal.payments.providers.stripe import CHECKOUT_TIME
from portal.payments.services import CARD_PATIENCE, GRACE, start_card_payment
from tests.browser import Browser, Page
from tests.factories import NOON, SmallSeason, make_account, make_booking, make_season
from tests.payments.conftest import provider  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from flask import Flask

    from portal.booking.models import Booking

BACK = "http://portal.example/back"


def hold_as_somebody_new(app: Flask, season: SmallSeason, address: str = "192.0.2.1", cabin: str = "301") -> Page:
    browser = Browser(app.test_client())
    browser.client.environ_base["REMOTE_ADDR"] = address
    page = browser.open(f"/en/cruises/{season.sailing.code}/cabins/{cabin}")
    return page.submit(party=1) if page.find("input", name="party") else page


def give_back(season: SmallSeason) -> None:
    for occupancy in db.session.scalars(select(Occupancy).filter_by(sailing_id=season.sailing.id)).all():
        release(occupancy_id=occupancy.id, now=now())


def test_throwing_cookies_away_does_not_empty_the_ship(app: Flask) -> None:
    season = make_season()
    for _ in range(30):
        assert hold_as_somebody_new(app, season).status == 302
        give_back(season)

    assert hold_as_somebody_new(app, season).status == 429
    assert hold_as_somebody_new(app, season, "192.0.2.2").status == 302


def test_a_cabin_that_others_have_counts_against_nobody(app: Flask) -> None:
    season = make_season()
    hold_as_somebody_new(app, season, "192.0.2.2")
    browser = Browser(app.test_client())
    path = f"/en/cruises/{season.sailing.code}/cabins"
    typed = browser.open(f"{path}/302").form().values | {"party": "1"}

    answers = {browser.request(f"{path}/301", method="POST", data=typed).status for _ in range(20)}

    assert answers == {422}
    assert hold_as_somebody_new(app, season, "127.0.0.1", "302").status == 302


def test_all_addresses_of_one_ipv6_network_count_as_one(app: Flask) -> None:
    season = make_season()
    for number in range(30):
        assert hold_as_somebody_new(app, season, f"2001:db8:0:1::{number:x}").status == 302
        give_back(season)

    assert hold_as_somebody_new(app, season, "2001:db8:0:1:ffff::1").status == 429
    assert hold_as_somebody_new(app, season, "2001:db8:0:2::1").status == 302
    give_back(season)
    assert {hold_as_somebody_new(app, season, f"::ffff:192.0.2.{n}", f"30{n}").status for n in (1, 2)} == {302}


def test_only_so_many_transfers_are_begun_from_one_address(app: Flask) -> None:
    season = make_season()
    customer = make_account(language="en")
    browser = Browser(app.test_client())
    browser.sign_in(customer)
    booking = make_booking(season, customer=customer, now=now())
    page = browser.open(f"/en/bookings/{booking.reference}/pay")
    for _ in range(10):
        assert page.submit(method="transfer").status == 303

    assert page.submit(method="transfer").status == 429
    assert page.submit(method="nonsense").status == 422


def start(booking: Booking, moment: datetime) -> str:
    return start_card_payment(
        booking_id=booking.id,
        name="stripe",
        lines=[CheckoutLine("Cabin 301", booking.price)],
        success_url=BACK,
        cancel_url=BACK,
        now=moment,
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
    moment, between = NOON, CHECKOUT_TIME + timedelta(minutes=1)
    with time_machine.travel(real_now(), tick=False) as clock:
        for _ in range(3):
            start(booking, moment)
            moment += between
            clock.shift(between)

        with pytest.raises(MethodNotOffered):
            start(booking, moment)

    assert NOON + CHECKOUT_TIME < (kept_until(booking) or NOON) <= NOON + CARD_PATIENCE
