"""The books are opened with what stood in bookings and payments before."""

from __future__ import annotations

from flask_migrate import downgrade, upgrade
from sqlalchemy import func, select

from portal.accounts.models import Role
from portal.database import db
from portal.extensions import MIGRATIONS
from portal.kernel.money import Money
from portal.ledger.models import LedgerEntry
from portal.ledger.queries import balance_of
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview
from portal.payments.services import receive_money, receive_transfer, start_transfer
from tests.factories import NOON, make_account, make_booking, make_season


def pay(booking):
    start_transfer(booking_id=booking.id, now=NOON)
    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=NOON)


def test_every_booking_stands_in_the_books_as_before():
    season = make_season(days_ahead=50)
    unpaid, paid, cancelled, odd = (make_booking(season, cabin=place) for place in range(4))
    for booking in (paid, cancelled):
        pay(booking)
    cancel(booking_id=cancelled.id, agreed=cancel_preview(cancelled.id, NOON).today.returned, now=NOON)
    start_transfer(booking_id=odd.id, now=NOON)
    receive_money(
        payment_id=open_transfer(odd.id).id, amount=Money(1_00, "RUB"), payment_intent=None, now=NOON
    )
    ids = [booking.id for booking in (unpaid, paid, cancelled, odd)]
    before = [balance_of(one, "RUB") for one in ids], accounts()
    db.session.remove()

    downgrade(directory=str(MIGRATIONS), revision="0023")
    upgrade(directory=str(MIGRATIONS))

    assert ([balance_of(one, "RUB") for one in ids], accounts()) == before
    assert [one.owed for one in before[0]] == [2000_00, 0, 0, 2000_00]
    assert before[0][3].unallocated == 1_00


def accounts():
    rows = db.session.execute(select(LedgerEntry.account, func.sum(LedgerEntry.minor)).group_by(LedgerEntry.account))
    return {account: int(minor) for account, minor in rows if minor}
