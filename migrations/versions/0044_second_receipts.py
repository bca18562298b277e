"""That the prepayments of a booking were set off when its voyage was over."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fiscal_settlement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_fiscal_settlement_total_not_negative")),
        sa.CheckConstraint(
            "(content IS NULL) = (total_minor = 0)", name=op.f("ck_fiscal_settlement_content_with_total")
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_fiscal_settlement_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fiscal_settlement")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_fiscal_settlement_booking_id")),
    )


def downgrade() -> None:
    op.drop_table("fiscal_settlement")
