"""The part of Stripe's API that the portal uses, under /v1."""

import base64
import binascii
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, g, request

from sandbox import checkout, disputes, refunds
from sandbox.balance import Line
from sandbox.errors import ApiError, InvalidParameter, missing
from sandbox.events import API_VERSION, Cause, event_object
from sandbox.mischief import Mischief, happens
from sandbox.parameters import Nested, boolean, expandable, integer, nested, read, sequence, structure, text
from sandbox.services import current_services
from sandbox.store import new_id

bp = Blueprint("api", __name__, url_prefix="/v1")

LONGEST_KEY = 255
KEYS_KEPT_SECONDS = 24 * 60 * 60
EVENTS = {
    "created": lambda value, param: (
        structure({name: integer() for name in ("gt", "gte", "lt", "lte")})(value, param)
        if isinstance(value, dict)
        else {"gte": integer()(value, param), "lte": integer()(value, param)}
    ),
    "delivery_success": boolean,
    "ending_before": text(),
    "limit": integer(1, 100),
    "starting_after": text(),
    "type": text(),
    "types": sequence(text(), 20),
}
REFUNDS = {"limit": integer(1, 100), "payment_intent": text(), "starting_after": text()}
BALANCE = {
    "created": EVENTS["created"],
    "expand": expandable("data.source"),
    "limit": integer(1, 100),
    "starting_after": text(),
}
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

Work = Callable[[sqlite3.Connection, Cause], dict[str, Any]]


@bp.before_request
def identify() -> None:
    """A secret test key by Bearer or Basic, and the one version of the API that is spoken here."""
    g.request_id = new_id("req_", 14)
    key = _api_key()
    if not key:
        raise ApiError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not key.startswith("sk_test_"):
        raise ApiError(f"Invalid API Key provided: {key[:8]}****. The payment sandbox takes sk_test_ keys.", status=401)
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise ApiError(f"Invalid Stripe API version: {version}. The payment sandbox speaks {API_VERSION}.")


@bp.after_request
def label(response: Response) -> Response:
    response.headers.setdefault("Request-Id", g.request_id)
    response.headers["Stripe-Version"] = API_VERSION
    response.headers["Cache-Control"] = "no-store"
    if request.method == "POST" and g.get("answer_lost"):
        # Less comes than was announced, and then the connection ends.
        response.headers["Content-Length"] = str(len(response.get_data()) + 1)
        response.headers["Connection"] = "close"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return response


@bp.errorhandler(ApiError)
def refuse(error: ApiError) -> Response:
    return _answer(error.body(), error.status)


@bp.route("/<path:path>", methods=["GET", "POST", "DELETE"])
def unknown_address(path: str) -> Response:
    raise ApiError(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)


@bp.post("/checkout/sessions")
def create_session() -> Response:
    def work(db: sqlite3.Connection, cause: Cause) -> dict[str, Any]:
        now = time.time()
        values = checkout.read_session_parameters(given, now)
        pages = current_services().config.public_url or request.host_url
        session_id = checkout.open_session(db, values, pages=pages, now=now)
        return checkout.session_object(db, session_id, values.get("expand", ()))

    given = _form()
    return _once(given, work)


@bp.get("/checkout/sessions/<session_id>")
def retrieve_session(session_id: str) -> Response:
    values = read(_query(), {"expand": checkout.SESSION["expand"]})
    current_services().courier.let_time_pass(time.time())
    with current_services().store.reading() as db:
        return _answer(checkout.session_object(db, session_id, values.get("expand", ())))


@bp.post("/checkout/sessions/<session_id>/expire")
def expire_session(session_id: str) -> Response:
    def work(db: sqlite3.Connection, cause: Cause) -> dict[str, Any]:
        values = read(given, {"expand": checkout.SESSION["expand"]})
        checkout.expire(db, session_id, now=time.time(), cause=cause)
        return checkout.session_object(db, session_id, values.get("expand", ()))

    given = _form()
    return _once(given, work)


@bp.get("/payment_intents/<payment_intent>")
def retrieve_payment_intent(payment_intent: str) -> Response:
    values = read(_query(), {"expand": expandable("latest_charge")})
    with current_services().store.reading() as db:
        row = checkout.payment_intent_row(db, payment_intent)
        return _answer(checkout.payment_intent_object(db, row, with_charge="latest_charge" in values.get("expand", ())))


@bp.post("/refunds")
def create_refund() -> Response:
    def work(db: sqlite3.Connection, cause: Cause) -> dict[str, Any]:
        values = refunds.read_refund_parameters(given)
        settle_after = current_services().config.settle_after_seconds
        refund_id = refunds.make_refund(db, values, settle_after=settle_after, now=time.time(), cause=cause)
        return refunds.refund_object(db, refunds.refund_row(db, refund_id), values.get("expand", ()))

    given = _form()
    return _once(given, work)


@bp.get("/refunds/<refund_id>")
def retrieve_refund(refund_id: str) -> Response:
    values = read(_query(), {"expand": refunds.REFUND["expand"]})
    with current_services().store.reading() as db:
        return _answer(refunds.refund_object(db, refunds.refund_row(db, refund_id), values.get("expand", ())))


@bp.get("/refunds")
def list_refunds() -> Response:
    values = read(_query(), REFUNDS, required=["payment_intent"])
    with current_services().store.reading() as db:
        rows = db.execute(
            "SELECT * FROM refund WHERE payment_intent = ? ORDER BY created DESC, rowid DESC LIMIT ?",
            (values["payment_intent"], values.get("limit", 10)),
        ).fetchall()
        shown = [refunds.refund_object(db, row) for row in rows]
    return _answer({"object": "list", "data": shown, "has_more": False, "url": "/v1/refunds"})


@bp.get("/disputes/<dispute_id>")
def retrieve_dispute(dispute_id: str) -> Response:
    with current_services().store.reading() as db:
        return _answer(disputes.dispute_object(db, disputes.dispute_row(db, dispute_id)))


@bp.get("/balance_transactions")
def list_balance() -> Response:
    values = read(_query(), BALANCE)
    conditions, bound = ["1"], []
    for name, moment in values.get("created", {}).items():
        conditions.append(f"created {_COMPARISONS[name]} ?")
        bound.append(moment)
    limit = values.get("limit", 10)
    with current_services().store.reading() as db:
        if cursor := values.get("starting_after"):
            conditions.append("number < (SELECT number FROM balance WHERE id = ?)")
            bound.append(cursor)
        rows = db.execute(
            f"SELECT * FROM balance WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT ?", (*bound, limit + 1)
        ).fetchall()
        shown = [_balance_object(db, row, whole="data.source" in values.get("expand", ())) for row in rows[:limit]]
    return _answer(
        {"object": "list", "data": shown, "has_more": len(rows) > limit, "url": "/v1/balance_transactions"}
    )


def _balance_object(db: sqlite3.Connection, row: sqlite3.Row, *, whole: bool) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "balance_transaction",
        "amount": row["amount"],
        "available_on": row["created"],
        "created": row["created"],
        "currency": row["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": row["amount"],
        "reporting_category": "dispute" if row["type"] == Line.ADJUSTMENT else row["type"],
        "source": _source(db, row) if whole else row["source"],
        "status": "available",
        "type": row["type"],
    }


def _source(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    match row["type"]:
        case Line.CHARGE:
            payment = db.execute("SELECT * FROM payment_intent WHERE charge = ?", (row["source"],)).fetchone()
            return checkout.charge_object(db, payment)
        case Line.ADJUSTMENT:
            return disputes.dispute_object(db, disputes.dispute_row(db, row["source"]))
        case _:
            return refunds.refund_object(db, refunds.refund_row(db, row["source"]))


@bp.get("/events")
def list_events() -> Response:
    values = read(_query(), EVENTS)
    conditions: list[str] = ["1"]
    bound: list[str | int] = []
    if "type" in values and "types" in values:
        raise InvalidParameter("You may only specify one of these parameters: type, types.")
    if types := values.get("types") or ([values["type"]] if "type" in values else []):
        conditions.append(" OR ".join(["type GLOB ?"] * len(types)))
        bound += types
    for name, moment in values.get("created", {}).items():
        conditions.append(f"created {_COMPARISONS[name]} ?")
        bound.append(moment)
    if "delivery_success" in values:
        conditions.append(f"delivered_at IS {'NOT ' if values['delivery_success'] else ''}NULL")
    before = "ending_before" in values
    with current_services().store.reading() as db:
        if cursor := values.get("ending_before") or values.get("starting_after"):
            conditions.append(f"number {'>' if before else '<'} ?")
            bound.append(_event_row(db, cursor)["number"])
        limit = values.get("limit", 10)
        rows = db.execute(
            f"SELECT * FROM event WHERE {' AND '.join(f'({condition})' for condition in conditions)}"
            f" ORDER BY number {'ASC' if before else 'DESC'} LIMIT ?",
            (*bound, limit + 1),
        ).fetchall()
    page = rows[:limit][:: -1 if before else 1]
    return _answer(
        {
            "object": "list",
            "data": [event_object(row) for row in page],
            "has_more": len(rows) > limit,
            "url": "/v1/events",
        }
    )


@bp.get("/events/<event_id>")
def retrieve_event(event_id: str) -> Response:
    with current_services().store.reading() as db:
        return _answer(event_object(_event_row(db, event_id)))


def _event_row(db: sqlite3.Connection, event_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM event WHERE id = ?", (event_id,)).fetchone()
    if row is None:
        raise missing("event", event_id)
    return row


def _once(given: Nested, work: Work) -> Response:
    """Do `work` once for an Idempotency-Key: the first answer is given again, also when it was a refusal.

    A request whose parameters do not fit never began: nothing is kept, and the key may be used again.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidParameter(f"Idempotency keys are 1 to {LONGEST_KEY} characters long.")
    cause = Cause(g.request_id, key)
    if key is None:
        with current_services().store.writing() as db:
            body = work(db, cause)
            g.answer_lost = happens(db, Mischief.NO_ANSWER)
        current_services().courier.nudge()
        return _answer(body)
    endpoint = f"{request.method} {request.path}"
    fingerprint = hashlib.sha256(json.dumps([endpoint, given], sort_keys=True).encode()).hexdigest()
    with current_services().store.writing() as db:
        db.execute("DELETE FROM answer WHERE created < ?", (time.time() - KEYS_KEPT_SECONDS,))
        first = db.execute("SELECT * FROM answer WHERE key = ?", (key,)).fetchone()
        g.answer_lost = happens(db, Mischief.NO_ANSWER)
        if first is None:
            status, body = _attempt(db, work, cause)
            db.execute(
                "INSERT INTO answer (key, created, endpoint, fingerprint, status, body, request_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, int(time.time()), endpoint, fingerprint, status, json.dumps(body), g.request_id),
            )
    if first is None:
        current_services().courier.nudge()
        response = _answer(body, status)
    elif first["fingerprint"] == fingerprint:
        response = _answer(json.loads(first["body"]), first["status"])
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = first["request_id"]
    else:
        what = "parameters" if first["endpoint"] == endpoint else "endpoint"
        raise ApiError(
            f"Keys for idempotent requests can only be used with the same {what} they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    response.headers["Idempotency-Key"] = key
    return response


def _attempt(db: sqlite3.Connection, work: Work, cause: Cause) -> tuple[int, dict[str, Any]]:
    db.execute("SAVEPOINT work")
    try:
        return 200, work(db, cause)
    except InvalidParameter:
        raise
    except ApiError as refusal:
        db.execute("ROLLBACK TO work")
        return refusal.status, refusal.body()


def _api_key() -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _form() -> Nested:
    if request.content_length and request.mimetype != "application/x-www-form-urlencoded":
        raise InvalidParameter(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded)."
        )
    return nested(request.form.items(multi=True))


def _query() -> Nested:
    return nested(request.args.items(multi=True))


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return current_app.response_class(
        json.dumps(body, indent=2, ensure_ascii=False), status=status, mimetype="application/json"
    )
