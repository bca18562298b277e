"""The routes of the season as borders see them, and travellers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from portal.visas.rules import Stop, Traveller, Voyage


def voyage(code: str, *stops: tuple[str, str, tuple[int, int], tuple[int, int]]) -> Voyage:
    """Stops as (country, port, first day, last day), days as (month, day) of 2024."""
    return Voyage(
        code,
        1,
        tuple(
            Stop(country, port, date(2024, *first_day), date(2024, *last_day))
            for country, port, first_day, last_day in stops
        ),
    )


LVG = voyage(
    "PV24-01",
    ("RU", "RUASF", (5, 1), (5, 1)),
    ("RU", "NIKOL", (5, 2), (5, 2)),
    ("RU", "RUVOG", (5, 3), (5, 3)),
    ("RU", "RUASF", (5, 4), (5, 5)),
)
TRI = voyage(
    "PV24-02",
    ("RU", "RUASF", (5, 7), (5, 7)),
    ("RU", "RUMCX", (5, 8), (5, 8)),
    ("AZ", "AZBAK", (5, 9), (5, 10)),
    ("TM", "TMKRW", (5, 11), (5, 12)),
    ("RU", "RUASF", (5, 14), (5, 14)),
)
CAS5 = voyage(
    "PV24-03",
    ("RU", "RUASF", (5, 16), (5, 16)),
    ("RU", "RUMCX", (5, 17), (5, 17)),
    ("AZ", "AZBAK", (5, 18), (5, 19)),
    ("IR", "IRBAZ", (5, 20), (5, 20)),
    ("TM", "TMKRW", (5, 21), (5, 22)),
    ("KZ", "KZAAU", (5, 23), (5, 24)),
    ("RU", "RUASF", (5, 25), (5, 25)),
)
AWZ = voyage(
    "PV24-04",
    ("RU", "RUASF", (5, 27), (5, 27)),
    ("KZ", "KZAAU", (5, 28), (5, 29)),
    ("TM", "TMKRW", (5, 30), (5, 31)),
    ("AZ", "AZBAK", (6, 1), (6, 1)),
    ("RU", "RUMCX", (6, 2), (6, 3)),
    ("RU", "RUASF", (6, 4), (6, 4)),
)
OWS = voyage(
    "PV24-05",
    ("RU", "RUASF", (6, 6), (6, 6)),
    ("RU", "RUMCX", (6, 7), (6, 8)),
    ("AZ", "AZBAK", (6, 9), (6, 9)),
)
TRE = voyage(
    "PV24-06",
    ("AZ", "AZBAK", (6, 11), (6, 11)),
    ("IR", "IRBAZ", (6, 12), (6, 12)),
    ("IR", "IRNSH", (6, 13), (6, 13)),
    ("TM", "TMKRW", (6, 14), (6, 15)),
    ("KZ", "KZAAU", (6, 16), (6, 17)),
    ("RU", "RUASF", (6, 18), (6, 19)),
    ("RU", "RUMCX", (6, 20), (6, 20)),
    ("AZ", "AZBAK", (6, 21), (6, 21)),
)
NTH = voyage(
    "PV24-08",
    ("AZ", "AZBAK", (7, 5), (7, 5)),
    ("TM", "TMKRW", (7, 6), (7, 6)),
    ("KZ", "KZAAU", (7, 7), (7, 8)),
    ("RU", "RUASF", (7, 9), (7, 9)),
)
ALL = (LVG, TRI, CAS5, AWZ, OWS, TRE, NTH)

ADULT = Traveller(
    citizenship="RU",
    birth_date=date(1985, 5, 17),
    travel_passport=True,
    document_expires=date(2031, 1, 1),
    document_fingerprint="f1",
    surname="IVANOVA",
    given_names="ANNA",
)


def traveller(citizenship: str = "RU", **given: Any) -> Traveller:
    return replace(ADULT, citizenship=citizenship, **given)
