"""Visa cases, and lists that were frozen to be handed to an authority."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

REGIMES = ("own_national", "visa_free", "visa_free_group", "evisa", "visa", "visa_loi", "refused")
CASE_STATES = (
    "collecting",
    "ready",
    "filed",
    "with_authority",
    "more_info",
    "approved",
    "refused",
    "withdrawn",
)


def one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    op.create_table(
        "visa_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("passenger_id", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("citizenship", sa.String(length=2), nullable=False),
        sa.Column("regime", one_of("regime", *REGIMES), nullable=False),
        sa.Column("document", sa.String(length=24), nullable=False),
        sa.Column("state", one_of("casestate", *CASE_STATES), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("expected_by", one_of("expectedby", "history", "lead_time"), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("fee_minor", sa.Integer(), nullable=True),
        sa.Column("fee_currency", sa.String(length=3), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "fee_minor >= 0 AND (fee_minor IS NULL) = (fee_currency IS NULL)",
            name=op.f("ck_visa_case_fee_with_currency"),
        ),
        sa.CheckConstraint(
            "(expected_on IS NULL) = (expected_by IS NULL)", name=op.f("ck_visa_case_expected_with_reason")
        ),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_visa_case_valid_from_before_to")),
        sa.CheckConstraint(
            "state NOT IN ('filed', 'with_authority', 'more_info', 'approved', 'refused') OR filed_on IS NOT NULL",
            name=op.f("ck_visa_case_filed_with_day"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'refused') OR decided_on IS NOT NULL",
            name=op.f("ck_visa_case_decided_with_day"),
        ),
        sa.ForeignKeyConstraint(["passenger_id"], ["passenger.id"], name=op.f("fk_visa_case_passenger_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visa_case")),
        sa.UniqueConstraint("reference", name=op.f("uq_visa_case_reference")),
    )
    op.create_index(op.f("ix_visa_case_passenger_id"), "visa_case", ["passenger_id"])
    _index_where("uq_visa_case_open", "visa_case", ["passenger_id", "country"], "state <> 'withdrawn'", unique=True)
    _index_where(
        "ix_visa_case_at_work", "visa_case", ["expected_on"], "state IN ('filed', 'with_authority', 'more_info')"
    )
    op.create_table(
        "visa_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column("kind", one_of("listkind", "invitation_tm", "group_ir"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", one_of("liststate", "frozen", "sent", "accepted", "returned"), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_visa_list_sailing_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_visa_list_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visa_list")),
        sa.UniqueConstraint("reference", name=op.f("uq_visa_list_reference")),
        sa.UniqueConstraint(
            "sailing_id", "kind", "number", "version", name=op.f("uq_visa_list_sailing_id_kind_number_version")
        ),
    )
    _index_where(
        "uq_visa_list_standing", "visa_list", ["sailing_id", "kind", "number"], "ended_at IS NULL", unique=True
    )


def _index_where(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, table, columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def downgrade() -> None:
    op.drop_table("visa_list")
    op.drop_table("visa_case")
