"""Countries by ISO 3166-1 alpha-2, and their names."""

from functools import cache

from babel import Locale

# Codes that CLDR names though ISO does not assign them to a country.
NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


@cache
def country_codes() -> frozenset[str]:
    """Every code that a passport may carry as citizenship."""
    return frozenset(
        code
        for code in map(str, Locale("en").territories)
        if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES
    )


def country_name(code: str, language: str) -> str:
    """The country's name in `language`; the code itself for an unknown one."""
    return Locale(language).territories.get(code) or code


@cache
def countries_by_name(language: str) -> tuple[tuple[str, str], ...]:
    """(code, name) in the order of the names: for a list to choose from."""
    return tuple(sorted(((code, country_name(code, language)) for code in country_codes()), key=lambda pair: pair[1]))
