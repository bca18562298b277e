"""Documents that reviewers have taken, second looks at what was decided, and waivers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Enum, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.database import Base, index_where, unique_where
from portal.files.models import StoredFile
from portal.kernel.states import Moves, move
from portal.visas.models import ChecklistItem, Decision, ReturnReason, Review, Submission


class ClaimEnd(StrEnum):
    DECIDED = "decided"
    RELEASED = "released"
    EXPIRED = "expired"


class ReviewClaim(Base):
    """One document that one reviewer looks at: nobody else is given it until the claim has ended."""

    __tablename__ = "review_claim"
    __table_args__ = (
        # Of two reviewers at once, this index picks one; and nobody sits on two documents.
        unique_where("uq_review_claim_open", "submission_id", where="ended_at IS NULL"),
        unique_where("uq_review_claim_reviewer", "reviewer_id", where="ended_at IS NULL"),
        index_where("ix_review_claim_expires", "expires_at", where="ended_at IS NULL"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_with_ending"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    claimed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[ClaimEnd | None]

    submission: Mapped[Submission] = relationship()
    reviewer: Mapped[Account] = relationship()

    def end(self, ending: ClaimEnd, now: datetime) -> None:
        self.ended_at, self.ending = now, ending


class LookState(StrEnum):
    WAITING = "waiting"
    AGREED = "agreed"
    DISAGREED = "disagreed"  # a lead must settle it
    SETTLED = "settled"


LOOK_MOVES: Moves[LookState] = {
    LookState.WAITING: {LookState.AGREED, LookState.DISAGREED},
    LookState.DISAGREED: {LookState.SETTLED},
}


# Of two columns with the same values PostgreSQL wants two names for their checks.
SETTLED = Enum(
    Decision,
    name="settled",
    native_enum=False,
    create_constraint=True,
    length=24,
    values_callable=lambda decisions: [decision.value for decision in decisions],
)


class SecondLook(Base):
    """A decision that was drawn to be looked at by a second reviewer, who is not shown what the first one said."""

    __tablename__ = "second_look"
    __table_args__ = (
        CheckConstraint("(state = 'waiting') = (decision IS NULL)", name="decision_with_state"),
        CheckConstraint("(decision IS NULL) = (reviewer_id IS NULL)", name="decision_with_reviewer"),
        CheckConstraint("(state = 'settled') = (lead_id IS NOT NULL)", name="settled_by_lead"),
        CheckConstraint("(lead_id IS NULL) = (settled IS NULL)", name="settled_with_decision"),
        CheckConstraint("draw < share", name="drawn"),
        index_where("ix_second_look_open", "drawn_at", where="state IN ('waiting', 'disagreed')"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), unique=True)
    draw: Mapped[int]  # of 10 000; it follows from the document's reference and the portal's key, and can be repeated
    share: Mapped[int]  # below this, of 10 000, a decision was drawn
    state: Mapped[LookState] = mapped_column(default=LookState.WAITING)
    drawn_at: Mapped[datetime]
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    decision: Mapped[Decision | None]
    reason: Mapped[ReturnReason | None]
    note: Mapped[str | None] = mapped_column(String(500))
    looked_at: Mapped[datetime | None]
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    settled: Mapped[Decision | None] = mapped_column(SETTLED)
    settled_at: Mapped[datetime | None]

    review: Mapped[Review] = relationship()
    reviewer: Mapped[Account | None] = relationship(foreign_keys=reviewer_id)
    lead: Mapped[Account | None] = relationship(foreign_keys=lead_id)

    def move_to(self, state: LookState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, LOOK_MOVES)


class Waiver(Base):
    """Why a lead let a passenger go without a paper, and what that rests on; it falls with what it was given for."""

    __tablename__ = "waiver"
    __table_args__ = (unique_where("uq_waiver_standing", "item_id", where="ended_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("checklist_item.id"), index=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    evidence: Mapped[str] = mapped_column(String(500))  # what it rests on: whose letter, of which day
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), unique=True)  # the evidence itself
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    item: Mapped[ChecklistItem] = relationship()
    lead: Mapped[Account] = relationship()
    file: Mapped[StoredFile | None] = relationship()
