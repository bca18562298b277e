"""New prices offered to bookings whose price is not locked yet, and the change that follows consent."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

KINDS = ("name", "cabin", "passenger_added", "passenger_cancelled", "cabin_cancelled", "sailing")
STATES = ("open", "accepted", "locked", "withdrawn")


def _kinds(*kinds: str) -> str:
    return f"kind IN ({', '.join(repr(kind) for kind in kinds)})"


def _check_kinds(*kinds: str) -> None:
    with op.batch_alter_table("booking_change") as table:
        table.drop_constraint(op.f("ck_booking_change_changekind"), type_="check")
        table.create_check_constraint(op.f("ck_booking_change_changekind"), _kinds(*kinds))


def upgrade() -> None:
    op.create_table(
        "price_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="priceofferstate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("before_minor", sa.BigInteger(), nullable=False),
        sa.Column("after_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_price_offer_closed_with_state")),
        sa.CheckConstraint("before_minor <> after_minor", name=op.f("ck_price_offer_another_price")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_price_offer_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_offer")),
    )
    op.create_index(op.f("ix_price_offer_booking_id"), "price_offer", ["booking_id"])
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_price_offer_open",
        "price_offer",
        ["booking_id"],
        unique=True,
        postgresql_where=is_open,
        sqlite_where=is_open,
    )
    with rebuilding():
        _check_kinds(*KINDS, "repriced")


def downgrade() -> None:
    op.drop_table("price_offer")
    with rebuilding():
        op.execute("DELETE FROM booking_change WHERE kind = 'repriced'")
        _check_kinds(*KINDS)
