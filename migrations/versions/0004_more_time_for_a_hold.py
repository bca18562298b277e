"""More time for a hold: when its visitor asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("occupancy", sa.Column("lengthened_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("occupancy", "lengthened_at")
