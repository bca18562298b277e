"""Each payer pays his share his own way; what confirms, what goes back and to whom."""

from datetime import timedelta

from sqlalchemy import select

from portal.booking.changes import Wish
from portal.booking.models import Booking, BookingState, ChangeKind
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.money import Money
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.books import differences
from portal.payments.changes import agree_to_change, change_preview
from portal.payments.models import Payment, PaymentState, Refund
from portal.payments.papers.models import MoneyPaper, PaperKind
from portal.payments.providers.base import CheckoutLine
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview, return_homeless_shares
from portal.payments.services import (
    close_transfers,
    close_unwanted,
    receive_money,
    receive_transfer,
    settle_checkouts,
    start_card_payment,
    start_transfer,
)
from portal.payments.shares.models import ShareState
from portal.payments.shares.services import rest_of, withdraw_share
from tests.factories import NOON, make_account, make_booking, make_season
from tests.payments.channels import BACK, make_booking_in, type_card
from tests.payments.plans.conftest import in_parts, pay
from tests.payments.shares.conftest import again, ask, pay_share_of

LATER = NOON + timedelta(days=20)


def rubles(whole):
    return Money(whole * 100, "RUB")


def refunds(booking):
    """By who paid: what goes back; None is the holder."""
    rows = db.session.execute(
        select(Payment.share_id, Refund.amount_minor)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Payment.booking_id == booking.id)
    )
    return dict(rows.all())


def recipients(word):
    mails = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id))
    return [mail.recipient for mail in mails if f"/{word}:" in mail.key]


def test_the_booking_is_confirmed_once_all_payers_together_have_paid_what_confirms_it():
    booking = make_booking(make_season())
    one, two = ask(booking, 1200_00), ask(booking, 800_00, "Olga Orlova")

    pay_share_of(one)

    assert (again(one).state, booking.state) == (ShareState.PAID, BookingState.PENDING)
    pay_share_of(two)
    assert booking.state is BookingState.CONFIRMED
    assert differences() == ()


def test_shares_that_make_up_the_first_part_confirm_and_no_more_is_asked_than_is_owed():
    booking = in_parts(make_season())
    share = ask(booking, 600_00)

    pay_share_of(share)

    assert booking.state is BookingState.CONFIRMED
    assert rest_of(booking) == rubles(1400)


def test_payers_have_awaited_transfers_of_their_own_and_each_is_found_by_its_reference():
    booking = make_booking(make_season())
    one, two = ask(booking, 1200_00), ask(booking, 300_00)

    own = start_transfer(booking_id=booking.id, now=NOON)
    references = [start_transfer(booking_id=booking.id, share_id=share.id, now=NOON) for share in (one, two, one)]

    assert references[0] == references[2]
    assert len({own, *references}) == 3
    assert open_transfer(booking.id).amount == rubles(500)
    assert open_transfer(booking.id, two.id).amount == rubles(300)


def test_money_of_a_withdrawn_share_counts_while_the_booking_owes_it_and_others_owe_less():
    booking = make_booking(make_season())
    one, two = ask(booking, 1200_00), ask(booking, 800_00)
    start_transfer(booking_id=booking.id, share_id=one.id, now=NOON)
    payment = open_transfer(booking.id, one.id)
    withdraw_share(share_id=one.id, now=NOON)
    other = ask(booking, 1200_00, "Olga Orlova")

    receive_transfer(payment_id=payment.id, account=make_account(), now=NOON)

    assert again(one).state is ShareState.PAID
    # 800 are still owed, of which 2000 were asked: each is asked for so much less.
    assert (again(two).amount_minor, again(other).amount_minor) == (320_00, 480_00)


def test_what_the_holder_pays_for_all_ends_the_shares():
    booking = make_booking(make_season())
    start_transfer(booking_id=booking.id, now=NOON)
    share = ask(booking, 700_00)

    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(), now=NOON)

    assert booking.state is BookingState.CONFIRMED
    assert again(share).state is ShareState.ENDED
    follow_up()
    assert recipients("share_ended") == [share.email]


def test_a_share_paid_twice_goes_back_to_its_payer():
    booking = make_booking(make_season())
    share = ask(booking, 700_00)
    start_transfer(booking_id=booking.id, share_id=share.id, now=NOON)
    first = open_transfer(booking.id, share.id)
    receive_money(payment_id=first.id, amount=first.amount, payment_intent=None, now=NOON)
    second = Payment(
        booking_id=booking.id,
        share_id=share.id,
        method="transfer",
        state=PaymentState.EXPIRED,
        amount_minor=700_00,
        currency="RUB",
        made_at=NOON,
    )
    db.session.add(second)
    db.session.commit()

    state = receive_money(payment_id=second.id, amount=second.amount, payment_intent=None, now=NOON)

    assert state is PaymentState.UNALLOCATED
    assert return_homeless_shares(NOON) == 1
    assert return_homeless_shares(NOON) == 0
    assert refunds(booking) == {share.id: 700_00}


def test_when_the_time_runs_out_everybody_has_his_money_back():
    booking = make_booking(make_season())
    share, open_ = ask(booking, 700_00), ask(booking, 300_00)
    pay_share_of(share)
    pay(booking)
    expire_bookings(LATER)

    follow_up()
    follow_up()

    assert booking.state is BookingState.EXPIRED
    assert refunds(booking) == {share.id: 700_00, None: 1000_00}
    assert again(open_).state is ShareState.ENDED
    assert recipients("share_returned") == [share.email]
    assert differences() == ()


def test_a_share_that_comes_after_the_end_brings_nothing_back_and_returns():
    booking = make_booking(make_season())
    share = ask(booking, 700_00)
    start_transfer(booking_id=booking.id, share_id=share.id, now=NOON)
    payment_id = open_transfer(booking.id, share.id).id
    expire_bookings(LATER)
    close_transfers(LATER)

    state = receive_transfer(payment_id=payment_id, account=make_account(), now=LATER)

    assert state is PaymentState.UNALLOCATED
    assert return_homeless_shares(LATER) == 1


def test_a_cancelled_booking_returns_to_each_payer_in_proportion():
    booking = make_booking(make_season())
    one = ask(booking, 1200_00)
    pay_share_of(one)
    pay(booking)
    near = booking.voyage.starts_at - timedelta(days=25)
    shown = cancel_preview(booking.id, near).today.returned

    cancel(booking_id=booking.id, agreed=shown, now=near)

    assert shown == rubles(1500)
    assert refunds(booking) == {one.id: 900_00, None: 600_00}
    assert differences() == ()


def test_a_change_that_makes_it_cheaper_makes_open_shares_smaller():
    season = make_season()
    booking = in_parts(season)
    pay(booking)
    one, two = ask(booking, 900_00), ask(booking, 500_00)
    wish = Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({booking.passengers[1].id}))
    preview = change_preview(booking.id, wish, NOON)

    agree_to_change(booking_id=booking.id, wish=wish, agreed=preview.digest, now=NOON)

    left = booking.price.minor - 600_00
    assert again(one).amount_minor + again(two).amount_minor == left < 1400_00
    follow_up()
    assert recipients("share_changed") == [one.email, two.email]


def test_letters_and_receipts_go_to_the_payer_and_never_the_link_of_the_booking():
    booking = make_booking(make_season())
    share = ask(booking, 700_00, language="ru")
    follow_up()
    pay_share_of(share)

    follow_up()

    for word in ("share_asked", "share_invoice", "share_paid"):
        assert recipients(word) == [share.email], word
    assert recipients("share_came") == [booking.contact_email]
    assert recipients("invoice") == []
    theirs = db.session.scalars(select(OutgoingMail).where(OutgoingMail.recipient == share.email)).all()
    assert not any("/bookings/" in mail.text + mail.html for mail in theirs)
    receipt = db.session.scalars(select(MoneyPaper).filter_by(kind=PaperKind.RECEIPT)).one()
    assert receipt.content["facts"]["buyer"] == [share.name, share.email]


def test_a_share_is_paid_by_card_on_a_page_of_its_own(provider):
    booking = make_booking_in("USD")
    share = ask(booking, 2000_00)
    own = start_card(booking, None, booking.price.minor - 2000_00)
    page = start_card(booking, share, 2000_00)

    type_card(page, "4242 4242 4242 4242")
    settle_checkouts(booking_id=booking.id, now=NOON)

    assert own != page
    assert again(share).state is ShareState.PAID
    assert booking.state is BookingState.PENDING
    type_card(own, "4242 4242 4242 4242")
    settle_checkouts(booking_id=booking.id, now=NOON)
    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_the_page_of_a_withdrawn_share_is_closed(provider):
    booking = make_booking_in("USD")
    share = ask(booking, 2000_00)
    start_card(booking, share, 2000_00)
    withdraw_share(share_id=share.id, now=NOON)

    close_unwanted(NOON)

    payment = db.session.scalars(select(Payment).filter_by(share_id=share.id)).one()
    assert payment.state is PaymentState.EXPIRED


def start_card(booking, share, minor):
    return start_card_payment(
        booking_id=booking.id,
        share_id=share.id if share else None,
        name="stripe",
        lines=[CheckoutLine("Share", Money(minor, booking.currency))],
        success_url=BACK,
        cancel_url=BACK,
        now=NOON,
    )
