"""What a program measured in portraits, as advice for guest and reviewer."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

STATES = ("waiting", "read", "nothing", "forgotten")


def upgrade() -> None:
    op.create_table(
        "photo_check",
        sa.Column("measured", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="readingstate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'read') = (measured IS NOT NULL)", name=op.f("ck_photo_check_read_with_measures")
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_photo_check_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_check")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_photo_check_submission_id")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_photo_check_waiting", "photo_check", ["id"], postgresql_where=waiting, sqlite_where=waiting
    )


def downgrade() -> None:
    op.drop_table("photo_check")
