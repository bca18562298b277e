"""How a passenger stands for a country, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.visas.readiness.board import Ready

READY: dict[Ready, LazyString] = {
    Ready.READY: _l("Ready"),
    Ready.IN_REVIEW: _l("Being checked"),
    Ready.WITH_US: _l("We arrange the rest"),
    Ready.WITH_GUEST: _l("We wait for the guest"),
    Ready.BLOCKED: _l("Something is in the way"),
}
READY_TONES: dict[Ready, str] = {
    Ready.READY: "good",
    Ready.IN_REVIEW: "wait",
    Ready.WITH_US: "info",
    Ready.WITH_GUEST: "neutral",
    Ready.BLOCKED: "bad",
}
