"""YooKassa's payment page: a Mir card or SBP, and what the bank asks."""

import json
import sqlite3
import time
from dataclasses import dataclass

from flask import Blueprint, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from sandbox.channels import ChannelPage, show_form, show_no_answer
from sandbox.forms import approves, check_card, new_form, show_question, typed_form
from sandbox.services import current_services
from sandbox.words import EVERY_LANGUAGE, show_money
from sandbox.yookassa import payments
from sandbox.yookassa.cards import CARDS, CARDS_BY_NUMBER, CARDS_BY_SLUG
from sandbox.yookassa.errors import YooKassaError
from sandbox.yookassa.payments import Outcome

bp = Blueprint("yookassa_pages", __name__, url_prefix="/checkout/payments/v2")


@dataclass(frozen=True)
class PaymentPage(ChannelPage):
    status: str


@bp.get("/contract")
def pay() -> ResponseReturnValue:
    page = _page()
    if page.status != "pending":
        return redirect(page.return_url, 303)
    return _form(page, new_form(CARDS_BY_SLUG), {})


@bp.post("/contract")
def try_to_pay() -> ResponseReturnValue:
    page = _page()
    card = None
    if request.form.get("way") != payments.SBP:
        typed = typed_form()
        card, errors = check_card(typed, CARDS_BY_NUMBER)
        if card is None or errors:
            return _form(page, typed, errors)
    with current_services().store.writing() as db:
        after = current_services().config.settle_after_seconds
        outcome = payments.pay(db, page.id, card, notice_after=after, now=time.time())
    return _follow(outcome, page)


@bp.get("/bank")
def bank() -> ResponseReturnValue:
    page = _page()
    if page.status != "pending" or not page.asked:
        return redirect(page.return_url, 303)
    return show_question(page.amount, page.last4, page.return_url)


@bp.post("/bank")
def answer_bank() -> ResponseReturnValue:
    page = _page()
    with current_services().store.writing() as db:
        outcome = payments.answer(db, page.id, approved=approves(), now=time.time())
    return _follow(outcome, page)


def _page() -> PaymentPage:
    """The page of the payment that the address names, in its language; 404 when there is none."""
    g.language = request.accept_languages.best_match(EVERY_LANGUAGE) or "ru"
    current_services().notifier.let_time_pass(time.time())
    with current_services().store.reading() as db:
        try:
            row = payments.row_of(db, request.args.get("orderId", ""))
        except YooKassaError:
            abort(404)
    return _page_of(row)


def _page_of(row: sqlite3.Row) -> PaymentPage:
    given = json.loads(row["parameters"])
    locale = given["confirmation"].get("locale")
    if locale is not None:
        g.language = locale[:2]
    card = CARDS_BY_SLUG.get(row["method"] or "")
    return PaymentPage(
        id=row["id"],
        status=row["status"],
        amount=show_money(g.language, row["amount"], "rub"),
        description=given.get("description", ""),
        return_url=given["confirmation"]["return_url"],
        minutes_left=max(1, round((row["expires_at"] - time.time()) / 60)),
        asked=bool(row["asked"]),
        last4=card.last4 if card else None,
    )


def _follow(outcome: Outcome, page: PaymentPage) -> ResponseReturnValue:
    current_services().notifier.nudge()
    if outcome is Outcome.ASKS:
        return redirect(url_for(".bank", orderId=page.id), 303)
    if outcome is Outcome.NO_ANSWER:
        return show_no_answer()
    return redirect(page.return_url, 303)


def _form(page: PaymentPage, typed: dict[str, str], errors: dict[str, str]) -> ResponseReturnValue:
    filled = url_for(".pay", orderId=page.id, card="")
    return show_form(page, typed, errors, cards=CARDS, words="yookassa_", filled=filled, by_sbp=True)
