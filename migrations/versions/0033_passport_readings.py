"""What a program read in the machine-readable lines of passports, beside what was typed."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

STATES = ("waiting", "read", "nothing", "forgotten")


def upgrade() -> None:
    op.create_table(
        "passport_reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="readingstate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.Column("number_fingerprint", sa.String(length=64), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'read') = (fields IS NOT NULL)", name=op.f("ck_passport_reading_read_with_fields")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_passport_reading_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passport_reading")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_passport_reading_submission_id")),
    )
    op.create_index(op.f("ix_passport_reading_number_fingerprint"), "passport_reading", ["number_fingerprint"])
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_passport_reading_waiting",
        "passport_reading",
        ["id"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )


def downgrade() -> None:
    op.drop_table("passport_reading")
