"""Names of what happens to a booking when its sailing is cancelled or postponed."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.payments.operations.models import CaseState, OperationKind

KINDS: dict[OperationKind, LazyString] = {
    OperationKind.CANCEL: _l("Cancelled"),
    OperationKind.POSTPONE: _l("Postponed"),
}
CASE_STATES: dict[CaseState, LazyString] = {
    CaseState.WAITING: _l("Waits for the portal"),
    CaseState.TOLD: _l("Guest may choose"),
    CaseState.ACCEPTED: _l("New dates accepted"),
    CaseState.KEPT: _l("No answer: new dates stand"),
    CaseState.MOVE_ASKED: _l("Wants another sailing"),
    CaseState.MOVED: _l("Moved to another sailing"),
    CaseState.CANCELLED: _l("Cancelled, money goes back"),
    CaseState.OVER: _l("Was over already"),
    CaseState.FAILED: _l("Failed"),
}
CASE_TONES: dict[CaseState, str] = {
    CaseState.WAITING: "wait",
    CaseState.TOLD: "wait",
    CaseState.ACCEPTED: "good",
    CaseState.KEPT: "good",
    CaseState.MOVE_ASKED: "wait",
    CaseState.MOVED: "good",
    CaseState.CANCELLED: "neutral",
    CaseState.OVER: "neutral",
    CaseState.FAILED: "bad",
}
