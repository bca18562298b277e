"""How long the rules of prices take for one party, without database or page."""

from __future__ import annotations

import statistics
import time
from datetime import date

from portal.pricing.party import parse_party
from portal.pricing.rules import CabinFares, Discount, ForeignTariff, LineKind, Offer, Terms, price_party

ROUNDS = 5
QUOTES = 200
DAY = date(2024, 2, 15)


def quote_milliseconds() -> float:
    """Processor time for a family of four of two citizenships in two cabins, with every rule: the median of rounds."""
    fares = CabinFares("STB", 1_000_00, 1_600_00, 850_00, 700_00, berths=2, extra_berths=1)
    discounts = (
        Discount(LineKind.EARLY_BOOKING, "early-march", percent=7, until=date(2024, 3, 31), stack="early"),
        Discount(LineKind.EARLY_BOOKING, "early-april", percent=4, until=date(2024, 4, 30), stack="early"),
        Discount(LineKind.GROUP, "group-4", percent=3, from_travellers=4, stack="group"),
        Discount(LineKind.PROMOTION, "SPRING", amount=100_01, combinable=False),
    )
    terms = Terms(ForeignTariff(frozenset({"RU"}), 8), discounts, port_dues=36_00)
    offer = Offer("RUB", (fares, fares), terms)
    party = parse_party("41RU,38TM,7TM;16RU")
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(QUOTES):
            price_party(offer, party, day=DAY)
        rounds.append((time.process_time() - begun) * 1000 / QUOTES)
    return statistics.median(rounds)
