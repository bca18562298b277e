"""An agency answers for bookings within its limit; commission and invoices follow what becomes of them."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import current_app

from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState
from portal.booking.services import expire_bookings
from portal.database import db
from portal.kernel.money import Money
from portal.kernel.references import with_check
from portal.ledger.queries import balance_of
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.agencies.account import commission_for, free_credit, open_credit, owed_for
from portal.payments.agencies.errors import (
    ActsForAnother,
    AgencyClosed,
    CreditInOtherCurrency,
    NoSuchAccount,
    NothingToPayOut,
    OverLimit,
)
from portal.payments.agencies.queries import agency_page
from portal.payments.agencies.services import add_member, agency_of, pay_out, set_terms, take_on_credit
from portal.payments.books import differences
from portal.payments.models import Payment, PaymentState, Refund
from portal.payments.papers.models import MoneyPaper, PaperKind
from portal.payments.papers.settlements import settle_voyages
from portal.payments.refunds import cancel, cancel_preview
from portal.payments.services import close_transfers, receive_money
from portal.payments.statements.services import load_previewed, preview_statement
from tests.factories import NOON, make_account, make_booking, make_season
from tests.payments.agencies.conftest import make_agency, open_invoices, pay_invoice
from tests.payments.plans.conftest import in_parts, pay
from tests.payments.shares.conftest import ask, pay_share_of
from tests.payments.statements.samples import Sent, one_c


def rubles(whole):
    return Money(whole * 100, "RUB")


def take(booking, agency, now=NOON):
    return take_on_credit(booking_id=booking.id, agency_id=agency.id, now=now)


def test_a_booking_is_confirmed_on_credit_and_the_commission_taken_off_the_invoice():
    booking, agency = make_booking(make_season()), make_agency()

    credit = take(booking, agency)

    assert booking.state is BookingState.CONFIRMED
    assert balance_of(booking.id, "RUB").owed == 0
    assert open_credit(agency) == rubles(1800)
    assert free_credit(agency) == rubles(3200)
    assert commission_for(credit) == 200_00
    assert [invoice.amount for invoice in open_invoices(agency)] == [rubles(1800)]
    assert differences() == ()


def test_over_the_limit_nothing_is_written():
    season, agency = make_season(), make_agency(limit=3599_99)
    take(make_booking(season), agency)
    second = make_booking(season, cabin=1)

    with pytest.raises(OverLimit):
        take(second, agency)

    assert second.state is BookingState.PENDING
    assert open_credit(agency) == rubles(1800)
    pay_invoice(open_invoices(agency)[0])
    assert take(second, agency).amount == rubles(2000)


def test_what_is_paid_ended_closed_or_in_another_currency_is_not_taken_on_credit():
    season, agency = make_season(), make_agency()
    paid, late, other = (make_booking(season, cabin=number) for number in range(3))
    pay(paid)

    with pytest.raises(NotPayable):
        take(paid, agency)
    with pytest.raises(NotPayable):
        take(late, agency, now=late.pay_by)
    with pytest.raises(CreditInOtherCurrency):
        take(other, make_agency(currency="USD"))
    set_terms(agency_id=agency.id, limit_minor=9000_00, active=False, now=NOON)
    with pytest.raises(AgencyClosed):
        take(other, agency)


def test_it_takes_over_only_what_is_asked_of_nobody_else():
    booking, agency = make_booking(make_season()), make_agency()
    share = ask(booking, 500_00)

    credit = take(booking, agency)

    assert credit.amount == rubles(1500)
    assert booking.state is BookingState.PENDING
    pay_share_of(share)
    assert booking.state is BookingState.CONFIRMED


def test_of_a_booking_in_parts_it_takes_over_the_rest():
    booking, agency = in_parts(make_season()), make_agency()
    pay(booking)

    assert take(booking, agency).amount == rubles(1400)


def test_its_transfer_is_found_by_the_reference_and_makes_the_credit_free():
    booking, agency = make_booking(make_season()), make_agency()
    take(booking, agency)
    [invoice] = open_invoices(agency)
    content = one_c([Sent(1800_00, f"Счёт {with_check(invoice.reference)}", payer="ООО «ХАЗАР»")])

    load_previewed(reference=preview_statement(content=content, by=None, now=NOON), now=NOON)

    db.session.expire_all()
    assert invoice.state is PaymentState.SUCCEEDED
    assert open_credit(agency) == rubles(0)
    assert differences() == ()
    follow_up()
    [receipt] = db.session.query(MoneyPaper).filter_by(kind=PaperKind.RECEIPT)
    assert receipt.content["facts"]["buyer"] == ["Hazar Travel", "desk@agency.example"]


def test_a_transfer_of_another_sum_counts_too_and_the_rest_is_invoiced_anew():
    booking, agency = make_booking(make_season()), make_agency()
    take(booking, agency)
    [invoice] = open_invoices(agency)

    receive_money(payment_id=invoice.id, amount=rubles(1000), payment_intent=None, now=NOON)

    assert open_credit(agency) == rubles(800)
    assert [one.amount for one in open_invoices(agency)] == [rubles(800)]


def test_an_invoice_of_an_agency_is_awaited_however_long():
    booking, agency = make_booking(make_season()), make_agency()
    take(booking, agency)

    assert close_transfers(NOON + timedelta(days=60)) == 0


def test_gross_the_commission_is_credited_once_the_price_is_paid_and_paid_out():
    booking, agency = make_booking(make_season()), make_agency(net=False)
    credit = take(booking, agency)
    assert (open_credit(agency), commission_for(credit)) == (rubles(2000), 0)

    pay_invoice(open_invoices(agency)[0])

    assert commission_for(credit) == 200_00
    assert open_credit(agency) == rubles(-200)
    assert pay_out(credit_id=credit.id, now=NOON) == rubles(200)
    assert open_credit(agency) == rubles(0)
    with pytest.raises(NothingToPayOut):
        pay_out(credit_id=credit.id, now=NOON)
    assert differences() == ()


@pytest.mark.parametrize("net", [True, False])
def test_cancelling_gives_credit_and_commission_back_by_the_pinned_policy(net):
    booking, agency = make_booking(make_season()), make_agency(net=net)
    credit = take(booking, agency)
    near = booking.voyage.starts_at - timedelta(days=25)
    shown = cancel_preview(booking.id, near).today

    cancel(booking_id=booking.id, agreed=shown.returned, now=near)

    assert (shown.kept, shown.returned) == (rubles(500), rubles(1500))
    assert open_credit(agency) == (rubles(450) if net else rubles(500))
    assert commission_for(credit) == (50_00 if net else 0)
    assert [one.amount for one in open_invoices(agency)] == [open_credit(agency)]
    assert db.session.query(Refund).one().settled_at is not None
    assert differences() == ()


def test_what_was_paid_already_stands_in_its_favour_after_a_cancellation():
    booking, agency = make_booking(make_season()), make_agency()
    credit = take(booking, agency)
    pay_invoice(open_invoices(agency)[0])

    cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)

    assert open_credit(agency) == rubles(-1800)
    assert open_invoices(agency) == []
    assert pay_out(credit_id=credit.id, now=NOON) == rubles(1800)
    assert (owed_for(credit), commission_for(credit)) == (0, 0)


def test_a_booking_that_runs_out_beside_an_unpaid_share_gives_the_credit_back():
    booking, agency = make_booking(make_season()), make_agency()
    ask(booking, 500_00)
    take(booking, agency)
    expire_bookings(NOON + timedelta(days=1))

    follow_up()

    assert booking.state is BookingState.EXPIRED
    assert open_credit(agency) == rubles(0)
    assert differences() == ()


def test_nobody_gets_a_receipt_for_credit_and_the_agency_gets_the_invoice():
    booking, agency = make_booking(make_season()), make_agency()
    take(booking, agency)

    follow_up()

    [letter] = db.session.query(OutgoingMail).filter(OutgoingMail.key.contains("agency_invoice"))
    assert letter.recipient == agency.email
    assert db.session.query(MoneyPaper).filter_by(kind=PaperKind.RECEIPT).count() == 0


def test_the_cash_register_hears_nothing_of_credit(app, tmp_path, monkeypatch):
    monkeypatch.setitem(app.config, "FISCAL_FOLDER", str(tmp_path))
    booking, agency = make_booking(make_season()), make_agency()
    take(booking, agency)
    pay_invoice(open_invoices(agency)[0])

    follow_up()

    assert settle_voyages(booking.sailing.ends_at + timedelta(hours=1)) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_account_says_every_movement():
    booking, agency = make_booking(make_season()), make_agency()
    take(booking, agency)
    pay_invoice(open_invoices(agency)[0])

    page = agency_page(agency)

    assert [(line.change, line.owed) for line in page.lines] == [
        (rubles(2000), rubles(2000)),
        (rubles(-200), rubles(1800)),
        (rubles(-1800), rubles(0)),
    ]
    [row] = page.credits
    assert (row.kept, row.commission, row.paid, row.owed) == (rubles(2000), rubles(200), rubles(1800), rubles(0))
    assert page.agency.open == rubles(0)


def test_an_account_acts_for_one_agency():
    agency, other = make_agency(), make_agency()
    account = make_account()

    add_member(agency_id=agency.id, email=account.email.upper(), now=NOON)

    assert agency_of(account) == agency
    with pytest.raises(ActsForAnother):
        add_member(agency_id=other.id, email=account.email, now=NOON)
    with pytest.raises(NoSuchAccount):
        add_member(agency_id=agency.id, email="nobody@example.org", now=NOON)


def test_of_many_bookings_at_once_only_as_many_as_the_limit_holds_are_confirmed():
    season, agency = make_season(), make_agency(limit=3600_00)
    ids = [make_booking(season, cabin=cabin).id for cabin in range(4)]
    agency_id, app = agency.id, current_app._get_current_object()
    start, came = Barrier(len(ids)), []
    db.session.commit()

    def one(booking_id):
        with app.app_context():
            start.wait()
            try:
                take_on_credit(booking_id=booking_id, agency_id=agency_id, now=NOON)
                came.append("confirmed")
            except OverLimit:
                came.append("refused")
            finally:
                db.session.remove()

    threads = [Thread(target=one, args=(booking_id,)) for booking_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.expire_all()
    assert sorted(came) == ["confirmed", "confirmed", "refused", "refused"]
    assert open_credit(agency) == rubles(3600)
    states = [db.session.get_one(Booking, booking_id).state for booking_id in ids]
    assert states.count(BookingState.CONFIRMED) == 2
    assert db.session.query(Payment).filter_by(agency_id=agency_id, settles_id=None).count() == 2
    assert differences() == ()
