"""Names of ways to pay and of states, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.kernel.references import with_check
from portal.payments.books import DifferenceKind
from portal.payments.cancellations.models import CancelReason
from portal.payments.models import Method, MismatchKind, PaymentState, RefundState, Tender
from portal.payments.providers.base import DisputeStatus
from portal.payments.standing import PaymentStanding

METHODS: dict[Method, LazyString] = {
    Method.CARD: _l("Bank card"),
    Method.TRANSFER: _l("Bank transfer against an invoice"),
    Method.DESK: _l("At our desk, in cash or by card"),
    Method.CREDIT: _l("On the credit of an agency"),
}
TENDERS: dict[Tender, LazyString] = {
    Tender.CASH: _l("Cash"),
    Tender.TERMINAL: _l("Card, on the terminal of the desk"),
}
# Who takes the money, as whoever pays knows his own card; and what he should know before he chooses.
PROVIDERS: dict[str, LazyString] = {
    "yookassa": _l("Mir card or SBP"),
    "turkmenbank": _l("Card of a Turkmen bank"),
    "stripe": _l("Card issued outside Russia"),
}
# The same by their own names, for staff.
PROVIDER_NAMES: dict[str, str | LazyString] = {
    "stripe": "Stripe",
    "yookassa": _l("YooKassa"),
    "turkmenbank": _l("Turkmen bank"),
}
PROVIDER_HINTS: dict[str, LazyString] = {
    "yookassa": _l(
        "For cards of Russian banks, and for SBP in the app of your bank. You go to the page of YooKassa and come "
        "back; a receipt comes by mail. Your card data never touch our portal."
    ),
    "turkmenbank": _l(
        "Altyn Asyr, Milli Kart, Senagat, Rysgal and others, in manats. You go to the page of the bank and come back; "
        "we ask the bank until it says that the money is here. Your card data never touch our portal."
    ),
    "stripe": _l(
        "Visa, Mastercard and others; cards of Russian banks do not work here. You go to the page of our payment "
        "service and come back; the booking is confirmed within seconds. Your card data never touch our portal."
    ),
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
DISPUTES: dict[DisputeStatus, LazyString] = {
    DisputeStatus.ANSWER_NEEDED: _l("Your bank looks into your claim to this payment"),
    DisputeStatus.REVIEW: _l("Your bank looks into your claim to this payment"),
    DisputeStatus.WON: _l("Your bank has decided: the payment stands"),
    DisputeStatus.LOST: _l("Your bank has given this payment back to you"),
    DisputeStatus.CLOSED: _l("Your bank's question is answered: the payment stands"),
}
DISPUTE_TONES: dict[DisputeStatus, str] = {
    DisputeStatus.ANSWER_NEEDED: "wait",
    DisputeStatus.REVIEW: "wait",
    DisputeStatus.WON: "neutral",
    DisputeStatus.LOST: "neutral",
    DisputeStatus.CLOSED: "neutral",
}
# The same for staff.
DISPUTES_AT_WORK: dict[DisputeStatus, LazyString] = {
    DisputeStatus.ANSWER_NEEDED: _l("Answer the bank"),
    DisputeStatus.REVIEW: _l("The bank decides"),
    DisputeStatus.WON: _l("Won: the money is ours"),
    DisputeStatus.LOST: _l("Lost: the guest has his money back"),
    DisputeStatus.CLOSED: _l("Closed, no money moved"),
}
DISPUTE_TONES_AT_WORK: dict[DisputeStatus, str] = {
    DisputeStatus.ANSWER_NEEDED: "bad",
    DisputeStatus.REVIEW: "wait",
    DisputeStatus.WON: "good",
    DisputeStatus.LOST: "neutral",
    DisputeStatus.CLOSED: "neutral",
}
MISMATCHES: dict[MismatchKind, LazyString] = {
    MismatchKind.PAYMENT_UNKNOWN: _l("The provider took money that no payment here expects"),
    MismatchKind.PAYMENT_NOT_NOTED: _l("The provider took money that is not noted here"),
    MismatchKind.PAYMENT_AMOUNT: _l("The provider took another sum than was asked for"),
    MismatchKind.PAYMENT_MISSING: _l("The provider does not list money that is noted here"),
    MismatchKind.REFUND_UNKNOWN: _l("The provider returned money without being asked from here"),
    MismatchKind.REFUND_AMOUNT: _l("The provider returned another sum than was asked for"),
    MismatchKind.REFUND_NOT_NOTED: _l("The provider returned money that still waits here"),
    MismatchKind.REFUND_MISSING: _l("The provider does not list a return that is noted here"),
    MismatchKind.REFUND_CAME_BACK: _l("The guest's bank sent returned money back"),
    MismatchKind.DISPUTE_UNKNOWN: _l("A dispute about money that is not known here"),
}
WHAT_TO_DO: dict[MismatchKind, LazyString] = {
    MismatchKind.PAYMENT_UNKNOWN: _l(
        "Look the payment up at the provider. If it is a guest's, return it there; if it was made by another shop of "
        "yours, note that."
    ),
    MismatchKind.PAYMENT_NOT_NOTED: _l(
        "Open the booking and the payment at the provider. Wait an hour; if it is still listed, call technical support."
    ),
    MismatchKind.PAYMENT_AMOUNT: _l(
        "The provider told us one sum and lists another. Ask it in writing which one is true, and settle the rest with "
        "the guest."
    ),
    MismatchKind.PAYMENT_MISSING: _l(
        "Look for it at the provider on the days before and after. If it is nowhere, ask the provider in writing."
    ),
    MismatchKind.REFUND_UNKNOWN: _l(
        "Somebody returned it at the provider's own pages. Find out who and why, and settle the booking by hand."
    ),
    MismatchKind.REFUND_AMOUNT: _l("Ask the provider for the reason; return the rest, or ask the guest for it."),
    MismatchKind.REFUND_NOT_NOTED: _l(
        "It is asked about again by itself. If it is still listed tomorrow, call technical support; do not return the "
        "money a second time."
    ),
    MismatchKind.REFUND_MISSING: _l(
        "Look for it at the provider on the day after. If it is nowhere, ask the provider in writing before the guest "
        "does."
    ),
    MismatchKind.REFUND_CAME_BACK: _l(
        "Ask the guest for another way to return it, then send it again under “Money to return”."
    ),
    MismatchKind.DISPUTE_UNKNOWN: _l(
        "Answer the bank at the provider's own pages, and note here whose money it was."
    ),
}
STANDINGS: dict[PaymentStanding, LazyString] = {
    PaymentStanding.NONE: _l("Nothing paid"),
    PaymentStanding.PART: _l("Paid in part"),
    PaymentStanding.PAID: _l("Paid"),
    PaymentStanding.OVER: _l("More received than owed"),
    PaymentStanding.REFUND_DUE: _l("Money is going back"),
    PaymentStanding.SETTLED: _l("Settled"),
}
STANDING_TONES: dict[PaymentStanding, str] = {
    PaymentStanding.NONE: "neutral",
    PaymentStanding.PART: "wait",
    PaymentStanding.PAID: "good",
    PaymentStanding.OVER: "bad",
    PaymentStanding.REFUND_DUE: "wait",
    PaymentStanding.SETTLED: "good",
}


# What differs, and what to do about it.
DIFFERENCES: dict[DifferenceKind, tuple[LazyString, LazyString]] = {
    DifferenceKind.UNBALANCED: (
        _l("The entries of a posting do not sum to zero"),
        _l("Somebody wrote past the portal. Stop taking money and call the developers."),
    ),
    DifferenceKind.OWED: (
        _l("What the guest owes is not the price of the booking"),
        _l("Compare the lines of the price with the account of the booking, and call the developers."),
    ),
    DifferenceKind.EARNED: (
        _l("A booking that is over still stands among the sales"),
        _l("Look at how the booking ended in its trail, and call the developers."),
    ),
    DifferenceKind.HELD: (
        _l("The guest has not what came less what went back"),
        _l("Compare the payment and its returns with the provider or the bank statement."),
    ),
    DifferenceKind.RETURNING: (
        _l("What is on its way back is not what the returns say"),
        _l("Look at each return of the payment and ask the provider how it stands."),
    ),
    DifferenceKind.CLEARED: (
        _l("The channel has not what came less what has left"),
        _l("Compare the payment with the provider or the bank statement."),
    ),
}


def method_label(method: Method, provider: str | None) -> LazyString:
    """The way of one payment, in words."""
    return PROVIDERS[provider] if provider else METHODS[method]


def transfer_purpose(payment: str, booking: str) -> LazyString:
    """What the payer writes as purpose, with both references made safe against slips of the pen."""
    return _l(
        "Payment %(payment)s for booking %(booking)s", payment=with_check(payment), booking=with_check(booking)
    )
CANCEL_REASONS: dict[CancelReason, LazyString] = {
    CancelReason.PLANS: _l("My plans have changed"),
    CancelReason.VISA_REFUSED: _l("A visa was refused"),
    CancelReason.ILLNESS: _l("Illness"),
    CancelReason.OTHER: _l("Another reason"),
    CancelReason.ARREARS: _l("A part of the price did not come"),
}
