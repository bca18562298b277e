"""The one module that knows the gateway of a Turkmen bank: orders in manats, asked about and never told of.

The protocol is that of register.do and getOrderStatusExtended.do, which Halkbank, Senagat, Rysgal and others run each
under an address of their own. It knows no keys of idempotence: what is repeated here is looked up first.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any, ClassVar, Self

import requests

from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.payments.providers.base import (
    Checkout,
    CheckoutState,
    CheckoutStatus,
    GatewayRefused,
    GatewayUnavailable,
    Order,
    Payer,
    Provider,
    RefundState,
    RefundStatus,
)
from portal.payments.providers.patience import place, timeouts

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0
PAGE_TIME = timedelta(minutes=30)
CURRENCIES = {"TMT": "934"}
CODES = {code: name for name, code in CURRENCIES.items()}
# Error codes of the protocol.
KNOWN_NUMBER, DENIED, UNKNOWN_ORDER, BROKEN = 1, 5, 6, 7
# The answer codes of an order that nobody paid in its time, and of one that nobody tried to pay.
TIME_OVER, NOT_TRIED = -2007, -100
# So often an order is registered anew after its answer was lost.
MOST_NUMBERS = 5


class OrderStatus(IntEnum):
    """orderStatus of the protocol."""

    REGISTERED = 0
    HELD = 1
    PAID = 2
    REVERSED = 3
    REFUNDED = 4  # in whole or in part
    AT_THE_BANK = 5
    DECLINED = 6


class TurkmenBankProvider(Provider):
    """The gateway at `address`, which ends where its requests begin: https://…/payment/rest.

    languages: those its page has; the first is taken for all others.
    """

    name: ClassVar[str] = "turkmenbank"
    page_time: ClassVar[timedelta] = PAGE_TIME

    def __init__(self, *, address: str, user: str, password: str, languages: Sequence[str]) -> None:
        self._address = address.rstrip("/")
        self._who = {"userName": user, "password": password}
        self._languages = tuple(languages)
        self._session = requests.Session()
        # A proxy of the environment is for the way to the bank, not for a stand-in beside us.
        self._session.trust_env = address.startswith("https://")

    @classmethod
    def configured(cls, config: Mapping[str, Any]) -> Self | None:
        if not config.get("TURKMENBANK_URL"):
            return None
        return cls(
            address=config["TURKMENBANK_URL"],
            user=config["TURKMENBANK_USER"],
            password=config["TURKMENBANK_PASSWORD"],
            languages=config["TURKMENBANK_LANGUAGES"],
        )

    def close(self) -> None:
        self._session.close()

    def accepts(self, price: Money, payer: Payer) -> bool:
        return payer is Payer.PERSON and price.currency in CURRENCIES and price.minor > 0

    def open_checkout(self, order: Order) -> Checkout:
        """An order whose answer was lost stays unseen and unpaid; the same attempt takes the next number."""
        left = order.expires_at - real_now()
        wanted = {
            "amount": str(order.amount.minor),
            "currency": CURRENCIES[order.amount.currency],
            "returnUrl": order.success_url,
            "failUrl": order.success_url,  # there the bank is asked, whatever the customer says
            "description": order.reference,
            "language": order.language if order.language in self._languages else self._languages[0],
            "sessionTimeoutSecs": str(max(60, int(left.total_seconds()))),
        }
        for number in range(MOST_NUMBERS):
            name = order.payment if number == 0 else f"{order.payment}-{number + 1}"
            try:
                answer = self._ask("register.do", {**wanted, "orderNumber": name})
            except GatewayRefused as refusal:
                if refusal.code != str(KNOWN_NUMBER):
                    raise
                continue
            return Checkout(answer["orderId"], answer["formUrl"], order.expires_at)
        raise GatewayRefused(f"{order.payment}: all its numbers are taken", str(KNOWN_NUMBER))

    def state(self, session_id: str) -> CheckoutState:
        return _state(session_id, self._status(session_id))

    def expire(self, session_id: str) -> CheckoutState:
        """By decline.do, which is for orders that nobody has begun to pay. Where the bank lacks it, or says no, the
        order ends with its time.
        """
        status = self._status(session_id)
        if int(status["orderStatus"]) == OrderStatus.REGISTERED:
            try:
                self._ask("decline.do", {"orderId": session_id})
            except (GatewayRefused, GatewayUnavailable):
                log.warning("the bank does not close order %s early", session_id)
            status = self._status(session_id)  # the customer may have been quicker
        return _state(session_id, status)

    def refund(
        self, payment_intent: str, amount: Money, idempotency_key: str, returned: Money | None = None
    ) -> RefundState:
        """Done once only while the bank's sum of refunds agrees with our books: an answer that was lost is seen there.

        Banks that know expectedDepositedAmount refuse a repetition themselves, should two of us ask at once.
        """
        status = self._status(payment_intent)
        sums = status.get("paymentAmountInfo", {})
        known = returned.minor if returned else 0
        gone, taken = int(sums.get("refundedAmount", 0)), int(sums.get("approvedAmount", status["amount"]))
        done = RefundState(f"{payment_intent}/{idempotency_key}", RefundStatus.SUCCEEDED, amount, payment_intent)
        if gone == known + amount.minor:
            return done
        if gone != known:
            raise GatewayRefused(f"{payment_intent}: the bank has returned {gone}, we know of {known}", "sums")
        self._ask(
            "refund.do",
            {
                "orderId": payment_intent,
                "amount": str(amount.minor),
                "expectedDepositedAmount": str(taken - gone),
            },
        )
        return done

    def refund_state(self, refund_id: str) -> RefundState:
        """The protocol has no names for refunds and answers at once: one that is asked about was done."""
        order_id = refund_id.partition("/")[0]
        status = self._status(order_id)
        gone = int(status.get("paymentAmountInfo", {}).get("refundedAmount", 0))
        return RefundState(refund_id, RefundStatus.SUCCEEDED, Money(gone, _currency(status)), order_id)

    def gone_back(self, payment_intent: str) -> Money:
        status = self._status(payment_intent)
        sums = status.get("paymentAmountInfo", {})
        reversed_ = int(status["orderStatus"]) == OrderStatus.REVERSED
        minor = int(sums.get("approvedAmount", status["amount"]) if reversed_ else sums.get("refundedAmount", 0))
        return Money(minor, _currency(status))

    def _status(self, order_id: str) -> dict[str, Any]:
        return self._ask("getOrderStatusExtended.do", {"orderId": order_id})

    def _ask(self, request: str, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            with place(self.name):
                answer = self._session.post(
                    f"{self._address}/{request}",
                    data={**self._who, **form},
                    timeout=timeouts(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                )
            told = answer.json() if answer.status_code == 200 else None
        except requests.RequestException as failure:
            log.warning("the bank cannot be reached: %s", type(failure).__name__)  # its text holds what we sent
            raise GatewayUnavailable from failure
        if not isinstance(told, dict):
            log.warning("the bank has a fault: %s", answer.status_code)
            raise GatewayUnavailable
        code, said = int(told.get("errorCode") or 0), str(told.get("errorMessage", ""))
        if code == 0:
            return told
        if code == DENIED and request not in ("register.do", "decline.do"):
            # Our settings are wrong, not the payment: once they are mended, what is owed must still be done.
            log.critical("the bank does not accept our name: %s", said)
            raise GatewayUnavailable
        if code == BROKEN and request != "refund.do":
            log.warning("the bank has a fault: %s", said)
            raise GatewayUnavailable
        log.error("the bank refused %s: %s (%s)", request, said, code)
        raise GatewayRefused(said, str(code))


def _state(order_id: str, status: Mapping[str, Any]) -> CheckoutState:
    stands = OrderStatus(int(status["orderStatus"]))
    sums = status.get("paymentAmountInfo", {})
    paid = stands in (OrderStatus.PAID, OrderStatus.REFUNDED)
    minor = int(sums.get("approvedAmount", status["amount"])) if paid else int(status["amount"])
    over = stands is OrderStatus.DECLINED and int(status.get("actionCode", 0)) in (TIME_OVER, NOT_TRIED)
    over = over or (stands is OrderStatus.REVERSED and not int(sums.get("approvedAmount", 0)))
    return CheckoutState(
        id=order_id,
        status=CheckoutStatus.OPEN
        if stands in (OrderStatus.REGISTERED, OrderStatus.AT_THE_BANK)
        else CheckoutStatus.EXPIRED
        if over
        else CheckoutStatus.COMPLETE,
        paid=paid,
        failed=stands in (OrderStatus.REVERSED, OrderStatus.DECLINED) and not over,
        amount=Money(minor, _currency(status)),
        payment_intent=order_id if paid else None,
    )


def _currency(status: Mapping[str, Any]) -> str:
    """ISO 4217 by name; of a currency nobody expects, its number."""
    code = str(status["currency"])
    return CODES.get(code, code)
