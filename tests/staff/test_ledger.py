"""The journal and the balances, as finance reads them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from portal.accounts.models import Role
from portal.kernel.money import Money
from portal.ledger.labels import ACCOUNTS, KINDS
from portal.ledger.models import LedgerAccount, PostingKind
from portal.payments.queries import open_transfer
from portal.payments.services import receive_transfer, start_transfer
from portal.staff.ledger_pages import JournalFilters, Period, journal_page, trial_balances
from tests.factories import NOON, make_account, make_booking, make_season

DAY = date(2024, 2, 15)


@pytest.fixture
def paid():
    """Agreed on one day, and paid by transfer on the next."""
    booking = make_booking(make_season())
    start_transfer(booking_id=booking.id, now=NOON)
    tomorrow = NOON + timedelta(days=1)
    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=tomorrow)
    return booking


def kinds(**filters):
    return [row.kind for row in journal_page(JournalFilters(**filters), None).rows]


def test_the_journal_is_read_by_day_account_and_booking(paid):
    other = make_booking(make_season())

    assert kinds(booking=paid.reference) == [PostingKind.PAYMENT, PostingKind.CHARGE]
    assert kinds(account=LedgerAccount.BANK) == [PostingKind.PAYMENT]
    assert kinds(booking=paid.reference, period=Period(until=DAY)) == [PostingKind.CHARGE]
    assert kinds(period=Period(since=DAY + timedelta(days=1))) == [PostingKind.PAYMENT]
    assert kinds(booking=other.reference) == [PostingKind.CHARGE]


def test_both_sides_of_a_posting_stand_in_the_journal(paid):
    [payment] = journal_page(JournalFilters(account=LedgerAccount.BANK), None).rows

    assert [(row.account, row.debit, row.credit) for row in payment.entries] == [
        (LedgerAccount.BANK, Money(2000_00, "RUB"), None),
        (LedgerAccount.GUEST, None, Money(2000_00, "RUB")),
    ]


def test_balances_carry_what_was_before_into_what_is_after(paid):
    [balance] = trial_balances(Period(since=DAY + timedelta(days=1)))

    found = {
        row.account: tuple(sum.minor for sum in (row.opening, row.debit, row.credit, row.closing))
        for row in balance.rows
    }
    assert found == {
        LedgerAccount.GUEST: (2000_00, 0, 2000_00, 0),
        LedgerAccount.SALES: (-2000_00, 0, 0, -2000_00),
        LedgerAccount.BANK: (0, 2000_00, 0, 2000_00),
    }
    assert balance.debit == balance.credit


def test_the_pages_show_it_to_finance_alone(browser, paid):
    browser.sign_in(make_account(Role.FINANCE))
    journal = browser.open(f"/en/staff/ledger?booking={paid.reference}&since=2024-02-01&account=nonsense&until=never")
    balances = browser.open("/en/staff/ledger/balances")

    assert "Payment received" in journal.text
    assert "Accounts in RUB" in balances.text
    browser.sign_in(make_account(Role.OPERATOR))
    assert browser.open("/en/staff/ledger").status == 403


@pytest.mark.once
def test_every_account_and_kind_has_its_name():
    assert (set(ACCOUNTS), set(KINDS)) == (set(LedgerAccount), set(PostingKind))
