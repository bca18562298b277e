"""One `make_*` a table: sensible rows, any column overridable; and whole things that most tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, select

from portal.accounts.models import Account, Role
from portal.booking.models import Booking, DocumentKind, Sex
from portal.booking.services import PassengerDetails, name_passengers, place_booking
from portal.catalogue.models import (
    Cabin,
    Category,
    Deck,
    Itinerary,
    Port,
    PortCall,
    Sailing,
    SailingState,
    Ship,
    VoyagePart,
)
from portal.catalogue.services import offer_part
from portal.catalogue.versions import CATALOGUE, bump
from portal.database import db
from portal.inventory.models import Occupancy
from portal.inventory.services import hold_cabin
from portal.kernel.text import LocalizedText
from portal.outbox.models import OutboxMessage
from portal.pricing.models import Fare, PriceList, PriceTerms, Promotion
from portal.pricing.promotions import create_promotion

NOON = datetime(2024, 2, 15, 8, tzinfo=UTC)  # noon in Astrakhan on the first day of sale
serial = count(1)


def saved(row: Any) -> Any:
    db.session.add(row)
    if db.session.info.get("together"):
        db.session.flush()
    else:
        db.session.commit()
    return row


@contextmanager
def together() -> Iterator[None]:
    """What is made in here is committed at once, at the end: a season has twenty rows, and most tests want one."""
    if db.session.info.get("together"):
        yield
        return
    db.session.info["together"] = True
    try:
        yield
        db.session.commit()
    finally:
        db.session.info.pop("together")


def text(word: str) -> LocalizedText:
    return LocalizedText({"ru": f"{word} ру", "tk": f"{word} tk", "en": word})


def make_account(role: Role = Role.CUSTOMER, **columns: Any) -> Account:
    """Without a password that anyone knows: tests sign in by `browser.sign_in`."""
    number = next(serial)
    return saved(
        Account(
            **{
                "email": f"person{number}@example.org",
                "name": f"Person {number}",
                "password_hash": "!",
                "language": "en",
                "role": role,
                "session_key": f"key{number}",
                "made_at": NOON,
            }
            | columns
        )
    )


def make_ship(**columns: Any) -> Ship:
    names = [{"name": text("Peter the Great").by_locale, "from": None, "to": None}]
    return saved(
        Ship(
            **{"code": f"SHIP{next(serial)}", "names": names, "persons_limit": 310, "length_m": 141.1, "beam_m": 16.8}
            | columns
        )
    )


def make_port(code: str, country: str, zone: str, *, latitude: float, longitude: float) -> Port:
    known = db.session.scalars(select(Port).filter_by(code=code)).one_or_none()
    return known or saved(
        Port(
            code=code,
            locode=code,
            name=text(code),
            country=country,
            latitude=latitude,
            longitude=longitude,
            zone=zone,
            sights=text("sights"),
        )
    )


@dataclass(frozen=True)
class SmallSeason:
    """A ship of four cabins and one sailing Astrakhan – Turkmenbashi – Astrakhan, fares 1000 ₽ a person."""

    ship: Ship
    sailing: Sailing
    cabins: tuple[Cabin, ...]  # 301 and 302 for two, 303 for two and an extra berth, 304 for two
    category: Category


@together()
def make_season(*, days_ahead: int = 90, nights: int = 4, persons_limit: int = 310) -> SmallSeason:
    """Rows of the catalogue and fares, on sale at NOON."""
    ship = make_ship(persons_limit=persons_limit)
    deck = saved(Deck(ship_id=ship.id, code="middle", level=3, name=text("Middle deck"), drawing=DRAWING))
    plain, extra = (
        saved(
            Category(
                ship_id=ship.id,
                code=code,
                position=position,
                name=text(name),
                description=text(f"{name} cabin"),
                area_min=18,
                area_max=20,
                berths=2,
                extra_berths=berths,
                balcony="private",
            )
        )
        for position, (code, name, berths) in enumerate([("STB", "Standard", 0), ("JSB", "Junior suite", 1)], 1)
    )
    cabins = tuple(
        saved(
            Cabin(
                ship_id=ship.id,
                deck_id=deck.id,
                category_id=(extra if number == "303" else plain).id,
                number=number,
                x=300 + 40 * place,
                y=10 if place % 2 else 120,
                w=36,
                h=40,
                side="port" if place % 2 else "starboard",
                area=19,
                berths=2,
                extra_berths=1 if number == "303" else 0,
                balcony="private",
                accessible=False,
                connects_to=None,
            )
        )
        for place, number in enumerate(["301", "302", "303", "304"])
    )
    sailing = make_sailing(ship, days_ahead=days_ahead, nights=nights)
    for category in (plain, extra):
        make_fare(sailing, category)
    return SmallSeason(ship, sailing, cabins, plain)


DRAWING = {"length": 1411, "beam": 168, "outline": "M0 0H1411V168H0Z", "details": "", "rooms": []}


@together()
def make_sailing(ship: Ship, *, days_ahead: int = 90, nights: int = 4, **columns: Any) -> Sailing:
    """Leaves Astrakhan at 13:00 `days_ahead` days after NOON's day and comes back `nights` later."""
    astrakhan = make_port("RUASF", "RU", "Europe/Astrakhan", latitude=46.3498, longitude=48.0326)
    turkmenbashi = make_port("TMKRW", "TM", "Asia/Ashgabat", latitude=40.0055, longitude=52.9933)
    itinerary = saved(
        Itinerary(
            code=f"IT{next(serial)}",
            title=text("Two shores"),
            description=text("There and back."),
            included=[text("meals").by_locale],
            not_included=[text("visas").by_locale],
        )
    )
    start = NOON.replace(hour=9) + timedelta(days=days_ahead)
    middle = start + timedelta(days=nights / 2)
    end = start + timedelta(days=nights)
    bump(CATALOGUE)
    return saved(
        Sailing(
            **{
                "code": f"PV24-{next(serial)}",
                "ship_id": ship.id,
                "itinerary_id": itinerary.id,
                "state": SailingState.ON_SALE,
                "status_text": text("Planned, subject to confirmation"),
                "starts_at": start,
                "ends_at": end,
                "sales_close_at": start - timedelta(days=3),
                "calls": [
                    PortCall(position=1, port_id=astrakhan.id, departs_at=start, leg_nm=0),
                    PortCall(
                        position=2,
                        port_id=turkmenbashi.id,
                        arrives_at=middle,
                        departs_at=middle + timedelta(hours=10),
                        leg_nm=400,
                    ),
                    PortCall(position=3, port_id=astrakhan.id, arrives_at=end, leg_nm=400),
                ],
            }
            | columns
        )
    )


def make_ring(**given: Any) -> SmallSeason:
    """A small season of eight nights: Astrakhan, on the third day Turkmenbashi, on the fifth Baku, on the seventh
    Aktau, on the ninth Astrakhan; each call of the way from eight to twenty o'clock of Astrakhan."""
    season = make_season(nights=8, **given)
    go_round(season.sailing)
    return season


def go_round(sailing: Sailing) -> Sailing:
    """Let a sailing of eight nights call as that of make_ring() does."""
    ports = (
        make_port("TMKRW", "TM", "Asia/Ashgabat", latitude=40.0055, longitude=52.9933),
        make_port("AZBAK", "AZ", "Asia/Baku", latitude=40.3756, longitude=49.8328),
        make_port("KZAAU", "KZ", "Asia/Aqtau", latitude=43.6353, longitude=51.1682),
    )
    first, last = sailing.calls[0], sailing.calls[-1]
    midnight = sailing.starts_at - timedelta(hours=13)
    db.session.delete(sailing.calls[1])
    db.session.flush()
    last.position = 5
    db.session.flush()
    db.session.add_all(
        PortCall(
            sailing_id=sailing.id,
            position=position,
            port_id=port.id,
            arrives_at=midnight + timedelta(days=2 * (position - 1), hours=8),
            departs_at=midnight + timedelta(days=2 * (position - 1), hours=20),
            leg_nm=150,
        )
        for position, port in enumerate(ports, 2)
    )
    db.session.commit()
    assert [call.position for call in sailing.calls] == [1, 2, 3, 4, 5]
    assert first.departs_at == sailing.starts_at
    return sailing


def make_part(sailing: Sailing, embark: int, disembark: int, **given: Any) -> VoyagePart:
    """A part of the voyage on sale at half of the fare."""
    return offer_part(
        **{
            "sailing_id": sailing.id,
            "embark": embark,
            "disembark": disembark,
            "percent": 50,
            "mark": "proposed",
            "on_sale": True,
            "now": NOON,
        }
        | given
    )


def make_price_list(sailing: Sailing, currency: str = "RUB", **columns: Any) -> PriceList:
    """The first version, on sale; its figures are those of the fares that a test makes."""
    known = db.session.scalars(select(PriceList).filter_by(sailing_id=sailing.id, currency=currency)).first()
    return known or saved(
        PriceList(
            **{
                "sailing_id": sailing.id,
                "currency": currency,
                "version": 1,
                "mark": "proposed",
                "port_dues_minor": 0,
                "fares": {},
                "made_at": NOON,
                "published_at": NOON,
            }
            | columns
        )
    )


def make_fare(sailing: Sailing, category: Category, **columns: Any) -> Fare:
    bump(CATALOGUE)
    return saved(
        Fare(
            **{
                "price_list_id": make_price_list(sailing, columns.get("currency", "RUB")).id,
                "sailing_id": sailing.id,
                "category_id": category.id,
                "currency": "RUB",
                "adult_minor": 1000_00,
                "single_minor": 1600_00,
                "child_minor": 850_00,
                "extra_minor": 700_00 if category.extra_berths else None,
                "mark": "proposed",
            }
            | columns
        )
    )


def details(**given: Any) -> PassengerDetails:
    """An adult Russian with a passport that nobody else has."""
    number = next(serial)
    return PassengerDetails(
        **{
            "surname": "IVANOVA",
            "given_names": "ANNA",
            "local_surname": "Иванова",
            "local_given_names": "Анна",
            "patronymic": None,
            "birth_date": date(1985, 5, 17),
            "sex": Sex.FEMALE,
            "citizenship": "RU",
            "document_kind": DocumentKind.PASSPORT,
            "document_number": f"75{number:07d}",
            "document_expires": date(2031, 1, 1),
        }
        | given
    )


def make_hold(
    season: SmallSeason,
    *,
    cabin: int = 0,
    party: int = 2,
    holder: str = "",
    now: datetime = NOON,
    part: VoyagePart | None = None,
) -> Occupancy:
    return hold_cabin(
        part_id=part.id if part else None,
        sailing_id=season.sailing.id,
        cabin_id=season.cabins[cabin].id,
        party=party,
        holder=holder or f"visitor{next(serial)}",
        now=now,
    )


def make_booking(
    season: SmallSeason,
    *,
    cabin: int = 0,
    passengers: tuple[PassengerDetails, ...] | None = None,
    customer: Account | None = None,
    now: datetime = NOON,
    language: str = "en",
    part: VoyagePart | None = None,
) -> Booking:
    """Placed and waiting for money, through the real services."""
    travellers = passengers or (details(), details(surname="IVANOV", given_names="IVAN", sex=Sex.MALE))
    hold = make_hold(season, cabin=cabin, party=len(travellers), now=now, part=part)
    booking = name_passengers(
        parties={hold.id: travellers},
        customer_id=customer.id if customer else None,
        language=language,
        now=now,
    )
    return place_booking(
        booking_id=booking.id,
        contact_name="Anna Ivanova",
        contact_email="anna@example.org",
        contact_phone="+7 900 1234567",
        terms_version="t1",
        consent_version="c1",
        now=now,
    )


def announced() -> list[str]:
    return list(db.session.scalars(select(OutboxMessage.topic).order_by(OutboxMessage.id)))


def make_promotion(code: str = "SPRING", **given: Any) -> Promotion:
    """Ten per cent in every currency, without limits, unless told otherwise."""
    return create_promotion(
        **{
            "code": code,
            "percent": None if "amount_minor" in given else 10,
            "amount_minor": None,
            "currency": None,
            "starts_on": None,
            "ends_on": None,
            "categories": (),
            "combinable": True,
            "uses_limit": None,
            "cabins_limit": None,
            "budget_minor": None,
            "now": NOON,
        }
        | given
    )


def make_terms(**terms: Any) -> PriceTerms:
    """The terms of every sailing from now on, as a season file has them."""
    version = (db.session.scalar(select(func.max(PriceTerms.version))) or 0) + 1
    return saved(PriceTerms(version=version, mark="proposed", terms=terms, made_at=NOON))


def make_draft(
    season: SmallSeason, *travellers: PassengerDetails, cabin: int = 0, holder: str = "", now: datetime = NOON
) -> Booking:
    """One held cabin with its passengers named: two adults unless told otherwise."""
    named = travellers or (details(), details(surname="IVANOV", given_names="IVAN", sex=Sex.MALE))
    hold = make_hold(season, cabin=cabin, party=len(named), holder=holder, now=now)
    return name_passengers(parties={hold.id: named}, customer_id=None, language="en", now=now)
