"""When the voyage of a booking was to begin before its sailing was stopped: of a part that is another day."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operation_case", sa.Column("old_starts_at", sa.DateTime(timezone=True), nullable=True))
    # What is known of earlier cases is the day of their sailing.
    op.execute(
        "UPDATE operation_case SET old_starts_at ="
        " (SELECT old_starts_at FROM operation WHERE operation.id = operation_case.operation_id)"
    )
    with rebuilding(), op.batch_alter_table("operation_case") as table:
        table.alter_column("old_starts_at", nullable=False)


def downgrade() -> None:
    with rebuilding(), op.batch_alter_table("operation_case") as table:
        table.drop_column("old_starts_at")
