"""The entry rules of the season, and a store of files for each test."""

from tests.visas.conftest import rules, store

__all__ = ["rules", "store"]
