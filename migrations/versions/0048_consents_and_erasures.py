"""To what people agreed by purpose and version, and what they asked us to forget."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

PURPOSES = ("booking", "companions")
STATES = ("asked", "taken_back", "done")


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column(
            "purpose",
            sa.Enum(*PURPOSES, name="purpose", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "booking_id IS NOT NULL OR account_id IS NOT NULL", name=op.f("ck_consent_of_somebody")
        ),
        sa.CheckConstraint("given_at <= withdrawn_at", name=op.f("ck_consent_withdrawn_after_given")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_consent_booking_id")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_consent_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_account_id"), "consent", ["account_id"])
    _unique("uq_consent_booking", "consent", ["booking_id", "purpose", "version"], "booking_id IS NOT NULL")
    _unique(
        "uq_consent_account",
        "consent",
        ["account_id", "purpose", "version"],
        "booking_id IS NULL AND withdrawn_at IS NULL",
    )
    op.execute(
        "INSERT INTO consent (booking_id, account_id, purpose, version, given_at)"
        " SELECT id, customer_id, 'booking', consent_version, consent_given_at FROM booking"
        " WHERE consent_version IS NOT NULL AND consent_given_at IS NOT NULL"
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="erasurestate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(account_id IS NULL) <> (booking_id IS NULL)", name=op.f("ck_erasure_of_account_or_booking")
        ),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_erasure_done_with_time")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_erasure_account_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_erasure_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("reference", name=op.f("uq_erasure_reference")),
    )
    _unique("uq_erasure_account", "erasure", ["account_id"], "account_id IS NOT NULL AND state = 'asked'")
    _unique("uq_erasure_booking", "erasure", ["booking_id"], "booking_id IS NOT NULL AND state = 'asked'")
    asked = sa.text("state = 'asked'")
    op.create_index("ix_erasure_open", "erasure", ["due_at"], postgresql_where=asked, sqlite_where=asked)


def _unique(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, unique=True, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def downgrade() -> None:
    op.drop_table("erasure")
    op.drop_table("consent")
