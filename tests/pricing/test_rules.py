"""What a party pays, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest
from flask_babel import force_locale
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.pricing.errors import PartyDoesNotFit
from portal.pricing.labels import LINES, explained, left_out
from portal.pricing.party import Party, Traveller, parse_party
from portal.pricing.rules import (
    DISCOUNTS,
    CabinFares,
    Discount,
    ForeignTariff,
    LineKind,
    Offer,
    PartTariff,
    PricedParty,
    Terms,
    Why,
    price_party,
    split,
)
from scripts.bench_pricing import quote_milliseconds

pytestmark = pytest.mark.once

DAY = date(2024, 2, 15)
FARES = CabinFares("STB", 1000_00, 1600_00, 850_00, 700_00, berths=2, extra_berths=1)
EARLY = Discount(LineKind.EARLY_BOOKING, "early", percent=7, until=date(2024, 3, 31), stack="early")
GROUP = Discount(LineKind.GROUP, "group", percent=3, from_travellers=4, stack="group")
FOREIGN = ForeignTariff(frozenset({"RU"}), 8)
TURKMENBASHI_TO_BAKU = PartTariff(45, (("embark_en", "Turkmenbashi"), ("disembark_en", "Baku")))


def priced(party: str, *, day: date = DAY, fares: CabinFares = FARES, **terms: object) -> PricedParty:
    travelling = parse_party(party)
    return price_party(Offer("RUB", (fares,) * len(travelling.cabins), Terms(**terms)), travelling, day=day)


def lines(price: PricedParty) -> list[tuple[str, int, int]]:
    return [(line.kind.value, line.traveller, line.amount) for line in price.lines]


def test_one_alone_pays_for_the_empty_bed_on_a_line_of_its_own():
    price = priced("40")

    assert lines(price) == [("adult", 0, 1000_00), ("single_supplement", 0, 600_00)]


def test_a_part_of_the_voyage_costs_its_share_of_fares_and_dues_and_discounts_come_after_it():
    price = priced("40TM", part=TURKMENBASHI_TO_BAKU, foreign=FOREIGN, discounts=(EARLY,), port_dues=10_01)

    assert lines(price) == [
        ("adult", 0, 1000_00),
        ("single_supplement", 0, 600_00),
        ("part", 0, -880_00),
        ("foreign_tariff", 0, 57_60),
        ("early_booking", 0, -54_43),
        ("port_dues", 0, 4_50),
    ]


def test_an_infant_pays_nothing_for_a_part_either():
    price = priced("40,1", part=TURKMENBASHI_TO_BAKU)

    assert price.per_traveller[1].minor == 0
    assert [line.kind for line in price.lines if line.traveller == 1] == [LineKind.INFANT]


def test_two_cabins_are_priced_each_by_who_sleeps_in_it():
    price = priced("40,38,7,1;20")

    assert lines(price) == [
        ("adult", 0, 1000_00),
        ("adult", 1, 1000_00),
        ("extra_berth", 2, 700_00),
        ("infant", 3, 0),
        ("adult", 4, 1000_00),
        ("single_supplement", 4, 600_00),
    ]
    assert [money.minor for money in price.per_cabin] == [2700_00, 1600_00]
    assert [money.minor for money in price.per_traveller] == [1000_00, 1000_00, 700_00, 0, 1600_00]


def test_more_than_the_cabin_sleeps_are_refused():
    with pytest.raises(PartyDoesNotFit):
        priced("40,38,20,19")


def test_foreign_citizens_pay_their_tariff_once_their_citizenship_is_known():
    unknown, known = priced("40,38", foreign=FOREIGN), priced("40RU,38TM", foreign=FOREIGN)

    assert (unknown.total.minor, unknown.assumes_residents) == (2000_00, True)
    assert (known.total.minor, known.assumes_residents) == (2080_00, False)
    assert lines(known)[2:] == [("foreign_tariff", 1, 80_00)]


@pytest.mark.parametrize(("day", "total"), [(date(2024, 3, 31), 1860_00), (date(2024, 4, 1), 2000_00)])
def test_early_booking_ends_with_its_last_day(day, total):
    assert priced("40,38", day=day, discounts=(EARLY,)).total.minor == total


GROUPS = [("40,38;30", 3600_00), ("40,38;30,29", 3880_00), ("40,38,1;30,1", 3600_00)]


@pytest.mark.parametrize(("party", "total"), GROUPS)
def test_the_group_tariff_counts_those_with_a_berth(party, total):
    assert priced(party, discounts=(GROUP,)).total.minor == total


def test_discounts_apply_each_to_what_the_one_before_left():
    price = priced("40,38;30,29", discounts=(EARLY, GROUP))

    assert price.total.minor == 4 * (1000_00 - 70_00 - 27_90)


def test_of_one_stack_only_the_best_applies_and_a_smaller_step_of_it_is_not_mentioned():
    less = replace(EARLY, code="less", percent=4)

    price = priced("40,38", discounts=(less, EARLY))

    assert price.total.minor == 1860_00
    assert price.left_out == ()


@pytest.mark.parametrize(("percent", "kinds"), [(8, {LineKind.EARLY_BOOKING}), (10, {LineKind.PROMOTION})])
def test_what_cannot_be_combined_applies_alone_where_that_is_better_for_the_guest(percent, kinds):
    code = Discount(LineKind.PROMOTION, "ALONE", percent=percent, combinable=False)

    price = priced("40,38;30,29", discounts=(replace(EARLY, percent=9), code))

    assert {line.kind for line in price.lines} & DISCOUNTS == kinds
    assert len(price.left_out) == 1


def test_a_sum_is_shared_by_what_each_pays_to_the_last_kopeck():
    code = Discount(LineKind.PROMOTION, "SUM", amount=100_00)

    price = priced("40,38,7", discounts=(code,))

    shares = [-line.amount for line in price.lines if line.kind is LineKind.PROMOTION]
    assert shares == [37_04, 37_04, 25_92]
    assert sum(shares) == 100_00


def test_a_discount_for_some_categories_leaves_the_others_alone():
    code = Discount(LineKind.PROMOTION, "LUX", percent=50, categories=frozenset({"LUX"}))
    party = Party.of([40, 38], [30, 29])
    offer = Offer("RUB", (FARES, replace(FARES, category="LUX")), Terms(discounts=(code,)))

    price = price_party(offer, party, day=DAY)

    assert [money.minor for money in price.per_cabin] == [2000_00, 1000_00]


def test_port_dues_are_for_everyone_from_their_age_and_no_discount_touches_them():
    whole = Discount(LineKind.PROMOTION, "FREE", percent=100)

    price = priced("40,38,1", port_dues=35_00, dues_from_age=2, discounts=(whole,))

    assert price.total.minor == 70_00


@pytest.mark.parametrize("wrong", [{}, {"percent": 101}, {"percent": -5}, {"amount": -1}, {"percent": 5, "amount": 5}])
def test_a_discount_is_a_percentage_or_a_sum(wrong):
    with pytest.raises(ValueError, match="per cent"):
        Discount(LineKind.PROMOTION, "WRONG", **wrong)


TRAVELLERS = st.builds(Traveller, st.integers(0, 90), st.sampled_from([None, "RU", "TM", "KZ"]))
CABINS = st.lists(TRAVELLERS, min_size=1, max_size=4).filter(lambda cabin: any(one.needs_berth for one in cabin))
PARTIES = st.lists(CABINS.map(tuple), min_size=1, max_size=4).map(lambda cabins: Party(tuple(cabins)))
SUMS = st.integers(1, 10**8)


@st.composite
def fares(draw: st.DrawFn) -> CabinFares:
    adult = draw(SUMS)
    child = draw(st.integers(1, adult))
    extra = draw(st.none() | st.integers(1, adult))
    return CabinFares("STB", adult, adult + draw(st.integers(0, adult)), child, extra, berths=3, extra_berths=1)


DISCOUNT = st.builds(
    Discount,
    st.sampled_from(sorted(DISCOUNTS)),
    st.text("ABC", min_size=1, max_size=2),
    percent=st.integers(1, 100),
    stack=st.sampled_from(["", "one", "two"]),
    combinable=st.booleans(),
    from_travellers=st.integers(0, 5),
)
SUM_OFF = st.builds(Discount, st.just(LineKind.PROMOTION), st.just("SUM"), amount=SUMS, combinable=st.booleans())
TERMS = st.builds(
    Terms,
    foreign=st.none() | st.builds(ForeignTariff, st.just(frozenset({"RU"})), st.integers(0, 50)),
    discounts=st.lists(DISCOUNT | SUM_OFF, max_size=4).map(tuple),
    port_dues=st.integers(0, 10**6),
    dues_from_age=st.integers(0, 15),
)


def offered(kind: CabinFares, party: Party, terms: Terms) -> Offer:
    return Offer("RUB", (kind,) * len(party.cabins), terms)


@given(fares(), PARTIES, TERMS)
def test_the_sums_agree_and_nobody_is_paid_for_travelling(kind, party, terms):
    price = price_party(offered(kind, party, terms), party, day=DAY)

    assert sum(line.amount for line in price.lines) == price.total.minor
    assert sum(money.minor for money in price.per_cabin) == price.total.minor
    assert sum(money.minor for money in price.per_traveller) == price.total.minor
    assert all(money.minor >= 0 for money in price.per_traveller)
    assert all((line.amount < 0) == (line.kind in DISCOUNTS) for line in price.lines if line.amount)


@settings(deadline=None)  # every order of four
@given(fares(), CABINS, TERMS)
def test_the_order_in_which_people_were_typed_changes_nothing(kind, cabin, terms):
    parties = [Party((order,)) for order in permutations(cabin)]

    totals = {price_party(offered(kind, party, terms), party, day=DAY).total for party in parties}

    assert len(totals) == 1


@given(fares(), PARTIES, TERMS, DISCOUNT | SUM_OFF)
def test_one_more_discount_never_makes_it_dearer(kind, party, terms, discount):
    without = price_party(offered(kind, party, terms), party, day=DAY)

    with_it = price_party(offered(kind, party, terms.with_discount(discount)), party, day=DAY)

    assert with_it.total.minor <= without.total.minor


@given(fares(), PARTIES, st.integers(0, 50), st.integers(0, 10**6))
def test_one_more_cabin_is_never_free_and_dues_only_add(kind, party, percent, dues):
    assume(len(party.travellers) < 20)
    terms = Terms(ForeignTariff(frozenset({"RU"}), percent), port_dues=dues)
    larger = Party((*party.cabins, (Traveller(40),)))

    before, after = (price_party(offered(kind, each, terms), each, day=DAY) for each in (party, larger))
    without_dues = price_party(offered(kind, party, replace(terms, port_dues=0)), party, day=DAY)

    assert after.total.minor - before.total.minor == kind.single + dues
    assert before.total.minor == without_dues.total.minor + dues * len(party.travellers)


@given(st.lists(st.integers(0, 10**9), max_size=20), st.integers(0, 10**10))
def test_a_sum_is_split_to_the_last_unit_and_nobody_is_far_from_his_share(weights, amount):
    parts = split(amount, weights)

    whole = sum(weights)
    assert sum(parts) == (amount if whole else 0)
    assert all(abs(part * whole - amount * weight) < max(whole, 1) for part, weight in zip(parts, weights, strict=True))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.data())
def test_a_part_is_never_more_than_its_weight_while_the_sum_is_not_more_than_all(weights, data):
    amount = data.draw(st.integers(0, sum(weights)))

    assert all(part <= weight for part, weight in zip(split(amount, weights), weights, strict=True))


def test_every_line_says_its_reason(app):
    terms = {
        "foreign": FOREIGN,
        "port_dues": 10_00,
        "discounts": (
            EARLY,
            GROUP,
            Discount(LineKind.PROMOTION, "TENTH", percent=10),
            Discount(LineKind.PROMOTION, "SUM", amount=10_00),
        ),
    }
    alone = (EARLY, Discount(LineKind.PROMOTION, "LESS", percent=1, combinable=False))
    instead = (EARLY, Discount(LineKind.PROMOTION, "MORE", percent=50, combinable=False))
    prices = [
        priced("40,38TM,7,1;20;7,30", **terms),
        priced("40,7", fares=replace(FARES, child=1000_00)),
        priced("40", discounts=alone),
        priced("40", discounts=instead),
        priced("40,7", part=TURKMENBASHI_TO_BAKU, port_dues=10_00),
    ]

    with app.test_request_context(), force_locale("en"):
        said = {str(explained(line.why)) for price in prices for line in price.lines}
        lost = {str(left_out(why)) for price in prices for why in price.left_out}

    assert {line.kind for line in prices[0].lines} | {LineKind.SINGLE, LineKind.PART} == set(LINES)
    assert "Booked by 31 March 2024: 7% off." in said
    assert "The fare is for residents; citizens of other countries pay 8% more." in said
    assert "Code TENTH: 10% off." in said
    assert "Part of the voyage: Turkmenbashi – Baku, 45% of the whole fare." in said
    assert not {text for text in said | lost if "%(" in text}
    assert len(lost) == 2


def test_a_reason_that_nobody_explained_is_a_mistake(app):
    with app.test_request_context(), force_locale("en"), pytest.raises(KeyError):
        str(explained(Why("because")))


def test_a_family_of_four_is_priced_within_a_millisecond():
    assert quote_milliseconds() < 1
