"""Machine-readable lines made by the rules of ICAO 9303, for tests: the reverse of portal.visas.mrz."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portal.visas.mrz import Format, check_digit


@dataclass(frozen=True)
class Holder:
    """What stands in one document of nobody."""

    surname: str = "ERIKSSON"
    given_names: str = "ANNA MARIA"
    number: str = "L898902C3"
    issuer: str = "UTO"
    nationality: str = "UTO"
    birth_date: date = date(1974, 8, 12)
    sex: str = "F"
    expires: date = date(2012, 4, 15)
    optional: str = ""


def lines_of(holder: Holder, form: Format = Format.TD3) -> list[str]:
    names = f"{holder.surname}<<{holder.given_names}".replace(" ", "<").replace("-", "<")
    number, birth, expires = holder.number.ljust(9, "<"), f"{holder.birth_date:%y%m%d}", f"{holder.expires:%y%m%d}"
    sex, nationality = holder.sex or "<", holder.nationality.ljust(3, "<")
    issuer = holder.issuer.ljust(3, "<")
    dates = checked(birth), checked(expires)
    if form is Format.TD1:
        first = f"I<{issuer}{checked(number)}{holder.optional:<15}".replace(" ", "<")
        rest = "<" * 11
        digit = check_digit(first[5:] + dates[0] + dates[1] + rest)
        return [first, f"{dates[0]}{sex}{dates[1]}{nationality}{rest}{digit}", names[:30].ljust(30, "<")]
    width = 44 if form is Format.TD3 else 36
    kind = "P" if form is Format.TD3 else "I"
    optional = holder.optional.ljust(width - 30 if form is Format.TD3 else 7, "<")
    if form is Format.TD3:
        optional = checked(optional)
    digit = check_digit(checked(number) + dates[0] + dates[1] + optional)
    return [
        f"{kind}<{issuer}{names}"[:width].ljust(width, "<"),
        f"{checked(number)}{nationality}{dates[0]}{sex}{dates[1]}{optional}{digit}",
    ]


def checked(text: str) -> str:
    return text + check_digit(text)
