"""Statements of the bank, the money on them, and the payments that it is for."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

OPEN = "state IN ('waiting', 'suspense', 'returning')"


def states(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    op.create_table(
        "bank_statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", states("statementstate", "preview", "taken"), nullable=False),
        sa.Column("format", states("statementformat", "1c", "csv", "mt940"), nullable=False),
        sa.Column("account", sa.String(length=34), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("incoming", sa.Integer(), nullable=False),
        sa.Column("incoming_minor", sa.BigInteger(), nullable=False),
        sa.Column("outgoing", sa.Integer(), nullable=False),
        sa.Column("outgoing_minor", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'preview') = (content IS NOT NULL)", name=op.f("ck_bank_statement_content_until_taken")
        ),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_bank_statement_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
        sa.UniqueConstraint("reference", name=op.f("uq_bank_statement_reference")),
        sa.UniqueConstraint("digest", name=op.f("uq_bank_statement_digest")),
    )
    op.create_table(
        "bank_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("payer_account", sa.Text(), nullable=False),
        sa.Column("payer_inn", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "state", states("linestate", "waiting", "used", "suspense", "returning", "returned"), nullable=False
        ),
        sa.Column("confidence", states("confidence", "certain", "proposed", "none", "assigned"), nullable=False),
        sa.Column("grounds", sa.JSON(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_bank_line_amount_positive")),
        sa.CheckConstraint("left_minor BETWEEN 0 AND amount_minor", name=op.f("ck_bank_line_left_of_amount")),
        sa.CheckConstraint("(state = 'used') = (left_minor = 0)", name=op.f("ck_bank_line_used_whole")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statement.id"], name=op.f("fk_bank_line_statement_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_bank_line_payment_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["account.id"], name=op.f("fk_bank_line_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint("reference", name=op.f("uq_bank_line_reference")),
        sa.UniqueConstraint("digest", name=op.f("uq_bank_line_digest")),
    )
    op.create_index(op.f("ix_bank_line_statement_id"), "bank_line", ["statement_id"])
    op.create_index(op.f("ix_bank_line_payment_id"), "bank_line", ["payment_id"])
    op.create_index(
        "ix_bank_line_open",
        "bank_line",
        ["id"],
        postgresql_where=sa.text(OPEN),
        sqlite_where=sa.text(OPEN),
    )
    op.create_table(
        "bank_allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_bank_allocation_amount_positive")),
        sa.ForeignKeyConstraint(["line_id"], ["bank_line.id"], name=op.f("fk_bank_allocation_line_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_bank_allocation_payment_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_bank_allocation_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_allocation")),
    )
    op.create_index(op.f("ix_bank_allocation_line_id"), "bank_allocation", ["line_id"])
    op.create_index(op.f("ix_bank_allocation_payment_id"), "bank_allocation", ["payment_id"])


def downgrade() -> None:
    op.drop_table("bank_allocation")
    op.drop_table("bank_line")
    op.drop_table("bank_statement")
