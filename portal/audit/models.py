"""The trail: rows that are only ever added; triggers in both databases refuse the rest."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base


class AuditEntry(Base):
    """One act: by whom, on what, from which state to which."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject", "subject_reference"),
        Index("ix_audit_entry_actor", "actor", "id"),  # the newest acts of one person
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]  # real time
    business_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(60))  # "account:17", "guest", "worker", "provider:stripe"
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40))
    subject_reference: Mapped[str] = mapped_column(String(40), index=True)  # staff may not know of what
    from_state: Mapped[str | None] = mapped_column(String(40))
    to_state: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(500))
