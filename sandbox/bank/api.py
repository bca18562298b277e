"""The bank's requests under /payment/rest: forms in, JSON out, every refusal an answer 200 with an error code."""

import json
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, request

from sandbox.bank import orders
from sandbox.bank.orders import MANAT, Refusal
from sandbox.faults import SLOW_SECONDS, Fault, next_fault
from sandbox.services import current_services

bp = Blueprint("bank_api", __name__, url_prefix="/payment/rest")

CHANNEL = "bank"
USER, PASSWORD = "sandbox-api", "sandbox"
DEFAULT_LANGUAGE, LANGUAGES = "ru", ("ru", "en", "tk")
DEFAULT_SECONDS = 20 * 60
LONGEST_NUMBER, LONGEST_URL, LONGEST_DESCRIPTION = 32, 512, 512

Work = Callable[[sqlite3.Connection], dict[str, Any]]


@bp.route("/register.do", methods=["GET", "POST"])
def register() -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        order_id = orders.register(db, _order(), now=time.time())
        pages = (current_services().config.public_url or request.host_url).rstrip("/")
        return {"orderId": order_id, "formUrl": f"{pages}/payment/merchants/sandbox/payment.html?mdOrder={order_id}"}

    return _answered(work)


@bp.route("/getOrderStatus.do", methods=["GET", "POST"])
def short_status() -> Response:
    return _answered(lambda db: orders.short_status(_asked(db, by_number=False)), capital=True)


@bp.route("/getOrderStatusExtended.do", methods=["GET", "POST"])
def full_status() -> Response:
    return _answered(lambda db: orders.full_status(_asked(db, by_number=True)))


@bp.route("/refund.do", methods=["GET", "POST"])
def refund() -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        row = _asked(db, by_number=False)
        expected = request.values.get("expectedDepositedAmount")
        orders.refund(db, row["id"], _amount(), int(expected) if expected else None)
        return _done()

    return _answered(work)


@bp.route("/reverse.do", methods=["GET", "POST"])
def reverse() -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        orders.reverse(db, _asked(db, by_number=False)["id"])
        return _done()

    return _answered(work)


@bp.route("/decline.do", methods=["GET", "POST"])
def decline() -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        orders.decline(db, _asked(db, by_number=True)["id"])
        return _done()

    return _answered(work)


def _order() -> dict[str, Any]:
    given = request.values
    number, back = given.get("orderNumber", ""), given.get("returnUrl", "")
    if not re.fullmatch(rf"[\w\-/]{{1,{LONGEST_NUMBER}}}", number):
        raise Refusal(4, "[orderNumber] is empty or wrong")
    if given.get("currency", MANAT) != MANAT:
        raise Refusal(3, "Unknown currency")
    parts = urlsplit(back)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(back) > LONGEST_URL:
        raise Refusal(4, "[returnUrl] is empty or wrong")
    seconds = given.get("sessionTimeoutSecs", str(DEFAULT_SECONDS))
    if not re.fullmatch(r"[1-9][0-9]{0,8}", seconds):
        raise Refusal(5, "[sessionTimeoutSecs] is wrong")
    if len(given.get("description", "")) > LONGEST_DESCRIPTION:
        raise Refusal(5, "[description] is too long")
    language = given.get("language", DEFAULT_LANGUAGE)
    if language not in LANGUAGES:
        raise Refusal(5, "[language] is wrong")
    return {
        "orderNumber": number,
        "amount": _amount(),
        "returnUrl": back,
        "failUrl": given.get("failUrl"),
        "description": given.get("description"),
        "sessionTimeoutSecs": int(seconds),
        "language": language,
    }


def _amount() -> int:
    given = request.values.get("amount", "")
    if not given:
        raise Refusal(4, "[amount] is empty")
    if not re.fullmatch(r"[1-9][0-9]{0,11}", given):
        raise Refusal(5, "[amount] is wrong")
    return int(given)


def _asked(db: sqlite3.Connection, *, by_number: bool) -> sqlite3.Row:
    order_id = request.values.get("orderId", "")
    number = request.values.get("orderNumber", "") if by_number else ""
    if not order_id and not number:
        raise Refusal(1 if by_number else 5, "Expected [orderId] or [orderNumber]")
    return orders.row_of(db, order_id=order_id, number=number)


def _done() -> dict[str, Any]:
    return {"errorCode": "0", "errorMessage": "Успешно"}


def _answered(work: Work, capital: bool = False) -> Response:
    """capital: getOrderStatus.do writes its names with a capital letter."""
    code, message = ("ErrorCode", "ErrorMessage") if capital else ("errorCode", "errorMessage")
    with current_services().store.writing() as db:
        fault = next_fault(db, CHANNEL)
        if fault is Fault.FAULT:
            return current_app.response_class("<h1>Service unavailable</h1>", status=503)
        orders.let_time_pass(db, now=time.time())
        db.execute("SAVEPOINT work")
        try:
            if (request.values.get("userName"), request.values.get("password")) != (USER, PASSWORD):
                raise Refusal(5, "Access denied")
            body = work(db)
        except Refusal as refusal:
            db.execute("ROLLBACK TO work")
            body = {code: str(refusal.code), message: str(refusal)}
    if fault is Fault.LOST:
        return current_app.response_class("", status=504)
    if fault is Fault.SLOW:
        time.sleep(SLOW_SECONDS)
    # The gateway of the banks calls its JSON a text.
    return current_app.response_class(json.dumps(body, ensure_ascii=False), content_type="text/plain;charset=UTF-8")
