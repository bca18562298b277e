"""Countries by ISO 3166-1 alpha-2, and their names."""

from functools import cache

from babel import Locale

# Codes that CLDR names though ISO does not assign them to a country.
NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})

# Its letters do not follow each other as their code points do: Ç comes after B, not after Z.
TURKMEN_ALPHABET = "abçdeäfghijžklmnňoöprsştuüwyýz"


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
    names = ((code, country_name(code, language)) for code in country_codes())
    return tuple(sorted(names, key=lambda pair: _place(pair[1], language)))


def _place(name: str, language: str) -> list[int]:
    """Where a name stands among others in the alphabet of `language`."""
    if language == "tk":
        return [TURKMEN_ALPHABET.find(letter) for letter in name.lower()]  # a space or a hyphen before any letter
    return [ord(letter) for letter in name]
