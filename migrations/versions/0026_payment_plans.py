"""Paying in parts: plans that are offered, what bookings chose, and when nothing falls due."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

REASONS = ("chosen", "changed", "moved", "delayed", "resumed")


def upgrade() -> None:
    op.create_table(
        "payment_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=True),
        sa.Column("mark", sa.String(length=12), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("per_person_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("lock_percent", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(percent IS NULL) <> (per_person_minor IS NULL)", name=op.f("ck_payment_plan_one_kind_of_deposit")
        ),
        sa.CheckConstraint(
            "(per_person_minor IS NULL) = (currency IS NULL)", name=op.f("ck_payment_plan_sum_with_currency")
        ),
        sa.CheckConstraint("percent BETWEEN 1 AND 99", name=op.f("ck_payment_plan_percent_of_price")),
        sa.CheckConstraint("per_person_minor > 0", name=op.f("ck_payment_plan_deposit_positive")),
        sa.CheckConstraint("lock_percent BETWEEN 0 AND 100", name=op.f("ck_payment_plan_lock_percent_of_price")),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_payment_plan_sailing_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_payment_plan_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_plan")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_payment_plan_code_version")),
    )
    op.create_index(op.f("ix_payment_plan_sailing_id"), "payment_plan", ["sailing_id"])
    _index_where("uq_payment_plan_live", "payment_plan", ["code"], "ended_at IS NULL", unique=True)
    op.create_table(
        "booking_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(*REASONS, name="fitreason", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_booking_plan_booking_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["payment_plan.id"], name=op.f("fk_booking_plan_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_plan")),
        sa.UniqueConstraint("booking_id", "version", name=op.f("uq_booking_plan_booking_id_version")),
    )
    _index_where("uq_booking_plan_live", "booking_plan", ["booking_id"], "ended_at IS NULL", unique=True)
    op.create_table(
        "plan_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_plan_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_plan_part_amount_positive")),
        sa.ForeignKeyConstraint(["booking_plan_id"], ["booking_plan.id"], name=op.f("fk_plan_part_booking_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_part")),
        sa.UniqueConstraint("booking_plan_id", "position", name=op.f("uq_plan_part_booking_plan_id_position")),
    )
    op.create_index(op.f("ix_plan_part_due"), "plan_part", ["due"])
    op.create_table(
        "plan_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_plan_pause_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_pause")),
    )
    _index_where("uq_plan_pause_open", "plan_pause", ["booking_id", "about"], "ended_at IS NULL", unique=True)
    _index_where("ix_plan_pause_open", "plan_pause", ["booking_id"], "ended_at IS NULL", unique=False)


def _index_where(name: str, table: str, columns: list[str], where: str, *, unique: bool) -> None:
    op.create_index(
        name, table, columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def downgrade() -> None:
    for table in ("plan_pause", "plan_part", "booking_plan", "payment_plan"):
        op.drop_table(table)
