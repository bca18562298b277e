"""Changes of entry rules that one person proposes and another approves."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

STATES = ("draft", "proposed", "approved", "declined", "taken_back")


def upgrade() -> None:
    op.create_table(
        "rule_proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="proposalstate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.CheckConstraint("decided_by_id <> author_id", name=op.f("ck_rule_proposal_four_eyes")),
        sa.CheckConstraint(
            "(state IN ('approved', 'declined')) = (decided_by_id IS NOT NULL)",
            name=op.f("ck_rule_proposal_decided_by_whom"),
        ),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name=op.f("fk_rule_proposal_author_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_rule_proposal_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_proposal")),
        sa.UniqueConstraint("reference", name=op.f("uq_rule_proposal_reference")),
    )
    op.create_index(op.f("ix_rule_proposal_author_id"), "rule_proposal", ["author_id"])
    op.create_index(op.f("ix_rule_proposal_decided_by_id"), "rule_proposal", ["decided_by_id"])
    still_open = sa.text("state IN ('draft', 'proposed')")
    op.create_index(
        "ix_rule_proposal_open", "rule_proposal", ["id"], postgresql_where=still_open, sqlite_where=still_open
    )
    op.create_table(
        "proposed_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("old_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint("old_id IS NOT NULL OR content IS NOT NULL", name=op.f("ck_proposed_rule_old_or_new")),
        sa.ForeignKeyConstraint(["proposal_id"], ["rule_proposal.id"], name=op.f("fk_proposed_rule_proposal_id")),
        sa.ForeignKeyConstraint(["old_id"], ["entry_rule.id"], name=op.f("fk_proposed_rule_old_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposed_rule")),
    )
    op.create_index(op.f("ix_proposed_rule_proposal_id"), "proposed_rule", ["proposal_id"])
    with op.batch_alter_table("entry_rule") as table:
        for name in ("added_by_id", "withdrawn_by_id"):
            table.add_column(sa.Column(name, sa.Integer(), nullable=True))
            table.create_foreign_key(op.f(f"fk_entry_rule_{name}"), "rule_proposal", [name], ["id"])
            table.create_index(op.f(f"ix_entry_rule_{name}"), [name])


def downgrade() -> None:
    op.drop_table("proposed_rule")
    with op.batch_alter_table("entry_rule") as table:
        for name in ("withdrawn_by_id", "added_by_id"):
            table.drop_index(op.f(f"ix_entry_rule_{name}"))
            table.drop_constraint(op.f(f"fk_entry_rule_{name}"), type_="foreignkey")
            table.drop_column(name)
    op.drop_table("rule_proposal")
