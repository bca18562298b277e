"""Who travels, and who sleeps in one cabin with whom, as it stands in an address: "30,30TM,7;30"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from portal.kernel.countries import country_codes
from portal.pricing.errors import (
    EmptyCabin,
    InfantsAlone,
    NobodyTravels,
    PartyUnreadable,
    TooManyCabins,
    TooManyTravellers,
)

ADULT_FARE_AGE = 15  # a child's fare is for 2 to 14 years on the first day of the cruise
CHILD_FARE_AGE = 2
OLDEST = 120
MOST_TRAVELLERS = 20  # more are a group, which the sales office looks after
MOST_CABINS = 8

_TRAVELLER = re.compile(r"([0-9]{1,3})([A-Z]{2})?")
_LONGEST = 8 * MOST_TRAVELLERS  # no reading of what cannot be a party


@dataclass(frozen=True)
class Traveller:
    age: int  # whole years on the first day of the sailing
    citizenship: str | None = None  # ISO 3166 alpha-2; None until it is named

    def __str__(self) -> str:
        return f"{self.age}{self.citizenship or ''}"

    @property
    def needs_berth(self) -> bool:
        return self.age >= CHILD_FARE_AGE

    @property
    def pays_as_adult(self) -> bool:
        return self.age >= ADULT_FARE_AGE


@dataclass(frozen=True)
class Party:
    """1 to MOST_TRAVELLERS people in 1 to MOST_CABINS cabins, in the order of the cabins.

    A traveller's number is his place when all cabins are read one after the other. Raises a Refused that says how to
    mend it.
    """

    cabins: tuple[tuple[Traveller, ...], ...]

    def __post_init__(self) -> None:
        if not any(self.cabins):
            raise NobodyTravels
        if len(self.cabins) > MOST_CABINS:
            raise TooManyCabins
        if len(self.travellers) > MOST_TRAVELLERS:
            raise TooManyTravellers
        if not all(self.cabins):
            raise EmptyCabin
        if any(not any(one.needs_berth for one in cabin) for cabin in self.cabins):
            raise InfantsAlone

    @classmethod
    def of(cls, *cabins: Iterable[int]) -> Party:
        """Party.of([30, 30, 7], [30]): ages by cabin."""
        return cls(tuple(tuple(Traveller(age) for age in ages) for ages in cabins))

    @property
    def travellers(self) -> tuple[Traveller, ...]:
        return tuple(one for cabin in self.cabins for one in cabin)

    @property
    def anonymous(self) -> Party:
        """The same party with nobody's citizenship known."""
        return Party(tuple(tuple(replace(one, citizenship=None) for one in cabin) for cabin in self.cabins))

    def __str__(self) -> str:
        return ";".join(",".join(map(str, cabin)) for cabin in self.cabins)


def parse_party(text: str) -> Party:
    """The party that str() wrote. Raises a Refused that says how to mend it."""
    if not text.strip():
        raise NobodyTravels
    if len(text) > _LONGEST:
        raise PartyUnreadable
    cabins = ["".join(cabin.split()) for cabin in text.strip().strip(";").split(";")]
    if len(cabins) > MOST_CABINS:
        raise TooManyCabins
    return Party(tuple(tuple(map(_traveller, cabin.strip(",").split(","))) if cabin else () for cabin in cabins))


def _traveller(text: str) -> Traveller:
    found = _TRAVELLER.fullmatch(text)
    if found is None or int(found[1]) > OLDEST or (found[2] and found[2] not in country_codes()):
        raise PartyUnreadable
    return Traveller(int(found[1]), found[2])
