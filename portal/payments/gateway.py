"""The one module that knows Stripe: hosted checkout, its expiry, refunds, and events whose signature is proved."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

import requests
import stripe
from flask import current_app
from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused
from portal.kernel.money import Money

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

LONGEST_NAME, LONGEST_METADATA_VALUE = 250, 500


class GatewayUnavailable(Refused):
    """Stripe could not be reached, answered with a fault, or did not know us; the same call may succeed later."""

    message = _l("The card payment service does not answer at the moment. Try again in a minute.")


class GatewayRefused(Refused):
    """Stripe understood and said no; the same call will be refused again."""

    message = _l("The card payment service refused this request. No money has moved.")

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.code = code


class BadSignature(Exception):
    """Not from Stripe, changed on the way, or too old."""


@dataclass(frozen=True)
class CheckoutLine:
    """One line of the page where the customer pays; `amount` is for one of `quantity`."""

    name: str
    amount: Money
    quantity: int = 1


@dataclass(frozen=True)
class Checkout:
    """A page to send the customer to. `expires_at` is real time."""

    id: str
    url: str
    expires_at: datetime


class CheckoutStatus(StrEnum):
    OPEN = "open"
    COMPLETE = "complete"  # the customer has done his part; whether the money came, `paid` says
    EXPIRED = "expired"


@dataclass(frozen=True)
class CheckoutState:
    """What Stripe says of a session now. `payment_intent` is there once the customer has tried to pay.

    A complete session that is neither paid nor failed waits for money that is on its way.
    """

    id: str
    status: CheckoutStatus
    paid: bool
    failed: bool
    amount: Money
    payment_intent: str | None
    reference: str | None
    metadata: Mapping[str, str]


class RefundStatus(StrEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"  # may still turn into FAILED days later
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True)
class RefundState:
    id: str
    status: RefundStatus
    amount: Money
    payment_intent: str | None


@dataclass(frozen=True)
class Event:
    """Something happened to an object; what is true now, ask Stripe. `created` is real time."""

    id: str
    type: str
    session_id: str | None
    payment_intent: str | None
    refund_id: str | None
    created: datetime


class StripeGateway:
    """Stripe, or whatever speaks like it at `api_base`."""

    def __init__(self, *, api_key: str, webhook_secret: str, api_base: str | None = None) -> None:
        self._session = requests.Session()
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

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def supports(self, currency: str) -> bool:
        return currency in CURRENCIES

    def accepts(self, amount: Money) -> bool:
        """Whether one card payment can be of this size: more must be divided or go by bank transfer."""
        return self.supports(amount.currency) and 0 < amount.minor <= MOST_MINOR

    def open_checkout(
        self,
        *,
        reference: str,
        amount: Money,
        lines: Sequence[CheckoutLine],
        email: str,
        language: str,
        success_url: str,
        cancel_url: str,
        expires_at: datetime,
        idempotency_key: str,
        metadata: Mapping[str, str],
    ) -> Checkout:
        """A page where the customer pays `amount`, the sum of `lines`.

        The same idempotency_key gives the same page again, if everything else is the same too: so expires_at is to be
        kept with the payment, not computed for each call. It is real time, 30 minutes to 24 hours ahead when the page
        is first opened (see CHECKOUT_TIME); for an earlier end call `expire`.
        success_url may hold {CHECKOUT_SESSION_ID}. Raises GatewayUnavailable or GatewayRefused.
        """
        if sum(line.amount.minor * line.quantity for line in lines) != amount.minor:
            raise ValueError(f"{reference}: the lines do not add up to {amount}")
        kept = {name: value[:LONGEST_METADATA_VALUE] for name, value in metadata.items()}
        parameters: SessionCreateParams = {
            "mode": "payment",
            "client_reference_id": reference,
            "line_items": [
                {
                    "quantity": line.quantity,
                    "price_data": {
                        "currency": line.amount.currency.lower(),
                        "unit_amount": line.amount.minor,
                        "product_data": {"name": line.name[:LONGEST_NAME]},
                    },
                }
                for line in lines
            ],
            "customer_email": email,
            # Cards (and the wallets that carry them) answer at once; a bank debit takes longer than a cabin is kept.
            "allowed_payment_method_types": ["card"],
            "locale": LOCALES.get(language, "auto"),
            "success_url": success_url,
            "cancel_url": cancel_url,
            "expires_at": int(expires_at.timestamp()),
            "metadata": kept,
            # Twice, because Stripe does not copy it: later events of the money know only the payment intent.
            "payment_intent_data": {"description": reference, "metadata": kept},
        }
        with _errors():
            session = self._stripe.v1.checkout.sessions.create(parameters, {"idempotency_key": idempotency_key})
        if session.url is None:
            # The first answer, given again, shows a page that was open then; without one there is nothing to pay.
            raise GatewayRefused(f"{reference}: session {session.id} has no page")
        return Checkout(session.id, session.url, _moment(session.expires_at))

    def checkout(self, session_id: str) -> CheckoutState:
        """What Stripe says of the session now. Raises GatewayUnavailable or GatewayRefused."""
        with _errors():
            return self._ask(session_id)

    def expire(self, session_id: str) -> CheckoutState:
        """Close the page, so that nobody can pay there any more; one that is closed already stays as it is.

        The answer may say `paid`: the customer was quicker. Raises GatewayUnavailable or GatewayRefused.
        """
        with _errors():
            try:
                return _checkout_state(self._stripe.v1.checkout.sessions.expire(session_id, {"expand": WHOLE}))
            except stripe.InvalidRequestError as refusal:
                state = self._ask(session_id)
                if state.status is CheckoutStatus.OPEN:
                    raise refusal
                return state

    def refund(self, payment_intent: str, amount: Money, idempotency_key: str) -> RefundState:
        """Give `amount` back to the card; asked again with the same key, it is still one refund.

        Raises GatewayUnavailable; GatewayRefused with code charge_already_refunded or amount_too_large when less is
        left than asked.
        """
        with _errors():
            refund = self._stripe.v1.refunds.create(
                {"payment_intent": payment_intent, "amount": amount.minor}, {"idempotency_key": idempotency_key}
            )
        return _refund_state(refund)

    def refund_state(self, refund_id: str) -> RefundState:
        """What Stripe says of the refund now. Raises GatewayUnavailable or GatewayRefused."""
        with _errors():
            return _refund_state(self._stripe.v1.refunds.retrieve(refund_id))

    def read_event(self, raw_body: bytes, signature: str) -> Event:
        """The event in a webhook request, once its signature is proved against the body as it came.

        Tolerates five minutes of age by real time. Raises BadSignature.
        """
        try:
            event = self._stripe.construct_event(raw_body, signature, self._webhook_secret)
        except (stripe.SignatureVerificationError, ValueError) as forged:
            raise BadSignature(str(forged)) from forged
        about = event.data.object.to_dict()
        kind, about_id = about.get("object"), about.get("id")
        return Event(
            id=event.id,
            type=event.type,
            session_id=about_id if kind == "checkout.session" else None,
            payment_intent=about_id if kind == "payment_intent" else _id_of(about.get("payment_intent")),
            refund_id=about_id if kind == "refund" else None,
            created=_moment(event.created),
        )

    def _ask(self, session_id: str) -> CheckoutState:
        return _checkout_state(self._stripe.v1.checkout.sessions.retrieve(session_id, {"expand": WHOLE}))


def gateway() -> StripeGateway:
    """The gateway of the running app, built from its settings when first needed."""
    kept = current_app.extensions.get("stripe_gateway")
    if kept is None:
        kept = current_app.extensions["stripe_gateway"] = StripeGateway(
            api_key=current_app.config["STRIPE_API_KEY"],
            webhook_secret=current_app.config["STRIPE_WEBHOOK_SECRET"],
            api_base=current_app.config["STRIPE_API_BASE"],
        )
    return cast(StripeGateway, kept)


@contextmanager
def _errors() -> Iterator[None]:
    """Stripe's errors as ours."""
    try:
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
        metadata=session.metadata.to_dict() if session.metadata else {},
    )


def _refund_state(refund: stripe.Refund) -> RefundState:
    return RefundState(
        id=refund.id,
        status=RefundStatus(refund.status or ""),
        amount=Money(refund.amount, refund.currency.upper()),
        payment_intent=_id_of(refund.payment_intent),
    )


def _id_of(reference: Any) -> str | None:
    """Stripe gives an id, or on demand the object itself."""
    return reference if reference is None or isinstance(reference, str) else cast(str, reference["id"])


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
