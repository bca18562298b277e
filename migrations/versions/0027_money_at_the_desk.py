"""Money that staff take by hand: what was handed over, and the number of its receipt."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _methods(*methods: str) -> str:
    return f"method IN ({', '.join(repr(method) for method in methods)})"


def upgrade() -> None:
    with rebuilding(), op.batch_alter_table("payment") as table:
        table.drop_constraint(op.f("ck_payment_method"), type_="check")
        table.create_check_constraint(op.f("ck_payment_method"), _methods("card", "transfer", "desk"))
        table.add_column(
            sa.Column(
                "tender",
                sa.Enum("cash", "terminal", name="tender", native_enum=False, create_constraint=True, length=24),
                nullable=True,
            )
        )
        table.add_column(sa.Column("receipt", sa.String(length=40), nullable=True))
        table.create_check_constraint(
            op.f("ck_payment_receipt_with_tender"), "(receipt IS NULL) = (tender IS NULL)"
        )
        table.create_check_constraint(op.f("ck_payment_receipt_at_desk"), "receipt IS NULL OR method = 'desk'")


def downgrade() -> None:
    with rebuilding():
        with op.batch_alter_table("payment") as table:
            table.drop_constraint(op.f("ck_payment_receipt_at_desk"), type_="check")
            table.drop_constraint(op.f("ck_payment_receipt_with_tender"), type_="check")
            table.drop_constraint(op.f("ck_payment_tender"), type_="check")
            table.drop_column("receipt")
            table.drop_column("tender")
        op.execute("UPDATE payment SET method = 'transfer' WHERE method = 'desk'")
        with op.batch_alter_table("payment") as table:
            table.drop_constraint(op.f("ck_payment_method"), type_="check")
            table.create_check_constraint(op.f("ck_payment_method"), _methods("card", "transfer"))
