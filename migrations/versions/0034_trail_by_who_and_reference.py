"""The trail is looked through by who acted, and by a reference alone."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor", "id"])
    op.create_index(op.f("ix_audit_entry_subject_reference"), "audit_entry", ["subject_reference"])


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_entry_subject_reference"), "audit_entry")
    op.drop_index("ix_audit_entry_actor", "audit_entry")
