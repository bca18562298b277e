"""The season file: loaded whole, twice without harm, and refused whole with row and reason."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from portal.catalogue.models import Cabin, Category, Itinerary, Port, PortCall, Sailing
from portal.database import db, transaction
from portal.inventory.finding import all_cards
from portal.inventory.queries import deck_plan_page
from portal.kernel.money import Money
from portal.pricing.models import Fare, PriceList, PriceTerms
from portal.pricing.queries import currencies_of, price_lists_of, prices_of
from portal.pricing.season import FACTS, BadSeasonFile, load_season
from tests.factories import NOON

SEASON = FACTS / "season_2024.json"


def rows() -> dict[str, int]:
    models = (Cabin, Category, Port, Itinerary, Sailing, PortCall, Fare, PriceList)
    return {model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) for model in models}


@pytest.fixture
def bad_file(tmp_path):
    """The season with one thing changed, beside the real ship."""
    (tmp_path / "ship.json").write_text((FACTS / "ship.json").read_text())

    def write(change):
        season = json.loads(SEASON.read_text())
        change(season)
        path = tmp_path / "season.json"
        path.write_text(json.dumps(season))
        return path

    return write


def test_the_season_of_2024_is_complete():
    load_season(SEASON, now=NOON)

    assert rows() == {
        "cabin": 155,
        "category": 7,
        "port": 9,
        "itinerary": 7,
        "sailing": 16,
        "port_call": 92,  # 2 × 4 + 3 × 5 + 4 × 7 + 3 × 6 + 3 + 2 × 8 + 4
        "fare": 336,  # 16 sailings × 7 categories × 3 currencies
        "price_list": 48,
    }
    assert db.session.scalar(select(func.sum(Cabin.berths))) == 310
    cards = all_cards(NOON)
    assert {card.state for card in cards} == {"on_sale"}
    assert sum("TM" in card.countries for card in cards) == 13
    assert all(card.status_text.within("en") == "Planned, subject to confirmation" for card in cards)


def test_fares_follow_the_proposed_grid():
    load_season(SEASON, now=NOON)

    grid = {price.code: price for price in deck_plan_page("PV24-10", NOON).categories}

    assert grid["STF"].per_person == Money(113_500_00, "RUB")  # 12 900 × 8 nights × 1.10 = 113 520
    assert grid["STF"].single == Money(181_600_00, "RUB")  # × 1.6 = 181 632
    assert grid["GLX"].single == Money(702_200_00, "RUB")  # 39 900 × 8 × 1.10 × 2.0 = 702 240
    assert {price.mark for price in grid.values()} == {"proposed"}


def test_alone_at_double_the_fare_is_what_two_would_pay():
    load_season(SEASON, now=NOON)

    fares = db.session.scalars(select(Fare).join(Category).where(Category.code.in_(["JSB", "LUX", "GLX"]))).all()

    assert len(fares) == 144
    assert all(fare.single_minor == 2 * fare.adult_minor for fare in fares)


def test_lists_in_other_currencies_come_from_the_first_at_the_rate_of_the_file():
    load_season(SEASON, now=NOON)
    sailing = db.session.scalars(select(Sailing).filter_by(code="PV24-10")).one()

    lists = {currency: price_lists_of(sailing.id, currency) for currency in currencies_of(sailing.id)}

    assert {currency: (len(made), made[0].mark) for currency, made in lists.items()} == {
        "RUB": (1, "proposed"),
        "USD": (1, "proposed"),
        "TMT": (1, "proposed"),
    }
    assert [made[0].fares["STF"]["adult"] for made in lists.values()] == [113_500_00, 1_215_00, 4_250_00]
    assert [made[0].fares["STF"]["single"] for made in lists.values()] == [181_600_00, 1_945_00, 6_800_00]
    assert [made[0].port_dues_minor for made in lists.values()] == [5 * 900_00, 48_00, 168_00]
    assert "93.29" in lists["USD"][0].source


def test_tariffs_and_discounts_get_a_new_version_when_the_file_has_others(bad_file):
    load_season(SEASON, now=NOON)

    load_season(bad_file(lambda season: season["price_terms"]["foreign"].update(percent=10)), now=NOON)

    assert list(db.session.scalars(select(PriceTerms.version).order_by(PriceTerms.version))) == [1, 2]
    sailing = db.session.scalars(select(Sailing).filter_by(code="PV24-10")).one()
    terms = prices_of({sailing.id: sailing.code})[sailing.id].terms
    assert terms.foreign.percent == 10
    assert terms.versions == (("price_list", "RUB-1"), ("price_terms", "2"))


def test_loading_twice_changes_nothing_and_keeps_the_operators_work():
    load_season(SEASON, now=NOON)
    before = rows()
    with transaction() as session:
        sailing = session.scalars(select(Sailing).filter_by(code="PV24-03")).one()
        sailing.sales_close_at = datetime(2024, 4, 1, tzinfo=UTC)

    again = load_season(SEASON, now=NOON)

    assert (again.sailings_new, again.sailings_kept) == (0, 16)
    assert rows() == before
    kept = db.session.scalars(select(Sailing).filter_by(code="PV24-03")).one()
    assert kept.sales_close_at == datetime(2024, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["sailings"][2]["calls"][1].update(port="XXXXX"), "sailings[2] PV24-03, calls[1] XXXXX: there is"),
        (lambda s: s["sailings"][2]["calls"][1].update(arrives="2024-05-01T00:00:00+03:00"), "RUMCX: 2024-05-01"),
        (lambda s: s["sailings"][0]["calls"][0].update(departs="2024-05-01T19:00:00+03:00"), "not the time of Europe"),
        (lambda s: s["sailings"][0]["calls"][0].update(departs="2024-05-01T19:00:00"), "no offset"),
        (lambda s: s["sailings"][5].pop("itinerary"), "sailings[5] PV24-06: 'itinerary' is missing"),
        (lambda s: s["sailings"][5].update(itinerary="NOPE"), "there is no itinerary 'NOPE'"),
        (lambda s: s["ports"][3].update(zone="Mars/Olympus"), "ports[3] RUMCX: 'Mars/Olympus' is not a time zone"),
        (lambda s: s["ports"][3]["name"].pop("tk"), "ports[3] RUMCX: no text in tk"),
        (lambda s: s["price_list"]["per_night"].pop("LUX"), "price list, LUX: 'LUX' is missing"),
        (lambda s: s["price_list"]["per_night"].update(LUX=0), "price list, LUX: the database refuses it"),
        (lambda s: s["ports"][3].update(locode=s["ports"][2]["locode"]), "ports[3] RUMCX: the database refuses it"),
        (lambda s: s["ports"].append("RUMCX"), "ports[9]: "),
        (lambda s: s["price_terms"]["early_booking"][0].update(percent=0), "price terms: a discount is from 1 to 100"),
        (lambda s: s["price_terms"].update(late_booking=[]), "price terms: 'late_booking' is not known"),
        (lambda s: s["price_terms"]["foreign"].update(residents=["XX"]), "price terms: the foreign tariff needs"),
        (lambda s: s["price_list"]["currencies"][0].pop("divide"), "price list, USD: 'divide' is missing"),
        (lambda s: s.pop("sailings"), "season: 'sailings' is missing"),
        (lambda s: s.update(ship="OTHER"), "ship: the season is for 'OTHER'"),
    ],
)
def test_a_bad_file_is_refused_with_its_row_and_nothing_is_changed(bad_file, change, said):
    with pytest.raises(BadSeasonFile) as refusal:
        load_season(bad_file(change), now=NOON)

    assert said in str(refusal.value)
    assert set(rows().values()) == {0}


def test_a_file_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / "season.json"
    path.write_text("{")

    with pytest.raises(BadSeasonFile, match="not JSON"):
        load_season(path, now=NOON)


def test_a_sailing_that_has_left_can_be_read_but_is_not_on_sale():
    load_season(SEASON, now=NOON)

    states = {card.code: card.state for card in all_cards(datetime(2024, 6, 12, 12, tzinfo=UTC))}

    assert states["PV24-01"] == "departed"
    assert states["PV24-07"] == "on_sale"
