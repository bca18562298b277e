"""What migrations share."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op


@contextmanager
def rebuilding() -> Iterator[None]:
    """SQLite changes a column or check by building its table anew; rows that point to it may not hinder it.

    Nor may triggers that speak of it: they find the new table under the old name. The table's own triggers go with it.
    SQLite heeds these wishes only outside of a transaction, so the one that is open ends here and another begins.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        yield
        return
    for statement in ("COMMIT", "PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON", "BEGIN IMMEDIATE"):
        connection.exec_driver_sql(statement)
    yield
    assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
    for statement in ("COMMIT", "PRAGMA legacy_alter_table = OFF", "PRAGMA foreign_keys = ON", "BEGIN IMMEDIATE"):
        connection.exec_driver_sql(statement)
