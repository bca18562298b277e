"""When a file was looked at by the virus scanner, how long it is kept at most, and when it was seen to be gone."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("stored_file") as table:
        table.add_column(sa.Column("keep_until", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
        table.create_check_constraint(
            op.f("ck_stored_file_erased_when_purged"), "erased_at IS NULL OR state = 'purged'"
        )
    for name, where in (
        ("ix_stored_file_received", "state = 'received'"),
        ("ix_stored_file_to_erase", "purged_at IS NOT NULL AND erased_at IS NULL"),
    ):
        op.create_index(
            name, "stored_file", ["id"], postgresql_where=sa.text(where), sqlite_where=sa.text(where)
        )


def downgrade() -> None:
    op.drop_index("ix_stored_file_to_erase", table_name="stored_file")
    op.drop_index("ix_stored_file_received", table_name="stored_file")
    with op.batch_alter_table("stored_file") as table:
        table.drop_constraint(op.f("ck_stored_file_erased_when_purged"), type_="check")
        table.drop_column("erased_at")
        table.drop_column("scanned_at")
        table.drop_column("keep_until")
