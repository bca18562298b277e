"""Fill the bench's database with so many sailings, two in three of their cabins booked: a module to run with a number.

Ships, their sailings over the years, fares and bookings are written as rows, many at a time: through the portal's own
services a million bookings would take a day. What is read by the pages is the same as if they had been made there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

BOOKED = 100  # cabins of each sailing, of 155
SAILINGS_OF_A_SHIP = 400  # sixteen a year, and most years are over
FIRST_YEAR, THIS_YEAR, LAST_YEAR = 2001, 2024, 2025
AT_ONCE = 20_000


def main(sailings: int) -> None:
    from sqlalchemy import text

    from portal.database import db
    from wsgi import app

    with app.app_context():
        connection = db.session.connection()
        if connection.dialect.name != "sqlite":
            raise SystemExit("The sizes are measured on SQLite.")
        connection.exec_driver_sql("COMMIT")
        for quick in ("PRAGMA synchronous = OFF", "PRAGMA cache_size = -400000", "PRAGMA temp_store = MEMORY"):
            connection.exec_driver_sql(quick)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        write_sailings(sailings)
        for statement in BOOKINGS:
            db.session.execute(text(statement), {"moment": "2024-02-01 00:00:00.000000", "most": BOOKED})
        db.session.commit()
        print({name: db.session.scalar(text(f"SELECT count(*) FROM {name}")) for name in ("sailing", "booking")})


BOOKINGS = (
    """CREATE TEMPORARY TABLE sold AS SELECT ship_id, id AS cabin_id,
         row_number() OVER (PARTITION BY ship_id ORDER BY number) - 1 AS place FROM cabin""",
    """INSERT INTO occupancy (reference, sailing_id, cabin_id, state, party, made_at)
         SELECT printf('%08d', sailing.id * 100 + sold.place), sailing.id, sold.cabin_id, 'booked', 2, :moment
         FROM sailing JOIN sold USING (ship_id) WHERE sold.place < :most ORDER BY sailing.id""",
    """INSERT INTO cabin_night (cabin_id, night, occupancy_id)
         WITH RECURSIVE night(sailing_id, night, last) AS (
           SELECT id, date(starts_at), date(ends_at, '-1 day') FROM sailing
           UNION ALL SELECT sailing_id, date(night, '+1 day'), last FROM night WHERE night < last)
         SELECT cabin_id, night, occupancy.id FROM occupancy JOIN night USING (sailing_id) ORDER BY cabin_id, night""",
    """INSERT INTO booking (reference, sailing_id, link_version, state, language, currency, contact_name, contact_email,
         contact_phone, terms_version, consent_version, made_at, placed_at, pay_by, confirmed_at, terms_accepted_at,
         consent_given_at, policy, versions)
         SELECT reference, sailing_id, 1, 'confirmed', 'ru', 'RUB', 'Anna Ivanova', 'anna@example.org', '+7 900 1',
         'bench', 'bench', :moment, :moment, :moment, :moment, :moment, :moment, '[]', '{}' FROM occupancy""",
    """INSERT INTO data_version (name, version, changed_at) SELECT 'sailing:' || id, 1, :moment FROM sailing WHERE true
         ON CONFLICT (name) DO UPDATE SET version = version + 1, changed_at = excluded.changed_at""",
    """INSERT INTO data_version (name, version, changed_at) SELECT 'catalogue', 1, :moment WHERE true
         ON CONFLICT (name) DO UPDATE SET version = version + 1""",
    "DROP TABLE sold",
)


def write_sailings(count: int) -> None:
    """The loaded season's sailings again, on other ships and in other years, until there are `count`."""
    from sqlalchemy import insert, select

    from portal.catalogue.models import Cabin, Category, Deck, PortCall, Sailing, Ship
    from portal.database import db
    from portal.pricing.models import Fare, PriceList

    def rows(model: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in db.session.execute(select(model.__table__)).mappings()]

    def write(model: Any, new: list[dict[str, Any]]) -> None:
        found = iter(new)
        while some := list(islice(found, AT_ONCE)):
            db.session.execute(insert(model.__table__), some)

    season, calls, lists, fares = rows(Sailing), rows(PortCall), rows(PriceList), rows(Fare)
    [ship], decks, categories, cabins = rows(Ship), rows(Deck), rows(Category), rows(Cabin)
    wanted = count - len(season)
    fleet = 1 + max(0, wanted) // SAILINGS_OF_A_SHIP
    for number in range(1, fleet):
        write(Ship, [ship | {"id": ship["id"] + number, "code": f"{ship['code']}{number}"}])
        for model, found in ((Deck, decks), (Category, categories)):
            write(model, [row | {"id": row["id"] + 1000 * number, "ship_id": ship["id"] + number} for row in found])
        moved = {"ship_id": ship["id"] + number}
        write(
            Cabin,
            [
                row
                | moved
                | {
                    "id": row["id"] + 1000 * number,
                    "deck_id": row["deck_id"] + 1000 * number,
                    "category_id": row["category_id"] + 1000 * number,
                }
                for row in cabins
            ],
        )
    new_sailings, new_calls, new_lists, new_fares = [], [], [], []
    for place, (number, year, row) in enumerate(islice(_voyages(fleet, season), max(0, wanted)), 1):
        key = {"id": max(one["id"] for one in season) + place}
        new_sailings.append(
            {name: _in_year(value, year) for name, value in row.items()}
            | key
            | {"code": f"S{place:06d}", "ship_id": ship["id"] + number}
        )
        of_it = {"sailing_id": key["id"]}
        for call in calls:
            if call["sailing_id"] == row["id"]:
                new_calls.append({name: _in_year(value, year) for name, value in call.items()} | of_it)
                del new_calls[-1]["id"]
        for price_list in lists:
            if price_list["sailing_id"] != row["id"]:
                continue
            list_key = len(lists) + len(new_lists) + 1_000_000
            new_lists.append(price_list | of_it | {"id": list_key})
            for fare in fares:
                if fare["price_list_id"] == price_list["id"]:
                    category = fare["category_id"] + 1000 * number
                    new_fares.append(fare | of_it | {"price_list_id": list_key, "category_id": category})
                    del new_fares[-1]["id"]
    for model, found in ((Sailing, new_sailings), (PortCall, new_calls), (PriceList, new_lists), (Fare, new_fares)):
        write(model, found)


def _voyages(fleet: int, season: list[dict[str, Any]]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Ship, year and sailing of the season: everything but what is there already."""
    for number in range(fleet):
        for year in range(LAST_YEAR, FIRST_YEAR - 1, -1):
            for row in season:
                if number or year != THIS_YEAR:
                    yield number, year, row


def _in_year(value: Any, year: int) -> Any:
    """A moment of the season in another year; on the same day of the week or near it does not matter."""
    return value + timedelta(days=round((year - THIS_YEAR) * 365.25)) if isinstance(value, datetime) else value


if __name__ == "__main__":
    main(int(sys.argv[1]))
