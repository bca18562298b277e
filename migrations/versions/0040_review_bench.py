"""Documents that reviewers have taken, second looks, papers asked for again, waivers, and a lead of the reviewers."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

ROLES = ("customer", "operator", "reviewer", "finance", "administrator")
ITEM_STATES = ("todo", "in_review", "changes_requested", "accepted", "not_applicable")
DECISIONS = ("accepted", "returned")
REASONS = (
    "blurred",
    "cropped",
    "wrong_document",
    "expired",
    "expires_too_early",
    "name_mismatch",
    "unreadable_mrz",
    "not_translated",
    "other",
)


def allow(table: str, column: str, check: str, values: tuple[str, ...]) -> None:
    """Let the column be one of these."""
    listed = ", ".join(f"'{value}'" for value in values)
    with rebuilding(), op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(check), type_="check")
        batch.create_check_constraint(op.f(check), f"{column} IN ({listed})")


def one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    allow("account", "role", "ck_account_role", (*ROLES, "lead"))
    allow("checklist_item", "state", "ck_checklist_item_itemstate", (*ITEM_STATES, "waived"))
    op.create_table(
        "review_claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", one_of("claimend", "decided", "released", "expired"), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_review_claim_ended_with_ending")
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_review_claim_submission_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_review_claim_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_claim")),
    )
    op.create_index(op.f("ix_review_claim_submission_id"), "review_claim", ["submission_id"])
    op.create_index(op.f("ix_review_claim_reviewer_id"), "review_claim", ["reviewer_id"])
    _index_where("uq_review_claim_open", "review_claim", "submission_id", "ended_at IS NULL", unique=True)
    _index_where("uq_review_claim_reviewer", "review_claim", "reviewer_id", "ended_at IS NULL", unique=True)
    _index_where("ix_review_claim_expires", "review_claim", "expires_at", "ended_at IS NULL")
    op.create_table(
        "second_look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("draw", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("state", one_of("lookstate", "waiting", "agreed", "disagreed", "settled"), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("decision", one_of("decision", *DECISIONS), nullable=True),
        sa.Column("reason", one_of("returnreason", *REASONS), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("settled", one_of("settled", *DECISIONS), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'waiting') = (decision IS NULL)", name=op.f("ck_second_look_decision_with_state")
        ),
        sa.CheckConstraint(
            "(decision IS NULL) = (reviewer_id IS NULL)", name=op.f("ck_second_look_decision_with_reviewer")
        ),
        sa.CheckConstraint("(state = 'settled') = (lead_id IS NOT NULL)", name=op.f("ck_second_look_settled_by_lead")),
        sa.CheckConstraint(
            "(lead_id IS NULL) = (settled IS NULL)", name=op.f("ck_second_look_settled_with_decision")
        ),
        sa.CheckConstraint("draw < share", name=op.f("ck_second_look_drawn")),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_second_look_review_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_second_look_reviewer_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["account.id"], name=op.f("fk_second_look_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_look")),
        sa.UniqueConstraint("review_id", name=op.f("uq_second_look_review_id")),
    )
    op.create_index(op.f("ix_second_look_reviewer_id"), "second_look", ["reviewer_id"])
    op.create_index(op.f("ix_second_look_lead_id"), "second_look", ["lead_id"])
    _index_where("ix_second_look_open", "second_look", "drawn_at", "state IN ('waiting', 'disagreed')")
    op.create_table(
        "asked_again",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("reason", one_of("returnreason", *REASONS), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason <> 'other' OR note IS NOT NULL", name=op.f("ck_asked_again_other_with_note")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_asked_again_submission_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["account.id"], name=op.f("fk_asked_again_asked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asked_again")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_asked_again_submission_id")),
    )
    op.create_index(op.f("ix_asked_again_asked_by_id"), "asked_again", ["asked_by_id"])
    op.create_table(
        "waiver",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["checklist_item.id"], name=op.f("fk_waiver_item_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["account.id"], name=op.f("fk_waiver_lead_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_waiver_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
        sa.UniqueConstraint("file_id", name=op.f("uq_waiver_file_id")),
    )
    op.create_index(op.f("ix_waiver_item_id"), "waiver", ["item_id"])
    op.create_index(op.f("ix_waiver_lead_id"), "waiver", ["lead_id"])
    _index_where("uq_waiver_standing", "waiver", "item_id", "ended_at IS NULL", unique=True)


def _index_where(name: str, table: str, column: str, where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, table, [column], unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def downgrade() -> None:
    """What only the newer schema can say becomes the nearest of what the older one can."""
    for table in ("waiver", "asked_again", "second_look", "review_claim"):
        op.drop_table(table)
    op.execute("UPDATE checklist_item SET state = 'todo' WHERE state = 'waived'")
    op.execute("UPDATE account SET role = 'reviewer' WHERE role = 'lead'")
    allow("checklist_item", "state", "ck_checklist_item_itemstate", ITEM_STATES)
    allow("account", "role", "ck_account_role", ROLES)
