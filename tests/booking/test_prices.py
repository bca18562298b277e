"""What a draft costs: its charges with their reasons, its promotion code, its currency."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from portal.audit.models import AuditEntry
from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState, ChargeKind, PromotionUse, UseState
from portal.booking.prices import apply_promotion, choose_currency, remove_promotion
from portal.booking.queries import booking_page
from portal.booking.services import (
    cancel_booking,
    confirm_booking,
    expire_bookings,
    let_go,
    name_passengers,
    place_booking,
)
from portal.database import db, transaction
from portal.inventory.services import HOLD_TIME
from portal.pricing.errors import (
    CodeExists,
    CurrencyNotSold,
    PromotionElsewhere,
    PromotionGivesNothing,
    PromotionNotYet,
    PromotionOver,
    PromotionRefused,
    PromotionUnknown,
    PromotionUsedUp,
)
from portal.pricing.kept import why_read
from portal.pricing.models import PriceList
from portal.pricing.promotions import end_promotion
from portal.pricing.rules import Why
from tests.factories import (
    NOON,
    SmallSeason,
    details,
    make_booking,
    make_draft,
    make_fare,
    make_hold,
    make_promotion,
    make_season,
    make_terms,
)


def charges(booking: Booking) -> list[tuple[str, int]]:
    return [(charge.kind.value, charge.amount_minor) for charge in booking.charges]


def uses(state: UseState = UseState.TAKEN) -> int:
    return db.session.scalar(select(func.count()).where(PromotionUse.state == state)) or 0


def placed(booking: Booking) -> Booking:
    return place_booking(
        booking_id=booking.id,
        contact_name="Anna",
        contact_email="anna@example.org",
        contact_phone="+7 900 1234567",
        terms_version="t1",
        consent_version="c1",
        now=NOON,
    )


def test_each_passengers_lines_stand_together_with_their_reasons_and_the_versions_they_come_from():
    season = make_season()
    with transaction() as session:
        session.scalars(select(PriceList)).one().port_dues_minor = 35_00
    make_terms(
        foreign={"residents": ["RU"], "percent": 8},
        early_booking=[{"code": "early", "percent": 5, "until": "2024-03-01"}],
    )

    booking = make_draft(season, details(), details(citizenship="TM"))

    assert charges(booking) == [
        ("adult", 1000_00),
        ("early_booking", -50_00),
        ("port_dues", 35_00),
        ("adult", 1000_00),
        ("foreign_tariff", 80_00),
        ("early_booking", -54_00),
        ("port_dues", 35_00),
    ]
    assert [charge.passenger.position for charge in booking.charges] == [1, 1, 1, 2, 2, 2, 2]
    assert why_read(booking.charges[4].why) == Why("foreign_tariff", (("percent", 8), ("country", "TM")))
    assert booking.versions == {"price_list": "RUB-1", "price_terms": "1"}
    page = booking_page(booking.id)
    assert sum((money.minor for _, money in page.price_by_passenger), 0) == page.price.minor == 2046_00


def test_what_was_agreed_to_is_pinned_with_its_versions():
    booking = placed(make_draft(make_season()))

    assert booking.versions == {"price_list": "RUB-1", "policy": "2024-1", "terms": "t1"}


def test_a_code_lowers_the_price_and_is_the_bookings_until_it_is_taken_away():
    booking = make_draft(make_season())
    make_promotion(percent=10)

    apply_promotion(booking_id=booking.id, code=" spring ", now=NOON)
    with_code = (booking.price.minor, uses())
    remove_promotion(booking_id=booking.id, now=NOON)

    assert with_code == (1800_00, 1)
    assert (booking.price.minor, uses()) == (2000_00, 0)


def test_another_code_takes_the_place_of_the_first():
    booking = make_draft(make_season())
    make_promotion("FIRST", percent=10)
    make_promotion("SECOND", percent=20)

    for code in ("FIRST", "SECOND"):
        apply_promotion(booking_id=booking.id, code=code, now=NOON)

    assert booking.price.minor == 1600_00
    assert (uses(), uses(UseState.GIVEN_BACK)) == (1, 1)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"code": "OTHER"}, PromotionUnknown),
        ({"starts_on": date(2024, 2, 16)}, PromotionNotYet),
        ({"ends_on": date(2024, 2, 14)}, PromotionOver),
        ({"currency": "USD"}, PromotionElsewhere),
        ({"categories": ["LUX"]}, PromotionGivesNothing),
        ({"uses_limit": 0}, PromotionUsedUp),
        ({"cabins_limit": 0}, PromotionUsedUp),
        ({"currency": "RUB", "budget_minor": 199_99}, PromotionUsedUp),
    ],
)
def test_a_code_that_does_not_hold_is_refused_with_its_reason_and_changes_nothing(given, reason):
    booking = make_draft(make_season())
    make_promotion(**given)

    with pytest.raises(reason):
        apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)

    assert (booking.price.minor, uses()) == (2000_00, 0)


@pytest.mark.parametrize(
    "limits", [{"uses_limit": 1}, {"cabins_limit": 1}, {"currency": "RUB", "budget_minor": 399_99}]
)
def test_what_is_used_up_is_free_again_when_a_guest_lets_his_cabin_go(limits):
    season = make_season()
    first, second = make_draft(season), make_draft(season, cabin=1)
    make_promotion(**limits)
    apply_promotion(booking_id=first.id, code="SPRING", now=NOON)
    with pytest.raises(PromotionUsedUp):
        apply_promotion(booking_id=second.id, code="SPRING", now=NOON)

    let_go(hold_id=first.cabins[0].occupancy_id, now=NOON)
    apply_promotion(booking_id=second.id, code="SPRING", now=NOON)

    assert second.price.minor == 1800_00
    assert uses() == 1


def test_a_code_is_given_back_when_the_time_runs_out_and_when_the_booking_is_cancelled():
    season = make_season()
    make_promotion()
    expiring, cancelled = make_draft(season), make_draft(season, cabin=1)
    for booking in (expiring, cancelled):
        apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)
    confirm_booking(booking_id=placed(cancelled).id, now=NOON)

    expire_bookings(NOON + HOLD_TIME)
    cancel_booking(booking_id=cancelled.id, now=NOON)

    assert (expiring.state, cancelled.state) == (BookingState.EXPIRED, BookingState.CANCELLED)
    assert (uses(), uses(UseState.GIVEN_BACK)) == (0, 2)


def test_late_money_takes_the_code_again():
    make_promotion(uses_limit=1)
    booking = make_draft(make_season())
    apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)
    placed(booking)
    expire_bookings(NOON + HOLD_TIME)

    confirm_booking(booking_id=booking.id, now=NOON + HOLD_TIME)

    assert (booking.state, uses(), booking.price.minor) == (BookingState.CONFIRMED, 1, 1800_00)


def test_late_money_keeps_its_price_where_the_code_is_used_up_and_the_trail_says_so():
    season = make_season()
    make_promotion(uses_limit=1)
    late = make_draft(season)
    apply_promotion(booking_id=late.id, code="SPRING", now=NOON)
    placed(late)
    expire_bookings(NOON + HOLD_TIME)
    next_guest = make_draft(season, cabin=1, now=NOON + HOLD_TIME)
    apply_promotion(booking_id=next_guest.id, code="SPRING", now=NOON + HOLD_TIME)

    confirm_booking(booking_id=late.id, now=NOON + HOLD_TIME)

    assert (late.state, late.price.minor, uses()) == (BookingState.CONFIRMED, 1800_00, 1)
    exceeded = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "promotion.exceeded")).one()
    assert exceeded.reason == late.reference


def test_a_code_counts_anew_when_the_passengers_change_and_is_let_go_where_it_holds_no_more():
    season = make_season()
    make_promotion(currency="RUB", budget_minor=200_00)
    hold = make_hold(season, cabin=2, party=2)
    booking = name_passengers(parties={hold.id: [details(), details()]}, customer_id=None, language="en", now=NOON)
    apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)

    name_passengers(parties={hold.id: [details(), details(), details()]}, customer_id=None, language="en", now=NOON)

    assert (booking.price.minor, uses(), booking.promotion_lost) == (2700_00, 0, "SPRING")


def test_an_ended_code_is_let_go_when_the_draft_is_priced_again():
    season = make_season()
    promotion = make_promotion()
    hold = make_hold(season)
    parties = {hold.id: [details(), details()]}
    booking = name_passengers(parties=parties, customer_id=None, language="en", now=NOON)
    apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)

    end_promotion(promotion_id=promotion.id, now=NOON)
    name_passengers(parties=parties, customer_id=None, language="en", now=NOON)

    assert (booking.price.minor, uses(), booking.promotion_lost) == (2000_00, 0, "SPRING")


def test_an_agreed_price_changes_no_more():
    booking = make_booking(make_season())
    make_promotion()

    with pytest.raises(NotPayable):
        apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)
    with pytest.raises(NotPayable):
        choose_currency(booking_id=booking.id, currency="USD", now=NOON)


def test_a_code_exists_once():
    make_promotion("SPRING")

    with pytest.raises(CodeExists):
        make_promotion("spring")


def in_dollars(season: SmallSeason) -> None:
    make_fare(season.sailing, season.category, currency="USD", adult_minor=11_00, single_minor=18_00, child_minor=9_00)


def test_the_guest_chooses_a_currency_that_has_a_list():
    season = make_season()
    in_dollars(season)
    booking = make_draft(season)

    choose_currency(booking_id=booking.id, currency="USD", now=NOON)

    assert (booking.price.minor, booking.price.currency) == (22_00, "USD")
    assert booking.versions["price_list"] == "USD-1"
    with pytest.raises(CurrencyNotSold):
        choose_currency(booking_id=booking.id, currency="TMT", now=NOON)
    assert booking.currency == "USD"


def test_a_code_for_another_currency_is_let_go_with_the_change():
    season = make_season()
    in_dollars(season)
    booking = make_draft(season)
    make_promotion(amount_minor=50_00, currency="RUB")
    apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)
    assert booking.price.minor == 1950_00

    choose_currency(booking_id=booking.id, currency="USD", now=NOON)

    assert (booking.price.minor, uses(), booking.promotion_lost) == (22_00, 0, "SPRING")


def test_a_cabin_given_back_is_priced_no_more_and_the_others_anew():
    season = make_season()
    make_terms(group=[{"code": "four", "percent": 10, "from_travellers": 4}])
    holds = [make_hold(season, cabin=cabin, holder="family") for cabin in (0, 1)]
    booking = name_passengers(
        parties={hold.id: [details(), details()] for hold in holds}, customer_id=None, language="en", now=NOON
    )
    assert booking.price.minor == 3600_00

    let_go(hold_id=holds[1].id, now=NOON)

    assert booking.price.minor == 2000_00
    assert {charge.kind for charge in booking.charges} == {ChargeKind.ADULT}


def test_the_database_itself_refuses_more_than_the_limit_whoever_writes():
    season = make_season()
    bookings = [make_draft(season, cabin=cabin) for cabin in (0, 1)]
    promotion = make_promotion(uses_limit=1)
    apply_promotion(booking_id=bookings[0].id, code="SPRING", now=NOON)

    with pytest.raises(IntegrityError):
        db.session.execute(
            text(
                "INSERT INTO promotion_use (promotion_id, booking_id, state, cabins, amount_minor, changed_at)"
                " VALUES (:promotion, :booking, 'taken', 1, 1, :moment)"
            ),
            {"promotion": promotion.id, "booking": bookings[1].id, "moment": NOON},
        )
    db.session.rollback()


def test_of_many_guests_at_once_no_more_get_the_code_than_it_has_uses(app: Flask) -> None:
    guests, limit = 8, 3
    season = make_season()
    drafts = []
    for number in range(guests):
        cabin = number % 4
        if cabin == 0 and number:
            season = make_season()
        drafts.append(make_draft(season, cabin=cabin).id)
    make_promotion(uses_limit=limit)
    start, outcomes = Barrier(guests), []

    def take(booking_id: int) -> None:
        with app.app_context():
            start.wait()
            try:
                apply_promotion(booking_id=booking_id, code="SPRING", now=NOON + timedelta(minutes=1))
            except PromotionRefused as refusal:
                outcomes.append(type(refusal))
            else:
                outcomes.append(None)
            db.session.remove()

    threads: list[Any] = [Thread(target=take, args=(booking_id,)) for booking_id in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (outcomes.count(None), outcomes.count(PromotionUsedUp)) == (limit, guests - limit)
    assert uses() == limit
