"""The pages for people: the hosted payment page, the bank's question, and the list of what happened."""

import json
import math
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox import checkout, disputes
from sandbox.bank.cards import CARDS as BANK_CARDS
from sandbox.cards import CARDS_BY_NUMBER, CARDS_BY_SLUG, TEST_CARDS, Card, StripeCard
from sandbox.checkout import Outcome
from sandbox.errors import ApiError
from sandbox.faults import Fault, order_fault
from sandbox.forms import CARD_FIELDS, approves, check_card, let_forms_lead_to, new_form, show_question, typed_form
from sandbox.mischief import Mischief, plan, planned
from sandbox.services import current_services
from sandbox.words import LANGUAGES, say, show_money
from sandbox.yookassa.cards import CARDS as YOOKASSA_CARDS

bp = Blueprint("pages", __name__)

LATEST = 30
# The other providers: the test cards, the latest that was asked of them, and where it is paid.
CHANNELS: dict[str, tuple[Sequence[Card], str, str]] = {
    "yookassa": (
        YOOKASSA_CARDS,
        "SELECT id, created, amount, 'rub' AS currency, status AS state, json_extract(parameters, '$.description')"
        " AS reference FROM yookassa_payment ORDER BY created DESC, rowid DESC LIMIT ?",
        "yookassa_pages.pay",
    ),
    "bank": (
        BANK_CARDS,
        "SELECT id, created, amount, 'tmt' AS currency, status AS state, number AS reference FROM bank_order"
        " ORDER BY created DESC, rowid DESC LIMIT ?",
        "bank_pages.pay",
    ),
}


@dataclass(frozen=True)
class Channel:
    """One of the other providers on the first page."""

    name: str
    cards: Sequence[Card]
    rows: Sequence[sqlite3.Row]
    page: str


@dataclass(frozen=True)
class Line:
    name: str
    description: str | None
    quantity: int
    price: str
    amount: str


@dataclass(frozen=True)
class CheckoutPage:
    id: str
    reference: str | None
    status: str
    amount: str
    lines: tuple[Line, ...]
    email: str | None
    email_fixed: bool
    success_url: str
    cancel_url: str | None
    minutes_left: int
    closes_at: datetime
    error: str | None
    last4: str | None


@bp.before_request
def choose_language() -> None:
    g.language = request.accept_languages.best_match(LANGUAGES) or "en"


@bp.get("/")
def index() -> str:
    with current_services().store.reading() as db:
        sessions = db.execute(
            "SELECT *, json_extract(parameters, '$.client_reference_id') AS reference FROM checkout_session"
            " ORDER BY created DESC, rowid DESC LIMIT ?",
            (LATEST,),
        ).fetchall()
        events = db.execute(
            "SELECT *, json_extract(object, '$.id') AS about FROM event ORDER BY number DESC LIMIT ?", (LATEST,)
        ).fetchall()
        channels = tuple(_channel(db, name) for name in CHANNELS)
        open_disputes = db.execute(
            "SELECT * FROM dispute WHERE status IN (?, ?) ORDER BY created DESC LIMIT ?", (*disputes.OPEN, LATEST)
        ).fetchall()
        mischief = planned(db)
    return render_template(
        "index.html",
        cards=TEST_CARDS,
        disputes=open_disputes,
        mischief=[(what, mischief.get(what, 0)) for what in Mischief],
        sessions=sessions,
        events=events,
        has_webhook=current_services().config.webhook_url is not None,
        channels=channels,
    )


def _channel(db: sqlite3.Connection, name: str) -> Channel:
    cards, statement, page = CHANNELS[name]
    return Channel(name, cards, db.execute(statement, (LATEST,)).fetchall(), page)


@bp.post("/faults")
def order_a_fault() -> ResponseReturnValue:
    """The next request of the portal to one of the other providers goes wrong as chosen."""
    if request.form.get("channel") not in CHANNELS or request.form.get("kind") not in set(Fault):
        abort(400)
    with current_services().store.writing() as db:
        order_fault(db, request.form["channel"], Fault(request.form["kind"]))
    return redirect(url_for(".index"), 303)


@bp.post("/disputes/<dispute_id>")
def decide(dispute_id: str) -> ResponseReturnValue:
    """The bank decides: `won` by the merchant, or `lost`."""
    with current_services().store.writing() as db:
        try:
            disputes.decide(db, dispute_id, won=request.form.get("outcome") == "won", now=time.time())
        except ApiError:
            abort(404)
    current_services().courier.nudge()
    return redirect(url_for(".index"), 303)


@bp.post("/mischief")
def plan_mischief() -> ResponseReturnValue:
    """kind: of Mischief; times: how often it happens from now on."""
    kind, times = request.form.get("kind", ""), request.form.get("times", "1")
    if kind not in list(Mischief) or not re.fullmatch("[0-9]{1,4}", times):
        abort(400)
    with current_services().store.writing() as db:
        plan(db, Mischief(kind), int(times))
    return redirect(url_for(".index"), 303)


@bp.get("/c/pay/<session_id>")
def pay(session_id: str) -> ResponseReturnValue:
    page = _open_page(session_id)
    if page.status != "open":
        return _closed(page)
    typed = new_form(CARDS_BY_SLUG) | {"email": page.email or ""}
    errors = {"form": _declined(page)} if page.error and not typed["number"] else {}
    return _payment_form(page, typed, errors)


@bp.post("/c/pay/<session_id>")
def try_to_pay(session_id: str) -> ResponseReturnValue:
    page = _open_page(session_id)
    if page.status != "open":
        return _closed(page)
    typed = typed_form(("email", *CARD_FIELDS))
    if page.email_fixed:
        typed["email"] = page.email or ""
    card, errors = _check(typed)
    if card is None or errors:
        return _payment_form(page, typed, errors)
    with current_services().store.writing() as db:
        outcome = checkout.pay(
            db,
            session_id,
            card,
            email=typed["email"],
            name=typed["name"],
            settle_after=current_services().config.settle_after_seconds,
            now=time.time(),
        )
    return _follow(outcome, session_id, typed)


@bp.get("/c/pay/<session_id>/bank")
def bank(session_id: str) -> ResponseReturnValue:
    page = _open_page(session_id)
    if page.status != "open":
        return _closed(page)
    if page.last4 is None:
        return redirect(url_for(".pay", session_id=session_id), 303)
    return show_question(page.amount, page.last4, page.success_url)


@bp.post("/c/pay/<session_id>/bank")
def answer_bank(session_id: str) -> ResponseReturnValue:
    _open_page(session_id)
    with current_services().store.writing() as db:
        outcome = checkout.authenticate(db, session_id, approved=approves(), now=time.time())
    return _follow(outcome, session_id, {})


@bp.app_errorhandler(404)
def not_found(error: Exception) -> ResponseReturnValue:
    if "language" not in g:
        choose_language()
    return render_template("notice.html", title="not_found", text="not_found_text", back=None), 404


@bp.app_template_global("say")
def say_to_reader(word: str, **values: object) -> str:
    return say(g.language, word, **values)


@bp.app_template_global("language")
def readers_language() -> str:
    return str(g.language)


@bp.app_template_filter("amount")
def amount_for_reader(row: Mapping[str, Any]) -> str:
    return show_money(g.language, row["amount"], row["currency"])


@bp.app_template_filter("moment")
def moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _open_page(session_id: str) -> CheckoutPage:
    """The session's page in the session's language; 404 when there is none."""
    current_services().courier.let_time_pass(time.time())
    with current_services().store.reading() as db:
        try:
            row = checkout.session_row(db, session_id)
        except ApiError:
            abort(404)
        payment = checkout.payment_row(db, session_id)
    return _page(row, payment)


def _page(row: sqlite3.Row, payment: sqlite3.Row | None) -> CheckoutPage:
    given = json.loads(row["parameters"])
    locale = given.get("locale", "auto")
    if locale != "auto":
        g.language = locale if locale in LANGUAGES else "en"
    awaits_bank = payment is not None and payment["status"] == "requires_action"
    return CheckoutPage(
        id=row["id"],
        reference=given.get("client_reference_id"),
        status=row["status"],
        amount=show_money(g.language, row["amount"], row["currency"]),
        lines=tuple(_line(line) for line in given["line_items"]),
        email=row["email"],
        email_fixed="customer_email" in given,
        success_url=given["success_url"].replace("{CHECKOUT_SESSION_ID}", row["id"]),
        cancel_url=given.get("cancel_url", "").replace("{CHECKOUT_SESSION_ID}", row["id"]) or None,
        minutes_left=max(1, math.ceil((row["expires_at"] - time.time()) / 60)),
        closes_at=datetime.fromtimestamp(row["expires_at"], UTC),
        error=payment["error"] if payment is not None else None,
        last4=CARDS_BY_SLUG[payment["card"]].last4 if payment is not None and awaits_bank else None,
    )


def _line(line: Mapping[str, Any]) -> Line:
    price = line["price_data"]
    return Line(
        name=price["product_data"]["name"],
        description=price["product_data"].get("description"),
        quantity=line["quantity"],
        price=show_money(g.language, price["unit_amount"], price["currency"]),
        amount=show_money(g.language, price["unit_amount"] * line["quantity"], price["currency"]),
    )


def _check(typed: dict[str, str]) -> tuple[StripeCard | None, dict[str, str]]:
    """The test card that was typed, and the word for what is wrong with each field."""
    errors: dict[str, str] = {}
    if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", typed["email"]):
        errors["email"] = "email_wrong"
    card, more = check_card(typed, CARDS_BY_NUMBER)
    return card, errors | more


def _follow(outcome: Outcome, session_id: str, typed: dict[str, str]) -> ResponseReturnValue:
    courier, config = current_services().courier, current_services().config
    courier.nudge()
    page = _open_page(session_id)
    match outcome:
        case Outcome.PAID | Outcome.PROCESSING | Outcome.ALREADY:
            courier.wait_for_first_attempt(session_id, config.redirect_wait_seconds)
            return redirect(page.success_url, 303)
        case Outcome.AUTHENTICATE:
            return redirect(url_for(".bank", session_id=session_id), 303)
        case Outcome.DECLINED if typed:
            return _payment_form(page, typed, {"form": _declined(page)})
        case Outcome.DECLINED:
            return redirect(url_for(".pay", session_id=session_id), 303)
        case Outcome.EXPIRED:
            return _closed(page)


def _declined(page: CheckoutPage) -> str:
    error = json.loads(page.error or "{}")
    return str(error.get("decline_code") or error.get("code"))


def _payment_form(page: CheckoutPage, typed: dict[str, str], errors: dict[str, str]) -> ResponseReturnValue:
    let_forms_lead_to(page.success_url)
    status = 422 if request.method == "POST" else 200
    return render_template("pay.html", page=page, typed=typed, errors=errors, cards=TEST_CARDS), status


def _closed(page: CheckoutPage) -> ResponseReturnValue:
    if page.status == "complete":
        return redirect(page.success_url, 303)
    return render_template("notice.html", title="expired_title", text="expired_text", back=page.cancel_url), 410


def secure(response: Response) -> Response:
    """No scripts at all, nothing from elsewhere."""
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {g.get('forms_lead_to', '')}".strip(),
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response
