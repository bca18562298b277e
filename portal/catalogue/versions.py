"""Versions of what pages show: bumped by whoever changes it, in the same transaction."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import String, cast, literal, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from portal.catalogue.models import DataVersion, Sailing
from portal.database import db
from portal.kernel.clock import real_now

CATALOGUE = "catalogue"
Versions = tuple[tuple[str, int], ...]


def sailing_version(sailing_id: int) -> str:
    """The name under which a sailing's free cabins are versioned."""
    return f"sailing:{sailing_id}"


def bump(name: str) -> None:
    """Make every page that shows `name` stale once the caller's transaction commits."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(DataVersion)
        .values(name=name, version=1, changed_at=real_now())
        .on_conflict_do_update(
            index_elements=["name"], set_={"version": DataVersion.version + 1, "changed_at": real_now()}
        )
    )


def versions_since(moment: datetime | None) -> tuple[tuple[str, int, datetime], ...]:
    """That of the catalogue, and all that were bumped since `moment` of the real clock, or ever. One statement."""
    columns = DataVersion.name, DataVersion.version, DataVersion.changed_at
    rows = db.session.execute(
        select(*columns)
        if moment is None
        else union_all(
            select(*columns).where(DataVersion.name == CATALOGUE),
            select(*columns).where(DataVersion.name != CATALOGUE, DataVersion.changed_at >= moment),
        )
    )
    return tuple((name, version, changed_at) for name, version, changed_at in rows)


def versions_of_sailings(codes: Collection[str]) -> dict[str, Versions]:
    """By code, the versions of all that the page of that sailing shows. One statement.

    That is the catalogue, the sailing itself, and those of its ship that overlap it: a cabin taken on one of them is
    not free here either.
    """
    this, other = aliased(Sailing), aliased(Sailing)
    found: dict[str, list[tuple[str, int]]] = {code: [] for code in codes}
    rows = db.session.execute(
        union_all(
            select(literal("").label("code"), DataVersion.name, DataVersion.version).where(
                DataVersion.name == CATALOGUE
            ),
            select(this.code, DataVersion.name, DataVersion.version)
            .join(
                other,
                (other.ship_id == this.ship_id) & (other.starts_at < this.ends_at) & (other.ends_at > this.starts_at),
            )
            .join(DataVersion, DataVersion.name == literal(sailing_version(0)[:-1]) + cast(other.id, String))
            .where(this.code.in_(found)),
        )
    )
    for code, name, version in rows:
        for concerned in [code] if code else found:
            found[concerned].append((name, version))
    return {code: tuple(sorted(versions)) for code, versions in found.items()}
