"""Several payers for a booking: each with a share of what is owed."""

import sqlalchemy as sa
from alembic import op

from portal.migrating import rebuilding

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

OPEN = "state IN ('created', 'open')"
OFFLINE = f"{OPEN} AND provider IS NULL"
GROWS = "(OLD.state <> 'open' OR NEW.amount_minor > OLD.amount_minor)"  # several are made smaller one after another
# The open shares of a booking together are more than what it owes.
TOO_MUCH = (
    "NEW.state = 'open' AND NEW.amount_minor + (SELECT coalesce(sum(other.amount_minor), 0) FROM payment_share AS other "
    "WHERE other.booking_id = NEW.booking_id AND other.state = 'open' AND other.id <> NEW.id) > "
    "(SELECT coalesce(sum(entry.minor), 0) FROM ledger_entry AS entry JOIN booking ON booking.id = entry.booking_id "
    "WHERE entry.booking_id = NEW.booking_id AND entry.account = 'guest' AND entry.currency = booking.currency)"
)


def upgrade() -> None:
    op.create_table(
        "payment_share",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("gift", sa.Boolean(), nullable=False),
        sa.Column("sum_shown", sa.Boolean(), nullable=False),
        sa.Column("passengers", sa.JSON(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "paid",
                "withdrawn",
                "ended",
                name="sharestate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_share_amount_positive")),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_payment_share_closed_with_time")),
        sa.CheckConstraint("gift OR sum_shown", name=op.f("ck_payment_share_hidden_for_gifts_only")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_payment_share_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_share")),
        sa.UniqueConstraint("reference", name=op.f("uq_payment_share_reference")),
    )
    op.create_index(op.f("ix_payment_share_booking_id"), "payment_share", ["booking_id"])
    open_ = sa.text("state = 'open'")
    op.create_index(
        "ix_payment_share_open", "payment_share", ["booking_id"], postgresql_where=open_, sqlite_where=open_
    )
    with rebuilding():
        _drop("uq_payment_open", "uq_payment_open_offline")
        with op.batch_alter_table("payment") as table:
            table.add_column(sa.Column("share_id", sa.Integer(), nullable=True))
            table.create_foreign_key(op.f("fk_payment_share_id"), "payment_share", ["share_id"], ["id"])
        op.create_index(op.f("ix_payment_share_id"), "payment", ["share_id"])
        _unique("uq_payment_open", ["booking_id", "provider"], f"{OPEN} AND share_id IS NULL")
        _unique("uq_payment_open_offline", ["booking_id", "method"], f"{OFFLINE} AND share_id IS NULL")
        _unique("uq_payment_open_share", ["share_id", "provider"], OPEN)
        _unique("uq_payment_open_share_offline", ["share_id", "method"], OFFLINE)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"""
            CREATE FUNCTION refuse_shares_beyond_debt() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    IF NOT {GROWS} THEN
                        RETURN NEW;
                    END IF;
                END IF;
                IF {TOO_MUCH} THEN
                    RAISE EXCEPTION 'more would be asked for than is owed' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$
        """)
        op.execute(
            "CREATE TRIGGER payment_share_within_debt BEFORE INSERT OR UPDATE OF amount_minor, state ON payment_share "
            "FOR EACH ROW EXECUTE FUNCTION refuse_shares_beyond_debt()"
        )
        return
    # The insert is looked at afterwards, when the row has its id; the statement is undone all the same.
    for name, moment, when in (
        ("insert", "AFTER INSERT", TOO_MUCH),
        ("update", "BEFORE UPDATE OF amount_minor, state", f"{GROWS} AND {TOO_MUCH}"),
    ):
        op.execute(
            f"CREATE TRIGGER payment_share_within_debt_{name} {moment} ON payment_share WHEN {when} "
            "BEGIN SELECT RAISE(ABORT, 'more would be asked for than is owed'); END"
        )


def downgrade() -> None:
    with rebuilding():
        _drop(
            "uq_payment_open",
            "uq_payment_open_offline",
            "uq_payment_open_share",
            "uq_payment_open_share_offline",
            op.f("ix_payment_share_id"),
        )
        # Of several open attempts of a booking only its holder's stays open: nobody else can be asked.
        op.execute(f"UPDATE payment SET state = 'expired' WHERE {OPEN} AND share_id IS NOT NULL")
        with op.batch_alter_table("payment") as table:
            table.drop_constraint(op.f("fk_payment_share_id"), type_="foreignkey")
            table.drop_column("share_id")
        _unique("uq_payment_open", ["booking_id", "provider"], OPEN)
        _unique("uq_payment_open_offline", ["booking_id", "method"], OFFLINE)
    op.drop_table("payment_share")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_shares_beyond_debt()")


def _unique(name: str, columns: list[str], where: str) -> None:
    rows = sa.text(where)
    op.create_index(name, "payment", columns, unique=True, postgresql_where=rows, sqlite_where=rows)


def _drop(*names: str) -> None:
    for name in names:
        op.drop_index(name, "payment")
