"""Saved prices carry several cabins, a part of the voyage and a promotion code."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quoted_cabin",
        sa.Column("quote_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("cabin_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("fk_quoted_cabin_quote_id")),
        sa.ForeignKeyConstraint(["cabin_id"], ["cabin.id"], name=op.f("fk_quoted_cabin_cabin_id")),
        sa.PrimaryKeyConstraint("quote_id", "position", name=op.f("pk_quoted_cabin")),
        sa.UniqueConstraint("quote_id", "cabin_id", name=op.f("uq_quoted_cabin_quote_id_cabin_id")),
    )
    op.execute("INSERT INTO quoted_cabin (quote_id, position, cabin_id) SELECT id, 1, cabin_id FROM quote")
    op.create_table(
        "quote_hold",
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column("quote_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["occupancy_id"], ["occupancy.id"], name=op.f("fk_quote_hold_occupancy_id")),
        sa.ForeignKeyConstraint(["quote_id"], ["quote_use.quote_id"], name=op.f("fk_quote_hold_quote_id")),
        sa.PrimaryKeyConstraint("occupancy_id", name=op.f("pk_quote_hold")),
    )
    op.create_index(op.f("ix_quote_hold_quote_id"), "quote_hold", ["quote_id"])
    op.execute("INSERT INTO quote_hold (occupancy_id, quote_id) SELECT occupancy_id, quote_id FROM quote_use")
    with op.batch_alter_table("quote") as quote:
        quote.add_column(sa.Column("part_id", sa.Integer(), nullable=True))
        quote.add_column(sa.Column("promotion_id", sa.Integer(), nullable=True))
        quote.create_foreign_key(op.f("fk_quote_part_id"), "voyage_part", ["part_id"], ["id"])
        quote.create_foreign_key(op.f("fk_quote_promotion_id"), "promotion", ["promotion_id"], ["id"])
        quote.drop_constraint(op.f("fk_quote_cabin_id"), type_="foreignkey")
        quote.drop_column("cabin_id")
    with op.batch_alter_table("quote_use") as use:
        use.drop_constraint(op.f("uq_quote_use_occupancy_id"), type_="unique")
        use.drop_constraint(op.f("fk_quote_use_occupancy_id"), type_="foreignkey")
        use.drop_column("occupancy_id")


def downgrade() -> None:
    """A price of several cabins, of a part or with a code cannot be said there: it is forgotten."""
    lost = (
        "SELECT id FROM quote WHERE part_id IS NOT NULL OR promotion_id IS NOT NULL"
        " OR (SELECT count(*) FROM quoted_cabin WHERE quote_id = quote.id) <> 1"
    )
    for table, column in (
        ("quote_hold", "quote_id"),
        ("quote_use", "quote_id"),
        ("quoted_cabin", "quote_id"),
    ):
        op.execute(f"DELETE FROM {table} WHERE {column} IN ({lost})")
    op.execute("DELETE FROM quote WHERE id NOT IN (SELECT quote_id FROM quoted_cabin)")
    op.execute("DELETE FROM quote_use WHERE quote_id NOT IN (SELECT quote_id FROM quote_hold)")
    with op.batch_alter_table("quote_use") as use:
        use.add_column(sa.Column("occupancy_id", sa.Integer(), nullable=True))
        use.create_foreign_key(op.f("fk_quote_use_occupancy_id"), "occupancy", ["occupancy_id"], ["id"])
    op.execute(
        "UPDATE quote_use SET occupancy_id ="
        " (SELECT occupancy_id FROM quote_hold WHERE quote_hold.quote_id = quote_use.quote_id)"
    )
    with op.batch_alter_table("quote_use") as use:
        use.alter_column("occupancy_id", existing_type=sa.Integer(), nullable=False)
        use.create_unique_constraint(op.f("uq_quote_use_occupancy_id"), ["occupancy_id"])
    op.drop_table("quote_hold")
    with op.batch_alter_table("quote") as quote:
        quote.add_column(sa.Column("cabin_id", sa.Integer(), nullable=True))
        quote.create_foreign_key(op.f("fk_quote_cabin_id"), "cabin", ["cabin_id"], ["id"])
        quote.drop_constraint(op.f("fk_quote_part_id"), type_="foreignkey")
        quote.drop_constraint(op.f("fk_quote_promotion_id"), type_="foreignkey")
        quote.drop_column("part_id")
        quote.drop_column("promotion_id")
    op.execute("UPDATE quote SET cabin_id = (SELECT cabin_id FROM quoted_cabin WHERE quote_id = quote.id)")
    with op.batch_alter_table("quote") as quote:
        quote.alter_column("cabin_id", existing_type=sa.Integer(), nullable=False)
    op.drop_table("quoted_cabin")
