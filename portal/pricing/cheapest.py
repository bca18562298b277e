"""The cheapest way a party fits into what is free: which cabins it takes and who sleeps with whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from portal.kernel.ages import OF_AGE
from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.party import MOST_CABINS, Party, Traveller
from portal.pricing.rules import CabinFares, Offer, PricedParty, Terms, price_party

INFANTS_IN_CABIN = 1  # beyond its berths


@dataclass(frozen=True)
class FreeCabins:
    """The free cabins of one kind: all have the same berths and fares."""

    fares: CabinFares
    free: int


@dataclass(frozen=True)
class PartyPrice:
    cabins: tuple[CabinFares, ...]  # one for each cabin of the priced party
    priced: PricedParty  # its party says who sleeps with whom
    divided: bool  # not as the party asked to sleep: it did not fit that way

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(cabin.category for cabin in self.cabins)


def cheapest_for_party(
    party: Party, free: Sequence[FreeCabins], *, currency: str, terms: Terms, day: date
) -> PartyPrice | None:
    """The cheapest way `party` fits one category or, where no category has room for all, several.

    free: what is free of each kind of cabin on one sailing; kinds with nothing free may be left in. terms: of that
    sailing in that currency. day: the day of booking. None where the party does not fit: not enough cabins, or a minor
    would be without an adult.
    """
    found = prices_by_category(party, free, currency=currency, terms=terms, day=day)
    if found:
        return min(found.values(), key=lambda price: price.priced.total.minor)
    return _divided(party, free, currency, terms, day)


def prices_by_category(
    party: Party, free: Sequence[FreeCabins], *, currency: str, terms: Terms, day: date
) -> dict[str, PartyPrice]:
    """The cheapest price of `party` in each category that has room for all of it; arguments as cheapest_for_party."""
    result: dict[str, PartyPrice] = {}
    for category in dict.fromkeys(kind.fares.category for kind in free):
        kinds = [kind for kind in free if kind.fares.category == category and kind.free > 0]
        price = _as_asked(party, kinds, currency, terms, day) or _divided(party, kinds, currency, terms, day)
        if price is not None:
            result[category] = price
    return result


def price_in_cabin(party: Party, fares: CabinFares, *, currency: str, terms: Terms, day: date) -> PricedParty | None:
    """The price of a party of one cabin in this very cabin; None where it has more or does not fit."""
    if len(party.cabins) != 1 or len(party.travellers) > fares.sleeps + INFANTS_IN_CABIN:
        return None
    try:
        return price_party(Offer(currency, (fares,), terms), party, day=day)
    except PartyDoesNotFit:
        return None


def _as_asked(party: Party, kinds: Sequence[FreeCabins], currency: str, terms: Terms, day: date) -> PartyPrice | None:
    """The cabins as the party has them."""
    cabins = sorted(
        (kind.fares for kind in kinds for _ in range(min(kind.free, MOST_CABINS))), key=lambda fares: fares.sleeps
    )
    needs = sorted(range(len(party.cabins)), key=lambda n: _needs(party.cabins[n]))
    if len(cabins) < len(needs):
        return None
    taken: dict[int, CabinFares] = {}
    for number in needs:  # the smallest cabin that will do, so that the larger ones stay for the larger needs
        fitting = next((one for one in cabins if one.sleeps >= _needs(party.cabins[number])), None)
        if fitting is None:
            return None
        cabins.remove(fitting)
        taken[number] = fitting
    chosen = tuple(taken[number] for number in range(len(needs)))
    return PartyPrice(chosen, price_party(Offer(currency, chosen, terms), party, day=day), False)


def _needs(travellers: Sequence[Traveller]) -> int:
    """How many a cabin must sleep to take them."""
    return max(sum(one.needs_berth for one in travellers), len(travellers) - INFANTS_IN_CABIN)


# Travellers of one sort are alike: adults of age, minors at the adult's fare, children, infants.
Counts = tuple[int, int, int, int]


def _sort_of(one: Traveller) -> int:
    if one.pays_as_adult:
        return 0 if one.age >= OF_AGE else 1
    return 2 if one.needs_berth else 3


def _divided(party: Party, kinds: Sequence[FreeCabins], currency: str, terms: Terms, day: date) -> PartyPrice | None:
    """The travellers put into cabins anew, at the lowest sum of fares."""
    sorts: tuple[list[Traveller], ...] = ([], [], [], [])
    for one in party.travellers:
        sorts[_sort_of(one)].append(one)
    plan = _cheapest_plan(tuple((kind.fares, min(kind.free, MOST_CABINS)) for kind in kinds), _counts(sorts))
    if plan is None:
        return None
    chosen, cabins = [], []
    for kind, counts in plan:
        chosen.append(kinds[kind].fares)
        cabins.append(tuple(sorts[sort].pop(0) for sort, count in enumerate(counts) for _ in range(count)))
    priced = price_party(Offer(currency, tuple(chosen), terms), Party(tuple(cabins)), day=day)
    return PartyPrice(tuple(chosen), priced, True)


def _counts(sorts: Sequence[Sequence[Traveller]]) -> Counts:
    adults, teens, children, infants = map(len, sorts)
    return adults, teens, children, infants


def _cheapest_plan(kinds: tuple[tuple[CabinFares, int], ...], party: Counts) -> list[tuple[int, Counts]] | None:
    """(kind, who sleeps in it) for each cabin; by trying every way, each rest of the party only once."""

    @cache
    def rest(kind: int, free: int, left: Counts, cabins: int) -> tuple[int, tuple[tuple[int, Counts], ...]] | None:
        """The lowest sum for those `left` in at most `cabins` cabins, `free` of this kind and all of the later."""
        if not any(left):
            return 0, ()
        if kind == len(kinds) or not cabins:
            return None
        after = kinds[kind + 1][1] if kind + 1 < len(kinds) else 0
        best = rest(kind + 1, after, left, cabins)
        if free:
            for counts in _fillings(kinds[kind][0], left):
                remaining = (left[0] - counts[0], left[1] - counts[1], left[2] - counts[2], left[3] - counts[3])
                others = rest(kind, free - 1, remaining, cabins - 1)
                if others is not None:
                    cost = others[0] + _base(kinds[kind][0], counts)
                    if best is None or cost < best[0]:
                        best = cost, ((kind, counts), *others[1])
        return best

    found = rest(0, kinds[0][1] if kinds else 0, party, MOST_CABINS)
    return None if found is None else list(found[1])


def _fillings(fares: CabinFares, left: Counts) -> Iterator[Counts]:
    """Everybody who may share one such cabin: never a minor without somebody of age."""
    for adults in range(1, min(left[0], fares.sleeps) + 1):
        for teens in range(min(left[1], fares.sleeps - adults) + 1):
            for children in range(min(left[2], fares.sleeps - adults - teens) + 1):
                room = fares.sleeps + INFANTS_IN_CABIN - adults - teens - children
                for infants in range(min(left[3], room) + 1):
                    yield adults, teens, children, infants


def _base(fares: CabinFares, counts: Counts) -> int:
    """The fares of those in one cabin, as take_berths lets them sleep."""
    as_adults, children = counts[0] + counts[1], counts[2]
    if as_adults + children == 1:
        return fares.single
    extra = max(0, as_adults + children - fares.berths) if fares.extra is not None else 0
    extra_children = min(extra, children)
    lower = (as_adults - (extra - extra_children)) * fares.adult + (children - extra_children) * fares.child
    return lower + extra * (fares.extra or 0)
