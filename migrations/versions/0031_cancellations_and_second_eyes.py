"""Why bookings were cancelled and what it cost, and refunds that wait for a second person."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

REASONS = ("plans", "illness", "visa_refused", "other", "arrears")


def upgrade() -> None:
    op.create_table(
        "cancellation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(*REASONS, name="cancelreason", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("costs_minor", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("limit_minor >= 0", name=op.f("ck_cancellation_limit_not_negative")),
        sa.CheckConstraint("costs_minor BETWEEN 0 AND limit_minor", name=op.f("ck_cancellation_costs_within_limit")),
        sa.CheckConstraint(
            "(costs_minor IS NULL) = (settled_at IS NULL)", name=op.f("ck_cancellation_settled_with_costs")
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_cancellation_booking_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["account.id"], name=op.f("fk_cancellation_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancellation")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_cancellation_booking_id")),
    )
    _index_where("ix_cancellation_open", "cancellation", "made_at", "costs_minor IS NULL")
    op.create_table(
        "refund_approval",
        sa.Column("refund_id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(approved_by_id IS NULL) = (approved_at IS NULL)", name=op.f("ck_refund_approval_approved_with_time")
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_approval_refund_id")),
        sa.ForeignKeyConstraint(["approved_by_id"], ["account.id"], name=op.f("fk_refund_approval_approved_by_id")),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refund_approval")),
    )
    _index_where("ix_refund_approval_open", "refund_approval", "refund_id", "approved_at IS NULL")


def _index_where(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    op.drop_table("refund_approval")
    op.drop_table("cancellation")
