"""Double entry that only ever grows and always adds up, beginning with what stands in bookings and payments."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ACCOUNTS = (
    "guest",
    "sales",
    "kept",
    "stripe",
    "bank",
    "yookassa",
    "turkmen_gateway",
    "desk",
    "suspense",
    "refunds",
    "disputes",
    "agency",
    "fees",
    "commission",
)
TABLES = ("ledger_transaction", "ledger_entry")
UNBALANCED = """
    (SELECT count(*) FROM ledger_entry WHERE posting = NEW.reference) < 2
    OR EXISTS (
        SELECT 1 FROM ledger_entry WHERE posting = NEW.reference GROUP BY currency HAVING sum(minor) <> 0
    )
"""
CLOSED = "EXISTS (SELECT 1 FROM ledger_transaction WHERE reference = NEW.posting)"


def upgrade() -> None:
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_ledger_transaction_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transaction")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_transaction_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_ledger_transaction_reference")),
    )
    op.create_index("ix_ledger_transaction_at", "ledger_transaction", ["at", "id"])
    op.create_index(op.f("ix_ledger_transaction_booking_id"), "ledger_transaction", ["booking_id"])
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("posting", sa.String(length=16), nullable=False),
        sa.Column(
            "account",
            sa.Enum(*ACCOUNTS, name="ledgeraccount", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint("minor <> 0", name=op.f("ck_ledger_entry_minor_not_zero")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_ledger_entry_booking_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_ledger_entry_payment_id")),
        sa.ForeignKeyConstraint(
            ["posting"],
            ["ledger_transaction.reference"],
            name=op.f("fk_ledger_entry_posting"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
    )
    op.create_index(op.f("ix_ledger_entry_posting"), "ledger_entry", ["posting"])
    op.create_index("ix_ledger_entry_booking", "ledger_entry", ["booking_id", "account"])
    op.create_index("ix_ledger_entry_payment", "ledger_entry", ["payment_id", "account"])
    op.create_index("ix_ledger_entry_account", "ledger_entry", ["account", "currency"])
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()
    _open_the_books()


def _guard_postgresql() -> None:
    op.execute(f"""
        CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {UNBALANCED} THEN
                RAISE EXCEPTION 'the entries do not sum to zero' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute(f"""
        CREATE FUNCTION refuse_more_entries() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {CLOSED} THEN
                RAISE EXCEPTION 'the posting is closed' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    # Two who write entries of one posting do not see each other's; when each commits, all that stands is summed.
    op.execute("""
        CREATE FUNCTION refuse_unbalanced_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT 1 FROM ledger_entry WHERE posting = NEW.posting GROUP BY currency HAVING sum(minor) <> 0
            ) THEN
                RAISE EXCEPTION 'the entries do not sum to zero' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER ledger_transaction_balanced BEFORE INSERT ON ledger_transaction "
        "FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced()"
    )
    op.execute(
        "CREATE TRIGGER ledger_entry_open BEFORE INSERT ON ledger_entry "
        "FOR EACH ROW EXECUTE FUNCTION refuse_more_entries()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_commit()"
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _guard_sqlite() -> None:
    # INSERT OR REPLACE deletes what stands in its way without asking the triggers for DELETE: so it is asked here.
    here = "EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.id)"
    there = (
        "EXISTS (SELECT 1 FROM ledger_transaction "
        "WHERE id = NEW.id OR reference = NEW.reference OR key = NEW.key)"
    )
    for name, table, refused, why in (
        ("ledger_transaction_new", "ledger_transaction", there, "ledger_transaction is append-only"),
        ("ledger_transaction_balanced", "ledger_transaction", UNBALANCED, "the entries do not sum to zero"),
        ("ledger_entry_new", "ledger_entry", here, "ledger_entry is append-only"),
        ("ledger_entry_open", "ledger_entry", CLOSED, "the posting is closed"),
    ):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN {refused} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
    for table in TABLES:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


# What bookings and payments say, as sums that the entries then take over.
PRICES = """
    SELECT booking.id AS booking_id, booking.reference, booking.currency,
        coalesce(booking.placed_at, booking.made_at) AS at,
        sum(charge.amount_minor) AS price,
        sum(CASE WHEN charge.kind = 'kept' THEN charge.amount_minor ELSE 0 END) AS kept
    FROM booking JOIN charge ON charge.booking_id = booking.id
    WHERE booking.state IN ('pending', 'confirmed')
    GROUP BY booking.id
"""
# Of a cancelled booking what was paid and was not to go back.
CANCELLED = """
    SELECT booking.id AS booking_id, booking.reference, booking.currency,
        coalesce(booking.placed_at, booking.made_at) AS at,
        sum(payment.amount_minor) - sum(
            (SELECT coalesce(sum(refund.amount_minor), 0) FROM refund WHERE refund.payment_id = payment.id)
        ) AS kept
    FROM booking JOIN payment ON payment.booking_id = booking.id AND payment.state = 'succeeded'
    WHERE booking.state = 'cancelled'
    GROUP BY booking.id
"""
PAID = """
    SELECT payment.id AS payment_id, payment.booking_id, payment.reference, payment.currency,
        payment.received_at AS at, payment.amount_minor AS came,
        CASE payment.method WHEN 'card' THEN 'stripe' ELSE 'bank' END AS clearing,
        CASE payment.state WHEN 'succeeded' THEN 'guest' ELSE 'suspense' END AS held_in,
        (SELECT coalesce(sum(refund.amount_minor), 0) FROM refund
            WHERE refund.payment_id = payment.id AND refund.state = 'succeeded') AS returned,
        (SELECT coalesce(sum(refund.amount_minor), 0) FROM refund
            WHERE refund.payment_id = payment.id AND refund.state IN ('requested', 'sent')) AS going
    FROM payment WHERE payment.state IN ('succeeded', 'unallocated')
"""


def _open_the_books() -> None:
    entries = (
        (PRICES, "OB", "'guest'", "price", "NULL"),
        (PRICES, "OB", "'sales'", "kept - price", "NULL"),
        (PRICES, "OB", "'kept'", "-kept", "NULL"),
        (CANCELLED, "OB", "'guest'", "kept", "NULL"),
        (CANCELLED, "OB", "'kept'", "-kept", "NULL"),
        (PAID, "OP", "clearing", "came", "payment_id"),
        (PAID, "OP", "held_in", "-came", "payment_id"),
        (PAID, "OP", "held_in", "returned + going", "payment_id"),
        (PAID, "OP", "clearing", "-returned", "payment_id"),
        (PAID, "OP", "'refunds'", "-going", "payment_id"),
    )
    for rows, prefix, account, minor, payment in entries:
        op.execute(
            "INSERT INTO ledger_entry (posting, account, booking_id, payment_id, minor, currency) "
            f"SELECT '{prefix}' || reference, {account}, booking_id, {payment}, {minor}, currency "
            f"FROM ({rows}) AS found WHERE {minor} <> 0"
        )
    for rows, prefix, subject in ((PRICES, "OB", "NULL"), (CANCELLED, "OB", "NULL"), (PAID, "OP", "reference")):
        op.execute(
            "INSERT INTO ledger_transaction (reference, kind, key, booking_id, subject, at, recorded_at) "
            f"SELECT '{prefix}' || reference, 'opening', 'opening:{prefix}' || reference, booking_id, {subject}, at, "
            f"CURRENT_TIMESTAMP FROM ({rows}) AS found "
            f"WHERE EXISTS (SELECT 1 FROM ledger_entry WHERE posting = '{prefix}' || found.reference)"
        )


def downgrade() -> None:
    op.drop_table("ledger_entry")
    op.drop_table("ledger_transaction")
    if op.get_bind().dialect.name == "postgresql":
        for function in ("refuse_unbalanced", "refuse_more_entries", "refuse_unbalanced_commit"):
            op.execute(f"DROP FUNCTION {function}()")
