"""What is posted, and what the entries then say."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from portal.database import db
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction, PostingKind
from portal.ledger.queries import balance_of, held_of
from portal.ledger.services import (
    Entry,
    PostedOtherwise,
    Returning,
    Unbalanced,
    post,
    post_payment,
    post_refund_failed,
    post_refund_requested,
    post_refund_settled,
    post_unallocated,
)
from portal.payments.models import CLEARED_IN, Method, Payment
from portal.payments.providers.registry import KINDS
from tests.factories import NOON, make_booking, make_season, saved

PRICE = Money(2000_00, "RUB")


@pytest.fixture
def booking():
    """Two adults at 1 000 ₽ each, agreed and unpaid."""
    return make_booking(make_season())


@pytest.fixture
def payment(booking):
    """An attempt to pay it, of which nothing is posted yet."""
    return saved(
        Payment(
            booking_id=booking.id,
            method=Method.CARD,
            provider="stripe",
            amount_minor=PRICE.minor,
            currency="RUB",
            made_at=NOON,
        )
    )


def paid(booking, payment, amount=PRICE):
    post_payment(
        booking_id=booking.id,
        payment_id=payment.id,
        payment=payment.reference,
        amount=amount,
        clearing=LedgerAccount.STRIPE,
        now=NOON,
    )


def sums():
    """What each account holds, by its name."""
    rows = db.session.execute(select(LedgerEntry.account, func.sum(LedgerEntry.minor)).group_by(LedgerEntry.account))
    return {account.value: int(minor) for account, minor in rows if minor}


def test_a_booking_owes_its_price_once_it_is_agreed(booking):
    assert balance_of(booking.id, "RUB").owed == booking.price.minor
    assert sums() == {"guest": 2000_00, "sales": -2000_00}


def test_the_same_event_twice_is_one_posting(booking, payment):
    paid(booking, payment)
    paid(booking, payment)

    assert balance_of(booking.id, "RUB").owed == 0
    assert db.session.scalar(select(func.count()).select_from(LedgerTransaction)) == 2


def test_two_events_never_share_one_key(booking, payment):
    paid(booking, payment)

    with pytest.raises(PostedOtherwise):
        paid(booking, payment, Money(1, "RUB"))

    assert balance_of(booking.id, "RUB").owed == 0


def test_what_does_not_sum_to_zero_is_refused_before_the_database_is_asked(booking):
    entries = [Entry(LedgerAccount.GUEST, PRICE), Entry(LedgerAccount.SALES, Money(-1, "RUB"))]

    with pytest.raises(Unbalanced):
        post(PostingKind.CHARGE, key="wrong", booking_id=booking.id, entries=entries, now=NOON)


def test_nothing_that_moves_is_no_posting(booking):
    nothing = [Entry(LedgerAccount.GUEST, Money(0, "RUB"))]

    assert post(PostingKind.CHARGE, key="none", booking_id=booking.id, entries=nothing, now=NOON) is None


def test_a_refund_is_on_its_way_then_gone_and_then_back(booking, payment):
    paid(booking, payment)
    going = Returning(booking.id, payment.id, "REFUND22", 1, Money(500_00, "RUB"))

    post_refund_requested(going, held_in=LedgerAccount.GUEST, now=NOON)
    on_its_way = balance_of(booking.id, "RUB"), held_of(payment.id, "RUB")
    post_refund_settled(going, clearing=LedgerAccount.STRIPE, now=NOON)
    gone = sums()
    post_refund_failed(going, held_in=LedgerAccount.GUEST, came_back_to=LedgerAccount.STRIPE, now=NOON)

    assert (on_its_way[0].returning, on_its_way[0].paid) == (500_00, 1500_00)
    assert on_its_way[1] == Money(1500_00, "RUB")
    assert gone == {"guest": 500_00, "sales": -2000_00, "stripe": 1500_00}
    assert sums() == {"sales": -2000_00, "stripe": 2000_00}
    assert held_of(payment.id, "RUB") == PRICE


def test_money_that_nobody_knows_waits_in_suspense():
    post_unallocated(
        booking_id=None,
        payment_id=None,
        payment="statement-7-12",
        amount=Money(77_00, "TMT"),
        clearing=LedgerAccount.BANK,
        now=NOON,
    )

    assert sums() == {"bank": 77_00, "suspense": -77_00}


@pytest.mark.once
def test_the_money_of_every_provider_has_an_account():
    assert {kind.name for kind in KINDS} <= set(CLEARED_IN)
