"""Cancelling and postponing a sailing, booking by booking, on the real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import current_app
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.changes import Wish
from portal.booking.models import Booking, BookingState, ChangeKind
from portal.booking.prices import apply_promotion
from portal.booking.services import expire_bookings, name_passengers, place_booking
from portal.booking.waiting.models import WaitingEntry, WaitingState
from portal.booking.waiting.services import end_lines, join_line, serve_lines, withdraw_lost_offers
from portal.catalogue.errors import CallsRefused, SailingOver
from portal.catalogue.models import SailingState
from portal.catalogue.queries import sailing_by_code
from portal.catalogue.services import set_on_sale
from portal.database import db
from portal.inventory.errors import HoldOver, SailingClosed
from portal.inventory.models import CabinNight, Occupancy, OccupancyState
from portal.inventory.services import close_cabin, hold_cabin, release
from portal.kernel.money import Money
from portal.kernel.text import LocalizedText
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.change_pages import likeliest_cabins
from portal.payments.changes import agree_to_change, change_preview
from portal.payments.errors import AmountsChanged
from portal.payments.models import Payment, PaymentState, Refund
from portal.payments.operations.errors import ChangedSincePreview, ChoiceOver, CodeDiffers, NotOffered
from portal.payments.operations.models import CaseState, Operation, OperationCase, OperationKind
from portal.payments.operations.queries import alternatives_for, board, case_of, preview, standings, stopped
from portal.payments.operations.services import (
    accept_dates,
    ask_to_move,
    carry_out,
    close_choices,
    mark_moved,
    seal,
    stop,
    take_refund,
    try_again,
)
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel_preview, return_part
from portal.payments.services import receive_transfer, start_transfer
from portal.pricing.models import Fare, Promotion
from portal.pricing.promotions import end_promotion
from portal.visas.models import ChecklistItem
from portal.visas.services import load_rules
from tests.factories import (
    NOON,
    details,
    go_round,
    make_account,
    make_booking,
    make_fare,
    make_hold,
    make_part,
    make_promotion,
    make_ring,
    make_sailing,
    make_season,
    make_terms,
    saved,
)

REASON = LocalizedText({"ru": "Ремонт винта", "tk": "Winti abatlamak", "en": "Repair of the propeller"})
WEEKS = 14


def paid(booking):
    start_transfer(booking_id=booking.id, now=NOON)
    receive_transfer(
        payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=NOON
    )
    return booking


def stopping(sailing, kind=OperationKind.CANCEL, **given):
    return stop(
        **{
            "sailing_id": sailing.id,
            "kind": kind,
            "typed_code": sailing.code,
            "seen": seal(sailing, standings(sailing.id)),
            "reason": REASON,
            "days": WEEKS,
            "decide_days": 14,
            "account": make_account(Role.OPERATOR),
            "now": NOON,
        }
        | given
    )


def postponing(sailing, **given):
    return stopping(sailing, OperationKind.POSTPONE, **given)


def case():
    db.session.expire_all()
    return db.session.scalars(select(OperationCase)).one()


def twin_of(season, days=30):
    """Another sailing of the same route and ship, with the same fares."""
    other = make_sailing(season.ship, days_ahead=90 + days)
    other.itinerary_id = season.sailing.itinerary_id
    for cabin in {one.category_id: one for one in season.cabins}.values():
        make_fare(other, cabin.category)
    return saved(other)


def test_a_cancelled_sailing_gives_every_guest_all_his_money_whatever_the_policy_says():
    season = make_season(days_ahead=15)
    booking = paid(make_booking(season))
    assert cancel_preview(booking.id, NOON).today.kept.minor > 0

    stopping(season.sailing)
    assert carry_out(NOON) == 1

    assert case().state is CaseState.CANCELLED
    refund = db.session.scalars(select(Refund)).one()
    assert refund.amount == booking.price == Money(case().returned_minor, "RUB")
    assert booking.state is BookingState.CANCELLED
    assert season.sailing.state is SailingState.CANCELLED
    assert db.session.scalars(select(CabinNight)).all() == []


def test_what_is_only_held_or_closed_is_given_back_at_once_and_nothing_can_be_booked():
    season = make_season()
    hold, draft = make_hold(season, cabin=0), make_hold(season, cabin=1)
    name_passengers(parties={draft.id: [details()]}, customer_id=None, language="en", now=NOON)
    close_cabin(sailing_id=season.sailing.id, cabin_id=season.cabins[2].id, reason="shower", now=NOON)

    stopping(season.sailing)

    assert {one.state for one in db.session.scalars(select(Occupancy))} == {OccupancyState.RELEASED}
    assert db.session.scalars(select(Booking)).one().state is BookingState.CANCELLED
    assert db.session.scalars(select(OperationCase)).all() == []
    with pytest.raises(SailingClosed):
        make_hold(season, cabin=3)
    with pytest.raises(HoldOver):
        name_passengers(parties={hold.id: [details()]}, customer_id=None, language="en", now=NOON)


def test_without_the_code_typed_or_after_a_change_nothing_happens():
    season = make_season()
    seen = seal(season.sailing, standings(season.sailing.id))
    paid(make_booking(season))

    with pytest.raises(CodeDiffers):
        stopping(season.sailing, typed_code="PV24-99")
    with pytest.raises(ChangedSincePreview):
        stopping(season.sailing, seen=seen)

    assert db.session.scalars(select(Operation)).all() == []
    assert season.sailing.state is SailingState.ON_SALE


def test_a_sailing_is_cancelled_once():
    season = make_season()
    stopping(season.sailing)

    with pytest.raises(SailingOver):
        stopping(season.sailing)


def test_an_unpaid_booking_is_cancelled_and_money_that_still_comes_is_kept_in_view():
    season = make_season()
    booking = make_booking(season)
    start_transfer(booking_id=booking.id, now=NOON)
    transfer = open_transfer(booking.id).id

    stopping(season.sailing)
    carry_out(NOON)
    state = receive_transfer(payment_id=transfer, account=make_account(Role.FINANCE), now=NOON)

    assert (case().state, case().returned_minor) == (CaseState.CANCELLED, 0)
    assert state is PaymentState.UNALLOCATED


def test_each_guest_has_one_letter_in_his_language_and_no_other():
    season = make_season()
    for place, language in enumerate(("ru", "tk", "en")):
        paid(make_booking(season, cabin=place, language=language))
    follow_up()
    before = len(db.session.scalars(select(OutgoingMail)).all())

    stopping(season.sailing)
    for _ in range(2):
        carry_out(NOON)
        follow_up()

    mails = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()[before:]
    assert sorted(mail.language for mail in mails) == ["en", "ru", "tk"]
    for mail in mails:
        assert REASON.within(mail.language) in mail.text
        assert "2" in mail.text


@contextmanager
def killed_at_commit(number):
    """The process dies as the given transaction is about to commit: nothing catches that, and it is undone."""
    left = [number]

    def die(session):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    event.listen(Session, "before_commit", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        event.remove(Session, "before_commit", die)
        db.session.rollback()


def test_a_worker_killed_in_the_middle_does_each_step_once():
    season = make_season()
    for place in range(3):
        paid(make_booking(season, cabin=place))
    stopping(season.sailing)

    for number in (2, 4):  # the first commit only ends what reading began
        with killed_at_commit(number):
            carry_out(NOON)
    carry_out(NOON)
    follow_up()

    assert [one.state for one in db.session.scalars(select(OperationCase))] == [CaseState.CANCELLED] * 3
    assert len(db.session.scalars(select(Refund)).all()) == 3
    assert len(db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("operation:"))).all()) == 3


def test_many_workers_at_once_do_each_step_once():
    season = make_season()
    for place in range(4):
        paid(make_booking(season, cabin=place))
    stopping(season.sailing)
    app = current_app._get_current_object()
    db.session.commit()

    def work(_number):
        with app.app_context():
            try:
                return carry_out(NOON)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as workers:
        done = list(workers.map(work, range(4)))

    db.session.expire_all()
    assert sum(done) == 4
    assert len(db.session.scalars(select(Refund)).all()) == 4


def test_a_step_that_fails_keeps_no_other_from_being_done_and_is_tried_again():
    season = make_season()
    first, second = (paid(make_booking(season, cabin=place)) for place in range(2))
    operation = stopping(season.sailing)
    payment = db.session.scalars(select(Payment).filter_by(booking_id=first.id)).one()
    odd = Money(1, "RUB")
    return_part(first, odd, NOON)
    db.session.commit()
    broken = {"on": True}

    def fail(session, _context, _instances):
        if broken["on"] and any(isinstance(one, Refund) and one.payment_id == payment.id for one in session.new):
            raise RuntimeError("disk")

    event.listen(Session, "before_flush", fail)
    try:
        carry_out(NOON)
        rows = {row.booking: row for row in board(operation.reference, None).rows}
        assert (rows[first.reference].state, rows[first.reference].failure) == (CaseState.FAILED, "RuntimeError")
        assert rows[second.reference].state is CaseState.CANCELLED
        broken["on"] = False
        try_again(case_id=rows[first.reference].id, now=NOON)
        carry_out(NOON)
    finally:
        event.remove(Session, "before_flush", fail)

    rows = {row.booking: row for row in board(operation.reference, None).rows}
    assert rows[first.reference].state is CaseState.CANCELLED
    assert rows[first.reference].returned == first.price - odd


def test_a_booking_that_ended_by_itself_is_left_alone():
    season = make_season()
    booking = make_booking(season)
    stopping(season.sailing)
    expire_bookings(booking.pay_by)

    carry_out(booking.pay_by)

    assert case().state is CaseState.OVER
    assert booking.state is BookingState.EXPIRED


def test_a_postponed_sailing_takes_its_bookings_along_and_is_not_sold_until_staff_say_so():
    season = make_season()
    booking = paid(make_booking(season))
    old = season.sailing.starts_at

    operation = postponing(season.sailing)
    carry_out(NOON)

    assert season.sailing.state is SailingState.POSTPONED
    assert season.sailing.starts_at == operation.new_starts_at == old + timedelta(days=WEEKS)
    assert operation.old_starts_at == old
    nights = db.session.scalars(select(CabinNight.night).order_by(CabinNight.night)).all()
    assert nights == season.sailing.nights
    assert (booking.state, case().state) == (BookingState.CONFIRMED, CaseState.TOLD)
    with pytest.raises(SailingClosed):
        make_hold(season, cabin=1)
    set_on_sale(
        sailing_id=season.sailing.id, sales_close_at=season.sailing.starts_at - timedelta(days=2), now=NOON
    )
    assert make_hold(season, cabin=1).state is OccupancyState.HELD


def test_a_sailing_cannot_be_postponed_onto_another_and_nothing_is_written_then():
    season = make_season()
    make_sailing(season.ship, days_ahead=90 + WEEKS)
    make_hold(season)

    with pytest.raises(CallsRefused):
        postponing(season.sailing)

    db.session.expire_all()
    assert season.sailing.state is SailingState.ON_SALE
    assert db.session.scalars(select(Occupancy)).one().state is OccupancyState.HELD
    assert db.session.scalars(select(Operation)).all() == []


def test_the_deadlines_of_papers_follow_the_new_dates():
    load_rules(now=NOON)
    season = make_season()
    paid(make_booking(season))
    follow_up()
    before = {item.id: item.due for item in db.session.scalars(select(ChecklistItem))}

    postponing(season.sailing)
    follow_up()

    db.session.expire_all()
    after = {item.id: item.due for item in db.session.scalars(select(ChecklistItem))}
    assert before
    assert {key: (after[key] - before[key]).days >= WEEKS - 5 for key in before} == dict.fromkeys(before, True)


def told():
    season = make_season()
    twin = twin_of(season)
    booking = paid(make_booking(season))
    postponing(season.sailing)
    carry_out(NOON)
    return season, booking, twin


def test_a_guest_accepts_the_new_dates():
    _season, booking, _twin = told()

    accept_dates(case_id=case().id, now=NOON)

    assert (case().state, booking.state) == (CaseState.ACCEPTED, BookingState.CONFIRMED)
    with pytest.raises(ChoiceOver):
        take_refund(case_id=case().id, agreed=booking.price, now=NOON)


def test_a_guest_has_all_his_money_back_by_either_way():
    _season, booking, _twin = told()
    assert cancel_preview(booking.id, NOON).today.returned == booking.price

    with pytest.raises(AmountsChanged):
        take_refund(case_id=case().id, agreed=Money(1, "RUB"), now=NOON)
    take_refund(case_id=case().id, agreed=booking.price, now=NOON)
    follow_up()

    assert (case().state, booking.state) == (CaseState.CANCELLED, BookingState.CANCELLED)
    assert db.session.scalars(select(Refund)).one().amount == booking.price


def test_a_guest_asks_for_another_sailing_and_staff_note_that_he_was_moved():
    _season, _booking, twin = told()

    with pytest.raises(NotOffered):
        ask_to_move(case_id=case().id, code="NOPE", now=NOON)
    ask_to_move(case_id=case().id, code=twin.code, now=NOON)
    assert (case().state, case_of(case().booking_id).wanted) == (CaseState.MOVE_ASKED, twin.code)
    mark_moved(case_id=case().id, now=NOON)

    assert case().state is CaseState.MOVED


def test_a_guest_moves_to_another_sailing_by_himself_and_nothing_is_kept():
    _season, booking, twin = told()
    for fare in db.session.scalars(select(Fare).filter_by(sailing_id=twin.id)):
        fare.adult_minor = 900_00
    db.session.commit()
    booking.policy = [{"days": 0, "percent": 50}]
    db.session.commit()
    place = likeliest_cabins(booking, twin, NOON)
    wish = Wish(ChangeKind.SAILING, sailing_id=twin.id, cabins={booked: cabin.id for booked, cabin in place.items()})
    shown = change_preview(booking.id, wish, NOON)

    agree_to_change(booking_id=booking.id, wish=wish, agreed=shown.digest, now=NOON)
    follow_up()

    assert (shown.plan.kept.minor, shown.returned.minor) == (0, 200_00)
    assert case().state is CaseState.MOVED
    assert case().wanted_sailing_id == booking.sailing_id == twin.id
    assert cancel_preview(booking.id, NOON).today.returned.minor == 900_00  # by its conditions again


def test_what_is_offered_costs_what_the_rules_make_of_it_for_these_passengers():
    season = make_season()
    twin_of(season)
    booking = paid(make_booking(season, passengers=(details(), details(citizenship="TM"))))
    make_terms(foreign={"residents": ["RU"], "percent": 8})

    [offered] = preview(season.sailing.id, OperationKind.POSTPONE, NOON).alternatives[booking.id]

    assert (offered.price.minor, offered.difference.minor) == (2080_00, 80_00)


def test_the_choice_of_another_sailing_leads_to_its_sums(browser):
    customer = make_account()
    browser.sign_in(customer)
    season = make_season()
    twin = twin_of(season)
    booking = paid(make_booking(season, customer=customer))
    postponing(season.sailing)
    carry_out(NOON)

    sums = browser.open(f"/en/bookings/{booking.reference}/sailing-change").submit(choice=f"move:{twin.code}").follow()

    assert "Sailing afterwards" in sums.words
    assert case().state is CaseState.TOLD


def test_without_an_answer_the_new_dates_stand():
    _season, booking, _twin = told()
    late = NOON + timedelta(days=14)

    assert close_choices(late - timedelta(seconds=1)) == 0
    assert close_choices(late) == 1

    assert (case().state, booking.state) == (CaseState.KEPT, BookingState.CONFIRMED)
    with pytest.raises(ChoiceOver):
        accept_dates(case_id=case().id, now=late)


def test_the_preview_counts_what_stopping_then_touches_and_writes_nothing():
    season = make_season()
    twin = twin_of(season)
    confirmed, pending = paid(make_booking(season)), make_booking(season, cabin=1)
    start_transfer(booking_id=pending.id, now=NOON)
    make_hold(season, cabin=3)

    found = preview(season.sailing.id, OperationKind.POSTPONE, NOON)

    assert found.by_state == {BookingState.PENDING: 1, BookingState.CONFIRMED: 1}
    assert (found.persons, found.paid, found.awaited, found.held) == (4, (confirmed.price,), 1, 1)
    [offered] = found.alternatives[confirmed.id]
    assert (offered.sailing.code, offered.same_route, offered.difference.minor) == (twin.code, True, 0)
    assert db.session.scalars(select(Operation)).all() == []
    assert season.sailing.state is SailingState.ON_SALE


def test_no_sailing_without_room_for_the_whole_party_is_offered():
    season = make_season()
    twin = twin_of(season)
    booking = paid(make_booking(season))
    for cabin in season.cabins:
        if cabin.number != "303":
            close_cabin(sailing_id=twin.id, cabin_id=cabin.id, reason="charter", now=NOON)

    assert preview(season.sailing.id, OperationKind.POSTPONE, NOON).alternatives[booking.id] == ()


def test_those_who_wait_are_let_go_or_keep_their_place():
    season = make_season()
    holds = [make_hold(season, cabin=place, party=1) for place in range(4)]
    entry = join_line(
        sailing_ids=[season.sailing.id],
        party=2,
        infants=0,
        category=None,
        name="Anna",
        email="anna@example.org",
        language="en",
        consent_version="c1",
        now=NOON,
    )
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)

    postponing(season.sailing)
    withdraw_lost_offers(NOON)
    assert entry.state is WaitingState.WAITING
    stopping(season.sailing)
    end_lines(NOON)

    assert db.session.scalars(select(WaitingEntry)).one().state is WaitingState.ENDED


def test_everyone_reads_why_and_what_sails_instead():
    season = make_season()
    twin = twin_of(season)

    stopping(season.sailing)

    shown = stopped(sailing_by_code(season.sailing.code))
    assert (shown.reason, shown.same_route) == (REASON, (twin.code,))
    assert stopped(sailing_by_code(twin.code)) is None


def test_every_step_stands_in_the_trail():
    _season, booking, _twin = told()
    accept_dates(case_id=case().id, now=NOON)

    ours = select(AuditEntry.action).where(AuditEntry.subject.in_(["case", "operation"]))
    actions = db.session.scalars(ours.order_by(AuditEntry.id)).all()
    assert actions == ["operation.made", "case.told", "case.accepted"]
    assert "sailing.postponed" in db.session.scalars(select(AuditEntry.action)).all()
    assert booking.state is BookingState.CONFIRMED


# ---------- A part of the voyage ----------


def ring_with_part(**given):
    """A ring with its second half on sale, and a booking of it that is paid."""
    season = make_ring()
    part = make_part(season.sailing, 3, 5)
    return season, part, paid(make_booking(season, part=part, **given))


def ring_like(season, days=30):
    """A later sailing of the same ring, with the same fares and the same part at 60 per cent."""
    later = go_round(make_sailing(season.ship, days_ahead=90 + days, nights=8))
    for cabin in {one.category_id: one for one in season.cabins}.values():
        make_fare(later, cabin.category)
    return later, make_part(later, 3, 5, percent=60)


def test_guests_of_a_part_are_offered_the_same_part_of_other_sailings_even_where_the_whole_voyage_is_sold_out():
    season, _part, booking = ring_with_part()
    later, there = ring_like(season)
    make_part(later, 2, 4)
    first = make_part(later, 1, 2)
    for cabin in season.cabins:
        hold_cabin(
            sailing_id=later.id, cabin_id=cabin.id, party=1, holder=f"visitor{cabin.id}", now=NOON, part_id=first.id
        )

    [offered] = preview(season.sailing.id, OperationKind.CANCEL, NOON).alternatives[booking.id]

    assert offered.sailing.part.id == there.id
    assert (offered.price.minor, offered.difference.minor) == (1200_00, 200_00)


def test_no_other_part_is_offered_and_none_without_a_cabin_for_all():
    season, _part, booking = ring_with_part()
    later, there = ring_like(season)
    make_part(later, 3, 5, on_sale=False)
    other = make_part(later, 2, 5)
    assert preview(season.sailing.id, OperationKind.CANCEL, NOON).alternatives[booking.id] == ()

    make_part(later, 3, 5)
    for cabin in season.cabins:
        hold_cabin(
            sailing_id=later.id, cabin_id=cabin.id, party=1, holder=f"visitor{cabin.id}", now=NOON, part_id=other.id
        )

    assert there.on_sale
    assert preview(season.sailing.id, OperationKind.CANCEL, NOON).alternatives[booking.id] == ()


def test_the_letter_and_the_choice_speak_of_the_days_of_the_part():
    season, part, booking = ring_with_part()
    later, there = ring_like(season)
    old = part.starts_at
    postponing(season.sailing)
    carry_out(NOON)
    follow_up()

    shown = case_of(booking.id)
    letter = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("operation:"))).one()

    assert shown.old_starts_at == old != season.sailing.starts_at - timedelta(days=WEEKS)
    assert (shown.new_starts_at, shown.new_ends_at) == (part.starts_at, part.ends_at)
    assert "Part of the voyage: AZBAK – RUASF" in letter.text
    assert f"{there.starts_at:%-d} " in letter.text
    assert later.code not in letter.text


def test_a_guest_of_a_part_moves_to_the_same_part_of_another_sailing_by_himself():
    season, _part, booking = ring_with_part()
    later, there = ring_like(season)
    make_part(later, 3, 5)  # at half the fare, as it was
    postponing(season.sailing)
    carry_out(NOON)
    place = likeliest_cabins(booking, later, NOON)
    wish = Wish(ChangeKind.SAILING, sailing_id=later.id, cabins={booked: cabin.id for booked, cabin in place.items()})
    shown = change_preview(booking.id, wish, NOON)

    agree_to_change(booking_id=booking.id, wish=wish, agreed=shown.digest, now=NOON)
    follow_up()

    assert (case().state, case().wanted_sailing_id) == (CaseState.MOVED, later.id)
    assert booking.voyage is there


# ---------- Promotion codes ----------


def booked_with_code(**promotion):
    season = make_season()
    make_promotion("SPRING", **promotion)
    hold = make_hold(season)
    draft = name_passengers(parties={hold.id: [details(), details()]}, customer_id=None, language="en", now=NOON)
    apply_promotion(booking_id=draft.id, code="SPRING", now=NOON)
    booking = place_booking(
        booking_id=draft.id,
        contact_name="Anna Ivanova",
        contact_email="anna@example.org",
        contact_phone="+7 900 1234567",
        terms_version="t1",
        consent_version="c1",
        now=NOON,
    )
    return season, twin_of(season), paid(booking)


def test_another_sailing_is_offered_at_the_price_that_moving_there_then_costs():
    season, twin, booking = booked_with_code()
    end_promotion(promotion_id=db.session.scalars(select(Promotion.id)).one(), now=NOON)

    [offered] = preview(season.sailing.id, OperationKind.POSTPONE, NOON).alternatives[booking.id]
    place = likeliest_cabins(booking, twin, NOON)
    wish = Wish(ChangeKind.SAILING, sailing_id=twin.id, cabins={booked: cabin.id for booked, cabin in place.items()})
    moved = change_preview(booking.id, wish, NOON).plan

    assert (offered.code, offered.price.minor, offered.difference.minor) == ("SPRING", 1800_00, 0)
    assert offered.price == moved.after


@pytest.mark.parametrize(("ended", "code", "price"), [(False, "SPRING", 1800_00), (True, None, 2000_00)])
def test_whoever_must_book_anew_is_shown_his_code_only_while_it_holds(ended, code, price):
    season, _twin, booking = booked_with_code()
    if ended:
        end_promotion(promotion_id=db.session.scalars(select(Promotion.id)).one(), now=NOON)

    [seen] = preview(season.sailing.id, OperationKind.CANCEL, NOON).alternatives[booking.id]
    stopping(season.sailing)
    carry_out(NOON)
    [offered] = alternatives_for(booking, NOON)
    follow_up()

    assert seen == offered
    assert (offered.code, offered.price.minor) == (code, price)
    letter = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.startswith("operation:"))).one()
    assert ("with your code SPRING" in letter.text) is (not ended)
