"""Entry rules as data; the checklist of each passenger; what was handed in and what staff decided."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from portal.accounts.models import Account
from portal.booking.models import Passenger
from portal.database import Base, SealedText, index_where, unique_where
from portal.files.models import StoredFile
from portal.kernel.money import Money
from portal.kernel.references import new_reference
from portal.kernel.states import Moves, move
from portal.kernel.text import LocalizedText
from portal.visas.changes import Cause, ItemChange
from portal.visas.documents import LeadTime
from portal.visas.rules import Rule
from portal.visas.terms import Confidence, Regime, SeaAccess, Severity, Supplier


class EntryRule(Base):
    """What one country asks of the holders of one passport, for entries between two dates.

    Never changed: a rule that is loaded anew with other content withdraws the old row, so that an item of a checklist
    goes on pointing to what it was judged by.
    """

    __tablename__ = "entry_rule"
    __table_args__ = (
        CheckConstraint("valid_from <= valid_to", name="valid_from_before_to"),
        CheckConstraint("max_stay_days > 0", name="stay_positive"),
        CheckConstraint("(regime = 'visa_free_group') = (group_min IS NOT NULL)", name="group_with_sizes"),
        CheckConstraint("(group_min IS NULL) = (group_max IS NULL)", name="group_sizes_together"),
        CheckConstraint("group_min BETWEEN 1 AND group_max", name="group_min_to_max"),
        CheckConstraint("invitation_p50_days BETWEEN 0 AND invitation_p90_days", name="invitation_usual_to_safe"),
        CheckConstraint("lead_p50_days BETWEEN 0 AND lead_p90_days", name="lead_usual_to_safe"),
        CheckConstraint("(fee_minor IS NULL) = (fee_currency IS NULL)", name="fee_with_currency"),
        unique_where("uq_entry_rule_live", "digest", where="withdrawn_at IS NULL"),
        Index("ix_entry_rule_pair", "destination", "nationality"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))  # of all that the rule says
    destination: Mapped[str] = mapped_column(String(2))
    nationality: Mapped[str] = mapped_column(String(2))
    stands_for: Mapped[str | None] = mapped_column(String(8))  # "EU": holds for members that have no row of their own
    regime: Mapped[Regime]
    max_stay_days: Mapped[int | None]
    entries: Mapped[str | None] = mapped_column(String(30))
    usable_by_sea: Mapped[SeaAccess]
    conditions: Mapped[LocalizedText | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    as_of: Mapped[date]
    confidence: Mapped[Confidence]
    sources: Mapped[list[str]] = mapped_column(JSON)  # keys of sources.json, or addresses
    documents: Mapped[list[str]] = mapped_column(JSON)  # of DocumentKind: what is taken at the border
    group_min: Mapped[int | None]
    group_max: Mapped[int | None]
    passport_months: Mapped[int | None]  # this and what follows: None is "as usual", see documents.json
    blank_pages: Mapped[int | None]
    photos_mm: Mapped[list[str]] = mapped_column(JSON)
    invitation_p50_days: Mapped[int | None]  # working days
    invitation_p90_days: Mapped[int | None]
    lead_p50_days: Mapped[int | None]
    lead_p90_days: Mapped[int | None]
    fee_minor: Mapped[int | None]
    fee_currency: Mapped[str | None] = mapped_column(String(3))
    inferred: Mapped[list[str]] = mapped_column(JSON)  # columns of the file that were worked out
    loaded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    # Approved by two persons; without them it came with a file that was loaded, or went with one.
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("rule_proposal.id"), index=True)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("rule_proposal.id"), index=True)

    added_by: Mapped[RuleProposal | None] = relationship(foreign_keys=[added_by_id])
    withdrawn_by: Mapped[RuleProposal | None] = relationship(foreign_keys=[withdrawn_by_id])

    def as_rule(self) -> Rule:
        """What the pure rules work with."""
        return Rule(
            id=self.id,
            destination=self.destination,
            nationality=self.nationality,
            stands_for=self.stands_for,
            regime=self.regime,
            max_stay_days=self.max_stay_days,
            entries=self.entries,
            usable_by_sea=self.usable_by_sea,
            conditions=self.conditions,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            as_of=self.as_of,
            confidence=self.confidence,
            sources=tuple(self.sources),
            documents=tuple(self.documents),
            group_min=self.group_min,
            group_max=self.group_max,
            passport_months=self.passport_months,
            blank_pages=self.blank_pages,
            photos_mm=tuple(self.photos_mm),
            invitation=_lead(self.invitation_p50_days, self.invitation_p90_days),
            authority=_lead(self.lead_p50_days, self.lead_p90_days),
            fee=Money(self.fee_minor, self.fee_currency)
            if self.fee_minor is not None and self.fee_currency is not None
            else None,
            inferred=tuple(self.inferred),
        )


def _lead(usual: int | None, safe: int | None) -> LeadTime | None:
    return LeadTime(usual, safe) if usual is not None and safe is not None else None


class ProposalState(StrEnum):
    DRAFT = "draft"  # seen by its author alone
    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"


PROPOSAL_MOVES: Moves[ProposalState] = {
    ProposalState.DRAFT: {ProposalState.PROPOSED, ProposalState.TAKEN_BACK},
    ProposalState.PROPOSED: {ProposalState.APPROVED, ProposalState.DECLINED, ProposalState.TAKEN_BACK},
}


class RuleProposal(Base):
    """A change of entry rules that one person asks for and another lets in force, all its lines together."""

    __tablename__ = "rule_proposal"
    __table_args__ = (
        CheckConstraint("decided_by_id <> author_id", name="four_eyes"),
        CheckConstraint("(state IN ('approved', 'declined')) = (decided_by_id IS NOT NULL)", name="decided_by_whom"),
        index_where("ix_rule_proposal_open", "id", where="state IN ('draft', 'proposed')"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    state: Mapped[ProposalState] = mapped_column(default=ProposalState.DRAFT)
    why: Mapped[str] = mapped_column(String(500))
    author_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    made_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    decided_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(500))

    author: Mapped[Account] = relationship(foreign_keys=[author_id])
    decided_by: Mapped[Account | None] = relationship(foreign_keys=[decided_by_id])
    lines: Mapped[list[ProposedRule]] = relationship(back_populates="proposal", order_by="ProposedRule.id")

    def move_to(self, state: ProposalState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, PROPOSAL_MOVES)


class ProposedRule(Base):
    """One line of a proposal: a rule that goes, one that comes, or one in place of another."""

    __tablename__ = "proposed_rule"
    __table_args__ = (CheckConstraint("old_id IS NOT NULL OR content IS NOT NULL", name="old_or_new"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("rule_proposal.id"), index=True)
    old_id: Mapped[int | None] = mapped_column(ForeignKey("entry_rule.id"))
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # by rule_file.WHOLE_COLUMNS

    proposal: Mapped[RuleProposal] = relationship(back_populates="lines")
    old: Mapped[EntryRule | None] = relationship()


class ItemState(StrEnum):
    TODO = "todo"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    ACCEPTED = "accepted"
    WAIVED = "waived"  # a lead lets the passenger go without it: portal.visas.review.models.Waiver says why
    NOT_APPLICABLE = "not_applicable"  # the sailing or the passenger changed; what was handed in is kept


ITEM_MOVES: Moves[ItemState] = {
    # Accepted without a document of the guest: what we get ourselves, once it is there.
    ItemState.TODO: {ItemState.IN_REVIEW, ItemState.ACCEPTED, ItemState.WAIVED, ItemState.NOT_APPLICABLE},
    ItemState.IN_REVIEW: {
        ItemState.ACCEPTED,
        ItemState.CHANGES_REQUESTED,
        ItemState.WAIVED,
        ItemState.NOT_APPLICABLE,
    },
    # Accepted after all when a lead finds that it was sent back wrongly.
    ItemState.CHANGES_REQUESTED: {
        ItemState.IN_REVIEW,
        ItemState.ACCEPTED,
        ItemState.WAIVED,
        ItemState.NOT_APPLICABLE,
    },
    # Back to the start when what it was accepted for has changed: another passport, other dates.
    ItemState.ACCEPTED: {ItemState.TODO, ItemState.CHANGES_REQUESTED, ItemState.NOT_APPLICABLE},
    ItemState.WAIVED: {ItemState.TODO, ItemState.NOT_APPLICABLE},
    ItemState.NOT_APPLICABLE: {ItemState.TODO},
}


class ChecklistItem(Base):
    """One paper of one passenger. What is asked is worked out by the rules; only `state` is decided by people."""

    __tablename__ = "checklist_item"
    __table_args__ = (
        UniqueConstraint("passenger_id", "key"),
        Index("ix_checklist_item_queue", "state", "due"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    passenger_id: Mapped[int] = mapped_column(ForeignKey("passenger.id"))
    key: Mapped[str] = mapped_column(String(40))  # "passport", "visa_tm.TM", "evisa_ru.RU.2"
    document: Mapped[str] = mapped_column(String(24))  # code in documents.json
    country: Mapped[str | None] = mapped_column(String(2))
    entry_number: Mapped[int | None]
    supplier: Mapped[Supplier]
    severity: Mapped[Severity]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # of portal.visas.rules.Reason
    due: Mapped[date]
    basis: Mapped[str] = mapped_column(String(64))  # digest of what an acceptance relies on
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("entry_rule.id"))
    sailing_version: Mapped[int]
    state: Mapped[ItemState] = mapped_column(default=ItemState.TODO)
    refreshed_at: Mapped[datetime]

    passenger: Mapped[Passenger] = relationship()
    rule: Mapped[EntryRule | None] = relationship()
    submissions: Mapped[list[Submission]] = relationship(back_populates="item", order_by="Submission.number")

    def move_to(self, state: ItemState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, ITEM_MOVES)


class ChecklistChange(Base):
    """What changed on one passenger's checklist when it was worked out anew, and why. Rows are only ever added."""

    __tablename__ = "checklist_change"
    __table_args__ = (index_where("ix_checklist_change_untold", "passenger_id", where="told_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    passenger_id: Mapped[int] = mapped_column(ForeignKey("passenger.id"), index=True)
    made_at: Mapped[datetime]
    cause: Mapped[Cause]
    sailing_version: Mapped[int]
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # of portal.visas.changes.ItemChange
    told_at: Mapped[datetime | None]  # when the letter was written

    passenger: Mapped[Passenger] = relationship()

    @property
    def changes(self) -> tuple[ItemChange, ...]:
        return tuple(ItemChange.from_json(item) for item in self.items)


BY_PASSENGER = "passenger:"


class Submission(Base):
    """A document handed in for an item; a later one takes its place, none is forgotten."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("item_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    item_id: Mapped[int] = mapped_column(ForeignKey("checklist_item.id"))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    number: Mapped[int]
    submitted_at: Mapped[datetime]
    submitted_by: Mapped[str] = mapped_column(String(60))  # "account:17", "guest", "passenger:K7…"

    item: Mapped[ChecklistItem] = relationship(back_populates="submissions")
    file: Mapped[StoredFile] = relationship()
    review: Mapped[Review | None] = relationship(back_populates="submission")
    asked_again: Mapped[AskedAgain | None] = relationship(back_populates="submission", lazy="joined")

    @property
    def by_passenger(self) -> bool:
        """Handed in by the passenger's own link: then the one who booked sees how it stands, not the document."""
        return self.submitted_by.startswith(BY_PASSENGER)


class Decision(StrEnum):
    ACCEPTED = "accepted"
    RETURNED = "returned"


class ReturnReason(StrEnum):
    BLURRED = "blurred"
    CROPPED = "cropped"
    WRONG_DOCUMENT = "wrong_document"
    EXPIRED = "expired"
    EXPIRES_TOO_EARLY = "expires_too_early"
    NAME_MISMATCH = "name_mismatch"
    UNREADABLE_MRZ = "unreadable_mrz"
    NOT_TRANSLATED = "not_translated"
    OTHER = "other"  # the note says what


class Review(Base):
    """What a reviewer decided on one submission. One decision each; rows are only ever added."""

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint("(decision = 'returned') = (reason IS NOT NULL)", name="returned_with_reason"),
        CheckConstraint("reason <> 'other' OR note IS NOT NULL", name="other_with_note"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Of two reviewers at once, this constraint picks one.
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), unique=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    decision: Mapped[Decision]
    reason: Mapped[ReturnReason | None]
    note: Mapped[str | None] = mapped_column(String(500))
    reviewed_at: Mapped[datetime]

    submission: Mapped[Submission] = relationship(back_populates="review")
    reviewer: Mapped[Account] = relationship()


class AskedAgain(Base):
    """A document that had been accepted and is asked for once more, and why; the decision before it stays."""

    __tablename__ = "asked_again"
    __table_args__ = (CheckConstraint("reason <> 'other' OR note IS NOT NULL", name="other_with_note"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), unique=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    reason: Mapped[ReturnReason]
    note: Mapped[str | None] = mapped_column(String(500))
    asked_at: Mapped[datetime]

    submission: Mapped[Submission] = relationship(back_populates="asked_again")


class ReadingState(StrEnum):
    WAITING = "waiting"
    READ = "read"
    NOTHING = "nothing"  # no machine-readable lines were found; the reviewer reads
    FORGOTTEN = "forgotten"  # with the document, at the end of its retention


READING_MOVES: Moves[ReadingState] = {
    ReadingState.WAITING: {ReadingState.READ, ReadingState.NOTHING, ReadingState.FORGOTTEN},
    ReadingState.READ: {ReadingState.FORGOTTEN},
    ReadingState.NOTHING: {ReadingState.FORGOTTEN},
}


class ReadByProgram:
    """What a program is to find in a submission: advice for the reviewer, and never more."""

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), unique=True)
    state: Mapped[ReadingState] = mapped_column(default=ReadingState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)  # begun; one that ended the worker is not tried for ever
    read_at: Mapped[datetime | None]

    @declared_attr
    def submission(self) -> Mapped[Submission]:
        return relationship()

    def move_to(self, state: ReadingState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, READING_MOVES)


class PassportReading(ReadByProgram, Base):
    """What a program read in the machine-readable lines of a passport."""

    __tablename__ = "passport_reading"
    __table_args__ = (
        CheckConstraint("(state = 'read') = (fields IS NOT NULL)", name="read_with_fields"),
        index_where("ix_passport_reading_waiting", "id", where="state = 'waiting'"),
    )

    fields: Mapped[str | None] = mapped_column(SealedText)  # JSON of portal.visas.mrz.Mrz
    number_fingerprint: Mapped[str | None] = mapped_column(String(64), index=True)


class PhotoCheck(ReadByProgram, Base):
    """What a program measured in a portrait."""

    __tablename__ = "photo_check"
    __table_args__ = (
        CheckConstraint("(state = 'read') = (measured IS NOT NULL)", name="read_with_measures"),
        index_where("ix_photo_check_waiting", "id", where="state = 'waiting'"),
    )

    measured: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # portal.visas.photo.Measured
