"""Minors in a cabin of their own: the adult who answers for them, and when he said so."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booking", sa.Column("minors_waiver_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "minors_waiver_at")
