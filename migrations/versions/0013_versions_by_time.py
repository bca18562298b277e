"""What was changed lately is found among the versions of all sailings; and the sailings of one ship by their dates."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "data_version",
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), nullable=False, server_default="2024-01-01 00:00:00.000000"
        ),
    )
    op.create_index("ix_data_version_changed_at", "data_version", ["changed_at"])
    op.create_index("ix_sailing_ship_starts", "sailing", ["ship_id", "starts_at"])


def downgrade() -> None:
    op.drop_index("ix_sailing_ship_starts", "sailing")
    op.drop_index("ix_data_version_changed_at", "data_version")
    with op.batch_alter_table("data_version") as table:
        table.drop_column("changed_at")
