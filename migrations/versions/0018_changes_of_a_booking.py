"""What a customer changes in a booking, with the money of it; who has left a booking; and where a party is."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KINDS = (
    "adult",
    "single",
    "child",
    "infant",
    "extra_berth",
    "single_supplement",
    "foreign_tariff",
    "early_booking",
    "group",
    "promotion",
    "port_dues",
)
TRAVEL = "'open', 'checked_in', 'boarded', 'ashore', 'denied', 'disembarked'"


def _kinds(kinds: tuple[str, ...]) -> None:
    """Which kinds a charge may be of."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("charge") as batch_op:
        batch_op.drop_constraint(op.f("ck_charge_chargekind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_charge_chargekind"), f"kind IN ({listed})")


def upgrade() -> None:
    op.create_table(
        "booking_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "name",
                "cabin",
                "passenger_added",
                "passenger_cancelled",
                "cabin_cancelled",
                "sailing",
                name="changekind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "awaiting", "applied", "dropped", name="bookingchangestate", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("to_pay_minor", sa.BigInteger(), nullable=False),
        sa.Column("returned_minor", sa.BigInteger(), nullable=False),
        sa.Column("kept_minor", sa.BigInteger(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pay_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'applied') = (applied_at IS NOT NULL)", name=op.f("ck_booking_change_applied_with_time")
        ),
        sa.CheckConstraint(
            "(state = 'awaiting') = (to_pay_minor > 0 AND closed_at IS NULL)",
            name=op.f("ck_booking_change_awaits_money"),
        ),
        sa.CheckConstraint(
            "to_pay_minor >= 0 AND returned_minor >= 0 AND kept_minor >= 0",
            name=op.f("ck_booking_change_sums_not_negative"),
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_booking_change_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_change")),
        sa.UniqueConstraint("reference", name=op.f("uq_booking_change_reference")),
    )
    op.create_index(op.f("ix_booking_change_booking_id"), "booking_change", ["booking_id"])
    op.create_index(
        "uq_booking_change_awaiting",
        "booking_change",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("state = 'awaiting'"),
        sqlite_where=sa.text("state = 'awaiting'"),
    )
    # A column with its rule in one statement: no table is built anew, on either database.
    op.execute(
        "ALTER TABLE booking ADD COLUMN travel VARCHAR(24) DEFAULT 'open' NOT NULL "
        f"CONSTRAINT ck_booking_travelstate CHECK (travel IN ({TRAVEL}))"
    )
    op.execute(
        "ALTER TABLE payment ADD COLUMN change_id INTEGER "
        "CONSTRAINT fk_payment_change_id REFERENCES booking_change (id)"
    )
    op.add_column("passenger", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
    _kinds((*KINDS, "kept"))


def downgrade() -> None:
    op.execute("DELETE FROM charge WHERE kind = 'kept'")
    _kinds(KINDS)
    op.drop_column("passenger", "left_at")
    with rebuilding(), op.batch_alter_table("payment") as table:
        table.drop_column("change_id")
    op.execute("ALTER TABLE booking DROP COLUMN travel")
    op.drop_table("booking_change")
