"""What carries an operation out, booking by booking, and the letters to its guests."""

from __future__ import annotations

from portal.booking.queries import booking_page
from portal.database import db
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.outbox.jobs import each_minute, each_time
from portal.outbox.letters import write_letter
from portal.outbox.services import on
from portal.payments.operations.letters import TEMPLATES, letter_context
from portal.payments.operations.models import CaseState, OperationCase
from portal.payments.operations.queries import alternatives_for, letter_key
from portal.payments.operations.services import carry_out, close_choices, follow_booking, note_move


@each_time
def carry_out_operations() -> None:
    carry_out(now())


@each_minute
def close_late_choices() -> None:
    close_choices(now())


@on("payments.case_carried_out")
def write_to_guest(case_id: int) -> None:
    """One letter a case, whatever is repeated."""
    case = db.session.get_one(OperationCase, case_id)
    page = booking_page(case.booking_id)
    if case.state in (CaseState.OVER, CaseState.FAILED) or not page.contact_email:
        return
    operation, booking = case.operation, case.booking
    write_letter(
        TEMPLATES[operation.kind],
        key=letter_key(case.reference),
        recipient=page.contact_email,
        language=booking.language,
        **letter_context(
            page,
            booking,
            reason=operation.reason,
            old_starts_at=case.old_starts_at,
            decide_by=operation.decide_by,
            returned=Money(case.returned_minor or 0, booking.currency),
            alternatives=alternatives_for(booking, now()),
        ),
    )


@on("booking.changed")
def close_choice_of_mover(change_id: int) -> None:
    note_move(change_id=change_id, now=now())


@on("booking.cancelled")
@on("booking.expired")
def close_choice(booking_id: int) -> None:
    follow_booking(booking_id=booking_id, now=now())
