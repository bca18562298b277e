"""A booking's holder divides what is open; what he asks of nobody stays his own."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from portal.database import db, transaction
from portal.kernel.money import Money
from portal.payments.services import debt_of
from portal.payments.shares.errors import (
    MoreThanOwed,
    NobodyChosen,
    NothingToDivide,
    RemindedAlready,
    ShareClosed,
    TooManyReminders,
)
from portal.payments.shares.models import PaymentShare, ShareState
from portal.payments.shares.services import (
    change_share,
    remind_payer,
    rest_of,
    withdraw_share,
)
from tests.factories import NOON, announced, details, make_booking, make_season
from tests.payments.plans.conftest import in_parts, pay
from tests.payments.shares.conftest import again, ask


def rubles(whole):
    return Money(whole * 100, "RUB")


def test_what_is_asked_of_others_is_not_asked_of_the_holder():
    booking = make_booking(make_season())

    share = ask(booking, 700_00)

    assert debt_of(booking, NOON, share=share).amount == rubles(700)
    assert debt_of(booking, NOON).amount == rubles(1300) == rest_of(booking)
    assert announced()[-1] == "payments.share_asked"


def test_shares_by_passengers_make_up_what_is_open():
    child = details(birth_date=NOON.date().replace(2016))
    booking = make_booking(make_season(), passengers=(details(), details(), child), cabin=2)
    one, two, three = (passenger.id for passenger in booking.passengers)

    first = ask(booking, passengers=[one])
    others = ask(booking, passengers=[two, three])

    assert first.amount_minor + others.amount_minor == booking.price.minor
    assert rest_of(booking).minor == 0
    with pytest.raises(NothingToDivide):
        ask(booking, 1)


@pytest.mark.parametrize("minor", [2000_01, -1])
def test_more_than_is_open_cannot_be_asked_for(minor):
    booking = make_booking(make_season())

    with pytest.raises(MoreThanOwed):
        ask(booking, minor)


def test_somebody_must_be_chosen_and_travel():
    booking = make_booking(make_season())

    for passengers in ([], [10**6]):
        with pytest.raises(NobodyChosen):
            ask(booking, passengers=passengers)


def test_the_database_itself_keeps_shares_within_the_debt():
    booking = make_booking(make_season())
    share = ask(booking, 1500_00)

    with pytest.raises(IntegrityError, match="more would be asked for than is owed"), transaction() as session:
        session.get_one(PaymentShare, share.id).amount_minor = 2000_01
    with pytest.raises(IntegrityError, match="more would be asked for than is owed"), transaction() as session:
        session.add(
            PaymentShare(
                booking_id=booking.id,
                name="N",
                email="n@example.org",
                language="en",
                gift=False,
                sum_shown=True,
                amount_minor=500_01,
                asked_at=NOON,
                made_at=NOON,
            )
        )


def test_a_share_is_changed_or_withdrawn_while_it_is_open():
    booking = make_booking(make_season())
    share = ask(booking, 700_00)

    change_share(share_id=share.id, amount=rubles(900), email=share.email, now=NOON)

    assert rest_of(booking) == rubles(1100)
    with pytest.raises(MoreThanOwed):
        change_share(share_id=share.id, amount=rubles(2001), email=share.email, now=NOON)
    withdraw_share(share_id=share.id, now=NOON)
    assert rest_of(booking) == rubles(2000)
    with pytest.raises(ShareClosed):
        change_share(share_id=share.id, amount=rubles(1), email=share.email, now=NOON)


def test_another_address_makes_the_old_link_void():
    share = ask(make_booking(make_season()), 700_00)

    change_share(share_id=share.id, amount=share.amount, email="Other@Example.org", now=NOON)

    assert (again(share).email, again(share).link_version) == ("other@example.org", 2)
    assert announced()[-1] == "payments.share_asked"


def test_a_payer_is_reminded_once_a_day_and_five_times_at_most():
    share = ask(make_booking(make_season()), 700_00)

    with pytest.raises(RemindedAlready):
        remind_payer(share_id=share.id, now=NOON + timedelta(hours=23))
    for day in range(1, 6):
        remind_payer(share_id=share.id, now=NOON + timedelta(days=day))
    with pytest.raises(TooManyReminders):
        remind_payer(share_id=share.id, now=NOON + timedelta(days=9))


def test_of_a_booking_in_parts_what_is_left_is_divided_and_the_next_day_said():
    booking = in_parts(make_season())
    pay(booking)

    share = ask(booking, 900_00)

    debt = debt_of(booking, NOON, share=share)
    assert (debt.amount, debt.due) == (rubles(900), (NOON + timedelta(days=45)).date())
    assert debt_of(booking, NOON).amount == rubles(500)
    assert again(share).state is ShareState.OPEN


def test_nothing_is_divided_that_is_paid():
    booking = in_parts(make_season())
    pay(booking, whole=True)

    with pytest.raises(NothingToDivide):
        ask(booking, 1)
    assert db.session.query(PaymentShare).count() == 0
