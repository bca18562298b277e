"""The waiting list through its services, on the real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import current_app
from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.booking.models import BookingState
from portal.booking.services import name_passengers
from portal.booking.waiting.errors import CabinIsFree, NoCabinSleepsSoMany, OfferOver
from portal.booking.waiting.models import (
    OfferState,
    SkipReason,
    WaitingEntry,
    WaitingOffer,
    WaitingSkip,
    WaitingState,
)
from portal.booking.waiting.queries import line_page, place_page
from portal.booking.waiting.services import (
    accept_offer,
    decline_offer,
    end_lines,
    expire_offers,
    forget_lines,
    join_line,
    leave_line,
    offered_until,
    remove_from_line,
    serve_lines,
)
from portal.catalogue.services import close_sales
from portal.database import db
from portal.inventory.errors import CabinTaken, KeptForOthers, SailingClosed
from portal.inventory.models import OccupancyState
from portal.inventory.services import HOLD_TIME, expire_holds, hold_cabin, release
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from tests.factories import NOON, announced, details, make_hold, make_sailing, make_season, serial

DAY = timedelta(hours=24)


def full_season(**given):
    """Every cabin held by somebody until HOLD_TIME; the holds, by cabin."""
    season = make_season(**given)
    return season, [make_hold(season, cabin=place, party=1) for place in range(4)]


def join(*sailings, party=2, infants=0, category=None, email="", language="en", now=NOON):
    return join_line(
        sailing_ids=[sailing.id for sailing in sailings],
        party=party,
        infants=infants,
        category=category,
        name="Anna Ivanova",
        email=email or f"waiting{next(serial)}@example.org",
        language=language,
        consent_version="c1",
        now=now,
    )


def offer_of(entry):
    return db.session.scalars(
        select(WaitingOffer).where(WaitingOffer.entry_id == entry.id, WaitingOffer.state == OfferState.OPEN)
    ).one()


def test_a_cabin_that_becomes_free_is_kept_for_the_first_in_line():
    season, holds = full_season()
    first, second = join(season.sailing), join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)

    assert serve_lines(NOON) == 1

    offer = offer_of(first)
    assert (first.state, second.state) == (WaitingState.OFFERED, WaitingState.WAITING)
    assert offer.cabin.number == "301"
    assert offer.occupancy.state is OccupancyState.HELD
    assert offer.expires_at == offer.occupancy.expires_at == NOON + DAY
    assert "booking.cabin_offered" in announced()


def test_serving_again_offers_nothing_twice():
    season, holds = full_season()
    join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)

    assert serve_lines(NOON) == 0
    assert len(db.session.scalars(select(WaitingOffer)).all()) == 1


def test_a_party_is_offered_only_a_cabin_that_sleeps_all_of_it():
    season, holds = full_season()
    three, two = join(season.sailing, party=3), join(season.sailing, party=2)
    release(occupancy_id=holds[0].id, now=NOON)

    serve_lines(NOON)

    assert (three.state, two.state) == (WaitingState.WAITING, WaitingState.OFFERED)
    skip = db.session.scalars(select(WaitingSkip)).one()
    assert (skip.entry_id, skip.reason) == (three.id, SkipReason.TOO_SMALL)
    wish = place_page(three.id, NOON).wishes[0]
    assert (wish.place, wish.waiting, wish.skips[0].cabin, wish.skips[0].sleeps) == (1, 2, "301", 2)


def test_an_infant_sleeps_with_its_parents():
    season, holds = full_season()
    family = join(season.sailing, party=3, infants=1)
    release(occupancy_id=holds[0].id, now=NOON)

    serve_lines(NOON)

    assert family.state is WaitingState.OFFERED
    assert offer_of(family).occupancy.party == 3


def test_nobody_else_gets_a_cabin_before_those_in_line():
    season, holds = full_season()
    join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)

    with pytest.raises(KeptForOthers):
        make_hold(season, cabin=0)

    serve_lines(NOON)
    with pytest.raises(CabinTaken):
        make_hold(season, cabin=0)


def test_a_cabin_that_suits_nobody_in_line_is_sold_to_anyone():
    season, holds = full_season()
    join(season.sailing, party=3)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)

    assert make_hold(season, cabin=0).state is OccupancyState.HELD


def test_a_party_that_the_ship_has_no_room_for_keeps_no_cabin_from_others():
    season, holds = full_season(persons_limit=4)
    two, one = join(season.sailing, party=2), join(season.sailing, party=1)
    release(occupancy_id=holds[0].id, now=NOON)

    serve_lines(NOON)

    assert (two.state, one.state) == (WaitingState.WAITING, WaitingState.OFFERED)
    assert db.session.scalars(select(WaitingSkip.reason)).one() is SkipReason.NO_ROOM


def test_who_accepts_goes_on_with_that_very_hold():
    season, holds = full_season()
    entry = join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)
    offer = offer_of(entry)

    hold = accept_offer(offer_id=offer.id, holder="visitor", now=NOON)
    again = accept_offer(offer_id=offer.id, holder="visitor", now=NOON)

    assert (hold.id, again.id) == (offer.occupancy_id, offer.occupancy_id)
    assert (hold.holder, hold.expires_at) == ("visitor", NOON + DAY)
    assert entry.state is WaitingState.ACCEPTED
    booking = name_passengers(
        parties={hold.id: [details(), details()]}, customer_id=None, language="en", now=NOON
    )
    assert booking.state is BookingState.DRAFT


def test_an_offer_accepted_at_the_last_moment_leaves_time_to_book():
    season, holds = full_season()
    entry = join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)
    late = NOON + DAY - timedelta(minutes=1)

    hold = accept_offer(offer_id=offer_of(entry).id, holder="visitor", now=late)

    assert hold.expires_at == late + HOLD_TIME


def test_nobody_accepts_what_another_accepted_or_what_has_run_out():
    season, holds = full_season()
    entry = join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)
    offer = offer_of(entry)

    with pytest.raises(OfferOver):
        accept_offer(offer_id=offer.id, holder="visitor", now=NOON + DAY)
    accept_offer(offer_id=offer.id, holder="visitor", now=NOON)
    with pytest.raises(OfferOver):
        accept_offer(offer_id=offer.id, holder="somebody else", now=NOON)
    with pytest.raises(OfferOver):
        decline_offer(offer_id=offer.id, leave=False, now=NOON)


def test_a_declined_cabin_goes_to_the_next_and_the_place_is_kept():
    season, holds = full_season()
    first, second = join(season.sailing), join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)

    decline_offer(offer_id=offer_of(first).id, leave=False, now=NOON)
    serve_lines(NOON)

    assert (first.state, second.state) == (WaitingState.WAITING, WaitingState.OFFERED)
    assert db.session.scalars(select(WaitingSkip.reason)).one() is SkipReason.REFUSED_BEFORE
    release(occupancy_id=holds[1].id, now=NOON)
    serve_lines(NOON)
    assert offer_of(first).cabin.number == "302"


def test_a_cabin_that_all_in_line_declined_is_sold_to_anyone():
    season, holds = full_season()
    entry = join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)

    decline_offer(offer_id=offer_of(entry).id, leave=False, now=NOON)

    assert serve_lines(NOON) == 0
    assert make_hold(season, cabin=0).state is OccupancyState.HELD


def test_an_unanswered_offer_goes_to_the_next_and_the_second_ends_the_waiting():
    season, holds = full_season()
    first, second = join(season.sailing), join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)
    tomorrow = NOON + DAY

    assert expire_offers(tomorrow) == 1
    assert expire_offers(tomorrow) == 0
    expire_holds(tomorrow)
    serve_lines(tomorrow)

    assert first.state is WaitingState.OFFERED  # of another cabin, for all were only held
    assert offer_of(first).cabin.number == "302"
    assert offer_of(second).cabin.number == "301"
    expire_offers(tomorrow + DAY)
    assert first.state is WaitingState.LAPSED


@pytest.mark.parametrize(
    ("days", "hours"), [(30, 24), (5, 24), (4, 6), (1, 6), (0.5, 2)]
)
def test_an_offer_is_kept_shorter_towards_the_end_of_sale(days, hours):
    sailing = make_season(days_ahead=90).sailing
    now = sailing.sales_close_at - timedelta(days=days)

    assert offered_until(sailing, now) == now + timedelta(hours=hours)


def test_no_offer_outlasts_the_sale_and_none_is_made_too_late():
    sailing = make_season().sailing
    close = sailing.sales_close_at

    assert offered_until(sailing, close - timedelta(hours=1)) == close
    assert offered_until(sailing, close - timedelta(minutes=29)) is None


def test_leaving_gives_the_cabin_to_the_next():
    season, holds = full_season()
    first, second = join(season.sailing), join(season.sailing)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)
    offer = offer_of(first)

    leave_line(entry_id=first.id, now=NOON)
    leave_line(entry_id=first.id, now=NOON)
    serve_lines(NOON)

    assert (first.state, offer.state) == (WaitingState.LEFT, OfferState.WITHDRAWN)
    assert offer_of(second).cabin.number == "301"


def test_a_party_waits_for_several_sailings_and_gets_the_first():
    season, holds = full_season()
    later = make_sailing(season.ship, days_ahead=120)
    entry = join(season.sailing, later, party=2)
    release(occupancy_id=holds[0].id, now=NOON)

    serve_lines(NOON)

    assert offer_of(entry).sailing_id == season.sailing.id


def test_nobody_waits_for_what_is_free_or_not_there():
    season = make_season()
    for place in range(4):
        if place != 2:
            make_hold(season, cabin=place, party=1)

    with pytest.raises(CabinIsFree):
        join(season.sailing, party=3)
    with pytest.raises(NoCabinSleepsSoMany):
        join(season.sailing, party=4)
    with pytest.raises(NoCabinSleepsSoMany):
        join(season.sailing, party=3, category="STB")
    assert join(season.sailing, category="STB").state is WaitingState.WAITING


def test_nobody_waits_for_a_sailing_that_is_not_sold():
    season, _holds = full_season()
    close_sales(sailing_id=season.sailing.id, reason="charter", now=NOON)

    with pytest.raises(SailingClosed):
        join(season.sailing)


def test_an_address_has_one_place_in_a_line_and_gets_its_letter_again():
    season, _holds = full_season()

    first = join(season.sailing, email="anna@example.org")
    second = join(season.sailing, email="Anna@example.org", party=1)

    assert first.id == second.id
    assert first.party == 2
    follow_up()
    assert len(db.session.scalars(select(OutgoingMail)).all()) == 1  # within the hour


def test_staff_take_a_party_off_and_it_is_told():
    season, _holds = full_season()
    entry = join(season.sailing)

    remove_from_line(entry_id=entry.id, reason="asked by telephone", now=NOON)

    follow_up()
    assert entry.state is WaitingState.REMOVED
    trail = db.session.scalars(select(AuditEntry).filter_by(action="waiting.removed")).one()
    assert trail.reason == "asked by telephone"
    assert "no longer on the waiting list" in db.session.scalars(select(OutgoingMail.subject)).all()[-1]


def test_the_line_of_a_sailing_that_has_departed_ends_and_its_addresses_are_forgotten():
    season, _holds = full_season()
    entry = join(season.sailing)
    departed = season.sailing.starts_at

    assert end_lines(departed) == 1
    forget_lines(departed + timedelta(days=29))
    assert entry.email
    forget_lines(departed + timedelta(days=30))

    db.session.refresh(entry)
    assert (entry.state, entry.name, entry.email) == (WaitingState.ENDED, "", "")


def test_the_dry_run_says_what_serving_then_does_and_writes_nothing():
    season, holds = full_season()
    three, first, second = (join(season.sailing, party=party) for party in (3, 2, 1))
    for hold in holds[:2]:
        release(occupancy_id=hold.id, now=NOON)

    runs = line_page(season.sailing.id, NOON).runs
    assert db.session.scalars(select(WaitingOffer)).all() == []
    serve_lines(NOON)

    assert [(run.cabin.number, run.entry.id) for run in runs] == [("301", first.id), ("302", second.id)]
    assert [(entry.id, reason) for entry, reason in runs[0].passed] == [(three.id, SkipReason.TOO_SMALL)]
    assert {offer_of(entry).cabin.number for entry in (first, second)} == {"301", "302"}


@pytest.mark.parametrize(("language", "words"), [("ru", "кают"), ("tk", "kaýuta"), ("en", "cabin")])
def test_the_letters_speak_the_language_of_the_guest(language, words):
    season, holds = full_season()
    entry = join(season.sailing, language=language)
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)
    follow_up()
    expire_offers(NOON + DAY)
    follow_up()

    mails = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
    assert [mail.key.partition(":")[0] for mail in mails] == ["waiting.joined", "waiting.offer", "waiting.expired"]
    assert {mail.language for mail in mails} == {language}
    assert all(words in mail.text.lower() for mail in mails)
    assert f"/{language}/offers/" in mails[1].text
    assert entry.email not in mails[1].text


def in_threads(count, work):
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(place):
        with app.app_context():
            try:
                return work(place)
            finally:
                db.session.remove()

    db.session.commit()
    with ThreadPoolExecutor(count) as workers:
        return list(workers.map(run, range(count)))


def test_two_cabins_and_three_parties_and_many_workers_at_once_make_two_offers():
    season, holds = full_season()
    entries = [join(season.sailing) for _ in range(3)]
    ids = [entry.id for entry in entries]
    for hold in holds[:2]:
        release(occupancy_id=hold.id, now=NOON)

    made = in_threads(6, lambda _place: serve_lines(NOON))

    db.session.expire_all()
    offers = db.session.scalars(select(WaitingOffer).order_by(WaitingOffer.entry_id)).all()
    assert sum(made) == 2
    assert [offer.entry_id for offer in offers] == ids[:2]
    assert len({offer.cabin_id for offer in offers}) == 2
    assert [db.session.get_one(WaitingEntry, each).state for each in ids] == ["offered", "offered", "waiting"]


def test_strangers_who_want_the_freed_cabin_at_the_same_moment_never_get_it():
    season, holds = full_season()
    first = join(season.sailing).id
    sailing_id, cabin_id = season.sailing.id, season.cabins[0].id
    release(occupancy_id=holds[0].id, now=NOON)

    def want(place):
        if place == 3:
            return serve_lines(NOON)
        try:
            return hold_cabin(
                sailing_id=sailing_id, cabin_id=cabin_id, party=1, holder=f"stranger {place}", now=NOON
            ).holder
        except (CabinTaken, KeptForOthers):
            return "refused"

    outcomes = in_threads(6, want)

    db.session.expire_all()
    assert sorted(map(str, outcomes)) == ["1"] + ["refused"] * 5
    offer = db.session.scalars(select(WaitingOffer)).one()
    assert (offer.entry_id, offer.cabin_id) == (first, cabin_id)


def test_accepting_and_running_out_at_once_has_one_outcome():
    season, holds = full_season()
    entry = join(season.sailing).id
    release(occupancy_id=holds[0].id, now=NOON)
    serve_lines(NOON)
    offer_id = db.session.scalars(select(WaitingOffer.id)).one()
    last = NOON + DAY

    def act(place):
        if place % 2:
            return expire_offers(last)
        try:
            return accept_offer(offer_id=offer_id, holder="visitor", now=last - timedelta(seconds=1)).id
        except OfferOver:
            return "over"

    in_threads(4, act)

    db.session.expire_all()
    offer, waiting = db.session.get_one(WaitingOffer, offer_id), db.session.get_one(WaitingEntry, entry)
    outcome = (offer.state, waiting.state, offer.occupancy.state)
    assert outcome in {
        (OfferState.ACCEPTED, WaitingState.ACCEPTED, OccupancyState.HELD),
        (OfferState.EXPIRED, WaitingState.WAITING, OccupancyState.EXPIRED),
    }


