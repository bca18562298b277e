"""The daily comparison of the ledger with bookings, payments and refunds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal.accounts.models import Role
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, PostingKind
from portal.ledger.services import Entry, post
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.books import Difference, DifferenceKind, check_books, check_daily, differences, last_check
from portal.payments.labels import DIFFERENCES
from portal.payments.models import BooksCheck, Payment
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview, return_money
from portal.payments.services import receive_money, receive_transfer, start_transfer
from tests.factories import NOON, make_account, make_booking, make_season


@pytest.fixture
def season():
    return make_season(days_ahead=50)


@pytest.fixture
def booking(season):
    return make_booking(season)


@pytest.fixture
def payment(booking):
    """A transfer that came and confirmed the booking."""
    start_transfer(booking_id=booking.id, now=NOON)
    waiting = open_transfer(booking.id).id
    receive_transfer(payment_id=waiting, account=make_account(Role.FINANCE), now=NOON)
    return db.session.get_one(Payment, waiting)


def test_books_of_every_kind_of_end_agree(season, booking, payment):
    cancelled, over, odd = (make_booking(season, cabin=place) for place in (1, 2, 3))
    for one in (cancelled, odd):
        start_transfer(booking_id=one.id, now=NOON)
    receive_transfer(payment_id=open_transfer(cancelled.id).id, account=make_account(Role.FINANCE), now=NOON)
    cancel(booking_id=cancelled.id, agreed=cancel_preview(cancelled.id, NOON).today.returned, now=NOON)
    strange = open_transfer(odd.id).id
    receive_money(payment_id=strange, amount=Money(1_00, "RUB"), payment_intent=None, now=NOON)
    return_money(payment_id=strange, now=NOON)
    expire_bookings(over.pay_by)

    assert check_books(NOON) == ()


def test_money_that_was_booked_past_the_portal_is_found(booking, payment):
    amount = Money(7_00, "RUB")
    post(
        PostingKind.PAYMENT,
        key="payment:invented",
        booking_id=booking.id,
        entries=[
            Entry(LedgerAccount.BANK, amount, payment.id),
            Entry(LedgerAccount.GUEST, -amount, payment.id),
        ],
        now=NOON,
    )

    assert differences() == (
        Difference(DifferenceKind.HELD, payment.reference, "RUB", -2000_00, -2007_00),
        Difference(DifferenceKind.CLEARED, payment.reference, "RUB", 2000_00, 2007_00),
    )


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("UPDATE charge SET amount_minor = amount_minor + 1 WHERE position = 1", [DifferenceKind.OWED]),
        ("UPDATE booking SET state = 'expired'", [DifferenceKind.OWED, DifferenceKind.EARNED]),
        ("UPDATE payment SET amount_minor = 1", [DifferenceKind.HELD, DifferenceKind.CLEARED]),
        (
            "INSERT INTO refund (reference, payment_id, state, reason, amount_minor, attempt, requested_at) "
            "SELECT 'REFUND22', id, 'sent', 'cancelled', 5, 1, '2024-02-15 08:00:00' FROM payment",
            [DifferenceKind.HELD, DifferenceKind.RETURNING],
        ),
    ],
)
def test_what_was_changed_past_the_ledger_is_found(payment, statement, kinds):
    db.session.execute(text(statement))
    db.session.commit()

    assert [one.kind for one in differences()] == kinds


def test_finance_is_told_of_a_difference_and_nobody_else(payment, browser):
    finance = db.session.get_one(Payment, payment.id).received_by_id
    make_account(Role.OPERATOR)
    db.session.execute(text("UPDATE payment SET amount_minor = 1"))
    db.session.commit()

    check_books(NOON)
    follow_up()

    letters = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.like("payments/books_differ%"))).all()
    assert [letter.key for letter in letters] == [f"payments/books_differ:{last().id}:{finance}"]
    assert payment.reference in letters[0].text
    browser.sign_in(make_account(Role.FINANCE))
    assert "The books differ in 2 places" in browser.open("/en/staff/reconciliation").text
    assert "Compare the payment with the provider" in browser.open("/en/staff/ledger/check").text


def last():
    return db.session.scalars(select(BooksCheck).order_by(BooksCheck.id.desc())).first()


def test_the_check_is_made_once_a_day(payment):
    made = [check_daily(NOON), check_daily(NOON + timedelta(hours=3)), check_daily(NOON + timedelta(days=1))]

    assert made == [True, False, True]
    assert last_check().postings == 2
    assert db.session.query(BooksCheck).count() == 2


def test_the_command_fails_where_anything_differs(app, payment):
    agreeing = app.test_cli_runner().invoke(args=["ledger", "check"])
    db.session.execute(text("UPDATE payment SET amount_minor = 1"))
    db.session.commit()
    differing = app.test_cli_runner().invoke(args=["ledger", "check"])

    assert (agreeing.exit_code, agreeing.output) == (0, "the books agree\n")
    assert differing.exit_code == 1
    assert f"cleared {payment.reference}: 200000 RUB, not 1" in differing.output


@pytest.mark.once
def test_every_difference_has_its_words():
    assert set(DIFFERENCES) == set(DifferenceKind)
