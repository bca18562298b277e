"""Whatever happens to one booking, and in whatever order, twice or once: the books stay balanced and say what is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.booking.models import Booking
from portal.database import db
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, LedgerEntry
from portal.ledger.queries import balance_of, held_of
from portal.ledger.services import (
    Returning,
    post_allocation,
    post_cancellation,
    post_charge,
    post_charge_ended,
    post_payment,
    post_price_change,
    post_refund_failed,
    post_refund_requested,
    post_refund_settled,
    post_unallocated,
)
from portal.payments.models import Method, Payment, PaymentState
from tests.factories import NOON, make_season, saved

GUEST, SUSPENSE, STRIPE = LedgerAccount.GUEST, LedgerAccount.SUSPENSE, LedgerAccount.STRIPE
AMOUNT = st.integers(1, 500_000)


@dataclass
class Books:
    """What should be so, in plain sums of minor units."""

    booking_id: int
    payments: Sequence[int]
    price: int = 0
    kept: int = 0
    held: dict[int, tuple[int, LedgerAccount]] = field(default_factory=dict)  # payment → left of it, and where
    going: dict[str, tuple[int, int]] = field(default_factory=dict)  # refund → payment and sum
    came: int = 0
    gone: int = 0
    number: int = 0

    def next(self) -> str:
        self.number += 1
        return str(self.number)

    def charge(self, minor: int) -> None:
        if not self.price and not self.kept:
            self.post(post_charge, key=self.next(), price=rubles(minor), kept=rubles(0))
            self.price = minor

    def end(self, _minor: int) -> None:
        self.post(post_charge_ended, key=self.next(), currency="RUB")
        self.price = self.kept = 0

    def change(self, minor: int) -> None:
        if self.price:
            kept = minor % 2 and min(minor, self.price) // 3
            self.post(
                post_price_change,
                change=self.next(),
                before=rubles(self.price),
                after=rubles(minor + kept),
                kept=rubles(kept),
            )
            self.price, self.kept = minor + kept, self.kept + kept

    def cancel(self, minor: int) -> None:
        kept = min(minor, self.price)
        self.post(post_cancellation, reference=self.next(), kept=rubles(kept))
        self.price = self.kept = kept

    def pay(self, minor: int) -> None:
        self._come(post_payment, GUEST, minor)

    def come_unasked(self, minor: int) -> None:
        self._come(post_unallocated, SUSPENSE, minor)

    def _come(self, posting: Any, held_in: LedgerAccount, minor: int) -> None:
        if len(self.held) < len(self.payments):
            payment_id = self.payments[len(self.held)]
            self.post(
                posting, payment_id=payment_id, payment=f"P{payment_id}", amount=rubles(minor), clearing=STRIPE
            )
            self.held[payment_id] = minor, held_in
            self.came += minor

    def count(self, _minor: int) -> None:
        for payment_id, (left, held_in) in self.held.items():
            if held_in is SUSPENSE and left:
                self.post(post_allocation, payment_id=payment_id, payment=f"P{payment_id}", amount=rubles(left))
                self.held[payment_id] = left, GUEST
                return

    def give_back(self, minor: int) -> None:
        for payment_id, (left, held_in) in self.held.items():
            share = min(minor, left)
            if share:
                name = f"R{self.next()}"
                post_refund_requested(self.refund(name, payment_id, share), held_in=held_in, now=NOON)
                self.held[payment_id] = left - share, held_in
                self.going[name] = payment_id, share
                return

    def settle(self, _minor: int) -> None:
        for name, (payment_id, share) in self.going.items():
            for _twice in range(2):
                post_refund_settled(self.refund(name, payment_id, share), clearing=STRIPE, now=NOON)
            del self.going[name]
            self.gone += share
            return

    def fail(self, _minor: int) -> None:
        for name, (payment_id, share) in self.going.items():
            left, held_in = self.held[payment_id]
            post_refund_failed(
                self.refund(name, payment_id, share), held_in=held_in, came_back_to=None, now=NOON
            )
            self.held[payment_id] = left + share, held_in
            del self.going[name]
            return

    def refund(self, name: str, payment_id: int, share: int) -> Returning:
        return Returning(self.booking_id, payment_id, f"{name}-{self.booking_id}", 1, rubles(share))

    def post(self, posting: Any, **given: Any) -> None:
        """Told twice, as by whoever does not know whether he was heard."""
        named = {name: f"{self.booking_id}:{value}" if name in NAMES else value for name, value in given.items()}
        for _twice in range(2):
            posting(booking_id=self.booking_id, now=NOON, **named)


NAMES = {"key", "change", "reference", "payment"}
ACTS = ("charge", "end", "change", "cancel", "pay", "come_unasked", "count", "give_back", "settle", "fail")


def rubles(minor: int) -> Money:
    return Money(minor, "RUB")


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), AMOUNT), min_size=8, max_size=16))
def test_no_sequence_of_postings_unbalances_the_books(season, acts):
    books = Books(*booking_with_payments(season))
    for act, minor in acts:
        getattr(books, act)(minor)
    balance = balance_of(books.booking_id, "RUB")

    counted = sum(left for left, held_in in books.held.values() if held_in is GUEST)
    assert balance.charged == books.price
    assert balance.paid == counted
    assert balance.unallocated == sum(left for left, _held_in in books.held.values()) - counted
    assert balance.returning == sum(share for _payment, share in books.going.values())
    assert balance.came == books.came
    for payment_id, (left, _held_in) in books.held.items():
        assert held_of(payment_id, "RUB") == rubles(left)
    assert in_account(books.booking_id, STRIPE) == books.came - books.gone
    assert in_account(books.booking_id, LedgerAccount.KEPT) == -books.kept
    assert in_account(books.booking_id, *LedgerAccount) == 0


@pytest.fixture
def season():
    return make_season()


def booking_with_payments(season):
    """A row of its own, of which nothing is in the books, and attempts to pay it."""
    booking = saved(Booking(sailing_id=season.sailing.id, language="en", currency="RUB", made_at=NOON))
    payments = [
        saved(
            Payment(
                booking_id=booking.id,
                method=Method.TRANSFER,
                state=PaymentState.EXPIRED,
                amount_minor=1,
                currency="RUB",
                made_at=NOON,
            )
        )
        for _ in range(3)
    ]
    return booking.id, [payment.id for payment in payments]


def in_account(booking_id, *accounts):
    query = select(func.sum(LedgerEntry.minor)).where(
        LedgerEntry.booking_id == booking_id, LedgerEntry.account.in_(accounts)
    )
    return db.session.scalar(query) or 0
