"""The voucher and the calendar file: read back as whoever receives them would."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import pikepdf
import pypdfium2
import pytest
from icalendar import Calendar

from portal.booking.documents import calendar, voucher
from portal.booking.queries import BookingPage, booking_page
from portal.booking.services import confirm_booking
from portal.catalogue.models import CallState
from portal.kernel.text import LANGUAGES, LocalizedText
from tests.factories import NOON, details, make_booking, make_season

EVERY_LETTER = "ÇÄŽŇÖŞÜÝ çäžňöşüý Ёё Щщ Ъъ"
HOSTILE = ("#panic()", "$x^2$", "\\", "*bold* _it_", "<b> @ref", '"]#(1/0)', "// no", "`raw`")
MARGIN_POINTS = 40


def confirmed_page(**given) -> BookingPage:
    booking = make_booking(make_season(), passengers=(details(**given),))
    confirm_booking(booking_id=booking.id, now=NOON)
    return booking_page(booking.id)


def with_local_name(page: BookingPage, name: str) -> BookingPage:
    return replace(page, passengers=(replace(page.passengers[0], local_name=name),))


def read(pdf: bytes) -> str:
    """All text of all pages, as a reader selects it, on one line."""
    document = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in document).split())


def events(ics: bytes) -> dict[str, object]:
    """The events of a file by the part of their name between the booking and the host."""
    return {str(event["uid"]).split("@")[0].split("-", 1)[1]: event for event in Calendar.from_ical(ics).walk("VEVENT")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_voucher_names_the_cruise_the_cabin_and_the_passengers(language):
    page = confirmed_page(local_surname="Иванова", local_given_names="Анна", document_number="75 9876543")

    text = read(voucher(page, language))

    assert page.reference in text
    assert page.sailing.code in text
    assert page.sailing.title.within(language) in text
    assert page.sailing.status_text.within(language) in text
    assert page.cabins[0].deck.within(language) in text
    assert "IVANOVA ANNA Иванова Анна" in text
    assert "543" in text
    assert "876543" not in text


def test_a_voucher_gives_boarding_and_calls_in_the_time_of_the_port():
    text = read(voucher(confirmed_page(), "en"))

    assert "Boarding (proposed)" in text
    assert "10:00–12:00" in text
    assert "Departs at 13:00 (UTC+4)" in text
    assert "17 May TMKRW, Turkmenistan 14:00 18 May, 00:00 UTC+5" in text


def test_a_voucher_words_cancellation_as_costs_actually_incurred():
    text = read(voucher(confirmed_page(), "en"))

    assert "Actually incurred costs, at most" in text
    assert "until 16 March 2024 nothing" in text
    assert "from 10 May until 15 May 2024 1,600 ₽" in text


def test_papers_of_children_are_asked_for_only_where_a_child_travels():
    page = confirmed_page()
    child = replace(page.passengers[0], birth_date=date(2015, 1, 1))

    with_child = read(voucher(replace(page, passengers=(*page.passengers, child)), "en"))

    assert "For those under 18" in with_child
    assert "For those under 18" not in read(voucher(page, "en"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_and_never_obeyed(name):
    page = replace(with_local_name(confirmed_page(), name), contact_name=name)

    text = read(voucher(page, "en"))

    assert text.count(name) == 2


def test_every_letter_is_drawn_in_the_portals_own_font():
    pdf = voucher(with_local_name(confirmed_page(), EVERY_LETTER), "tk")

    with pikepdf.open(io.BytesIO(pdf)) as opened:
        dictionaries = [found for found in opened.objects if isinstance(found, pikepdf.Dictionary)]
        fonts = {str(found.BaseFont).partition("+")[2] for found in dictionaries if "/BaseFont" in found}
    assert EVERY_LETTER in read(pdf)
    assert fonts == {"GolosText-Regular", "GolosText-Medium", "GolosText-Bold"}


def test_a_voucher_is_accessible():
    pdf = voucher(confirmed_page(), "ru")

    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert opened.open_metadata()["pdfuaid:part"] == "1"
        assert str(opened.Root.Lang) == "ru"


def test_a_name_in_letters_that_no_font_has_costs_nobody_his_voucher():
    page = with_local_name(confirmed_page(), "山田")

    assert page.reference in read(voucher(page, "en"))


def test_a_long_name_stays_on_the_paper():
    page = confirmed_page()
    passenger = replace(page.passengers[0], surname="W" * 60, given_names="M" * 60, local_name="Щ" * 180)
    long = replace(page, passengers=(passenger,), contact_name="Щ" * 120, contact_email=f"{'w' * 64}@{'w' * 180}.org")

    document = pypdfium2.PdfDocument(voucher(long, "ru"))

    for sheet in document:
        text = sheet.get_textpage()
        edges = [text.get_charbox(place)[2] for place in range(text.count_chars())]
        assert max(edges) < sheet.get_width() - MARGIN_POINTS


def test_the_same_booking_gives_the_same_file():
    page = confirmed_page()

    assert voucher(page, "ru") == voucher(page, "ru")
    assert calendar(page, "ru") == calendar(page, "ru")


def test_vouchers_are_made_for_several_people_at_once(app):
    page = confirmed_page()

    def make(language):
        with app.app_context():
            return voucher(page, language)

    with ThreadPoolExecutor(4) as people:
        made = list(people.map(make, LANGUAGES * 4))

    assert made == [voucher(page, language) for language in LANGUAGES] * 4


def test_a_calendar_has_the_cruise_the_boarding_and_each_arrival():
    page = confirmed_page()

    found = events(calendar(page, "en"))

    assert list(found) == ["cruise", "boarding", "tmkrw-1", "ruasf-2"]
    assert (found["cruise"].start, found["cruise"].end) == (date(2024, 5, 15), date(2024, 5, 20))
    assert found["boarding"].start == page.sailing.starts_at - timedelta(hours=3)
    assert found["boarding"].end == page.sailing.starts_at - timedelta(hours=1)
    call = page.sailing.calls[1]
    assert (found["tmkrw-1"].start, found["tmkrw-1"].end) == (call.arrives_at, call.departs_at)
    assert found["tmkrw-1"]["geo"].to_ical() == "40.0055;52.9933"
    assert "dtend" not in found["ruasf-2"]


def test_a_calendar_says_which_calls_are_not_certain():
    page = confirmed_page()
    calls = list(page.sailing.calls)
    calls[1] = replace(calls[1], state=CallState.CONDITIONAL, notes=LocalizedText({"en": "Waits, for\na permit; yes"}))
    calls[2] = replace(calls[2], state=CallState.CANCELLED)

    found = events(calendar(replace(page, sailing=replace(page.sailing, calls=tuple(calls))), "en"))

    assert found["tmkrw-1"]["status"] == "TENTATIVE"
    assert "Waits, for\na permit; yes" in found["tmkrw-1"]["description"]
    assert found["ruasf-2"]["status"] == "CANCELLED"


def test_a_changed_sailing_replaces_the_events_it_had():
    page = confirmed_page()
    changed = replace(page, sailing=replace(page.sailing, version=page.sailing.version + 1))

    before, after = events(calendar(page, "en")), events(calendar(changed, "ru"))

    assert [event["uid"] for event in before.values()] == [event["uid"] for event in after.values()]
    assert all(after[name]["sequence"] == before[name]["sequence"] + 1 for name in before)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_calendar_file_keeps_to_the_form_that_programs_read(language):
    page = confirmed_page()

    ics = calendar(page, language)

    lines = ics.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert b"\n" not in ics.replace(b"\r\n", b"")
    assert [line.decode() for line in lines]  # no letter is cut in two
    moments = [event[key].dt for event in events(ics).values() for key in ("dtstart", "dtstamp")]
    assert all(moment.utcoffset() == timedelta(0) for moment in moments if isinstance(moment, datetime))
    assert page.sailing.title.within(language) in events(ics)["cruise"]["summary"]
