"""Whatever payers and agencies do with one booking, in whatever order: the books balance and nobody owes twice."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.booking.changes import Wish
from portal.booking.models import Booking, BookingState, ChangeKind
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.errors import Refused
from portal.kernel.money import Money
from portal.ledger.models import LedgerEntry
from portal.ledger.queries import balance_of, held_of
from portal.payments.agencies.account import commission_for, open_credit, owed_for
from portal.payments.agencies.models import Agency
from portal.payments.agencies.services import pay_out, take_on_credit
from portal.payments.books import differences
from portal.payments.changes import agree_to_change, change_preview
from portal.payments.models import Payment, PaymentState, Refund, RefundState
from portal.payments.plans.services import choose_plan
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview, return_counted, return_credit, return_homeless_shares
from portal.payments.services import receive_transfer, start_transfer
from portal.payments.shares.models import PaymentShare, ShareState
from portal.payments.shares.services import asked_of_others, change_share, end_shares, rest_of, withdraw_share
from tests.factories import NOON, make_account, make_booking, make_season
from tests.payments.agencies.conftest import make_agency
from tests.payments.plans.conftest import make_plan
from tests.payments.shares.conftest import ask

ACTS = ("ask", "credit", "receive", "resize", "withdraw", "begin", "settle", "leave", "ask", "receive", "credit")
AMOUNT = st.integers(1, 900_00)
AFTER = ("receive", "settle", "pay_out", "return_surplus", "credit", "ask")


class World:
    """One booking with its payers and an agency."""

    def __init__(self, booking: Booking, agency_id: int, staff: object) -> None:
        self.booking_id, self.agency_id, self.staff = booking.id, agency_id, staff

    @property
    def booking(self) -> Booking:
        return db.session.get_one(Booking, self.booking_id)

    def act(self, name: str, number: int) -> None:
        db.session.expire_all()
        with suppress(Refused):
            getattr(self, name)(number)
        return_homeless_shares(NOON)

    def shares(self, *states: ShareState) -> list[PaymentShare]:
        query = select(PaymentShare).where(PaymentShare.booking_id == self.booking_id, PaymentShare.state.in_(states))
        return list(db.session.scalars(query.order_by(PaymentShare.id)))

    def one(self, rows: list[PaymentShare], number: int) -> PaymentShare | None:
        return rows[number % len(rows)] if rows else None

    def ask(self, number: int) -> None:
        ask(self.booking, number)

    def resize(self, number: int) -> None:
        share = self.one(self.shares(ShareState.OPEN), number)
        if share:
            change_share(share_id=share.id, amount=Money(number, "RUB"), email=share.email, now=NOON)

    def withdraw(self, number: int) -> None:
        share = self.one(self.shares(ShareState.OPEN), number)
        if share:
            withdraw_share(share_id=share.id, now=NOON)

    def begin(self, number: int) -> None:
        share = self.one(self.shares(ShareState.OPEN), number)
        start_transfer(booking_id=self.booking_id, share_id=share.id if share and number % 3 else None, now=NOON)

    def receive(self, number: int) -> None:
        """Some transfer that was begun arrives, whether it is still awaited or not."""
        self.begin(number)
        waiting = (PaymentState.OPEN, PaymentState.EXPIRED)
        query = select(Payment.id).where(
            Payment.booking_id == self.booking_id, Payment.state.in_(waiting), Payment.settles_id.is_(None)
        )
        found = db.session.scalars(query.order_by(Payment.id)).all()
        if found:
            receive_transfer(payment_id=found[number % len(found)], account=self.staff, now=NOON)

    def credit(self, _number: int) -> None:
        take_on_credit(booking_id=self.booking_id, agency_id=self.agency_id, now=NOON)

    def settle(self, number: int) -> None:
        query = select(Payment.id).where(Payment.settles_id.is_not(None), Payment.state != PaymentState.SUCCEEDED)
        found = db.session.scalars(query.where(Payment.booking_id == self.booking_id).order_by(Payment.id)).all()
        if found:
            receive_transfer(payment_id=found[number % len(found)], account=self.staff, now=NOON)

    def pay_out(self, _number: int) -> None:
        for credit in self.credits():
            pay_out(credit_id=credit.id, now=NOON)

    def leave(self, _number: int) -> None:
        wish = Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({self.booking.passengers[-1].id}))
        preview = change_preview(self.booking_id, wish, NOON)
        agree_to_change(booking_id=self.booking_id, wish=wish, agreed=preview.digest, now=NOON)

    def return_surplus(self, _number: int) -> None:
        owed = balance_of(self.booking_id, "RUB").owed
        return_credit(booking_id=self.booking_id, agreed=Money(max(0, -owed), "RUB"), now=NOON)

    def cancel(self, number: int) -> None:
        day = NOON + timedelta(days=number % 85)
        cancel(booking_id=self.booking_id, agreed=cancel_preview(self.booking_id, day).today.returned, now=day)
        end_shares(booking_id=self.booking_id, now=day)

    def expire(self, _number: int) -> None:
        """Its time runs out, and what follows that."""
        if self.booking.state is BookingState.PENDING and self.booking.pay_by is not None:
            expire_bookings(max(hold.occupancy.expires_at for hold in self.booking.cabins))
            return_counted(booking_id=self.booking_id, now=NOON)
            end_shares(booking_id=self.booking_id, now=NOON)

    def credits(self) -> list[Payment]:
        query = select(Payment).where(Payment.booking_id == self.booking_id, Payment.agency_id == self.agency_id)
        return list(db.session.scalars(query.where(Payment.settles_id.is_(None))))


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    acts=st.lists(st.tuples(st.sampled_from(ACTS), AMOUNT), min_size=4, max_size=9),
    end=st.sampled_from(("cancel", "expire", None)),
    after=st.lists(st.tuples(st.sampled_from(AFTER), AMOUNT), min_size=1, max_size=3),
    in_parts=st.booleans(),
    net=st.booleans(),
    limit=st.sampled_from((2500_00, 1000_00)),
)
def test_no_sequence_makes_anybody_pay_or_owe_too_much(place, acts, end, after, in_parts, net, limit):
    world = place(in_parts, net, limit)
    for name, number in acts:
        world.act(name, number)
    check(world)
    if end is not None:
        world.act(end, acts[0][1])
    for name, number in after:
        world.act(name, number)
    check(world)


def check(world: World) -> None:
    db.session.expire_all()
    booking = world.booking
    balance = balance_of(booking.id, "RUB")
    live = booking.state in (BookingState.PENDING, BookingState.CONFIRMED)
    assert differences() == ()
    assert db.session.scalar(select(func.coalesce(func.sum(LedgerEntry.minor), 0))) == 0
    # Shares and the holder's rest are just the debt.
    asked = asked_of_others(booking.id)
    assert asked + rest_of(booking).minor == (max(0, balance.owed) if live else 0)
    assert all(share.amount_minor > 0 for share in world.shares(*ShareState))
    # No payer gets back more than he paid.
    going = (RefundState.REQUESTED, RefundState.SENT, RefundState.SUCCEEDED)
    for payment in db.session.scalars(select(Payment).where(Payment.booking_id == booking.id)):
        back = db.session.scalar(
            select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
                Refund.payment_id == payment.id, Refund.state.in_(going)
            )
        )
        came = payment.amount_minor if payment.state in (PaymentState.SUCCEEDED, PaymentState.UNALLOCATED) else 0
        assert back <= came
        if came and payment.settles_id is None:
            assert held_of(payment.id, "RUB").minor == came - back
    # The credit of the agency is within its limit, and its commission is its per cent of what it answers for.
    for credit in world.credits():
        held = held_of(credit.id, "RUB").minor
        assert commission_for(credit) in (0, held // 10, held // 10 + 1)
        invoices = select(Payment).filter_by(settles_id=credit.id, state=PaymentState.OPEN)
        assert sum(one.amount_minor for one in db.session.scalars(invoices)) == max(0, owed_for(credit))
    owner = db.session.get_one(Agency, world.agency_id)
    assert open_credit(owner).minor <= owner.limit_minor


@pytest.fixture
def place():
    season, plan = make_season(), make_plan()
    staff = make_account()
    used = iter(range(10**6))

    def made(in_parts: bool, net: bool, limit: int) -> World:
        booking = _booking(season, next(used))
        if in_parts:
            choose_plan(booking_id=booking.id, plan_id=plan.id, now=NOON)
        return World(booking, make_agency(limit=limit, net=net).id, staff)

    return made


def _booking(season, number):
    """In a cabin that the booking before has left, where it still has it."""
    for cabin in range(4):
        with suppress(Refused):
            return make_booking(season, cabin=(number + cabin) % 4)
    season = make_season()
    return make_booking(season)


def test_the_open_transfer_of_a_share_is_found_beside_that_of_the_holder(place):
    world = place(False, True, 2500_00)
    share = ask(world.booking, 500_00)
    for share_id in (None, share.id):
        start_transfer(booking_id=world.booking_id, share_id=share_id, now=NOON)

    assert open_transfer(world.booking_id).amount == Money(1500_00, "RUB")
    assert open_transfer(world.booking_id, share.id).amount == Money(500_00, "RUB")
