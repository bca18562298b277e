"""Cruises without a visa are found only where the rules say so for sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from portal.catalogue.models import Sailing
from portal.catalogue.versions import CATALOGUE, bump
from portal.database import db
from portal.visas.rules import Rule, Stop, Voyage
from portal.visas.season import free_of_visas, visa_free
from portal.visas.services import load_rules
from portal.visas.terms import Confidence, Regime, SeaAccess
from tests.browser import Browser
from tests.factories import NOON, make_port, make_season

MAY = date(2024, 5, 10)
OWN = Rule(None, "RU", "RU", None, Regime.OWN_NATIONAL, None, None, SeaAccess.YES, None, None, None, MAY,
           Confidence.INFERRED, ())  # fmt: skip
FREE = replace(OWN, destination="KZ", regime=Regime.VISA_FREE, max_stay_days=30, confidence=Confidence.CONFIRMED)


def voyage(**last: object) -> Voyage:
    """Russia, and a day in Kazakhstan."""
    there = replace(Stop("KZ", "KZAAU", date(2024, 5, 12), date(2024, 5, 12)), **last)
    return Voyage("PV24-01", 1, (Stop("RU", "RUASF", MAY, MAY), there))


def test_who_needs_a_visa_nowhere_is_said_so() -> None:
    assert free_of_visas(voyage(), (OWN, FREE)) == {"RU"}


@pytest.mark.parametrize(
    "rules",
    [
        (OWN,),  # nothing is known of Kazakhstan
        (OWN, replace(FREE, regime=Regime.VISA)),
        (OWN, replace(FREE, regime=Regime.VISA_FREE_GROUP)),  # only for those on a list
        (OWN, replace(FREE, confidence=Confidence.ONE_SOURCE)),
        (OWN, replace(FREE, usable_by_sea=SeaAccess.CHECK_BORDER)),
        (OWN, replace(FREE, valid_to=date(2024, 5, 11))),
        (OWN, replace(FREE, max_stay_days=0)),
    ],
)
def test_what_is_not_sure_is_not_without_a_visa(rules: tuple[Rule, ...]) -> None:
    assert free_of_visas(voyage(), rules) == set()


def test_a_call_that_waits_for_a_permission_promises_nothing() -> None:
    assert free_of_visas(voyage(certain=False), (OWN, FREE)) == set()


def stays_in_russia(sailing: Sailing) -> None:
    sailing.calls[1].port_id = make_port("RUMCX", "RU", "Europe/Moscow", latitude=42.98, longitude=47.5).id
    bump(CATALOGUE)
    db.session.commit()


def test_the_list_offers_the_choice_and_counts_what_it_leaves(browser: Browser) -> None:
    load_rules(now=NOON)
    abroad, at_home = make_season(), make_season(days_ahead=120)
    stays_in_russia(at_home.sailing)

    page = browser.open("/en/cruises?visa_free=RU")

    [choice] = page.find("select", id="visa_free")
    assert "Russia (1)" in [" ".join(option.itertext()) for option in choice.iter("option")]
    assert at_home.sailing.code in page.words
    assert abroad.sailing.code not in page.words


def test_of_what_has_departed_nothing_is_said() -> None:
    load_rules(now=NOON)
    at_home = make_season()
    stays_in_russia(at_home.sailing)
    start = at_home.sailing.starts_at

    assert "RU" in visa_free(start - timedelta(seconds=1))[at_home.sailing.id]
    assert visa_free(start) == {}
