"""Price lists by currency and version, and what changes their fares."""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LISTS = sa.table(
    "price_list",
    sa.column("id", sa.Integer),
    sa.column("sailing_id", sa.Integer),
    sa.column("currency", sa.String),
    sa.column("version", sa.Integer),
    sa.column("mark", sa.String),
    sa.column("port_dues_minor", sa.Integer),
    sa.column("fares", sa.JSON),
    sa.column("made_at", sa.DateTime(timezone=True)),
    sa.column("published_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.create_table(
        "price_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sailing_id", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=12), nullable=False),
        sa.Column("port_dues_minor", sa.Integer(), nullable=False),
        sa.Column("fares", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("port_dues_minor >= 0", name=op.f("ck_price_list_port_dues_not_negative")),
        sa.ForeignKeyConstraint(["sailing_id"], ["sailing.id"], name=op.f("fk_price_list_sailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list")),
        sa.UniqueConstraint(
            "sailing_id", "currency", "version", name=op.f("uq_price_list_sailing_id_currency_version")
        ),
    )
    op.create_index(
        "uq_price_list_draft",
        "price_list",
        ["sailing_id", "currency"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "price_terms",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=12), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_price_terms")),
    )
    op.add_column("fare", sa.Column("price_list_id", sa.Integer(), nullable=True))
    _list_what_is_on_sale()
    with op.batch_alter_table("fare") as batch_op:
        batch_op.alter_column("price_list_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(op.f("fk_fare_price_list_id"), "price_list", ["price_list_id"], ["id"])


def _list_what_is_on_sale() -> None:
    """The fares that are there become the first version of their lists."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT fare.id, fare.sailing_id, fare.currency, fare.mark, category.code, fare.adult_minor, "
            "fare.single_minor, fare.child_minor, fare.extra_minor "
            "FROM fare JOIN category ON category.id = fare.category_id ORDER BY category.position"
        )
    ).all()
    lists = defaultdict(list)
    for row in rows:
        lists[row.sailing_id, row.currency].append(row)
    if not lists:
        return
    moment = connection.execute(sa.select(sa.func.current_timestamp(type_=sa.DateTime(timezone=True)))).scalar()
    for (sailing_id, currency), fares in sorted(lists.items()):
        figures = {
            fare.code: {
                "adult": fare.adult_minor,
                "single": fare.single_minor,
                "child": fare.child_minor,
                "extra": fare.extra_minor,
            }
            for fare in fares
        }
        made = connection.execute(
            sa.insert(LISTS)
            .values(
                sailing_id=sailing_id,
                currency=currency,
                version=1,
                mark=fares[0].mark,
                port_dues_minor=0,
                fares=figures,
                made_at=moment,
                published_at=moment,
            )
            .returning(LISTS.c.id)
        ).scalar()
        connection.execute(
            sa.text("UPDATE fare SET price_list_id = :list WHERE sailing_id = :sailing AND currency = :currency"),
            {"list": made, "sailing": sailing_id, "currency": currency},
        )


def downgrade() -> None:
    with op.batch_alter_table("fare") as batch_op:
        batch_op.drop_constraint(op.f("fk_fare_price_list_id"), type_="foreignkey")
        batch_op.drop_column("price_list_id")
    op.drop_table("price_terms")
    op.drop_index("uq_price_list_draft", table_name="price_list")
    op.drop_table("price_list")
