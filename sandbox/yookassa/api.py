"""YooKassa's API under /v3: payments and refunds by JSON, a key of idempotence for each that writes."""

import base64
import binascii
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, request

from sandbox.faults import SLOW_SECONDS, Fault, next_fault
from sandbox.services import current_services
from sandbox.yookassa import payments
from sandbox.yookassa.errors import YooKassaError, invalid
from sandbox.yookassa.parameters import CAPTURE, read_payment, read_refund

bp = Blueprint("yookassa_api", __name__, url_prefix="/v3")

CHANNEL = "yookassa"
LONGEST_KEY = 64
KEYS_KEPT_SECONDS = 24 * 60 * 60

Work = Callable[[sqlite3.Connection], dict[str, Any]]


@bp.before_request
def identify() -> None:
    """A test shop and its secret key by Basic."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    try:
        shop, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        shop = secret = ""
    if scheme.lower() != "basic" or not shop.isdecimal() or not secret.startswith("test_"):
        raise YooKassaError("invalid_credentials", "The shop or its secret key is not known", status=401)


@bp.errorhandler(YooKassaError)
def refuse(error: YooKassaError) -> Response:
    return _answer(error.body(), error.status)


@bp.route("/<path:path>", methods=["GET", "POST", "DELETE"])
def unknown_address(path: str) -> Response:
    raise YooKassaError("not_found", f"No such method: {request.method} /v3/{path}", status=404)


@bp.post("/payments")
def create_payment() -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        values = read_payment(_json())
        pages = current_services().config.public_url or request.host_url
        return payments.payment_object(db, payments.create(db, values, pages=pages, now=time.time()))

    return _once(work)


@bp.get("/payments/<payment_id>")
def show_payment(payment_id: str) -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        payments.expire_overdue(db, now=time.time())
        return payments.payment_object(db, payment_id)

    return _read(work)


@bp.post("/payments/<payment_id>/capture")
def capture_payment(payment_id: str) -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        given = CAPTURE(_json(), "") if request.get_data() else {}
        payments.capture(db, payment_id, given.get("amount", {}).get("value"), now=time.time())
        return payments.payment_object(db, payment_id)

    return _once(work)


@bp.post("/payments/<payment_id>/cancel")
def cancel_payment(payment_id: str) -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        payments.cancel(db, payment_id, now=time.time())
        return payments.payment_object(db, payment_id)

    return _once(work)


@bp.post("/refunds")
def create_refund() -> Response:
    def work(db: sqlite3.Connection) -> dict[str, Any]:
        settle_after = current_services().config.settle_after_seconds
        refund_id = payments.refund(db, read_refund(_json()), settle_after=settle_after, now=time.time())
        return payments.refund_object(db, refund_id)

    return _once(work)


@bp.get("/refunds/<refund_id>")
def show_refund(refund_id: str) -> Response:
    return _read(lambda db: payments.refund_object(db, refund_id))


@bp.get("/payments")
def list_payments() -> Response:
    return _read(lambda db: _listed(db, payments.PAYMENTS, payments.payment_object))


@bp.get("/refunds")
def list_refunds() -> Response:
    return _read(lambda db: _listed(db, payments.REFUNDS, payments.refund_object))


def _listed(
    db: sqlite3.Connection, listing: payments.Listing, shown: Callable[[sqlite3.Connection, str], dict[str, Any]]
) -> dict[str, Any]:
    """The newest first, in pages of `limit`; the cursor is the last id that was shown."""
    given = request.args.to_dict()
    limit = given.pop("limit", "10")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise invalid("limit", "Expected a number from 1 to 100")
    ids = payments.find(db, listing, given)
    page = ids[: int(limit)]
    answer: dict[str, Any] = {"type": "list", "items": [shown(db, one) for one in page]}
    return answer | ({"next_cursor": page[-1]} if len(ids) > len(page) else {})


def _read(work: Work) -> Response:
    with current_services().store.writing() as db:
        fault = next_fault(db, CHANNEL)
        if fault is Fault.FAULT:
            return _broken()
        body = work(db)
    return _late(fault) or _answer(body)


def _once(work: Work) -> Response:
    """Do `work` once for an Idempotence-Key: the first answer is given again, also when it was a refusal."""
    key = request.headers.get("Idempotence-Key", "")
    if not 1 <= len(key) <= LONGEST_KEY:
        raise invalid("Idempotence-Key", f"A key of idempotence has 1 to {LONGEST_KEY} characters")
    fingerprint = hashlib.sha256(request.path.encode() + request.get_data()).hexdigest()
    with current_services().store.writing() as db:
        fault = next_fault(db, CHANNEL)
        if fault is Fault.FAULT:
            return _broken()
        db.execute("DELETE FROM yookassa_answer WHERE created < ?", (time.time() - KEYS_KEPT_SECONDS,))
        first = db.execute("SELECT * FROM yookassa_answer WHERE key = ?", (key,)).fetchone()
        if first is None:
            status, body = _attempt(db, work)
            db.execute(
                "INSERT INTO yookassa_answer (key, created, fingerprint, status, body) VALUES (?, ?, ?, ?, ?)",
                (key, time.time(), fingerprint, status, json.dumps(body)),
            )
        elif first["fingerprint"] == fingerprint:
            status, body = first["status"], json.loads(first["body"])
        else:
            raise invalid("Idempotence-Key", "Idempotence key duplicated with another request")
    current_services().notifier.nudge()
    return _late(fault) or _answer(body, status)


def _attempt(db: sqlite3.Connection, work: Work) -> tuple[int, dict[str, Any]]:
    db.execute("SAVEPOINT work")
    try:
        return 200, work(db)
    except YooKassaError as refusal:
        db.execute("ROLLBACK TO work")
        return refusal.status, refusal.body()


def _broken() -> Response:
    error = YooKassaError("internal_server_error", "The sandbox was told to fail", status=500)
    return _answer(error.body() | {"retry_after": 1000}, 500)


def _late(fault: Fault | None) -> Response | None:
    if fault is Fault.LOST:
        return current_app.response_class("", status=504)
    if fault is Fault.SLOW:
        time.sleep(SLOW_SECONDS)
    return None


def _json() -> Any:
    given = request.get_json(force=True, silent=True)
    if given is None:
        raise YooKassaError("invalid_request", "The request has no JSON body")
    return given


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return current_app.response_class(json.dumps(body, ensure_ascii=False), status=status, mimetype="application/json")
