"""The bank's form for a card, in the language the order asks for, and the bank's question."""

import time
from dataclasses import dataclass

from flask import Blueprint, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from sandbox.bank import orders
from sandbox.bank.cards import CARDS, CARDS_BY_NUMBER, CARDS_BY_SLUG
from sandbox.bank.orders import OrderStatus, Outcome, Refusal
from sandbox.channels import ChannelPage, show_form, show_no_answer
from sandbox.forms import approves, check_card, new_form, show_question, typed_form
from sandbox.services import current_services
from sandbox.words import show_money

bp = Blueprint("bank_pages", __name__, url_prefix="/payment/merchants/sandbox")


@dataclass(frozen=True)
class OrderPage(ChannelPage):
    status: OrderStatus
    fail_url: str
    declined: int  # the bank's answer to the attempt before, 0 for none


@bp.get("/payment.html")
def pay() -> ResponseReturnValue:
    page = _page()
    if page.status is not OrderStatus.REGISTERED:
        return _back(page)
    typed = new_form(CARDS_BY_SLUG)
    return _form(page, typed, {"form": "bank_declined"} if page.declined and not typed["number"] else {})


@bp.post("/payment.html")
def try_to_pay() -> ResponseReturnValue:
    page = _page()
    typed = typed_form()
    card, errors = check_card(typed, CARDS_BY_NUMBER)
    if card is None or errors:
        return _form(page, typed, errors)
    with current_services().store.writing() as db:
        after = current_services().config.settle_after_seconds
        outcome = orders.pay(db, page.id, card, settle_after=after, now=time.time())
    return _follow(outcome)


@bp.get("/acs.html")
def bank() -> ResponseReturnValue:
    page = _page()
    if not page.asked:
        return _back(page)
    return show_question(page.amount, page.last4, page.return_url)


@bp.post("/acs.html")
def answer_bank() -> ResponseReturnValue:
    page = _page()
    with current_services().store.writing() as db:
        after = current_services().config.settle_after_seconds
        outcome = orders.answer(db, page.id, approved=approves(), settle_after=after, now=time.time())
    return _follow(outcome)


def _page() -> OrderPage:
    """The form of the order that the address names, in its language; 404 when there is none."""
    g.language = "ru"
    with current_services().store.writing() as db:
        orders.let_time_pass(db, now=time.time())
        try:
            row = orders.row_of(db, order_id=request.args.get("mdOrder", ""))
        except Refusal:
            abort(404)
    g.language = row["language"]
    card = CARDS_BY_SLUG.get(row["card"] or "")
    return OrderPage(
        id=row["id"],
        status=OrderStatus(row["status"]),
        amount=show_money(g.language, row["amount"], "tmt"),
        description=row["description"] or row["number"],
        return_url=_with_order(row["return_url"], row["id"]),
        fail_url=_with_order(row["fail_url"] or row["return_url"], row["id"]),
        minutes_left=max(1, round((row["expires_at"] - time.time()) / 60)),
        declined=row["action_code"] if row["attempts"] else 0,
        asked=row["status"] == OrderStatus.AT_THE_BANK and row["settles_at"] is None,
        last4=card.last4 if card else None,
    )


def _with_order(address: str, order_id: str) -> str:
    """The gateway adds the order's name to the address it leads back to."""
    return f"{address}{'&' if '?' in address else '?'}orderId={order_id}&lang={g.language}"


def _follow(outcome: Outcome) -> ResponseReturnValue:
    page = _page()
    match outcome:
        case Outcome.ASKS:
            return redirect(url_for(".bank", mdOrder=page.id), 303)
        case Outcome.AGAIN:
            return redirect(url_for(".pay", mdOrder=page.id), 303)
        case Outcome.NO_ANSWER:
            return show_no_answer()
        case Outcome.PAID | Outcome.DECLINED | Outcome.OVER:
            return _back(page)


def _back(page: OrderPage) -> ResponseReturnValue:
    return redirect(page.fail_url if page.status is OrderStatus.DECLINED else page.return_url, 303)


def _form(page: OrderPage, typed: dict[str, str], errors: dict[str, str]) -> ResponseReturnValue:
    filled = url_for(".pay", mdOrder=page.id, card="")
    return show_form(page, typed, errors, cards=CARDS, words="bankcard_", filled=filled)
