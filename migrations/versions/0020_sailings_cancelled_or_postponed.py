"""A sailing cancelled or postponed as one operation, with a case for each booking; a state for what is postponed."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BEFORE = ("draft", "on_sale", "closed", "cancelled")
AFTER = ("draft", "on_sale", "closed", "postponed", "cancelled")


def states(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def allow(values: tuple[str, ...]) -> None:
    """Let the state of a sailing be one of these."""
    listed = ", ".join(f"'{value}'" for value in values)
    with rebuilding(), op.batch_alter_table("sailing") as table:
        table.drop_constraint(op.f("ck_sailing_sailingstate"), type_="check")
        table.create_check_constraint(op.f("ck_sailing_sailingstate"), f"state IN ({listed})")


def upgrade() -> None:
    allow(AFTER)
    op.create_table(
        "operation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("kind", states("operationkind", "cancel", "postpone"), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("old_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("old_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("new_starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'postpone') = (decide_by IS NOT NULL AND new_starts_at IS NOT NULL AND new_ends_at IS NOT NULL)",
            name=op.f("ck_operation_postponed_with_dates"),
        ),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_operation_sailing_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_operation_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
        sa.UniqueConstraint("reference", name=op.f("uq_operation_reference")),
    )
    op.create_index("ix_operation_sailing_id", "operation", ["sailing_id"])
    op.create_table(
        "operation_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            states(
                "casestate",
                "waiting",
                "told",
                "accepted",
                "kept",
                "move_asked",
                "moved",
                "cancelled",
                "over",
                "failed",
            ),
            nullable=False,
        ),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("returned_minor", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=80), nullable=True),
        sa.Column("wanted_sailing_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("fk_operation_case_operation_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_operation_case_booking_id")),
        sa.ForeignKeyConstraint(
            ["wanted_sailing_id"], ["sailing.id"], name=op.f("fk_operation_case_wanted_sailing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_case")),
        sa.UniqueConstraint("reference", name=op.f("uq_operation_case_reference")),
        sa.UniqueConstraint(
            "operation_id", "booking_id", name=op.f("uq_operation_case_operation_id_booking_id")
        ),
    )
    op.create_index("ix_operation_case_booking_id", "operation_case", ["booking_id"])
    for name, state in (("ix_operation_case_waiting", "waiting"), ("ix_operation_case_told", "told")):
        where = sa.text(f"state = '{state}'")
        op.create_index(name, "operation_case", ["id"], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_table("operation_case")
    op.drop_table("operation")
    op.execute("UPDATE sailing SET state = 'closed' WHERE state = 'postponed'")
    allow(BEFORE)
