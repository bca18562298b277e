"""Orders of the bank's gateway: registered, paid on its form, reversed, refunded, asked about.

Every function works in the caller's transaction and is told the time, in seconds since the epoch. Amounts are teňňe.
"""

import sqlite3
import uuid
from enum import IntEnum, StrEnum
from typing import Any

from sandbox.bank.cards import CARDS_BY_SLUG, Trick, TurkmenCard

MANAT = "934"
MOST_ATTEMPTS = 3
TIME_OVER, NOT_TRIED = -2007, -100


class OrderStatus(IntEnum):
    """The protocol's numbers."""

    REGISTERED = 0
    HELD = 1  # of two steps; this portal pays in one
    PAID = 2
    REVERSED = 3
    REFUNDED = 4  # in whole or in part
    AT_THE_BANK = 5  # 3-D Secure has begun
    DECLINED = 6


class Outcome(StrEnum):
    PAID = "paid"
    ASKS = "asks"
    AGAIN = "again"  # declined, another card may be tried
    DECLINED = "declined"  # for good
    OVER = "over"  # decided before this attempt, which changed nothing
    NO_ANSWER = "no_answer"


class Refusal(Exception):
    """What the gateway answers instead of doing it: its error code and a sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def register(db: sqlite3.Connection, values: dict[str, Any], *, now: float) -> str:
    """A new order; returns its id. Raises Refusal for a number that is known."""
    if db.execute("SELECT 1 FROM bank_order WHERE number = ?", (values["orderNumber"],)).fetchone():
        raise Refusal(1, "An order with this number has already been processed")
    order_id = str(uuid.uuid4())
    db.execute(
        "INSERT INTO bank_order (id, number, created, expires_at, status, amount, language, return_url, fail_url,"
        " description) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order_id,
            values["orderNumber"],
            now,
            now + values["sessionTimeoutSecs"],
            OrderStatus.REGISTERED,
            values["amount"],
            values["language"],
            values["returnUrl"],
            values.get("failUrl"),
            values.get("description"),
        ),
    )
    return order_id


def row_of(db: sqlite3.Connection, *, order_id: str = "", number: str = "") -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM bank_order WHERE id = ? OR number = ?", (order_id, number)
    ).fetchone()
    if row is None:
        raise Refusal(6, "The order is not registered")
    return row


def pay(db: sqlite3.Connection, order_id: str, card: TurkmenCard, *, settle_after: int, now: float) -> Outcome:
    """One attempt to pay by `card`."""
    let_time_pass(db, now=now)
    if row_of(db, order_id=order_id)["status"] != OrderStatus.REGISTERED:
        return Outcome.OVER
    db.execute("UPDATE bank_order SET card = ? WHERE id = ?", (card.slug, order_id))
    if card.asks:
        db.execute("UPDATE bank_order SET status = ? WHERE id = ?", (OrderStatus.AT_THE_BANK, order_id))
        return Outcome.ASKS
    if card.action_code:
        return _decline(db, order_id, card.action_code)
    if card.trick is Trick.SETTLE_LATER:
        db.execute(
            "UPDATE bank_order SET status = ?, settles_at = ? WHERE id = ?",
            (OrderStatus.AT_THE_BANK, now + settle_after, order_id),
        )
        return Outcome.PAID
    return _take(db, order_id, card, settle_after=settle_after, now=now)


def answer(db: sqlite3.Connection, order_id: str, *, approved: bool, settle_after: int, now: float) -> Outcome:
    """What the customer said to his bank."""
    let_time_pass(db, now=now)
    row = row_of(db, order_id=order_id)
    if row["status"] != OrderStatus.AT_THE_BANK or row["settles_at"] is not None:
        return Outcome.OVER
    if approved:
        return _take(db, order_id, CARDS_BY_SLUG[row["card"]], settle_after=settle_after, now=now)
    return _decline(db, order_id, -2006)


def let_time_pass(db: sqlite3.Connection, *, now: float) -> None:
    """Decide what is due: what the bank thought about, and orders that nobody paid in time."""
    for row in db.execute("SELECT * FROM bank_order WHERE settles_at <= ?", (now,)).fetchall():
        if row["status"] == OrderStatus.AT_THE_BANK:
            _take(db, row["id"], CARDS_BY_SLUG[row["card"]], settle_after=0, now=now)
        else:
            db.execute(
                "UPDATE bank_order SET status = ?, settles_at = NULL WHERE id = ?", (OrderStatus.REVERSED, row["id"])
            )
    db.execute(
        "UPDATE bank_order SET status = ?, action_code = ? WHERE status IN (0, 5) AND settles_at IS NULL"
        " AND expires_at <= ?",
        (OrderStatus.DECLINED, TIME_OVER, now),
    )


def refund(db: sqlite3.Connection, order_id: str, amount: int, expected: int | None) -> None:
    """Give `amount` back. Asked twice it is two refunds, unless `expected`, what the merchant believes to be still
    taken, says that it is a repetition. Raises Refusal.
    """
    row = row_of(db, order_id=order_id)
    if row["status"] not in (OrderStatus.PAID, OrderStatus.REFUNDED):
        raise Refusal(7, "The payment must be in the correct state")
    left = row["approved"] - row["refunded"]
    if expected is not None and expected != left:
        raise Refusal(7, "The deposited amount is another one than expected")
    if amount > left:
        raise Refusal(7, "The refund amount exceeds the deposited amount")
    card = CARDS_BY_SLUG[row["card"]]
    if card.trick is Trick.REFUND_REFUSED:
        raise Refusal(7, "The bank does not refund to this card")
    db.execute(
        "UPDATE bank_order SET status = ?, refunded = refunded + ? WHERE id = ?",
        (OrderStatus.REFUNDED, amount, order_id),
    )


def reverse(db: sqlite3.Connection, order_id: str) -> None:
    """Undo the whole payment, before the bank's day is closed and only once. Raises Refusal."""
    row = row_of(db, order_id=order_id)
    if row["status"] not in (OrderStatus.HELD, OrderStatus.PAID):
        raise Refusal(7, "The payment must be in the correct state")
    db.execute("UPDATE bank_order SET status = ? WHERE id = ?", (OrderStatus.REVERSED, order_id))


def decline(db: sqlite3.Connection, order_id: str) -> None:
    """Close an order that nobody has begun to pay. Raises Refusal."""
    if row_of(db, order_id=order_id)["status"] != OrderStatus.REGISTERED:
        raise Refusal(7, "The order must be in the correct state")
    db.execute("UPDATE bank_order SET status = ? WHERE id = ?", (OrderStatus.REVERSED, order_id))


def short_status(row: sqlite3.Row) -> dict[str, Any]:
    """As getOrderStatus.do answers."""
    shown: dict[str, Any] = {
        "OrderStatus": row["status"],
        "ErrorCode": "0" if row["status"] != OrderStatus.DECLINED else "2",
        "ErrorMessage": "Успешно" if row["status"] != OrderStatus.DECLINED else "Платёж отклонён",
        "OrderNumber": row["number"],
        "Amount": row["amount"],
        "currency": MANAT,
        "depositAmount": row["approved"] - row["refunded"],
    }
    if row["card"]:
        shown |= {"Pan": CARDS_BY_SLUG[row["card"]].masked, "expiration": "203412", "cardholderName": "TEST CUSTOMER"}
    if row["approved"]:
        shown |= {"approvalCode": "123456", "authCode": 2}
    return shown


def full_status(row: sqlite3.Row) -> dict[str, Any]:
    """As getOrderStatusExtended.do answers."""
    states = ("CREATED", "APPROVED", "DEPOSITED", "REVERSED", "REFUNDED", "CREATED", "DECLINED")
    shown: dict[str, Any] = {
        "errorCode": "0",
        "errorMessage": "Успешно",
        "orderNumber": row["number"],
        "orderStatus": row["status"],
        "actionCode": row["action_code"],
        "actionCodeDescription": "",
        "amount": row["amount"],
        "currency": MANAT,
        "date": int(row["created"] * 1000),
        "orderDescription": row["description"] or "",
        "merchantOrderParams": [],
        "attributes": [{"name": "mdOrder", "value": row["id"]}],
        "paymentAmountInfo": {
            "paymentState": states[row["status"]],
            "approvedAmount": row["approved"],
            "depositedAmount": row["approved"] - row["refunded"],
            "refundedAmount": row["refunded"],
        },
    }
    if row["card"]:
        shown["cardAuthInfo"] = {
            "pan": CARDS_BY_SLUG[row["card"]].masked,
            "expiration": "203412",
            "cardholderName": "TEST CUSTOMER",
            "approvalCode": "123456" if row["approved"] else "",
        }
    return shown


def _take(db: sqlite3.Connection, order_id: str, card: TurkmenCard, *, settle_after: int, now: float) -> Outcome:
    row = row_of(db, order_id=order_id)
    taken = row["amount"] - (100 if card.trick is Trick.LESS else 0)
    later = now + settle_after if card.trick is Trick.REVERSED else None
    db.execute(
        "UPDATE bank_order SET status = ?, approved = ?, action_code = 0, settles_at = ? WHERE id = ?",
        (OrderStatus.PAID, taken, later, order_id),
    )
    return Outcome.NO_ANSWER if card.trick is Trick.NO_ANSWER else Outcome.PAID


def _decline(db: sqlite3.Connection, order_id: str, action_code: int) -> Outcome:
    attempts = row_of(db, order_id=order_id)["attempts"] + 1
    over = attempts >= MOST_ATTEMPTS
    db.execute(
        "UPDATE bank_order SET status = ?, attempts = ?, action_code = ? WHERE id = ?",
        (OrderStatus.DECLINED if over else OrderStatus.REGISTERED, attempts, action_code, order_id),
    )
    return Outcome.DECLINED if over else Outcome.AGAIN
