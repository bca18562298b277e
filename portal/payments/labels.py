"""Names of ways to pay and of states, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.payments.models import Method, PaymentState, RefundState

METHODS: dict[Method, LazyString] = {
    Method.CARD: _l("Bank card"),
    Method.TRANSFER: _l("Bank transfer against an invoice"),
}
STATES: dict[PaymentState, LazyString] = {
    PaymentState.CREATED: _l("Being prepared"),
    PaymentState.OPEN: _l("Awaited"),
    PaymentState.SUCCEEDED: _l("Received"),
    PaymentState.UNALLOCATED: _l("Received, we are looking for a cabin or will return it"),
    PaymentState.FAILED: _l("Failed"),
    PaymentState.EXPIRED: _l("Not paid in time"),
}
TONES: dict[PaymentState, str] = {
    PaymentState.CREATED: "neutral",
    PaymentState.OPEN: "wait",
    PaymentState.SUCCEEDED: "good",
    PaymentState.UNALLOCATED: "bad",
    PaymentState.FAILED: "bad",
    PaymentState.EXPIRED: "neutral",
}
REFUND_STATES: dict[RefundState, LazyString] = {
    RefundState.REQUESTED: _l("Being returned"),
    RefundState.SENT: _l("On its way to you"),
    RefundState.SUCCEEDED: _l("Returned"),
    RefundState.FAILED: _l("Could not be returned yet, we are working on it"),
}
REFUND_TONES: dict[RefundState, str] = {
    RefundState.REQUESTED: "wait",
    RefundState.SENT: "wait",
    RefundState.SUCCEEDED: "good",
    RefundState.FAILED: "bad",
}
