"""A booking paid in parts: the first confirms it, the others are asked for in time, and nothing cancels itself."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.booking.changes import Wish
from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState, ChangeKind
from portal.catalogue.models import Sailing
from portal.database import db, transaction
from portal.kernel.money import Money
from portal.outbox.models import OutgoingMail
from portal.payments.changes import agree_to_change, change_preview
from portal.payments.errors import MethodNotOffered
from portal.payments.models import Payment, PaymentState, Refund
from portal.payments.plans.errors import DayTooLate, NothingOpen, NothingPutOff, PlanNotOffered
from portal.payments.plans.live import live_plan, offers
from portal.payments.plans.models import BookingPlan, FitReason
from portal.payments.plans.queries import late_plans, overdue_parts
from portal.payments.plans.services import (
    choose_plan,
    end_pauses,
    end_plan,
    follow_sailing,
    load_plans,
    pause_plan,
    put_off,
    resume_plan,
)
from portal.payments.plans.tasks import remind, tell_of_part
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel_preview
from portal.payments.services import close_transfers, debt_of, receive_money, start_transfer
from tests.factories import NOON, announced, make_account, make_booking, make_fare, make_sailing, make_season
from tests.payments.plans.conftest import in_parts, make_plan, pay

SECOND = NOON + timedelta(days=45)  # the day of the second part


def overdue_count(moment):
    return db.session.scalar(late_plans(moment))


def parts(booking):
    db.session.expire_all()
    return [(part.due, part.minor) for part in live_plan(booking.id).parts]


def letters(word):
    return [
        mail.key for mail in db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)) if word in mail.key
    ]


def test_the_first_part_confirms_the_booking_and_the_second_is_asked_for_by_its_day():
    booking = in_parts(make_season())
    assert debt_of(booking, NOON).amount == Money(600_00, "RUB")

    pay(booking)

    assert booking.state is BookingState.CONFIRMED
    debt = debt_of(booking, NOON)
    assert (debt.amount, debt.due) == (Money(1400_00, "RUB"), SECOND.date())
    assert debt.pay_by == booking.voyage.starts_at


def test_the_second_part_settles_the_price_and_is_told_of():
    booking = in_parts(make_season())
    pay(booking)

    pay(booking, now=SECOND)

    assert debt_of(booking, SECOND) is None
    last = db.session.scalars(select(Payment).order_by(Payment.id.desc())).first()
    tell_of_part(last.id)
    tell_of_part(last.id)
    assert letters("part_received") == [f"payments/part_received:{last.reference}"]


def test_who_wants_to_pays_all_that_is_open_at_once():
    booking = in_parts(make_season())

    pay(booking, whole=True)

    assert booking.state is BookingState.CONFIRMED
    assert debt_of(booking, NOON) is None


def test_a_choice_may_be_changed_until_money_comes():
    booking = in_parts(make_season())

    choose_plan(booking_id=booking.id, plan_id=None, now=NOON)
    assert debt_of(booking, NOON).amount == booking.price
    choose_plan(booking_id=booking.id, plan_id=live_offer(booking), now=NOON)
    assert debt_of(booking, NOON).amount == Money(600_00, "RUB")
    pay(booking)

    with pytest.raises(NotPayable):
        choose_plan(booking_id=booking.id, plan_id=None, now=NOON)


def live_offer(booking):
    return offers(booking, NOON)[0].plan_id


def test_who_books_late_is_offered_no_parts():
    plan = make_plan()
    booking = make_booking(make_season(days_ahead=45))

    assert offers(booking, NOON) == ()
    with pytest.raises(PlanNotOffered):
        choose_plan(booking_id=booking.id, plan_id=plan.id, now=NOON)


def test_a_sailing_with_plans_of_its_own_offers_these_only():
    season = make_season()
    make_plan()
    own = make_plan(code="half", percent=50, sailing_id=season.sailing.id)
    booking = make_booking(season)

    assert [offer.plan_id for offer in offers(booking, NOON)] == [own.id]


def test_a_deposit_in_another_currency_is_not_offered():
    make_plan(percent=None, per_person=Money(100_00, "USD"))

    assert offers(make_booking(make_season()), NOON) == ()


def test_an_edited_plan_is_a_new_version_and_what_was_chosen_stands():
    booking = in_parts(make_season())

    newer = make_plan(percent=50)

    assert newer.version == 2
    assert parts(booking)[0][1] == 600_00
    end_plan(plan_id=newer.id, now=NOON)
    assert offers(booking, NOON) == ()


def test_the_proposed_plans_are_loaded_once():
    assert load_plans(NOON) == 2
    assert load_plans(NOON) == 0


def test_an_invoice_for_another_sum_takes_the_place_of_the_one_before():
    booking = in_parts(make_season())
    first = start_transfer(booking_id=booking.id, now=NOON)

    whole = start_transfer(booking_id=booking.id, whole=True, now=NOON)

    assert first != whole
    assert open_transfer(booking.id).amount == booking.price


def test_a_transfer_for_a_later_part_is_awaited_as_long_as_so_much_is_open():
    booking = in_parts(make_season())
    pay(booking)
    start_transfer(booking_id=booking.id, now=NOON)

    assert close_transfers(NOON) == 0


def test_more_than_is_owed_in_all_is_kept_in_view():
    booking = in_parts(make_season())
    start_transfer(booking_id=booking.id, whole=True, now=NOON)
    first = open_transfer(booking.id).id
    start_transfer(booking_id=booking.id, now=NOON)
    pay(booking)

    state = receive_money(payment_id=first, amount=booking.price, payment_intent=None, now=NOON)

    assert state is PaymentState.UNALLOCATED


def test_each_part_is_reminded_of_on_its_days_and_never_twice():
    booking = in_parts(make_season())
    pay(booking)

    for days in range(30, 50):
        remind(NOON + timedelta(days=days))
        remind(NOON + timedelta(days=days))

    name = f"payments/part_due:{booking.reference}:{SECOND.date().isoformat()}"
    assert letters("part_due") == [f"{name}:{stage}" for stage in (7, 3, 0, -2)]


def test_after_days_without_a_worker_only_the_last_reminder_is_written():
    booking = in_parts(make_season())
    pay(booking)

    assert remind(SECOND - timedelta(days=2)) == 1
    assert letters("part_due")[0].endswith(":3")


def test_nobody_is_reminded_of_what_he_has_paid():
    booking = in_parts(make_season())
    pay(booking, whole=True)

    assert remind(SECOND) == 0


def test_an_overdue_part_waits_for_staff_and_cancels_nothing():
    booking = in_parts(make_season())
    pay(booking)
    late = SECOND + timedelta(days=3)
    assert overdue_count(SECOND) == 0

    [row] = overdue_parts(late, 10)

    assert overdue_count(late) == 1
    assert (row.booking, row.amount, row.days_late) == (booking.reference, Money(1400_00, "RUB"), 3)
    assert booking.state is BookingState.CONFIRMED
    pay(booking, now=late)
    assert overdue_parts(late, 10) == ()


def test_staff_give_more_time_and_the_history_says_so():
    booking = in_parts(make_season())
    pay(booking)
    until = SECOND.date() + timedelta(days=10)

    put_off(booking_id=booking.id, until=until, note="On a ship", account=make_account(), now=SECOND)

    assert parts(booking) == [(NOON.date(), 600_00), (until, 1400_00)]
    versions = db.session.scalars(select(BookingPlan).order_by(BookingPlan.version)).all()
    assert [(one.version, one.reason, one.ended_at is None) for one in versions] == [
        (1, FitReason.CHOSEN, False),
        (2, FitReason.DELAYED, True),
    ]
    assert announced()[-1] == "payments.plan_fitted"


def test_more_time_ends_before_the_cruise_begins_and_is_given_only_where_something_is_open():
    booking = in_parts(make_season())
    pay(booking)
    given = {"booking_id": booking.id, "note": "", "account": make_account(), "now": NOON}

    with pytest.raises(DayTooLate):
        put_off(until=booking.voyage.start_day, **given)
    with pytest.raises(NothingPutOff):
        put_off(until=SECOND.date(), **given)
    pay(booking, whole=True)
    with pytest.raises(NothingOpen):
        put_off(until=SECOND.date(), **given)


def test_while_a_visa_is_decided_on_nothing_falls_due_and_afterwards_there_is_a_week():
    booking = in_parts(make_season())
    pay(booking)
    pause_plan(booking_id=booking.id, about="visa:1", now=NOON)
    pause_plan(booking_id=booking.id, about="visa:1", now=NOON)
    pause_plan(booking_id=booking.id, about="visa:2", now=NOON)
    late = SECOND + timedelta(days=5)
    assert (remind(late), overdue_count(late)) == (0, 0)

    resume_plan(booking_id=booking.id, about="visa:1", now=late)
    assert live_plan(booking.id).paused
    resume_plan(booking_id=booking.id, about="visa:2", now=late)

    assert not live_plan(booking.id).paused
    assert parts(booking)[1] == ((late + timedelta(days=7)).date(), 1400_00)


def test_no_decision_is_waited_for_when_the_cruise_is_near():
    booking = in_parts(make_season())
    pay(booking)
    pause_plan(booking_id=booking.id, about="visa:1", now=NOON)
    near = booking.voyage.starts_at - timedelta(days=21)

    assert end_pauses(near - timedelta(days=1)) == 0
    assert end_pauses(near) == 1

    assert not live_plan(booking.id).paused
    assert parts(booking)[1] == ((near + timedelta(days=7)).date(), 1400_00)


def test_a_dearer_and_later_cruise_adds_to_the_part_to_come_and_asks_for_nothing_now():
    season = make_season()
    later = make_sailing(season.ship, days_ahead=100)
    for category in {cabin.category for cabin in season.cabins}:
        make_fare(later, category, adult_minor=1500_00)
    booking = in_parts(season)
    pay(booking)
    wish = Wish(ChangeKind.SAILING, sailing_id=later.id)

    preview = change_preview(booking.id, wish, NOON)
    agree_to_change(booking_id=booking.id, wish=wish, agreed=preview.digest, now=NOON)

    due = (SECOND + timedelta(days=10)).date()
    assert preview.to_pay.minor == preview.returned.minor == 0
    assert preview.later == ((due, Money(2400_00, "RUB")),)
    assert parts(booking) == [(NOON.date(), 600_00), (due, 2400_00)]


def test_a_cheaper_party_lowers_the_part_to_come_and_returns_nothing():
    booking = in_parts(make_season())
    pay(booking)
    leaving = booking.passengers[1].id
    wish = Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({leaving}))

    preview = change_preview(booking.id, wish, NOON)
    agree_to_change(booking_id=booking.id, wish=wish, agreed=preview.digest, now=NOON)

    assert preview.returned.minor == 0
    assert sum(minor for _due, minor in parts(booking)) == db.session.get_one(Booking, booking.id).price.minor
    assert parts(booking)[0] == (NOON.date(), 600_00)
    assert db.session.scalars(select(Refund)).all() == []


def test_cancelling_keeps_no_more_than_was_paid():
    booking = in_parts(make_season())
    pay(booking)

    preview = cancel_preview(booking.id, NOON + timedelta(days=80))

    assert preview.paid == Money(600_00, "RUB")
    assert preview.today.kept == Money(600_00, "RUB")
    assert preview.today.returned.minor == 0


def test_parts_move_with_a_sailing_that_leaves_later():
    season = make_season()
    booking = in_parts(season)
    pay(booking)
    with transaction() as session:
        sailing = session.get_one(Sailing, season.sailing.id)
        for call in sailing.calls:
            if call.departs_at:
                call.departs_at += timedelta(days=10)
            if call.arrives_at:
                call.arrives_at += timedelta(days=10)
        sailing.starts_at += timedelta(days=10)
        sailing.ends_at += timedelta(days=10)

    follow_sailing(sailing_id=season.sailing.id, now=NOON)
    follow_sailing(sailing_id=season.sailing.id, now=NOON)

    assert parts(booking)[1] == (SECOND.date() + timedelta(days=10), 1400_00)
    assert live_plan(booking.id).version == 2


def test_a_part_that_is_due_soon_can_be_paid_only_in_ways_that_can_still_bring_it_in_time():
    booking = in_parts(make_season())
    pay(booking)

    with pytest.raises(MethodNotOffered):
        start_transfer(booking_id=booking.id, now=booking.voyage.starts_at - timedelta(days=5))
