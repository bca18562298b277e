"""Passenger lists that were filed, and changes that are asked for since."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STANDING = sa.text("ended_at IS NULL")
ASKED = sa.text("state = 'asked'")


def upgrade() -> None:
    op.create_table(
        "filed_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ports",
                "invitation_tm",
                "group_ir",
                name="filedkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_by_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["filed_by_id"], ["account.id"], name=op.f("fk_filed_list_filed_by_id")),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_filed_list_sailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filed_list")),
    )
    op.create_index(
        "uq_filed_list_standing",
        "filed_list",
        ["sailing_id", "kind"],
        unique=True,
        postgresql_where=STANDING,
        sqlite_where=STANDING,
    )
    op.create_table(
        "change_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("passenger_id", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "accepted",
                "refused",
                "withdrawn",
                name="changestate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name=op.f("ck_change_request_decided_with_time")),
        sa.CheckConstraint("(state = 'asked') = (wanted IS NOT NULL)", name=op.f("ck_change_request_wanted_while_asked")),
        sa.CheckConstraint(
            "state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_change_request_refused_with_reason")
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_change_request_decided_by_id")),
        sa.ForeignKeyConstraint(["passenger_id"], ["passenger.id"], name=op.f("fk_change_request_passenger_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_request")),
        sa.UniqueConstraint("reference", name=op.f("uq_change_request_reference")),
    )
    op.create_index(op.f("ix_change_request_passenger_id"), "change_request", ["passenger_id"])
    op.create_index(
        "uq_change_request_open",
        "change_request",
        ["passenger_id"],
        unique=True,
        postgresql_where=ASKED,
        sqlite_where=ASKED,
    )
    op.create_index(
        "ix_change_request_waiting", "change_request", ["asked_at"], postgresql_where=ASKED, sqlite_where=ASKED
    )


def downgrade() -> None:
    op.drop_table("change_request")
    op.drop_table("filed_list")
