"""The same money does not go back twice."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.services import expire_bookings
from portal.database import db, transaction
from portal.inventory.services import HOLD_TIME
from portal.ledger.services import Returning, post_refund_failed
from portal.payments.bank_days import transfer_due
from portal.payments.errors import NotExpected
from portal.payments.models import PaymentState, Refund, RefundState
from portal.payments.queries import open_transfer
from portal.payments.refunds import return_money, try_again
from portal.payments.services import receive_transfer, start_transfer
from tests.factories import NOON, make_account, make_booking, make_hold, make_season


def test_a_refund_that_failed_is_not_tried_again_beside_the_one_that_took_its_place() -> None:
    season = make_season()
    booking = make_booking(season)
    start_transfer(booking_id=booking.id, now=NOON)
    payment_id, late = open_transfer(booking.id).id, transfer_due(NOON) + HOLD_TIME
    expire_bookings(late)
    make_hold(season, now=late)
    state = receive_transfer(payment_id=payment_id, account=make_account(Role.FINANCE), now=late)
    return_money(payment_id=payment_id, now=late)
    failed = db.session.scalars(select(Refund)).one()
    with transaction():
        failed.state = RefundState.FAILED
        going = Returning(booking.id, payment_id, failed.reference, failed.attempt, failed.amount)
        post_refund_failed(going, held_in=failed.payment.held_in, came_back_to=None, now=late)
    return_money(payment_id=payment_id, now=late)

    with pytest.raises(NotExpected):
        try_again(refund_id=failed.id, now=late)

    assert state is PaymentState.UNALLOCATED
