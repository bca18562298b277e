"""Each payment and refund names the provider that takes the money or gives it back; what there was is Stripe's."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

OPEN = "state IN ('created', 'open')"
TOO_MUCH = """
    NEW.state <> 'failed' AND
    (SELECT coalesce(sum(other.amount_minor), 0) FROM refund AS other
     WHERE other.payment_id = NEW.payment_id AND other.state <> 'failed' AND other.id <> NEW.id) + NEW.amount_minor
    > (SELECT payment.amount_minor FROM payment WHERE payment.id = NEW.payment_id)
"""


def _unguard() -> None:
    """On SQLite the triggers go with the table that is built anew; PostgreSQL keeps its own."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("insert", "update"):
            op.execute(f"DROP TRIGGER refund_within_payment_{verb}")


def _guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for moment in ("AFTER INSERT", "BEFORE UPDATE"):
            op.execute(
                f"CREATE TRIGGER refund_within_payment_{moment.split()[1].lower()} {moment} ON refund "
                f"WHEN {TOO_MUCH} BEGIN SELECT RAISE(ABORT, 'more would go back than came'); END"
            )


def _unique(table: str, name: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=True, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    with rebuilding():
        _unguard()
        op.drop_index("uq_payment_open", "payment")
        with op.batch_alter_table("payment") as table:
            table.add_column(sa.Column("provider", sa.String(length=20), nullable=True))
            table.drop_constraint(op.f("uq_payment_session_id"), type_="unique")
            table.drop_constraint(op.f("uq_payment_payment_intent"), type_="unique")
            table.create_unique_constraint(op.f("uq_payment_provider_session_id"), ["provider", "session_id"])
            table.create_unique_constraint(op.f("uq_payment_provider_payment_intent"), ["provider", "payment_intent"])
        with op.batch_alter_table("refund") as table:
            table.add_column(sa.Column("provider", sa.String(length=20), nullable=True))
            table.drop_constraint(op.f("uq_refund_provider_id"), type_="unique")
            table.create_unique_constraint(op.f("uq_refund_provider_provider_id"), ["provider", "provider_id"])
        op.execute("UPDATE payment SET provider = 'stripe' WHERE method = 'card'")
        op.execute(
            "UPDATE refund SET provider = 'stripe' WHERE payment_id IN (SELECT id FROM payment WHERE method = 'card')"
        )
        with op.batch_alter_table("payment") as table:
            table.create_check_constraint(
                op.f("ck_payment_online_with_provider"), "(method = 'card') = (provider IS NOT NULL)"
            )
        _unique("payment", "uq_payment_open", ["booking_id", "provider"], OPEN)
        _unique("payment", "uq_payment_open_offline", ["booking_id", "method"], f"{OPEN} AND provider IS NULL")
        _guard()


def downgrade() -> None:
    with rebuilding():
        _unguard()
        op.drop_index("uq_payment_open_offline", "payment")
        op.drop_index("uq_payment_open", "payment")
        # Of several open attempts of a booking only the newest could have stayed open.
        op.execute(
            f"UPDATE payment SET state = 'expired' WHERE {OPEN} AND id < (SELECT max(other.id) FROM payment AS other "
            "WHERE other.booking_id = payment.booking_id AND other.method = payment.method "
            f"AND other.{OPEN})"
        )
        with op.batch_alter_table("refund") as table:
            table.drop_constraint(op.f("uq_refund_provider_provider_id"), type_="unique")
            table.drop_column("provider")
            table.create_unique_constraint(op.f("uq_refund_provider_id"), ["provider_id"])
        with op.batch_alter_table("payment") as table:
            table.drop_constraint(op.f("ck_payment_online_with_provider"), type_="check")
            table.drop_constraint(op.f("uq_payment_provider_session_id"), type_="unique")
            table.drop_constraint(op.f("uq_payment_provider_payment_intent"), type_="unique")
            table.drop_column("provider")
            table.create_unique_constraint(op.f("uq_payment_session_id"), ["session_id"])
            table.create_unique_constraint(op.f("uq_payment_payment_intent"), ["payment_intent"])
        _unique("payment", "uq_payment_open", ["booking_id", "method"], OPEN)
        _guard()
