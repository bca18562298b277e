"""For which awaited transfer money came: with how sure, and why. Pure; the same answer for the same question."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from portal.kernel.references import ALPHABET, LENGTH, plain, with_check

NAMES_ALIKE = 85  # of 100, by rapidfuzz
WRONG_CHARACTERS = 2  # so many slips in a reference are guessed at
FEW = 100  # among so many transfers of the same sum a reference is looked for that has more than one slip
PROPOSED = 50  # from this score on, a payment is proposed
SCORES = {"reference": 70, "one wrong": 50, "two wrong": 30, "amount": 30, "name": 25}
# A run of characters that might hold a reference: those of references, and what they are mistaken for.
RUN = re.compile(f"[{ALPHABET}A01EILOSU]{{{LENGTH},}}")
LATIN = str.maketrans(
    {
        **dict(zip("АБВГДЕЁЗИЙКЛМНОПРСТУФЦЫЭ", "ABVGDEEZIIKLMNOPRSTUFCYE", strict=True)),
        **{"Ж": "ZH", "Х": "KH", "Ч": "CH", "Ш": "SH", "Щ": "SHCH", "Ъ": "", "Ь": "", "Ю": "IU", "Я": "IA"},
    }
)


class Confidence(StrEnum):
    CERTAIN = "certain"  # a reference with its check letter
    PROPOSED = "proposed"
    NONE = "none"
    ASSIGNED = "assigned"  # by a person


class Ground(StrEnum):
    """What speaks for a match, or stands in its way."""

    REFERENCE = "reference"  # of the payment, with its check letter
    BOOKING = "booking"  # the reference of the booking, with its check letter
    NO_CHECK = "no_check"  # a reference without its check letter
    DAMAGED = "damaged"  # a reference with one or two characters wrong
    AMOUNT = "amount"  # just the sum that is awaited
    NAME = "name"  # the payer is the customer or a passenger
    LESS = "less"
    MORE = "more"
    ALREADY = "already"  # the payment is received already
    BY_HAND = "by_hand"  # ... because somebody marked it, with the same sum
    SEVERAL = "several"  # something else fits as well
    NOTHING = "nothing"


@dataclass(frozen=True)
class Awaited:
    """A transfer as the matching knows it. Minor units of `currency`."""

    payment_id: int
    reference: str
    booking: str
    minor: int  # what it still lacks; of a received one its whole sum
    currency: str
    names: tuple[str, ...] = ()
    open: bool = True  # still waited for; else it ended unpaid or was received
    received: bool = False
    by_hand: bool = False  # received because somebody marked it, and no line was found for it yet


@dataclass(frozen=True)
class Match:
    confidence: Confidence
    payment: Awaited | None
    grounds: tuple[Ground, ...]

    @property
    def exact(self) -> bool:
        """Sure of the payment, and nothing is missing or left over."""
        return self.confidence is Confidence.CERTAIN and Ground.AMOUNT in self.grounds


NOTHING = Match(Confidence.NONE, None, (Ground.NOTHING,))


class Book:
    """All transfers that money may be for, found by reference, by a reference nearly right, and by sum and name."""

    def __init__(self, awaited: Iterable[Awaited]) -> None:
        self.payments: dict[str, Awaited] = {}
        self.bookings: dict[str, list[Awaited]] = defaultdict(list)
        self.nearly: dict[str, set[str]] = defaultdict(set)  # what is left of a reference without one character
        self.of_sum: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)  # by what is lacking: references
        self.sums: dict[tuple[int, str], dict[str, list[Awaited]]] = {}  # by what is lacking, by each word of a name
        for one in awaited:
            self.add(one)

    def add(self, one: Awaited) -> None:
        self.payments[one.reference] = one
        self.bookings[one.booking].append(one)
        if one.received:
            return
        for reference in (one.reference, one.booking):
            checked = plain(with_check(reference))
            for left in {checked, *_without_one(checked)}:
                self.nearly[left].add(reference)
            self.of_sum[one.minor, one.currency][reference] = checked
        words = self.sums.setdefault((one.minor, one.currency), defaultdict(list))
        for word in {word for name in one.names for word in _words(name)}:
            words[word].append(one)

    def take(self, reference: str, minor: int) -> None:
        """So much of what a payment lacks has come, by a line before."""
        before = self.payments[reference]
        left = before.minor - minor
        after = replace(before, minor=left) if left > 0 else replace(before, received=True, open=False, by_hand=False)
        self.bookings[before.booking].remove(before)
        self.add(after)

    def match(self, *, minor: int, currency: str, purpose: str, payer: str) -> Match:
        """For which transfer these minor units came. purpose, payer: as the bank wrote them."""
        text = plain(purpose)
        sure, unsure = self._written(text)
        if len({one.payment_id for one in sure}) == 1:
            return _judged(sure[0], self._ground(sure[0], text), minor, currency)
        found: dict[int, tuple[int, Awaited, tuple[Ground, ...]]] = {}
        for one in [*sure, *unsure]:
            ground = Ground.NO_CHECK if one in unsure else self._ground(one, text)
            found[one.payment_id] = (SCORES["reference"], one, (ground,))
        for one, wrong in self._nearly(text, (minor, currency)):
            if one.payment_id not in found:
                found[one.payment_id] = (SCORES["one wrong" if wrong == 1 else "two wrong"], one, (Ground.DAMAGED,))
        known = _latin(payer)
        for one in self._of_sum_and_name(minor, currency, known):
            found.setdefault(one.payment_id, (0, one, ()))
        scored = sorted(
            (_scored(score, one, grounds, minor, currency, known) for score, one, grounds in found.values()),
            key=lambda entry: (-entry[0], entry[1].payment_id),
        )
        if not scored or scored[0][0] < PROPOSED:
            return NOTHING
        score, best, grounds = scored[0]
        if len(scored) > 1 and scored[1][0] == score:
            grounds = (*grounds, Ground.SEVERAL)
        return Match(Confidence.PROPOSED, best, grounds)

    def _written(self, text: str) -> tuple[list[Awaited], list[Awaited]]:
        """Transfers whose own reference, or whose booking's, stands in the text: with its check letter, and without."""
        sure: dict[int, Awaited] = {}
        unsure: dict[int, Awaited] = {}
        of_bookings: dict[int, Awaited] = {}
        for place in range(len(text) - LENGTH + 1):
            written = text[place : place + LENGTH]
            own = self.payments.get(written)
            theirs = self.bookings.get(written)
            if own is None and theirs is None:
                continue
            checked = text[place : place + LENGTH + 1] == plain(with_check(written))
            if own is not None:
                (sure if checked else unsure)[own.payment_id] = own
            waiting = [one for one in theirs or () if not one.received] or list(theirs or ())
            if len(waiting) == 1:
                (of_bookings if checked else unsure)[waiting[0].payment_id] = waiting[0]
            else:
                unsure |= {one.payment_id: one for one in waiting}
        chosen = sure or of_bookings  # a booking's reference says less than that of one of its payments
        return list(chosen.values()), [one for one in unsure.values() if one.payment_id not in chosen]

    def _ground(self, one: Awaited, text: str) -> Ground:
        return Ground.REFERENCE if plain(with_check(one.reference)) in text else Ground.BOOKING

    def _nearly(self, text: str, of_sum: tuple[int, str]) -> Iterator[tuple[Awaited, int]]:
        """Transfers whose reference stands in the text with a few characters wrong, and how many."""
        found: dict[str, int] = {}
        same_sum = self.of_sum.get(of_sum, {})
        for run in RUN.findall(text):
            for length in (LENGTH + 1, LENGTH, LENGTH + 2):
                for place in range(len(run) - length + 1):
                    window = run[place : place + length]
                    if len(same_sum) <= FEW:
                        for _text, wrong, reference in process.extract(
                            window, same_sum, scorer=OSA.distance, score_cutoff=WRONG_CHARACTERS
                        ):
                            found[reference] = min(int(wrong), found.get(reference, int(wrong)))
                    for left in (window, *_without_one(window)):
                        for reference in self.nearly.get(left, ()):
                            wrong = OSA.distance(window, plain(with_check(reference)))
                            found[reference] = min(wrong, found.get(reference, wrong))
        for reference, wrong in found.items():
            if wrong <= WRONG_CHARACTERS:
                owners = [self.payments[reference]] if reference in self.payments else self.bookings[reference]
                yield from ((one, wrong) for one in owners if not one.received)

    def _of_sum_and_name(self, minor: int, currency: str, payer: str) -> Iterable[Awaited]:
        words = self.sums.get((minor, currency))
        if words is None:
            return ()
        lists = [words[word] for word in dict.fromkeys(payer.split()) if word in words]
        shared = Counter(one.reference for list_ in lists for one in list_)
        needed = min(2, len(lists))  # half a town has the same given name
        found = {reference for reference, count in shared.items() if count >= needed}
        now = {one.reference: one for list_ in lists for one in list_ if one.reference in found}
        return [one for one in now.values() if self.payments[one.reference] is one]  # as it stands now


def _judged(one: Awaited, ground: Ground, minor: int, currency: str) -> Match:
    """One payment, sure by its reference; what of the sum."""
    if currency != one.currency:
        return Match(Confidence.PROPOSED, one, (ground,))
    if one.received:
        noted = one.by_hand and minor == one.minor
        return Match(Confidence.CERTAIN, one, (ground, Ground.BY_HAND if noted else Ground.ALREADY))
    amount = Ground.AMOUNT if minor == one.minor else Ground.LESS if minor < one.minor else Ground.MORE
    return Match(Confidence.CERTAIN, one, (ground, amount))


def _scored(
    score: int, one: Awaited, grounds: tuple[Ground, ...], minor: int, currency: str, payer: str
) -> tuple[int, Awaited, tuple[Ground, ...]]:
    if one.received:
        return score, one, (*grounds, Ground.ALREADY)
    if (minor, currency) == (one.minor, one.currency):
        score, grounds = score + SCORES["amount"], (*grounds, Ground.AMOUNT)
    if any(fuzz.token_set_ratio(payer, _latin(name)) >= NAMES_ALIKE for name in one.names):
        score, grounds = score + SCORES["name"], (*grounds, Ground.NAME)
    return score, one, grounds


def _without_one(text: str) -> Sequence[str]:
    return [text[:place] + text[place + 1 :] for place in range(len(text))]


@lru_cache(maxsize=65536)
def _latin(name: str) -> str:
    """Names of passports and of banks written alike: capital Latin letters, one space between words."""
    return " ".join(re.findall(r"[A-Z]+", name.upper().translate(LATIN)))


def _words(name: str) -> list[str]:
    return [word for word in _latin(name).split() if len(word) > 2]
