"""Names of states and kinds, in words for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.booking.details import Field
from portal.booking.models import BookingState, ChangeState, ChargeKind, DocumentKind, FiledKind, Sex
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
CHARGES: dict[ChargeKind, LazyString] = {kind: LINES[LineKind(kind)] for kind in ChargeKind}
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
FIELDS: dict[Field, LazyString] = {
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
