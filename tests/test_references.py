"""References that are copied by hand: one slip of the pen is noticed, wherever it happens."""

import random

import pytest

from portal.kernel.references import ALPHABET, new_reference, plain, read_checked, with_check

pytestmark = pytest.mark.once
SIGNS = ALPHABET + "A"


def written(reference: str) -> str:
    return with_check(reference).replace("-", "")


def test_every_single_wrong_character_is_noticed():
    right = written("7K2M9BCD")

    wrong = [
        right[:place] + sign + right[place + 1 :] for place in range(9) for sign in SIGNS if sign != right[place]
    ]

    assert len(wrong) == 9 * 28
    assert not any(map(read_checked, wrong))


def test_every_pair_of_swapped_neighbours_is_noticed():
    for place in range(7):  # every two characters at every place; the last place is the next test's
        for one in ALPHABET:
            for other in ALPHABET:
                right = written("7K2M9BCD"[:place] + one + other + "7K2M9BCD"[place + 2 :])
                swapped = right[:place] + other + one + right[place + 2 :]
                assert read_checked(swapped) == (right[:8] if one == other else None)


def test_a_check_letter_swapped_with_its_neighbour_is_noticed():
    chance = random.Random(56042)
    for _ in range(2000):
        right = written("".join(chance.choices(ALPHABET, k=8)))
        assert right[7] == right[8] or read_checked(right[:7] + right[8] + right[7]) is None


def test_what_was_written_is_read():
    for _ in range(200):
        reference = new_reference()
        assert read_checked(with_check(reference)) == reference


@pytest.mark.parametrize(
    "typed",
    [
        "bchk-mptx-{check}",
        "  BCHK MPTX {check} ",
        "ВСНК МРТХ {check}",  # all of them Cyrillic
        "всНкмрТх{check}",
        "BCHKMPTX–{check}",
        "BCHK\u00a0MPTX{check}",
    ],
)
def test_small_letters_spaces_and_cyrillic_look_alikes_are_understood(typed):
    check = with_check("BCHKMPTX")[-1]

    assert read_checked(typed.format(check=check)) == "BCHKMPTX"


@pytest.mark.parametrize("typed", ["", "BCHKMPTX", "BCHKMPTXBCHKMPTX", "BCHKMPT!X", "AAAAAAAAA", "١٢٣٤٥٦٧٨٩"])
def test_what_is_no_checked_reference_is_not_read(typed):
    assert read_checked(typed) is None


def test_a_reference_without_its_check_letter_is_brought_into_shape():
    assert plain(" вс-hk mptx ") == "BCHKMPTX"
