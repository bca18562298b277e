"""The page of one passenger, by his own link and for the one who booked, as visitors without JavaScript see them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.booking.access import link_token, passenger_token
from portal.booking.details import LIST_DAYS, VISA_DAYS, LaterDetails
from portal.booking.errors import PassengersClosed, SamePassengerTwice
from portal.booking.models import Booking, Passenger, Sex
from portal.booking.passenger_pages import REMIND_DAYS
from portal.booking.passenger_tasks import send_reminders
from portal.booking.passengers import Told, renew_booking_link, tell_details
from portal.booking.services import PassengerDetails, confirm_booking
from portal.database import db
from portal.extensions import limiter
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from tests.browser import Browser, Page
from tests.factories import announced, details, make_account, make_booking, make_season

TOLD = {
    "document_kind": "passport",
    "document_number": "75 7654321",
    "document_expires": "2031-01-01",
    "sex": "F",
    "birth_place": "Astrakhan",
    "local_surname": "Иванова",
}


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> None:
    limiter.reset()


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app.test_client())


def first_step(**given: object) -> PassengerDetails:
    return PassengerDetails(
        **{"surname": "IVANOVA", "given_names": "ANNA", "birth_date": date(1985, 5, 17), "citizenship": "RU"} | given
    )


def party(**given: object) -> Booking:
    """Confirmed, for two of whom nothing but the first step is known."""
    passengers = (first_step(), first_step(surname="BERDIYEV", given_names="BERDI", citizenship="TM"))
    booking = make_booking(make_season(**given), passengers=passengers, customer=make_account(), now=now())
    confirm_booking(booking_id=booking.id, now=now())
    return booking


def link(passenger: Passenger, language: str = "en") -> str:
    return f"/{language}/passengers/{passenger.reference}/open/{passenger_token(passenger)}"


def own_page(browser: Browser, passenger: Passenger, language: str = "en") -> Page:
    return browser.open(link(passenger, language)).follow()


def letters(**where: object) -> list[OutgoingMail]:
    follow_up()
    return list(db.session.scalars(select(OutgoingMail).filter_by(**where).order_by(OutgoingMail.id)))


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_a_link_opens_a_page_with_ones_own_data_and_nothing_of_the_others(browser: Browser, language: str) -> None:
    booking = party()
    own, other = booking.passengers

    page = own_page(browser, own, language)

    assert page.status == 200
    assert page.url == f"/{language}/passengers/{own.reference}"
    assert "IVANOVA ANNA" in page.words
    for private in (other.surname, booking.reference, booking.contact_email, "₽"):
        assert private not in page.text


def test_what_is_told_is_saved_and_the_page_says_that_nothing_is_missing(browser: Browser) -> None:
    own = party().passengers[0]

    page = own_page(browser, own).submit("details-form", **TOLD).follow()

    db.session.refresh(own)
    assert "Thank you, everything is here" in page.words
    assert (own.document_number, own.sex, own.birth_place) == ("757654321", Sex.FEMALE, "Astrakhan")
    assert "booking.passenger_changed" in announced()
    assert "757654321" not in page.text


def test_a_part_may_be_told_now_and_the_rest_later_and_nothing_is_wiped_by_an_empty_field(browser: Browser) -> None:
    own = party().passengers[0]
    own_page(browser, own).submit("details-form", sex="F", document_number="75 7654321")

    page = own_page(browser, own)
    page.submit("details-form", sex="", birth_place="Baku")

    db.session.refresh(own)
    assert (own.sex, own.document_number, own.birth_place) == (Sex.FEMALE, "757654321", "Baku")
    assert "ends in 321" in page.words
    assert page.form("details-form").values["document_number"] == [""]


def test_a_name_of_ones_own_can_be_taken_away_again(browser: Browser) -> None:
    own = party().passengers[0]
    own_page(browser, own).submit("details-form", patronymic="Ивановна")

    own_page(browser, own).submit("details-form", patronymic="")

    db.session.refresh(own)
    assert own.patronymic is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"document_number": "1"}, "Letters and digits only"), ({"document_expires": "2020-01-01"}, "has expired")],
)
def test_a_mistake_is_explained_and_nothing_is_saved(browser: Browser, wrong: dict[str, str], says: str) -> None:
    own = party().passengers[0]

    answer = own_page(browser, own).submit("details-form", **(TOLD | wrong))

    db.session.refresh(own)
    assert answer.status == 422
    assert says in answer.words
    assert answer.form("details-form").values["birth_place"] == ["Astrakhan"]
    assert own.birth_place is None


def test_two_passengers_cannot_have_one_passport() -> None:
    own, other = party().passengers
    tell_details(passenger_id=own.id, told=LaterDetails(document_number="75 7654321"), now=now())

    with pytest.raises(SamePassengerTwice):
        tell_details(passenger_id=other.id, told=LaterDetails(document_number="757654321"), now=now())

    db.session.refresh(other)
    assert other.document_number is None


def test_the_trail_says_which_fields_were_told_and_not_what() -> None:
    own = party().passengers[0]

    tell_details(passenger_id=own.id, told=LaterDetails(document_number="75 7654321", sex=Sex.MALE), now=now())

    [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "passenger.changed"))
    assert (entry.subject_reference, entry.reason) == (own.reference, "sex, document_number")


def test_telling_the_same_again_changes_nothing() -> None:
    own = party().passengers[0]
    told = LaterDetails(document_number="75 7654321", sex=Sex.MALE)
    tell_details(passenger_id=own.id, told=told, now=now())

    assert tell_details(passenger_id=own.id, told=told, now=now()) == Told((), ())


def test_nothing_is_told_once_the_ship_has_left() -> None:
    booking = party()

    with pytest.raises(PassengersClosed):
        tell_details(passenger_id=booking.passengers[0].id, told=LaterDetails(), now=booking.sailing.starts_at)


def test_the_link_of_one_opens_nothing_of_another(browser: Browser) -> None:
    booking = party()
    own, other = booking.passengers
    own_page(browser, own)

    for address in (
        f"/en/passengers/{other.reference}",
        f"/en/passengers/{other.reference}/open/{passenger_token(own)}",
        f"/en/bookings/{booking.reference}",
        f"/en/bookings/{booking.reference}/passengers/1",
        f"/en/bookings/{booking.reference}/papers",
        f"/en/bookings/{booking.reference}/open/{passenger_token(own)}",
    ):
        assert browser.open(address).status == 404, address
    assert browser.open(f"/en/passengers/{other.reference}/open/{passenger_token(other)}").status == 302


def test_the_one_who_booked_has_no_use_for_a_passengers_own_page(browser: Browser) -> None:
    booking = party()
    browser.sign_in(booking.customer)

    assert browser.open(f"/en/passengers/{booking.passengers[0].reference}").status == 404
    assert browser.open(f"/en/bookings/{booking.reference}/passengers/3").status == 404


def test_a_link_made_anew_kills_the_old_one_and_the_page_that_it_opened(
    browser: Browser, another_browser: Browser
) -> None:
    booking = party()
    own = booking.passengers[0]
    old = link(own)
    browser.open(old)
    another_browser.sign_in(booking.customer)

    page = another_browser.open(f"/en/bookings/{booking.reference}/passengers/1").submit("renew").follow()

    db.session.refresh(own)
    assert "no longer works" in page.words
    assert passenger_token(own) in page.text
    assert browser.open(old).status == 404
    assert browser.open(f"/en/passengers/{own.reference}").status == 404
    assert own_page(browser, own).status == 200


def test_a_private_link_of_a_booking_can_be_made_anew(browser: Browser, another_browser: Browser) -> None:
    booking = party()
    follow_up()
    old = f"/en/bookings/{booking.reference}/open/{link_token(booking)}"
    browser.open(old)
    another_browser.open(old)

    page = browser.open(f"/en/bookings/{booking.reference}").submit("link/renew").follow()

    db.session.refresh(booking)
    assert page.status == 200
    assert another_browser.open(f"/en/bookings/{booking.reference}").status == 404
    assert another_browser.open(old).status == 404
    [letter] = [mail for mail in letters(recipient=booking.contact_email) if link_token(booking) in mail.text]
    assert letter.key.startswith("booking.link:")


def test_each_new_link_of_a_booking_is_sent(browser: Browser) -> None:
    booking = party()
    for _ in range(2):
        renew_booking_link(booking_id=booking.id, now=now())
        follow_up()

    assert len([mail for mail in letters() if mail.key.startswith("booking.link:")]) == 2


def test_the_letter_with_the_link_speaks_the_passengers_language(browser: Browser) -> None:
    booking = party()
    browser.sign_in(booking.customer)
    page = browser.open(f"/en/bookings/{booking.reference}/passengers/2")

    answer = page.submit("link-form", email="Berdi@Example.org", language="tk").follow()

    [letter] = letters(recipient="berdi@example.org")
    berdi = booking.passengers[1]
    assert "on its way to Berdi@Example.org" in answer.words
    assert letter.language == "tk"
    assert link(berdi, "tk") in letter.text
    assert link(berdi, "tk") in letter.html
    assert booking.reference not in letter.text


def test_a_letter_to_nowhere_is_refused_beside_its_field(browser: Browser) -> None:
    booking = party()
    browser.sign_in(booking.customer)

    answer = browser.open(f"/en/bookings/{booking.reference}/passengers/2").submit("link-form", email="nowhere")

    assert answer.status == 422
    assert "Please check the address" in answer.words
    assert letters(recipient="nowhere") == []


def test_the_page_of_the_booking_says_how_far_each_passenger_is(browser: Browser) -> None:
    booking = party()
    tell_details(
        passenger_id=booking.passengers[1].id,
        told=LaterDetails(document_number="A1234567", sex=Sex.MALE, birth_place="Balkanabat"),
        now=now(),
    )
    browser.sign_in(booking.customer)

    page = browser.open(f"/en/bookings/{booking.reference}")

    assert "5 details missing, until" in page.words
    assert "2 details missing, until" in page.words
    assert f"/en/bookings/{booking.reference}/passengers/2" in [urlsplit(one).path for one in page.links]


# Reminders: from a season far away, each step on its own day.


def on_day(day: date) -> int:
    """How many reminders are written at noon of a day."""
    return send_reminders(datetime.combine(day, time(12), UTC), day)


def test_each_step_before_the_deadline_is_written_once() -> None:
    booking = party(days_ahead=150)
    list_closes = booking.sailing.start_day - timedelta(LIST_DAYS)
    visa = booking.sailing.start_day - timedelta(VISA_DAYS["TM"])

    written = {days: on_day(visa - timedelta(days)) for days in (15, 14, 13, 7, 6, 3, 0)}

    assert written == {15: 0, 14: 1, 13: 0, 7: 1, 6: 0, 3: 1, 0: 0}
    assert [on_day(list_closes - timedelta(days)) for days in (*REMIND_DAYS[::-1], -1)] == [1, 1, 1, 0]


def test_a_reminder_goes_to_the_passenger_who_has_an_address_else_to_the_booker() -> None:
    booking = party(days_ahead=150)
    berdi = booking.passengers[1]
    berdi.email, berdi.language = "berdi@example.org", "ru"
    db.session.commit()
    visa = booking.sailing.start_day - timedelta(VISA_DAYS["TM"])

    on_day(visa - timedelta(7))
    on_day(booking.sailing.start_day - timedelta(LIST_DAYS + 3))

    [to_booker] = [mail for mail in letters(recipient=booking.contact_email) if "reminder" in mail.key]
    [to_berdi] = letters(recipient="berdi@example.org")
    assert "IVANOVA ANNA" in to_booker.text
    assert "BERDIYEV" not in to_booker.text
    assert to_berdi.language == "ru"
    assert link(berdi, "ru") in to_berdi.text


def test_nobody_who_told_everything_is_reminded() -> None:
    season = make_season(days_ahead=150)
    booking = make_booking(season, passengers=(details(birth_place="Baku"),), now=now())
    confirm_booking(booking_id=booking.id, now=now())

    assert on_day(season.sailing.start_day - timedelta(VISA_DAYS["TM"] + 3)) == 0
