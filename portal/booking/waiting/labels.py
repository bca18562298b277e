"""Names of states and reasons of the waiting list, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.booking.waiting.models import OfferState, SkipReason, WaitingState

WAITING_STATES: dict[WaitingState, LazyString] = {
    WaitingState.WAITING: _l("In line"),
    WaitingState.OFFERED: _l("A cabin is offered"),
    WaitingState.ACCEPTED: _l("Offer accepted"),
    WaitingState.LEFT: _l("Left the list"),
    WaitingState.LAPSED: _l("Offers not answered"),
    WaitingState.REMOVED: _l("Taken off the list"),
    WaitingState.ENDED: _l("Nothing to wait for any more"),
}
WAITING_TONES: dict[WaitingState, str] = {
    WaitingState.WAITING: "wait",
    WaitingState.OFFERED: "info",
    WaitingState.ACCEPTED: "good",
    WaitingState.LEFT: "neutral",
    WaitingState.LAPSED: "bad",
    WaitingState.REMOVED: "bad",
    WaitingState.ENDED: "neutral",
}
OFFER_STATES: dict[OfferState, LazyString] = {
    OfferState.OPEN: _l("Waits for an answer"),
    OfferState.ACCEPTED: _l("Offer accepted"),
    OfferState.DECLINED: _l("Declined"),
    OfferState.EXPIRED: _l("Not answered in time"),
    OfferState.WITHDRAWN: _l("Withdrawn"),
}
# For staff; the words for the guest himself are on his page.
SKIP_REASONS: dict[SkipReason, LazyString] = {
    SkipReason.TOO_SMALL: _l("the cabin sleeps fewer than the party"),
    SkipReason.OTHER_CATEGORY: _l("the party waits for another category"),
    SkipReason.OTHER_NIGHTS: _l("the cabin is free only on some of the nights that the party needs"),
    SkipReason.NOT_SOLD: _l("the part of the voyage that the party waits for is not sold by itself now"),
    SkipReason.REFUSED_BEFORE: _l("the party had this cabin offered before"),
    SkipReason.HAS_OFFER: _l("the party has another offer to answer first"),
    SkipReason.NO_ROOM: _l("the ship may not carry so many more persons"),
}
