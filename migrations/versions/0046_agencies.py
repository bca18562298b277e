"""Agencies that answer for the price of bookings, and what they pay for it."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from portal.migrating import rebuilding

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

OPEN = "state IN ('created', 'open')"
OFFLINE = f"{OPEN} AND provider IS NULL AND share_id IS NULL"


def upgrade() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_points", sa.Integer(), nullable=False),
        sa.Column("net", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("limit_minor >= 0", name=op.f("ck_agency_limit_not_negative")),
        sa.CheckConstraint("commission_points BETWEEN 0 AND 5000", name=op.f("ck_agency_commission_of_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("reference", name=op.f("uq_agency_reference")),
    )
    op.create_table(
        "agency_member",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_agency_member_account_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_agency_member_agency_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_agency_member")),
    )
    op.create_index(op.f("ix_agency_member_agency_id"), "agency_member", ["agency_id"])
    with rebuilding():
        op.drop_index("uq_payment_open_offline", "payment")
        with op.batch_alter_table("payment") as table:
            _methods(table, "card", "transfer", "desk", "credit")
            table.add_column(sa.Column("agency_id", sa.Integer(), nullable=True))
            table.add_column(sa.Column("settles_id", sa.Integer(), nullable=True))
            table.create_foreign_key(op.f("fk_payment_agency_id"), "agency", ["agency_id"], ["id"])
            table.create_foreign_key(op.f("fk_payment_settles_id"), "payment", ["settles_id"], ["id"])
            table.create_check_constraint(
                op.f("ck_payment_credit_of_agency"), "method <> 'credit' OR agency_id IS NOT NULL"
            )
            table.create_check_constraint(
                op.f("ck_payment_settled_by_agency"),
                "settles_id IS NULL OR (method = 'transfer' AND agency_id IS NOT NULL)",
            )
        op.create_index(op.f("ix_payment_agency_id"), "payment", ["agency_id"])
        op.create_index(op.f("ix_payment_settles_id"), "payment", ["settles_id"])
        _unique("uq_payment_open_offline", ["booking_id", "method"], f"{OFFLINE} AND settles_id IS NULL")
        _unique("uq_payment_open_settlement", ["settles_id"], OPEN)


def downgrade() -> None:
    with rebuilding():
        for name in ("uq_payment_open_offline", "uq_payment_open_settlement"):
            op.drop_index(name, "payment")
        op.drop_index(op.f("ix_payment_settles_id"), "payment")
        op.drop_index(op.f("ix_payment_agency_id"), "payment")
        op.execute(f"UPDATE payment SET state = 'expired' WHERE {OPEN} AND settles_id IS NOT NULL")
        with op.batch_alter_table("payment") as table:
            table.drop_constraint(op.f("ck_payment_settled_by_agency"), type_="check")
            table.drop_constraint(op.f("ck_payment_credit_of_agency"), type_="check")
            table.drop_constraint(op.f("fk_payment_settles_id"), type_="foreignkey")
            table.drop_constraint(op.f("fk_payment_agency_id"), type_="foreignkey")
            table.drop_column("settles_id")
            table.drop_column("agency_id")
        op.execute("UPDATE payment SET method = 'transfer' WHERE method = 'credit'")
        with op.batch_alter_table("payment") as table:
            _methods(table, "card", "transfer", "desk")
        _unique("uq_payment_open_offline", ["booking_id", "method"], OFFLINE)
    op.drop_table("agency_member")
    op.drop_table("agency")


def _methods(table: BatchOperations, *methods: str) -> None:
    table.drop_constraint(op.f("ck_payment_method"), type_="check")
    table.create_check_constraint(op.f("ck_payment_method"), f"method IN ({', '.join(map(repr, methods))})")


def _unique(name: str, columns: list[str], where: str) -> None:
    rows = sa.text(where)
    op.create_index(name, "payment", columns, unique=True, postgresql_where=rows, sqlite_where=rows)
