"""A price that is saved, opened by its code, taken up, and becomes one booking."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pikepdf
import pypdfium2
import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from portal.booking.errors import QuoteDoesNotFit, QuoteOver, QuoteUsed
from portal.booking.models import Booking, QuoteUse
from portal.booking.prices import apply_promotion, draft_price
from portal.booking.quote_paper import quote_paper
from portal.booking.quotes import QUOTE_TIME, quote_page, save_draft, save_quote, take_up
from portal.booking.services import name_passengers, place_booking
from portal.database import db, transaction
from portal.inventory.errors import CabinTaken, SailingClosed
from portal.inventory.models import Occupancy
from portal.inventory.services import HOLD_TIME, release
from portal.kernel.errors import NotFound
from portal.kernel.text import LANGUAGES
from portal.pricing.errors import PromotionGivesNothing
from portal.pricing.kept import offer_kept, offer_read
from portal.pricing.models import Fare, Quote
from portal.pricing.party import Party
from portal.pricing.rules import CabinFares, Discount, ForeignTariff, LineKind, Offer, PartTariff, Terms
from tests.browser import Browser, Page
from tests.factories import (
    NOON,
    SmallSeason,
    details,
    make_draft,
    make_fare,
    make_hold,
    make_part,
    make_promotion,
    make_ring,
    make_season,
    make_terms,
)


def saved(season: SmallSeason, party: str | Party = "40,38", **given: Any) -> Quote:
    return save_quote(
        **{
            "sailing_id": season.sailing.id,
            "cabin_ids": [season.cabins[0].id],
            "party": party if isinstance(party, Party) else Party.of([int(age) for age in party.split(",")]),
            "currency": "RUB",
            "now": NOON,
        }
        | given
    )


def held(quote: Quote, holder: str = "visitor", now: Any = NOON) -> Occupancy:
    """The hold of a quote for one cabin."""
    [hold] = take_up(code=quote.code, holder=holder, now=now)
    return hold


def link_with(page: Page, part: str) -> str:
    return next(link for link in page.links if part in link)


def dearer() -> None:
    """Everything costs twice as much from now on."""
    with transaction() as session:
        for fare in session.scalars(select(Fare)):
            fare.adult_minor, fare.single_minor = 2 * fare.adult_minor, 2 * fare.single_minor


def booked(hold: Occupancy, *, now: Any = NOON) -> Booking:
    booking = name_passengers(
        parties={hold.id: [details(), details()]}, customer_id=None, language="en", now=now
    )
    return place_booking(
        booking_id=booking.id,
        contact_name="Anna",
        contact_email="anna@example.org",
        contact_phone="+7 900 1234567",
        terms_version="t1",
        consent_version="c1",
        now=now,
    )


def test_a_saved_price_stands_though_the_fares_have_risen():
    season = make_season()
    quote = saved(season)
    dearer()

    booking = booked(held(quote))

    assert booking.price.minor == quote.total_minor == 2000_00
    assert booking.versions["quote"] == quote.code
    assert db.session.get_one(QuoteUse, quote.id).booking_id == booking.id


def test_early_booking_counts_from_the_day_of_the_quote_and_others_pay_by_its_rules():
    season = make_season()
    make_terms(
        foreign={"residents": ["RU"], "percent": 8},
        early_booking=[{"code": "early", "percent": 10, "until": NOON.date().isoformat()}],
    )
    quote = saved(season)
    later = NOON + timedelta(days=1)

    hold = held(quote, now=later)
    booking = name_passengers(
        parties={hold.id: [details(), details(citizenship="TM")]}, customer_id=None, language="en", now=later
    )

    assert booking.price.minor == 900_00 + 972_00


def test_a_quote_keeps_its_currency():
    season = make_season()
    make_fare(season.sailing, season.category, currency="USD", adult_minor=11_00, single_minor=18_00, child_minor=9_00)

    booking = booked(held(saved(season, currency="USD")))

    assert (booking.price.minor, booking.currency) == (22_00, "USD")


def test_a_quote_becomes_one_booking_only():
    season = make_season()
    quote = saved(season)
    booked(held(quote))

    with pytest.raises(QuoteUsed):
        take_up(code=quote.code, holder="another", now=NOON)
    assert quote_page(quote.code, NOON).used


def test_asked_twice_by_one_visitor_it_is_the_same_hold():
    quote = saved(make_season())

    first, second = (held(quote) for _ in range(2))

    assert first.id == second.id


def test_a_hold_that_ran_out_may_be_taken_up_again():
    quote = saved(make_season())
    take_up(code=quote.code, holder="visitor", now=NOON)

    booking = booked(held(quote, "another", NOON + HOLD_TIME), now=NOON + HOLD_TIME)

    assert booking.versions["quote"] == quote.code


def test_the_last_of_two_quotes_for_a_held_cabin_counts():
    season = make_season()
    old, new = saved(season), saved(season)

    for quote in (old, new):
        hold = held(quote)

    assert booked(hold).versions["quote"] == new.code
    assert not quote_page(old.code, NOON).used


def test_a_quote_is_over_after_its_time_and_never_later_than_the_sales():
    season, soon = make_season(), make_season(days_ahead=5)
    quote = saved(season)

    with pytest.raises(QuoteOver):
        take_up(code=quote.code, holder="visitor", now=NOON + QUOTE_TIME)

    assert saved(soon).expires_at == soon.sailing.sales_close_at
    with pytest.raises(SailingClosed):
        saved(soon, now=soon.sailing.sales_close_at)


def test_a_quote_keeps_no_cabin():
    season = make_season()
    quote = saved(season)
    make_hold(season)

    assert quote_page(quote.code, NOON).taken
    with pytest.raises(CabinTaken):
        take_up(code=quote.code, holder="visitor", now=NOON)


def test_a_party_that_does_not_fit_has_no_price_to_save():
    with pytest.raises(QuoteDoesNotFit):
        saved(make_season(), party="40,38,30")


def test_a_code_that_nobody_gave_opens_nothing():
    with pytest.raises(NotFound):
        quote_page("2222222222222222", NOON)


def test_the_database_itself_lets_a_quote_have_one_use():
    season = make_season()
    quote = saved(season)
    take_up(code=quote.code, holder="visitor", now=NOON)

    with pytest.raises(IntegrityError):
        db.session.execute(insert(QuoteUse).values(quote_id=quote.id))
    db.session.rollback()


def test_of_many_who_take_up_one_quote_at_once_one_gets_the_cabin(app: Flask) -> None:
    quote = saved(make_season())
    code, guests = quote.code, 6
    start, outcomes = Barrier(guests), []

    def take(number: int) -> None:
        with app.app_context():
            start.wait()
            try:
                take_up(code=code, holder=f"visitor{number}", now=NOON)
            except CabinTaken:
                outcomes.append("taken")
            else:
                outcomes.append("held")
            db.session.remove()

    threads = [Thread(target=take, args=(number,)) for number in range(guests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()
    assert sorted(outcomes) == ["held", *["taken"] * (guests - 1)]
    assert len(db.session.scalars(select(QuoteUse)).all()) == 1


def test_a_whole_party_in_several_cabins_has_one_promise():
    season = make_season()
    quote = saved(season, cabin_ids=[season.cabins[2].id, season.cabins[0].id], party=Party.of([40, 38, 7], [30]))
    dearer()

    wide, single = take_up(code=quote.code, holder="visitor", now=NOON)
    booking = name_passengers(
        parties={
            single.id: [details(given_names="OLEG")],
            wide.id: [details(), details(given_names="IVAN"), details(birth_date=date(2017, 1, 1))],
        },
        customer_id=None,
        language="en",
        now=NOON,
    )

    assert (wide.party, single.party) == (3, 1)
    assert booking.price.minor == quote.total_minor
    assert booking.versions["quote"] == quote.code
    assert quote_page(quote.code, NOON).numbers == "303, 301"


def test_of_the_cabins_of_a_promise_all_are_held_or_none():
    season = make_season()
    quote = saved(season, cabin_ids=[season.cabins[0].id, season.cabins[1].id], party=Party.of([40], [38]))
    make_hold(season, cabin=1)

    with pytest.raises(CabinTaken):
        take_up(code=quote.code, holder="visitor", now=NOON)

    assert db.session.scalars(select(Occupancy).filter_by(holder="visitor")).all() == []
    assert quote_page(quote.code, NOON).taken == "302"


def test_fewer_cabins_than_were_promised_cost_what_they_cost_today():
    season = make_season()
    quote = saved(season, cabin_ids=[season.cabins[0].id, season.cabins[1].id], party=Party.of([40], [38]))
    dearer()
    first, second = take_up(code=quote.code, holder="visitor", now=NOON)
    release(occupancy_id=second.id, now=NOON)

    booking = name_passengers(parties={first.id: [details()]}, customer_id=None, language="en", now=NOON)

    assert "quote" not in booking.versions
    assert draft_price(booking.id).saved_for_others


def test_a_promise_for_a_part_of_the_voyage_takes_its_nights_alone():
    season = make_ring()
    part = make_part(season.sailing, 2, 3)
    quote = saved(season, part_id=part.id)
    dearer()

    hold = held(quote)

    assert booked(hold).price.minor == quote.total_minor == 1000_00
    assert hold.part_id == part.id
    assert quote_page(quote.code, NOON).sailing.part_key == "2-3"


def test_a_code_is_counted_when_the_price_is_taken_up_and_not_before():
    season = make_season()
    promotion = make_promotion(uses_limit=1)
    first, second = (saved(season, code="spring", cabin_ids=[season.cabins[place].id]) for place in (0, 1))
    drafts = [
        name_passengers(parties={hold.id: [details(), details()]}, customer_id=None, language="en", now=NOON)
        for hold in (held(first, "one"), held(second, "two"))
    ]

    assert [quote.total_minor for quote in (first, second)] == [1800_00, 1800_00]
    assert [draft.price.minor for draft in drafts] == [1800_00, 2000_00]
    assert drafts[1].promotion_lost == promotion.code


def test_the_days_of_a_code_are_those_of_the_promise():
    season = make_season()
    make_promotion(ends_on=NOON.date())
    quote = saved(season, code="SPRING")

    booking = booked(held(quote, now=NOON + timedelta(days=1)), now=NOON + timedelta(days=1))

    assert booking.price.minor == 1800_00


def test_a_code_that_gives_nothing_is_refused_when_it_is_saved():
    season = make_season()
    make_promotion(categories=["STX"])

    with pytest.raises(PromotionGivesNothing):
        saved(season, code="SPRING")


def test_what_stands_on_the_review_can_be_saved_with_everybody_in_it():
    season = make_season()
    make_terms(foreign={"residents": ["RU"], "percent": 8})
    make_promotion()
    draft = make_draft(season, details(), details(citizenship="TM"))
    apply_promotion(booking_id=draft.id, code="SPRING", now=NOON)

    quote = save_draft(booking_id=draft.id, now=NOON)

    assert quote.total_minor == draft.price.minor
    assert quote.party == "38RU,38TM"
    assert quote_page(quote.code, NOON).promotion == "SPRING"


def test_a_party_looks_at_all_its_cabins_before_it_saves_their_price(browser: Browser) -> None:
    season = make_season()
    make_promotion()
    first = browser.open(f"/en/cruises/{season.sailing.code}/cabins/301?party=34;30")
    plan = browser.open(link_with(first, "chosen=301"))
    cabin = browser.open(link_with(plan, "cabins/302"))

    form = browser.open(link_with(cabin, "/302/quote"))
    mistaken, quote = form.submit(code="summer"), form.submit(code="spring").follow()

    assert "301, 302" in form.words
    assert mistaken.status == 422
    assert "Saved price for cabins 301, 302" in quote.words
    assert "2,880" in quote.words


def test_an_offer_means_the_same_when_it_is_read_again():
    discount = Discount(
        LineKind.PROMOTION, "X", percent=5, until=NOON.date(), categories=frozenset({"STB"}), combinable=False
    )
    terms = Terms(ForeignTariff(frozenset({"RU", "TM"}), 8), (discount,), 10_00, 2, (("price_list", "RUB-1"),))
    terms = replace(terms, part=PartTariff(60, (("embark_en", "Baku"), ("disembark_en", "Astrakhan"))))
    offer = Offer("RUB", (CabinFares("STB", 10, 16, 8, None, 2, 0),), terms)

    assert offer_read(offer_kept(offer)) == offer


def test_a_tourist_saves_a_price_opens_it_again_and_takes_it_up(browser: Browser) -> None:
    season = make_season()
    cabin = browser.open(f"/en/cruises/{season.sailing.code}/cabins/301?party=34,7")

    page = browser.open(link_with(cabin, "/quote")).submit().follow()
    hold = page.submit()

    assert "Traveller 2, 7 years" in page.words
    assert "1,850" in page.words
    assert page.headers["X-Robots-Tag"].startswith("noindex")
    assert hold.status == 302
    assert hold.location.endswith("/passengers")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_saved_price_is_a_paper_in_each_language(app: Flask, language: str) -> None:
    quote = saved(make_season(), party="40,7")

    with app.test_request_context(f"/{language}/"), force_locale(language):
        pdf = quote_paper(quote_page(quote.code, NOON), language)

    document = pypdfium2.PdfDocument(pdf)
    words = " ".join(" ".join(one.get_textpage().get_text_bounded() for one in document).split())
    with pikepdf.open(io.BytesIO(pdf)) as read:
        assert str(read.Root.Lang).startswith(language)
    assert quote.code in words.replace(" ", "").replace("\u200b", "")
    assert "1,850" in words or "1 850" in words.replace("\u00a0", " ")
