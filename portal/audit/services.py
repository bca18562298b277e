"""Write the trail, always in the transaction of the act itself."""

from datetime import datetime
from enum import StrEnum

from portal.audit.models import AuditEntry
from portal.database import db
from portal.kernel.acting import acting
from portal.kernel.clock import real_now


def record(
    action: str,
    *,
    subject: str,
    reference: str,
    now: datetime,
    from_state: str | None = None,
    to_state: str | None = None,
    reason: str | None = None,
) -> None:
    """Note one act. `reason` must hold no personal data: the trail outlives the booking."""
    db.session.add(
        AuditEntry(
            recorded_at=real_now(),
            business_at=now,
            actor=acting.get(),
            action=action,
            subject=subject,
            subject_reference=reference,
            from_state=from_state,
            to_state=to_state,
            reason=reason[:500] if reason else None,
        )
    )


def record_move(
    subject: str, reference: str, before: StrEnum | None, after: StrEnum, *, now: datetime, reason: str | None = None
) -> None:
    """Note that something took its next state: the act is called after the subject and the state it has now."""
    record(
        f"{subject}.{after}",
        subject=subject,
        reference=reference,
        now=now,
        from_state=before,
        to_state=after,
        reason=reason,
    )
