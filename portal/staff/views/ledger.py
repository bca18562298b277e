"""The journal, the balances and the daily check, for finance."""

from __future__ import annotations

from datetime import date

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account
from portal.kernel.clock import now, today
from portal.kernel.errors import NotFound
from portal.ledger.labels import ACCOUNTS, KINDS
from portal.ledger.models import LedgerAccount
from portal.ledger.rates import enter_rate, rates
from portal.payments import books
from portal.payments.labels import DIFFERENCES
from portal.payments.papers.queries import paper_called
from portal.payments.papers.services import printed
from portal.staff import exports, ledger_pages
from portal.staff.exports import Export, Format
from portal.staff.forms import RateForm
from portal.staff.ledger_pages import JournalFilters, Period
from portal.staff.views.blueprint import bp
from portal.web.addresses import LARGEST
from portal.web.locale import language


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


@bp.get("/ledger/documents")
@access(Permission.LEDGER_READ)
def money_papers() -> ResponseReturnValue:
    page = ledger_pages.papers_page(asked_period(), request.args.get("page", 1, int))
    return render_template("staff/money_papers.html", page=page)


@bp.get("/ledger/documents/<string:name>.pdf")
@access(Permission.LEDGER_READ)
def money_paper(name: str) -> ResponseReturnValue:
    return Response(
        printed(paper_called(name), language(), now()),
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}.pdf"'},
    )


@bp.route("/ledger/rates", methods=["GET", "POST"])
@access(Permission.LEDGER_READ)
def exchange_rates() -> ResponseReturnValue:
    form = RateForm(day=today(), against="RUB", currency="USD")
    if form.validate_on_submit():
        enter_rate(
            day=form.day.data,
            currency=form.currency.data,
            against=form.against.data,
            rate=form.value,
            source=form.source.data,
            account_id=current_account().id,
            now=now(),
        )
        flash(_("The rate is noted."), "good")
        return redirect(url_for(".exchange_rates"))
    answer = render_template("staff/exchange_rates.html", rates=rates(RATES_SHOWN), form=form)
    return answer, 422 if form.errors else 200


RATES_SHOWN = 100


@bp.get("/ledger/export")
@access(Permission.LEDGER_READ)
def export() -> ResponseReturnValue:
    return render_template("staff/export.html", period=ledger_pages.month_before(today()))


@bp.get("/ledger/export/<string:what>.<string:kind>")
@access(Permission.LEDGER_READ)
def exported(what: str, kind: str) -> ResponseReturnValue:
    if what not in set(Export) or kind not in TYPES:
        raise NotFound(what)
    period = asked_period()
    content = exports.export(Export(what), Format(kind), period, now())
    days = "_".join(day.isoformat() for day in (period.since, period.until) if day)
    answer = Response(content, mimetype=TYPES[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="{what}{"_" if days else ""}{days}.{kind}"'
    return answer


TYPES: dict[str, str] = {
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


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
