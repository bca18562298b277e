"""Guarantee cabins: whose category was bought, and when the number was told."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "occupancy", sa.Column("guaranteed", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("occupancy", sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("occupancy", "assigned_at")
    op.drop_column("occupancy", "guaranteed")
