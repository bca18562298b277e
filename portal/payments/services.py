"""Ask for money, take note of it, and stop asking: the only writers of payments."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from flask import current_app
from sqlalchemy import Select, and_, case, not_, or_, select, true, update

from portal.accounts.models import Account
from portal.audit.services import record, record_move
from portal.booking.changes import apply_change, awaiting_change, keep_change
from portal.booking.errors import NotChangeable, NotPayable
from portal.booking.models import Booking, BookingChange, BookingChangeState, BookingState
from portal.booking.services import confirm_booking, keep_for_payment
from portal.database import db, transaction
from portal.inventory.errors import CabinTaken, KeptForOthers, ShipFull
from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.kernel.states import move
from portal.ledger.queries import Balance, balance_columns, balance_of
from portal.ledger.services import post_agency_paid, post_payment, post_unallocated
from portal.outbox.services import announce
from portal.payments.agencies.settling import settle_account
from portal.payments.bank_days import in_time, transfer_due
from portal.payments.errors import AmountNotExpected, MethodNotOffered, NotExpected, WrongAmount
from portal.payments.models import PAYMENT_MOVES, Method, Payment, PaymentState, Tender
from portal.payments.plans.live import confirming, live_plan, port_day
from portal.payments.plans.models import FitReason
from portal.payments.plans.schedule import asked
from portal.payments.plans.services import fit_plan
from portal.payments.providers.base import (
    CheckoutLine,
    CheckoutState,
    CheckoutStatus,
    GatewayRefused,
    GatewayUnavailable,
    Order,
    Payer,
)
from portal.payments.providers.registry import provider, route
from portal.payments.shares.models import PaymentShare, ShareState
from portal.payments.shares.services import asked_query, fit_shares, lower_share, pay_share
from portal.payments.statements.models import BankAllocation
from portal.payments.statements.postings import post_found
from portal.payments.statements.queries import partial_transfers, transferred_for, transferred_query

log = logging.getLogger(__name__)

DESK_TIME = timedelta(days=2)  # to come to the desk; so long the cabin is kept
GRACE = timedelta(minutes=3)  # the cabin is kept a little longer than the checkout page is open
CARD_PATIENCE = timedelta(hours=2)  # after placing: so long attempts to pay keep the cabin from others
WAITING = (PaymentState.CREATED, PaymentState.OPEN)
RECEIVED = (PaymentState.SUCCEEDED, PaymentState.UNALLOCATED)


@dataclass(frozen=True)
class Way:
    """One choice on the page of payment: a method, and who takes the money where that is not our own bank account."""

    method: Method
    provider: str | None = None

    @property
    def key(self) -> str:
        """As the form sends it."""
        return self.provider or self.method


def offered_ways(
    price: Money, starts_at: datetime, now: datetime, payer: Payer = Payer.PERSON
) -> tuple[Way, ...]:
    """The ways to pay `price` that can work: with each provider that takes the currency and the sum from this payer,
    and by transfer while there is time.
    """
    ways = [Way(Method.CARD, one.name) for one in route(price, payer)]
    if in_time(starts_at, now):
        ways.append(Way(Method.TRANSFER))
    if takes_at_desk(price.currency) and now + DESK_TIME <= starts_at:
        ways.append(Way(Method.DESK))
    return tuple(ways)


def takes_at_desk(currency: str) -> bool:
    """Whether there is a desk, and it takes this currency."""
    return current_app.config["DESK_PLACE"] is not None and currency in current_app.config["DESK_CURRENCIES"]


@dataclass(frozen=True)
class Debt:
    """What a booking asks for now: its price or the part of it that is due, or what a change costs more.

    What has come of a transfer that is not whole yet is taken off: only the rest is asked for.
    """

    amount: Money
    pay_by: datetime  # money that is begun later cannot be taken
    since: datetime  # when it was agreed
    change_id: int | None  # None: the booking itself
    due: date | None = None  # of a part of a confirmed booking: the day it should be here
    whole: Money | None = None  # all that is still open, where less is asked for
    share_id: int | None = None  # of another payer than the booking's holder


def debt_of(
    booking: Booking,
    now: datetime,
    *,
    whole: bool = False,
    share: PaymentShare | None = None,
    balance: Balance | None = None,
) -> Debt | None:
    """None where nothing is owed. whole: all that is open, where the booking is paid in parts.

    balance: that of the booking, of whoever has read it already.

    share: what is asked of this payer, whole; else what is asked of the holder, without the shares of others.
    Two statements for a confirmed booking that is paid.
    """
    if share is not None:
        return _share_owed(booking, share, now)
    if booking.state is BookingState.PENDING and booking.pay_by is not None:
        assert booking.placed_at is not None
        return _part_owed(booking, booking.pay_by, booking.placed_at, now, whole, balance)
    change = awaiting_change(booking.id) if booking.state is BookingState.CONFIRMED else None
    if change is not None and change.pay_by is not None:
        left = change.to_pay_minor - transferred_for(booking.id, change.id)
        return Debt(Money(left, booking.currency), change.pay_by, change.agreed_at, change.id)
    if booking.state is BookingState.CONFIRMED and booking.confirmed_at is not None:
        return _part_owed(booking, booking.voyage.starts_at, booking.confirmed_at, now, whole, balance)
    return None


def _part_owed(
    booking: Booking, pay_by: datetime, since: datetime, now: datetime, whole: bool, known: Balance | None
) -> Debt | None:
    plan = live_plan(booking.id)
    if plan is None and booking.state is BookingState.CONFIRMED:
        return None  # nobody is confirmed who has not paid all of it
    balance = known or balance_of(booking.id, booking.currency)
    if balance.owed <= 0:
        return None
    came, others = db.session.execute(
        select(transferred_query(booking.id, None).scalar_subquery(), asked_query(booking.id).scalar_subquery())
    ).one()
    paid, left = balance.paid + int(came), balance.owed - int(came) - int(others)
    part = asked(plan.parts, paid, port_day(booking, now)) if plan else None
    if left <= 0:
        return None
    due = part.due if part and booking.state is BookingState.CONFIRMED else None
    if part is None or whole or part.minor >= left:
        return Debt(Money(left, booking.currency), pay_by, since, None, due)
    whole_sum = Money(left, booking.currency)
    return Debt(Money(part.minor, booking.currency), pay_by, since, None, due, whole_sum)


def _share_owed(booking: Booking, share: PaymentShare, now: datetime) -> Debt | None:
    """A share is asked for whole: by the time that keeps the cabin, then by the day of the next part."""
    left = share.amount - Money(transferred_for(booking.id, None, share.id), booking.currency)
    if share.state is not ShareState.OPEN or left.minor <= 0:
        return None
    if booking.state is BookingState.PENDING and booking.pay_by is not None and booking.placed_at is not None:
        return Debt(left, booking.pay_by, booking.placed_at, None, share_id=share.id)
    if booking.state is not BookingState.CONFIRMED or booking.confirmed_at is None:
        return None
    plan = live_plan(booking.id)
    paid = balance_of(booking.id, booking.currency).paid
    part = asked(plan.parts, paid, port_day(booking, now)) if plan else None
    due = part.due if part else None
    return Debt(left, booking.voyage.starts_at, booking.confirmed_at, None, due, share_id=share.id)


def _count_part(payment: Payment, minor: int, now: datetime) -> None:
    """What has come of a transfer is all of it: the rest comes another way. Call it under the lock of the booking."""
    for allocation in db.session.scalars(
        select(BankAllocation).filter_by(payment_id=payment.id, undone_at=None).order_by(BankAllocation.id)
    ):
        post_found(allocation, payment.currency, now)
        payment.received_by_id = allocation.made_by_id
    payment.amount_minor = minor
    _note_time(payment, now)
    _move(payment, PaymentState.SUCCEEDED, now, reason="the rest came another way")
    if payment.share is not None:
        lower_share(payment.share, minor)
    post_payment(
        booking_id=payment.booking_id,
        payment_id=payment.id,
        payment=payment.reference,
        amount=payment.amount,
        clearing=payment.clearing,
        now=now,
    )
    announce("payments.received", payment_id=payment.id)


def _keep(booking: Booking, debt: Debt, until: datetime, now: datetime) -> None:
    """Keep what the debt is for while its payment is under way."""
    if debt.change_id is None and booking.state is BookingState.CONFIRMED:
        return  # a part of the price: its cabins are the booking's already
    if debt.change_id is None:
        keep_for_payment(booking_id=booking.id, until=until, now=now)
    else:
        keep_change(change_id=debt.change_id, until=until, now=now)


def start_card_payment(
    *,
    booking_id: int,
    name: str,
    lines: list[CheckoutLine],
    success_url: str,
    cancel_url: str,
    whole: bool = False,
    share_id: int | None = None,
    now: datetime,
) -> str:
    """The address of the page of the provider `name` for what is owed; asked twice, it is the same page.

    The cabins are kept as long as the page is open. Nothing is charged here. A page that was open with another provider
    or for another debt is closed first, where its provider closes pages.
    whole: all that is open, not only the part that is due. share_id: what is asked of this payer instead.
    Raises NotPayable, HoldOver, MethodNotOffered, GatewayUnavailable or GatewayRefused.
    """
    chosen = provider(name)
    # What was paid in the last minute of a page nobody may be asked to pay again.
    settle_checkouts(booking_id=booking_id, closed_by=real_now(), now=now)
    _close_other_checkouts(booking_id, name, now, whole=whole, share_id=share_id)
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        share = share_of(share_id)
        debt = debt_of(booking, now, whole=whole, share=share)
        if debt is None:
            raise NotPayable
        if Way(Method.CARD, name) not in offered_ways(debt.amount, booking.voyage.starts_at, now):
            raise MethodNotOffered
        payment = _waiting(booking_id, Way(Method.CARD, name), share_id)
        if payment is not None and not _is_for(payment, debt):
            raise MethodNotOffered  # the provider still keeps its page open; it is closed by the worker
        if payment is not None and payment.session_id is None and _over(payment):  # its page was never opened
            _move(payment, PaymentState.EXPIRED, now)
            session.flush()
            payment = None
        until = now + (payment.expires_at - real_now() if payment and payment.expires_at else chosen.page_time) + GRACE
        if payment is None:
            _check_patience(debt, until)
            payment = _new_payment(booking, debt, Way(Method.CARD, name), now)
            payment.expires_at = real_now() + chosen.page_time
            session.add(payment)
        _keep(booking, debt, until, now)
        session.flush()
        if payment.checkout_url is not None:
            return payment.checkout_url
        assert payment.expires_at is not None
        payment_id = payment.id
        order = Order(
            reference=booking.reference,
            payment=payment.reference,
            amount=payment.amount,
            lines=lines,
            email=share.email if share else booking.contact_email or "",
            language=share.language if share else booking.language,
            success_url=success_url,
            cancel_url=cancel_url,
            expires_at=payment.expires_at,
            idempotency_key=f"checkout-{payment.reference}",
            part=debt.change_id is None and debt.amount.minor < booking.price.minor,
        )
    try:
        checkout = chosen.open_checkout(order)
    except GatewayRefused:
        with transaction() as session:
            _move(session.get_one(Payment, payment_id, with_for_update=True), PaymentState.FAILED, now)
        raise
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if payment.session_id is None:  # of two pages opened at once, the first is the one; nobody has seen the other
            payment.session_id = checkout.id
            payment.checkout_url = checkout.url
        if payment.state is PaymentState.CREATED:
            _move(payment, PaymentState.OPEN, now)
        return payment.checkout_url or checkout.url


def _close_other_checkouts(
    booking_id: int, name: str, now: datetime, *, whole: bool, share_id: int | None
) -> None:
    """Pages of other providers, or for another debt than the present one, take no money any more where their providers
    can close them; what they took counts. Those of other payers stay open.
    """
    booking = db.session.get_one(Booking, booking_id)
    debt = debt_of(booking, now, whole=whole, share=share_of(share_id))
    if debt is None:
        return
    others = db.session.execute(
        select(Payment.id, Payment.provider, Payment.session_id)
        .where(
            Payment.booking_id == booking_id,
            Payment.method == Method.CARD,
            Payment.state.in_(WAITING),
            Payment.session_id.is_not(None),
            Payment.share_id.is_not_distinct_from(share_id),
            (Payment.provider != name)
            | Payment.change_id.is_distinct_from(debt.change_id)
            | (Payment.amount_minor != debt.amount.minor),
        )
        .order_by(Payment.id)
    ).all()
    db.session.commit()  # no transaction stays open while the provider is asked
    for payment_id, taker, session_id in others:
        _act_on(provider(taker).expire(session_id or ""), payment_id, now)


def _is_for(payment: Payment, debt: Debt, came: int = 0) -> bool:
    """Whether an attempt to pay, of which `came` minor units are here, is for just this debt: a part and the whole are
    two.
    """
    return payment.change_id == debt.change_id and payment.amount_minor - came == debt.amount.minor


def _check_patience(debt: Debt, until: datetime) -> None:
    """Nobody keeps a cabin for ever by beginning to pay again and again. Raises MethodNotOffered."""
    if until > max(debt.since + CARD_PATIENCE, debt.pay_by):
        raise MethodNotOffered


def start_transfer(
    *, booking_id: int, whole: bool = False, share_id: int | None = None, now: datetime
) -> str:
    """Await a bank transfer of what is owed; the payment's reference. Asked twice, it is the same payment.

    share_id: of what is asked of this payer.
    Raises NotPayable, HoldOver or MethodNotOffered. Announces payments.transfer_awaited.
    """
    return _await_money(booking_id, Way(Method.TRANSFER), transfer_due(now), now, whole=whole, share_id=share_id)


def start_desk(*, booking_id: int, whole: bool = False, now: datetime) -> str:
    """Await the guest at the desk; the payment's reference. Asked twice, it is the same payment.

    Raises NotPayable, HoldOver or MethodNotOffered. Announces payments.desk_awaited.
    """
    return _await_money(booking_id, Way(Method.DESK), now + DESK_TIME, now, whole=whole)


def _await_money(
    booking_id: int, way: Way, until: datetime, now: datetime, *, whole: bool, share_id: int | None = None
) -> str:
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        debt = debt_of(booking, now, whole=whole, share=share_of(share_id))
        if debt is None:
            raise NotPayable
        if way not in offered_ways(debt.amount, booking.voyage.starts_at, now):
            raise MethodNotOffered
        payment, begun = _attempt(booking, debt, way, now)
        if begun:
            _keep(booking, debt, until, now)
            announce(f"payments.{way.method}_awaited", payment_id=payment.id)
        return payment.reference


def _attempt(booking: Booking, debt: Debt, way: Way, now: datetime) -> tuple[Payment, bool]:
    """The open attempt to pay this debt without a provider, and whether it begins here. Call it under the lock of the
    booking.
    """
    payment = _waiting(booking.id, way, debt.share_id)
    partial = partial_transfers(booking.id, debt.change_id, debt.share_id)
    came = next((minor for one, minor in partial if one is payment), 0)
    if payment is not None and not _is_for(payment, debt, came):  # of a change that was dropped, or of another part
        if came:
            _count_part(payment, came, now)
        else:
            _move(payment, PaymentState.EXPIRED, now)
        db.session.flush()
        payment = None
    if payment is not None:
        return payment, False
    payment = _new_payment(booking, debt, way, now)
    db.session.add(payment)
    db.session.flush()
    _move(payment, PaymentState.OPEN, now)
    return payment, True


def take_at_desk(
    *, booking_id: int, amount: Money, tender: Tender, receipt: str, account: Account, now: datetime
) -> PaymentState:
    """Staff took money by hand; the state it led to.

    amount: what is due now at least, and all that is open at most; of a booking that is confirmed and paid in parts,
    any part of that. receipt: the number that the cash register printed.
    Raises NotPayable, or WrongAmount; then nothing is written.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        debt = debt_of(booking, now)
        if debt is None:
            raise NotPayable
        # A cabin that is only kept needs the whole of what confirms it: half of that would help nobody.
        in_parts = booking.state is BookingState.CONFIRMED and debt.change_id is None
        least, most = 1 if in_parts else debt.amount.minor, (debt.whole or debt.amount).minor
        if amount.currency != booking.currency or not least <= amount.minor <= most:
            raise WrongAmount
        payment, _begun = _attempt(booking, replace(debt, amount=amount), Way(Method.DESK), now)
        payment.tender, payment.receipt = tender, receipt
        record(
            "payment.taken",
            subject="payment",
            reference=payment.reference,
            now=now,
            reason=f"{tender}, {receipt}",
        )
        payment_id = payment.id
    return receive_money(payment_id=payment_id, amount=amount, payment_intent=None, received_by_id=account.id, now=now)


def receive_transfer(
    *, payment_id: int, account: Account, shown: Money | None = None, now: datetime
) -> PaymentState:
    """Staff saw the money on the bank account; the state it led to. Raises NotExpected.

    shown: the amount as staff read it there. Raises AmountNotExpected for another one than is expected.
    """
    payment = db.session.get_one(Payment, payment_id)
    if shown is not None and shown != payment.amount:
        raise AmountNotExpected
    if payment.method is not Method.TRANSFER or payment.state in RECEIVED:
        raise NotExpected
    return receive_money(
        payment_id=payment_id, amount=payment.amount, payment_intent=None, received_by_id=account.id, now=now
    )


def receive_money(
    *,
    payment_id: int,
    amount: Money,
    payment_intent: str | None,
    received_by_id: int | None = None,
    now: datetime,
) -> PaymentState:
    """Money for a payment has really come; the state it led to. Told twice, it counts once.

    payment_intent: the provider's name for the money; received_by_id: the account of staff who saw it come.

    The booking is confirmed when what was received covers its price, or the first part of it, whoever paid. Money that
    finds no cabin, comes twice or in another amount is kept as UNALLOCATED, in view of staff and customer; it is never
    turned away or forgotten.
    Announces payments.received or payments.unallocated.
    """
    if db.session.get_one(Payment, payment_id).settles_id is not None:
        return _receive_of_agency(payment_id, amount, received_by_id, now)
    try:
        with transaction() as session:
            # The booking first, as for whoever starts a payment: each would else wait for the other.
            booking_id = session.get_one(Payment, payment_id).booking_id
            booking = session.get_one(Booking, booking_id, with_for_update=True)
            payment = session.get_one(Payment, payment_id, with_for_update=True)
            if payment.state in RECEIVED:
                return payment.state
            if amount != payment.amount:
                raise NotExpected
            paid = balance_of(booking.id, booking.currency).paid + amount.minor
            if payment.change_id is None and paid > booking.price.minor:
                raise NotExpected
            if payment.share is not None and payment.share.state is ShareState.PAID:
                raise NotExpected
            partial = [
                one
                for one in partial_transfers(booking.id, payment.change_id, payment.share_id)
                if one[0].id != payment.id
            ]
            came = sum(minor for _transfer, minor in partial)
            if payment.change_id is not None or paid + came <= booking.price.minor:
                paid += came
                for transfer, minor in partial:
                    _count_part(transfer, minor, now)
            payment.payment_intent = payment_intent
            payment.received_by_id = received_by_id
            _note_time(payment, now)
            _move(payment, PaymentState.SUCCEEDED, now)
            post_payment(
                booking_id=booking.id,
                payment_id=payment.id,
                payment=payment.reference,
                amount=amount,
                clearing=payment.clearing,
                now=now,
            )
            if payment.change_id is not None:
                _make_change(booking, payment, now)
            elif paid >= confirming(booking):
                confirm_booking(booking_id=booking.id, now=now)
            elif booking.state not in (BookingState.PENDING, BookingState.CONFIRMED):
                raise NotExpected  # a share of what is over: alone it brings nothing back
            if payment.share is not None:
                pay_share(payment.share, now)
            fit_shares(booking, now)
            announce("payments.received", payment_id=payment.id)
            return PaymentState.SUCCEEDED
    except (CabinTaken, KeptForOthers, ShipFull, NotPayable, NotChangeable, NotExpected) as reason:
        why = type(reason).__name__
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if payment.state not in RECEIVED:
            # What came, whatever was asked for: it is this that can go back.
            payment.amount_minor, payment.currency = amount.minor, amount.currency
            payment.payment_intent = payment_intent
            payment.received_by_id = received_by_id
            _note_time(payment, now)
            _move(payment, PaymentState.UNALLOCATED, now, reason=why)
            post_unallocated(
                booking_id=booking.id,
                payment_id=payment.id,
                payment=payment.reference,
                amount=amount,
                clearing=payment.clearing,
                now=now,
            )
            announce("payments.unallocated", payment_id=payment.id)
        return payment.state


def _receive_of_agency(payment_id: int, amount: Money, received_by_id: int | None, now: datetime) -> PaymentState:
    """An agency has paid an invoice, open or withdrawn: whatever it is, it counts on its account."""
    with transaction() as session:
        booking_id = session.get_one(Payment, payment_id).booking_id
        session.get_one(Booking, booking_id, with_for_update=True)
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if payment.state in RECEIVED:
            return payment.state
        payment.amount_minor = amount.minor
        payment.received_by_id = received_by_id
        _note_time(payment, now)
        _move(payment, PaymentState.SUCCEEDED, now)
        post_agency_paid(
            booking_id=booking_id, payment_id=payment.id, payment=payment.reference, amount=amount, now=now
        )
        session.flush()
        settle_account(session.get_one(Payment, payment.settles_id), now)
        announce("payments.received", payment_id=payment.id)
        return payment.state


def _note_time(payment: Payment, now: datetime) -> None:
    payment.received_at = now
    if payment.provider is not None:
        payment.noted_at = real_now()


def _make_change(booking: Booking, payment: Payment, now: datetime) -> None:
    """The money of a change is here. Raises NotExpected for one that is over, and what apply_change does."""
    assert payment.change_id is not None
    change = awaiting_change(booking.id)
    if change is None or change.id != payment.change_id:
        raise NotExpected
    apply_change(change_id=change.id, now=now)
    fit_plan(booking, FitReason.CHANGED, now)
    fit_shares(booking, now)


def settle_checkout(*, name: str, session_id: str, now: datetime) -> PaymentState | None:
    """Ask the provider `name` how a checkout stands and act on it; None for one that is not ours.

    Raises GatewayUnavailable; then nothing has changed.
    """
    payment_id = db.session.scalar(
        select(Payment.id).where(Payment.provider == name, Payment.session_id == session_id)
    )
    if payment_id is None:
        return None
    db.session.commit()  # no transaction stays open while the provider is asked
    return _act_on(provider(name).state(session_id), payment_id, now)


def settle_checkouts(*, booking_id: int, closed_by: datetime | None = None, now: datetime) -> None:
    """Ask about every page of a booking that is waited for, or about those that closed by a moment of real time.

    Raises GatewayUnavailable or GatewayRefused.
    """
    open_pages = db.session.execute(
        select(Payment.provider, Payment.session_id)
        .where(
            Payment.booking_id == booking_id,
            Payment.method == Method.CARD,
            Payment.state.in_(WAITING),
            Payment.session_id.is_not(None),
            Payment.expires_at <= closed_by if closed_by else true(),
        )
        .order_by(Payment.id.desc())
    ).all()
    for name, session_id in open_pages:
        settle_checkout(name=name or "", session_id=session_id or "", now=now)


def _act_on(state: CheckoutState, payment_id: int, now: datetime) -> PaymentState:
    if state.paid:
        return receive_money(
            payment_id=payment_id, amount=state.amount, payment_intent=state.payment_intent, now=now
        )
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if payment.state in WAITING and state.status is CheckoutStatus.EXPIRED:
            _move(payment, PaymentState.EXPIRED, now)
        elif payment.state in WAITING and state.failed:
            _move(payment, PaymentState.FAILED, now)
        return payment.state


# Payment, provider, session, and when the page closes.
OpenCheckouts: TypeAlias = Select[int, str | None, str | None, datetime | None]

ASKED_AT_ONCE = 50
_charged, _paid, *_ = balance_columns(Booking.id, Booking.currency, Booking)
# A page that its provider does not close early is asked about again after this long.
CLOSING_PAUSE = timedelta(minutes=1)
# Whether what a payment is for still waits for it; of a query that joins Booking and, outwards, BookingChange and
# PaymentShare.
WANTED = case(
    (Payment.settles_id.is_not(None), true()),  # an agency pays when it pays
    (
        Payment.share_id.is_not(None),
        and_(
            PaymentShare.state == ShareState.OPEN,
            Payment.amount_minor <= PaymentShare.amount_minor,
            Booking.state.in_((BookingState.PENDING, BookingState.CONFIRMED)),
        ),
    ),
    (
        Payment.change_id.is_(None),
        or_(
            Booking.state == BookingState.PENDING,
            and_(Booking.state == BookingState.CONFIRMED, Payment.amount_minor <= _charged - _paid),
        ),
    ),
    else_=and_(BookingChange.state == BookingChangeState.AWAITING, Booking.state == BookingState.CONFIRMED),
)


def reconcile(now: datetime) -> int:
    """Ask about the checkouts that are waited for, whoever waited longest first; how many were asked.

    So a lost event delays a booking by minutes and loses nothing. A provider that is away keeps no other from being
    asked.
    """
    return _ask(_open_checkouts().where(WANTED), now, closing=False)


def close_unwanted(now: datetime) -> int:
    """Close the pages of what ended, so that nobody pays for it any more; how many were asked."""
    due = or_(Payment.asked_at.is_(None), Payment.asked_at <= real_now() - CLOSING_PAUSE)
    return _ask(_open_checkouts().where(not_(WANTED), due), now, closing=True)


def _open_checkouts() -> OpenCheckouts:
    return (
        select(Payment.id, Payment.provider, Payment.session_id, Payment.expires_at)
        .join(Booking, Booking.id == Payment.booking_id)
        .outerjoin(BookingChange, BookingChange.id == Payment.change_id)
        .outerjoin(PaymentShare, PaymentShare.id == Payment.share_id)
        .where(Payment.method == Method.CARD, Payment.state.in_(WAITING))
    )


def _ask(query: OpenCheckouts, now: datetime, *, closing: bool) -> int:
    waiting = db.session.execute(
        query.order_by(Payment.asked_at.asc().nulls_first(), Payment.id).limit(ASKED_AT_ONCE)
    ).all()
    if not waiting:
        return 0
    with transaction() as session:  # before they are asked: one that always fails may not stay in front of the others
        session.execute(
            update(Payment).where(Payment.id.in_([row.id for row in waiting])).values(asked_at=real_now())
        )
    away = set()
    for payment_id, name, session_id, expires_at in waiting:
        if name in away:
            continue
        try:
            if session_id is None:
                _give_up(payment_id, now)
            elif closing:
                _act_on(provider(name).expire(session_id), payment_id, now)
            elif expires_at is None or worth_a_minute(expires_at - provider(name).page_time, expires_at, real_now()):
                _act_on(provider(name).state(session_id), payment_id, now)
        except GatewayUnavailable:
            away.add(name)
        except GatewayRefused:  # of this one: the others still need to be asked about
            log.error("the provider does not say how payment %s stands", payment_id)
            _give_up(payment_id, now)
    return len(waiting)


PATIENT_MINUTES = 10


def worth_a_minute(opened: datetime, closes: datetime, moment: datetime) -> bool:
    """Whether a page is asked about in the minute of `moment`, real time.

    In each while something is likely to have happened to it, after it opened and after it closed; in every fifth else.
    """
    age, over = ((moment - mark) // timedelta(minutes=1) for mark in (opened, closes))
    return age < PATIENT_MINUTES or 0 <= over < PATIENT_MINUTES or age % 5 == 0


def close_transfers(now: datetime) -> int:
    """Stop awaiting transfers, and guests at the desk, for bookings that ended; money that comes all the same is taken
    note of by staff.
    """
    with transaction() as session:
        ended = session.scalars(
            select(Payment)
            .join(Booking)
            .outerjoin(BookingChange, BookingChange.id == Payment.change_id)
        .outerjoin(PaymentShare, PaymentShare.id == Payment.share_id)
            .where(Payment.provider.is_(None), Payment.state.in_(WAITING), not_(WANTED))
            .with_for_update(of=Payment, skip_locked=True)
        ).all()
        for payment in ended:
            _move(payment, PaymentState.EXPIRED, now)
    return len(ended)


def _give_up(payment_id: int, now: datetime) -> None:
    """An attempt whose page was never opened for the customer or that the provider does not know, when it is over."""
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if payment.state in WAITING and _over(payment):
            _move(payment, PaymentState.EXPIRED, now)


def share_of(share_id: int | None) -> PaymentShare | None:
    return None if share_id is None else db.session.get_one(PaymentShare, share_id)


def _over(payment: Payment) -> bool:
    """Its page is closed by the provider's clock."""
    return payment.expires_at is not None and payment.expires_at <= real_now()


def _waiting(booking_id: int, way: Way, share_id: int | None = None) -> Payment | None:
    return db.session.scalars(
        select(Payment)
        .where(
            Payment.booking_id == booking_id,
            Payment.method == way.method,
            Payment.provider.is_not_distinct_from(way.provider),
            Payment.share_id.is_not_distinct_from(share_id),
            Payment.settles_id.is_(None),
            Payment.state.in_(WAITING),
        )
        .with_for_update()
    ).one_or_none()


def _new_payment(booking: Booking, debt: Debt, way: Way, now: datetime) -> Payment:
    return Payment(
        booking_id=booking.id,
        method=way.method,
        provider=way.provider,
        state=PaymentState.CREATED,
        amount_minor=debt.amount.minor,
        currency=booking.currency,
        change_id=debt.change_id,
        share_id=debt.share_id,
        made_at=now,
    )


def _move(payment: Payment, state: PaymentState, now: datetime, reason: str | None = None) -> None:
    before = payment.state
    payment.state = move(before, state, PAYMENT_MOVES)
    record_move("payment", payment.reference, before, state, now=now, reason=reason)


