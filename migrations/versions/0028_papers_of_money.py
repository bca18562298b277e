"""Invoices, credit notes and receipts: numbered without gaps, and never changed."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KINDS = ("invoice", "credit_note", "receipt", "refund_receipt")
KEPT = ("money_paper", "paper_print")
GAP = (
    "NEW.number <> (SELECT coalesce(max(other.number), 0) + 1 FROM money_paper AS other "
    "WHERE other.series = NEW.series)"
)
THERE = {
    "money_paper": "EXISTS (SELECT 1 FROM money_paper AS other WHERE other.id = NEW.id OR other.key = NEW.key "
    "OR other.reverses_id = NEW.reverses_id)",
    "paper_print": "EXISTS (SELECT 1 FROM paper_print AS other WHERE other.id = NEW.id "
    "OR (other.paper_id = NEW.paper_id AND other.language = NEW.language))",
}


def upgrade() -> None:
    op.create_table(
        "paper_series",
        sa.Column("series", sa.String(length=12), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_paper_series")),
    )
    op.create_table(
        "money_paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="paperkind", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_money_paper_number_positive")),
        sa.CheckConstraint(
            "(kind = 'credit_note') = (reverses_id IS NOT NULL)", name=op.f("ck_money_paper_credit_note_reverses")
        ),
        sa.ForeignKeyConstraint(["series"], ["paper_series.series"], name=op.f("fk_money_paper_series")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_money_paper_booking_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_money_paper_payment_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["money_paper.id"], name=op.f("fk_money_paper_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_paper")),
        sa.UniqueConstraint("key", name=op.f("uq_money_paper_key")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_money_paper_reverses_id")),
        sa.UniqueConstraint("series", "number", name=op.f("uq_money_paper_series_number")),
    )
    op.create_index(op.f("ix_money_paper_booking_id"), "money_paper", ["booking_id"])
    op.create_index(op.f("ix_money_paper_issued_at"), "money_paper", ["issued_at"])
    op.create_table(
        "paper_print",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["money_paper.id"], name=op.f("fk_paper_print_paper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_print")),
        sa.UniqueConstraint("paper_id", "language", name=op.f("uq_paper_print_paper_id_language")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"""
            CREATE FUNCTION refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {GAP} THEN
                    RAISE EXCEPTION 'the number is not the next of its series' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$
        """)
        op.execute(
            "CREATE TRIGGER money_paper_next BEFORE INSERT ON money_paper "
            "FOR EACH ROW EXECUTE FUNCTION refuse_gap()"
        )
        for table in KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    op.execute(
        f"CREATE TRIGGER money_paper_next BEFORE INSERT ON money_paper WHEN {GAP} "
        "BEGIN SELECT RAISE(ABORT, 'the number is not the next of its series'); END"
    )
    for table in KEPT:
        # INSERT OR REPLACE deletes what stands in its way without asking the triggers for DELETE: so it is asked here.
        op.execute(
            f"CREATE TRIGGER {table}_new BEFORE INSERT ON {table} WHEN {THERE[table]} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def downgrade() -> None:
    for table in (*reversed(KEPT), "paper_series"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_gap()")
