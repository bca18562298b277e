"""A guarantee cabin: the guest buys a category, and the operator chooses the cabin later.

A real cabin of the category is kept from the first moment, so that no more are sold than there are; its number is not
told, for the run that assigns the cabins may still exchange it for another of the category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.catalogue.models import Cabin
from portal.database import transaction
from portal.inventory.errors import CabinTaken, CategorySoldOut, KeptForOthers
from portal.inventory.models import Occupancy
from portal.inventory.queries import PartyPrice, cabin_page, free_cabins_of
from portal.inventory.services import hold_cabin
from portal.kernel.errors import NotFound
from portal.kernel.text import LocalizedText


@dataclass(frozen=True)
class CategoryPage:
    sailing_id: int
    category_id: int
    code: str
    sailing_code: str
    title: LocalizedText  # of the cruise
    name: LocalizedText
    description: LocalizedText
    free: int
    berths: int
    prices: tuple[PartyPrice, ...]
    candidates: tuple[int, ...]  # ids of the free cabins, those first that are missed least


def category_page(code: str, category: str, now: datetime) -> CategoryPage:
    """Raises NotFound, also for a category without a free cabin: there is nothing to guarantee."""
    sold = free_cabins_of(code, now)
    free = [cabin for cabin in sold.cabins if cabin.category.code == category]
    if not free or not sold.on_sale:
        raise NotFound(code, category)
    free.sort(key=missed)
    first = free[0]
    return CategoryPage(
        sailing_id=sold.sailing.id,
        category_id=first.category_id,
        code=category,
        sailing_code=code,
        title=sold.sailing.title,
        name=first.category.name,
        description=first.category.description,
        free=len(free),
        berths=first.berths,
        prices=cabin_page(code, first.number, now).prices,
        candidates=tuple(cabin.id for cabin in free),
    )


def missed(cabin: Cabin) -> tuple[bool, bool, int, str]:
    """How much others would miss it: accessible cabins and those with a door between them go last, then large ones."""
    return cabin.accessible, cabin.connects_to is not None, cabin.area, cabin.number


def hold_any(
    *, sailing_id: int, candidates: Sequence[int], party: int, holder: str, now: datetime
) -> Occupancy:
    """Hold the first of these cabins that is still free, its number to be told later.

    Raises CategorySoldOut, or what hold_cabin() raises; then nothing is written.
    """
    for cabin_id in candidates:
        try:
            with transaction():
                hold = hold_cabin(sailing_id=sailing_id, cabin_id=cabin_id, party=party, holder=holder, now=now)
                hold.guaranteed = True
                return hold
        except (CabinTaken, KeptForOthers):
            continue
    raise CategorySoldOut
