"""What a country asks under a rule: documents, groups, passport, photos, times and fee, in the rule's own row."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

NUMBERS = (
    "group_min",
    "group_max",
    "passport_months",
    "blank_pages",
    "invitation_p50_days",
    "invitation_p90_days",
    "lead_p50_days",
    "lead_p90_days",
    "fee_minor",
)
LISTS = {"documents": '["passport"]', "photos_mm": "[]", "inferred": "[]"}
CHECKS = {
    "group_with_sizes": "(regime = 'visa_free_group') = (group_min IS NOT NULL)",
    "group_sizes_together": "(group_min IS NULL) = (group_max IS NULL)",
    "group_min_to_max": "group_min BETWEEN 1 AND group_max",
    "invitation_usual_to_safe": "invitation_p50_days BETWEEN 0 AND invitation_p90_days",
    "lead_usual_to_safe": "lead_p50_days BETWEEN 0 AND lead_p90_days",
    "fee_with_currency": "(fee_minor IS NULL) = (fee_currency IS NULL)",
}


def upgrade() -> None:
    with op.batch_alter_table("entry_rule") as table:
        for name in NUMBERS:
            table.add_column(sa.Column(name, sa.Integer(), nullable=True))
        table.add_column(sa.Column("fee_currency", sa.String(length=3), nullable=True))
        for name, empty in LISTS.items():
            table.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text(f"'{empty}'")))
    # Iran takes groups of five to fifty: the one country that had such a rule.
    op.execute("UPDATE entry_rule SET group_min = 5, group_max = 50 WHERE regime = 'visa_free_group'")
    with op.batch_alter_table("entry_rule") as table:
        for name in LISTS:
            table.alter_column(name, existing_type=sa.JSON(), existing_nullable=False, server_default=None)
        for name, condition in CHECKS.items():
            table.create_check_constraint(op.f(f"ck_entry_rule_{name}"), condition)


def downgrade() -> None:
    with op.batch_alter_table("entry_rule") as table:
        for name in CHECKS:
            table.drop_constraint(op.f(f"ck_entry_rule_{name}"), type_="check")
    with op.batch_alter_table("entry_rule") as table:
        for name in (*LISTS, "fee_currency", *reversed(NUMBERS)):
            table.drop_column(name)
