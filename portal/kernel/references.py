"""Short public names of rows: what a customer reads out on the telephone."""

import secrets

ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"  # no vowels, nothing that looks like something else


def new_reference() -> str:
    """Eight characters, some 38 bits: never enough alone to open anything."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))
