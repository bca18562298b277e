"""Parts of a voyage that are sold by themselves, and cabins taken for one."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

KINDS = (
    *("adult", "single", "child", "infant", "extra_berth"),
    *("single_supplement", "foreign_tariff", "early_booking", "group", "promotion", "port_dues", "kept"),
)


def upgrade() -> None:
    op.create_table(
        "voyage_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column("embark_position", sa.Integer(), nullable=False),
        sa.Column("disembark_position", sa.Integer(), nullable=False),
        sa.Column("on_sale", sa.Boolean(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=12), nullable=False),
        sa.CheckConstraint(
            "embark_position < disembark_position", name=op.f("ck_voyage_part_embarks_before_it_leaves")
        ),
        sa.CheckConstraint("percent > 0 AND percent <= 100", name=op.f("ck_voyage_part_percent_of_a_hundred")),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_voyage_part_sailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voyage_part")),
        sa.UniqueConstraint(
            "sailing_id",
            "embark_position",
            "disembark_position",
            name=op.f("uq_voyage_part_sailing_id_embark_position_disembark_position"),
        ),
    )
    with rebuilding(), op.batch_alter_table("occupancy") as table:
        table.add_column(sa.Column("part_id", sa.Integer(), nullable=True))
        table.create_foreign_key(op.f("fk_occupancy_part_id"), "voyage_part", ["part_id"], ["id"])
        table.create_index(op.f("ix_occupancy_part_id"), ["part_id"])
    _kinds((*KINDS, "part"))


def _kinds(kinds: tuple[str, ...]) -> None:
    """Which kinds a charge may be of."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with rebuilding(), op.batch_alter_table("charge") as table:
        table.drop_constraint(op.f("ck_charge_chargekind"), type_="check")
        table.create_check_constraint(op.f("ck_charge_chargekind"), f"kind IN ({listed})")


def downgrade() -> None:
    # A booking's sum stays what it was.
    op.execute("UPDATE charge SET kind = 'group' WHERE kind = 'part'")
    _kinds(KINDS)
    # Only whole voyages are known then: a cabin taken for some nights keeps these, and nobody gets the others.
    with rebuilding(), op.batch_alter_table("occupancy") as table:
        table.drop_index(op.f("ix_occupancy_part_id"))
        table.drop_constraint(op.f("fk_occupancy_part_id"), type_="foreignkey")
        table.drop_column("part_id")
    op.drop_table("voyage_part")
