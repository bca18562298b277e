"""The provider's own books beside ours: what differs is listed, with what to do, until it is settled or gone."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from portal.accounts.models import Role
from portal.booking.models import Booking, BookingState
from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.payments.errors import NotExpected
from portal.payments.models import ComparedDay, Dispute, Mismatch, MismatchKind, Payment, Refund, RefundState
from portal.payments.providers.registry import provider as provider_of
from portal.payments.reconciliation import close_mismatch, compare_day, compare_days
from portal.payments.refunds import cancel, cancel_preview, send_refunds
from portal.payments.services import reconcile
from tests.factories import NOON, make_account, make_booking, make_season
from tests.payments.test_card import payment_of, start
from tests.payments.test_disputes import DISPUTED
from tests.payments.test_gateway import wanted

DAY = timedelta(days=1)


def paid(provider, season=None, *, cabin=0, card="4242 4242 4242 4242") -> Booking:
    booking = make_booking(season or make_season(days_ahead=90), cabin=cabin)
    provider.pay(start(booking), card)
    reconcile(NOON)
    return db.session.get_one(Booking, booking.id)


def paid_less(provider) -> Booking:
    """The provider said that it took the whole price, and its books say something else."""
    booking = paid(provider)
    with provider.services.store.writing() as books:
        books.execute("UPDATE payment_intent SET amount = amount - 100")
    return booking


def returned(booking: Booking) -> Refund:
    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)
    send_refunds(NOON)
    return db.session.scalars(select(Refund)).one()


def compare() -> list[tuple[MismatchKind, str]]:
    """What is listed once today is compared as far as it has come."""
    compare_day("stripe", real_now().date(), NOON)
    db.session.expire_all()
    return list(db.session.execute(select(Mismatch.kind, Mismatch.subject).where(Mismatch.closed_at.is_(None))))


def test_what_agrees_is_not_listed(provider):
    booking = paid(provider)
    returned(booking)

    assert compare() == []
    assert db.session.scalars(select(ComparedDay.movements)).all() == [2]
    assert payment_of(booking).matched_at is not None


def test_a_payment_of_which_nobody_told_us_is_noted_by_comparing(provider):
    booking = make_booking(make_season(days_ahead=90))
    provider.pay(start(booking))
    with transaction() as session:  # as if it had been given up before the money came
        session.execute(update(Payment).values(state="expired"))

    assert compare() == []
    assert db.session.get_one(Booking, booking.id).state is BookingState.CONFIRMED


def test_money_that_nobody_expects_is_listed(provider):
    page = provider_of("stripe").open_checkout(wanted())
    provider.pay(page.url)

    [(kind, _subject)] = compare()

    assert kind is MismatchKind.PAYMENT_UNKNOWN


def test_another_sum_than_asked_for_is_listed(provider):
    booking = paid_less(provider)

    assert compare() == [(MismatchKind.PAYMENT_AMOUNT, payment_of(booking).reference)]
    assert db.session.scalars(select(Mismatch)).one().theirs_minor == booking.price.minor - 100


def test_money_that_the_provider_does_not_list_is_listed_until_it_does(provider):
    booking = paid(provider)
    with provider.services.store.writing() as books:
        books.execute("UPDATE balance SET created = created - created % 86400 + 86400")  # lists it on the next day

    with time_machine.travel(real_now() + DAY):
        compare_day("stripe", real_now().date() - DAY, NOON)
    listed = db.session.scalars(select(Mismatch)).one()
    assert (listed.kind, listed.subject) == (MismatchKind.PAYMENT_MISSING, payment_of(booking).reference)

    with time_machine.travel(real_now() + 2 * DAY + timedelta(hours=1)):  # a day may still grow just after midnight
        assert compare_days(NOON) > 0
    db.session.expire_all()
    assert listed.closed_at is not None
    assert listed.closed_by_id is None


def test_a_return_made_beside_the_portal_is_listed(provider):
    booking = paid(provider)
    provider_of("stripe").refund(payment_of(booking).payment_intent, booking.price, "by-hand")

    [(kind, _subject)] = compare()

    assert kind is MismatchKind.REFUND_UNKNOWN


def test_a_return_that_came_back_without_a_word_is_sent_on_to_staff(provider):
    refund = returned(paid(provider, card="4000 0000 0000 5126"))
    provider.services.courier.let_time_pass(real_now().timestamp() + 61)

    assert compare() == []
    assert db.session.get_one(Refund, refund.id).state is RefundState.FAILED


def test_a_dispute_of_which_nobody_told_us_is_noted_by_comparing(provider):
    booking = paid(provider, card=DISPUTED)

    assert compare() == []
    assert db.session.scalars(select(Dispute.payment_id)).all() == [payment_of(booking).id]


def test_each_day_that_is_over_is_compared_once(provider):
    paid(provider)

    # Stripe and YooKassa keep lists; the Turkmen bank keeps none.
    with time_machine.travel(real_now() + 2 * DAY, tick=False):
        assert compare_days(NOON) == 2
        assert compare_days(NOON) == 0
    with time_machine.travel(real_now() + 4 * DAY, tick=False):
        assert compare_days(NOON) == 4


def test_what_finance_has_settled_does_not_come_again(provider):
    paid_less(provider)
    compare()
    reference = db.session.scalars(select(Mismatch.reference)).one()

    close_mismatch(reference=reference, note="The rest came in cash.", account=make_account(Role.FINANCE), now=NOON)

    assert compare() == []
    with pytest.raises(NotExpected):
        close_mismatch(reference=reference, note="Again", account=make_account(Role.FINANCE), now=NOON)


def test_finance_reads_what_to_do_and_settles_it(provider, browser):
    booking = paid_less(provider)
    browser.sign_in(make_account(Role.FINANCE))
    browser.open("/en/staff/reconciliation").submit("staff/reconciliation")

    page = browser.open("/en/staff/reconciliation")

    assert "another sum than was asked for" in page.text
    assert booking.reference in page.text
    reference = db.session.scalars(select(Mismatch.reference)).one()
    assert "Nothing differs" in page.submit(f"{reference}", note="Settled with the guest.").follow().text
