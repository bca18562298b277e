"""Names of accounts and postings, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.ledger.models import LedgerAccount, PostingKind

ACCOUNTS: dict[LedgerAccount, LazyString] = {
    LedgerAccount.GUEST: _l("Guests"),
    LedgerAccount.SALES: _l("Sales ahead of the cruise"),
    LedgerAccount.KEPT: _l("Kept at changes and cancellations"),
    LedgerAccount.STRIPE: _l("Money with Stripe"),
    LedgerAccount.BANK: _l("Bank account"),
    LedgerAccount.YOOKASSA: _l("Money with YooKassa"),
    LedgerAccount.TURKMEN_GATEWAY: _l("Money with Turkmen banks"),
    LedgerAccount.DESK: _l("Cash desk"),
    LedgerAccount.SUSPENSE: _l("Money not yet counted to a booking"),
    LedgerAccount.REFUNDS: _l("Money on its way back"),
    LedgerAccount.DISPUTES: _l("Disputed payments"),
    LedgerAccount.AGENCY: _l("Agencies"),
    LedgerAccount.FEES: _l("Fees of providers"),
    LedgerAccount.COMMISSION: _l("Commission of agencies"),
}
KINDS: dict[PostingKind, LazyString] = {
    PostingKind.OPENING: _l("Carried over"),
    PostingKind.CHARGE: _l("Price agreed"),
    PostingKind.CHARGE_ENDED: _l("Time to pay over"),
    PostingKind.PRICE_CHANGE: _l("Price changed"),
    PostingKind.CANCELLATION: _l("Booking cancelled"),
    PostingKind.PAYMENT: _l("Payment received"),
    PostingKind.UNALLOCATED: _l("Money received that counts to nothing yet"),
    PostingKind.ALLOCATION: _l("Money counted to a booking"),
    PostingKind.REFUND_REQUESTED: _l("Return of money begun"),
    PostingKind.REFUND_SETTLED: _l("Money returned"),
    PostingKind.REFUND_FAILED: _l("Return of money failed"),
    PostingKind.DISPUTE_OPENED: _l("Payment disputed"),
    PostingKind.DISPUTE_WON: _l("Dispute won"),
    PostingKind.DISPUTE_LOST: _l("Dispute lost"),
    PostingKind.FEE: _l("Fee of a provider"),
    PostingKind.PAYOUT: _l("Paid out to the bank account"),
    PostingKind.AGENCY_CREDIT: _l("Agency answers for the price"),
    PostingKind.AGENCY_PAID: _l("Paid by an agency"),
    PostingKind.COMMISSION: _l("Commission of an agency"),
    PostingKind.AGENCY_PAYOUT: _l("Paid out to an agency"),
}
