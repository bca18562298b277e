"""The database: `db`, `Base`, column types, `transaction()`."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Index,
    MetaData,
    Select,
    Text,
    TypeDecorator,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session

from portal.kernel.errors import NotFound
from portal.kernel.sealing import derive_key, seal_text, unseal_text
from portal.kernel.text import LocalizedText

T = TypeVar("T")

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC out; a naive one is a bug."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LocalizedTextColumn(TypeDecorator[LocalizedText]):
    """LocalizedText as a JSON object by language."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: LocalizedText | None, dialect: Dialect) -> object:
        return None if value is None else value.by_locale

    def process_result_value(self, value: Any, dialect: Dialect) -> LocalizedText | None:
        return None if value is None else LocalizedText(value)


class SealedText(TypeDecorator[str]):
    """Text that is encrypted in the database: a passport number is readable only with the portal's own key."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else seal_text(value, column_key())

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unseal_text(value, column_key())


def column_key() -> bytes:
    """The key of SealedText columns, derived from the master key of documents."""
    keys: dict[str, bytes] = current_app.extensions.setdefault("column_keys", {})
    master = current_app.config["DOCUMENT_KEY"]
    if master not in keys:
        keys[master] = derive_key(master, "columns")
    return keys[master]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        LocalizedText: LocalizedTextColumn(),
        dict[str, Any]: JSON(),
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            create_constraint=True,
            length=24,
            values_callable=lambda states: [state.value for state in states],
        ),
    }


def index_where(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Finds the rows where `where` holds, however many others there are: what waits among what is done."""
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))


def unique_where(name: str, *columns: str, where: str) -> Index:
    """At most one row for these columns among the rows where `where` holds."""
    return index_where(name, *columns, where=where, unique=True)


# What a statement was sent with stays out of its errors, and so out of the logs: it holds names and addresses.
db = SQLAlchemy(metadata=Base.metadata, engine_options={"pool_pre_ping": True, "hide_parameters": True})


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, record: Any) -> None:
    """WAL, foreign keys, pages kept; and BEGIN sent by us, since the driver's own comes too late."""
    if type(connection).__module__.startswith("sqlite3"):
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Kilobytes; the nights of all cabins of a sailing lie on more pages than the default of 2 MB keeps.
        cursor.execute("PRAGMA cache_size = -16000")
        cursor.close()


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at the start: a lock taken halfway could only fail."""
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit on leaving the outermost block; on any exception roll everything back.

    An inner block joins the outer one, so services may call services. The outermost block starts a transaction of
    its own: what was read before it is read again, so that rules judge what the database says now.
    """
    session = db.session()
    if session.info.get("in_transaction"):
        yield session
        return
    session.commit()  # ends what reading began; nothing can be pending outside a transaction
    session.connection(execution_options={"writes": True})
    session.info["in_transaction"] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["in_transaction"] = False


def the_one(query: Select[T], *named: object) -> T:
    """What `query` finds, one at most. Raises NotFound, of what was `named`, where there is none."""
    found: T | None = db.session.scalars(query).unique().one_or_none()
    if found is None:
        raise NotFound(*named)
    return found


def in_transaction() -> bool:
    """Whether the caller stands inside a transaction() block."""
    return bool(db.session().info.get("in_transaction"))


def after_commit(call: Any) -> None:
    """Run `call` once the surrounding transaction has committed; never if it rolls back."""
    db.session().info.setdefault("after_commit", []).append(call)


@event.listens_for(Session, "after_commit")
def _run_after_commit(session: Session) -> None:
    for call in session.info.pop("after_commit", []):
        call()


@event.listens_for(Session, "after_rollback")
def _forget_after_rollback(session: Session) -> None:
    session.info.pop("after_commit", None)
