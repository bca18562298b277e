"""Web server and worker are killed without warning, again and again, while guests book, pay, cancel and get money back.

KILLS says how often, by default as many times as there are kinds of victims in VICTIMS.
"""

from __future__ import annotations

import email
import email.policy
import http.client
import os
import random
import re
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from itertools import product

from sqlalchemy import func, select, update

from portal.booking.models import Booking, BookingState
from portal.database import db, transaction
from portal.inventory.models import CabinNight, Occupancy, OccupancyState
from portal.kernel.clock import real_now
from portal.outbox.models import MailState, OutboxMessage, OutgoingMail
from portal.payments.books import differences
from portal.payments.models import Payment, PaymentState, Refund, RefundState
from tests.factories import make_fare, make_sailing, make_season
from tests.proofs.customer import TOKEN, Answer, Customer, Unexpected
from tests.proofs.processes import Portal, status, wait_for

SEED = 2024
GUESTS = 4
# The whole web server, one of its processes, the worker.
VICTIMS = ["web"] * 2 + ["web process"] * 2 + ["worker"] * 3
KILLS = int(os.environ.get("KILLS") or len(VICTIMS))
ANSWERS_BETWEEN = (2, 12)
RETURNED = re.compile(r'name="returned"[^>]*value="(\d+)"')
PATIENCE_SECONDS = 45


class Patient(Customer):
    """Loads a page again, or presses the button again, until there is an answer that is not a fault."""

    answered = threading.Semaphore(0)
    timeout_seconds = 15.0

    def _request(self, method: str, url: str, body: str | None, more: dict[str, str] | None = None) -> Answer:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            with suppress(OSError, http.client.HTTPException):
                answer = super()._request(method, url, body, more)
                if answer.status < 500:
                    self.answered.release()
                    return answer
            assert time.monotonic() < until, f"no answer to {method} {url}"
            threading.Event().wait(0.1)

    def place(self, hold: str) -> str:
        try:
            return super().place(hold)
        except Unexpected as refused:
            # The first answer was lost: the booking is placed, and its hold leads there.
            return self._led_to(refused.answer, "placed before", r"/bookings/(\w+)")

    def cancel(self, reference: str) -> None:
        """By the sum that is shown. A second time, because the answer was lost, it leads back to the booking."""
        address = f"{self.prefix}/bookings/{reference}/cancel"
        page = self.get(address)
        token, shown = TOKEN.search(page.text), RETURNED.search(page.text)
        if token is not None and shown is not None:
            fields = {"csrf_token": token[1], "returned": shown[1], "reason": "plans", "sure": "y"}
            self._led_to(self.post(address, fields), "cancel", rf"/bookings/({reference})$")


def test_nothing_owed_is_lost_and_nothing_is_sent_twice(running: Portal) -> None:
    season = make_season()
    sailings = [season.sailing]
    for month in range(1, max(12, KILLS // 2)):
        sailings.append(make_sailing(season.ship, days_ahead=90 + 10 * month))
        for category in {cabin.category for cabin in season.cabins}:
            make_fare(sailings[-1], category)
    places = list(product([sailing.code for sailing in sailings], [cabin.number for cabin in season.cabins]))
    db.session.commit()
    running.start()
    chance = random.Random(SEED)
    done: list[str] = []
    cancelled: list[str] = []
    failures: list[BaseException] = []
    enough = threading.Event()

    def keep_booking() -> None:
        try:
            while not enough.is_set():
                sailing, cabin = places.pop()
                guest = Patient(running.url)
                with closing(guest), suppress(LostHold):
                    hold = held(guest, sailing, cabin)
                    guest.name(hold)
                    reference = guest.place(hold)
                    guest.pay(reference)
                    if guest.number % 2:
                        guest.cancel(reference)
                        cancelled.append(reference)
                    else:
                        done.append(reference)
        except BaseException as failure:
            failures.append(failure)

    guests = [threading.Thread(target=keep_booking) for _ in range(GUESTS)]
    for guest in guests:
        guest.start()
    try:
        finished = kill_again_and_again(running, chance)
    finally:
        enough.set()
        for guest in guests:
            guest.join()
    assert failures == [], f"{failures}\n{last_words(running)}"
    assert finished, f"no guest got an answer any more\n{last_words(running)}"
    settle(running)

    assert len(done) + len(cancelled) >= KILLS // 3
    check_money(running)
    check_refunds(running, cancelled)
    check_bookings(done)
    check_mail(running)


def last_words(running: Portal) -> str:
    """What stands at the end of the logs: silence has its reason there, as a port still taken or a slow start."""
    return "\n".join(process.words()[-3000:] for process in (running.web, running.worker))


class LostHold(Exception):
    """The answer that would have told the guest who he is was lost; his hold runs out, he takes another cabin."""


def held(guest: Patient, sailing: str, cabin: str) -> str:
    try:
        return guest.hold(sailing, cabin)
    except Unexpected as refused:
        if refused.answer.status == 422:
            raise LostHold from refused
        raise


def kill_again_and_again(running: Portal, chance: random.Random) -> bool:
    """Each time after some answers, wherever the guests are then; what is dead is started again at once."""
    victims = chance.sample(VICTIMS, len(VICTIMS))
    for number in range(KILLS):
        victim = victims[number % len(victims)]
        for _ in range(chance.randint(*ANSWERS_BETWEEN)):
            if not Patient.answered.acquire(timeout=PATIENCE_SECONDS):
                return False
        if victim == "web process":
            children = running.web.children()
            if children:
                os.kill(chance.choice(children), signal.SIGKILL)
        else:
            process = running.web if victim == "web" else running.worker
            process.kill()
            process.start()
    return True


def settle(running: Portal) -> None:
    """Everything runs again, and the time is over during which a mail counts as being handed over."""
    wait_for(lambda: status(running.port, "/healthz") == 200, "the web server answers", running.web)
    running.worker.stop()
    with transaction() as session:
        session.execute(update(OutgoingMail).values(next_attempt_at=real_now()))
        session.execute(update(OutboxMessage).values(next_attempt_at=real_now()))
    running.worker.start()
    wait_for(nothing_owed, "nothing is owed any more", running.worker)


def nothing_owed() -> bool:
    db.session.rollback()
    open_messages = db.session.scalar(select(func.count()).where(OutboxMessage.delivered_at.is_(None)))
    open_mails = db.session.scalar(select(func.count()).where(OutgoingMail.state == MailState.QUEUED))
    open_refunds = db.session.scalar(
        select(func.count()).where(Refund.state.in_([RefundState.REQUESTED, RefundState.SENT]))
    )
    open_payments = db.session.scalar(
        select(func.count()).where(Payment.state == PaymentState.OPEN, Payment.session_id.is_not(None))
    )
    db.session.rollback()
    return not (open_messages or open_mails or open_payments or open_refunds)


def check_money(running: Portal) -> None:
    with closing(sqlite3.connect(running.sandbox_data)) as sandbox:
        taken = {row[0] for row in sandbox.execute("SELECT id FROM checkout_session WHERE payment_status = 'paid'")}
    noted = {
        payment.session_id
        for payment in db.session.scalars(select(Payment))
        if payment.state in (PaymentState.SUCCEEDED, PaymentState.UNALLOCATED)
    }
    assert noted == taken


def check_refunds(running: Portal, cancelled: list[str]) -> None:
    """Each cancelled booking got back what it paid, by one refund, and the books agree."""
    with closing(sqlite3.connect(running.sandbox_data)) as sandbox:
        made = dict(sandbox.execute("SELECT id, amount FROM refund"))
        returned = dict(sandbox.execute("SELECT payment_intent, count(*) FROM refund GROUP BY payment_intent"))
    refunds = db.session.scalars(select(Refund)).all()
    assert {refund.provider_id: refund.amount_minor for refund in refunds} == made
    assert set(returned.values()) <= {1}
    assert {refund.state for refund in refunds} <= {RefundState.SUCCEEDED}
    bookings = {booking.reference: booking for booking in db.session.scalars(select(Booking))}
    assert {bookings[reference].state for reference in cancelled} <= {BookingState.CANCELLED}
    paid_back = Counter(refund.payment.booking_id for refund in refunds)
    assert all(paid_back[bookings[reference].id] == 1 for reference in cancelled)
    assert differences() == ()


def check_bookings(done: list[str]) -> None:
    bookings = {booking.reference: booking for booking in db.session.scalars(select(Booking))}
    assert {bookings[reference].state for reference in done} == {BookingState.CONFIRMED}
    owners = {(row.cabin_id, row.night): row.occupancy_id for row in db.session.scalars(select(CabinNight))}
    for booking in bookings.values():
        if booking.state is BookingState.CONFIRMED:
            [cabin] = booking.cabins
            assert cabin.occupancy.state is OccupancyState.BOOKED
            assert {owners[cabin.cabin_id, night] for night in booking.sailing.nights} == {cabin.occupancy_id}
    taken = Counter(
        (occupancy.sailing_id, occupancy.cabin_id)
        for occupancy in db.session.scalars(select(Occupancy).where(Occupancy.over_at.is_(None)))
    )
    assert set(taken.values()) == {1}


def check_mail(running: Portal) -> None:
    letters = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in (running.folder / "mail").glob("*.eml")
    ]
    assert max(Counter((letter["To"], letter["Subject"]) for letter in letters).values()) == 1
    vouchers = Counter(part.get_filename() for letter in letters for part in letter.walk())
    confirmed = db.session.scalars(select(Booking.reference).where(Booking.state == BookingState.CONFIRMED)).all()
    assert {reference: vouchers[f"voucher-{reference}.pdf"] for reference in confirmed} == dict.fromkeys(confirmed, 1)
