"""Parties in line for a part of a voyage, and two more reasons why a cabin passed somebody."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

BEFORE = ("too_small", "other_category", "refused_before", "has_offer", "no_room")
AFTER = ("too_small", "other_category", "other_nights", "not_sold", "refused_before", "has_offer", "no_room")


def allow(values: tuple[str, ...]) -> None:
    """Let the reason of a skip be one of these."""
    listed = ", ".join(f"'{value}'" for value in values)
    with rebuilding(), op.batch_alter_table("waiting_skip") as table:
        table.drop_constraint(op.f("ck_waiting_skip_skipreason"), type_="check")
        table.create_check_constraint(op.f("ck_waiting_skip_skipreason"), f"reason IN ({listed})")


def upgrade() -> None:
    with rebuilding(), op.batch_alter_table("waiting_wish") as table:
        table.add_column(sa.Column("part_id", sa.Integer(), nullable=True))
        table.create_foreign_key(op.f("fk_waiting_wish_part_id"), "voyage_part", ["part_id"], ["id"])
        table.create_index(op.f("ix_waiting_wish_part_id"), ["part_id"])
    allow(AFTER)


def downgrade() -> None:
    """Only whole voyages are waited for then: whoever waited for a part alone waits no more."""
    op.execute("DELETE FROM waiting_skip WHERE reason IN ('other_nights', 'not_sold')")
    op.execute("DELETE FROM waiting_wish WHERE part_id IS NOT NULL")
    over = "over_at IS NULL AND {entry} NOT IN (SELECT entry_id FROM waiting_wish)"
    op.execute(
        f"UPDATE waiting_offer SET state = 'withdrawn', over_at = made_at WHERE {over.format(entry='entry_id')}"
    )
    op.execute(f"UPDATE waiting_entry SET state = 'ended', over_at = made_at WHERE {over.format(entry='id')}")
    allow(BEFORE)
    with rebuilding(), op.batch_alter_table("waiting_wish") as table:
        table.drop_index(op.f("ix_waiting_wish_part_id"))
        table.drop_constraint(op.f("fk_waiting_wish_part_id"), type_="foreignkey")
        table.drop_column("part_id")
