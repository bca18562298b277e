"""What a party pays: an ordered pipeline of small pure rules over integer minor units, each line with its reason.

`price_party` applies the rules; nothing here knows the database, a language or the time. What was decided stands in the
lines, the trace, which is shown to the traveller and pinned to what he agrees to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial
from itertools import product

from portal.kernel.money import Money
from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.party import Party, Traveller


class LineKind(StrEnum):
    """What a line of a price is for."""

    ADULT = "adult"  # a place in double use
    SINGLE = "single"  # the whole cabin for one, as bookings had it before the supplement got a line of its own
    SINGLE_SUPPLEMENT = "single_supplement"  # above a place in double use, for the empty bed
    CHILD = "child"
    INFANT = "infant"  # free, without a berth, counted to the persons aboard
    EXTRA_BERTH = "extra_berth"
    PART = "part"  # what a part of the voyage costs less than the whole
    FOREIGN_TARIFF = "foreign_tariff"
    EARLY_BOOKING = "early_booking"
    GROUP = "group"
    PROMOTION = "promotion"
    PORT_DUES = "port_dues"


DISCOUNTS = frozenset({LineKind.EARLY_BOOKING, LineKind.GROUP, LineKind.PROMOTION})


@dataclass(frozen=True)
class CabinFares:
    """The berths of a cabin and what they cost for the whole voyage; sums in minor units of the offer's currency."""

    category: str
    adult: int
    single: int
    child: int
    extra: int | None  # None where the category has no price for its extra berths
    berths: int
    extra_berths: int

    @property
    def sleeps(self) -> int:
        return self.berths + self.extra_berths


@dataclass(frozen=True)
class ForeignTariff:
    """Citizens of other countries than `residents` pay `percent` more than the fare."""

    residents: frozenset[str]
    percent: int


@dataclass(frozen=True)
class Discount:
    """So much off the fares, dues excepted: a percentage of each traveller's, or one sum for all, shared among them.

    Of those with one `stack` the best applies. One that is not `combinable` applies alone or not at all: whatever is
    better for the guest. What it depends on is compared with the day of booking and with those who need a berth.
    """

    kind: LineKind
    code: str
    percent: int = 0
    amount: int = 0  # minor units
    until: date | None = None  # the last day to book
    from_travellers: int = 0
    categories: frozenset[str] = frozenset()  # none named: all
    stack: str = ""
    combinable: bool = True

    def __post_init__(self) -> None:
        if not (0 < self.percent <= 100 and not self.amount) and not (self.amount > 0 and not self.percent):
            raise ValueError("a discount is from 1 to 100 per cent, or a sum")


@dataclass(frozen=True)
class PartTariff:
    """Whoever sails a part of the voyage pays `percent` of the whole one's fares and port dues.

    ports: the names between which he sails, for the reason: ("embark_ru", "Баку"), ("disembark_ru", "Актау"), ….
    """

    percent: int
    ports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Terms:
    """What changes the fares of one sailing in one currency, as it stands in the data."""

    foreign: ForeignTariff | None = None
    discounts: tuple[Discount, ...] = ()
    port_dues: int = 0  # minor units for each person
    dues_from_age: int = 0
    versions: tuple[tuple[str, str], ...] = ()  # ("price_list", "RUB-3"), …: what a booking pins
    part: PartTariff | None = None  # None: the whole voyage

    def with_discount(self, discount: Discount) -> Terms:
        return replace(self, discounts=(*self.discounts, discount))


@dataclass(frozen=True)
class Offer:
    """What is for sale to a party: a cabin for each of its cabins, in the same order."""

    currency: str
    cabins: tuple[CabinFares, ...]
    terms: Terms = Terms()


@dataclass(frozen=True)
class Why:
    """The reason of a line: `labels.explained` says it in the reader's language.

    params: whole numbers, dates as "2024-04-30", texts that are the same in every language; of a name that is not,
    all its forms ("embark_ru", "embark_tk", "embark_en").
    """

    code: str
    params: tuple[tuple[str, int | str], ...] = ()


@dataclass(frozen=True)
class PriceLine:
    kind: LineKind
    cabin: int  # place in the party's cabins
    traveller: int  # place in the party's travellers: every line is somebody's, so that one who leaves takes his along
    amount: int  # minor units; below zero for a discount
    why: Why


@dataclass(frozen=True)
class PricedParty:
    """The price of a party with its trace: the sum of `lines`, in the order the rules were applied."""

    currency: str
    party: Party
    lines: tuple[PriceLine, ...]
    left_out: tuple[Why, ...]  # discounts that would apply, but for a better one of another kind
    versions: tuple[tuple[str, str], ...]
    assumes_residents: bool  # somebody's citizenship is not known yet, and another tariff may be his

    @property
    def total(self) -> Money:
        return Money(sum(line.amount for line in self.lines), self.currency)

    @property
    def per_cabin(self) -> tuple[Money, ...]:
        sums = [0] * len(self.party.cabins)
        for line in self.lines:
            sums[line.cabin] += line.amount
        return tuple(Money(amount, self.currency) for amount in sums)

    @property
    def per_traveller(self) -> tuple[Money, ...]:
        sums = [0] * len(self.party.travellers)
        for line in self.lines:
            sums[line.traveller] += line.amount
        return tuple(Money(amount, self.currency) for amount in sums)


@dataclass(frozen=True)
class Place:
    """Where a traveller sleeps: the base of what he pays."""

    cabin: int
    who: Traveller
    kind: LineKind  # SINGLE, ADULT, CHILD, EXTRA_BERTH or INFANT


@dataclass(frozen=True)
class _Bill:
    """What a rule sees: the offer, the places in the order of the travellers, and each one's sum so far."""

    offer: Offer
    places: tuple[Place, ...]
    so_far: tuple[int, ...]


Rule = Callable[[_Bill], Iterator[PriceLine]]


def price_party(offer: Offer, party: Party, *, day: date) -> PricedParty:
    """What `party` pays for the cabins of `offer` when it books on `day`.

    Raises PartyDoesNotFit, a Refused. Order: fares, single supplement, part of the voyage, foreign tariff, discounts
    each on what the one before left, port dues. Source: proposed price list; discounts one after the other: Vodohod's
    special rates.
    """
    if len(offer.cabins) != len(party.cabins):
        raise ValueError("an offer has a cabin for each of the party's cabins")
    places = tuple(
        place
        for index, (fares, travellers) in enumerate(zip(offer.cabins, party.cabins, strict=True))
        for place in take_berths(index, fares, travellers)
    )
    bill, fares_lines = _apply(_Bill(offer, places, (0,) * len(places)), FARES)
    bill, reduced, left_out = _best_reduction(bill, day)
    _, dues = _apply(bill, (port_dues,))
    return PricedParty(
        offer.currency,
        party,
        (*fares_lines, *reduced, *dues),
        left_out,
        offer.terms.versions,
        offer.terms.foreign is not None and any(place.who.citizenship is None for place in places),
    )


def take_berths(cabin: int, fares: CabinFares, travellers: Sequence[Traveller]) -> list[Place]:
    """Who sleeps where: adults take the lower berths first, then children; those left over the extra berths.

    Infants sleep with their parents. One who is alone has the cabin for single use. Raises PartyDoesNotFit.
    """
    sleepers = [number for number, who in enumerate(travellers) if who.needs_berth]
    # By citizenship, too, so that the sum of a cabin does not hang on the order in which people were typed.
    sleepers.sort(key=lambda n: (not travellers[n].pays_as_adult, travellers[n].citizenship or "", n))
    if not sleepers or len(sleepers) > fares.sleeps:
        raise PartyDoesNotFit
    kinds = [LineKind.INFANT] * len(travellers)
    for order, number in enumerate(sleepers):
        if order >= fares.berths and fares.extra is not None:
            kinds[number] = LineKind.EXTRA_BERTH
        elif len(sleepers) == 1:
            kinds[number] = LineKind.SINGLE
        else:
            kinds[number] = LineKind.ADULT if travellers[number].pays_as_adult else LineKind.CHILD
    return [Place(cabin, who, kind) for who, kind in zip(travellers, kinds, strict=True)]


def base_fares(bill: _Bill) -> Iterator[PriceLine]:
    for number, place in enumerate(bill.places):
        fares = bill.offer.cabins[place.cabin]
        kind = LineKind.ADULT if place.kind is LineKind.SINGLE else place.kind
        amount = {
            LineKind.ADULT: fares.adult,
            LineKind.CHILD: fares.child,
            LineKind.INFANT: 0,
            LineKind.EXTRA_BERTH: fares.extra or 0,
        }[kind]
        code = "child_as_adult" if kind is LineKind.CHILD and fares.child == fares.adult else f"fare_{kind}"
        yield PriceLine(kind, place.cabin, number, amount, Why(code, (("age", place.who.age),)))


def single_supplement(bill: _Bill) -> Iterator[PriceLine]:
    for number, place in enumerate(bill.places):
        fares = bill.offer.cabins[place.cabin]
        if place.kind is LineKind.SINGLE and fares.single > fares.adult:
            more = fares.single - fares.adult
            yield PriceLine(LineKind.SINGLE_SUPPLEMENT, place.cabin, number, more, Why("single_supplement"))


def part_of_voyage(bill: _Bill) -> Iterator[PriceLine]:
    tariff = bill.offer.terms.part
    if tariff is None:
        return
    for number, place in enumerate(bill.places):
        whole = bill.so_far[number]
        less = percent_of(whole, tariff.percent) - whole
        if less:
            why = Why("part", (("percent", tariff.percent), *tariff.ports))
            yield PriceLine(LineKind.PART, place.cabin, number, less, why)


def foreign_tariff(bill: _Bill) -> Iterator[PriceLine]:
    """One whose citizenship is not known is taken for a resident: the price is then "from" so much."""
    tariff = bill.offer.terms.foreign
    if tariff is None:
        return
    for number, place in enumerate(bill.places):
        citizenship = place.who.citizenship
        more = percent_of(bill.so_far[number], tariff.percent)
        if citizenship is not None and citizenship not in tariff.residents and more:
            why = Why("foreign_tariff", (("percent", tariff.percent), ("country", citizenship)))
            yield PriceLine(LineKind.FOREIGN_TARIFF, place.cabin, number, more, why)


def reduction(discount: Discount, bill: _Bill) -> Iterator[PriceLine]:
    """What a discount takes off each traveller's sum so far; a sum for all is never more than there is."""
    of = [
        so_far if not discount.categories or bill.offer.cabins[place.cabin].category in discount.categories else 0
        for so_far, place in zip(bill.so_far, bill.places, strict=True)
    ]
    parts = [percent_of(each, discount.percent) for each in of]
    if discount.amount:
        parts = split(min(discount.amount, sum(of)), of)
    for number, (part, place) in enumerate(zip(parts, bill.places, strict=True)):
        if part:
            yield PriceLine(discount.kind, place.cabin, number, -part, reason_of(discount))


def port_dues(bill: _Bill) -> Iterator[PriceLine]:
    """For a part of the voyage the same share of the dues as of the fares: a list has them as one sum."""
    terms = bill.offer.terms
    dues, why = terms.port_dues, Why("port_dues")
    if terms.part is not None:
        dues, why = percent_of(dues, terms.part.percent), Why("port_dues_part", (("percent", terms.part.percent),))
    for number, place in enumerate(bill.places):
        if dues and place.who.age >= terms.dues_from_age:
            yield PriceLine(LineKind.PORT_DUES, place.cabin, number, dues, why)


FARES: tuple[Rule, ...] = (base_fares, single_supplement, part_of_voyage, foreign_tariff)


def applies(discount: Discount, travellers: int, day: date) -> bool:
    """travellers: those who need a berth."""
    return (discount.until is None or day <= discount.until) and travellers >= discount.from_travellers


def reason_of(discount: Discount) -> Why:
    params: list[tuple[str, int | str]] = [("code", discount.code)]
    if discount.percent:
        params.append(("percent", discount.percent))
    if discount.until is not None:
        params.append(("until", discount.until.isoformat()))
    if discount.from_travellers:
        params.append(("travellers", discount.from_travellers))
    return Why(discount.kind, tuple(params))


def percent_of(amount: int, percent: int) -> int:
    """Rounded half up to a minor unit."""
    return (2 * amount * percent + 100) // 200


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` >= 0 in proportion to `weights`, to the last minor unit: the largest remainders get one more.

    Nobody gets more than his weight as long as the amount is not more than all of them. All zero: nothing is split.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda n: (-(amount * weights[n] % whole), n))
    for number in by_remainder[: amount - sum(parts)]:
        parts[number] += 1
    return parts


def _apply(bill: _Bill, rules: Sequence[Rule]) -> tuple[_Bill, tuple[PriceLine, ...]]:
    lines: list[PriceLine] = []
    for rule in rules:
        added = tuple(rule(bill))
        so_far = list(bill.so_far)
        for line in added:
            so_far[line.traveller] += line.amount
        bill = _Bill(bill.offer, bill.places, tuple(so_far))
        lines += added
    return bill, tuple(lines)


def _best_reduction(bill: _Bill, day: date) -> tuple[_Bill, tuple[PriceLine, ...], tuple[Why, ...]]:
    """The cheapest of what the rules of stacking allow; of equals the one that stands first in the data."""
    sleepers = sum(place.who.needs_berth for place in bill.places)
    known = [discount for discount in bill.offer.terms.discounts if applies(discount, sleepers, day)]
    if not known:
        return bill, (), ()
    stacks: dict[str, list[Discount]] = {}
    for place, discount in enumerate(known):
        if discount.combinable:
            stacks.setdefault(discount.stack or f"#{place}", []).append(discount)
    choices: list[tuple[Discount, ...]] = [*product(*stacks.values())] if stacks else []
    choices += [(discount,) for discount in known if not discount.combinable]
    tried = [(choice, *_apply(bill, [partial(reduction, discount) for discount in choice])) for choice in choices]
    chosen, reduced, lines = min(tried, key=lambda one: sum(one[1].so_far))
    kinds = {discount.kind for discount in chosen}  # a smaller step of what applies is nothing that was lost
    return reduced, lines, tuple(reason_of(discount) for discount in known if discount.kind not in kinds)
