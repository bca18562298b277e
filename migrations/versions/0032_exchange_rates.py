"""Dated exchange rates with their source; never changed, and never used by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_rate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("against", sa.String(length=3), nullable=False),
        sa.Column("rate_millionths", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("entered_by_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate_millionths > 0", name=op.f("ck_exchange_rate_rate_positive")),
        sa.CheckConstraint("currency <> against", name=op.f("ck_exchange_rate_two_currencies")),
        sa.ForeignKeyConstraint(["entered_by_id"], ["account.id"], name=op.f("fk_exchange_rate_entered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_rate")),
    )
    op.create_index(op.f("ix_exchange_rate_day"), "exchange_rate", ["day"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER exchange_rate_append_only BEFORE UPDATE OR DELETE ON exchange_rate "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    op.execute(
        "CREATE TRIGGER exchange_rate_new BEFORE INSERT ON exchange_rate "
        "WHEN EXISTS (SELECT 1 FROM exchange_rate AS other WHERE other.id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'exchange_rate is append-only'); END"
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER exchange_rate_no_{verb.lower()} BEFORE {verb} ON exchange_rate "
            "BEGIN SELECT RAISE(ABORT, 'exchange_rate is append-only'); END"
        )


def downgrade() -> None:
    op.drop_table("exchange_rate")
