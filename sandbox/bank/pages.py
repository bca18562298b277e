"""The bank's form for a card, in the language the order asks for, and the bank's question."""

import time
from dataclasses import dataclass

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox.bank import orders
from sandbox.bank.cards import CARDS, CARDS_BY_NUMBER, CARDS_BY_SLUG
from sandbox.bank.orders import OrderStatus, Outcome, Refusal
from sandbox.forms import CARD_FIELDS, PREFILLED, check_card, let_forms_lead_to
from sandbox.services import current_services
from sandbox.words import show_money

bp = Blueprint("bank_pages", __name__, url_prefix="/payment/merchants/sandbox")


@dataclass(frozen=True)
class OrderPage:
    id: str
    status: OrderStatus
    amount: str
    description: str
    return_url: str
    fail_url: str
    minutes_left: int
    declined: int  # the bank's answer to the attempt before, 0 for none
    asked: bool
    by: str | None  # the last digits of the card


@bp.get("/payment.html")
def pay() -> ResponseReturnValue:
    page = _page()
    if page.status is not OrderStatus.REGISTERED:
        return _back(page)
    typed = dict.fromkeys(CARD_FIELDS, "")
    if chosen := CARDS_BY_SLUG.get(request.args.get("card", "")):
        typed |= PREFILLED | {"number": chosen.spaced}
    return _form(page, typed, {"form": "bank_declined"} if page.declined and not chosen else {})


@bp.post("/payment.html")
def try_to_pay() -> ResponseReturnValue:
    page = _page()
    typed = {field: request.form.get(field, "").strip() for field in CARD_FIELDS}
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
    let_forms_lead_to(page.return_url)
    return render_template("channel_bank.html", page=page)


@bp.post("/acs.html")
def answer_bank() -> ResponseReturnValue:
    page = _page()
    with current_services().store.writing() as db:
        approved = request.form.get("answer") == "approve"
        after = current_services().config.settle_after_seconds
        outcome = orders.answer(db, page.id, approved=approved, settle_after=after, now=time.time())
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
        by=card.last4 if card else None,
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
            return render_template("notice.html", title="no_answer_title", text="no_answer_text", back=None), 504
        case Outcome.PAID | Outcome.DECLINED | Outcome.OVER:
            return _back(page)


def _back(page: OrderPage) -> ResponseReturnValue:
    return redirect(page.fail_url if page.status is OrderStatus.DECLINED else page.return_url, 303)


def _form(page: OrderPage, typed: dict[str, str], errors: dict[str, str]) -> ResponseReturnValue:
    let_forms_lead_to(page.return_url)
    return render_template(
        "channel_pay.html",
        page=page,
        typed=typed,
        errors=errors,
        cards=CARDS,
        words="bankcard_",
        by_sbp=False,
        filled=url_for(".pay", mdOrder=page.id, card=""),
    ), 422 if request.method == "POST" else 200
