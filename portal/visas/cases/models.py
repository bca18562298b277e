"""Visa cases, and lists that were frozen to be handed to an authority."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.booking.models import Passenger
from portal.catalogue.models import Sailing
from portal.database import Base, SealedText, index_where, unique_where
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.states import Moves, move
from portal.visas.terms import Regime


class CaseState(StrEnum):
    COLLECTING = "collecting"
    READY = "ready"  # every paper that goes with the application is accepted
    FILED = "filed"
    WITH_AUTHORITY = "with_authority"
    MORE_INFO = "more_info"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


CASE_MOVES: Moves[CaseState] = {
    CaseState.COLLECTING: {CaseState.READY, CaseState.WITHDRAWN},
    CaseState.READY: {CaseState.COLLECTING, CaseState.FILED, CaseState.WITHDRAWN},
    CaseState.FILED: {
        CaseState.WITH_AUTHORITY,
        CaseState.APPROVED,
        CaseState.REFUSED,
        CaseState.WITHDRAWN,
    },
    CaseState.WITH_AUTHORITY: {
        CaseState.MORE_INFO,
        CaseState.APPROVED,
        CaseState.REFUSED,
        CaseState.WITHDRAWN,
    },
    CaseState.MORE_INFO: {CaseState.WITH_AUTHORITY, CaseState.REFUSED, CaseState.WITHDRAWN},
    CaseState.APPROVED: {CaseState.WITHDRAWN},
    CaseState.REFUSED: {CaseState.FILED, CaseState.WITHDRAWN},  # asked for once more
}
BEFORE_FILING = (CaseState.COLLECTING, CaseState.READY)
AT_WORK = (CaseState.FILED, CaseState.WITH_AUTHORITY, CaseState.MORE_INFO)


class ExpectedBy(StrEnum):
    HISTORY = "history"  # nine in ten of our own cases had been decided by then
    LEAD_TIME = "lead_time"  # what the authority usually needs


class VisaCase(Base):
    """What one country is asked for one passenger, from gathering the papers until the answer."""

    __tablename__ = "visa_case"
    __table_args__ = (
        unique_where("uq_visa_case_open", "passenger_id", "country", where="state <> 'withdrawn'"),
        CheckConstraint("fee_minor >= 0 AND (fee_minor IS NULL) = (fee_currency IS NULL)", name="fee_with_currency"),
        CheckConstraint("(expected_on IS NULL) = (expected_by IS NULL)", name="expected_with_reason"),
        CheckConstraint("valid_from <= valid_to", name="valid_from_before_to"),
        CheckConstraint(
            "state NOT IN ('filed', 'with_authority', 'more_info', 'approved', 'refused') OR filed_on IS NOT NULL",
            name="filed_with_day",
        ),
        CheckConstraint("state NOT IN ('approved', 'refused') OR decided_on IS NOT NULL", name="decided_with_day"),
        index_where("ix_visa_case_at_work", "expected_on", where="state IN ('filed', 'with_authority', 'more_info')"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    passenger_id: Mapped[int] = mapped_column(ForeignKey("passenger.id"), index=True)
    country: Mapped[str] = mapped_column(String(2))
    citizenship: Mapped[str] = mapped_column(String(2))  # as it was asked for, for the history
    regime: Mapped[Regime]
    document: Mapped[str] = mapped_column(String(24))  # the visa, by its code in documents.json
    state: Mapped[CaseState] = mapped_column(default=CaseState.COLLECTING)
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    filed_on: Mapped[date | None]
    expected_on: Mapped[date | None]
    expected_by: Mapped[ExpectedBy | None]
    decided_on: Mapped[date | None]
    fee_minor: Mapped[int | None]
    fee_currency: Mapped[str | None] = mapped_column(String(3))
    number: Mapped[str | None] = mapped_column(SealedText)  # of the visa or the letter of invitation
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    note: Mapped[str | None] = mapped_column(String(500))

    passenger: Mapped[Passenger] = relationship()

    def move_to(self, state: CaseState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, CASE_MOVES)

    @property
    def fee(self) -> Money | None:
        return None if self.fee_minor is None or self.fee_currency is None else Money(self.fee_minor, self.fee_currency)


class ListKind(StrEnum):
    INVITATION_TM = "invitation_tm"
    GROUP_IR = "group_ir"


class ListState(StrEnum):
    FROZEN = "frozen"
    SENT = "sent"
    ACCEPTED = "accepted"
    RETURNED = "returned"


LIST_MOVES: Moves[ListState] = {
    ListState.FROZEN: {ListState.SENT},
    ListState.SENT: {ListState.ACCEPTED, ListState.RETURNED},
}


class VisaList(Base):
    """A list as it was frozen. What it says never changes: issued anew it is the next version, and this one ends."""

    __tablename__ = "visa_list"
    __table_args__ = (
        UniqueConstraint("sailing_id", "kind", "number", "version"),
        unique_where("uq_visa_list_standing", "sailing_id", "kind", "number", where="ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    sailing_id: Mapped[int] = mapped_column(ForeignKey("sailing.id"))
    kind: Mapped[ListKind]
    number: Mapped[int]  # of the lists of this kind on the sailing, from 1
    version: Mapped[int]
    state: Mapped[ListState] = mapped_column(default=ListState.FROZEN)
    members: Mapped[list[str]] = mapped_column(JSON)  # references of passengers, in the order of the list
    rows: Mapped[str | None] = mapped_column(SealedText)  # JSON of what it says; forgotten after the cruise
    digest: Mapped[str] = mapped_column(String(64))  # sha256 of it
    signature: Mapped[str] = mapped_column(String(64))  # of kind, number, version and digest, by the portal's key
    made_at: Mapped[datetime]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    sailing: Mapped[Sailing] = relationship()
    made_by: Mapped[Account] = relationship()

    def move_to(self, state: ListState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, LIST_MOVES)
