"""A party in an address."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pricing.errors import (
    EmptyCabin,
    InfantsAlone,
    NobodyTravels,
    PartyRefused,
    PartyUnreadable,
    TooManyCabins,
    TooManyTravellers,
)
from portal.pricing.party import Party, Traveller, parse_party

pytestmark = pytest.mark.once

TRAVELLERS = st.builds(Traveller, st.integers(2, 120), st.sampled_from([None, "RU", "TM"]))
PARTIES = st.lists(st.lists(TRAVELLERS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=6).map(
    lambda cabins: Party(tuple(cabins))
)


@given(PARTIES)
def test_what_was_written_into_an_address_is_read_again(party):
    assert parse_party(str(party)) == party


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ("30,30,7;30", Party.of([30, 30, 7], [30])),
        (" 30, 30 ; 7 ;", Party.of([30, 30], [7])),
        ("30TM,1", Party(((Traveller(30, "TM"), Traveller(1)),))),
    ],
)
def test_spaces_and_a_last_separator_do_no_harm(text, party):
    assert parse_party(text) == party


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", NobodyTravels),
        (";", NobodyTravels),
        ("thirty", PartyUnreadable),
        ("30;;7", EmptyCabin),
        ("121", PartyUnreadable),
        ("-1", PartyUnreadable),
        ("30,,7", PartyUnreadable),
        ("30ZZ", PartyUnreadable),
        ("٣٠", PartyUnreadable),
        ("30;1", InfantsAlone),
        (",".join(["30"] * 21), TooManyTravellers),
        (";".join(["30"] * 9), TooManyCabins),
        ("3" * 5000, PartyUnreadable),
    ],
)
def test_what_is_no_party_is_refused_with_its_reason(text, reason):
    with pytest.raises(reason):
        parse_party(text)


@given(st.text(max_size=40))
def test_nothing_that_can_be_typed_breaks_the_reading(text):
    with suppress(PartyRefused):
        assert parse_party(str(parse_party(text))) == parse_party(text)
