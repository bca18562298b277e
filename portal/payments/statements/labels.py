"""Names of what is on statements, in words for finance."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.payments.statements.lines import StatementFormat
from portal.payments.statements.matching import Confidence, Ground
from portal.payments.statements.models import LineState, StatementState

FORMATS: dict[StatementFormat, LazyString] = {
    StatementFormat.ONE_C: _l("1C exchange"),
    StatementFormat.CSV: _l("CSV by our template"),
    StatementFormat.MT940: _l("MT940"),
}
STATEMENT_STATES: dict[StatementState, LazyString] = {
    StatementState.PREVIEW: _l("Only looked at"),
    StatementState.TAKEN: _l("Taken over"),
}
STATEMENT_TONES: dict[StatementState, str] = {StatementState.PREVIEW: "wait", StatementState.TAKEN: "good"}
LINE_STATES: dict[LineState, LazyString] = {
    LineState.WAITING: _l("To be decided"),
    LineState.USED: _l("Used for payments"),
    LineState.SUSPENSE: _l("Set aside"),
    LineState.RETURNING: _l("To be sent back"),
    LineState.RETURNED: _l("Sent back"),
}
LINE_TONES: dict[LineState, str] = {
    LineState.WAITING: "wait",
    LineState.USED: "good",
    LineState.SUSPENSE: "bad",
    LineState.RETURNING: "wait",
    LineState.RETURNED: "neutral",
}
CONFIDENCES: dict[Confidence, LazyString] = {
    Confidence.CERTAIN: _l("Certain"),
    Confidence.PROPOSED: _l("Proposed"),
    Confidence.NONE: _l("Unknown"),
    Confidence.ASSIGNED: _l("Assigned by hand"),
}
CONFIDENCE_TONES: dict[Confidence, str] = {
    Confidence.CERTAIN: "good",
    Confidence.PROPOSED: "wait",
    Confidence.NONE: "bad",
    Confidence.ASSIGNED: "info",
}
GROUNDS: dict[Ground, LazyString] = {
    Ground.REFERENCE: _l("The reference of the payment is written with its check letter."),
    Ground.BOOKING: _l("The reference of the booking is written with its check letter."),
    Ground.NO_CHECK: _l("The reference is written without its check letter."),
    Ground.DAMAGED: _l("A reference is written with one or two characters wrong."),
    Ground.AMOUNT: _l("The sum is just what is awaited."),
    Ground.NAME: _l("The payer is the customer or one of the passengers."),
    Ground.LESS: _l("The sum is less than what is awaited."),
    Ground.MORE: _l("The sum is more than what is awaited."),
    Ground.ALREADY: _l("This payment is received already."),
    Ground.BY_HAND: _l("A colleague has marked this payment as received, with the same sum."),
    Ground.SEVERAL: _l("Something else fits just as well."),
    Ground.NOTHING: _l("No reference, and no awaited sum together with a known name."),
}
