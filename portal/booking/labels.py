"""Names of states and kinds, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.booking.details import Field, NameField
from portal.booking.models import (
    BookingChangeState,
    BookingState,
    ChangeKind,
    ChangeState,
    ChargeKind,
    DocumentKind,
    FiledKind,
    Sex,
    TravelState,
)
from portal.pricing.labels import LINES
from portal.pricing.rules import LineKind

BOOKING_STATES: dict[BookingState, LazyString] = {
    BookingState.DRAFT: _l("Being filled in"),
    BookingState.PENDING: _l("Awaiting payment"),
    BookingState.CONFIRMED: _l("Confirmed"),
    BookingState.EXPIRED: _l("Expired"),
    BookingState.CANCELLED: _l("Cancelled"),
}
# The kind of the status mark (templates/components/page.html) that goes with each.
BOOKING_TONES: dict[BookingState, str] = {
    BookingState.DRAFT: "neutral",
    BookingState.PENDING: "wait",
    BookingState.CONFIRMED: "good",
    BookingState.EXPIRED: "bad",
    BookingState.CANCELLED: "bad",
}
BOOKING_CHANGES: dict[ChangeKind, LazyString] = {
    ChangeKind.NAME: _l("Name corrected"),
    ChangeKind.CABIN: _l("Another cabin"),
    ChangeKind.PASSENGER_ADDED: _l("Passenger added"),
    ChangeKind.PASSENGER_CANCELLED: _l("Passenger cancelled"),
    ChangeKind.CABIN_CANCELLED: _l("Cabin cancelled"),
    ChangeKind.SAILING: _l("Another sailing"),
    ChangeKind.REPRICED: _l("New price"),
}
BOOKING_CHANGE_STATES: dict[BookingChangeState, LazyString] = {
    BookingChangeState.AWAITING: _l("Waits for the payment"),
    BookingChangeState.APPLIED: _l("Done"),
    BookingChangeState.DROPPED: _l("Given up"),
}
BOOKING_CHANGE_TONES: dict[BookingChangeState, str] = {
    BookingChangeState.AWAITING: "wait",
    BookingChangeState.APPLIED: "good",
    BookingChangeState.DROPPED: "neutral",
}
TRAVEL_STATES: dict[TravelState, LazyString] = {
    TravelState.OPEN: _l("Not checked in yet"),
    TravelState.CHECKED_IN: _l("Checked in"),
    TravelState.BOARDED: _l("On board"),
    TravelState.ASHORE: _l("Ashore"),
    TravelState.DENIED: _l("Boarding denied"),
    TravelState.DISEMBARKED: _l("Left the ship"),
}
TRAVEL_TONES: dict[TravelState, str] = {
    TravelState.OPEN: "neutral",
    TravelState.CHECKED_IN: "good",
    TravelState.BOARDED: "good",
    TravelState.ASHORE: "info",
    TravelState.DENIED: "bad",
    TravelState.DISEMBARKED: "neutral",
}
KEPT = _l("Kept when the booking was changed, by its conditions")
CHARGES: dict[ChargeKind, LazyString] = {
    kind: KEPT if kind is ChargeKind.KEPT else LINES[LineKind(kind)] for kind in ChargeKind
}
SEXES: dict[Sex, LazyString] = {
    Sex.FEMALE: _l("Female"),
    Sex.MALE: _l("Male"),
    Sex.UNSPECIFIED: _l("Not specified in the passport"),
}
DOCUMENT_KINDS: dict[DocumentKind, LazyString] = {
    DocumentKind.PASSPORT: _l("Passport for travel abroad"),
    DocumentKind.INTERNAL_PASSPORT: _l("Internal passport of Russia"),
    DocumentKind.BIRTH_CERTIFICATE: _l("Birth certificate"),
}
# What a passenger may tell later, as it stands in a list of what is missing.
FIELDS: dict[NameField | Field, LazyString] = {
    NameField.SURNAME: _l("surname"),
    NameField.GIVEN_NAMES: _l("given names"),
    Field.SEX: _l("sex"),
    Field.BIRTH_PLACE: _l("place of birth"),
    Field.DOCUMENT_KIND: _l("kind of document"),
    Field.DOCUMENT_NUMBER: _l("number of the document"),
    Field.DOCUMENT_EXPIRES: _l("last day of the document"),
}
FILED: dict[FiledKind, LazyString] = {
    FiledKind.PORTS: _l("Passenger list for ports, border guards and transport security"),
    FiledKind.INVITATION_TM: _l("List for letters of invitation to Turkmenistan"),
    FiledKind.GROUP_IR: _l("Group list of Russian citizens for Iran"),
}
CHANGE_STATES: dict[ChangeState, LazyString] = {
    ChangeState.ASKED: _l("Asked for"),
    ChangeState.ACCEPTED: _l("Accepted"),
    ChangeState.REFUSED: _l("Refused"),
    ChangeState.WITHDRAWN: _l("Taken back"),
}
