"""Options and allotments: cabins kept for an agency until a date."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from portal.migrating import rebuilding

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = "'held', 'booked', 'closed', 'released', 'expired'"
AFTER = f"'reserved', {BEFORE}"


@contextmanager
def changed(states: str, for_a_time: str) -> Iterator[BatchOperations]:
    """The table while its checks and its index by expiry are changed to those of `states`."""
    op.drop_index("ix_occupancy_expires", table_name="occupancy")
    with rebuilding(), op.batch_alter_table("occupancy") as table:
        table.drop_constraint(op.f("ck_occupancy_occupancystate"), type_="check")
        table.drop_constraint(op.f("ck_occupancy_held_expires"), type_="check")
        yield table
        table.create_check_constraint(op.f("ck_occupancy_occupancystate"), f"state IN ({states})")
        table.create_check_constraint(
            op.f("ck_occupancy_held_expires"), f"({for_a_time}) = (expires_at IS NOT NULL) OR over_at IS NOT NULL"
        )
    expiry_index(for_a_time)


def expiry_index(where: str) -> None:
    op.create_index(
        "ix_occupancy_expires",
        "occupancy",
        ["expires_at"],
        postgresql_where=sa.text(where),
        sqlite_where=sa.text(where),
    )


def upgrade() -> None:
    op.create_table(
        "reservation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("option", "allotment", name="reservationkind", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_hours", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_reservation_sailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("reference", name=op.f("uq_reservation_reference")),
    )
    op.create_index(op.f("ix_reservation_sailing_id"), "reservation", ["sailing_id"])
    with changed(AFTER, "state IN ('held', 'reserved')") as occupancy:
        occupancy.add_column(sa.Column("reservation_id", sa.Integer(), nullable=True))
        occupancy.create_foreign_key(op.f("fk_occupancy_reservation_id"), "reservation", ["reservation_id"], ["id"])
        occupancy.create_index(op.f("ix_occupancy_reservation_id"), ["reservation_id"])
        occupancy.create_check_constraint(
            op.f("ck_occupancy_reserved_for_someone"), "state <> 'reserved' OR reservation_id IS NOT NULL"
        )


def downgrade() -> None:
    # What is kept for an agency is closed then, and says for whom.
    op.execute(
        "UPDATE occupancy SET state = 'closed', expires_at = NULL, party = 0, reason = "
        "(SELECT name FROM reservation WHERE reservation.id = occupancy.reservation_id) WHERE state = 'reserved'"
    )
    with changed(BEFORE, "state = 'held'") as occupancy:
        occupancy.drop_constraint(op.f("ck_occupancy_reserved_for_someone"), type_="check")
        occupancy.drop_index(op.f("ix_occupancy_reservation_id"))
        occupancy.drop_constraint(op.f("fk_occupancy_reservation_id"), type_="foreignkey")
        occupancy.drop_column("reservation_id")
    op.drop_index(op.f("ix_reservation_sailing_id"), table_name="reservation")
    op.drop_table("reservation")
