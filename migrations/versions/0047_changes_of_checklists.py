"""What changed on a checklist when it was worked out anew, and whether that was told."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

CAUSES = ("booking", "sailing", "rules", "passenger")


def upgrade() -> None:
    op.create_table(
        "checklist_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("passenger_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "cause",
            sa.Enum(*CAUSES, name="cause", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("sailing_version", sa.Integer(), nullable=False),
        sa.Column("items", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["passenger_id"], ["passenger.id"], name=op.f("fk_checklist_change_passenger_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_change")),
    )
    op.create_index(op.f("ix_checklist_change_passenger_id"), "checklist_change", ["passenger_id"])
    untold = sa.text("told_at IS NULL")
    op.create_index(
        "ix_checklist_change_untold",
        "checklist_change",
        ["passenger_id"],
        postgresql_where=untold,
        sqlite_where=untold,
    )


def downgrade() -> None:
    op.drop_table("checklist_change")
