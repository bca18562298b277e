"""Another cabin for late money: what was offered, until when, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

STATES = ("none", "open", "accepted", "declined", "expired")


def upgrade() -> None:
    op.create_table(
        "late_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="lateofferstate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("cabins", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'none') = (expires_at IS NULL)", name=op.f("ck_late_offer_offered_until")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_late_offer_payment_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_late_offer_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_offer")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_late_offer_payment_id")),
    )
    op.create_index(op.f("ix_late_offer_booking_id"), "late_offer", ["booking_id"])
    op.create_index(
        "ix_late_offer_open",
        "late_offer",
        ["expires_at"],
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_table("late_offer")
