"""Passengers completed later: who travels first, passport and place of birth by a deadline; a private link for each."""

import sqlalchemy as sa
from alembic import op

from portal.database import column_key
from portal.kernel.sealing import seal_text
from portal.migrating import rebuilding

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LATER = (
    ("sex", sa.String(length=24)),
    ("document_kind", sa.String(length=24)),
    ("document_number", sa.Text()),
    ("document_fingerprint", sa.String(length=64)),
)
# Not seen where SQLite's tables are read back, so said again where one is built anew.
CHECKS = (
    sa.CheckConstraint("sex IN ('M', 'F', 'X')", name="sex"),
    sa.CheckConstraint(
        "document_kind IN ('passport', 'internal_passport', 'birth_certificate')", name="documentkind"
    ),
)


def upgrade() -> None:
    with rebuilding(), op.batch_alter_table("passenger", table_args=CHECKS) as table:
        for name, kind in LATER:
            table.alter_column(name, existing_type=kind, nullable=True)
    op.add_column("passenger", sa.Column("language", sa.String(length=2), nullable=True))
    op.add_column("passenger", sa.Column("email", sa.String(length=254), nullable=True))
    op.add_column("passenger", sa.Column("link_version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("passenger", sa.Column("link_sent_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("link_sent_at", "link_version", "email", "language"):
        op.drop_column("passenger", name)
    # Before, nobody could leave these out: what is missing becomes what a forgotten number is.
    op.execute(
        sa.text(
            "UPDATE passenger SET sex = coalesce(sex, 'X'), document_kind = coalesce(document_kind, 'passport'), "
            "document_number = coalesce(document_number, :nothing), "
            "document_fingerprint = coalesce(document_fingerprint, '')"
        ).bindparams(nothing=seal_text("", column_key()))
    )
    with rebuilding(), op.batch_alter_table("passenger", table_args=CHECKS) as table:
        for name, kind in LATER:
            table.alter_column(name, existing_type=kind, nullable=False)
