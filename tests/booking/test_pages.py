"""From the held cabin to the page of the booking, as a visitor without JavaScript sees them."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select

from portal.booking.access import link_token
from portal.booking.models import Booking, BookingState, Passenger
from portal.booking.services import confirm_booking, expire_bookings
from portal.database import db
from portal.extensions import limiter
from portal.inventory.models import Occupancy
from portal.inventory.services import HOLD_TIME, expire_holds
from portal.kernel.clock import business_shift, now, real_now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.models import Method, Payment, PaymentState
from portal.pricing.policy import DEFAULT_POLICY
from tests.browser import Browser, Page
from tests.factories import SmallSeason, announced, details, make_account, make_booking, make_season

ANNA = {
    "surname": "Ivanova",
    "given_names": "Anna",
    "local_surname": "Иванова",
    "local_given_names": "Анна",
    "birth_date": "1985-05-17",
    "sex": "F",
    "citizenship": "RU",
    "document_kind": "passport",
    "document_number": "75 1234567",
    "document_expires": "2031-01-01",
}
BERDI = ANNA | {
    "surname": "Berdiyev",
    "given_names": "Berdi",
    "local_surname": "Berdiýew",
    "local_given_names": "Berdi",
    "sex": "M",
    "citizenship": "TM",
    "document_number": "A1234567",
}
CONTACT = {
    "contact_name": "Anna Ivanova",
    "contact_email": "anna@example.org",
    "contact_phone": "+7 900 1234567",
    "terms": "y",
    "consent": "y",
}


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> None:
    limiter.reset()


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app.test_client())


def typed(*people: dict[str, str]) -> dict[str, str]:
    return {f"passengers-{n}-{name}": value for n, one in enumerate(people) for name, value in one.items()}


def hold(
    browser: Browser, season: SmallSeason, language: str = "en", party: int = 2, cabin: str = "301"
) -> Page:
    """The page of the passengers, after a cabin for so many has been chosen."""
    return browser.open(f"/{language}/cruises/{season.sailing.code}/cabins/{cabin}").submit(party=party).follow()


def review(browser: Browser, season: SmallSeason, language: str = "en") -> Page:
    return hold(browser, season, language).submit("passengers-form", **typed(ANNA, BERDI)).follow()


def place(browser: Browser, season: SmallSeason, language: str = "en") -> Booking:
    review(browser, season, language).submit("review-form", **CONTACT)
    return the_booking()


def the_booking() -> Booking:
    return db.session.scalars(select(Booking)).one()


def problem_beside(page: Page, name: str) -> str:
    """What stands beside the input, tied to it by aria-describedby."""
    [control] = [element for tag in ("input", "select") for element in page.find(tag, name=name)]
    assert control.get("aria-invalid") == "true"
    described = (control.get("aria-describedby") or "").split()
    return " ".join("".join(part.itertext()) for part in page.find("div") if part.get("id") in described)


def test_a_typing_mistake_is_explained_beside_its_field_and_everything_typed_is_kept(browser: Browser) -> None:
    page = hold(browser, make_season())

    answer = page.submit("passengers-form", **typed(ANNA, BERDI | {"surname": "Бердиев", "birth_date": "2985-01-01"}))

    assert answer.status == 422
    assert "Use Latin letters" in problem_beside(answer, "passengers-1-surname")
    assert "must lie in the past" in problem_beside(answer, "passengers-1-birth_date")
    kept = answer.form("passengers-form").values
    assert kept["passengers-1-surname"] == ["Бердиев"]
    assert kept["passengers-1-local_surname"] == ["Berdiýew"]
    assert kept["passengers-1-citizenship"] == ["TM"]
    assert kept["passengers-0-surname"] == ["Ivanova"]
    assert kept["passengers-0-document_number"] == ["75 1234567"]
    assert db.session.scalars(select(Passenger)).all() == []


def test_the_list_of_mistakes_says_whose_they_are_and_leads_to_the_fields(browser: Browser) -> None:
    page = hold(browser, make_season())

    answer = page.submit("passengers-form", **typed(ANNA, BERDI | {"surname": ""}))

    [link] = [link for link in answer.find("a") if link.get("href") == "#passengers-1-surname"]
    assert "Passenger 2" in "".join(link.itertext())


def test_a_passport_without_its_last_day_is_asked_for_it(browser: Browser) -> None:
    page = hold(browser, make_season())

    answer = page.submit("passengers-form", **typed(ANNA | {"document_expires": ""}, BERDI))

    assert answer.status == 422
    assert "last day" in problem_beside(answer, "passengers-0-document_expires")


def test_another_document_may_have_no_last_day(browser: Browser) -> None:
    page = hold(browser, make_season())
    child = {"birth_date": "2015-01-01", "document_kind": "birth_certificate", "document_expires": ""}

    answer = page.submit("passengers-form", **typed(ANNA, BERDI | child))

    assert answer.location.endswith("/review")


@pytest.mark.parametrize(("day", "accepted"), [("17.05.1985", True), ("1985-02-30", False), ("soon", False)])
def test_a_day_may_be_typed_where_the_browser_offers_no_calendar(browser: Browser, day: str, accepted: bool) -> None:
    page = hold(browser, make_season())

    answer = page.submit("passengers-form", **typed(ANNA | {"birth_date": day}, BERDI))

    assert (answer.status == 302) is accepted
    if not accepted:
        assert "no such day" in problem_beside(answer, "passengers-0-birth_date")
        assert answer.form("passengers-form").values["passengers-0-birth_date"] == [day]


def test_a_rule_that_concerns_all_passengers_is_said_above_the_form(browser: Browser) -> None:
    page = hold(browser, make_season())
    child = {"birth_date": "2015-01-01"}

    answer = page.submit("passengers-form", **typed(ANNA | child, BERDI | child))

    assert answer.status == 422
    assert "must be 18 or older" in answer.words


def test_a_party_takes_two_cabins_in_one_booking(browser: Browser) -> None:
    season = make_season()
    hold(browser, season, party=1)
    page = hold(browser, season, cabin="302")
    first, second = (one.reference for one in db.session.scalars(select(Occupancy).order_by(Occupancy.id)))
    child = BERDI | {"surname": "Berdiyeva", "birth_date": "2014-01-01", "document_number": "A7654321"}
    everybody = typed(ANNA | {"cabin": first}, BERDI | {"cabin": second}, child | {"cabin": second})

    assert "Cabins 301, 302" in page.words
    review = page.submit("passengers-form", **everybody)
    placed = browser.open(review.location).submit("review-form", **CONTACT)

    [booking] = db.session.scalars(select(Booking)).all()
    assert placed.status == 302
    assert booking.state is BookingState.PENDING
    assert [cabin.cabin.number for cabin in booking.cabins] == ["301", "302"]
    assert [one.cabin.number for one in booking.passengers] == ["301", "302", "302"]
    assert [charge.kind for charge in booking.charges] == ["adult", "single_supplement", "adult", "child"]


def test_one_more_passenger_and_one_fewer_keep_what_is_typed(browser: Browser) -> None:
    page = hold(browser, make_season(), party=1)
    reference = db.session.scalars(select(Occupancy)).one().reference

    more = page.submit("passengers-form", add=reference, **typed({"surname": "Ivanova"}))
    values = more.form("passengers-form").values
    fewer = more.submit("passengers-form", remove="0", **{"passengers-1-surname": "Petrova"})

    assert more.status == 200
    assert values["passengers-0-surname"] == ["Ivanova"]
    assert "passengers-1-surname" in values
    assert fewer.form("passengers-form").values["passengers-0-surname"] == ["Petrova"]
    assert "passengers-1-surname" not in fewer.form("passengers-form").values


def test_a_cabin_that_joins_later_must_have_its_passengers_named(browser: Browser) -> None:
    season = make_season()
    review = hold(browser, season).submit("passengers-form", **typed(ANNA, BERDI)).location
    hold(browser, season, cabin="302")

    assert browser.open(review).location.endswith("/passengers")


def test_asking_for_more_time_keeps_what_was_typed_and_is_offered_once(browser: Browser) -> None:
    page = hold(browser, make_season())
    before = db.session.scalars(select(Occupancy)).one().expires_at

    answer = page.submit("passengers-form", longer="1", **typed({"surname": "half a name"}))

    after = db.session.scalars(select(Occupancy)).one().expires_at
    assert before is not None
    assert after == before + HOLD_TIME
    assert answer.status == 200
    assert answer.form("passengers-form").values["passengers-0-surname"] == ["half a name"]
    assert "Please fill this in" not in answer.words
    assert "20 more minutes" in page.words
    assert "20 more minutes" not in answer.words


def test_there_are_as_many_forms_as_passengers(browser: Browser) -> None:
    page = hold(browser, make_season(), party=1)

    names = page.form("passengers-form").values

    assert "passengers-0-surname" in names
    assert "passengers-1-surname" not in names


def test_the_review_shows_each_passenger_the_price_line_by_line_and_what_cancelling_costs(browser: Browser) -> None:
    page = review(browser, make_season())

    assert page.status == 200
    assert "IVANOVA ANNA" in page.words
    assert "BERDIYEV BERDI Berdiýew Berdi" in page.words
    [price] = page.find("table", class_="price-lines")
    sums = ["".join(cell.itertext()).replace("\u00a0", " ") for cell in price.iter("td")]
    assert sums == ["1,000 ₽", "1,000 ₽", "2,000 ₽"]
    assert "1234567" not in page.text
    for step in DEFAULT_POLICY[1:]:
        assert f"{step['percent']}%" in page.words


def test_passengers_can_be_changed_from_the_review(browser: Browser) -> None:
    page = review(browser, make_season())
    back = next(link for link in page.links if link.endswith("/passengers"))

    again = browser.open(back)
    final = again.submit("passengers-form", **{"passengers-0-given_names": "Maria"}).follow()

    assert again.form("passengers-form").values["passengers-1-surname"] == ["BERDIYEV"]
    assert "IVANOVA MARIA" in final.words
    assert "IVANOVA ANNA" not in final.words


@pytest.mark.parametrize("missing", ["terms", "consent"])
def test_nothing_is_booked_without_both_consents(browser: Browser, missing: str) -> None:
    page = review(browser, make_season())

    answer = page.submit("review-form", **(CONTACT | {missing: None}))

    assert answer.status == 422
    assert problem_beside(answer, missing)
    assert answer.form("review-form").values["contact_phone"] == ["+7 900 1234567"]
    assert the_booking().state is BookingState.DRAFT


def test_placing_the_booking_records_what_was_agreed_to_and_leads_to_the_payment(browser: Browser) -> None:
    answer = review(browser, make_season()).submit("review-form", **CONTACT)

    booking = the_booking()
    assert answer.location == f"/en/bookings/{booking.reference}/pay"
    assert booking.state is BookingState.PENDING
    assert booking.terms_version in browser.open("/en/terms").words
    assert booking.consent_version in browser.open("/en/privacy").words
    assert booking.consent_given_at is not None


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_the_way_to_the_booking_stays_in_its_language(browser: Browser, language: str) -> None:
    answer = review(browser, make_season(), language).submit("review-form", **CONTACT)
    page = browser.open(f"/{language}/bookings/{the_booking().reference}")

    assert answer.location.startswith(f"/{language}/")
    assert the_booking().language == language
    own = [link for link in page.links if re.match(r"/(ru|tk|en)/", link)]
    switch = {f"/{other}/bookings/{the_booking().reference}" for other in ("ru", "tk", "en")}
    assert [link for link in own if link not in switch and not link.startswith(f"/{language}/")] == []


def test_a_hold_that_ran_out_leads_back_to_the_cabin(browser: Browser) -> None:
    season = make_season()
    page = hold(browser, season)
    expire_holds(now() + HOLD_TIME)

    answer = page.submit("passengers-form", **typed(ANNA, BERDI))

    assert answer.status == 409
    assert "Nothing was booked and nothing was charged." in answer.words
    assert f"/en/cruises/{season.sailing.code}/cabins/301" in answer.links


def test_a_cabin_given_back_is_free_for_others_at_once(browser: Browser, another_browser: Browser) -> None:
    season = make_season()

    answer = review(browser, season).submit("/release")

    assert answer.location.endswith("/deck-plan")
    assert hold(another_browser, season).status == 200


def test_going_back_from_a_confirmed_booking_leads_to_it(browser: Browser) -> None:
    page = review(browser, make_season())
    page.submit("review-form", **CONTACT)
    confirm_booking(booking_id=the_booking().id, now=now())

    answer = browser.open(page.url)

    assert answer.location == f"/en/bookings/{the_booking().reference}"


def test_a_booking_waiting_for_money_says_until_when_and_leads_to_the_payment(browser: Browser) -> None:
    booking = place(browser, make_season())

    page = browser.open(f"/en/bookings/{booking.reference}")

    assert "Awaiting payment" in page.words
    assert "2,000 ₽ is due by 15 February 2024" in page.words
    assert f"/en/bookings/{booking.reference}/pay" in page.links
    assert not [link for link in page.links if link.endswith("voucher.pdf")]


def test_a_confirmed_booking_offers_its_papers_and_downloads(browser: Browser) -> None:
    booking = place(browser, make_season())
    confirm_booking(booking_id=booking.id, now=now())

    page = browser.open(f"/en/bookings/{booking.reference}")

    assert "Confirmed" in page.words
    assert f"/en/bookings/{booking.reference}/voucher.pdf" in page.links
    assert f"/en/bookings/{booking.reference}/calendar.ics" in page.links
    assert f"/en/bookings/{booking.reference}/pay" not in page.links


def test_a_booking_that_was_not_paid_in_time_says_that_nothing_is_owed(browser: Browser) -> None:
    booking = place(browser, make_season())
    expire_bookings(now() + HOLD_TIME)

    page = browser.open(f"/en/bookings/{booking.reference}")

    assert "The time to pay has run out" in page.words
    assert f"/en/bookings/{booking.reference}/pay" not in page.links


def test_the_number_of_a_document_is_shown_by_its_end_only(browser: Browser) -> None:
    booking = place(browser, make_season())

    page = browser.open(f"/en/bookings/{booking.reference}")

    assert "ends in 567" in page.words
    assert "1234567" not in page.text


@pytest.mark.parametrize("rest", ["", "/pay", "/voucher.pdf", "/calendar.ics", "/papers", "/transfer", "/invoice.pdf"])
def test_the_booking_of_another_visitor_is_not_there(browser: Browser, rest: str) -> None:
    booking = make_booking(make_season())
    confirm_booking(booking_id=booking.id, now=now())

    assert browser.open(f"/en/bookings/{booking.reference}{rest}").status == 404


@pytest.mark.parametrize("rest", ["passengers", "review"])
def test_the_hold_of_another_visitor_is_not_there(browser: Browser, another_browser: Browser, rest: str) -> None:
    page = hold(browser, make_season())

    assert another_browser.open(page.url.replace("passengers", rest)).status == 404


def test_the_private_link_opens_the_booking_and_leaves_no_token_behind(browser: Browser) -> None:
    booking = make_booking(make_season())
    token = link_token(booking)

    answer = browser.open(f"/en/bookings/{booking.reference}/open/{token}")
    page = answer.follow()

    assert answer.location == f"/en/bookings/{booking.reference}"
    assert page.status == 200
    assert token not in page.text


def test_a_wrong_token_opens_nothing(browser: Browser) -> None:
    booking, other = make_booking(make_season()), make_booking(make_season())

    assert browser.open(f"/en/bookings/{booking.reference}/open/{link_token(other)}").status == 404
    assert browser.open(f"/en/bookings/{booking.reference}").status == 404


def test_asking_for_the_link_gives_the_same_answer_whether_there_is_a_booking_or_not(browser: Browser) -> None:
    booking = make_booking(make_season())
    before = announced()

    def ask(reference: str, email: str) -> Page:
        return browser.open("/en/find-booking").submit(reference=reference, email=email)

    unknown = ask("22222222", "anna@example.org")
    wrong = ask(booking.reference, "someone@example.org")
    silent = announced()
    right = ask(booking.reference.lower(), "Anna@Example.org")

    assert unknown.status == wrong.status == right.status == 200
    assert unknown.words.replace("anna@example.org", "") == right.words.replace("Anna@Example.org", "")
    assert silent == before
    assert announced() == [*before, "booking.link_requested"]


def test_a_guests_booking_is_put_into_the_account_that_opened_it(browser: Browser) -> None:
    booking = make_booking(make_season())
    browser.open(f"/en/bookings/{booking.reference}/open/{link_token(booking)}")
    account = make_account()
    browser.sign_in(account)

    browser.open(f"/en/bookings/{booking.reference}").submit("/claim")
    page = browser.open("/en/my-bookings")

    assert f"/en/bookings/{booking.reference}" in page.links
    assert the_booking().customer_id == account.id


def test_an_account_without_bookings_is_shown_the_way_on(browser: Browser) -> None:
    browser.sign_in(make_account())

    page = browser.open("/en/my-bookings")

    assert "No bookings yet" in page.words
    assert "/en/find-booking" in page.links


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_the_mail_brings_the_private_link_and_no_passport_data(browser: Browser, language: str) -> None:
    booking = make_booking(make_season(), passengers=(details(document_number="75 7654321"),), language=language)
    confirm_booking(booking_id=booking.id, now=now())
    follow_up()

    mails = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
    link = f"/{language}/bookings/{booking.reference}/open/{link_token(booking)}"
    assert [mail.key.partition(":")[0] for mail in mails] == ["booking.placed", "booking.confirmed"]
    for mail in mails:
        assert booking.reference in mail.subject
        assert link in mail.text
        assert link in mail.html
        assert "7654321" not in mail.text + mail.html
        assert browser.open(link).location == f"/{language}/bookings/{booking.reference}"


def test_a_step_of_cancelling_ends_at_midnight_in_the_port_of_embarkation(browser: Browser) -> None:
    customer = make_account()
    booking = make_booking(make_season(), customer=customer, now=now())
    confirm_booking(booking_id=booking.id, now=now())
    last_day = booking.sailing.start_day - timedelta(days=DEFAULT_POLICY[0]["days"])
    midnight = datetime.combine(last_day + timedelta(days=1), time(), ZoneInfo("Europe/Astrakhan"))

    def steps(moment: datetime) -> int:
        with time_machine.travel(moment - business_shift()):
            browser.sign_in(customer)
            return len(browser.open(f"/en/bookings/{booking.reference}").find("span", **{"class": "cancel__label"}))

    assert steps(midnight) == steps(midnight - timedelta(seconds=1)) - 2  # two labels a step


def test_the_terms_name_every_step_of_the_cancellation_policy(browser: Browser) -> None:
    page = browser.open("/en/terms")

    rows = [["".join(cell.itertext()).strip() for cell in row] for row in page.find("tr")][1:]
    shown = [(int(re.split(r"\D", bounds.replace("5 and fewer", "5-0"))[-1] or 60), share) for bounds, share in rows]
    assert shown == [
        (step["days"], f"{step['percent']}%" if step["percent"] else "nothing") for step in DEFAULT_POLICY
    ]


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
@pytest.mark.parametrize("name", ["terms", "privacy", "about"])
def test_the_plain_pages_open_in_each_language(browser: Browser, name: str, language: str) -> None:
    assert browser.open(f"/{language}/{name}").status == 200


def await_card(booking: Booking) -> None:
    """A page of a provider that does not answer may still bring the money."""
    db.session.add(
        Payment(
            booking_id=booking.id,
            method=Method.CARD,
            provider="stripe",
            state=PaymentState.OPEN,
            amount_minor=booking.price.minor,
            currency=booking.currency,
            made_at=now(),
            expires_at=real_now() + timedelta(minutes=30),
            session_id="cs_test_away",
        )
    )
    db.session.commit()


def test_waiting_for_the_provider_goes_on_by_itself_without_scripts(browser: Browser) -> None:
    booking = place(browser, make_season())
    await_card(booking)

    page = browser.open(f"/en/bookings/{booking.reference}/pay/return")

    assert page.status == 200
    assert "Please do not pay a second time" in page.words
    assert [meta.get("content") for meta in page.find("meta", http_equiv="refresh")] == ["3"]


@pytest.mark.browser
def test_waiting_for_the_provider_ends_when_the_booking_is_confirmed(window: Any, address: str) -> None:
    booking = make_booking(make_season())
    await_card(booking)
    window.goto(f"/en/bookings/{booking.reference}/open/{link_token(booking)}")
    window.goto(f"/en/bookings/{booking.reference}/pay/return")
    expect(window.get_by_role("heading", level=1)).to_have_text("One moment, please")

    confirm_booking(booking_id=booking.id, now=now())

    expect(window).to_have_url(f"{address}/en/bookings/{booking.reference}", timeout=15_000)
