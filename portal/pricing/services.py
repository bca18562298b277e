"""Set what a sailing costs from now on; what was agreed in bookings stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.audit.services import record
from portal.catalogue.models import Category, Sailing
from portal.catalogue.versions import CATALOGUE, bump, sailing_version
from portal.database import db, transaction
from portal.outbox.services import announce
from portal.pricing.errors import FareProblem, FaresChanged, FaresRefused
from portal.pricing.models import Fare, PriceList
from portal.pricing.queries import CURRENCY

MARKS = ("proposed", "confirmed")


@dataclass(frozen=True)
class FareEdit:
    """Fares of one category, in minor units; `extra_minor` only where the category has extra berths."""

    category: str
    adult_minor: int
    single_minor: int
    child_minor: int
    extra_minor: int | None


def fares_seal(fares: Iterable[Fare]) -> str:
    """Changes with any of these fares: what a page was typed upon is compared by it."""
    rows = sorted(
        (fare.category_id, fare.price_list_id, fare.adult_minor, fare.single_minor, fare.child_minor, fare.extra_minor)
        for fare in fares
    )
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def set_fares(
    *,
    sailing_id: int,
    edits: Sequence[FareEdit],
    mark: str,
    seen: str,
    now: datetime,
    currency: str = CURRENCY,
    port_dues_minor: int | None = None,
) -> None:
    """Set the fares of a sailing's categories, all or none: a new version of its price list, on sale at once.

    mark: "proposed" or "confirmed". seen: fares_seal() of what the page showed. Categories without a fare are not
    sold and cannot be priced here. port_dues_minor: for each person; None leaves them.
    Raises FaresChanged, or FaresRefused with all that is wrong. Announces catalogue.sailing_changed.
    """
    assert mark in MARKS
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        rows = session.execute(
            select(Fare, Category)
            .join(Category, Category.id == Fare.category_id)
            .where(Fare.sailing_id == sailing_id, Fare.currency == currency)
        ).all()
        known = {category.code: (fare, category) for fare, category in rows}
        if fares_seal(fare for fare, _ in known.values()) != seen or {e.category for e in edits} != set(known):
            raise FaresChanged
        problems = [problem for edit in edits for problem in _problems(edit, known[edit.category][1])]
        if problems:
            raise FaresRefused(problems)
        changes = [change for edit in edits for change in _apply(known[edit.category][0], edit, mark)]
        before = next(fare.price_list for fare, _ in known.values()).port_dues_minor
        dues = before if port_dues_minor is None else port_dues_minor
        if dues != before:
            changes.append(f"port dues {before} → {dues}")
        if not changes:
            return
        published = new_list(sailing_id, currency, mark=mark, dues=dues, now=now)
        publish(published, {code: fare for code, (fare, _) in known.items()}, now)
        record(
            "sailing.fares_set",
            subject="sailing",
            reference=sailing.code,
            now=now,
            to_state=mark,
            reason="; ".join(changes),
        )
        bump(CATALOGUE)
        bump(sailing_version(sailing_id))
        announce("catalogue.sailing_changed", sailing_id=sailing_id)


def new_list(
    sailing_id: int, currency: str, *, mark: str, dues: int, now: datetime, source: str | None = None
) -> PriceList:
    """The next version of a sailing's price list, without figures yet."""
    session = db.session
    last = session.scalar(
        select(func.max(PriceList.version)).where(PriceList.sailing_id == sailing_id, PriceList.currency == currency)
    )
    made = PriceList(
        sailing_id=sailing_id,
        currency=currency,
        version=(last or 0) + 1,
        mark=mark,
        port_dues_minor=dues,
        fares={},
        source=source,
        made_at=now,
    )
    session.add(made)
    session.flush()
    return made


def publish(price_list: PriceList, fares: Mapping[str, Fare], now: datetime) -> None:
    """Put `fares`, by code of category, on sale as this version, which keeps their figures for ever."""
    for fare in fares.values():
        fare.price_list = price_list
    price_list.fares = {
        code: {
            "adult": fare.adult_minor,
            "single": fare.single_minor,
            "child": fare.child_minor,
            "extra": fare.extra_minor,
        }
        for code, fare in fares.items()
    }
    price_list.published_at = now


def _problems(edit: FareEdit, category: Category) -> Iterator[FareProblem]:
    """The database holds the same rules; here they are said so that they can be mended."""
    if edit.adult_minor <= 0:
        yield FareProblem(edit.category, "adult", _l("A fare is more than nothing."))
    if edit.single_minor < edit.adult_minor:
        yield FareProblem(edit.category, "single", _l("Alone in the cabin one pays at least the fare for two."))
    if not 0 < edit.child_minor <= edit.adult_minor:
        yield FareProblem(edit.category, "child", _l("A child pays something, and no more than an adult."))
    if category.extra_berths and not (edit.extra_minor or 0) > 0:
        yield FareProblem(edit.category, "extra", _l("This category has extra berths: say what they cost."))
    if not category.extra_berths and edit.extra_minor is not None:
        yield FareProblem(edit.category, "extra", _l("This category has no extra berths."))


def _apply(fare: Fare, edit: FareEdit, mark: str) -> Iterator[str]:
    for name in ("adult_minor", "single_minor", "child_minor", "extra_minor"):
        before, after = getattr(fare, name), getattr(edit, name)
        if before != after:
            yield f"{edit.category} {name.removesuffix('_minor')} {before} → {after}"
            setattr(fare, name, after)
    if fare.mark != mark:
        yield f"{edit.category} {fare.mark} → {mark}"
        fare.mark = mark
