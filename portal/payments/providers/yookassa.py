"""The one module that knows YooKassa: Mir cards and SBP in rubles, receipts for the tax office, unsigned notices."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

import requests

from portal.kernel.clock import real_now
from portal.kernel.money import Money
from portal.payments.providers.base import (
    BadSignature,
    Checkout,
    CheckoutLine,
    CheckoutState,
    CheckoutStatus,
    Event,
    GatewayRefused,
    GatewayUnavailable,
    Movement,
    MovementKind,
    Order,
    Payer,
    Provider,
    RefundState,
    RefundStatus,
)
from portal.payments.providers.patience import place, timeouts

if TYPE_CHECKING:
    from yookassa.domain.common import RequestObject

log = logging.getLogger(__name__)

API_BASE = "https://api.yookassa.ru/v3"
CURRENCY = "RUB"
CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0
# YooKassa cancels what nobody has paid within an hour, by its own clock; it closes no page before.
PAGE_TIME = timedelta(minutes=65)
# Its page has no Turkmen; Turkmen readers know Russian.
LOCALES = {"ru": "ru_RU", "tk": "ru_RU", "en": "en_US"}
LONGEST_DESCRIPTION = 128
LONGEST_VALUE = 512
LONGEST_NOTICE = 64 * 1024
PAGE = 100

REFUND_STATES = {
    "pending": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "canceled": RefundStatus.CANCELED,
}


class YooKassaProvider(Provider):
    """YooKassa, or whatever speaks like it at `api_base`. most_minor: the largest payment by the shop's contract."""

    name: ClassVar[str] = "yookassa"
    page_time: ClassVar[timedelta] = PAGE_TIME

    def __init__(
        self, *, shop_id: str, secret_key: str, vat_code: int, most_minor: int, api_base: str | None = None
    ) -> None:
        self._shop_id, self._secret_key = shop_id, secret_key
        self._vat_code = vat_code
        self._most_minor = most_minor
        self._base = (api_base or API_BASE).rstrip("/")
        self._session = requests.Session()
        # A proxy of the environment is for the way to YooKassa, not for a stand-in beside us.
        self._session.trust_env = api_base is None

    @classmethod
    def configured(cls, config: Mapping[str, Any]) -> Self | None:
        if not config.get("YOOKASSA_SHOP_ID"):
            return None
        return cls(
            shop_id=config["YOOKASSA_SHOP_ID"],
            secret_key=config["YOOKASSA_SECRET_KEY"],
            vat_code=config["YOOKASSA_VAT_CODE"],
            most_minor=config["YOOKASSA_MOST_RUBLES"] * 100,
            api_base=config["YOOKASSA_API_BASE"],
        )

    def close(self) -> None:
        self._session.close()

    def accepts(self, price: Money, payer: Payer) -> bool:
        return payer is Payer.PERSON and price.currency == CURRENCY and 0 < price.minor <= self._most_minor

    def open_checkout(self, order: Order) -> Checkout:
        # Here, because the package takes a while to load, and only a portal with YooKassa needs it.
        from yookassa.domain.request import PaymentRequest

        wanted = {
            "amount": _amount(order.amount),
            "capture": True,
            "confirmation": {
                "type": "redirect",
                "return_url": order.success_url,
                "locale": LOCALES.get(order.language, "ru_RU"),
            },
            "description": order.reference,
            "metadata": {
                "payment": order.payment,
                "booking": order.reference,
                # A refund of a part needs a receipt of its own, long after this order is forgotten here.
                "receipt_to": order.email[:LONGEST_VALUE],
            },
            "receipt": self._receipt(
                order.email, order.lines, "partial_prepayment" if order.part else "full_prepayment"
            ),
        }
        answer = self._ask("POST", "/payments", key=order.idempotency_key, body=_checked(PaymentRequest, wanted))
        page = answer.get("confirmation", {}).get("confirmation_url")
        if page is None:
            # The first answer, given again, shows a page that waited then; without one there is nothing to pay.
            raise GatewayRefused(f"{order.reference}: payment {answer.get('id')} has no page")
        return Checkout(answer["id"], page, order.expires_at)

    def state(self, session_id: str) -> CheckoutState:
        return _state(self._ask("GET", f"/payments/{session_id}"))

    def expire(self, session_id: str) -> CheckoutState:
        """Only money that is held can be let go by request; a page that waits closes by itself."""
        payment = self._ask("GET", f"/payments/{session_id}")
        if payment["status"] == "waiting_for_capture":
            payment = self._ask("POST", f"/payments/{session_id}/cancel", key=f"cancel-{session_id}", body={})
        return _state(payment)

    def refund(
        self, payment_intent: str, amount: Money, idempotency_key: str, returned: Money | None = None
    ) -> RefundState:
        from yookassa.domain.request import RefundRequest

        payment = self._ask("GET", f"/payments/{payment_intent}")
        names = payment.get("metadata", {})
        wanted = {
            "payment_id": payment_intent,
            "amount": _amount(amount),
            "description": names.get("booking", idempotency_key),
            "metadata": {"key": idempotency_key},
        }
        if names.get("receipt_to"):
            back = [CheckoutLine(names.get("booking", idempotency_key), amount)]
            wanted["receipt"] = self._receipt(names["receipt_to"], back, "full_prepayment")
        body = _checked(RefundRequest, wanted)
        return _refund_state(self._ask("POST", "/refunds", key=idempotency_key, body=body))

    def find_refund(self, payment_intent: str, idempotency_key: str) -> RefundState | None:
        """By the key that each refund carries with it; YooKassa itself forgets keys after a day."""
        for refund in self._pages("/refunds", {"payment_id": payment_intent}):
            if refund.get("metadata", {}).get("key") == idempotency_key:
                return _refund_state(refund)
        return None

    def movements(self, since: datetime, until: datetime) -> list[Movement]:
        """What was captured and what was given back."""
        taken = {"status": "succeeded", "captured_at.gte": _moment(since), "captured_at.lt": _moment(until)}
        given = {"status": "succeeded", "created_at.gte": _moment(since), "created_at.lt": _moment(until)}
        return [
            Movement(
                MovementKind.PAYMENT,
                payment["id"],
                payment["id"],
                _money(payment["amount"]),
                payment.get("metadata", {}).get("payment"),
            )
            for payment in self._pages("/payments", taken)
        ] + [
            Movement(
                MovementKind.REFUND,
                refund["id"],
                refund["payment_id"],
                _money(refund["amount"]),
                _reference(refund),
            )
            for refund in self._pages("/refunds", given)
        ]

    def _pages(self, path: str, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Every object of a list, page by page."""
        params = {**wanted, "limit": str(PAGE)}
        while True:
            listed = self._ask("GET", path, params=params)
            yield from listed.get("items", ())
            if not listed.get("next_cursor"):
                return
            params["cursor"] = listed["next_cursor"]

    def refund_state(self, refund_id: str) -> RefundState:
        return _refund_state(self._ask("GET", f"/refunds/{refund_id}"))

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Nothing proves who sent it: it only says which payment to ask about. Malformed ones are BadSignature."""
        if len(body) > LONGEST_NOTICE:
            raise BadSignature("too long for a notification of YooKassa")
        try:
            told = json.loads(body)
            kind, about = str(told["event"]), told["object"]
            about_id = str(about["id"])
            payment = str(about["payment_id"]) if kind.startswith("refund.") else about_id
        except (ValueError, KeyError, TypeError) as malformed:
            raise BadSignature("not a notification of YooKassa") from malformed
        # Two equal bodies are one notification; a forged one keeps no true one out.
        digest = hashlib.sha256(body).hexdigest()[:24]
        return Event(
            provider=self.name,
            id=f"{kind[:40]}:{about_id[:36]}:{digest}",
            type=kind[:80],
            session_id=None if kind.startswith("refund.") else about_id[:120],
            payment_intent=payment[:120],
            refund_id=about_id[:120] if kind.startswith("refund.") else None,
            created=real_now(),
            proved=False,
        )

    def _receipt(self, email: str, lines: Sequence[CheckoutLine], mode: str) -> dict[str, Any]:
        """For the cash register by 54-FZ. Source: yookassa.ru/developers/payment-acceptance/receipts/54fz."""
        return {
            "customer": {"email": email},
            "items": [
                {
                    "description": line.name[:LONGEST_DESCRIPTION],
                    "quantity": f"{line.quantity}.00",
                    "amount": _amount(line.amount),
                    "vat_code": self._vat_code,
                    "payment_subject": "service",
                    "payment_mode": mode,
                }
                for line in lines
            ],
        }

    def _ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: dict[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The package's own client has no time limit, one shop for the whole process, and takes a network that is away
        for a fault of its own: its models alone are used.
        """
        try:
            with place(self.name):
                answer = self._session.request(
                    method,
                    self._base + path,
                    auth=(self._shop_id, self._secret_key),
                    headers={"Idempotence-Key": key} if key else None,
                    json=body,
                    params=params,
                    timeout=timeouts(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                )
            told = answer.json()
        except requests.RequestException as failure:
            log.warning("YooKassa cannot be reached: %s", failure)
            raise GatewayUnavailable from failure
        if not isinstance(told, dict):
            raise GatewayUnavailable
        if answer.status_code == 200:
            return told
        said, code = str(told.get("description", "")), told.get("code")
        if answer.status_code in (401, 403):
            # Our settings are wrong, not the payment: once they are mended, what is owed must still be done.
            log.critical("YooKassa does not accept our shop: %s", said)
            raise GatewayUnavailable
        if answer.status_code in (202, 429) or answer.status_code >= 500:
            log.warning("YooKassa has a fault: %s %s", answer.status_code, said)
            raise GatewayUnavailable
        log.error("YooKassa refused: %s (%s, %s)", said, code, told.get("parameter"))
        raise GatewayRefused(said, code)


def _checked(kind: type[RequestObject], wanted: dict[str, Any]) -> dict[str, Any]:
    """The request as the package's model sends it. Raises GatewayRefused for one that breaks its rules."""
    try:
        request = kind(wanted)
        request.validate()
    except (ValueError, TypeError) as broken:
        raise GatewayRefused(str(broken)) from broken
    return dict(request)


def _state(payment: Mapping[str, Any]) -> CheckoutState:
    status, reason = payment["status"], payment.get("cancellation_details", {}).get("reason")
    ended = {"pending": CheckoutStatus.OPEN}.get(status, CheckoutStatus.COMPLETE)
    if status == "canceled" and reason == "expired_on_confirmation":
        ended = CheckoutStatus.EXPIRED
    return CheckoutState(
        id=payment["id"],
        status=ended,
        paid=status == "succeeded",
        failed=status == "canceled" and ended is CheckoutStatus.COMPLETE,
        amount=_money(payment["amount"]),
        payment_intent=payment["id"],
        reference=payment.get("metadata", {}).get("booking"),
    )


def _refund_state(refund: Mapping[str, Any]) -> RefundState:
    return RefundState(
        id=refund["id"],
        status=REFUND_STATES[refund["status"]],
        amount=_money(refund["amount"]),
        payment_intent=refund["payment_id"],
    )


def _reference(refund: Mapping[str, Any]) -> str | None:
    """Ours, out of the key "refund-<reference>-<attempt>" that the refund carries."""
    key = refund.get("metadata", {}).get("key", "").split("-")
    return key[1] if len(key) == 3 else None


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _amount(money: Money) -> dict[str, str]:
    return {"value": f"{Decimal(money.minor) / 100:.2f}", "currency": money.currency}


def _money(amount: Mapping[str, str]) -> Money:
    return Money(int(Decimal(amount["value"]) * 100), amount["currency"])
