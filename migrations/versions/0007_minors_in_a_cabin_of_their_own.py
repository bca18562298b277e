"""Minors in a cabin of their own: the adult who answers for them, and when he said so."""

import sqlalchemy as sa
from alembic import op

import portal.database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booking", sa.Column("minors_waiver_at", portal.database.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("booking") as booking:
        booking.drop_column("minors_waiver_at")
