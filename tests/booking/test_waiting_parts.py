"""Waiting for a part of a voyage: in one line with those who wait for all of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.services import name_passengers
from portal.booking.waiting.errors import CabinIsFree
from portal.booking.waiting.models import OfferState, SkipReason, WaitingEntry, WaitingOffer, WaitingSkip, WaitingState
from portal.booking.waiting.queries import line_page, offer_page, place_page
from portal.booking.waiting.services import accept_offer, join_line, serve_lines
from portal.catalogue.models import VoyagePart
from portal.database import db
from portal.inventory.errors import KeptForOthers, SailingClosed
from portal.inventory.models import Occupancy
from portal.inventory.services import close_cabin, release
from portal.kernel import clock
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from tests.factories import (
    NOON,
    SmallSeason,
    details,
    go_round,
    make_account,
    make_fare,
    make_hold,
    make_part,
    make_ring,
    make_sailing,
    serial,
)


def parts_of(season: SmallSeason) -> tuple[VoyagePart, VoyagePart]:
    """Astrakhan – Baku and Baku – Astrakhan: they touch, and share no night."""
    return make_part(season.sailing, 1, 3), make_part(season.sailing, 3, 5)


def fill(season: SmallSeason, *parts: VoyagePart) -> list[list[Occupancy]]:
    """Every cabin held, by cabin: once for each of these parts, or for the whole voyage."""
    return [
        [make_hold(season, cabin=place, party=1, part=part) for part in parts or (None,)]
        for place in range(len(season.cabins))
    ]


def join(season: SmallSeason, part: VoyagePart | None = None, *, party: int = 2, email: str = "", language: str = "en"):
    return join_line(
        sailing_ids=[season.sailing.id],
        part_ids={season.sailing.id: part.id} if part else {},
        party=party,
        infants=0,
        category=None,
        name="Anna Ivanova",
        email=email or f"waiting{next(serial)}@example.org",
        language=language,
        consent_version="c1",
        now=NOON,
    )


def free(*holds: Occupancy) -> None:
    for hold in holds:
        release(occupancy_id=hold.id, now=NOON)


def offer_of(entry: WaitingEntry) -> WaitingOffer:
    return db.session.scalars(
        select(WaitingOffer).where(WaitingOffer.entry_id == entry.id, WaitingOffer.state == OfferState.OPEN)
    ).one()


def test_a_cabin_freed_for_the_part_is_kept_for_just_its_nights():
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season, first, last)
    entry = join(season, first)
    free(holds[0][0])

    assert serve_lines(NOON) == 1

    hold = offer_of(entry).occupancy
    assert (hold.part_id, hold.cabin.number) == (first.id, "301")
    free(holds[0][1])
    assert make_hold(season, part=last).cabin.number == "301"  # on the other nights anybody may have it


def test_whoever_takes_the_offer_books_the_part_at_its_price():
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season, first, last)
    entry = join(season, last)
    free(holds[1][1])
    serve_lines(NOON)
    offer = offer_of(entry)

    shown = offer_page(offer.id)
    hold = accept_offer(offer_id=offer.id, holder="visitor", now=NOON)
    booking = name_passengers(parties={hold.id: [details(), details()]}, customer_id=None, language="en", now=NOON)

    assert shown.sailing.part is not None
    assert (shown.sailing.embark.code, shown.price.minor) == ("AZBAK", 2 * 500_00)
    assert booking.voyage is last
    assert booking.price == shown.price


def test_nobody_waits_for_a_part_that_is_free_though_the_whole_voyage_is_not():
    season = make_ring()
    first, last = parts_of(season)
    fill(season, first)

    with pytest.raises(CabinIsFree):
        join(season, last)
    assert join(season, first).state is WaitingState.WAITING
    assert join(season).state is WaitingState.WAITING


def test_a_part_that_is_not_offered_cannot_be_waited_for():
    season = make_ring()
    part = make_part(season.sailing, 1, 3, on_sale=False)
    fill(season)

    with pytest.raises(SailingClosed):
        join(season, part)


def test_the_whole_voyage_comes_first_where_it_came_first():
    season = make_ring()
    first, _last = parts_of(season)
    holds = fill(season)
    whole, part = join(season), join(season, first)
    free(*holds[0])

    assert serve_lines(NOON) == 1

    assert (whole.state, part.state) == (WaitingState.OFFERED, WaitingState.WAITING)
    assert offer_of(whole).occupancy.part_id is None


def test_one_cabin_serves_both_ends_of_the_voyage_before_a_later_wish_for_all_of_it():
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season)
    entries = [join(season, first), join(season, last), join(season)]
    free(*holds[0])

    assert serve_lines(NOON) == 2

    assert [entry.state for entry in entries] == ["offered", "offered", "waiting"]
    assert {offer_of(entry).cabin.number for entry in entries[:2]} == {"301"}


def test_who_waits_for_all_nights_is_told_why_a_part_went_to_another():
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season, first, last)
    whole, part = join(season), join(season, first)
    free(holds[0][0])

    serve_lines(NOON)

    assert part.state is WaitingState.OFFERED
    skip = db.session.scalars(select(WaitingSkip)).one()
    assert (skip.entry_id, skip.reason) == (whole.id, SkipReason.OTHER_NIGHTS)


def test_the_place_in_line_counts_those_who_want_the_same_nights():
    season = make_ring()
    first, last = parts_of(season)
    fill(season, first, last)
    entries = [join(season, first), join(season, last), join(season), join(season, last)]

    wishes = [place_page(entry.id, NOON).wishes[0] for entry in entries]
    rows = line_page(season.sailing.id, NOON).rows

    assert [(wish.place, wish.waiting) for wish in wishes] == [(1, 2), (1, 3), (3, 4), (3, 3)]
    assert [(row.place, row.place_by_nights) for row in rows] == [(1, 1), (2, 1), (3, 3), (4, 3)]


def test_why_there_is_no_cabin_yet_is_said_for_the_nights_that_are_wanted():
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season, first, last)
    whole, late = join(season), join(season, last)
    free(holds[0][0])

    whys = [place_page(entry.id, NOON).wishes[0] for entry in (whole, late)]

    assert [wish.why for wish in whys] == ["some_nights", "none_free"]
    assert [wish.may_come for wish in whys] == [4, 4]


def test_others_keep_off_the_nights_that_somebody_waits_for_and_may_have_the_rest():
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season)
    join(season, first)
    free(*holds[0])

    for wanted in (first, None):
        with pytest.raises(KeptForOthers):
            make_hold(season, part=wanted)
    assert make_hold(season, part=last).part_id == last.id


def test_a_part_taken_off_sale_keeps_its_line_and_holds_up_nobody():
    season = make_ring()
    first, _last = parts_of(season)
    holds = fill(season)
    part, whole = join(season, first), join(season)
    make_part(season.sailing, 1, 3, on_sale=False)
    free(*holds[0])

    assert serve_lines(NOON) == 1

    assert (part.state, whole.state) == (WaitingState.WAITING, WaitingState.OFFERED)
    assert db.session.scalars(select(WaitingSkip.reason)).one() is SkipReason.NOT_SOLD
    assert place_page(part.id, NOON).wishes[0].why == "not_sold"


def test_an_address_has_one_place_for_each_voyage():
    season = make_ring()
    first, _last = parts_of(season)
    fill(season)

    entries = [join(season, wanted, email="anna@example.org") for wanted in (first, None, first, None)]

    assert entries[0].id == entries[2].id != entries[1].id == entries[3].id


@pytest.mark.parametrize(
    ("language", "words"), [("ru", "Часть круиза"), ("tk", "bölegi"), ("en", "Part of the voyage")]
)
def test_the_letters_name_the_part(language, words):
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season, first, last)
    join(season, last, language=language)
    free(holds[0][1])
    serve_lines(NOON)
    follow_up()

    joined, offer = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
    assert last.embark.port.name.within(language) in joined.text
    assert words.lower() in offer.text.lower()
    assert last.embark.port.name.within(language) in offer.text


# ---------- Pages ----------


@pytest.fixture
def ring():
    """Its first half sold out by the portal's own clock, on this sailing and on a later one."""
    season = make_ring()
    later = go_round(make_sailing(season.ship, days_ahead=120, nights=8))
    for sailing in (season.sailing, later):
        for cabin in season.cabins:
            close_cabin(sailing_id=sailing.id, cabin_id=cabin.id, reason="charter", now=clock.now())
        for category in {cabin.category for cabin in season.cabins}:
            if sailing is later:
                make_fare(sailing, category)
        for ends in ((1, 3), (3, 5)):
            make_part(sailing, *ends)
    return season


def test_from_a_part_that_is_sold_out_to_the_place_in_line(browser, ring):
    address = f"/en/cruises/{ring.sailing.code}"
    cruise = browser.open(address)
    plan = browser.open(f"{address}/deck-plan?part=1-3")
    form = browser.open(f"{address}/waiting-list?part=1-3")

    joined = form.submit(party=2, category="any", name="Anna", email="anna@example.org", consent="y")

    for page in (cruise, plan):
        assert any(link.endswith("/waiting-list?part=1-3") for link in page.links)
    assert "RUASF – AZBAK, 50% of the whole fare" in form.words
    assert "You are on the waiting list" in joined.words
    follow_up()
    mail = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc())).first()
    link = re.search(r"https?://[^/\s]+(/\S+/waiting-list/\S+)", mail.text)
    place = browser.open(link[1]).follow()
    assert "Place 1 of 1" in place.words
    assert "RUASF – AZBAK" in place.words


def test_the_same_part_of_another_full_sailing_can_be_ticked(browser, ring):
    form = browser.open(f"/en/cruises/{ring.sailing.code}/waiting-list?part=1-3")
    assert "On these cruises the same part is sold out, too" in form.words

    [also] = set(re.findall(r'name="also"[^>]*value="([^"]+)"', form.text))
    form.submit(party=2, category="any", name="Anna", email="anna@example.org", consent="y", also=also)

    entry = db.session.scalars(select(WaitingEntry)).one()
    assert [wish.part.key for wish in entry.wishes] == ["1-3", "1-3"]
    assert len({wish.sailing_id for wish in entry.wishes}) == 2


def test_a_part_that_there_is_not_has_no_list(browser, ring):
    assert browser.open(f"/en/cruises/{ring.sailing.code}/waiting-list?part=2-3").status == 404


def test_staff_see_who_waits_for_which_part(browser, ring):
    form = browser.open(f"/en/cruises/{ring.sailing.code}/waiting-list?part=3-5")
    form.submit(party=2, category="any", name="Anna", email="anna@example.org", consent="y")
    taken = db.session.scalars(
        select(Occupancy).where(
            Occupancy.cabin_id == ring.cabins[0].id, Occupancy.sailing_id == ring.sailing.id
        )
    ).one()
    release(occupancy_id=taken.id, now=clock.now())
    browser.sign_in(make_account(Role.OPERATOR))

    page = browser.open(f"/en/staff/sailings/{ring.sailing.code}/waiting-list")

    assert "Cabin 301, sleeps 2 to place 1" in page.words
    assert "only AZBAK – RUASF" in page.words


def test_an_offer_is_kept_as_long_as_one_of_the_whole_voyage():
    season = make_ring()
    first, last = parts_of(season)
    holds = fill(season, first, last)
    entry = join(season, first)
    free(holds[0][0])
    serve_lines(NOON)

    assert offer_of(entry).expires_at == NOON + timedelta(hours=24)
