"""Write the trail, always in the transaction of the act itself."""

from contextvars import ContextVar
from datetime import datetime

from portal.audit.models import AuditEntry
from portal.database import db
from portal.kernel.clock import real_now

# Who acts now: set for each request and for the worker, so that no service can forget to say it.
acting: ContextVar[str] = ContextVar("acting", default="system")


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
