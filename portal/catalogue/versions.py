"""Versions of what pages show: bumped by whoever changes it, in the same transaction."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from datetime import datetime
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import CompoundSelect, String, bindparam, cast, literal, select, union_all
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


def _versions_by_code() -> CompoundSelect[str, str, int]:
    this, other = aliased(Sailing), aliased(Sailing)
    return union_all(
        select(literal("").label("code"), DataVersion.name, DataVersion.version).where(DataVersion.name == CATALOGUE),
        select(this.code, DataVersion.name, DataVersion.version)
        .join(
            other,
            (other.ship_id == this.ship_id) & (other.starts_at < this.ends_at) & (other.ends_at > this.starts_at),
        )
        .join(DataVersion, DataVersion.name == literal(sailing_version(0)[:-1]) + cast(other.id, String))
        .where(this.code.in_(bindparam("codes", expanding=True))),
    )


VERSIONS_BY_CODE = _versions_by_code()  # to put it together anew took longer than the database needs for it


def versions_of_sailings(codes: Collection[str]) -> dict[str, Versions]:
    """By code, the versions of all that the page of that sailing shows. One statement.

    That is the catalogue, the sailing itself, and those of its ship that overlap it: a cabin taken on one of them is
    not free here either.
    """
    found: dict[str, list[tuple[str, int]]] = {code: [] for code in codes}
    for code, name, version in db.session.execute(VERSIONS_BY_CODE, {"codes": list(found)}):
        for concerned in [code] if code else found:
            found[concerned].append((name, version))
    return {code: tuple(sorted(versions)) for code, versions in found.items()}


Value = TypeVar("Value")


class KeptByVersion(Generic[Value]):
    """What was worked out from single sailings last, each as long as nothing that it shows has changed.

    For values only, never for rows: those belong to the session that read them.
    """

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[Hashable, tuple[Versions, datetime, datetime | None, Value]] = OrderedDict()
        self._most = most
        self._lock = Lock()
        # A change is met by many requests at once: one of them works it out, the others wait for that.
        self._making = [Lock() for _ in range(16)]

    def of(
        self, code: str, *which: Hashable, now: datetime, make: Callable[[Versions], tuple[Value, datetime | None]]
    ) -> Value:
        """What `make` gives for these versions, with the moment until which it is true. One statement where it is kept.

        which: all else that it depends on.
        """
        key = (code, *which)
        value = self._known(key, versions_of_sailings([code])[code], now)
        if value is not None:
            return value
        with self._making[hash(key) % len(self._making)]:
            versions = versions_of_sailings([code])[code]
            value = self._known(key, versions, now)
            if value is None:
                value, fresh_until = make(versions)
                with self._lock:
                    self._kept[key] = versions, now, fresh_until, value
                    self._kept.move_to_end(key)
                    while len(self._kept) > self._most:
                        self._kept.popitem(last=False)
            return value

    def _known(self, key: Hashable, versions: Versions, now: datetime) -> Value | None:
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            return None
        known, made_at, fresh_until, value = kept
        fresh = known == versions and made_at <= now and (fresh_until is None or now < fresh_until)
        return value if fresh else None

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
