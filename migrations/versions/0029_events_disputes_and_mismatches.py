"""Events of refunds and disputes, disputes themselves, and the comparison with the providers' own books."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# Columns without rules: no table is built anew, on either database.
COLUMNS = (
    ("payment", "asked_at", MOMENT),
    ("payment", "noted_at", MOMENT),
    ("payment", "matched_at", MOMENT),
    ("refund", "asked_at", MOMENT),
    ("refund", "matched_at", MOMENT),
    ("provider_event", "refund_id", sa.String(length=120)),
    ("provider_event", "dispute_id", sa.String(length=120)),
    ("provider_event", "next_try_at", MOMENT),
)
DISPUTES = ("answer_needed", "review", "won", "lost", "closed")
MISMATCHES = (
    *("payment_unknown", "payment_not_noted", "payment_amount", "payment_missing", "refund_unknown", "refund_amount"),
    *("refund_not_noted", "refund_missing", "refund_came_back", "dispute_unknown"),
)


def _one_of(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def _index(table: str, name: str, columns: list[str], where: str, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.add_column("provider_event", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "dispute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("provider_id", sa.String(length=120), nullable=False),
        sa.Column("state", _one_of(DISPUTES, "disputestatus"), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("answer_by", MOMENT, nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("shifts", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_dispute_amount_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_dispute_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("reference", name=op.f("uq_dispute_reference")),
        sa.UniqueConstraint("provider", "provider_id", name=op.f("uq_dispute_provider_provider_id")),
    )
    op.create_index(op.f("ix_dispute_payment_id"), "dispute", ["payment_id"])
    _index("dispute", "ix_dispute_open", ["id"], "state IN ('answer_needed', 'review')")
    op.create_table(
        "compared_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("movements", sa.Integer(), nullable=False),
        sa.Column("compared_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compared_day")),
        sa.UniqueConstraint("provider", "day", name=op.f("uq_compared_day_provider_day")),
    )
    op.create_table(
        "mismatch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("kind", _one_of(MISMATCHES, "mismatchkind"), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("booking", sa.String(length=8), nullable=True),
        sa.Column("ours_minor", sa.BigInteger(), nullable=True),
        sa.Column("theirs_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["closed_by_id"], ["account.id"], name=op.f("fk_mismatch_closed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mismatch")),
        sa.UniqueConstraint("reference", name=op.f("uq_mismatch_reference")),
    )
    _index("mismatch", "uq_mismatch_open", ["provider", "kind", "subject"], "closed_at IS NULL", unique=True)
    _index("mismatch", "ix_mismatch_open", ["id"], "closed_at IS NULL")


def downgrade() -> None:
    for table in ("mismatch", "compared_day", "dispute"):
        op.drop_table(table)
    op.drop_column("provider_event", "tries")
    for table, name, _kind in reversed(COLUMNS):
        op.drop_column(table, name)
