"""Accounts of customers and staff."""

from datetime import datetime
from enum import StrEnum

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, SealedText


class Role(StrEnum):
    CUSTOMER = "customer"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    LEAD = "lead"  # of the reviewers
    FINANCE = "finance"
    ADMINISTRATOR = "administrator"


class Account(UserMixin, Base):
    __tablename__ = "account"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2), default="ru")
    role: Mapped[Role] = mapped_column(default=Role.CUSTOMER)
    active: Mapped[bool] = mapped_column(default=True)
    session_key: Mapped[str] = mapped_column(String(32))  # changes with the password: other sessions end
    made_at: Mapped[datetime]

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def is_staff(self) -> bool:
        return self.role is not Role.CUSTOMER

    def get_id(self) -> str:
        return f"{self.id}:{self.session_key}"


class FormDraft(Base):
    """What a visitor has typed into a form and not sent yet, so that no time-out and no sign-in takes it away."""

    __tablename__ = "form_draft"
    __table_args__ = (UniqueConstraint("visitor", "form", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64))
    form: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(40))  # the reference of what the form is about
    typed: Mapped[str] = mapped_column(SealedText)  # names and values, as JSON
    sent: Mapped[bool] = mapped_column(default=False)  # taken in by its page; kept in case that comes to nothing
    saved_at: Mapped[datetime] = mapped_column(index=True)  # real time
