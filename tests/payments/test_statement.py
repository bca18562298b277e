"""What a guest reads of the account of his booking."""

from __future__ import annotations

import pytest

from portal.accounts.models import Role
from portal.booking.queries import booking_page
from portal.kernel.money import Money
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview
from portal.payments.services import receive_money, receive_transfer, start_transfer
from portal.payments.statement import statement_of
from tests.factories import NOON, make_account, make_booking, make_draft, make_season


@pytest.fixture
def customer():
    return make_account()


@pytest.fixture
def booking(customer):
    return make_booking(make_season(days_ahead=50), customer=customer)


def transfer(booking):
    start_transfer(booking_id=booking.id, now=NOON)
    return open_transfer(booking.id)


def test_every_line_says_what_is_left_to_pay(app, booking):
    receive_transfer(payment_id=transfer(booking).id, account=make_account(Role.FINANCE), now=NOON)
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)

    with app.test_request_context():
        statement = statement_of(booking_page(booking.id))

    assert [(line.change.minor, line.left.minor) for line in statement.lines] == [
        (2000_00, 2000_00),  # the price
        (-2000_00, 0),  # the payment
        (-1800_00, -1800_00),  # of the price ten per cent stay owed
        (1800_00, 0),  # the return
    ]
    assert (statement.charged, statement.paid) == (Money(200_00, "RUB"), Money(200_00, "RUB"))
    assert statement.returning == Money(1800_00, "RUB")


def test_the_page_tells_of_money_that_counts_to_nothing_yet(browser, booking, customer):
    receive_money(payment_id=transfer(booking).id, amount=Money(1_00, "RUB"), payment_intent=None, now=NOON)
    browser.sign_in(customer)

    link = f"/en/bookings/{booking.reference}/statement"
    shown = link in browser.open(f"/en/bookings/{booking.reference}").links
    page = browser.open(link)

    assert shown
    assert "Price of the cruise, as agreed" in page.text
    assert "came and counts to nothing yet" in page.text


def test_nobody_else_reads_it(browser, booking):
    browser.sign_in(make_account())

    assert browser.open(f"/en/bookings/{booking.reference}/statement").status == 404


def test_a_draft_has_no_account_yet(browser, customer):
    draft = make_draft(make_season(), holder="visitor")
    draft.customer_id = customer.id
    browser.sign_in(customer)

    assert browser.open(f"/en/bookings/{draft.reference}/statement").status == 404
