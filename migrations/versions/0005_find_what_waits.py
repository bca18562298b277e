"""Find what waits: bookings without money and events not looked into, which the worker asks for all the time."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WAITING = (
    ("ix_booking_open", "booking", "state IN ('draft', 'pending')"),
    ("ix_provider_event_waiting", "provider_event", "handled_at IS NULL"),
)


def upgrade() -> None:
    for name, table, where in WAITING:
        op.create_index(name, table, ["id"], postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    for name, table, _ in reversed(WAITING):
        op.drop_index(name, table_name=table)
