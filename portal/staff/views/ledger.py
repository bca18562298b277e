"""The journal, the balances and the daily check, for finance."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access
from portal.kernel.clock import now
from portal.ledger.labels import ACCOUNTS, KINDS
from portal.ledger.models import LedgerAccount
from portal.payments import books
from portal.payments.labels import DIFFERENCES
from portal.staff import ledger_pages
from portal.staff.ledger_pages import JournalFilters, Period
from portal.staff.views.blueprint import bp
from portal.web.addresses import LARGEST


def asked_period() -> Period:
    """As the address has it; what cannot be read is no limit."""
    return Period(_day("since"), _day("until"))


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, "")[:10])
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


@bp.get("/ledger")
@access(Permission.LEDGER_READ)
def journal() -> ResponseReturnValue:
    account = request.args.get("account", "")
    filters = JournalFilters(
        period=asked_period(),
        account=LedgerAccount(account) if account in list(LedgerAccount) else None,
        booking=request.args.get("booking", "")[:12].strip().upper() or None,
    )
    before = request.args.get("before", 0, int)
    page = ledger_pages.journal_page(filters, before if 0 < before <= LARGEST else None)
    return render_template("staff/journal.html", page=page, accounts=ACCOUNTS, kinds=KINDS)


@bp.get("/ledger/balances")
@access(Permission.LEDGER_READ)
def balances() -> ResponseReturnValue:
    period = asked_period()
    return render_template(
        "staff/balances.html", balances=ledger_pages.trial_balances(period), period=period, accounts=ACCOUNTS
    )


@bp.get("/ledger/check")
@access(Permission.LEDGER_READ)
def books_check() -> ResponseReturnValue:
    return render_template("staff/books_check.html", check=books.last_check(), words=DIFFERENCES)


@bp.post("/ledger/check")
@access(Permission.LEDGER_READ)
def check_books_now() -> ResponseReturnValue:
    if not books.check_books(now()):
        flash(_("The books agree with bookings, payments and returns."), "good")
    return redirect(url_for(".books_check"))
