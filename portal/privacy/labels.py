"""Names of purposes and of who looks, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.privacy.models import Purpose
from portal.privacy.queries import Viewer

PURPOSES: dict[Purpose, LazyString] = {
    Purpose.BOOKING: _l("To carry out your booking"),
    Purpose.COMPANIONS: _l("To remember people with whom you travel"),
}
VIEWERS: dict[Viewer, LazyString] = {
    Viewer.YOU: _l("You"),
    Viewer.STAFF: _l("Our colleague"),
    Viewer.GUEST: _l("You, or somebody with your private link"),
    Viewer.PROGRAM: _l("A program of ours"),
}
