"""Taking statements over: what is certain is used once, everything else waits for finance."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.money import Money
from portal.kernel.references import with_check
from portal.ledger.models import LedgerAccount, LedgerEntry
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.bank_days import transfer_due
from portal.payments.books import differences
from portal.payments.models import Payment, PaymentState
from portal.payments.plans.services import choose_plan
from portal.payments.queries import booking_payments, open_transfer
from portal.payments.refunds import return_counted
from portal.payments.services import close_transfers, debt_of, receive_transfer, settle_checkouts, start_transfer
from portal.payments.statements.errors import (
    BadStatement,
    LineDecided,
    NoSuchPayment,
    StatementKnown,
    TooMuch,
)
from portal.payments.statements.matching import Confidence
from portal.payments.statements.models import BankAllocation, BankLine, BankStatement, LineState
from portal.payments.statements.queries import statement_by
from portal.payments.statements.services import (
    PREVIEW_KEPT,
    assign_line,
    complete_transfers,
    discard_statement,
    forget_previews,
    keep_after_all,
    load_previewed,
    note_sent_back,
    preview,
    preview_statement,
    send_back,
    set_aside,
    take_out,
    take_statement,
)
from sandbox.yookassa.cards import CARDS_BY_SLUG
from tests.factories import NOON, announced, make_account, make_booking, make_hold, make_season
from tests.payments.channels import start, type_card
from tests.payments.plans.conftest import in_parts
from tests.payments.statements.samples import Sent, mt940, one_c, table

LATER = NOON + timedelta(days=5)


def awaited(season=None, cabin=0):
    """A booking and its transfer of 2000 roubles."""
    booking = make_booking(season or make_season(), cabin=cabin)
    start_transfer(booking_id=booking.id, now=NOON)
    return booking, db.session.get_one(Payment, open_transfer(booking.id).id)


def load(*sent, format_=one_c, now=LATER):
    reference = preview_statement(content=format_(sent), by=None, now=now)
    return load_previewed(reference=reference, now=now)


def for_(payment, minor=2000_00, **more):
    return Sent(minor, f"Платёж {with_check(payment.reference)}", **more)


def lines():
    return db.session.scalars(select(BankLine).order_by(BankLine.id)).all()


def stands(account):
    found = select(func.coalesce(func.sum(LedgerEntry.minor), 0)).where(LedgerEntry.account == account)
    return int(db.session.scalar(found))


def test_certain_money_confirms_its_booking_by_itself():
    booking, payment = awaited()

    done = load(for_(payment))

    [line] = lines()
    assert (done.new, done.known, done.waiting) == (1, 0, 0)
    assert payment.state is PaymentState.SUCCEEDED
    assert booking.state is BookingState.CONFIRMED
    assert (line.state, line.confidence, line.left_minor) == (LineState.USED, Confidence.CERTAIN, 0)
    assert (stands(LedgerAccount.BANK), stands(LedgerAccount.SUSPENSE)) == (2000_00, 0)


def test_nothing_is_used_before_the_file_was_looked_at():
    booking, payment = awaited()

    reference = preview_statement(content=one_c([for_(payment), Sent(1_00, "?")]), by=None, now=LATER)
    seen = preview(statement_by(reference), LATER)

    assert (seen.whole, seen.undecided, seen.known, seen.used.minor) == (1, 1, 0, 2000_00)
    assert booking.state is BookingState.PENDING
    assert lines() == []


def test_the_same_file_is_taken_once():
    _booking, payment = awaited()
    content = one_c([for_(payment)])
    first = preview_statement(content=content, by=None, now=LATER)
    assert preview_statement(content=content, by=None, now=LATER) == first
    load_previewed(reference=first, now=LATER)
    load_previewed(reference=first, now=LATER)

    with pytest.raises(StatementKnown):
        preview_statement(content=content, by=None, now=LATER)
    assert len(lines()) == 1


def test_the_same_line_of_two_files_counts_once_and_equal_lines_of_one_file_each():
    twice = Sent(10_00, "взнос")

    first = load(twice, twice)
    second = load(twice, twice, twice, Sent(5_00, "другое"))

    assert (first.new, first.known) == (2, 0)
    assert (second.new, second.known) == (2, 2)
    assert sum(line.amount_minor for line in lines()) == 35_00


def test_a_bad_file_leaves_nothing_behind():
    with pytest.raises(BadStatement):
        preview_statement(content=one_c([Sent(1_00, "x")])[:-30], by=None, now=LATER)

    assert db.session.scalars(select(BankStatement)).all() == []


def test_the_file_is_not_kept_and_names_are_sealed():
    awaited()
    load(Sent(1_00, "тайное назначение", payer="ТАЙНОВА"))

    raw = db.session.connection().exec_driver_sql("SELECT payer || purpose || payer_account FROM bank_line").scalar()
    assert "ТАЙН" not in raw.upper()
    assert db.session.scalars(select(BankStatement.content)).all() == [None]


def test_a_part_of_the_money_waits_for_the_rest_and_the_guest_is_told_what_is_missing():
    booking, payment = awaited()

    load(for_(payment, 1500_00))
    follow_up()

    [view] = booking_payments(booking.id)
    mail = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.like("payments/transfer_short%"))).one()
    assert booking.state is BookingState.PENDING
    assert (view.came.minor, view.to_pay.minor, view.surplus) == (1500_00, 500_00, None)
    assert open_transfer(booking.id).to_pay.minor == 500_00
    assert "500\u00a0₽" in mail.text
    assert with_check(payment.reference) in mail.text
    assert stands(LedgerAccount.SUSPENSE) == -1500_00

    load(for_(payment, 500_00, document="18"))

    assert booking.state is BookingState.CONFIRMED
    assert (stands(LedgerAccount.BANK), stands(LedgerAccount.SUSPENSE)) == (2000_00, 0)


def test_two_parts_in_one_file_make_a_whole_and_nobody_is_told_of_missing_money():
    booking, payment = awaited()

    load(for_(payment, 1500_00), for_(payment, 500_00, document="18"))
    follow_up()

    assert booking.state is BookingState.CONFIRMED
    assert not db.session.scalar(select(OutgoingMail.key).where(OutgoingMail.key.like("payments/transfer_short%")))


def test_too_much_money_confirms_the_booking_and_the_rest_stays_the_guests():
    booking, payment = awaited()

    done = load(for_(payment, 2500_00))
    follow_up()

    [view], [line] = booking_payments(booking.id), lines()
    mail = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key.like("payments/transfer_over%"))).one()
    assert done.waiting == 1
    assert booking.state is BookingState.CONFIRMED
    assert view.surplus.minor == 500_00
    assert (line.state, line.left_minor) == (LineState.WAITING, 500_00)
    assert "500\u00a0₽" in mail.text
    assert stands(LedgerAccount.SUSPENSE) == -500_00


def test_money_that_comes_twice_is_kept_for_its_guest():
    booking, payment = awaited()
    load(for_(payment))

    load(for_(payment, document="18"))

    assert lines()[1].state is LineState.WAITING
    assert booking_payments(booking.id)[0].surplus.minor == 2000_00
    assert db.session.scalars(select(BankAllocation)).one().amount_minor == 2000_00


def test_money_that_a_colleague_marked_by_hand_is_recognised_on_the_statement():
    _booking, payment = awaited()
    receive_transfer(payment_id=payment.id, account=make_account(Role.FINANCE), now=LATER)

    done = load(for_(payment))

    assert done.waiting == 0
    assert (stands(LedgerAccount.BANK), stands(LedgerAccount.SUSPENSE)) == (2000_00, 0)


def test_late_money_takes_the_way_of_all_late_money():
    season = make_season()
    booking, payment = awaited(season)
    later = transfer_due(NOON)
    expire_bookings(later)
    close_transfers(later)
    make_hold(season, now=later)

    load(for_(payment), now=later)

    assert payment.state is PaymentState.UNALLOCATED
    assert db.session.get_one(Booking, booking.id).state is BookingState.EXPIRED
    assert (stands(LedgerAccount.BANK), stands(LedgerAccount.SUSPENSE)) == (2000_00, -2000_00)


def test_a_part_that_comes_too_late_waits_for_finance():
    booking, payment = awaited()
    later = transfer_due(NOON)
    expire_bookings(later)
    close_transfers(later)

    done = load(for_(payment, 1500_00), now=later)

    assert done.waiting == 1
    assert booking_payments(booking.id)[0].surplus.minor == 1500_00


def test_what_a_crash_left_undone_is_done_the_next_time():
    booking, payment = awaited()
    reference = preview_statement(content=one_c([for_(payment)]), by=None, now=LATER)
    take_statement(statement_id=statement_by(reference).id, now=LATER)
    assert booking.state is BookingState.PENDING

    assert complete_transfers(LATER) == 1
    assert complete_transfers(LATER) == 0
    assert booking.state is BookingState.CONFIRMED


def test_finance_splits_money_between_two_payments():
    season = make_season()
    (one, first), (two, second) = awaited(season), awaited(season, cabin=1)
    load(Sent(4000_00, "за двоих", payer="ТУРФИРМА"))
    [line] = lines()
    finance = make_account(Role.FINANCE)

    assign_line(line_id=line.id, written=with_check(first.reference).lower(), minor=2000_00, by=finance, now=LATER)
    half = (line.state, line.left_minor)
    assign_line(line_id=line.id, written=two.reference, minor=2000_00, by=finance, now=LATER)

    assert half == (LineState.WAITING, 2000_00)
    assert (line.state, line.confidence) == (LineState.USED, Confidence.ASSIGNED)
    assert (one.state, two.state) == (BookingState.CONFIRMED, BookingState.CONFIRMED)
    assert second.received_by_id == finance.id
    assert (stands(LedgerAccount.BANK), stands(LedgerAccount.SUSPENSE)) == (4000_00, 0)
    assert differences() == ()


@pytest.mark.parametrize(
    ("minor", "refusal"), [(0, TooMuch), (2000_01, TooMuch), (1500_01, TooMuch)]
)
def test_more_than_there_is_or_is_lacking_is_refused(minor, refusal):
    _booking, payment = awaited()
    load(Sent(1500_00, "?"))

    with pytest.raises(refusal):
        assign_line(
            line_id=lines()[0].id, written=payment.reference, minor=minor, by=make_account(Role.FINANCE), now=LATER
        )


@pytest.mark.parametrize("written", ["", "7K2M9BCD", "7K2M9BCDXX", "!"])
def test_an_unknown_reference_is_refused(written):
    awaited()
    load(Sent(1500_00, "?"))

    with pytest.raises(NoSuchPayment):
        assign_line(line_id=lines()[0].id, written=written, minor=1, by=make_account(Role.FINANCE), now=LATER)


def test_money_is_set_aside_and_sent_back_and_the_trail_knows():
    load(Sent(1500_00, "?"))
    [line] = lines()
    finance = make_account(Role.FINANCE)

    set_aside(line_id=line.id, now=LATER)
    send_back(line_id=line.id, now=LATER)
    keep_after_all(line_id=line.id, now=LATER)
    send_back(line_id=line.id, now=LATER)
    note_sent_back(line_id=line.id, by=finance, now=LATER)

    trail = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.subject == "bank_line").order_by(AuditEntry.id)
    ).all()
    assert (line.state, line.settled_by_id) == (LineState.RETURNED, finance.id)
    assert [action.partition(".")[2] for action in trail] == [
        "suspense", "returning", "waiting", "returning", "returned"
    ]
    assert (stands(LedgerAccount.BANK), stands(LedgerAccount.SUSPENSE)) == (0, 0)
    for decide in (set_aside, send_back, keep_after_all, take_out):
        with pytest.raises(LineDecided):
            decide(line_id=line.id, now=LATER)


def test_a_part_that_will_never_be_whole_is_freed():
    _booking, payment = awaited()
    load(for_(payment, 1500_00))
    [line] = lines()

    take_out(line_id=line.id, now=LATER)

    assert (line.state, line.left_minor) == (LineState.WAITING, 1500_00)
    with pytest.raises(LineDecided):
        take_out(line_id=line.id, now=LATER)
    assign_line(
        line_id=line.id, written=payment.reference, minor=1500_00, by=make_account(Role.FINANCE), now=LATER
    )
    assert line.state is LineState.USED


def test_files_that_nobody_took_are_forgotten():
    reference = preview_statement(content=table([Sent(1_00, "x")]), by=None, now=LATER)
    preview_statement(content=mt940([Sent(1_00, "x")]), by=None, now=LATER)
    discard_statement(statement_id=statement_by(reference).id, now=LATER)

    assert forget_previews(LATER) == 0
    assert forget_previews(LATER + PREVIEW_KEPT + timedelta(seconds=1)) == 1
    assert "payments.statement_taken" not in announced()


def test_after_a_part_came_by_transfer_only_the_rest_is_asked_for_by_another_way(provider):
    booking, payment = awaited()
    load(for_(payment, 500_00))
    assert debt_of(booking, NOON).amount == Money(1500_00, "RUB")

    page = start(booking, "yookassa", Money(1500_00, "RUB"))
    type_card(page, CARDS_BY_SLUG["success"].number)
    settle_checkouts(booking_id=booking.id, now=NOON)

    db.session.expire_all()
    assert booking.state is BookingState.CONFIRMED
    assert [one.amount_minor for one in came(booking)] == [500_00, 1500_00]
    assert debt_of(booking, NOON) is None
    assert differences() == ()
    assert stands(LedgerAccount.SUSPENSE) == 0


def test_the_rest_may_still_come_by_transfer_when_another_way_was_begun(provider):
    booking, payment = awaited()
    load(for_(payment, 500_00))
    start(booking, "yookassa", Money(1500_00, "RUB"))

    load(for_(payment, 1500_00))

    db.session.expire_all()
    assert booking.state is BookingState.CONFIRMED
    assert [one.amount_minor for one in came(booking)] == [2000_00]
    assert differences() == ()


def test_a_part_that_came_counts_when_the_guest_asks_for_an_invoice_of_another_sum():
    booking = in_parts(make_season())
    first = start_transfer(booking_id=booking.id, now=NOON)
    load(for_(db.session.scalars(select(Payment).filter_by(reference=first)).one(), 100_00))
    with pytest.raises(NotPayable):
        choose_plan(booking_id=booking.id, plan_id=None, now=NOON)

    start_transfer(booking_id=booking.id, whole=True, now=NOON)

    assert open_transfer(booking.id).amount == Money(1900_00, "RUB")
    assert [one.amount_minor for one in came(booking)] == [100_00]
    assert differences() == ()


def test_what_counted_to_a_booking_that_ran_out_goes_back():
    booking = in_parts(make_season())
    first = start_transfer(booking_id=booking.id, now=NOON)
    load(for_(db.session.scalars(select(Payment).filter_by(reference=first)).one(), 100_00))
    start_transfer(booking_id=booking.id, whole=True, now=NOON)
    expire_bookings(NOON + timedelta(days=30))

    assert return_counted(booking_id=booking.id, now=LATER) == Money(100_00, "RUB")
    assert return_counted(booking_id=booking.id, now=LATER) == Money(0, "RUB")

    assert differences() == ()


def came(booking):
    db.session.expire_all()
    found = select(Payment).filter_by(booking_id=booking.id, state=PaymentState.SUCCEEDED).order_by(Payment.id)
    return db.session.scalars(found).all()
