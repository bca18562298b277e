"""Versions of what pages show: bumped by whoever changes it, in the same transaction."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from portal.catalogue.models import DataVersion
from portal.database import db

CATALOGUE = "catalogue"


def sailing_version(sailing_id: int) -> str:
    """The name under which a sailing's free cabins are versioned."""
    return f"sailing:{sailing_id}"


def bump(name: str) -> None:
    """Make every page that shows `name` stale once the caller's transaction commits."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(DataVersion)
        .values(name=name, version=1)
        .on_conflict_do_update(index_elements=["name"], set_={"version": DataVersion.version + 1})
    )


def all_versions() -> tuple[tuple[str, int], ...]:
    """Every version: few rows, one statement."""
    rows = db.session.execute(select(DataVersion.name, DataVersion.version).order_by(DataVersion.name))
    return tuple((name, version) for name, version in rows)


