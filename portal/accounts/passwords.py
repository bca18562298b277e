"""Passwords: kept as argon2id hashes, checked with the same work whether or not there is an account."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

MIN_LENGTH = 10
MAX_LENGTH = 200
LEAST_DIFFERENT = 5  # characters: refuses "aaaaaaaaaa" and "1212121212"

# OWASP's first choice of 2024 for argon2id: 19 MiB, two passes, one lane; some 25 ms on the smallest server.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher.hash(_same_keys(password))


def matches(password: str, password_hash: str | None) -> bool:
    """Whether `password` is the one hashed; for None the same work is done for nothing, so that time tells nothing."""
    try:
        return _hasher.verify(password_hash or _nobodys(), _same_keys(password)) and password_hash is not None
    except (Argon2Error, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether it was made with less work than is asked today."""
    return _hasher.check_needs_rehash(password_hash)


def easy_to_guess(password: str, *, email: str, name: str) -> bool:
    """Whether `password` says what everybody knows, or nearly nothing."""
    folded = password.casefold()
    known = [email, email.partition("@")[0], name.casefold()]
    return len(set(folded)) < LEAST_DIFFERENT or any(folded == word for word in known)


def unguessable() -> str:
    """A password that nobody knows: for accounts whose owner has yet to choose one."""
    return secrets.token_urlsafe(32)


def _same_keys(password: str) -> str:
    """One form of what different keyboards write differently."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return _hasher.hash(unguessable())
