"""Short public names of rows: what a customer reads out on the telephone."""

import secrets

ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"  # no vowels, nothing that looks like something else
LENGTH = 8

# One letter more than a reference may have, so that their number is prime: then no two wrongs make a right.
_CHECKED = ALPHABET + "A"
_WEIGHTS = range(1, LENGTH + 2)  # all different, so that swapped characters are noticed wherever they stand
# Cyrillic letters that look like one of ours; a bank's form filled in on a Russian keyboard has them.
_LOOKALIKES = str.maketrans("АВСНКМРТХУЗ", "ABCHKMPTXY3")
_BETWEEN = str.maketrans("", "", " \u00a0\u202f\t-‐‑–—.")  # what people and forms put in between


def new_reference() -> str:
    """Eight characters, some 38 bits: never enough alone to open anything."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def with_check(reference: str) -> str:
    """The reference with a check letter behind a hyphen, for whatever is copied by hand: "7K2M9BCD-X".

    One wrong character, and any two that are swapped, are noticed by read_checked().
    """
    left = -sum(weight * ALPHABET.index(sign) for weight, sign in zip(_WEIGHTS, reference, strict=False))
    return f"{reference}-{_CHECKED[left * pow(_WEIGHTS[-1], -1, len(_CHECKED)) % len(_CHECKED)]}"


def plain(written: str) -> str:
    """As references are kept: capital Latin letters without what stands in between."""
    return written.translate(_BETWEEN).upper().translate(_LOOKALIKES)


def read_checked(written: str) -> str | None:
    """The reference that with_check() wrote, however it was typed; None where a character is wrong or missing."""
    signs = plain(written)
    if len(signs) != LENGTH + 1 or not set(signs) <= set(_CHECKED) or "A" in signs[:LENGTH]:
        return None
    left = sum(weight * _CHECKED.index(sign) for weight, sign in zip(_WEIGHTS, signs, strict=True))
    return signs[:LENGTH] if left % len(_CHECKED) == 0 else None
