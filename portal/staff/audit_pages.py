"""The audit trail as its page shows it, and the newest entries about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select

from portal.accounts.models import Account
from portal.audit.models import AuditEntry
from portal.database import db
from portal.staff.paging import PAGE

TRAIL_SHOWN = 12


@dataclass(frozen=True)
class TrailEntry:
    id: int
    recorded_at: datetime
    business_at: datetime
    actor: str  # as recorded: "account:17", "guest", "worker", "provider:stripe"
    actor_name: str | None  # of an account
    action: str
    subject: str
    reference: str
    from_state: str | None
    to_state: str | None
    reason: str | None

    @property
    def shifted(self) -> bool:
        """Whether business time was not the world's when this was recorded, as in the demonstration."""
        return abs(self.recorded_at - self.business_at) > timedelta(days=1)


@dataclass(frozen=True)
class AuditFilters:
    subject: str | None = None
    reference: str | None = None
    actor: str | None = None


@dataclass(frozen=True)
class AuditPage:
    rows: tuple[TrailEntry, ...]
    filters: AuditFilters
    subjects: tuple[str, ...]
    before: int | None  # older rows come before this id


def audit_page(filters: AuditFilters, before: int | None) -> AuditPage:
    """The newest first; paged by id, so that rows written meanwhile shift nothing. Two statements."""
    query = select(AuditEntry)
    if filters.subject:
        query = query.where(AuditEntry.subject == filters.subject)
    if filters.reference:
        query = query.where(AuditEntry.subject_reference == filters.reference)
    if filters.actor:
        query = query.where(AuditEntry.actor == filters.actor)
    if before:
        query = query.where(AuditEntry.id < before)
    rows = trail_of(query, limit=PAGE + 1)
    more = len(rows) > PAGE
    return AuditPage(rows[:PAGE], filters, SUBJECTS, rows[PAGE - 1].id if more else None)


SUBJECTS = ("sailing", "occupancy", "booking", "payment", "paper", "submission", "file", "rules", "account")


def trail_of(query: Select[AuditEntry], limit: int = TRAIL_SHOWN) -> tuple[TrailEntry, ...]:
    """Two statements: the entries, and the names of the accounts that acted."""
    entries = db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()
    ids = {int(entry.actor[8:]) for entry in entries if entry.actor.startswith("account:")}
    names: dict[int, str] = {}
    if ids:
        names = dict(db.session.execute(select(Account.id, Account.name).where(Account.id.in_(ids))).all())
    return tuple(
        TrailEntry(
            id=entry.id,
            recorded_at=entry.recorded_at,
            business_at=entry.business_at,
            actor=entry.actor,
            actor_name=names.get(int(entry.actor[8:])) if entry.actor.startswith("account:") else None,
            action=entry.action,
            subject=entry.subject,
            reference=entry.subject_reference,
            from_state=entry.from_state,
            to_state=entry.to_state,
            reason=entry.reason,
        )
        for entry in entries
    )
