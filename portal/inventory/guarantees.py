"""A guarantee cabin: the guest buys a category, and the operator chooses the cabin later.

A real cabin of the category is kept from the first moment, so that no more are sold than there are; its number is not
told, for the run that assigns the cabins may still exchange it for another of the category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.catalogue.models import Cabin
from portal.catalogue.queries import PartView
from portal.database import transaction
from portal.inventory.errors import CabinTaken, CategorySoldOut, KeptForOthers
from portal.inventory.models import Occupancy
from portal.inventory.queries import PartyPrice, free_category
from portal.inventory.services import hold_cabin
from portal.kernel.text import LocalizedText


@dataclass(frozen=True)
class CategoryPage:
    sailing_id: int
    part_id: int | None  # of a part of the voyage
    part: PartView | None
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


def category_page(code: str, category: str, now: datetime, *, part: str | None = None) -> CategoryPage:
    """Raises NotFound, also for a category without a free cabin: there is nothing to guarantee."""
    found = free_category(code, category, now, part=part, first=missed)
    sailing = found.sailing
    return CategoryPage(
        sailing_id=sailing.id,
        part_id=sailing.part.id if sailing.part else None,
        part=sailing.part,
        category_id=found.category.id,
        code=category,
        sailing_code=code,
        title=sailing.title,
        name=found.category.name,
        description=found.category.description,
        free=len(found.cabins),
        berths=found.cabins[0].berths,
        prices=found.prices,
        candidates=tuple(cabin.id for cabin in found.cabins),
    )


def missed(cabin: Cabin) -> tuple[bool, bool, int, str]:
    """How much others would miss it: accessible cabins and those with a door between them go last, then large ones."""
    return cabin.accessible, cabin.connects_to is not None, cabin.area, cabin.number


def hold_any(
    *,
    sailing_id: int,
    candidates: Sequence[int],
    party: int,
    holder: str,
    now: datetime,
    part_id: int | None = None,
) -> Occupancy:
    """Hold the first of these cabins that is still free, its number to be told later; for a part of the voyage, too.

    Raises CategorySoldOut, or what hold_cabin() raises; then nothing is written.
    """
    for cabin_id in candidates:
        try:
            with transaction():
                hold = hold_cabin(
                    sailing_id=sailing_id, cabin_id=cabin_id, party=party, holder=holder, now=now, part_id=part_id
                )
                hold.guaranteed = True
                return hold
        except (CabinTaken, KeptForOthers):
            continue
    raise CategorySoldOut
