"""What the portal asks of whoever takes money for it, and what it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused
from portal.kernel.money import Money


class GatewayUnavailable(Refused):
    """The provider could not be reached, answered with a fault, or did not know us; the same call may succeed later.

    What was asked may have been done all the same: ask again with the same key.
    """

    message = _l("The payment service does not answer at the moment. Nothing was charged. Try again in a minute.")


class GatewayBusy(GatewayUnavailable):
    """So many guests wait for this provider already that another one would make everybody wait: nothing was asked."""

    message = _l(
        "The payment service is slow at the moment, and others wait for it, too. Nothing was charged. Try again soon."
    )


class GatewayRefused(Refused):
    """The provider understood and said no, for good: nothing was done, and the same call will be refused again."""

    message = _l("The payment service refused this request. No money has moved.")

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.code = code


class BadSignature(Exception):
    """Not from the provider, changed on the way, or too old."""


class Payer(StrEnum):
    """Who pays: what he can pay with differs."""

    PERSON = "person"
    AGENCY = "agency"  # against an invoice only


@dataclass(frozen=True)
class CheckoutLine:
    """One line of the page where the customer pays; `amount` is for one of `quantity`."""

    name: str
    amount: Money
    quantity: int = 1


@dataclass(frozen=True)
class Order:
    """What a page is opened for. The sum of `lines` is `amount`.

    reference: of the booking, as the customer knows it; payment: of the attempt to pay, never used twice.
    expires_at: real time, the provider's `page_time` from when the attempt began; kept with the attempt, so that asking
    again asks for the same. idempotency_key: asked again with it, and all else the same, it is the same page.
    part: less than all that is owed, as a receipt has to say.
    """

    reference: str
    payment: str
    amount: Money
    lines: Sequence[CheckoutLine]
    email: str
    language: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    idempotency_key: str
    part: bool = False


@dataclass(frozen=True)
class Checkout:
    """A page to send the customer to. `id` is the provider's name for it; `expires_at` is real time."""

    id: str
    url: str
    expires_at: datetime


class CheckoutStatus(StrEnum):
    OPEN = "open"
    COMPLETE = "complete"  # the customer has done his part; whether the money came, `paid` says
    EXPIRED = "expired"


@dataclass(frozen=True)
class CheckoutState:
    """What the provider says of a checkout now.

    payment_intent: the provider's name for the money, by which it is refunded; there once the customer has tried to
    pay. A complete checkout that is neither paid nor failed waits for money that is on its way.
    """

    id: str
    status: CheckoutStatus
    paid: bool
    failed: bool
    amount: Money
    payment_intent: str | None
    reference: str | None = None


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


class DisputeStatus(StrEnum):
    """Where a guest's wish to have his bank take a payment back stands."""

    ANSWER_NEEDED = "answer_needed"
    REVIEW = "review"
    WON = "won"  # the money stays, or came back, to us
    LOST = "lost"
    CLOSED = "closed"  # a question of the bank that ended without money moving


@dataclass(frozen=True)
class DisputeState:
    """withdrawn: the money is taken from us until the bank decides. reason: the provider's code. Times are real."""

    id: str
    payment_intent: str | None
    status: DisputeStatus
    reason: str
    amount: Money
    withdrawn: bool
    answer_by: datetime | None


class MovementKind(StrEnum):
    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_CAME_BACK = "refund_came_back"  # the bank could not give it to the guest
    DISPUTE = "dispute"  # money taken for a dispute, or given back after it


@dataclass(frozen=True)
class Movement:
    """One line of the provider's own books, in the currency of the payment; `amount` is never negative.

    reference: ours, of the payment or refund, where the provider was told it and says it again.
    """

    kind: MovementKind
    id: str  # of the refund or dispute; of a payment what `payment_intent` says
    payment_intent: str | None
    amount: Money
    reference: str | None = None


@dataclass(frozen=True)
class Event:
    """Something happened to an object; what is true now, ask the provider. `created` is real time.

    proved: its sender is known. Where he is not, only what names a payment of ours is worth asking about.
    """

    provider: str
    id: str
    type: str
    created: datetime
    session_id: str | None = None
    payment_intent: str | None = None
    refund_id: str | None = None
    proved: bool = True
    dispute_id: str | None = None


class Provider(ABC):
    """Takes money by a page of its own and gives it back. Made from the environment alone; safe for several threads.

    Every call to it raises GatewayUnavailable or GatewayRefused.
    """

    name: ClassVar[str]  # as payments and refunds keep it, so it never changes
    page_time: ClassVar[timedelta]  # so long a page is open, by real time, where nobody closes it before

    @classmethod
    @abstractmethod
    def configured(cls, config: Mapping[str, Any]) -> Self | None:
        """The provider by the settings of the app; None where they do not name it."""

    @abstractmethod
    def close(self) -> None:
        """Give the connections back."""

    @abstractmethod
    def accepts(self, price: Money, payer: Payer) -> bool:
        """Whether one payment of this sum and currency can work for this payer. Asks nobody."""

    @abstractmethod
    def open_checkout(self, order: Order) -> Checkout:
        """A page where the customer pays; nothing is charged yet."""

    @abstractmethod
    def state(self, session_id: str) -> CheckoutState:
        """What the provider says of the checkout now: the only proof of a payment."""

    @abstractmethod
    def expire(self, session_id: str) -> CheckoutState:
        """Close the page, so that nobody can pay there any more; one that is closed already stays as it is.

        The answer may say `paid`: the customer was quicker. It says OPEN where this provider closes no page early.
        """

    @abstractmethod
    def refund(
        self, payment_intent: str, amount: Money, idempotency_key: str, returned: Money | None = None
    ) -> RefundState:
        """Give `amount` back the way it came; asked again with the same key, it is still one refund.

        returned: what other refunds of this payment have given back by our books, for providers that know no
        keys.
        """

    @abstractmethod
    def refund_state(self, refund_id: str) -> RefundState:
        """What the provider says of the refund now."""

    def find_refund(self, payment_intent: str, idempotency_key: str) -> RefundState | None:
        """The refund that was asked for with this key, when the answer was lost; None where there is none.

        Keys are forgotten after a day or so: asking again with one could refund twice. By default nothing is looked
        for; then `refund` itself must be safe to repeat for ever.
        """
        return None

    def dispute_state(self, dispute_id: str) -> DisputeState:
        """What the provider says of a dispute now."""
        raise GatewayRefused(f"{self.name} knows no disputes")

    def movements(self, since: datetime, until: datetime) -> Iterable[Movement] | None:
        """The provider's own list of money moved from `since` up to but not including `until`, by real time; None where
        it keeps none that can be asked for.
        """
        return None

    def gone_back(self, payment_intent: str) -> Money | None:
        """All that went back of a payment, whoever asked for it; None where `movements` tells of that."""
        return None

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """The event in a request to our webhook, as far as its sender can be known. Raises BadSignature."""
        raise BadSignature(f"{self.name} sends no events")
