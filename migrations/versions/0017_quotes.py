"""Prices that are promised for a while, and the booking that each becomes."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column("cabin_id", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(length=160), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("offer", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("total_minor", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_quote_total_not_negative")),
        sa.CheckConstraint("made_at < expires_at", name=op.f("ck_quote_made_before_it_expires")),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_quote_sailing_id")),
        sa.ForeignKeyConstraint(["cabin_id"], ["cabin.id"], name=op.f("fk_quote_cabin_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
        sa.UniqueConstraint("code", name=op.f("uq_quote_code")),
    )
    op.create_index(op.f("ix_quote_sailing_id"), "quote", ["sailing_id"])
    op.create_table(
        "quote_use",
        sa.Column("quote_id", sa.Integer(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("converted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "converted_at IS NULL OR booking_id IS NOT NULL", name=op.f("ck_quote_use_converted_with_booking")
        ),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("fk_quote_use_quote_id")),
        sa.ForeignKeyConstraint(["occupancy_id"], ["occupancy.id"], name=op.f("fk_quote_use_occupancy_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_quote_use_booking_id")),
        sa.PrimaryKeyConstraint("quote_id", name=op.f("pk_quote_use")),
        sa.UniqueConstraint("occupancy_id", name=op.f("uq_quote_use_occupancy_id")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_quote_use_booking_id")),
    )


def downgrade() -> None:
    op.drop_table("quote_use")
    op.drop_index(op.f("ix_quote_sailing_id"), table_name="quote")
    op.drop_table("quote")
