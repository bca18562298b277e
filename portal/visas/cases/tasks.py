"""What keeps cases true after something changed, and the letter upon a refusal."""

from __future__ import annotations

from sqlalchemy import select

from portal.booking.access import link_token
from portal.booking.models import Booking
from portal.catalogue.models import Sailing
from portal.database import db
from portal.kernel.clock import now, real_now
from portal.outbox.jobs import each_minute
from portal.outbox.letters import write_letter
from portal.outbox.services import on
from portal.visas.cases.models import VisaCase
from portal.visas.cases.services import forget_lists, sync_cases
from portal.visas.keeping import RETENTION
from portal.visas.models import Submission
from portal.visas.review.models import Waiver
from portal.visas.services import OPEN

SWEEP_MINUTE = 27


@each_minute
def forget_after_cruise() -> None:
    if real_now().minute == SWEEP_MINUTE:
        forget_lists(now() - RETENTION, now())


@on("booking.confirmed")
@on("booking.passenger_changed")
@on("booking.cancelled")
def follow_booking(booking_id: int) -> None:
    sync_cases(booking_id=booking_id, now=now())


@on("visas.document_accepted")
@on("visas.document_returned")
@on("visas.asked_again")
def follow_paper(submission_id: int) -> None:
    submission = db.session.get_one(Submission, submission_id)
    sync_cases(booking_id=submission.item.passenger.booking_id, now=now())


@on("visas.paper_waived")
def follow_waiver(waiver_id: int) -> None:
    sync_cases(booking_id=db.session.get_one(Waiver, waiver_id).item.passenger.booking_id, now=now())


@on("catalogue.sailing_changed")
def follow_sailing(sailing_id: int) -> None:
    for booking_id in db.session.scalars(
        select(Booking.id).where(Booking.sailing_id == sailing_id, Booking.state.in_(OPEN)).order_by(Booking.id)
    ).all():
        sync_cases(booking_id=booking_id, now=now())


@on("visas.rules_changed")
def follow_rules(moment: str) -> None:
    for booking_id in db.session.scalars(
        select(Booking.id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
        .where(Booking.state.in_(OPEN), Sailing.starts_at > now())
        .order_by(Booking.id)
    ).all():
        sync_cases(booking_id=booking_id, now=now())


@on("visas.case_refused")
def tell_of_refusal(case_id: int) -> None:
    """With what the conditions of the booking offer; the letter names the country, no number."""
    case = db.session.get_one(VisaCase, case_id)
    booking = case.passenger.booking
    if not booking.contact_email:
        return
    write_letter(
        "visas/refused",
        key=f"visas.refused:{case.reference}:{case.decided_on}",
        recipient=booking.contact_email,
        language=booking.language,
        reference=booking.reference,
        token=link_token(booking),
        passenger=case.passenger.full_name,
        country=case.country,
    )
