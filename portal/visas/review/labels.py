"""Names of what the bench shows, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.visas.labels import COMPARED
from portal.visas.review.models import LookState

# Every field of the bench, typed and read.
FIELDS: dict[str, LazyString] = COMPARED | {
    "local_name": _l("Name as written"),
    "document_kind": _l("Kind of document"),
}
# By portal.visas.review.queries.AGES_HOURS.
AGES: tuple[LazyString, ...] = (
    _l("Less than 4 hours"),
    _l("4 to 24 hours"),
    _l("1 to 2 days"),
    _l("2 to 5 days"),
    _l("More than 5 days"),
)
LOOKS: dict[LookState, LazyString] = {
    LookState.WAITING: _l("Waits for a second look"),
    LookState.AGREED: _l("Both agree"),
    LookState.DISAGREED: _l("Both differ"),
    LookState.SETTLED: _l("Settled by a lead"),
}
