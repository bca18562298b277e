"""Parties in line for a cabin, what was offered to them, and whom an offer passed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def states(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    op.create_table(
        "waiting_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column(
            "state",
            states("waitingstate", "waiting", "offered", "accepted", "left", "lapsed", "removed", "ended"),
            nullable=False,
        ),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("infants", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=4), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("consent_version", sa.String(length=20), nullable=False),
        sa.Column("consent_given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "party > 0 AND infants >= 0 AND infants < party", name=op.f("ck_waiting_entry_party_sane")
        ),
        sa.CheckConstraint(
            "(state IN ('waiting', 'offered')) = (over_at IS NULL)", name=op.f("ck_waiting_entry_over_with_time")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_entry")),
        sa.UniqueConstraint("reference", name=op.f("uq_waiting_entry_reference")),
    )
    op.create_index("ix_waiting_entry_email", "waiting_entry", ["email"])
    _index_where("ix_waiting_entry_open", "waiting_entry", "id", "over_at IS NULL")
    op.create_table(
        "waiting_wish",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["waiting_entry.id"], name=op.f("fk_waiting_wish_entry_id")),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_waiting_wish_sailing_id")),
        sa.PrimaryKeyConstraint("entry_id", "sailing_id", name=op.f("pk_waiting_wish")),
    )
    op.create_index("ix_waiting_wish_sailing_id", "waiting_wish", ["sailing_id"])
    op.create_table(
        "waiting_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column("cabin_id", sa.Integer(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            states("offerstate", "open", "accepted", "declined", "expired", "withdrawn"),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (over_at IS NULL)", name=op.f("ck_waiting_offer_over_with_time")),
        sa.ForeignKeyConstraint(["entry_id"], ["waiting_entry.id"], name=op.f("fk_waiting_offer_entry_id")),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_waiting_offer_sailing_id")),
        sa.ForeignKeyConstraint(["cabin_id"], ["cabin.id"], name=op.f("fk_waiting_offer_cabin_id")),
        sa.ForeignKeyConstraint(["occupancy_id"], ["occupancy.id"], name=op.f("fk_waiting_offer_occupancy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_offer")),
        sa.UniqueConstraint("occupancy_id", name=op.f("uq_waiting_offer_occupancy_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_waiting_offer_reference")),
    )
    op.create_index("ix_waiting_offer_entry", "waiting_offer", ["entry_id"])
    op.create_index("ix_waiting_offer_sailing_id", "waiting_offer", ["sailing_id"])
    _index_where("uq_waiting_offer_open_entry", "waiting_offer", "entry_id", "state = 'open'", unique=True)
    _index_where("ix_waiting_offer_expires", "waiting_offer", "expires_at", "state = 'open'")
    op.create_table(
        "waiting_skip",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            states("skipreason", "too_small", "other_category", "refused_before", "has_offer", "no_room"),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["waiting_entry.id"], name=op.f("fk_waiting_skip_entry_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["waiting_offer.id"], name=op.f("fk_waiting_skip_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_skip")),
        sa.UniqueConstraint("entry_id", "offer_id", name=op.f("uq_waiting_skip_entry_id_offer_id")),
    )
    op.create_index("ix_waiting_skip_offer_id", "waiting_skip", ["offer_id"])


def _index_where(name: str, table: str, column: str, where: str, unique: bool = False) -> None:
    op.create_index(
        name, table, [column], unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def downgrade() -> None:
    for table in ("waiting_skip", "waiting_offer", "waiting_wish", "waiting_entry"):
        op.drop_table(table)
