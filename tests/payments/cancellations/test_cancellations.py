"""Why a booking was cancelled, what it has really cost, who lets a large sum go, and what is the guest's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.models import BookingState
from portal.database import db
from portal.kernel.acting import acting
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.ledger.queries import balance_of
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.approvals import approve
from portal.payments.books import differences
from portal.payments.cancellations.models import Cancellation, CancelReason
from portal.payments.cancellations.queries import unsettled
from portal.payments.cancellations.services import settle_costs
from portal.payments.errors import AmountsChanged, CostsTooHigh, NoCredit, NotExpected, SecondPersonNeeded
from portal.payments.models import Refund, RefundState
from portal.payments.refunds import cancel, cancel_preview, confirm_paid_back, credit_of, return_credit
from tests.factories import NOON, make_account, make_booking, make_season
from tests.payments.plans.conftest import pay

LATE = NOON + timedelta(days=75)  # fifteen days before the cruise half is kept at most


@pytest.fixture
def booking():
    made = make_booking(make_season())
    pay(made)
    return made


def rub(whole):
    return Money(whole * 100, "RUB")


def cancelled(booking, reason=CancelReason.PLANS):
    cancel(
        booking_id=booking.id, agreed=cancel_preview(booking.id, LATE).today.returned, reason=reason, now=LATE
    )
    return db.session.scalars(select(Cancellation).filter_by(booking_id=booking.id)).one()


def refunds():
    return list(db.session.scalars(select(Refund).order_by(Refund.id)))


def test_what_is_kept_is_a_limit_until_the_costs_are_known(booking):
    one = cancelled(booking, CancelReason.VISA_REFUSED)

    assert (one.reason, one.percent, one.limit, one.costs_minor) == (CancelReason.VISA_REFUSED, 50, rub(1000), None)


def test_costs_below_the_limit_return_the_rest_and_the_books_agree(booking):
    one = cancelled(booking)

    less = settle_costs(cancellation_id=one.id, costs=rub(300), note="Port dues", account=make_account(), now=LATE)

    assert less == rub(700)
    assert sum(refund.amount_minor for refund in refunds()) == rub(1700).minor
    assert balance_of(booking.id, "RUB").owed == 0
    assert differences() == ()
    follow_up()
    mail = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.contains("costs_settled"))).one()
    assert "Port dues" in mail.text


def test_costs_are_settled_once_and_never_above_the_limit(booking):
    one = cancelled(booking)
    given = {"cancellation_id": one.id, "note": "x", "account": make_account(), "now": LATE}

    with pytest.raises(CostsTooHigh):
        settle_costs(costs=rub(1001), **given)
    settle_costs(costs=rub(1000), **given)

    with pytest.raises(NotExpected):
        settle_costs(costs=rub(0), **given)
    assert len(refunds()) == 1


def test_a_refused_visa_comes_before_a_change_of_plans():
    season = make_season()
    first, second = make_booking(season), make_booking(season, cabin=1)
    for one, reason in ((first, CancelReason.PLANS), (second, CancelReason.VISA_REFUSED)):
        pay(one)
        cancelled(one, reason)

    assert [one.booking for one in unsettled(10)] == [second.reference, first.reference]


def test_a_large_sum_waits_for_somebody_who_did_not_ask_for_it(app, booking, monkeypatch):
    monkeypatch.setitem(app.config, "REFUND_LIMITS", {"RUB": 999_00})
    finance, colleague = make_account(Role.FINANCE), make_account(Role.FINANCE)
    token = acting.set(f"account:{finance.id}")
    cancelled(booking)
    acting.reset(token)
    [refund] = refunds()

    with pytest.raises(SecondPersonNeeded):
        confirm_paid_back(refund_id=refund.id, account=colleague, now=LATE)
    with pytest.raises(SecondPersonNeeded):
        approve(refund_id=refund.id, account=finance, now=LATE)
    approve(refund_id=refund.id, account=colleague, now=LATE)
    approve(refund_id=refund.id, account=colleague, now=LATE)

    confirm_paid_back(refund_id=refund.id, account=colleague, now=LATE)
    assert refunds()[0].state is RefundState.SUCCEEDED


def test_a_large_sum_is_not_sent_in_small_ones(app, booking, monkeypatch):
    monkeypatch.setitem(app.config, "REFUND_LIMITS", {"RUB": 1200_00})
    one = cancelled(booking)
    settle_costs(cancellation_id=one.id, costs=rub(700), note="x", account=make_account(), now=LATE)
    first, second = refunds()

    confirm_paid_back(refund_id=first.id, account=make_account(), now=LATE)
    with pytest.raises(SecondPersonNeeded):
        confirm_paid_back(refund_id=second.id, account=make_account(), now=LATE)


def overpaid(booking):
    """A discount after the fact: the price is lower, and what was paid is the guest's."""
    from portal.booking.models import Charge, ChargeKind
    from portal.database import transaction
    from portal.ledger.services import post_price_change

    with transaction() as session:
        session.add(
            Charge(booking_id=booking.id, position=99, kind=ChargeKind.PROMOTION, amount_minor=-100_00, why=None)
        )
        post_price_change(
            booking_id=booking.id, change="later", before=rub(2000), after=rub(1900), kept=rub(0), now=NOON
        )
    db.session.expire_all()


def test_what_came_beyond_the_price_goes_back_upon_one_press_and_only_once(booking):
    overpaid(booking)
    assert credit_of(booking) == rub(100)

    with pytest.raises(AmountsChanged):
        return_credit(booking_id=booking.id, agreed=rub(99), now=NOON)
    return_credit(booking_id=booking.id, agreed=rub(100), now=NOON)

    with pytest.raises(NoCredit):
        return_credit(booking_id=booking.id, agreed=rub(100), now=NOON)
    assert [refund.amount for refund in refunds()] == [rub(100)]
    assert booking.state is BookingState.CONFIRMED


def own(browser, **given):
    customer = make_account()
    browser.sign_in(customer)
    made = make_booking(make_season(**given), customer=customer, now=now())
    pay(made, now=now())
    return made


def test_the_guest_sees_his_credit_and_takes_it_back(browser):
    booking = own(browser)
    overpaid(booking)

    page = browser.open(f"/en/bookings/{booking.reference}")
    done = page.submit(form="/credit").follow()

    assert "100 ₽ came beyond the price. It is yours" in page.words
    assert "The money is on its way back to you" in done.words


def test_cancelling_asks_for_the_reason_and_words_the_limit_as_the_law_does(browser):
    booking = own(browser, days_ahead=15)
    address = f"/en/bookings/{booking.reference}"
    page = browser.open(f"{address}/cancel")
    assert "only the costs actually incurred for your booking, not more than shown here" in page.words
    assert "in the time zone of the port of embarkation" in page.words

    refused = page.submit(sure=True)
    page.submit(reason="visa_refused", sure=True)

    assert "choose a reason" in refused.words
    after = browser.open(address).words
    assert "1,000 ₽ is kept for costs actually incurred, and not more than these." in after


def test_finance_settles_the_costs_and_approves_what_is_large(app, browser, monkeypatch):
    monkeypatch.setitem(app.config, "REFUND_LIMITS", {"RUB": 999_00})
    booking = own(browser, days_ahead=15)
    browser.open(f"/en/bookings/{booking.reference}/cancel").submit(reason="illness", sure=True)
    browser.sign_in(make_account(Role.FINANCE))
    listed = browser.open("/en/staff/payments")
    assert "Illness" in listed.words
    assert "waits for a second person" in listed.words

    approved = listed.submit(form="/approve").follow()
    settle = browser.open(f"/en/staff/cancellations/{booking.reference}")
    refused = settle.submit(costs="1000.01", note="Berth")
    done = settle.submit(costs="400", note="Berth").follow()

    assert "The refund is approved." in approved.words
    assert "More than the conditions allow cannot be kept" in refused.words
    assert "what was kept beyond them goes back" in done.words
