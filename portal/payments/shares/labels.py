"""Names of the states of shares, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.payments.shares.models import ShareState

SHARE_STATES: dict[ShareState, LazyString] = {
    ShareState.OPEN: _l("Asked for"),
    ShareState.PAID: _l("Paid"),
    ShareState.WITHDRAWN: _l("Withdrawn"),
    ShareState.ENDED: _l("No longer needed"),
}
SHARE_TONES: dict[ShareState, str] = {
    ShareState.OPEN: "wait",
    ShareState.PAID: "good",
    ShareState.WITHDRAWN: "neutral",
    ShareState.ENDED: "neutral",
}
