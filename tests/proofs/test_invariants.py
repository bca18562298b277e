"""Whatever visitors, money, staff and the clock do, and in whatever order, some things are always true."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from functools import wraps
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.accounts.models import Account, Role
from portal.audit.models import AuditEntry
from portal.booking.assignment.services import carry_out, try_run
from portal.booking.changes import Newcomer, Wish, drop_changes
from portal.booking.models import (
    BookedCabin,
    Booking,
    BookingChange,
    BookingChangeState,
    BookingState,
    ChangeKind,
    ChargeKind,
    PromotionUse,
    UseState,
)
from portal.booking.passengers import correct_name
from portal.booking.prices import apply_promotion, remove_promotion
from portal.booking.services import expire_bookings, let_go, name_passengers, place_booking
from portal.booking.waiting.models import OfferState, WaitingEntry, WaitingOffer, WaitingState, WaitingWish
from portal.booking.waiting.services import (
    accept_offer,
    decline_offer,
    expire_offers,
    join_line,
    leave_line,
    serve_line,
    withdraw_lost_offers,
)
from portal.database import db
from portal.inventory.guarantees import category_page, hold_any
from portal.inventory.models import OVER, CabinNight, Occupancy, OccupancyState, ReservationKind
from portal.inventory.reservations.services import give_back, reserve, set_until
from portal.inventory.services import close_cabin, expire_holds, hand_over, hold_cabin, lengthen_hold, release
from portal.kernel.errors import NotFound, Refused
from portal.kernel.money import Money
from portal.ledger.queries import balance_of
from portal.payments import late, refunds
from portal.payments.books import differences
from portal.payments.changes import agree_to_change, change_preview, give_up_change
from portal.payments.models import LateOffer, LateOfferState, Payment, PaymentState, Refund, RefundState
from portal.payments.providers.base import Checkout, CheckoutLine, Order, Payer, RefundStatus
from portal.payments.providers.base import RefundState as ProviderRefund
from portal.payments.providers.stripe import CHECKOUT_TIME
from portal.payments.services import (
    close_transfers,
    debt_of,
    receive_money,
    start_card_payment,
    start_transfer,
)
from portal.pricing.models import Fare
from portal.pricing.policy import DEFAULT_POLICY
from tests.factories import (
    NOON,
    details,
    make_account,
    make_fare,
    make_part,
    make_promotion,
    make_ring,
    make_sailing,
    serial,
)

EXAMPLES, STEPS = 5, 40
LIMIT = 6  # persons; the four cabins sleep nine
USES, CABINS_WITH_CODE, BUDGET = 3, 3, 700_00  # of the promotion code
VISITORS = 3
# Beside the ends of holds, of checkout pages, of offers and of transfers.
MINUTES = (1, 5, 19, 20, 38, 24 * 60, 48 * 60, 6 * 24 * 60)
SAILING, CABIN, VISITOR, WHICH = st.integers(0, 1), st.integers(0, 3), st.integers(1, VISITORS), st.integers(0, 9)
PARTY = st.sampled_from([1, 2, 2, 3, 4])
KIND = st.sampled_from(ReservationKind)
PART = st.sampled_from([None, None, 0, 1, 2])  # of the first sailing; the third of them lies across the other two


OF_BOOKINGS = (Payment, Refund, BookingChange, LateOffer, PromotionUse)


class Pays(StrEnum):
    CARD = "card"
    TRANSFER = "transfer"
    WITH_CODE = "with_code"  # by card, and less


PAYS = st.sampled_from(Pays)


class Provider:
    """Opens a page for everyone and asks nothing."""

    name = "stripe"
    page_time = CHECKOUT_TIME

    def accepts(self, price: Money, payer: Payer) -> bool:
        return True

    def open_checkout(self, order: Order) -> Checkout:
        key = order.idempotency_key
        return Checkout(f"cs_{key}", f"https://pay.example/{key}", order.expires_at)

    says: RefundStatus = RefundStatus.PENDING  # of every refund that it is asked about

    def refund(
        self, payment_intent: str, amount: Money, idempotency_key: str, returned: Money | None = None
    ) -> ProviderRefund:
        return ProviderRefund(f"re_{idempotency_key}", self.says, amount, payment_intent)

    def refund_state(self, refund_id: str) -> ProviderRefund:
        return ProviderRefund(refund_id, self.says, Money(0, "RUB"), None)


def may_be_refused(act: Callable[..., None]) -> Callable[..., None]:
    """A refusal is as good as success, and so is a category that has nothing to sell; nothing else may be raised."""

    @wraps(act)
    def acted(*given: Any, **named: Any) -> None:
        with contextlib.suppress(Refused, NotFound):
            act(*given, **named)

    return acted


Check = Callable[["Season"], None]
checks: list[Check] = []


def always(check: Check) -> Check:
    """What holds after each step."""
    checks.append(check)
    return check


Rule = Callable[..., None]


def where(model: type[Any], *states: StrEnum) -> Callable[[Rule], Rule]:
    """Only where there is a row in one of these states: few steps are to be spent on nothing."""

    def there_is(season: Season) -> bool:
        return any(row.state in states for row in season.all(model))

    return precondition(there_is)


class Season(RuleBasedStateMachine):
    """One ship, two sailings that share a night, a few visitors. Each rule is one call of a service."""

    @initialize(guests=st.lists(st.tuples(SAILING, CABIN, PART, PAYS), min_size=1, max_size=3), agency=st.booleans())
    def open_the_season(self, guests: list[tuple[int, int, int | None, Pays]], agency: bool) -> None:
        """With its first guests, who have paid, and perhaps a cabin that an agency has in view."""
        self.now = NOON
        season = make_ring(days_ahead=90, persons_limit=LIMIT)
        other = make_sailing(season.ship, days_ahead=97, nights=3)
        for category in {cabin.category for cabin in season.cabins}:
            make_fare(other, category)
        parts = [make_part(season.sailing, *calls) for calls in ((1, 3), (3, 5), (2, 4))]
        self.parts = {part.id: list(part.nights) for part in parts}
        self.ship_id = season.ship.id
        self.sailings = {each.id: list(each.nights) for each in (season.sailing, other)}
        self.codes = {each.id: each.code for each in (season.sailing, other)}
        self.cabins = {cabin.id: cabin.number for cabin in season.cabins}
        self.category = season.category.code
        for fare in db.session.scalars(select(Fare).where(Fare.category_id == season.cabins[2].category_id)):
            fare.adult_minor, fare.single_minor = 1400_00, 2000_00  # one cabin is dearer: changes to it are paid for
        db.session.commit()
        limits = {"uses_limit": USES, "cabins_limit": CABINS_WITH_CODE, "currency": "RUB", "budget_minor": BUDGET}
        self.promotion = make_promotion(f"TEN{self.ship_id}", **limits)
        self.promotion_id, self.code = self.promotion.id, self.promotion.code
        self.prices: dict[tuple[int, int], int] = {}
        self.bought: dict[int, int] = {}  # the category of each cabin whose number comes later, by occupancy
        self.seen: dict[type[Any], list[Any]] = {}

        for number, (sailing, cabin, part, pays) in enumerate(guests, 1):
            with contextlib.suppress(Refused):
                self.paid(self.booked(self.held(sailing, cabin, 2, number, part), 2, pays))
        if agency:
            with contextlib.suppress(Refused):
                self.reserved(0, {3}, ReservationKind.OPTION, 3)

    # Visitors

    @rule(sailing=SAILING, cabin=CABIN, party=PARTY, visitor=VISITOR, part=PART)
    @may_be_refused
    def hold(self, sailing: int, cabin: int, party: int, visitor: int, part: int | None) -> None:
        self.held(sailing, cabin, party, visitor, part)

    @rule(sailing=SAILING, cabin=CABIN, party=st.integers(1, 2), visitor=VISITOR, part=PART, pays=PAYS)
    @may_be_refused
    def book(self, sailing: int, cabin: int, party: int, visitor: int, part: int | None, pays: Pays) -> None:
        """All that leads to a payment in one go, else few would come so far."""
        self.booked(self.held(sailing, cabin, party, visitor, part), party, pays)

    @rule(sailing=SAILING, visitor=VISITOR, party=st.integers(1, 2), pays=PAYS)
    @may_be_refused
    def book_a_category(self, sailing: int, visitor: int, party: int, pays: Pays) -> None:
        """The number of the cabin comes later. Mostly paid at once: the run is about those."""
        page = category_page(list(self.codes.values())[sailing], self.category, self.now)
        hold = hold_any(
            sailing_id=page.sailing_id,
            candidates=page.candidates,
            party=party,
            holder=self.visitor(visitor),
            now=self.now,
        )
        self.bought[hold.id] = page.category_id
        self.paid(self.booked(hold, party, pays))

    @rule(cabin=CABIN, visitor=VISITOR, part=PART, other=CABIN)
    @may_be_refused
    def pay_too_late(self, cabin: int, visitor: int, part: int | None, other: int) -> None:
        """The cabin of a transfer that took too long is somebody else's, and an equal one is or is not."""
        booking = self.booked(self.held(0, cabin, 2, visitor, part), 2, Pays.TRANSFER)
        self.now += timedelta(days=20)
        self.the_worker_runs()
        for taken in (cabin, other):
            with contextlib.suppress(Refused):
                self.held(0, taken, 1, VISITORS + 1, part)
        self.paid(booking)

    @where(Booking, BookingState.DRAFT)
    @rule(which=WHICH)
    @may_be_refused
    def take_the_code(self, which: int) -> None:
        for booking in self.one_of(Booking, which, BookingState.DRAFT):
            apply_promotion(booking_id=booking.id, code=self.code, now=self.now)

    @where(PromotionUse, UseState.TAKEN)
    @rule(which=WHICH)
    @may_be_refused
    def take_the_code_away(self, which: int) -> None:
        for booking in self.one_of(Booking, which, BookingState.DRAFT):
            remove_promotion(booking_id=booking.id, now=self.now)

    @where(Occupancy, OccupancyState.HELD)
    @rule(which=WHICH)
    @may_be_refused
    def lengthen(self, which: int) -> None:
        for hold in self.own_hold(which):
            lengthen_hold(occupancy_id=hold.id, now=self.now)

    @where(Occupancy, OccupancyState.HELD)
    @rule(which=WHICH)
    @may_be_refused
    def give_back(self, which: int) -> None:
        for hold in self.own_hold(which):
            let_go(hold_id=hold.id, now=self.now)

    @where(Occupancy, OccupancyState.HELD)
    @rule(which=WHICH, count=PARTY)
    @may_be_refused
    def name(self, which: int, count: int) -> None:
        for hold in self.own_hold(which):
            self.named(hold, count)

    @where(Booking, BookingState.DRAFT)
    @rule(which=WHICH)
    @may_be_refused
    def place(self, which: int) -> None:
        for booking in self.one_of(Booking, which, BookingState.DRAFT):
            self.placed(booking)

    @where(Booking, BookingState.PENDING)
    @rule(which=WHICH, pays=PAYS)
    @may_be_refused
    def start_to_pay(self, which: int, pays: Pays) -> None:
        for booking in self.one_of(Booking, which, BookingState.PENDING):
            self.asked_to_pay(booking, pays)

    @where(Payment, PaymentState.OPEN, PaymentState.EXPIRED)
    @rule(which=WHICH, more=st.sampled_from([0, 0, 0, 0, -1, 100]))
    @may_be_refused
    def pay(self, which: int, more: int) -> None:
        for payment in self.one_of(Payment, which, PaymentState.OPEN):
            if payment.state is not PaymentState.CREATED:
                self.received(payment, more)

    @where(Booking, BookingState.CONFIRMED)
    @rule(which=WHICH)
    @may_be_refused
    def cancel(self, which: int) -> None:
        for booking in self.one_of(Booking, which, BookingState.CONFIRMED):
            agreed = refunds.cancel_preview(booking.id, self.now).today.returned
            refunds.cancel(booking_id=booking.id, agreed=agreed, now=self.now)

    @where(LateOffer, LateOfferState.OPEN)
    @rule(which=WHICH, accepts=st.booleans())
    @may_be_refused
    def answer_for_late_money(self, which: int, accepts: bool) -> None:
        for offer in self.one_of(LateOffer, which, LateOfferState.OPEN):
            answer = late.accept_offer if accepts else late.decline_offer
            answer(payment_id=offer.payment_id, now=self.now)

    # Those in line

    @rule(sailing=SAILING, party=st.integers(1, 3))
    @may_be_refused
    def wait_for_a_cabin(self, sailing: int, party: int) -> None:
        """Once no cabin is free any more, which is seen to."""
        for cabin in range(len(self.cabins)):
            with contextlib.suppress(Refused):
                self.held(sailing, cabin, 1, VISITORS + 2, None)
        join_line(
            sailing_ids=[list(self.sailings)[sailing]],
            party=party,
            infants=0,
            category=None,
            name="Anna Ivanova",
            email=f"waiting{next(serial)}@example.org",
            language="en",
            consent_version="c1",
            now=self.now,
        )

    @where(WaitingOffer, OfferState.OPEN)
    @rule(which=WHICH, visitor=VISITOR)
    @may_be_refused
    def take_the_offer(self, which: int, visitor: int) -> None:
        for offer in self.one_of(WaitingOffer, which, OfferState.OPEN):
            hold = accept_offer(offer_id=offer.id, holder=self.visitor(visitor), now=self.now)
            self.booked(hold, min(hold.party, 2), Pays.CARD)

    @where(WaitingOffer, OfferState.OPEN)
    @rule(which=WHICH, leave=st.booleans())
    @may_be_refused
    def decline_the_offer(self, which: int, leave: bool) -> None:
        for offer in self.one_of(WaitingOffer, which, OfferState.OPEN):
            decline_offer(offer_id=offer.id, leave=leave, now=self.now)

    @where(WaitingEntry, WaitingState.WAITING, WaitingState.OFFERED)
    @rule(which=WHICH)
    def leave_the_line(self, which: int) -> None:
        for entry in self.one_of(WaitingEntry, which, WaitingState.WAITING):
            leave_line(entry_id=entry.id, now=self.now)

    # Agencies

    @rule(
        sailing=SAILING, cabins=st.sets(CABIN, min_size=1, max_size=2), kind=KIND, days=st.integers(1, 8)
    )
    @may_be_refused
    def reserve(self, sailing: int, cabins: set[int], kind: ReservationKind, days: int) -> None:
        self.reserved(sailing, cabins, kind, days)

    @where(Occupancy, OccupancyState.RESERVED)
    @rule(which=WHICH, visitor=VISITOR, pays=PAYS)
    @may_be_refused
    def take_up(self, which: int, visitor: int, pays: Pays) -> None:
        for reserved in self.one_of(Occupancy, which, OccupancyState.RESERVED):
            if reserved.state is OccupancyState.RESERVED:
                hold = hand_over(occupancy_id=reserved.id, holder=self.visitor(visitor), now=self.now)
                self.booked(hold, 2, pays)

    @where(Occupancy, OccupancyState.RESERVED)
    @rule(which=WHICH, days=st.integers(1, 8))
    @may_be_refused
    def set_another_date(self, which: int, days: int) -> None:
        for reserved in self.one_of(Occupancy, which, OccupancyState.RESERVED):
            if reserved.reservation_id is not None:
                until = self.now + timedelta(days=days)
                set_until(reservation_id=reserved.reservation_id, until=until, now=self.now)

    @where(Occupancy, OccupancyState.RESERVED)
    @rule(which=WHICH)
    def give_reserved_cabins_back(self, which: int) -> None:
        for reserved in self.one_of(Occupancy, which, OccupancyState.RESERVED):
            if reserved.reservation_id is not None:
                give_back(reservation_id=reserved.reservation_id, numbers=None, reason="not sold", now=self.now)

    # Changes of what was agreed

    @where(Booking, BookingState.CONFIRMED)
    @rule(which=WHICH, cabin=CABIN)
    @may_be_refused
    def change_cabin(self, which: int, cabin: int) -> None:
        for booking in self.one_of(Booking, which, BookingState.CONFIRMED):
            wanted = list(self.cabins)[cabin]
            self.changed(booking, Wish(ChangeKind.CABIN, cabins={booking.cabins[0].id: wanted}))

    @where(Booking, BookingState.CONFIRMED)
    @rule(which=WHICH, surname=st.sampled_from(["IVANOVA", "PETROVA"]))
    @may_be_refused
    def correct_a_name(self, which: int, surname: str) -> None:
        for booking in self.one_of(Booking, which, BookingState.CONFIRMED):
            correct_name(passenger_id=booking.passengers[0].id, surname=surname, given_names="ANNA", now=self.now)

    @where(Booking, BookingState.CONFIRMED)
    @rule(which=WHICH, sailing=SAILING)
    @may_be_refused
    def move(self, which: int, sailing: int) -> None:
        for booking in self.one_of(Booking, which, BookingState.CONFIRMED):
            self.changed(booking, Wish(ChangeKind.SAILING, sailing_id=list(self.sailings)[sailing]))

    @where(Booking, BookingState.CONFIRMED)
    @rule(which=WHICH, who=st.integers(0, 3))
    @may_be_refused
    def cancel_one(self, which: int, who: int) -> None:
        for booking in self.one_of(Booking, which, BookingState.CONFIRMED):
            leaver = booking.passengers[who % len(booking.passengers)]
            self.changed(booking, Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({leaver.id})))

    @where(Booking, BookingState.CONFIRMED)
    @rule(which=WHICH, born=st.sampled_from([date(1980, 1, 1), date(2015, 1, 1), date(2023, 9, 1)]))
    @may_be_refused
    def add_one(self, which: int, born: date) -> None:
        for booking in self.one_of(Booking, which, BookingState.CONFIRMED):
            joining = Newcomer(booking.cabins[0].id, "Newcomer", "Nikita", born, "RU")
            self.changed(booking, Wish(ChangeKind.PASSENGER_ADDED, joining=joining))

    @where(BookingChange, BookingChangeState.AWAITING)
    @rule(which=WHICH, pays=PAYS)
    @may_be_refused
    def start_to_pay_for_a_change(self, which: int, pays: Pays) -> None:
        for change in self.one_of(BookingChange, which, BookingChangeState.AWAITING):
            self.asked_to_pay(change.booking, pays)

    @where(BookingChange, BookingChangeState.AWAITING)
    @rule(which=WHICH)
    @may_be_refused
    def give_up(self, which: int) -> None:
        for change in self.one_of(BookingChange, which, BookingChangeState.AWAITING):
            give_up_change(booking_id=change.booking_id, now=self.now)

    # Staff

    @rule(sailing=SAILING)
    @may_be_refused
    def close(self, sailing: int) -> None:
        close_cabin(
            sailing_id=list(self.sailings)[sailing],
            cabin_id=list(self.cabins)[-1],
            reason="paint",
            now=self.now,
        )

    @where(Occupancy, OccupancyState.CLOSED)
    @rule(which=WHICH)
    def open_again(self, which: int) -> None:
        for closed in self.one_of(Occupancy, which, OccupancyState.CLOSED):
            if closed.state is OccupancyState.CLOSED:
                release(occupancy_id=closed.id, now=self.now)

    @where(Booking, BookingState.CONFIRMED)
    @rule(sailing=SAILING)
    @may_be_refused
    def tell_the_numbers(self, sailing: int) -> None:
        sailing_id = list(self.sailings)[sailing]
        carry_out(sailing_id=sailing_id, seal=try_run(sailing_id, self.now).seal, now=self.now)

    @where(Payment, PaymentState.UNALLOCATED)
    @rule(which=WHICH)
    @may_be_refused
    def return_what_found_no_cabin(self, which: int) -> None:
        for payment in self.one_of(Payment, which, PaymentState.UNALLOCATED):
            refunds.return_money(payment_id=payment.id, now=self.now)

    @where(Refund, RefundState.REQUESTED)
    @rule(which=WHICH)
    @may_be_refused
    def pay_back_by_hand(self, which: int) -> None:
        for refund in self.one_of(Refund, which, RefundState.REQUESTED):
            staff = db.session.scalars(select(Account)).first() or make_account(Role.FINANCE)
            refunds.confirm_paid_back(refund_id=refund.id, account=staff, now=self.now)

    @where(Refund, RefundState.FAILED)
    @rule(which=WHICH)
    @may_be_refused
    def send_it_again(self, which: int) -> None:
        for refund in self.one_of(Refund, which, RefundState.FAILED):
            refunds.try_again(refund_id=refund.id, now=self.now)

    @where(Refund, RefundState.REQUESTED, RefundState.SENT)
    @rule(says=st.sampled_from(list(RefundStatus)))
    def the_provider_answers(self, says: RefundStatus) -> None:
        Provider.says = says
        refunds.send_refunds(self.now)

    # Time and the worker

    @rule(minutes=st.sampled_from(MINUTES))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def the_worker_runs(self) -> None:
        expire_bookings(self.now)
        drop_changes(self.now)
        expire_holds(self.now)
        close_transfers(self.now)
        late.end_offers(self.now)
        late.offer_other_cabins(self.now)
        expire_offers(self.now)
        withdraw_lost_offers(self.now)
        for sailing_id in self.sailings:
            serve_line(sailing_id=sailing_id, now=self.now)

    # What is always true

    @invariant()
    def everything_is_in_order(self) -> None:
        db.session.rollback()
        self.seen.clear()
        for check in checks:
            check(self)

    @always
    def open_occupancies_own_exactly_the_nights_of_their_voyage(self) -> None:
        owned = defaultdict(set)
        for row in db.session.scalars(select(CabinNight).where(CabinNight.cabin_id.in_(self.cabins))):
            owned[row.occupancy_id].add((row.cabin_id, row.night))
        for occupancy in self.all(Occupancy):
            nights = () if occupancy.state in OVER else self.nights_of(occupancy)
            assert owned.pop(occupancy.id, set()) == {(occupancy.cabin_id, night) for night in nights}
        assert not owned

    @always
    def no_ship_carries_more_persons_than_its_limit_on_any_night(self) -> None:
        aboard: dict[date, int] = defaultdict(int)
        for occupancy in self.all(Occupancy):
            if occupancy.state not in OVER and not occupancy.overdue_at(self.now):
                for night in self.nights_of(occupancy):
                    aboard[night] += occupancy.party
        assert all(persons <= LIMIT for persons in aboard.values()), aboard

    @always
    def a_cabin_kept_for_an_agency_is_kept_until_its_date(self) -> None:
        for occupancy in self.all(Occupancy):
            if occupancy.state is OccupancyState.RESERVED and not occupancy.overdue_at(self.now):
                assert occupancy.expires_at == occupancy.reservation.until

    @always
    def who_bought_a_category_has_a_cabin_of_it(self) -> None:
        for occupancy in self.all(Occupancy):
            if occupancy.id in self.bought:
                assert occupancy.guaranteed
                assert occupancy.cabin.category_id == self.bought[occupancy.id]

    @always
    def an_offer_keeps_its_cabins_until_it_is_answered_or_over(self) -> None:
        for offer in self.all(WaitingOffer):
            if offer.state is OfferState.OPEN and offer.expires_at > self.now:
                assert offer.entry.state is WaitingState.OFFERED
                assert offer.occupancy.state is OccupancyState.HELD
                assert offer.occupancy.expires_at == offer.expires_at
            elif offer.state not in (OfferState.OPEN, OfferState.ACCEPTED):
                assert offer.occupancy.state in OVER
        for offer in self.all(LateOffer):
            kept = [db.session.get_one(Occupancy, entry["now"]) for entry in offer.cabins]
            if offer.open_at(self.now):
                assert {hold.state for hold in kept} == {OccupancyState.HELD}
                assert {hold.expires_at for hold in kept} == {offer.expires_at}
            elif offer.state is LateOfferState.DECLINED:
                assert all(hold.state in OVER for hold in kept)

    @always
    def whoever_is_in_line_has_one_offer_or_none(self) -> None:
        offered = Counter(offer.entry_id for offer in self.all(WaitingOffer) if offer.state is OfferState.OPEN)
        for entry in self.all(WaitingEntry):
            assert offered[entry.id] == (entry.state is WaitingState.OFFERED)

    @always
    def a_code_takes_off_what_its_bookings_say_and_never_beyond_its_limits(self) -> None:
        taken = [use for use in self.all(PromotionUse) if use.state is UseState.TAKEN]
        assert len(taken) <= USES
        assert sum(use.cabins for use in taken) <= CABINS_WITH_CODE
        assert sum(use.amount_minor for use in taken) <= BUDGET
        for use in taken:
            assert use.booking.state in (BookingState.DRAFT, BookingState.PENDING, BookingState.CONFIRMED)
            charges = [charge for charge in use.booking.charges if charge.kind is ChargeKind.PROMOTION]
            assert use.amount_minor == -sum(charge.amount_minor for charge in charges)

    @always
    def a_confirmed_booking_has_its_cabin_with_a_berth_for_each_passenger(self) -> None:
        awaiting = {row.booking_id for row in self.all(BookingChange) if row.state is BookingChangeState.AWAITING}
        booked = {row.id for row in self.all(Occupancy) if row.state is OccupancyState.BOOKED}
        for booking in self.all(Booking):
            if booking.state is BookingState.CONFIRMED:
                for cabin in booking.cabins:
                    assert cabin.occupancy_id in booked
                    booked.discard(cabin.occupancy_id)
                    assert cabin.occupancy.cabin_id == cabin.cabin_id
                    assert cabin.occupancy.sailing_id == booking.sailing_id
                assert len({cabin.occupancy.part_id for cabin in booking.cabins}) == 1
                aboard = sum(cabin.occupancy.party for cabin in booking.cabins)
                if booking.id not in awaiting:
                    assert aboard == len(booking.passengers)
                else:  # room for those who may join is kept along
                    assert aboard >= len(booking.passengers)
                assert {one.cabin_id for one in booking.passengers} == {cabin.cabin_id for cabin in booking.cabins}
        assert not booked, "a cabin is booked by nobody"

    @always
    def money_is_counted_once_and_never_beyond_the_price(self) -> None:
        returned: dict[int, int] = defaultdict(int)
        for refund in self.all(Refund):
            if refund.state is not RefundState.FAILED:
                returned[refund.payment_id] += refund.amount_minor
        counted: dict[int, int] = defaultdict(int)
        for payment in self.all(Payment):
            back = returned[payment.id]
            assert back <= payment.amount_minor
            if payment.state is PaymentState.SUCCEEDED:
                counted[payment.booking_id] += payment.amount_minor - back
        for booking in self.all(Booking):
            assert 0 <= counted[booking.id] <= booking.price.minor
            if booking.state is BookingState.CONFIRMED:
                assert counted[booking.id] == booking.price.minor
            elif booking.state is not BookingState.CANCELLED:
                assert counted[booking.id] == 0

    @always
    def the_ledger_says_the_same(self) -> None:
        for booking in self.all(Booking):
            balance = balance_of(booking.id, booking.currency)
            live = booking.state in (BookingState.PENDING, BookingState.CONFIRMED)
            assert balance.charged == booking.price.minor or not live
            assert balance.paid >= 0
            assert balance.returning >= 0
            if booking.state is BookingState.CONFIRMED:
                assert balance.owed == 0

    @always
    def what_was_agreed_changes_only_by_a_change_that_was_agreed(self) -> None:
        made: dict[int, int] = defaultdict(int)
        for change in self.all(BookingChange):
            made[change.booking_id] += change.state is BookingChangeState.APPLIED
        for booking in self.all(Booking):
            if booking.placed_at is not None:
                key = booking.id, made[booking.id]
                assert self.prices.setdefault(key, booking.price.minor) == booking.price.minor
                assert booking.policy == list(DEFAULT_POLICY)

    @always
    def a_change_that_waits_has_all_that_it_waits_with(self) -> None:
        for change in self.all(BookingChange):
            holds = [room["hold"] for room in change.after["steps"]["rooms"] if room["hold"] is not None]
            states = [db.session.get_one(Occupancy, hold_id) for hold_id in holds]
            if change.state is BookingChangeState.AWAITING:
                assert change.booking.state is BookingState.CONFIRMED
                assert change.pay_by is not None
                if change.pay_by > self.now:
                    assert all(hold.state is OccupancyState.HELD for hold in states)
            elif change.state is BookingChangeState.DROPPED:
                assert all(hold.state in OVER for hold in states)

    @always
    def the_trail_tells_every_change_of_state_once(self) -> None:
        rows: list[tuple[str, Any, str | None]] = [("occupancy", row, None) for row in self.all(Occupancy)]
        rows += [("booking", row, None) for row in self.all(Booking)]
        rows += [("payment", row, PaymentState.CREATED) for row in self.all(Payment)]
        rows += [("change", row, None) for row in self.all(BookingChange)]
        rows += [("waiting", row, None) for row in self.all(WaitingEntry)]
        trails = defaultdict(list)
        references = [row.reference for _, row, _ in rows]
        for entry in db.session.scalars(
            select(AuditEntry).where(AuditEntry.subject_reference.in_(references)).order_by(AuditEntry.id)
        ):
            if entry.to_state is not None and not entry.action.startswith("late_offer."):  # stands beside its booking
                trails[entry.subject, entry.subject_reference].append(entry)
        for subject, row, state in rows:
            for entry in trails[subject, row.reference]:
                assert entry.from_state == state, (subject, entry.action)
                state = entry.to_state
            assert state == row.state, (subject, row.reference)

    def teardown(self) -> None:
        db.session.rollback()
        assert differences() == ()

    # What the rules are made of

    def visitor(self, number: int) -> str:
        return f"{self.ship_id}-{number}"

    def held(self, sailing: int, cabin: int, party: int, visitor: int, part: int | None) -> Occupancy:
        return hold_cabin(
            sailing_id=list(self.sailings)[sailing],
            cabin_id=list(self.cabins)[cabin],
            party=party,
            holder=self.visitor(visitor),
            now=self.now,
            part_id=None if part is None or sailing else list(self.parts)[part],
        )

    def reserved(self, sailing: int, cabins: set[int], kind: ReservationKind, days: int) -> None:
        reserve(
            sailing_id=list(self.sailings)[sailing],
            kind=kind,
            numbers=[list(self.cabins.values())[cabin] for cabin in cabins],
            name="Agency",
            email="agency@example.org",
            language="en",
            until=self.now + timedelta(days=days),
            note=None,
            now=self.now,
        )

    def own_hold(self, which: int) -> Iterator[Occupancy]:
        """A hold that a visitor has himself; those of offers and changes are nobody's to give back."""
        for hold in self.one_of(Occupancy, which, OccupancyState.HELD):
            if hold.state is OccupancyState.HELD and (hold.holder or "").startswith(f"{self.ship_id}-"):
                yield hold

    def booked(self, hold: Occupancy, party: int, pays: Pays) -> Booking:
        booking = self.named(hold, party)
        if pays is Pays.WITH_CODE:
            apply_promotion(booking_id=booking.id, code=self.code, now=self.now)
        self.placed(booking)
        self.asked_to_pay(booking, pays)
        return booking

    def paid(self, booking: Booking) -> None:
        for payment in db.session.scalars(select(Payment).filter_by(booking_id=booking.id)).all():
            self.received(payment, 0)

    def received(self, payment: Payment, more: int) -> None:
        receive_money(
            payment_id=payment.id,
            amount=Money(payment.amount_minor + more, payment.currency),
            payment_intent=f"pi_{payment.reference}",
            now=self.now,
        )

    def nights_of(self, occupancy: Occupancy) -> list[date]:
        return self.sailings[occupancy.sailing_id] if occupancy.part_id is None else self.parts[occupancy.part_id]

    def named(self, hold: Occupancy, count: int) -> Booking:
        travellers = [details() for _ in range(count)]
        return name_passengers(
            parties={hold.id: travellers}, customer_id=None, language="en", now=self.now
        )

    def placed(self, booking: Booking) -> None:
        place_booking(
            booking_id=booking.id,
            contact_name="Anna Ivanova",
            contact_email="anna@example.org",
            contact_phone="+7 900 1234567",
            terms_version="t1",
            consent_version="c1",
            now=self.now,
        )

    def asked_to_pay(self, booking: Booking, pays: Pays) -> None:
        owed = debt_of(booking, self.now)
        if owed is None:
            return
        if pays is not Pays.TRANSFER:
            start_card_payment(
                booking_id=booking.id,
                name="stripe",
                lines=[CheckoutLine("Cabin", owed.amount)],
                success_url="https://portal.example/",
                cancel_url="https://portal.example/",
                now=self.now,
            )
        else:
            start_transfer(booking_id=booking.id, now=self.now)

    def changed(self, booking: Booking, wish: Wish) -> None:
        shown = change_preview(booking.id, wish, self.now)
        agree_to_change(booking_id=booking.id, wish=wish, agreed=shown.digest, now=self.now)

    def rows(self, model: type[Any]) -> list[Any]:
        """All rows of this season, in order."""
        of_bookings = Booking.sailing_id.in_(self.sailings)
        query = {
            Occupancy: select(Occupancy).where(Occupancy.sailing_id.in_(self.sailings)),
            Booking: select(Booking)
            .where(of_bookings)
            .options(
                selectinload(Booking.cabins).joinedload(BookedCabin.occupancy),
                selectinload(Booking.passengers),
                selectinload(Booking.charges),
            ),
            Payment: select(Payment).join(Booking).where(of_bookings),
            Refund: select(Refund).join(Payment).join(Booking).where(of_bookings),
            BookingChange: select(BookingChange).join(Booking).where(of_bookings),
            LateOffer: select(LateOffer).join(Booking, Booking.id == LateOffer.booking_id).where(of_bookings),
            PromotionUse: select(PromotionUse).where(PromotionUse.promotion_id == self.promotion_id),
            WaitingEntry: select(WaitingEntry).where(
                WaitingEntry.wishes.any(WaitingWish.sailing_id.in_(self.sailings))
            ),
            WaitingOffer: select(WaitingOffer).where(WaitingOffer.sailing_id.in_(self.sailings)),
        }[model]
        return list(db.session.scalars(query.order_by(model.id)))

    def all(self, model: type[Any]) -> list[Any]:
        """As rows, but read once after each step."""
        if model not in self.seen:
            self.seen[model] = [] if model in OF_BOOKINGS and not self.all(Booking) else self.rows(model)
        return self.seen[model]

    def one_of(self, model: type[Any], which: int, likely: StrEnum) -> Iterator[Any]:
        """One row, if there is any; mostly one in the state in which something can happen to it."""
        rows = self.rows(model)
        fitting = [row for row in rows if row.state is likely]
        choice = fitting if fitting and which < 8 else rows
        if choice:
            yield choice[which % len(choice)]


def test_no_order_of_events_breaks_the_rules(app: Any) -> None:
    app.extensions["payment_providers"] = {"stripe": Provider()}
    try:
        run_state_machine_as_test(
            Season,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=True,  # the same in each run of the suite; other seeds are for whoever hunts
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        del app.extensions["payment_providers"]
