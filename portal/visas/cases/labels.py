"""Names of what becomes of cases and lists, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.visas.cases.models import CaseState, ExpectedBy, ListKind, ListState

CASE_STATES: dict[CaseState, LazyString] = {
    CaseState.COLLECTING: _l("Papers are being gathered"),
    CaseState.READY: _l("Ready to be filed"),
    CaseState.FILED: _l("Filed"),
    CaseState.WITH_AUTHORITY: _l("With the authority"),
    CaseState.MORE_INFO: _l("The authority asks for more"),
    CaseState.APPROVED: _l("Approved"),
    CaseState.REFUSED: _l("Visa refused"),
    CaseState.WITHDRAWN: _l("Withdrawn"),
}
CASE_TONES: dict[CaseState, str] = {
    CaseState.COLLECTING: "neutral",
    CaseState.READY: "wait",
    CaseState.FILED: "info",
    CaseState.WITH_AUTHORITY: "info",
    CaseState.MORE_INFO: "wait",
    CaseState.APPROVED: "good",
    CaseState.REFUSED: "bad",
    CaseState.WITHDRAWN: "neutral",
}
EXPECTED_BY: dict[ExpectedBy, LazyString] = {
    ExpectedBy.HISTORY: _l("by our own cases: nine in ten had been answered by then"),
    ExpectedBy.LEAD_TIME: _l("by the time that the authority usually needs"),
}
LIST_KINDS: dict[ListKind, LazyString] = {
    ListKind.INVITATION_TM: _l("Invitation pack for Turkmenistan"),
    ListKind.GROUP_IR: _l("Group lists for Iran"),
}
LIST_STATES: dict[ListState, LazyString] = {
    ListState.FROZEN: _l("Frozen"),
    ListState.SENT: _l("Sent"),
    ListState.ACCEPTED: _l("Taken by the authority"),
    ListState.RETURNED: _l("Came back"),
}
LIST_TONES: dict[ListState, str] = {
    ListState.FROZEN: "wait",
    ListState.SENT: "info",
    ListState.ACCEPTED: "good",
    ListState.RETURNED: "bad",
}
# Fields of portal.visas.cases.contents.Row.
ROW_FIELDS: dict[str, LazyString] = {
    "surname": _l("Surname"),
    "given_names": _l("Given names"),
    "local_surname": _l("Name as written"),
    "local_given_names": _l("Name as written"),
    "patronymic": _l("Patronymic"),
    "birth_date": _l("Date of birth"),
    "birth_place": _l("Place of birth"),
    "sex": _l("Sex"),
    "citizenship": _l("Citizenship"),
    "document_number": _l("Number"),
    "document_expires": _l("Valid until"),
    "photo": _l("Photo"),
}
