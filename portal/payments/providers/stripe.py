"""The one module that knows Stripe: hosted checkout, its expiry, refunds, and events whose signature is proved."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import stripe

from portal.kernel.money import Money
from portal.payments.providers.base import (
    BadSignature,
    Checkout,
    CheckoutState,
    CheckoutStatus,
    DisputeState,
    DisputeStatus,
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
from portal.payments.providers.patience import PatientSession, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stripe.checkout import Session
    from stripe.params.checkout import SessionCreateParams

log = logging.getLogger(__name__)

# The version the parameters below are written for; the package's own default moves with its releases.
API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0
# Safe for writes too: each carries the caller's idempotency key.
NETWORK_RETRIES = 1

# Stripe closes a session 30 minutes after its creation at the earliest, by its own clock: the rest is for the journey.
CHECKOUT_TIME = timedelta(minutes=35)

# Of Stripe's currencies those in which a Caspian cruise may be sold. TMT and IRR are in none of its lists.
CURRENCIES = frozenset({"RUB", "USD", "EUR", "KZT", "AZN", "UZS", "GEL", "AMD", "TRY", "AED", "CNY", "GBP"})
# Eight digits, whatever the currency: 999 999.99 ₽ is the most that one card payment can be.
MOST_MINOR = 99_999_999

# Stripe has no Turkmen. "auto" would follow the browser and most often mean English; Turkmen readers know Russian.
LOCALES: Mapping[str, Any] = {"ru": "ru", "tk": "ru", "en": "en"}

# The session alone does not say whether unpaid money is on its way or will never come; its payment does.
WHOLE = ["payment_intent"]

LONGEST_NAME = 250
PAGE = 100

DISPUTES: Mapping[str, DisputeStatus] = {
    "warning_needs_response": DisputeStatus.ANSWER_NEEDED,
    "warning_under_review": DisputeStatus.REVIEW,
    "warning_closed": DisputeStatus.CLOSED,
    "needs_response": DisputeStatus.ANSWER_NEEDED,
    "under_review": DisputeStatus.REVIEW,
    "appeal_needs_response": DisputeStatus.ANSWER_NEEDED,
    "appeal_under_review": DisputeStatus.REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "prevented": DisputeStatus.CLOSED,
}
# Types of balance transactions that move a guest's money; "payment" and its kin are those of other methods than cards.
MOVEMENTS: Mapping[str, MovementKind] = {
    "charge": MovementKind.PAYMENT,
    "payment": MovementKind.PAYMENT,
    "refund": MovementKind.REFUND,
    "payment_refund": MovementKind.REFUND,
    "refund_failure": MovementKind.REFUND_CAME_BACK,
    "payment_failure_refund": MovementKind.REFUND_CAME_BACK,
}


class StripeProvider(Provider):
    """Stripe, or whatever speaks like it at `api_base`. Cards of Russian banks do not work here."""

    name: ClassVar[str] = "stripe"
    page_time: ClassVar[timedelta] = CHECKOUT_TIME

    def __init__(self, *, api_key: str, webhook_secret: str, api_base: str | None = None) -> None:
        self._session = PatientSession()
        # A proxy of the environment is for the way to Stripe, not for a stand-in beside us.
        self._session.trust_env = api_base is None
        self._webhook_secret = webhook_secret
        self._stripe = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            max_network_retries=NETWORK_RETRIES,
            http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS), session=self._session),
        )

    @classmethod
    def configured(cls, config: Mapping[str, Any]) -> Self | None:
        if not config["STRIPE_API_KEY"]:
            return None
        return cls(
            api_key=config["STRIPE_API_KEY"],
            webhook_secret=config["STRIPE_WEBHOOK_SECRET"],
            api_base=config["STRIPE_API_BASE"],
        )

    def close(self) -> None:
        self._session.close()

    def accepts(self, price: Money, payer: Payer) -> bool:
        """More than the largest card payment must be divided or go by bank transfer."""
        return payer is Payer.PERSON and price.currency in CURRENCIES and 0 < price.minor <= MOST_MINOR

    def open_checkout(self, order: Order) -> Checkout:
        """Stripe wants `expires_at` to be 30 minutes to 24 hours ahead when the page is first opened."""
        if sum(line.amount.minor * line.quantity for line in order.lines) != order.amount.minor:
            raise ValueError(f"{order.reference}: the lines do not add up to {order.amount}")
        names = {"payment": order.payment, "booking": order.reference}
        parameters: SessionCreateParams = {
            "mode": "payment",
            "client_reference_id": order.reference,
            "line_items": [
                {
                    "quantity": line.quantity,
                    "price_data": {
                        "currency": line.amount.currency.lower(),
                        "unit_amount": line.amount.minor,
                        "product_data": {"name": line.name[:LONGEST_NAME]},
                    },
                }
                for line in order.lines
            ],
            "customer_email": order.email,
            # Cards (and the wallets that carry them) answer at once; a bank debit takes longer than a cabin is kept.
            "allowed_payment_method_types": ["card"],
            "locale": LOCALES.get(order.language, "auto"),
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "expires_at": int(order.expires_at.timestamp()),
            "metadata": names,
            # Twice, because Stripe does not copy it: later events of the money know only the payment intent.
            "payment_intent_data": {"description": order.reference, "metadata": names},
        }
        with _errors():
            session = self._stripe.v1.checkout.sessions.create(parameters, {"idempotency_key": order.idempotency_key})
        if session.url is None:
            # The first answer, given again, shows a page that was open then; without one there is nothing to pay.
            raise GatewayRefused(f"{order.reference}: session {session.id} has no page")
        return Checkout(session.id, session.url, _moment(session.expires_at))

    def state(self, session_id: str) -> CheckoutState:
        with _errors():
            return self._ask(session_id)

    def expire(self, session_id: str) -> CheckoutState:
        with _errors():
            try:
                return _checkout_state(self._stripe.v1.checkout.sessions.expire(session_id, {"expand": WHOLE}))
            except stripe.InvalidRequestError as refusal:
                state = self._ask(session_id)
                if state.status is CheckoutStatus.OPEN:
                    raise refusal
                return state

    def refund(
        self, payment_intent: str, amount: Money, idempotency_key: str, returned: Money | None = None
    ) -> RefundState:
        """Refused with code charge_already_refunded or amount_too_large when less is left than asked."""
        with _errors():
            refund = self._stripe.v1.refunds.create(
                {
                    "payment_intent": payment_intent,
                    "amount": amount.minor,
                    # By this it is found again after Stripe has forgotten the key.
                    "metadata": {"key": idempotency_key},
                },
                {"idempotency_key": idempotency_key},
            )
        return _refund_state(refund)

    def refund_state(self, refund_id: str) -> RefundState:
        with _errors():
            return _refund_state(self._stripe.v1.refunds.retrieve(refund_id))

    def find_refund(self, payment_intent: str, idempotency_key: str) -> RefundState | None:
        with _errors():
            refunds = self._stripe.v1.refunds.list({"payment_intent": payment_intent, "limit": PAGE})
            for refund in refunds.auto_paging_iter():
                if refund.metadata and refund.metadata.to_dict().get("key") == idempotency_key:
                    return _refund_state(refund)
        return None

    def dispute_state(self, dispute_id: str) -> DisputeState:
        with _errors():
            dispute = self._stripe.v1.disputes.retrieve(dispute_id)
        question, due = dispute.status.startswith("warning_"), dispute.evidence_details.due_by
        return DisputeState(
            id=dispute.id,
            payment_intent=_id_of(dispute.payment_intent),
            status=DISPUTES.get(dispute.status, DisputeStatus.REVIEW),
            reason=dispute.reason,
            amount=Money(dispute.amount, dispute.currency.upper()),
            withdrawn=not question,
            answer_by=_moment(due) if due else None,
        )

    def movements(self, since: datetime, until: datetime) -> list[Movement]:
        """Stripe lists them in the currency of our account with it; their sources say what the guest paid."""
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        found = []
        with _errors():
            lines = self._stripe.v1.balance_transactions.list(
                {"created": cast(Any, created), "limit": PAGE, "expand": ["data.source"]}
            )
            for line in lines.auto_paging_iter():
                kind = MOVEMENTS.get(line.type)
                source = line.source.to_dict() if line.source and not isinstance(line.source, str) else {}
                if line.type == "adjustment" and source.get("object") == "dispute":
                    kind = MovementKind.DISPUTE
                if kind is None or not source:
                    continue  # fees, payouts and the like: no guest's money
                found.append(
                    Movement(
                        kind=kind,
                        id=source["id"],
                        payment_intent=_id_of(source.get("payment_intent")),
                        amount=Money(abs(source["amount"]), source["currency"].upper()),
                        reference=_our_reference(source.get("metadata") or {}),
                    )
                )
        return found

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """The signature is proved against the body as it came; five minutes of age by real time are tolerated."""
        try:
            text = body.decode()
            stripe.WebhookSignature.verify_header(
                text, headers.get("Stripe-Signature", ""), self._webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
            return self._event(json.loads(text))
        except (stripe.SignatureVerificationError, ValueError, LookupError, TypeError) as forged:
            raise BadSignature(str(forged)) from forged

    def _event(self, event: Mapping[str, Any]) -> Event:
        about = dict(event["data"]["object"])
        kind, about_id = about.get("object"), about.get("id")
        return Event(
            provider=self.name,
            id=event["id"],
            type=event["type"],
            session_id=about_id if kind == "checkout.session" else None,
            payment_intent=about_id if kind == "payment_intent" else _id_of(about.get("payment_intent")),
            refund_id=about_id if kind == "refund" else None,
            dispute_id=about_id if kind == "dispute" else None,
            created=_moment(event["created"]),
        )

    def _ask(self, session_id: str) -> CheckoutState:
        return _checkout_state(self._stripe.v1.checkout.sessions.retrieve(session_id, {"expand": WHOLE}))


@contextmanager
def _errors() -> Iterator[None]:
    """Stripe's errors as ours, and a place among those who ask it."""
    try:
        with place(StripeProvider.name):
            yield
    except (stripe.AuthenticationError, stripe.PermissionError) as unknown_key:
        # Our settings are wrong, not the payment: once they are mended, what is owed must still be done.
        log.critical("Stripe does not accept our key: %s", unknown_key)
        raise GatewayUnavailable from unknown_key
    except (stripe.RateLimitError, stripe.APIConnectionError) as failure:
        log.warning("Stripe cannot be reached: %s", failure)
        raise GatewayUnavailable from failure
    except stripe.StripeError as error:
        status = error.http_status or 500
        if status >= 500 or status == 409:  # 409: the same key is being worked on this very moment
            log.warning("Stripe has a fault: %s", error)
            raise GatewayUnavailable from error
        log.error("Stripe refused: %s (%s)", error, error.code)
        raise GatewayRefused(str(error), error.code) from error


def _checkout_state(session: Session) -> CheckoutState:
    """Of a session whose payment intent was expanded."""
    status, paid = CheckoutStatus(session.status or ""), session.payment_status == "paid"
    payment = cast("stripe.PaymentIntent | None", session.payment_intent)
    on_its_way = payment is not None and payment.status == "processing"
    return CheckoutState(
        id=session.id,
        status=status,
        paid=paid,
        failed=status is CheckoutStatus.COMPLETE and not paid and not on_its_way,
        amount=Money(session.amount_total or 0, (session.currency or "").upper()),
        payment_intent=_id_of(session.payment_intent),
        reference=session.client_reference_id,
    )


def _refund_state(refund: stripe.Refund) -> RefundState:
    return RefundState(
        id=refund.id,
        status=RefundStatus(refund.status or ""),
        amount=Money(refund.amount, refund.currency.upper()),
        payment_intent=_id_of(refund.payment_intent),
    )


def _our_reference(metadata: Mapping[str, str]) -> str | None:
    """Of a charge, which has the metadata of its payment intent, or of a refund."""
    key = metadata.get("key", "").split("-")  # "refund-<reference>-<attempt>"
    return key[1] if len(key) == 3 else metadata.get("payment")


def _id_of(reference: Any) -> str | None:
    """Stripe gives an id, or on demand the object itself."""
    return reference if reference is None or isinstance(reference, str) else cast(str, reference["id"])


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
