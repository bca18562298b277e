"""What happened and must be followed up, and the mails that go out because of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, index_where
from portal.kernel.states import Moves


class OutboxMessage(Base):
    """One thing that happened, written with it, followed up after commit until that has succeeded once."""

    __tablename__ = "outbox_message"
    __table_args__ = (index_where("ix_outbox_message_open", "next_attempt_at", where="delivered_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    announced_at: Mapped[datetime]  # real time
    delivered_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]  # real time
    last_error: Mapped[str | None] = mapped_column(Text)


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"  # refused for good by the receiving side


MAIL_MOVES: Moves[MailState] = {MailState.QUEUED: {MailState.SENT, MailState.FAILED}}


class OutgoingMail(Base):
    """One mail, rendered whole. `key` names its cause, so that a cause repeated never sends twice."""

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_with_time"),
        index_where("ix_outgoing_mail_queued", "next_attempt_at", where="state = 'queued'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    language: Mapped[str] = mapped_column(String(2))
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    attachments: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)  # filename, mimetype, base64
    state: Mapped[MailState] = mapped_column(default=MailState.QUEUED)
    queued_at: Mapped[datetime]  # real time
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(Text)


class WorkerSign(Base):
    """When the worker was last seen, in seconds of real time: what /readyz reads."""

    __tablename__ = "worker_sign"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    seen_at: Mapped[float]
