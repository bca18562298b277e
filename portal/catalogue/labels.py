"""Names of the states of sailings and calls, for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.catalogue.models import CallState, SailingState

SAILING_STATES: dict[SailingState, LazyString] = {
    SailingState.DRAFT: _l("Draft"),
    SailingState.ON_SALE: _l("On sale"),
    SailingState.CLOSED: _l("Sales closed"),
    SailingState.POSTPONED: _l("Postponed"),
    SailingState.CANCELLED: _l("Cancelled"),
}

CALL_STATES: dict[CallState, LazyString] = {
    CallState.PLANNED: _l("Planned"),
    CallState.CONFIRMED: _l("Confirmed"),
    CallState.CONDITIONAL: _l("Waits for permission"),
    CallState.CANCELLED: _l("Cancelled"),
}
