"""Words for what the screens of staff show and other packages have no words for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.booking.assignment.solver import Why
from portal.booking.labels import BOOKING_CHANGE_STATES, BOOKING_STATES, CHANGE_STATES, TRAVEL_STATES
from portal.booking.waiting.labels import WAITING_STATES
from portal.catalogue.labels import SAILING_STATES
from portal.inventory.models import ReservationKind
from portal.payments.labels import DISPUTES_AT_WORK, REFUND_STATES
from portal.payments.labels import STATES as PAYMENT_STATES
from portal.payments.operations.labels import CASE_STATES, KINDS
from portal.payments.plans.models import FitReason
from portal.visas.labels import ITEM_STATES

CABIN_STATES: dict[str, LazyString] = {
    "free": _l("Free"),
    "held": _l("Held"),
    "reserved": _l("Reserved"),
    "booked": _l("Booked"),
    "closed": _l("Closed"),
}
ASSIGNMENT_REASONS: dict[str, LazyString] = {
    Why.TOGETHER: _l("near cabin %(number)s of the same booking"),
    Why.SAVING: _l("leaves accessible and connecting cabins to those who need them"),
    Why.KEPT: _l("as kept since the booking; no other suits better"),
    Why.LAST: _l("the only one that is large enough"),
}
RESERVATION_KINDS: dict[str, LazyString] = {
    ReservationKind.OPTION: _l("Option"),
    ReservationKind.ALLOTMENT: _l("Allotment"),
}
CABIN_TONES = {"free": "good", "held": "wait", "reserved": "wait", "booked": "info", "closed": "neutral"}
SAILING_FILTERS: dict[str, LazyString] = {
    "on_sale": _l("On sale"),
    "closed": _l("Sales closed"),
    "departed": _l("Departed"),
    "draft": _l("Draft"),
    "postponed": _l("Postponed"),
    "cancelled": _l("Cancelled"),
}
FIT_REASONS: dict[FitReason, LazyString] = {
    FitReason.CHOSEN: _l("Chosen by the guest"),
    FitReason.CHANGED: _l("The booking was changed"),
    FitReason.MOVED: _l("The cruise begins on another day"),
    FitReason.DELAYED: _l("More time given"),
    FitReason.RESUMED: _l("The visa was decided on"),
}
SUBJECTS: dict[str, LazyString] = {
    "sailing": _l("Sailing"),
    "occupancy": _l("Cabin of a sailing"),
    "booking": _l("Booking"),
    "change": _l("Change of a booking"),
    "travel": _l("Journey of a booking"),
    "passenger": _l("Passenger"),
    "payment": _l("Payment"),
    "payment_plan": _l("Payment plan"),
    "refund": _l("Return of money"),
    "dispute": _l("Dispute about a payment"),
    "mismatch": _l("Difference from the provider's books"),
    "paper": _l("Paper"),
    "promotion": _l("Promotion code"),
    "quote": _l("Saved price"),
    "submission": _l("Document handed in"),
    "file": _l("File"),
    "rules": _l("Entry rules"),
    "account": _l("User account"),
    "waiting": _l("Party on the waiting list"),
    "operation": _l("Cancelling or postponing a sailing"),
    "case": _l("Booking of a sailing that was cancelled or postponed"),
}
# What the trail calls by code, by what it is about; a code that is not here is shown as it is.
STATES: dict[str, Mapping[Any, LazyString]] = {
    "booking": BOOKING_STATES,
    "change": BOOKING_CHANGE_STATES,
    "travel": TRAVEL_STATES,
    "reservation": {},
    "passenger": CHANGE_STATES,
    "occupancy": CABIN_STATES | {"released": _l("Given back"), "expired": _l("Expired")},
    "paper": ITEM_STATES,
    "payment": PAYMENT_STATES,
    "refund": REFUND_STATES,
    "dispute": DISPUTES_AT_WORK,
    "sailing": SAILING_STATES,
    "waiting": WAITING_STATES,
    "case": CASE_STATES,
    "operation": KINDS,
}
ACTORS: dict[str, LazyString] = {
    "guest": _l("Guest"),
    "worker": _l("The portal itself"),
    "system": _l("The portal itself"),
    "provider:stripe": _l("Payment provider"),
}
# What the trail calls by code; a code that is not here is shown as it is.
ACTIONS: dict[str, LazyString] = {
    "account.activated": _l("Account let in again"),
    "account.created": _l("Account opened for a colleague"),
    "account.deactivated": _l("Account shut out"),
    "account.password_changed": _l("Password changed"),
    "booking.cancelled": _l("Booking cancelled"),
    "booking.change_applied": _l("Booking changed"),
    "booking.change_awaiting": _l("Change of a booking waits for its payment"),
    "booking.change_dropped": _l("Change of a booking given up"),
    "booking.claimed": _l("Booking put into an account"),
    "booking.confirmed": _l("Booking confirmed"),
    "booking.drafted": _l("Passengers named"),
    "booking.expired": _l("Booking expired unpaid"),
    "booking.link_renewed": _l("Private link of a booking made anew"),
    "booking.pending": _l("Booking placed"),
    "booking.plan_delayed": _l("More time given for parts of the price"),
    "case.accepted": _l("Guest accepted the new dates"),
    "case.cancelled": _l("Booking cancelled by the operator, all money returned"),
    "case.failed": _l("Step for a booking failed"),
    "case.kept": _l("No answer: the new dates stand"),
    "case.move_asked": _l("Guest asked for another sailing"),
    "case.moved": _l("Guest moved to another sailing"),
    "case.over": _l("Booking was over already"),
    "case.told": _l("Guest told of the new dates"),
    "case.waiting": _l("Step for a booking to be tried again"),
    "cabin.booked": _l("Cabin booked"),
    "booking.cabin_assigned": _l("Number of a guarantee cabin given"),
    "cabin.reserved": _l("Cabin reserved"),
    "reservation.made": _l("Reservation made"),
    "reservation.date_set": _l("Date of the reservation changed"),
    "reservation.released": _l("Reservation given back"),
    "cabin.closed": _l("Cabin closed"),
    "cabin.expired": _l("Hold of a cabin expired"),
    "cabin.handed_over": _l("Cabin kept for a guest taken up"),
    "cabin.held": _l("Cabin held"),
    "cabin.held_longer": _l("Cabin held longer"),
    "cabin.released": _l("Cabin given back"),
    "change.accepted": _l("Change of a filed detail made"),
    "change.asked": _l("Change of a filed detail asked for"),
    "change.refused": _l("Change of a filed detail refused"),
    "change.withdrawn": _l("Change of a filed detail taken back"),
    "file.viewed": _l("Document looked at"),
    "list.filed": _l("Passenger list filed"),
    "list.taken_back": _l("Filed passenger list called back"),
    "operation.made": _l("Cancelling or postponing confirmed"),
    "paper.accepted": _l("Paper accepted"),
    "paper.changes_requested": _l("Paper asked for again"),
    "paper.in_review": _l("Paper waits for review"),
    "paper.not_applicable": _l("Paper no longer needed"),
    "paper.submitted": _l("Paper handed in"),
    "paper.todo": _l("Paper to be handed in anew"),
    "passenger.changed": _l("Details of a passenger told"),
    "passenger.link_renewed": _l("Private link of a passenger made anew"),
    "passenger.link_sent": _l("Private link sent to a passenger"),
    "passenger_list.taken": _l("Passenger list downloaded"),
    "payment.expired": _l("Payment no longer awaited"),
    "payment.failed": _l("Payment failed"),
    "payment.open": _l("Payment begun"),
    "payment_plan.ended": _l("Payment plan offered no more"),
    "payment_plan.offered": _l("Payment plan offered"),
    "payment.succeeded": _l("Payment received"),
    "payment.taken": _l("Payment taken at the desk"),
    "mismatch.closed": _l("Difference from the provider's books settled"),
    "dispute.answer_needed": _l("The guest's bank questions a payment"),
    "dispute.closed": _l("Question about a payment closed"),
    "dispute.lost": _l("Dispute about a payment lost"),
    "dispute.review": _l("Dispute about a payment answered"),
    "dispute.won": _l("Dispute about a payment won"),
    "late_offer.open": _l("Another cabin offered for late money"),
    "late_offer.accepted": _l("Cabin for late money accepted"),
    "late_offer.declined": _l("Cabin for late money declined"),
    "late_offer.expired": _l("Offer for late money ran out"),
    "payment.unallocated": _l("Payment received without a cabin"),
    "promotion.created": _l("Promotion code made"),
    "promotion.ended": _l("Promotion code ended"),
    "promotion.exceeded": _l("Promotion code used beyond its limit by late money"),
    "quote.saved": _l("Price saved"),
    "quote.taken_up": _l("Saved price taken up"),
    "refund.failed": _l("Return of money failed"),
    "refund.requested": _l("Return of money asked for"),
    "refund.sent": _l("Return of money on its way"),
    "refund.succeeded": _l("Money returned"),
    "review.accepted": _l("Document accepted"),
    "review.returned": _l("Document sent back"),
    "rules.loaded": _l("Entry rules loaded"),
    "sailing.cancelled": _l("Sailing cancelled"),
    "sailing.closed": _l("Sales closed"),
    "sailing.edited": _l("Sailing changed"),
    "sailing.fares_set": _l("Fares set"),
    "sailing.loaded": _l("Sailing loaded from a season file"),
    "sailing.on_sale": _l("Put on sale"),
    "sailing.part_set": _l("Part of the voyage offered or changed"),
    "sailing.postponed": _l("Sailing postponed"),
    "waiting.accepted": _l("Offer from the waiting list accepted"),
    "waiting.ended": _l("Nothing to wait for any more"),
    "waiting.joined": _l("Put on the waiting list"),
    "waiting.lapsed": _l("Off the waiting list: offers not answered"),
    "waiting.left": _l("Left the waiting list"),
    "waiting.offered": _l("Cabin offered from the waiting list"),
    "waiting.removed": _l("Taken off the waiting list"),
    "waiting.waiting": _l("Back in line"),
    "travel.ashore": _l("Went ashore"),
    "travel.boarded": _l("On board"),
    "travel.checked_in": _l("Checked in"),
    "travel.denied": _l("Boarding denied"),
    "travel.disembarked": _l("Left the ship"),
    "travel.open": _l("Check-in taken back"),
}
