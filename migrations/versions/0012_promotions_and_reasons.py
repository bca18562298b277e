"""Promotion codes with limits that the database keeps, and the reason of each charge."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = ("adult", "single", "child", "infant", "extra_berth")
MORE = ("single_supplement", "foreign_tariff", "early_booking", "group", "promotion", "port_dues")
# What would be in use with the new row, its own earlier figures left out.
OTHERS = "FROM promotion_use AS other WHERE other.promotion_id = NEW.promotion_id AND other.state = 'taken' AND other.id <> NEW.id"
LIMIT = "(SELECT promotion.{limit} FROM promotion WHERE promotion.id = NEW.promotion_id)"
TOO_MUCH = " OR ".join(
    f"(SELECT coalesce(sum({used}), 0) {OTHERS}) + {more} > {LIMIT.format(limit=limit)}"
    for used, more, limit in (
        ("1", "1", "uses_limit"),
        ("other.cabins", "NEW.cabins", "cabins_limit"),
        ("other.amount_minor", "NEW.amount_minor", "budget_minor"),
    )
)


def upgrade() -> None:
    op.create_table(
        "promotion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("combinable", sa.Boolean(), nullable=False),
        sa.Column("uses_limit", sa.Integer(), nullable=True),
        sa.Column("cabins_limit", sa.Integer(), nullable=True),
        sa.Column("budget_minor", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(percent IS NULL) <> (amount_minor IS NULL)", name=op.f("ck_promotion_percent_or_sum")),
        sa.CheckConstraint(
            "percent IS NULL OR (percent > 0 AND percent <= 100)", name=op.f("ck_promotion_percent_of_a_hundred")
        ),
        sa.CheckConstraint("amount_minor IS NULL OR amount_minor > 0", name=op.f("ck_promotion_amount_positive")),
        sa.CheckConstraint(
            "currency IS NOT NULL OR (amount_minor IS NULL AND budget_minor IS NULL)",
            name=op.f("ck_promotion_sums_have_one"),
        ),
        sa.CheckConstraint(
            "starts_on IS NULL OR ends_on IS NULL OR starts_on <= ends_on",
            name=op.f("ck_promotion_starts_before_it_ends"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
        sa.UniqueConstraint("code", name=op.f("uq_promotion_code")),
    )
    op.create_table(
        "promotion_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("promotion_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("taken", "given_back", name="usestate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("cabins", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cabins > 0", name=op.f("ck_promotion_use_cabins_positive")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_promotion_use_amount_positive")),
        sa.ForeignKeyConstraint(["promotion_id"], ["promotion.id"], name=op.f("fk_promotion_use_promotion_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_promotion_use_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion_use")),
        sa.UniqueConstraint("promotion_id", "booking_id", name=op.f("uq_promotion_use_promotion_id_booking_id")),
    )
    op.create_index(op.f("ix_promotion_use_booking_id"), "promotion_use", ["booking_id"])
    op.create_index(
        "uq_promotion_use_open",
        "promotion_use",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("state = 'taken'"),
        sqlite_where=sa.text("state = 'taken'"),
    )
    op.add_column("booking", sa.Column("versions", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("booking", sa.Column("promotion_lost", sa.String(length=20), nullable=True))
    _kinds((*KINDS, *MORE))
    op.add_column("charge", sa.Column("why", sa.JSON(), nullable=True))
    _guard()


def _kinds(kinds: tuple[str, ...]) -> None:
    """Which kinds a charge may be of."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("charge") as batch_op:
        batch_op.drop_constraint(op.f("ck_charge_chargekind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_charge_chargekind"), f"kind IN ({listed})")


def _guard() -> None:
    """Never more in use than the limits allow, even where two write at once."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"""
            CREATE FUNCTION refuse_promotion_beyond_limits() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM 1 FROM promotion WHERE id = NEW.promotion_id FOR UPDATE;
                IF NEW.state = 'taken' AND ({TOO_MUCH}) THEN
                    RAISE EXCEPTION 'the promotion is used up' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$
        """)
        op.execute(
            "CREATE TRIGGER promotion_within_limits BEFORE INSERT OR UPDATE ON promotion_use "
            "FOR EACH ROW EXECUTE FUNCTION refuse_promotion_beyond_limits()"
        )
        return
    # The insert is looked at afterwards, when the row has its id; the statement is undone all the same.
    for moment in ("AFTER INSERT", "BEFORE UPDATE"):
        op.execute(
            f"CREATE TRIGGER promotion_within_limits_{moment.split()[1].lower()} {moment} ON promotion_use "
            f"WHEN NEW.state = 'taken' AND ({TOO_MUCH}) BEGIN SELECT RAISE(ABORT, 'the promotion is used up'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER promotion_within_limits ON promotion_use")
        op.execute("DROP FUNCTION refuse_promotion_beyond_limits()")
    op.drop_column("charge", "why")
    # The kinds that are to go were not known before; a booking's sum stays what it was.
    op.execute("UPDATE charge SET kind = 'adult' WHERE kind NOT IN ('adult', 'single', 'child', 'infant', 'extra_berth')")
    _kinds(KINDS)
    op.drop_column("booking", "promotion_lost")
    op.drop_column("booking", "versions")
    op.drop_table("promotion_use")
    op.drop_table("promotion")
