"""People with whom a customer travels."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "companion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("surname", sa.String(length=60), nullable=False),
        sa.Column("given_names", sa.String(length=60), nullable=False),
        sa.Column("local_surname", sa.String(length=60), nullable=True),
        sa.Column("local_given_names", sa.String(length=60), nullable=True),
        sa.Column("patronymic", sa.String(length=60), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("birth_place", sa.String(length=80), nullable=True),
        sa.Column(
            "sex",
            sa.Enum("M", "F", "X", name="sex", native_enum=False, create_constraint=True, length=24),
            nullable=True,
        ),
        sa.Column("citizenship", sa.String(length=2), nullable=False),
        sa.Column(
            "document_kind",
            sa.Enum(
                "passport",
                "internal_passport",
                "birth_certificate",
                name="documentkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
        sa.Column("document_number", sa.Text(), nullable=True),
        sa.Column("document_expires", sa.Date(), nullable=True),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_companion_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companion")),
        sa.UniqueConstraint("account_id", "person", name=op.f("uq_companion_account_id_person")),
        sa.UniqueConstraint("reference", name=op.f("uq_companion_reference")),
    )
    op.create_index(op.f("ix_companion_used_at"), "companion", ["used_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_companion_used_at"), table_name="companion")
    op.drop_table("companion")
