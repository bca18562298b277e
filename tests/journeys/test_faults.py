"""What goes wrong on the way, and how kindly it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from portal.booking.models import Booking, BookingState
from portal.booking.services import confirm_booking
from portal.database import db, transaction
from portal.inventory.models import Occupancy
from portal.kernel.clock import now
from portal.payments.models import Payment, PaymentState
from portal.visas.models import Submission
from tests.files.uploads import jpeg
from tests.journeys.conftest import LOCALES
from tests.journeys.tourist import (
    ANNA,
    CARD,
    MERET,
    Hand,
    agree,
    hold_cabin,
    name_passengers,
    open_payment_page,
    pay_by_card,
    send,
)

pytestmark = pytest.mark.browser

CODE = "PV24-02"
CRUISE = f"/en/cruises/{CODE}"
MEGABYTE = 1024 * 1024


def held(page, number):
    """In the browser's place before the passengers of a cabin just held; the reference of the hold."""
    page.goto(CRUISE)
    return hold_cabin(Hand(page), CODE, number)


def placed(page, number):
    """A booking that waits for money; its reference."""
    held(page, number)
    name_passengers(Hand(page), ANNA, MERET)
    return agree(Hand(page))


def paid(page, number):
    """A confirmed booking with its checklist, on the page of its first passport."""
    reference = placed(page, number)
    confirm_booking(booking_id=the_booking().id, now=now())
    page.goto(f"/en/bookings/{reference}/papers")
    page.locator("main a[href$='-passport']").first.click()
    page.wait_for_url("**/papers/*")
    return reference


def stored(model):
    """All rows of it, as the portal has them now."""
    db.session.rollback()
    return db.session.scalars(select(model)).all()


def the_booking():
    (booking,) = stored(Booking)
    return booking


def run_out(reference):
    """The time of this hold is over."""
    with transaction() as session:
        hold = session.scalars(select(Occupancy).filter_by(reference=reference)).one()
        hold.expires_at = now() - timedelta(seconds=1)


def hand_in(page, folder, content):
    """What calls itself a picture of a passport."""
    file = folder / "passport.jpg"
    file.write_bytes(content)
    page.locator("input[type=file]").set_input_files(file)
    page.locator("form[data-upload] button[type=submit]").click()


def test_a_hold_that_ran_out_leads_back_to_the_same_cabin(house, visit):
    page = visit()
    reference = held(page, "312")
    run_out(reference)

    name = page.locator("[name='passengers-0-surname']")
    name.fill("Ivanova")
    send(Hand(page), page.locator("#passengers-form"))

    expect(page.locator("h1")).to_have_text("The time to hold the cabin is over")
    expect(page.locator("main")).to_contain_text("Nothing was booked and nothing was charged.")
    page.locator(f"main a[href$='/{CODE}/cabins/312']").click()
    page.locator("main form button[type=submit]:not([formnovalidate])").click()
    page.wait_for_url("**/holds/*/passengers")


def test_the_clock_of_a_hold_asks_the_server_at_its_end(house, visit):
    page = visit()
    page.clock.install()
    reference = held(page, "312")
    expect(page.locator("[role=timer]")).to_contain_text("19:")
    run_out(reference)

    page.clock.fast_forward("20:01")

    expect(page.locator("h1")).to_have_text("The time to hold the cabin is over")


def test_a_cabin_that_another_took_meanwhile_is_refused_with_a_way_out(house, visit):
    late, quick = visit(), visit()
    late.goto(f"{CRUISE}/cabins/312")
    held(quick, "312")

    with late.expect_navigation() as answer:
        late.locator("main form button[type=submit]:not([formnovalidate])").click()

    assert answer.value.status == 422
    expect(late.locator(".errors")).to_contain_text("Someone has just taken this cabin. Please choose another one.")
    late.locator("main a.button[href$='/deck-plan']").click()
    taken = late.locator(".cabins a.held:has(title:text('312'))")
    expect(taken).to_have_count(1)
    assert taken.get_attribute("href") is None


def test_a_plan_that_is_open_shows_what_another_takes(house, visit):
    watcher, buyer = visit(), visit()
    watcher.clock.install()
    watcher.goto(f"{CRUISE}/deck-plan")
    expect(watcher.locator(".cabins a[href='cabins/312']")).to_have_count(1)
    held(buyer, "312")

    watcher.clock.fast_forward("01:00")

    expect(watcher.locator(".cabins a[href='cabins/312']")).to_have_count(0)
    expect(watcher.locator("[data-announce]")).to_contain_text("312")


def test_a_booking_of_somebody_else_does_not_exist(house, visit):
    reference = placed(visit(), "312")
    (hold,) = (each.reference for each in stored(Occupancy))
    stranger = visit()

    for path in (
        f"bookings/{reference}",
        f"bookings/{reference}/pay",
        f"bookings/{reference}/voucher.pdf",
        f"bookings/{reference}/open/0123456789abcdef0123456789abcdef",
        f"holds/{hold}/passengers",
        f"holds/{hold}/review",
        "bookings/ABCDEFGH",
    ):
        assert stranger.goto(f"/en/{path}").status == 404, path
        expect(stranger.locator("main")).not_to_contain_text("IVANOVA")


def test_what_was_typed_stays_beside_what_is_wrong_with_it(house, visit):
    page = visit()
    held(page, "312")
    page.locator("[name='passengers-0-surname']").fill("Иванова")
    page.locator("[name='passengers-0-given_names']").fill("Anna")
    page.locator(".traveller__later > summary").nth(1).click()
    page.locator("[name='passengers-1-document_number']").fill("A1234567")
    page.locator("[name='passengers-1-citizenship']").select_option("TM")

    send(Hand(page), page.locator("#passengers-form"))

    expect(page.locator(".errors")).to_be_focused()
    surname = page.locator("[name='passengers-0-surname']")
    expect(surname).to_have_value("Иванова")
    expect(surname).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name='passengers-0-given_names']")).to_have_value("Anna")
    expect(page.locator("[name='passengers-1-document_number']")).to_have_value("A1234567")
    expect(page.locator("[name='passengers-1-citizenship']")).to_have_value("TM")
    page.locator(".errors a").first.click()
    expect(surname).to_be_focused()


def test_passengers_once_named_come_back_when_they_are_changed(house, visit):
    page = visit()
    held(page, "312")
    name_passengers(Hand(page), ANNA, MERET)

    page.locator("main a[href$='/passengers']").last.click()

    expect(page.locator("[name='passengers-0-surname']")).to_have_value("IVANOVA")
    expect(page.locator("[name='passengers-1-local_surname']")).to_have_value("Berdiýew")
    expect(page.locator("[name='passengers-1-birth_date']")).to_have_value(MERET["birth_date"])


def test_a_session_that_was_lost_is_explained_and_changes_nothing(house, visit):
    page = visit()
    held(page, "312")
    page.context.clear_cookies(name="session")

    with page.expect_navigation() as answer:
        send(Hand(page), page.locator("#passengers-form"))

    assert answer.value.status == 400
    expect(page.locator("h1")).to_have_text("What you typed is kept")
    assert stored(Booking) == []


def test_after_a_lost_session_the_next_try_goes_through(house, visit):
    page = visit()
    page.goto("/en/find-booking")
    page.locator("[name=reference]").fill("ABCDEFGH")
    page.locator("[name=email]").fill("anna@example.org")
    page.context.clear_cookies(name="session")
    send(Hand(page), page.locator("main form"))
    expect(page.locator("h1")).to_have_text("This form is out of date")

    page.go_back()
    page.reload()
    page.locator("[name=reference]").fill("ABCDEFGH")
    page.locator("[name=email]").fill("anna@example.org")
    send(Hand(page), page.locator("main form"))

    expect(page.locator("main")).to_contain_text("anna@example.org")


def test_a_text_that_calls_itself_a_picture_is_refused_with_the_reason(house, visit, tmp_path):
    page = visit()
    paid(page, "312")

    hand_in(page, tmp_path, b"I am a text and no picture at all.\n" * 40)

    expect(page.locator(".errors")).to_be_visible()
    expect(page.locator("input[type=file]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field__error")).to_contain_text("JPEG")
    assert stored(Submission) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_file_that_is_too_large_is_refused_kindly(house, visit, tmp_path, scripts):
    page = visit(java_script_enabled=scripts)
    paid(page, "312")

    hand_in(page, tmp_path, jpeg() + bytes(17 * MEGABYTE))

    told = page.locator("[data-upload-status]") if scripts else page.locator(".field__error")
    expect(told).to_contain_text("15 MB")
    assert stored(Submission) == []
    hand_in(page, tmp_path, jpeg((900, 640)))
    expect(page.locator(".page-head .status--wait")).to_be_visible()


def test_an_impatient_click_pays_once(house, visit):
    page = visit()
    reference = placed(page, "312")

    page.locator("[name=method][value=stripe]").check()
    page.locator("main form:has([name=method]) button[type=submit]").dblclick()
    page.wait_for_url(f"{house.sandbox.url}/**")
    pay_by_card(Hand(page), reference)
    house.work()

    (payment,) = stored(Payment)
    assert payment.state is PaymentState.SUCCEEDED
    assert the_booking().state is BookingState.CONFIRMED


def test_two_windows_that_pay_share_one_payment(house, visit):
    first = visit()
    reference = placed(first, "312")
    second = first.context.new_page()
    second.goto(f"/en/bookings/{reference}/pay")

    open_payment_page(Hand(first))
    open_payment_page(Hand(second))

    assert first.url == second.url
    pay_by_card(Hand(first), reference)
    second.reload()
    expect(second.locator("[name=number]")).to_have_count(0)
    assert len(stored(Payment)) == 1


def test_the_way_back_after_a_payment_ends_at_the_booking(house, visit):
    page = visit()
    reference = placed(page, "312")
    (hold,) = (each.reference for each in stored(Occupancy))
    open_payment_page(Hand(page))
    pay_by_card(Hand(page), reference)

    for path in (f"bookings/{reference}/pay", f"holds/{hold}/review", f"holds/{hold}/passengers"):
        page.goto(f"/en/{path}")
        assert page.url.endswith(f"/en/bookings/{reference}"), path
    page.go_back()
    page.go_back()

    expect(page.locator("[name=method]")).to_have_count(0)
    assert len(stored(Payment)) == 1


def test_a_card_that_is_declined_can_be_followed_by_another(house, visit):
    page = visit()
    reference = placed(page, "312")
    open_payment_page(Hand(page))
    for name, value in {"number": "4000 0000 0000 0002", "expiry": "12/34", "cvc": "123", "name": "ANNA"}.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("form button[type=submit]").click()
    expect(page.locator("[role=alert]")).to_be_visible()
    assert the_booking().state is BookingState.PENDING

    pay_by_card(Hand(page), reference, CARD)

    expect(page.locator(".page-head .status--good")).to_be_visible()


def test_leaving_the_payment_page_charges_nothing_and_leads_back(house, visit):
    page = visit()
    reference = placed(page, "312")
    open_payment_page(Hand(page))

    page.locator(f"a[href*='/bookings/{reference}/pay/cancelled']").click()

    page.wait_for_url(f"**/bookings/{reference}/pay")
    expect(page.locator("main")).to_contain_text("Nothing was charged")
    open_payment_page(Hand(page))


def test_every_page_keeps_its_place_when_the_language_changes(house, visit):
    page = visit()
    reference = paid(page, "312")
    paper = page.url.rpartition("/")[2]
    hold = held(page, "314")

    for path in (
        "",
        "cruises?month=2024-05&country=TM",
        f"cruises/{CODE}",
        f"cruises/{CODE}/deck-plan?category=DLX&free=1",
        f"cruises/{CODE}/cabins/315",
        f"holds/{hold}/passengers",
        f"bookings/{reference}",
        f"bookings/{reference}/papers",
        f"bookings/{reference}/papers/{paper}",
        "find-booking",
        "sign-in?next=/en/my-bookings",
        "terms",
    ):
        page.goto(f"/en/{path}")
        for language in LOCALES:
            if language != page.locator("html").get_attribute("lang"):
                page.locator(f".languages a[hreflang={language}]").click()
                expect(page.locator("html")).to_have_attribute("lang", language)
            assert page.url.partition(f"/{language}/")[2].partition("?")[0] == path.partition("?")[0]
            for wish in filter(None, path.partition("?")[2].split("&")):
                assert wish.partition("=")[0] in page.url
